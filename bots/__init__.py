"""The doors that talk: Telegram now, SMS later. No SQL, no decision."""

"""Doors that talk: Telegram and, later, SMS. No SQL, no decision."""

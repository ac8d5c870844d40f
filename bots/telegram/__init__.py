"""The door of Telegram: one bot per company, many in one process."""

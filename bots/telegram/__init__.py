"""Telegram: linking, balance and orders in a chat, one bot per tenant, many in one process."""

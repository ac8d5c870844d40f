"""Foundations with no word of business: database access, money, time, ids, refusals, pages,
outbox."""

"""Money received: recorded once, allocated to debts, reversed by counter-entry (payments —
оплати)."""

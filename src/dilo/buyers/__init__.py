"""A customer's own house: its users, divisions, spending limits, approvals, addresses
(buyers — компанії-покупці)."""

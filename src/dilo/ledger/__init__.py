"""The journal: append-only double entry with analytics on the line (ledger — головна книга,
проводки)."""

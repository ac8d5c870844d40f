"""What clients owe: documents, open items, allocations (receivables — дебіторська
заборгованість)."""

"""What we owe to suppliers: bills and what was paid on them."""

"""What is sold: products, units, barcodes, categories (catalogue — номенклатура)."""

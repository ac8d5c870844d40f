"""Proof that the figures add up: named invariants, each one statement (books — звірка обліку)."""

"""One file per command of ``dilo``; each exposes ``command``."""

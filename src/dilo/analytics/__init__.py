"""Reports: figures over the whole company, each one set-based statement (analytics — звіти)."""

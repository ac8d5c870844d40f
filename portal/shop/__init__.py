"""The shop's door: what a stranger sees under ``/{uk|en|ru}/``. It decides nothing."""

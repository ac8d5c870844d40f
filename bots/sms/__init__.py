"""SMS as a door: short plain text in, short plain text out. No SQL, no decision."""

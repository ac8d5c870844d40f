"""Credit policy: checks and what a breach does; securities; temporary limits; the holding."""

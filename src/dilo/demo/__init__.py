"""Two believable distributors for a first look: a year of trade from a seeded generator."""

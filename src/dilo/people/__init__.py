"""Staff of the tenant: who they are, their role and what it permits (people — співробітники)."""

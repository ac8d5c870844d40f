"""The public API: a door like the others, on the tenant's host, with a bearer key."""

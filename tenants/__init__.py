"""Whose house it is: tenants, hosts, identities, sessions, and the scope nothing works outside
of."""

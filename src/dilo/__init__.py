"""Dilo: the platform a company that sells on credit runs on."""

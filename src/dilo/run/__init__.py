"""Composes the house: settings, servers, web, worker, command line. Decides nothing."""

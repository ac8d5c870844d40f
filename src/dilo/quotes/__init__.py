"""Requests for a price and their versions, until one is accepted (quotes — комерційні
пропозиції)."""

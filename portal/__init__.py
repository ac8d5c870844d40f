"""The door for clients and dealers: own prices, own cart, own debts. No rule of its own, no SQL."""

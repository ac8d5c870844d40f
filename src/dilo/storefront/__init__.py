"""The shop a stranger walks into: goods in public, guests, their orders, what is said of goods.

*Guest*: whoever has a cart and no name yet. A shop is a frozen ``Shop``: pages read only that, so
that a dealer may open one of his own.
"""

"""Orders from any door to the shelf: one decision engine, one lifecycle (orders — замовлення).

draft > submitted > confirmed | on_hold > partially_shipped > shipped > closed; cancelled.
"""

"""What is on the shelf: warehouses, levels, moves, reservations (stock — склад, залишки)."""

"""A count of the shelf: levels become what was counted, the difference is a move."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any
from uuid import UUID

from dilo.kit import db
from dilo.stock.actions import lock_levels, receive

WAREHOUSES = """
INSERT INTO warehouse (code, name, is_default)
SELECT c, c, row_number() OVER (ORDER BY n) = 1
  AND NOT EXISTS (SELECT 1 FROM warehouse WHERE is_default)
FROM unnest(:codes::text[]) WITH ORDINALITY AS g(c, n) ON CONFLICT (tenant_id, code) DO NOTHING
"""
BY_CODE = "SELECT code, id FROM warehouse WHERE code = ANY(:codes)"


async def ensure_warehouses(codes: Sequence[str]) -> dict[str, UUID]:
    await db.execute(WAREHOUSES, codes=list(codes))
    return {row["code"]: row["id"] for row in await db.rows(BY_CODE, codes=list(codes))}


async def set_counts(
    warehouse_id: UUID, counted: Sequence[tuple[UUID, Decimal]]
) -> tuple[int, int, list[UUID]]:
    """Returns (inserted, updated, refused: less than is reserved)."""
    levels = await lock_levels(warehouse_id, [product_id for product_id, _ in counted])
    moves: list[tuple[UUID, Decimal]] = []
    refused: list[UUID] = []
    fresh: dict[str, int] = {"new": 0, "old": 0}
    for product_id, quantity in counted:
        level: Any = levels.get(product_id)
        if level is not None and quantity < level.reserved:
            refused.append(product_id)
        elif quantity != (level.on_hand if level else 0):
            moves.append((product_id, quantity - (level.on_hand if level else 0)))
            fresh["old" if level else "new"] += 1
    await receive(warehouse_id, moves, "adjustment")
    return fresh["new"], fresh["old"], refused

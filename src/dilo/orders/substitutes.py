"""What may be sold instead of a product that is retired or short: offered, never swapped."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

from dilo.catalogue.shelf import VISIBLE
from dilo.kit import db
from dilo.stock.actions import AWAITED

MOST = 3
SUBSTITUTES = f"""
SELECT r.product_id AS instead_of, p.id AS product_id, p.code, p.name, p.unit,
  greatest(coalesce(s.on_hand - s.reserved, 0) - {AWAITED}, 0) AS available
FROM product_relation r JOIN product p ON p.id = r.other_id AND p.retired_at IS NULL
  AND {VISIBLE}
LEFT JOIN stock_level s ON s.product_id = p.id AND s.warehouse_id = :warehouse_id
WHERE r.kind = 'substitute' AND r.product_id = ANY(:products)
ORDER BY r.product_id, coalesce(s.on_hand - s.reserved, 0) > 0 DESC, p.name, p.id
"""


@dataclass(frozen=True, slots=True)
class Substitute:
    product_id: UUID
    code: str
    name: str
    unit: str
    available: Decimal


async def substitutes_of(
    products: Sequence[UUID], warehouse_id: UUID | None, viewer: UUID
) -> dict[UUID, list[Substitute]]:
    """A few for each of what ``viewer`` may see, those on the shelf first. One query, none
    where nothing is asked."""
    found: dict[UUID, list[Substitute]] = {}
    if not products:
        return found
    rows = await db.rows(
        SUBSTITUTES, products=list(products), warehouse_id=warehouse_id, viewer=viewer
    )
    for row in rows:
        instead_of, *rest = row
        few = found.setdefault(instead_of, [])
        if len(few) < MOST:
            few.append(Substitute(*rest))
    return found

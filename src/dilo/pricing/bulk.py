"""Many prices in one statement: what an import brings."""

from collections.abc import Sequence
from typing import Any

from dilo.kit import db

LISTS = """
INSERT INTO price_list (code, name, currency) SELECT c, c, :currency FROM unnest(:codes::text[])
  AS c
ON CONFLICT (tenant_id, code) DO NOTHING
"""
BASE = """
INSERT INTO price_assignment (price_list_id, scope)
SELECT id, 'base' FROM price_list WHERE code = :code
  AND NOT EXISTS (SELECT 1 FROM price_assignment WHERE scope = 'base') ON CONFLICT DO NOTHING
"""
UPSERT = """
WITH written AS (
  INSERT INTO price_item AS i (price_list_id, product_id, min_quantity, price)
  SELECT l.id, p.id, g.min_quantity, g.price
  FROM unnest(:lists::text[], :codes::text[], :least::numeric[], :prices::numeric[])
    AS g(list, code, min_quantity, price)
  JOIN price_list l ON l.code = g.list JOIN product p ON p.code = g.code
  ON CONFLICT (tenant_id, product_id, price_list_id, min_quantity) DO UPDATE
  SET price = excluded.price WHERE i.price <> excluded.price RETURNING xmax = 0 AS fresh)
SELECT count(*) FILTER (WHERE fresh) AS inserted, count(*) FILTER (WHERE NOT fresh) AS updated
FROM written
"""


async def upsert_prices(
    rows: Sequence[dict[str, Any]], currency: str, base: str
) -> tuple[int, int]:
    """Products must be known. A list never named before is made; the first is everybody's."""
    await db.execute(LISTS, codes=sorted({row["list"] for row in rows}), currency=currency)
    await db.execute(BASE, code=base)
    found = await db.one(
        UPSERT,
        lists=[r["list"] for r in rows],
        codes=[r["code"] for r in rows],
        least=[r["min_quantity"] for r in rows],
        prices=[r["price"] for r in rows],
    )
    return found["inserted"], found["updated"]

"""Many products in a few statements: what an import brings."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from dilo.catalogue.attributes import put_attributes
from dilo.kit import db

CATEGORIES = """
INSERT INTO category (code, name) SELECT left(lower(c), 60), c FROM unnest(:names::text[]) AS c
ON CONFLICT (tenant_id, code) DO NOTHING
"""
UPSERT = """
WITH given AS (
  SELECT g.*, c.id AS category_id
  FROM unnest(:codes::text[], :names::text[], :units::text[], :categories::text[], :kinds::text[])
    AS g(code, name, unit, category, kind)
  LEFT JOIN category c ON c.code = left(lower(g.category), 60)),
written AS (
  INSERT INTO product AS p (code, name, unit, category_id, kind)
  SELECT g.code, g.name, coalesce(nullif(g.unit, ''), o.unit, 'pcs'),
    coalesce(g.category_id, o.category_id), coalesce(nullif(g.kind, ''), o.kind, 'goods')
  FROM given g LEFT JOIN product o ON o.code = g.code
  ON CONFLICT (tenant_id, code) DO UPDATE SET name = excluded.name, unit = excluded.unit,
    category_id = excluded.category_id, kind = excluded.kind
  WHERE (p.name, p.unit, p.category_id, p.kind) IS DISTINCT FROM
    (excluded.name, excluded.unit, excluded.category_id, excluded.kind)
  RETURNING code, xmax = 0 AS fresh)
SELECT code, fresh FROM written
"""
BARCODES = """
INSERT INTO barcode (product_id, code)
SELECT p.id, g.barcode FROM unnest(:codes::text[], :barcodes::text[]) AS g(code, barcode)
JOIN product p ON p.code = g.code ON CONFLICT (tenant_id, code) DO NOTHING
"""
ENSURE = """
INSERT INTO product (code, name, kind)
SELECT * FROM unnest(:codes::text[], :names::text[], :kinds::text[])
ON CONFLICT (tenant_id, code) DO NOTHING
"""
IDS = "SELECT code, id FROM product WHERE code = ANY(:codes)"


async def upsert_products(rows: Sequence[dict[str, Any]]) -> tuple[int, int]:
    """A blank unit, category or kind leaves what is there. Returns how many are new, how many
    changed (in attributes too)."""
    categories = sorted({row["category"] for row in rows if row["category"]})
    if categories:
        await db.execute(CATEGORIES, names=categories)
    written = await db.rows(
        UPSERT,
        codes=[r["code"] for r in rows],
        names=[r["name"] for r in rows],
        units=[r["unit"] for r in rows],
        categories=[r["category"] for r in rows],
        kinds=[r["kind"] for r in rows],
    )
    barcodes = [(r["code"], r["barcode"]) for r in rows if r["barcode"]]
    if barcodes:
        await db.execute(
            BARCODES, codes=[b[0] for b in barcodes], barcodes=[b[1] for b in barcodes]
        )
    new = {row["code"] for row in written if row["fresh"]}
    changed = {row["code"] for row in written} | await put_attributes(
        [(r["code"], *pair) for r in rows for pair in r["attributes"]]
    )
    return len(new), len(changed - new)


async def ensure_products(products: Sequence[tuple[str, str, str]]) -> None:
    """(code, name, kind) of products that may be new; the known ones are left alone."""
    ordered = sorted(products)
    await db.execute(
        ENSURE,
        codes=[p[0] for p in ordered],
        names=[p[1] for p in ordered],
        kinds=[p[2] for p in ordered],
    )


async def ids_of_codes(codes: Sequence[str]) -> dict[str, UUID]:
    return {row["code"]: row["id"] for row in await db.rows(IDS, codes=list(codes))}

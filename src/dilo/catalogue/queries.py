"""Products: search, page, card."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from dilo.catalogue.shelf import VISIBLE
from dilo.kit import db
from dilo.kit.paging import Page, Paging

LIST = """
SELECT t.*, count(*) OVER () AS total_rows FROM (
  SELECT p.id, p.code, p.name, p.kind, p.unit, p.pack_size, p.retired_at, c.name AS category,
    coalesce(s.on_hand, 0) AS on_hand, coalesce(s.reserved, 0) AS reserved
  FROM product p
  LEFT JOIN category c ON c.id = p.category_id
  LEFT JOIN LATERAL (SELECT sum(on_hand) AS on_hand, sum(reserved) AS reserved
                     FROM stock_level l WHERE l.product_id = p.id) s ON true
  WHERE (:search = '' OR p.id IN (SELECT product_id FROM search_products(:search, NULL)))
    AND (:category = '' OR (SELECT id FROM category WHERE code = :category) = ANY(c.path))
    AND CASE :lacking WHEN 'category' THEN p.category_id IS NULL
      WHEN 'price' THEN NOT EXISTS (SELECT FROM price_item i WHERE i.product_id = p.id)
      WHEN 'picture' THEN NOT EXISTS (SELECT FROM product_media m WHERE m.product_id = p.id
        AND m.kind = 'picture') ELSE true END
    AND (:kind = '' OR p.kind = :kind) AND (:retired OR p.retired_at IS NULL)
    AND (NOT :in_stock OR s.on_hand > s.reserved)) t
"""
SORTS = {"name": "t.name", "code": "t.code", "on_hand": "t.on_hand", "category": "t.category"}
ONE = """
SELECT p.id, p.code, p.name, p.kind, p.unit, p.pack_size, p.description, p.retired_at, p.cost,
  p.category_id, p.series, c.name AS category,
  coalesce(array_agg(b.code) FILTER (WHERE b.id IS NOT NULL), '{}') AS barcodes
FROM product p LEFT JOIN category c ON c.id = p.category_id LEFT JOIN barcode b ON b.product_id =
  p.id
WHERE p.id = :id GROUP BY p.tenant_id, p.id, c.name
"""
CATEGORIES = """
SELECT c.id, c.code, c.name, c.business_line, c.parent_id, c.path, count(p.id) AS products
FROM category c LEFT JOIN product p ON p.category_id = c.id AND p.retired_at IS NULL
GROUP BY c.tenant_id, c.id ORDER BY c.name
"""
BY_TEXT = f"""
SELECT p.id, p.code, p.name, p.unit FROM search_products(:search, :viewer) f
JOIN product p ON p.id = f.product_id
WHERE p.retired_at IS NULL AND {VISIBLE}
ORDER BY f.rank DESC, p.popularity DESC, p.name LIMIT :most
"""
BY_CODES = f"""
WITH found AS (
  SELECT p.code AS ref, p.id, p.code, p.name FROM product p
  WHERE p.retired_at IS NULL AND lower(p.code) = ANY(:codes) AND {VISIBLE}
  UNION ALL
  SELECT b.code, p.id, p.code, p.name FROM barcode b JOIN product p ON p.id = b.product_id
  WHERE p.retired_at IS NULL AND b.code = ANY(:codes) AND {VISIBLE})
SELECT i.folded AS ref, p.id, p.code, p.name FROM party_item_code i
JOIN product p ON p.id = i.product_id
WHERE i.party_id = :viewer AND i.folded = ANY(:codes) AND p.retired_at IS NULL AND {VISIBLE}
UNION ALL TABLE found
"""
LEVELS = """
SELECT w.id AS warehouse_id, w.name AS warehouse, l.on_hand, l.reserved
FROM stock_level l JOIN warehouse w ON w.id = l.warehouse_id
WHERE l.product_id = :id ORDER BY w.name
"""
MOVES = """
SELECT m.moved_at, m.quantity, m.reason, w.name AS warehouse FROM stock_move m
JOIN warehouse w ON w.id = m.warehouse_id WHERE m.product_id = :id
ORDER BY m.moved_at DESC, m.id DESC LIMIT 30
"""
PRICES = """
SELECT i.id, l.name AS list_name, l.code AS list_code, l.currency, i.min_quantity, i.price,
  string_agg(DISTINCT a.scope, ', ') AS scopes
FROM price_item i JOIN price_list l ON l.id = i.price_list_id
LEFT JOIN price_assignment a ON a.price_list_id = l.id
WHERE i.product_id = :id GROUP BY i.id, l.name, l.code, l.currency, i.min_quantity, i.price
ORDER BY l.name, i.min_quantity
"""


@dataclass(frozen=True, slots=True)
class ProductRow:
    id: UUID
    code: str
    name: str
    kind: str
    unit: str
    pack_size: Decimal
    retired_at: datetime | None
    category: str | None
    on_hand: Decimal
    reserved: Decimal

    @property
    def available(self) -> Decimal:
        return self.on_hand - self.reserved


@dataclass(frozen=True, slots=True)
class Product:
    id: UUID
    code: str
    name: str
    kind: str
    unit: str
    pack_size: Decimal
    description: str | None
    retired_at: datetime | None
    cost: Decimal | None
    category_id: UUID | None
    series: str | None
    category: str | None
    barcodes: list[str]


async def products(
    paging: Paging,
    *,
    search: str = "",
    category: str = "",
    kind: str = "",
    retired: bool = False,
    in_stock: bool = False,
    lacking: str = "",
) -> Page[ProductRow]:
    """``lacking``: only those without a picture, price or category."""
    found = await db.rows(
        f"{LIST} ORDER BY {paging.order_by(SORTS, 'name')}, t.id LIMIT :size OFFSET :offset",
        search=search.strip()[:100],
        lacking=lacking,
        category=category,
        kind=kind,
        retired=retired,
        in_stock=in_stock,
        size=paging.size,
        offset=paging.offset,
    )
    return db.page_of(ProductRow, found, paging)


async def product(product_id: UUID) -> Product:
    return await db.one_as(Product, ONE, id=product_id)


async def categories() -> list[db.Row]:
    return await db.rows(CATEGORIES)


async def products_like(search: str, most: int = 12, viewer: UUID | None = None) -> list[db.Row]:
    """What was meant, better first: both alphabets, the other keyboard layout, typos.

    ``viewer`` is a company: only what it sees, and its own articles are understood.
    """
    return await db.rows(BY_TEXT, search=search, most=most, viewer=viewer)


async def products_of_codes(codes: Sequence[str], viewer: UUID | None = None) -> dict[str, db.Row]:
    """By code (any case), barcode or the viewer's own article, which yields to ours; keys are
    lower-cased."""
    wanted = [code.lower().strip() for code in codes]
    found = await db.rows(BY_CODES, codes=wanted, viewer=viewer)
    return {row["ref"].lower(): row for row in found}


async def levels_of(product_id: UUID) -> list[db.Row]:
    return await db.rows(LEVELS, id=product_id)


async def moves_of(product_id: UUID) -> list[db.Row]:
    return await db.rows(MOVES, id=product_id)


async def prices_of(product_id: UUID) -> list[db.Row]:
    return await db.rows(PRICES, id=product_id)

"""Goods as a buyer finds them: searched, filtered, counted by facet, sorted, his own prices among
the filters. Two statements a page whatever its size; its prices are a third (``offers``).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, NamedTuple
from uuid import UUID

from dilo.catalogue.shelf import VISIBLE
from dilo.kit import db
from dilo.kit.paging import Page, Paging
from dilo.pricing.queries import LISTS, Buyer, buyer_values

# The price shown first: at one unit, else at the least quantity a list has it from.
OWN = """
own AS (
  SELECT DISTINCT ON (i.product_id) i.product_id, i.price
  FROM lists l JOIN price_item i ON i.price_list_id = l.id
  ORDER BY i.product_id, i.min_quantity > 1, l.rank, l.valid_from DESC NULLS LAST, l.code,
    CASE WHEN i.min_quantity <= 1 THEN -i.min_quantity ELSE i.min_quantity END)
"""
BOUGHT = """
bought AS (
  SELECT l.product_id, count(*) AS times, max(v.issued_on) AS last_on
  FROM invoice v JOIN invoice_line l ON l.invoice_id = v.id
  WHERE v.party_id = :party_id AND v.kind = 'invoice' GROUP BY l.product_id)
"""
MATCHED = f"""
FROM product p {{joins}}
WHERE p.retired_at IS NULL AND p.kind = 'goods' AND {VISIBLE} {{conditions}}
"""
CONDITIONS = {
    "category": """AND p.category_id = ANY(ARRAY(SELECT c.id FROM category c
      WHERE (SELECT id FROM category WHERE code = :category) = ANY(c.path)))""",
    "in_stock": """AND EXISTS (SELECT FROM stock_level s WHERE s.product_id = p.id
      AND s.on_hand > s.reserved)""",
    "favourites": """AND p.id IN (SELECT m.product_id FROM product_mark m
      WHERE m.identity_id = :favourites AND m.kind = 'favourite')""",
    "low": "AND own.price >= :low",
    "high": "AND own.price <= :high",
    "series": "AND p.series = :series",
}
CHOSEN = """
AND NOT EXISTS (SELECT FROM unnest(CAST(:names AS text[])) AS wanted(name) WHERE NOT EXISTS (
  SELECT FROM product_attribute a
  JOIN unnest(CAST(:pair_names AS text[]), CAST(:pair_values AS text[])) AS g(name, value)
    ON g.name = a.name AND g.value = a.value
  WHERE a.product_id = p.id AND a.name = wanted.name))
"""
SORTS = {
    "name": "p.name",
    "code": "p.code",
    "price": "own.price",
    "popular": "-p.popularity",
    "new": "-extract(epoch FROM p.created_at)",
    "bought": "-bought.times",
    "relevance": "-found.rank",
}
DRESSED = """
SELECT p.id, p.code, p.name, p.unit, p.pack_size, p.category_id, c.name AS category,
  c.code AS category_code, coalesce(s.on_hand - s.reserved, 0) AS available, m.key AS picture,
  m.width, m.height, m.alt, i.code AS own_code
FROM shown JOIN product p ON p.id = shown.id
LEFT JOIN category c ON c.id = p.category_id
LEFT JOIN LATERAL (SELECT sum(on_hand) AS on_hand, sum(reserved) AS reserved
  FROM stock_level l WHERE l.product_id = p.id) s ON true
LEFT JOIN LATERAL (SELECT key, width, height, alt FROM product_media m
  WHERE m.product_id = p.id AND m.kind = 'picture' ORDER BY m.position, m.id LIMIT 1) m ON true
LEFT JOIN LATERAL (SELECT code FROM party_item_code i
  WHERE i.product_id = p.id AND i.party_id = :viewer ORDER BY i.id LIMIT 1) i ON true
ORDER BY shown.n
"""
ROWS = """
WITH {ctes} shown AS (
  SELECT p.id, row_number() OVER (ORDER BY {order}, p.id) AS n
  {matched} ORDER BY {order}, p.id LIMIT :size OFFSET :offset)
"""
NAMED = f"""
WITH shown AS (
  SELECT p.id, a.n FROM unnest(CAST(:ids AS uuid[])) WITH ORDINALITY AS a(id, n)
  JOIN product p ON p.id = a.id WHERE p.retired_at IS NULL AND {VISIBLE})
{DRESSED}
"""
PAID = """
SELECT v.issued_on, v.number, v.id AS invoice_id, l.quantity, l.price, v.currency
FROM invoice v JOIN invoice_line l ON l.invoice_id = v.id
WHERE v.party_id = :party_id AND l.product_id = :product_id AND v.kind = 'invoice'
ORDER BY v.issued_on DESC, v.number DESC LIMIT 5
"""
TREE = "SELECT id, code, name, parent_id, path FROM category ORDER BY name, id"
# How many in each category, where nothing but the shelf itself is asked for.
OF_ALL = """
WITH {ctes} matched AS (SELECT p.category_id {matched})
SELECT 'category' AS what, NULL AS name, category_id::text AS value, count(*) AS products
FROM matched GROUP BY category_id
"""
# One pass: how many in each category, how many in each value of each facet. A facet's own choice
# does not narrow its own counts (or inside, and between).
COUNTS = """
WITH {ctes} matched AS MATERIALIZED (SELECT p.id, p.category_id {matched}),
chosen AS (
  SELECT a.product_id, array_agg(DISTINCT a.name) AS names FROM product_attribute a
  JOIN unnest(CAST(:pair_names AS text[]), CAST(:pair_values AS text[])) AS g(name, value)
    ON g.name = a.name AND g.value = a.value
  GROUP BY a.product_id),
judged AS MATERIALIZED (
  SELECT m.id, m.category_id, CAST(:names AS text[]) <@ coalesce(h.names, '{{}}') AS fits,
    coalesce(h.names, '{{}}') AS names
  FROM matched m LEFT JOIN chosen h ON h.product_id = m.id)
SELECT 'category' AS what, NULL AS name, category_id::text AS value, count(*) AS products,
  NULL::numeric AS number
FROM judged WHERE fits GROUP BY category_id
UNION ALL
SELECT * FROM (
  SELECT 'facet', a.name, a.value, count(*), min(a.number)
  FROM judged j JOIN product_attribute a ON a.product_id = j.id
  WHERE j.fits OR a.name = ANY(CAST(:names AS text[]))
    AND CAST(:names AS text[]) <@ (j.names || a.name)
  GROUP BY a.name, a.value ORDER BY 4 DESC LIMIT 400) f
"""
FACETS_MAX, VALUES_MAX, CHOSEN_MAX = 12, 30, 20


@dataclass(frozen=True, slots=True)
class Wish:
    """What a buyer asks of the shelf. ``attributes``: name to values (any of them); between names
    all must hold. ``favourites`` is whose."""

    search: str = ""
    category: str = ""
    attributes: Mapping[str, Sequence[str]] = field(default_factory=dict)
    in_stock: bool = False
    low: Decimal | None = None
    high: Decimal | None = None
    favourites: UUID | None = None
    bought: bool = False
    series: str = ""

    @property
    def narrow(self) -> bool:
        """Whether facets say something: of the whole catalogue they would not."""
        return bool(self.search or self.category or self.attributes or self.favourites)


@dataclass(frozen=True, slots=True)
class Good:
    id: UUID
    code: str
    name: str
    unit: str
    pack_size: Decimal
    category_id: UUID | None
    category: str | None
    category_code: str | None
    available: Decimal
    picture: str | None
    width: int | None
    height: int | None
    alt: dict[str, str] | None
    own_code: str | None


class Category(NamedTuple):
    """``path``: ids from the root to itself."""

    id: UUID
    code: str
    name: str
    parent_id: UUID | None
    path: list[UUID]


class FacetValue(NamedTuple):
    value: str
    products: int
    chosen: bool


@dataclass(frozen=True, slots=True)
class Counts:
    """``categories``: how many match in each, without those inside; ``facets`` in order."""

    total: int
    categories: dict[UUID | None, int]
    facets: list[tuple[str, list[FacetValue]]]


def parts(buyer: Buyer, wish: Wish, sort: str) -> tuple[str, str, dict[str, Any]]:
    """CTEs, FROM and WHERE, and every value they may need."""
    ctes, joins, conditions = [], [], []
    if wish.search:
        joins.append("JOIN search_products(:search, :viewer) found ON found.product_id = p.id")
    if sort.removeprefix("-") == "price" or wish.low is not None or wish.high is not None:
        ctes += [LISTS, OWN]
        joins.append("LEFT JOIN own ON own.product_id = p.id")
    if wish.bought or sort.removeprefix("-") == "bought":
        ctes.append(BOUGHT)
        kind = "JOIN" if wish.bought else "LEFT JOIN"
        joins.append(f"{kind} bought ON bought.product_id = p.id")
    conditions += [
        text for name, text in CONDITIONS.items() if getattr(wish, name) not in (None, "", False)
    ]
    return (
        "".join(f"{one.strip()}, " for one in ctes),
        MATCHED.format(joins=" ".join(joins), conditions=" ".join(conditions)),
        _values(buyer, wish),
    )


def _values(buyer: Buyer, wish: Wish) -> dict[str, Any]:
    pairs = [(n, v) for n, values in wish.attributes.items() for v in values][:CHOSEN_MAX]
    return buyer_values(buyer, None) | {
        "viewer": buyer.party_id,
        "search": wish.search,
        "category": wish.category,
        "low": wish.low,
        "high": wish.high,
        "favourites": wish.favourites,
        "series": wish.series,
        "names": sorted({name for name, _ in pairs}),
        "pair_names": [name for name, _ in pairs],
        "pair_values": [value for _, value in pairs],
    }


def needed(sql: str, values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: values[name] for name in db.names(sql)}


async def goods_for(buyer: Buyer, wish: Wish, paging: Paging, counts: Counts) -> Page[Good]:
    """A page of what the buyer's company may see and asked for."""
    order = paging.order_by(SORTS, "relevance" if wish.search else "name")
    if "found.rank" in order and not wish.search:
        order = SORTS["name"]
    sort = paging.sort if paging.sort.removeprefix("-") in SORTS else ""
    ctes, matched, values = parts(buyer, wish, sort)
    if wish.attributes:
        matched += CHOSEN
    if order == SORTS["relevance"]:
        order += ", p.popularity DESC"
    if order != SORTS["name"]:
        order += ", p.name"
    if wish.narrow:  # walking the index of names for the few that fit costs the whole catalogue
        order = order.replace("p.name", "(p.name || '')")
    sql = ROWS.format(ctes=ctes, order=order, matched=matched) + DRESSED
    values |= {"size": paging.size, "offset": paging.offset}
    rows = await db.rows_as(Good, sql, **needed(sql, values))
    return Page(rows, counts.total, paging)


async def goods_of(viewer: UUID | None, ids: Sequence[UUID]) -> list[Good]:
    """These products, in this order, those the viewer sees."""
    return await db.rows_as(Good, NAMED, ids=list(ids), viewer=viewer)


async def paid_before(party_id: UUID, product_id: UUID) -> list[db.Row]:
    """The company's last purchases of a product, the latest first."""
    return await db.rows(PAID, party_id=party_id, product_id=product_id)


async def category_tree() -> list[Category]:
    return await db.rows_as(Category, TREE)


async def counts_for(buyer: Buyer, wish: Wish) -> Counts:
    """How many match, by category and by facet."""
    ctes, matched, values = parts(buyer, wish, "")
    sql = (COUNTS if wish.narrow else OF_ALL).format(ctes=ctes, matched=matched)
    categories, found = {}, {}
    for row in await db.rows(sql, **needed(sql, values)):
        if row["what"] == "category":
            categories[UUID(row["value"]) if row["value"] else None] = row["products"]
        else:
            found.setdefault(row["name"], []).append(row)
    total = sum(categories.values())
    return Counts(total, categories, _facets(found, wish.attributes))


def _facets(
    found: Mapping[str, Sequence[db.Row]], chosen: Mapping[str, Sequence[str]]
) -> list[tuple[str, list[FacetValue]]]:
    """The most telling facets first; a facet of one value tells nothing unless it is chosen."""
    made = []
    for name, rows in found.items():
        if len(rows) < 2 and name not in chosen:
            continue
        ordered = sorted(
            rows[:VALUES_MAX], key=lambda r: (r["number"] is None, r["number"] or 0, r["value"])
        )
        made.append(
            (
                name,
                [
                    FacetValue(r["value"], r["products"], r["value"] in chosen.get(name, ()))
                    for r in ordered
                ],
            )
        )
    made.sort(key=lambda one: (one[0] not in chosen, -sum(v.products for v in one[1]), one[0]))
    return made[:FACETS_MAX]

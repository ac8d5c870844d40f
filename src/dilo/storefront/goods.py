"""Goods as a shopper sees them: cards with prices, a category with facets, addresses, sitemap.

The shelf is the one buyers have (``pricing.showcase``), looked at with nobody's eyes or the
visitor's own; here it gets addresses, reviews and promotions, a page in a handful of statements.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

from dilo.catalogue.relatives import related_to
from dilo.catalogue.shelf import VISIBLE
from dilo.kit import db
from dilo.kit.money import ZERO
from dilo.kit.paging import Page, Paging
from dilo.orders.actions.place import buyer_of
from dilo.pricing import showcase
from dilo.pricing.queries import priced
from dilo.pricing.showcase import Counts, Good, Wish
from dilo.promotions.queries import offers
from dilo.promotions.rules import Reduced, promoted
from dilo.storefront.shop import Shop
from tenants.scope import current_tenant

ONE = Decimal(1)
SITEMAP_SIZE, RELATED_MAX = 20_000, 8
# What the shop knows of goods beside the catalogue: addresses, its own warehouse, reviews.
BESIDE = """
SELECT w.id, s.slug, r.stars, coalesce(r.reviews, 0) AS reviews,
  (SELECT sum(l.on_hand - l.reserved) FROM stock_level l WHERE l.product_id = w.id
    AND l.warehouse_id = CAST(:warehouse_id AS uuid)) AS available
FROM unnest(:products::uuid[]) AS w(id)
JOIN shop_slug s ON s.kind = 'product' AND s.subject_id = w.id AND s.is_current
LEFT JOIN LATERAL (SELECT avg(stars) AS stars, count(*) AS reviews FROM review v
  WHERE v.product_id = w.id AND v.state = 'published') r ON true
"""
SORTS = {"name": "name", "new": "new", "price": "price", "-price": "-price"}
CATEGORIES = f"""
SELECT c.id, c.code, c.name, c.parent_id, c.path, s.slug, coalesce(n.products, 0) AS products
FROM category c
JOIN shop_slug s ON s.kind = 'category' AND s.subject_id = c.id AND s.is_current
LEFT JOIN (SELECT t.id, count(*) AS products FROM product p
  JOIN category c ON c.id = p.category_id, unnest(c.path) AS t(id)
  WHERE p.retired_at IS NULL AND p.kind = 'goods' AND {VISIBLE} GROUP BY t.id) n ON n.id = c.id
WHERE coalesce(n.products, 0) > 0 ORDER BY c.name
"""
OF_SLUG = """
SELECT s.subject_id, s.is_current, n.slug AS current FROM shop_slug s
JOIN shop_slug n ON n.kind = s.kind AND n.subject_id = s.subject_id AND n.is_current
WHERE s.kind = :kind AND s.slug = :slug
"""
FEATURED = f"""
SELECT p.id FROM product p
WHERE p.retired_at IS NULL AND p.kind = 'goods' AND {VISIBLE}
  AND EXISTS (SELECT 1 FROM stock_level l WHERE l.product_id = p.id AND l.on_hand > l.reserved)
ORDER BY EXISTS (SELECT 1 FROM promotion f WHERE f.product_id = p.id AND f.ended_at IS NULL
    AND f.starts_on <= :on AND (f.ends_on IS NULL OR f.ends_on >= :on)) DESC,
  p.created_at DESC, p.id DESC LIMIT :most
"""
NEIGHBOURS = f"""
SELECT p.id FROM product p WHERE p.category_id = :category_id AND p.id <> :id AND p.kind = 'goods'
  AND p.retired_at IS NULL AND {VISIBLE} ORDER BY p.id > :id DESC, p.id LIMIT 4
"""
SITEMAP = f"""
SELECT s.slug, s.kind FROM shop_slug s JOIN product p ON p.id = s.subject_id
WHERE s.kind = 'product' AND s.is_current AND p.retired_at IS NULL AND p.kind = 'goods'
  AND {VISIBLE} ORDER BY s.slug LIMIT :size OFFSET :offset
"""
COUNT = f"""
SELECT count(*) FROM product p WHERE p.retired_at IS NULL AND p.kind = 'goods' AND {VISIBLE}
"""


@dataclass(frozen=True, slots=True)
class Card:
    """One of the goods. ``was``: the price before promotions, None where nothing is taken off.
    ``to_order``: sold though the shelf is empty."""

    id: UUID
    code: str
    name: str
    unit: str
    category_id: UUID | None
    slug: str
    available: Decimal | None
    picture: str | None
    stars: Decimal | None
    reviews: int
    price: Decimal | None = None
    was: Decimal | None = None
    promotion: str = ""
    to_order: bool = False

    @property
    def for_sale(self) -> bool:
        return self.price is not None and (self.in_stock or self.to_order)

    @property
    def in_stock(self) -> bool:
        return self.available is not None and self.available > 0

    @property
    def saved_percent(self) -> int:
        return (
            round((1 - self.price / self.was) * 100) if self.was and self.price is not None else 0
        )


async def cards(shop: Shop, products: Sequence[UUID]) -> list[Card]:
    """Those of them the visitor sees, in this order."""
    if not products:
        return []
    return await _dressed(shop, await showcase.goods_of(shop.viewer, products))


async def _dressed(shop: Shop, found: Sequence[Good]) -> list[Card]:
    """Three statements: what the shop says of them, what they cost, what is taken off."""
    ids = [one.id for one in found]
    if not ids:
        return []
    rows = await db.rows(BESIDE, products=ids, warehouse_id=shop.terms.warehouse_id)
    beside = {row["id"]: row for row in rows}
    prices = await priced(buyer_of(shop.terms), [(one, ONE) for one in ids])
    open_offers = await offers(ids, shop.terms.segment, current_tenant().today())
    reduced = promoted(
        [Reduced(ONE, round(one.price or ZERO, 2)) for one in prices],
        [open_offers.get(one, []) for one in ids],
    )
    return [
        _card(good, beside[good.id], price.price, less)
        for good, price, less in zip(found, prices, reduced, strict=True)
        if good.id in beside
    ]


def _card(good: Good, row: db.Row, price: Decimal | None, less: Reduced) -> Card:
    asked = None if price is None else (less.amount if less.given else price)
    return Card(
        **row,
        code=good.code,
        name=good.name,
        unit=good.unit,
        category_id=good.category_id,
        picture=good.picture,
        price=asked,
        was=less.list_amount if less.given else None,
        promotion=", ".join(one.name for one in less.given),
    )


async def listed(shop: Shop, wish: Wish, paging: Paging) -> tuple[Page[Card], Counts]:
    """A page of the same shelf buyers have, and how many there are by facet."""
    buyer = buyer_of(shop.terms)
    counts = await showcase.counts_for(buyer, wish)
    sorted_ = Paging(paging.number, paging.size, SORTS.get(paging.sort, ""))
    page = await showcase.goods_for(buyer, wish, sorted_, counts)
    return Page(await _dressed(shop, page.rows), page.total, paging), counts


async def categories(shop: Shop) -> list[db.Row]:
    """Those with something to see in them."""
    return await db.rows(CATEGORIES, viewer=shop.viewer)


async def subject_of(kind: str, slug: str) -> tuple[UUID, str] | None:
    """Whose address it is or was, and what it is now."""
    row = await db.one_or_none(OF_SLUG, kind=kind, slug=slug)
    return (row["subject_id"], row["current"]) if row else None


async def featured(shop: Shop, most: int = 8) -> list[Card]:
    rows = await db.rows(FEATURED, viewer=shop.viewer, on=current_tenant().today(), most=most)
    return await cards(shop, [row["id"] for row in rows])


async def related(shop: Shop, card: Card) -> Mapping[str, list[Card]]:
    """Accessories, substitutes, the series; neighbours of the category where there are none."""
    beside = await related_to(card.id)
    kinds = {other: kind for kind, others in beside.items() for other in others[:RELATED_MAX]}
    if not kinds and card.category_id:
        near = await db.rows(
            NEIGHBOURS, id=card.id, category_id=card.category_id, viewer=shop.viewer
        )
        kinds = {row["id"]: "near" for row in near}
    found: dict[str, list[Card]] = {}
    for one in await cards(shop, list(kinds)):
        found.setdefault(kinds[one.id], []).append(one)
    return found


async def sitemap_parts(shop: Shop) -> int:
    return -(-await db.value(COUNT, viewer=shop.viewer) // SITEMAP_SIZE)


async def sitemap_part(shop: Shop, part: int) -> list[str]:
    rows = await db.rows(
        SITEMAP, viewer=shop.viewer, size=SITEMAP_SIZE, offset=(part - 1) * SITEMAP_SIZE
    )
    return [row["slug"] for row in rows]

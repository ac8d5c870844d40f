"""Goods as a shopper sees them: cards with prices, a category with facets, addresses, sitemap.

The catalogue decides what is visible and found, pricing and promotions what it costs; here they
are put together, a page in a handful of statements however many goods there are.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

from dilo.catalogue.queries import products_like
from dilo.catalogue.shelf import VISIBLE
from dilo.kit import db
from dilo.kit.money import ZERO
from dilo.kit.paging import Page, Paging
from dilo.orders.actions.place import buyer_of
from dilo.pricing.queries import LISTS, buyer_values, priced
from dilo.promotions.queries import offers
from dilo.promotions.rules import Reduced, promoted
from dilo.storefront.shop import Shop
from tenants.scope import current_tenant

ONE = Decimal(1)
FACETS_MAX, SITEMAP_SIZE = 12, 20_000
CARDS = """
SELECT p.id, p.code, p.name, p.unit, p.kind, p.category_id, s.slug,
  (SELECT sum(l.on_hand - l.reserved) FROM stock_level l WHERE l.product_id = p.id
    AND l.warehouse_id = CAST(:warehouse_id AS uuid)) AS available,
  (SELECT m.key FROM product_media m WHERE m.product_id = p.id AND m.kind = 'picture'
    ORDER BY m.position, m.id LIMIT 1) AS picture,
  r.stars, coalesce(r.reviews, 0) AS reviews
FROM unnest(:products::uuid[]) WITH ORDINALITY AS w(id, n)
JOIN product p ON p.id = w.id
JOIN shop_slug s ON s.kind = 'product' AND s.subject_id = p.id AND s.is_current
LEFT JOIN LATERAL (SELECT avg(stars) AS stars, count(*) AS reviews FROM review v
  WHERE v.product_id = p.id AND v.state = 'published') r ON true
ORDER BY w.n
"""
WITHIN = f"""
FROM product p LEFT JOIN category c ON c.id = p.category_id
WHERE p.retired_at IS NULL AND p.kind = 'goods' AND {VISIBLE}
  AND (CAST(:category_id AS uuid) IS NULL OR :category_id = ANY(c.path))
  AND (CAST(:found AS uuid[]) IS NULL OR p.id = ANY(:found))
  AND (NOT :in_stock OR EXISTS (SELECT 1 FROM stock_level l WHERE l.product_id = p.id
    AND l.on_hand > l.reserved))
  AND (SELECT count(DISTINCT a.name) FROM product_attribute a
       JOIN unnest(CAST(:names AS text[]), CAST(:values AS text[])) AS f(name, value)
         ON f.name = a.name AND f.value = a.value
       WHERE a.product_id = p.id) = :wanted
"""
PRICE = f"""
WITH {LISTS}
SELECT t.id, count(*) OVER () AS total_rows FROM (
  SELECT p.id, p.name, p.created_at, (SELECT i.price FROM lists l JOIN price_item i
    ON i.price_list_id = l.id AND i.product_id = p.id AND i.min_quantity <= 1
    ORDER BY l.rank, l.valid_from DESC NULLS LAST, l.code, i.min_quantity DESC LIMIT 1) AS price
  {WITHIN}) t ORDER BY {{order}}, t.id LIMIT :size OFFSET :offset
"""
PLAIN = f"""
SELECT t.id, count(*) OVER () AS total_rows FROM (SELECT p.id, p.name, p.created_at {WITHIN}) t
ORDER BY {{order}}, t.id LIMIT :size OFFSET :offset
"""
SORTS = {
    "name": "t.name",
    "new": "t.created_at DESC",
    "price": "t.price NULLS LAST",
    "-price": "t.price DESC NULLS LAST",
}
FACETS = f"""
SELECT a.name, a.value, count(*) AS products FROM product_attribute a
WHERE a.product_id IN (SELECT p.id {WITHIN})
GROUP BY a.name, a.value, a.number ORDER BY a.name, a.number NULLS LAST, a.value LIMIT 400
"""
CATEGORIES = f"""
SELECT c.id, c.name, c.parent_id, c.path, s.slug, coalesce(n.products, 0) AS products
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
SEEN = f"SELECT p.id FROM product p WHERE p.id = :id AND p.retired_at IS NULL AND {VISIBLE}"
MEDIA = """
SELECT kind, key, name, alt, width, height, size_bytes FROM product_media
WHERE product_id = :id ORDER BY kind DESC, position, id LIMIT 40
"""
RELATED = f"""
SELECT p.id, r.kind FROM product_relation r JOIN product p ON p.id = r.other_id
WHERE r.product_id = :id AND p.retired_at IS NULL AND {VISIBLE} LIMIT 12
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
    """One of the goods. ``was``: the price before promotions, None where nothing is taken off."""

    id: UUID
    code: str
    name: str
    unit: str
    kind: str
    category_id: UUID | None
    slug: str
    available: Decimal | None
    picture: str | None
    stars: Decimal | None
    reviews: int
    price: Decimal | None = None
    was: Decimal | None = None
    promotion: str = ""

    @property
    def in_stock(self) -> bool:
        return self.available is not None and self.available > 0

    @property
    def saved_percent(self) -> int:
        return (
            round((1 - self.price / self.was) * 100) if self.was and self.price is not None else 0
        )


@dataclass(frozen=True, slots=True)
class Wish:
    """What a category page was asked: facets as (name, value), in stock only."""

    facets: tuple[tuple[str, str], ...] = ()
    in_stock: bool = False
    found: Sequence[UUID] | None = None
    category_id: UUID | None = None

    def figures(self, shop: Shop) -> dict[str, object]:
        return {
            "viewer": shop.viewer,
            "category_id": self.category_id,
            "found": None if self.found is None else list(self.found),
            "in_stock": self.in_stock,
            "names": [name for name, _ in self.facets],
            "values": [value for _, value in self.facets],
            "wanted": len({name for name, _ in self.facets}),
        }


async def cards(shop: Shop, products: Sequence[UUID]) -> list[Card]:
    """Three statements: what they are, what they cost, what is taken off."""
    if not products:
        return []
    rows = await db.rows(CARDS, products=list(products), warehouse_id=shop.terms.warehouse_id)
    ids = [row["id"] for row in rows]
    prices = await priced(buyer_of(shop.terms), [(one, ONE) for one in ids]) if ids else []
    open_offers = await offers(ids, shop.terms.segment, current_tenant().today())
    reduced = promoted(
        [Reduced(ONE, round(one.price or ZERO, 2)) for one in prices],
        [open_offers.get(one, []) for one in ids],
    )
    made: list[Card] = []
    for row, price, less in zip(rows, prices, reduced, strict=True):
        asked = (
            None if price.price is None else shop.price(less.amount if less.given else price.price)
        )
        made.append(
            Card(
                **row,
                price=asked,
                was=shop.price(less.list_amount) if less.given else None,
                promotion=", ".join(one.name for one in less.given),
            )
        )
    return made


async def listed(shop: Shop, wish: Wish, paging: Paging) -> Page[Card]:
    sort = paging.sort if paging.sort in SORTS else "name"
    by_price = "price" in sort
    sql = (PRICE if by_price else PLAIN).format(order=SORTS[sort])
    figures = wish.figures(shop) | {"size": paging.size, "offset": paging.offset}
    if by_price:
        figures |= buyer_values(buyer_of(shop.terms), None)
    found = await db.rows(sql, **figures)
    total = found[0]["total_rows"] if found else 0
    return Page(await cards(shop, [row["id"] for row in found]), total, paging)


async def facets(shop: Shop, wish: Wish) -> dict[str, list[db.Row]]:
    """Names with their values and counts, of the goods on the page's whole list."""
    found: dict[str, list[db.Row]] = {}
    for row in await db.rows(FACETS, **wish.figures(shop)):
        found.setdefault(row["name"], []).append(row)
    most = sorted(found, key=lambda name: -sum(row["products"] for row in found[name]))[:FACETS_MAX]
    return {name: found[name][:40] for name in most if len(found[name]) > 1 or _chosen(wish, name)}


def _chosen(wish: Wish, name: str) -> bool:
    return any(name == one for one, _ in wish.facets)


async def search(shop: Shop, words: str, paging: Paging) -> Page[Card]:
    """What the catalogue finds, the best first."""
    rows = await products_like(words[:200], 120, shop.viewer)
    ids = [row["id"] for row in rows]
    part = ids[paging.offset : paging.offset + paging.size]
    return Page(await cards(shop, part), len(ids), paging)


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


async def seen(shop: Shop, product_id: UUID) -> bool:
    return bool(await db.value(SEEN, id=product_id, viewer=shop.viewer))


async def media(product_id: UUID) -> list[db.Row]:
    return await db.rows(MEDIA, id=product_id)


async def related(shop: Shop, card: Card) -> Mapping[str, list[Card]]:
    """Accessories and substitutes; neighbours of the category where there are none."""
    rows = await db.rows(RELATED, id=card.id, viewer=shop.viewer)
    kinds = {row["id"]: row["kind"] for row in rows}
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

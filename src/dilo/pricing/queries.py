"""Prices for a party, a whole page or order in one query."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from dilo.kit import clock, db
from dilo.pricing.rules import Offer, Rival, offer_of

LISTS = """
lists AS (
  SELECT l.id, l.code, l.name, l.valid_from, a.rank, a.scope
  FROM price_assignment a JOIN price_list l ON l.id = a.price_list_id
  WHERE l.currency = :currency
    AND (l.valid_from IS NULL OR l.valid_from <= :at) AND (l.valid_to IS NULL OR l.valid_to > :at)
    AND (a.scope = 'base' OR a.scope = 'party' AND a.party_id = :party_id
      OR a.scope = 'segment' AND a.scope_value = :segment
      OR a.scope = 'region' AND a.scope_value = :region
      OR a.scope = 'agreement' AND a.agreement_id = :agreement_id))
"""
PRICED = """
WITH {lists}
SELECT a.n, a.ref, p.id AS product_id, p.code, p.name, p.unit, p.kind, a.quantity, w.price,
  w.min_quantity, w.code AS list_code, w.name AS list_name, w.scope, f.floor
FROM unnest(:refs::text[], :quantities::numeric[]) WITH ORDINALITY AS a(ref, quantity, n)
LEFT JOIN product p ON {match} AND p.retired_at IS NULL
LEFT JOIN LATERAL (
  SELECT i.price, i.min_quantity, l.code, l.name, l.scope
  FROM lists l JOIN price_item i ON i.price_list_id = l.id AND i.product_id = p.id
    AND i.min_quantity <= a.quantity
  ORDER BY l.rank, l.valid_from DESC NULLS LAST, l.code, i.min_quantity DESC LIMIT 1) w ON true
LEFT JOIN price_floor f ON f.product_id = p.id AND f.currency = :currency
ORDER BY a.n
"""
PRICED_BY_ID = PRICED.format(lists=LISTS, match="p.id = a.ref::uuid")
PRICED_BY_CODE = PRICED.format(lists=LISTS, match="p.code = a.ref")
CANDIDATES = f"""
WITH {LISTS}
SELECT l.scope, l.rank, l.code, l.name, i.min_quantity, i.price, i.min_quantity <= :quantity AS
  reached
FROM lists l JOIN price_item i ON i.price_list_id = l.id AND i.product_id = :product_id
ORDER BY i.min_quantity > :quantity, l.rank, l.valid_from DESC NULLS LAST, l.code,
  i.min_quantity DESC
"""
# Every price that could apply to a page of products; the lists in their documented order.
RIVALS = f"""
WITH {LISTS},
ordered AS (
  SELECT l.id, l.name, l.scope,
    dense_rank() OVER (ORDER BY l.rank, l.valid_from DESC NULLS LAST, l.code)::int AS "order"
  FROM lists l)
SELECT i.product_id, l."order", i.min_quantity, i.price, l.name AS list_name, l.scope
FROM unnest(CAST(:products AS uuid[])) AS a(id) CROSS JOIN ordered l
JOIN price_item i ON i.product_id = a.id AND i.price_list_id = l.id
"""


@dataclass(frozen=True, slots=True)
class Buyer:
    """What decides a party's prices. ``region`` is its city for now."""

    party_id: UUID
    currency: str
    segment: str | None = None
    region: str | None = None
    agreement_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Priced:
    """``product_id`` is None for an unknown or retired product, ``price`` where no list has one."""

    n: int
    ref: str
    product_id: UUID | None
    code: str | None
    name: str | None
    unit: str | None
    kind: str | None
    quantity: Decimal
    price: Decimal | None
    min_quantity: Decimal | None
    list_code: str | None
    list_name: str | None
    scope: str | None
    floor: Decimal | None


@dataclass(frozen=True, slots=True)
class Candidate:
    scope: str
    rank: int
    code: str
    name: str
    min_quantity: Decimal
    price: Decimal
    reached: bool


def buyer_values(buyer: Buyer, at: datetime | None) -> dict[str, object]:
    return {
        "party_id": buyer.party_id,
        "currency": buyer.currency,
        "segment": buyer.segment,
        "region": buyer.region,
        "agreement_id": buyer.agreement_id,
        "at": at or clock.now(),
    }


async def priced(
    buyer: Buyer, asked: Sequence[tuple[UUID | str, Decimal]], at: datetime | None = None
) -> list[Priced]:
    """Prices of what is asked, in its order. Ask by ids or by codes, not by both at once."""
    by_code = bool(asked) and isinstance(asked[0][0], str)
    return await db.rows_as(
        Priced,
        PRICED_BY_CODE if by_code else PRICED_BY_ID,
        refs=[str(ref) for ref, _ in asked],
        quantities=[quantity for _, quantity in asked],
        **buyer_values(buyer, at),
    )


async def explain(
    buyer: Buyer, product_id: UUID, quantity: Decimal, at: datetime | None = None
) -> list[Candidate]:
    """Every price that could apply, the winner first."""
    return await db.rows_as(
        Candidate, CANDIDATES, product_id=product_id, quantity=quantity, **buyer_values(buyer, at)
    )


async def offers(
    buyer: Buyer, products: Sequence[UUID], at: datetime | None = None
) -> dict[UUID, Offer]:
    """A page of products at one's own prices with their breaks, one query; nothing for a product
    no list has."""
    found: dict[UUID, list[Rival]] = {}
    values = buyer_values(buyer, at)
    for row in await db.rows(RIVALS, products=list(products), **values):
        product_id, *rival = row
        found.setdefault(product_id, []).append(Rival(*rival))
    return {product_id: offer_of(rivals) for product_id, rivals in found.items()}

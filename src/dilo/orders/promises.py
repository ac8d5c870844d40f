"""The price a buyer was shown holds for some minutes; afterwards he is shown what has changed.

A promise is of the list price at one quantity's break. While it stands the engine sells at it even
if the list has risen; a fall is the buyer's at once. Promotions are taken off on top, as ever.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from uuid import UUID

from dilo.kit import db
from dilo.pricing.queries import Priced

FRESH, HELD, CHANGED = "fresh", "held", "changed"
KEEP = """
INSERT INTO price_promise AS m (identity_id, party_id, product_id, quantity, currency, price,
  list_code, scope, min_quantity, promised_at, expires_at)
SELECT :identity_id, :party_id, n.product_id, n.quantity, :currency, n.price, n.list_code, n.scope,
  n.min_quantity, :now, :until
FROM unnest(:products::uuid[], :quantities::numeric[], :prices::numeric[], :lists::text[],
  :scopes::text[], :froms::numeric[])
  AS n(product_id, quantity, price, list_code, scope, min_quantity)
ORDER BY n.product_id
ON CONFLICT (tenant_id, identity_id, party_id, product_id) DO UPDATE
SET quantity = excluded.quantity, currency = excluded.currency, price = excluded.price,
  list_code = excluded.list_code, scope = excluded.scope, min_quantity = excluded.min_quantity,
  promised_at = excluded.promised_at, expires_at = excluded.expires_at
"""
FORGET = """
DELETE FROM price_promise WHERE identity_id = :identity_id AND party_id = :party_id
  AND product_id = ANY(:products)
"""


@dataclass(frozen=True, slots=True)
class Promise:
    quantity: Decimal
    price: Decimal
    list_code: str | None
    min_quantity: Decimal | None
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Weighed:
    """``price`` is what holds now, None where there is none. ``was``: what was shown before, where
    it differs. A changed price waits for the buyer's word; a fresh one is written down."""

    state: str
    price: Decimal | None
    was: Decimal | None = None


def weigh(
    promise: Promise | None, quantity: Decimal, found: Priced | None, now: datetime
) -> Weighed:
    """What was promised against today's list."""
    price = found.price if found else None
    if promise is None or not _same_rule(promise, quantity, found):
        return Weighed(FRESH, price)
    stands = promise.expires_at > now
    if price is not None and price <= promise.price:
        fell = promise.price if price < promise.price else None
        return Weighed(HELD if stands and fell is None else FRESH, price, fell)
    if stands:
        return Weighed(HELD, promise.price)
    return Weighed(CHANGED, price, promise.price) if price is not None else Weighed(FRESH, None)


def _same_rule(promise: Promise, quantity: Decimal, found: Priced | None) -> bool:
    """A buyer who orders more or less may reach another break: that is no change of the list."""
    return quantity == promise.quantity or (
        found is not None
        and found.list_code == promise.list_code
        and found.min_quantity == promise.min_quantity
    )


async def keep(
    who: dict[str, UUID], currency: str, found: Sequence[Priced], now: datetime, minutes: int
) -> None:
    """Writes down what is shown from now on, all lines at once."""
    if not found:
        return
    await db.execute(
        KEEP,
        currency=currency,
        now=now,
        until=now + timedelta(minutes=minutes),
        products=[one.product_id for one in found],
        quantities=[one.quantity for one in found],
        prices=[one.price for one in found],
        lists=[one.list_code for one in found],
        scopes=[one.scope for one in found],
        froms=[one.min_quantity for one in found],
        **who,
    )


async def forget(who: dict[str, UUID], products: Sequence[UUID]) -> None:
    await db.execute(FORGET, products=list(products), **who)

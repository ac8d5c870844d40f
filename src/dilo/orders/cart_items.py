"""What lies in a cart: put in, changed, taken out, brought back. Nothing is priced here."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from uuid import UUID

from dilo.catalogue.shelf import VISIBLE
from dilo.kit import clock, db
from dilo.kit.errors import NotFound, Refusal
from dilo.orders.commands import COMMENT_MAX, LINES_MAX, QUANTITY_MAX
from tenants.actors import Actor

SEEN = VISIBLE.replace(":viewer", ":party_id")
# A line that was taken out is kept for a while: an emptied cart comes back by one click.
PUT = f"""
INSERT INTO cart AS c (identity_id, party_id, product_id, quantity, comment)
SELECT :identity_id, :party_id, p.id, sum(g.quantity), min(g.comment)
FROM unnest(:products::uuid[], :quantities::numeric[], :comments::text[])
  AS g(product_id, quantity, comment)
JOIN product p ON p.id = g.product_id AND p.retired_at IS NULL
  AND {SEEN}
GROUP BY p.id ORDER BY p.id
ON CONFLICT (tenant_id, identity_id, party_id, product_id) DO UPDATE
SET quantity = least(CASE WHEN :add AND c.removed_at IS NULL THEN c.quantity ELSE 0 END
      + excluded.quantity, 10000000),
  comment = coalesce(excluded.comment, CASE WHEN c.removed_at IS NULL THEN c.comment END),
  added_at = CASE WHEN c.removed_at IS NULL THEN c.added_at ELSE now() END,
  removed_at = NULL
RETURNING product_id, quantity
"""
CHANGE = """
UPDATE cart c SET quantity = CASE WHEN g.quantity > 0 THEN g.quantity ELSE c.quantity END,
  comment = nullif(g.comment, ''),
  removed_at = CASE WHEN g.quantity = 0 THEN CAST(:now AS timestamptz) END
FROM unnest(:products::uuid[], :quantities::numeric[], :comments::text[])
  AS g(product_id, quantity, comment)
WHERE c.identity_id = :identity_id AND c.party_id = :party_id AND c.product_id = g.product_id
  AND c.removed_at IS NULL
"""
REMOVE = """
UPDATE cart SET removed_at = :now
WHERE identity_id = :identity_id AND party_id = :party_id AND removed_at IS NULL
  AND (CAST(:product_id AS uuid) IS NULL OR product_id = :product_id)
"""
REMOVED_LAST = """
SELECT max(r.removed_at) FROM cart r WHERE r.identity_id = :identity_id
  AND r.party_id = :party_id AND r.removed_at > CAST(:now AS timestamptz) - interval '1 day'
"""
UNDO = f"""
UPDATE cart c SET removed_at = NULL
WHERE c.identity_id = :identity_id AND c.party_id = :party_id AND c.removed_at = ({REMOVED_LAST})
"""
QUANTITIES = """
SELECT product_id, quantity FROM cart
WHERE identity_id = :identity_id AND party_id = :party_id AND removed_at IS NULL
  AND product_id = ANY(:products)
"""
COUNT = """
SELECT count(*) FROM cart
WHERE identity_id = :identity_id AND party_id = :party_id AND removed_at IS NULL
"""
USUAL = f"""
SELECT l.product_id, p.code, p.name, p.unit, count(*) AS times
FROM invoice v JOIN invoice_line l ON l.invoice_id = v.id JOIN product p ON p.id = l.product_id
WHERE v.party_id = :party_id AND v.kind = 'invoice' AND p.retired_at IS NULL AND p.kind = 'goods'
  AND {SEEN} AND v.issued_on > CAST(:on AS date) - 180
GROUP BY l.product_id, p.code, p.name, p.unit ORDER BY 5 DESC, p.name LIMIT :most
"""


@dataclass(frozen=True, slots=True)
class Item:
    """What is put into a cart or kept in a list."""

    product_id: UUID
    quantity: Decimal
    comment: str | None = None


def who(actor: Actor) -> dict[str, UUID]:
    """Raises NOT_FOUND for whoever buys for no company."""
    if actor.id is None or actor.on_behalf_of is None:
        raise NotFound
    return {"identity_id": actor.id, "party_id": actor.on_behalf_of}


def checked(quantity: Decimal) -> Decimal:
    """Raises QUANTITY_BAD."""
    good = quantity.is_finite() and 0 <= quantity <= QUANTITY_MAX
    if not good or quantity != round(quantity, 4):
        raise Refusal("QUANTITY_BAD", status=422, product="")
    return quantity


async def put(actor: Actor, product_id: UUID, quantity: Decimal, *, add: bool = True) -> Decimal:
    """Returns the line's quantity now; 0 removes the line. Raises NOT_FOUND, QUANTITY_BAD."""
    if checked(quantity) == 0:
        await remove(actor, product_id)
        return Decimal(0)
    now = await put_all(actor, [Item(product_id, quantity)], add=add)
    if not now:
        raise NotFound
    return now[product_id]


async def put_all(actor: Actor, items: Sequence[Item], *, add: bool = True) -> dict[UUID, Decimal]:
    """All at once; the quantities now, without what is unknown or retired.

    Raises QUANTITY_BAD, TEXT_TOO_LONG, TOO_MANY_LINES.
    """
    actor.require("orders.edit")
    good = [one for one in items if checked(one.quantity) > 0]
    _check_comments(items)
    if await count(actor) + len(good) > LINES_MAX:
        raise Refusal("TOO_MANY_LINES", status=422, most=LINES_MAX)
    found = await db.rows(PUT, add=add, **columns(good), **who(actor))
    return {row["product_id"]: row["quantity"] for row in found}


async def change(actor: Actor, items: Sequence[Item]) -> None:
    """Quantities and comments of lines that are there; 0 takes a line out.

    Raises QUANTITY_BAD, TEXT_TOO_LONG.
    """
    actor.require("orders.edit")
    for one in items:
        checked(one.quantity)
    _check_comments(items)
    await db.execute(CHANGE, now=clock.now(), **columns(items), **who(actor))


def _check_comments(items: Sequence[Item]) -> None:
    if any(len(one.comment or "") > COMMENT_MAX for one in items):
        raise Refusal("TEXT_TOO_LONG", status=422, field="comment", most=COMMENT_MAX)


def columns(items: Sequence[Item]) -> dict[str, list[Any]]:
    return {
        "products": [one.product_id for one in items],
        "quantities": [one.quantity for one in items],
        "comments": [one.comment for one in items],
    }


async def remove(actor: Actor, product_id: UUID) -> None:
    actor.require("orders.edit")
    await db.execute(REMOVE, product_id=product_id, now=clock.now(), **who(actor))


async def empty(actor: Actor) -> None:
    actor.require("orders.edit")
    await db.execute(REMOVE, product_id=None, now=clock.now(), **who(actor))


async def undo(actor: Actor) -> int:
    """What was taken out last comes back. Returns how many lines did."""
    actor.require("orders.edit")
    return await db.execute(UNDO, now=clock.now(), **who(actor))


async def may_undo(actor: Actor) -> bool:
    return await db.value(REMOVED_LAST, now=clock.now(), **who(actor)) is not None


async def count(actor: Actor) -> int:
    return await db.value(COUNT, **who(actor))


async def quantities(actor: Actor, products: Sequence[UUID]) -> dict[UUID, Decimal]:
    """How many of each lie in the cart now; nothing of what does not."""
    found = await db.rows(QUANTITIES, products=list(products), **who(actor))
    return {row["product_id"]: row["quantity"] for row in found}


async def usual_goods(party_id: UUID, on: object, most: int = 8) -> list[db.Row]:
    """What this party bought most often in the last half-year."""
    return await db.rows(USUAL, party_id=party_id, on=on, most=most)

"""A buyer's cart: kept by person and company, the same in the portal and in the chat."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Literal
from uuid import UUID

from dilo.catalogue.shelf import VISIBLE
from dilo.kit import db
from dilo.kit.errors import NotFound, Refusal
from dilo.orders.actions.place import NewLine, place_order, preview_order
from dilo.orders.commands import QUANTITY_MAX, LineInput, Placed, PlaceOrder
from dilo.orders.facts import Verdict
from dilo.orders.queries import last_verdicts
from tenants.actors import Actor

Door = Literal["office", "portal", "telegram", "sms", "api", "shop"]
PUT = f"""
INSERT INTO cart AS c (identity_id, party_id, product_id, quantity)
SELECT :identity_id, :party_id, p.id, :quantity FROM product p WHERE p.id = :product_id
  AND p.retired_at IS NULL AND {VISIBLE.replace(":viewer", ":party_id")}
ON CONFLICT (tenant_id, identity_id, party_id, product_id) DO UPDATE
SET quantity = CASE WHEN :add THEN c.quantity + excluded.quantity ELSE excluded.quantity END
RETURNING quantity
"""
DROP = """
DELETE FROM cart WHERE identity_id = :identity_id AND party_id = :party_id
  AND (CAST(:product_id AS uuid) IS NULL OR product_id = :product_id)
"""
LINES = """
SELECT product_id, quantity FROM cart
WHERE identity_id = :identity_id AND party_id = :party_id ORDER BY added_at, product_id
"""
COUNT = "SELECT count(*) FROM cart WHERE identity_id = :identity_id AND party_id = :party_id"
CHECKED_OUT = """
SELECT id, number, state, total, currency FROM sales_order
WHERE key = :key AND party_id = :party_id
"""
USUAL = f"""
SELECT l.product_id, p.code, p.name, p.unit, count(*) AS times
FROM invoice v JOIN invoice_line l ON l.invoice_id = v.id JOIN product p ON p.id = l.product_id
WHERE v.party_id = :party_id AND v.kind = 'invoice' AND p.retired_at IS NULL AND p.kind = 'goods'
  AND {VISIBLE.replace(":viewer", ":party_id")} AND v.issued_on > CAST(:on AS date) - 180
GROUP BY l.product_id, p.code, p.name, p.unit ORDER BY 5 DESC, p.name LIMIT :most
"""


@dataclass(frozen=True, slots=True)
class Cart:
    """Priced and judged as it would be ordered now; ``problem`` where it cannot be."""

    lines: list[NewLine]
    verdicts: list[Verdict]
    problem: Refusal | None = None

    @property
    def total(self) -> Decimal:
        return sum((line.amount for line in self.lines), Decimal("0.00"))


def _who(actor: Actor) -> dict[str, UUID]:
    if actor.id is None or actor.on_behalf_of is None:
        raise NotFound
    return {"identity_id": actor.id, "party_id": actor.on_behalf_of}


async def put(actor: Actor, product_id: UUID, quantity: Decimal, *, add: bool = True) -> Decimal:
    """Returns the line's quantity now; 0 removes the line. Raises NOT_FOUND, QUANTITY_BAD."""
    actor.require("orders.edit")
    good = quantity.is_finite() and 0 <= quantity <= QUANTITY_MAX
    if not good or quantity != round(quantity, 4):
        raise Refusal("QUANTITY_BAD", status=422, product="")
    if quantity == 0:
        await db.execute(DROP, product_id=product_id, **_who(actor))
        return Decimal(0)
    now = await db.value(PUT, product_id=product_id, quantity=quantity, add=add, **_who(actor))
    if now is None:
        raise NotFound
    return now


async def empty(actor: Actor) -> None:
    await db.execute(DROP, product_id=None, **_who(actor))


async def count(actor: Actor) -> int:
    return await db.value(COUNT, **_who(actor))


async def _asked(actor: Actor) -> list[LineInput]:
    return [
        LineInput(str(row["product_id"]), row["quantity"])
        for row in await db.rows(LINES, **_who(actor))
    ]


def _command(
    actor: Actor, lines: list[LineInput], key: str, door: Door, comment: str | None, submit: bool
) -> PlaceOrder:
    assert actor.on_behalf_of is not None
    return PlaceOrder(
        party_id=actor.on_behalf_of,
        lines=lines,
        key=key,
        by="id",
        submit=submit,
        door=door,
        comment=comment,
    )  # type: ignore[arg-type]


async def look(actor: Actor) -> Cart:
    """The cart with today's own prices and what the gates would say."""
    asked = await _asked(actor)
    if not asked:
        return Cart([], [])
    try:
        async with db.savepoint():
            lines, verdicts = await preview_order(
                actor, _command(actor, asked, "preview", "portal", None, True)
            )
    except Refusal as refusal:
        return Cart([], [], refusal)
    return Cart(lines, verdicts)


async def check_out(
    actor: Actor, key: str, door: Door, comment: str | None = None, *, submit: bool = True
) -> Placed:
    """The cart becomes an order and is emptied. Raises what place_order raises."""
    earlier = await db.one_or_none(CHECKED_OUT, key=key, party_id=actor.on_behalf_of)
    if earlier:
        return Placed(**earlier, verdicts=await last_verdicts(earlier["id"]), repeated=True)
    placed = await place_order(
        actor, _command(actor, await _asked(actor), key, door, comment, submit)
    )
    await empty(actor)
    return placed


async def usual_goods(party_id: UUID, on: object, most: int = 8) -> list[db.Row]:
    """What this party bought most often in the last half-year."""
    return await db.rows(USUAL, party_id=party_id, on=on, most=most)

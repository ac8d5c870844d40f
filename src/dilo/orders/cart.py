"""A cart as it would be ordered now: priced, judged and, at last, ordered. A constant number of
queries, however many lines it has."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from dilo.kit import clock, db
from dilo.kit.errors import Refusal
from dilo.orders import promises
from dilo.orders.actions.lines import NewLine, buyer_of, made_lines
from dilo.orders.actions.place import buyer_id, judged_lines, place_order, told_to
from dilo.orders.cart_items import SEEN, who
from dilo.orders.cart_items import count as count
from dilo.orders.cart_items import empty as empty
from dilo.orders.cart_items import put as put
from dilo.orders.cart_items import usual_goods as usual_goods
from dilo.orders.commands import Door, LineInput, Placed, PlaceOrder, Promised
from dilo.orders.coupons import coupon_of, remove_coupon
from dilo.orders.delivery import Delivery, delivery_fields
from dilo.orders.facts import Verdict
from dilo.orders.policy import order_policy
from dilo.orders.promises import CHANGED, FRESH, Promise, Weighed, weigh
from dilo.orders.queries import Terms, last_verdicts, terms_of
from dilo.orders.substitutes import Substitute, substitutes_of
from dilo.pricing.queries import Priced, priced
from dilo.receivables.actions import lock_balance
from dilo.stock.actions import AWAITED
from tenants.actors import Actor
from tenants.scope import current_tenant

LINES = f"""
SELECT c.product_id, c.quantity, c.comment, p.code, p.name, p.unit, p.kind, p.pack_size,
  p.retired_at IS NOT NULL AS retired, NOT {SEEN} AS hidden,
  coalesce(s.on_hand - s.reserved, 0) - {AWAITED} AS available,
  m.quantity AS promised_quantity, m.price AS promised_price, m.list_code, m.min_quantity,
  m.expires_at
FROM cart c JOIN product p ON p.id = c.product_id
LEFT JOIN price_promise m ON m.identity_id = c.identity_id AND m.party_id = c.party_id
  AND m.product_id = c.product_id AND m.currency = :currency
LEFT JOIN stock_level s ON s.product_id = p.id AND s.warehouse_id = :warehouse_id
WHERE c.identity_id = :identity_id AND c.party_id = :party_id AND c.removed_at IS NULL
ORDER BY c.added_at, p.code
"""
ORDERED = """
DELETE FROM cart WHERE identity_id = :identity_id AND party_id = :party_id
  AND product_id = ANY(:products)
"""
CHECKED_OUT = """
SELECT id, number, state, total, currency FROM sales_order
WHERE key = :key AND party_id = :party_id
"""
ZERO = Decimal("0.00")


@dataclass(frozen=True, slots=True)
class CartLine:
    """``problem``: why it cannot be ordered (RETIRED, HIDDEN, NO_PRICE), the others can.
    ``was``: the price shown before. ``changed``: waits for the buyer's word before it is sold."""

    product_id: UUID
    quantity: Decimal
    comment: str | None
    code: str
    name: str
    unit: str
    kind: str
    pack_size: Decimal
    available: Decimal
    problem: str = ""
    price: Decimal | None = None
    amount: Decimal = ZERO
    list_amount: Decimal = ZERO
    was: Decimal | None = None
    changed: bool = False
    substitutes: Sequence[Substitute] = ()

    @property
    def short(self) -> bool:
        return not self.problem and self.kind != "service" and self.quantity > self.available

    @property
    def packs(self) -> Decimal | None:
        """The next whole number of packs, where the quantity is not one."""
        over = self.quantity % self.pack_size
        return self.quantity - over + self.pack_size if over else None


@dataclass(frozen=True, slots=True)
class Cart:
    """Priced and judged as it would be ordered now, problem lines left out of the total.

    ``problem``: why nothing of it can be ordered. ``held_until``: the first promise to end.
    ``coupon_problem``: why the coupon gives nothing; the order goes without it.
    """

    lines: list[CartLine]
    verdicts: list[Verdict]
    currency: str = ""
    problem: Refusal | None = None
    held_until: datetime | None = None
    back_orders: bool = True
    coupon: str | None = None
    coupon_problem: Refusal | None = None
    prices: tuple[Decimal | None, ...] = field(default=(), repr=False)

    @property
    def total(self) -> Decimal:
        return sum((line.amount for line in self.lines), ZERO)

    @property
    def good(self) -> list[CartLine]:
        return [line for line in self.lines if not line.problem]

    @property
    def changed(self) -> list[CartLine]:
        return [line for line in self.lines if line.changed]

    @property
    def short(self) -> bool:
        return any(line.short for line in self.lines)

    @property
    def digest(self) -> str:
        """Of what the buyer was shown: it comes back with his order."""
        shown = [f"{x.product_id} {x.quantity.normalize():f} {x.amount}" for x in self.good]
        return hashlib.sha256("|".join([self.currency, *shown]).encode()).hexdigest()[:32]


async def look(actor: Actor, *, warehouse_id: UUID | None = None, accept: bool = False) -> Cart:
    """The cart with the prices that hold now and what the gates would say; what is shown for the
    first time is promised. ``accept``: the buyer agrees to what has changed."""
    owner = who(actor)
    terms = await terms_of(owner["party_id"], current_tenant().today(), warehouse_id)
    rows = await db.rows(LINES, currency=terms.currency, warehouse_id=terms.warehouse_id, **owner)
    if not rows:
        return Cart([], [], terms.currency)
    policy = await order_policy()
    now = clock.now()
    found = await _priced(terms, rows)
    weighed = {row["product_id"]: _weighed(row, found, now, accept) for row in rows}
    fresh = [found[p] for p, w in weighed.items() if w.state == FRESH and w.price is not None]
    await promises.keep(owner, terms.currency, fresh, now, policy.promise_minutes)
    lines = [_line(row, weighed[row["product_id"]]) for row in rows]
    lines = await _with_substitutes(lines, terms)
    coupon = await coupon_of(actor)
    cart = Cart(lines, [], terms.currency, back_orders=policy.back_orders, coupon=coupon)
    ends = [row["expires_at"] for row in rows if weighed[row["product_id"]].state == "held"]
    return await _judged(actor, terms, replace(cart, held_until=min(ends, default=None)), found)


async def _priced(terms: Terms, rows: Sequence[db.Row]) -> dict[UUID, Priced]:
    asked = [(row["product_id"], row["quantity"]) for row in rows if _sold(row)]
    found = await priced(buyer_of(terms), asked) if asked else []
    return {one.product_id: one for one in found if one.product_id is not None}


def _sold(row: db.Row) -> bool:
    return not row["retired"] and not row["hidden"]


def _weighed(row: db.Row, found: dict[UUID, Priced], now: datetime, accept: bool) -> Weighed:
    promise = None
    if row["promised_price"] is not None:
        promise = Promise(
            row["promised_quantity"],
            row["promised_price"],
            row["list_code"],
            row["min_quantity"],
            row["expires_at"],
        )
    weighed = weigh(promise, row["quantity"], found.get(row["product_id"]), now)
    return Weighed(FRESH, weighed.price) if accept and weighed.state == CHANGED else weighed


def _line(row: db.Row, weighed: Weighed) -> CartLine:
    if _sold(row):
        problem = "" if weighed.price is not None else "NO_PRICE"
    else:
        problem = "RETIRED" if row["retired"] else "HIDDEN"
    return CartLine(
        row["product_id"],
        row["quantity"],
        row["comment"],
        row["code"],
        row["name"],
        row["unit"],
        row["kind"],
        row["pack_size"],
        max(row["available"], Decimal(0)),
        problem,
        price=None if problem else weighed.price,
        was=weighed.was,
        changed=weighed.state == CHANGED,
    )


async def _with_substitutes(lines: list[CartLine], terms: Terms) -> list[CartLine]:
    asked = [line.product_id for line in lines if line.problem or line.short]
    found = await substitutes_of(asked, terms.warehouse_id, terms.party_id)
    return [
        replace(line, substitutes=found[line.product_id]) if line.product_id in found else line
        for line in lines
    ]


async def _judged(actor: Actor, terms: Terms, cart: Cart, found: dict[UUID, Priced]) -> Cart:
    """Amounts after promotions, and the verdicts. A refusal of the whole is shown beside it."""
    good = cart.good
    if not good:
        return cart
    asked = [LineInput(str(line.product_id), line.quantity, line.comment) for line in good]
    prices = tuple(line.price for line in good)
    word = Promised("cart", prices, final=False)
    command = _command(actor, asked, "look", "portal")
    coupon = None if cart.coupon_problem else cart.coupon
    priced_now = [found[x.product_id] for x in good]
    try:
        async with db.savepoint():
            made = await made_lines(terms, priced_now, asked, word, coupon)
            balance = await lock_balance(terms.party_id, terms.currency)
            said = await judged_lines(terms, command, made, balance, word, buyer_id(actor))
            verdicts = told_to(actor, terms, said.verdicts)
    except Refusal as refusal:
        if coupon and refusal.code.startswith("COUPON_"):
            return await _judged(actor, terms, replace(cart, coupon_problem=refusal), found)
        return replace(cart, problem=refusal, prices=prices)
    by_id = {line.product_id: line for line in made}
    lines = [_priced_line(line, by_id.get(line.product_id)) for line in cart.lines]
    return replace(cart, lines=lines, verdicts=verdicts, prices=prices)


def _priced_line(line: CartLine, made: NewLine | None) -> CartLine:
    if made is None:
        return line
    return replace(line, amount=made.amount, list_amount=made.list_amount)


def _command(actor: Actor, lines: list[LineInput], key: str, door: Door, **more: Any) -> PlaceOrder:
    party_id = who(actor)["party_id"]
    return PlaceOrder(party_id=party_id, lines=lines, key=key, by="id", door=door, **more)


async def accept_prices(actor: Actor) -> Cart:
    """The buyer has seen what changed and agrees."""
    actor.require("orders.edit")
    return await look(actor, accept=True)


async def ordered_before(actor: Actor, key: str) -> Placed | None:
    """The order this key has made already."""
    found = await db.one_or_none(CHECKED_OUT, key=key, party_id=who(actor)["party_id"])
    if found is None:
        return None
    return Placed(**found, verdicts=await last_verdicts(found["id"]), repeated=True)


async def check_out(
    actor: Actor,
    key: str,
    door: Door,
    comment: str | None = None,
    *,
    submit: bool = True,
    digest: str | None = None,
    delivery: Delivery | None = None,
) -> Placed:
    """What can be ordered of the cart becomes an order; lines with a problem stay in it.

    ``digest``: of the cart as its buyer saw it. Raises PRICES_CHANGED where it is not so any more,
    and what place_order raises.
    """
    if (earlier := await ordered_before(actor, key)) is not None:
        return earlier
    fields = await delivery_fields(actor, delivery)
    command = {"comment": comment, "submit": submit, **fields}
    try:
        async with db.savepoint():
            return await _ordered(actor, key, door, digest, command)
    except Refusal:
        # A second click may find the cart emptied by the first, which is no reason to refuse it.
        if (earlier := await ordered_before(actor, key)) is not None:
            return earlier
        raise


async def _ordered(
    actor: Actor, key: str, door: Door, digest: str | None, fields: dict[str, Any]
) -> Placed:
    """Undone whole where it is refused, so that the buyer sees again what he was shown."""
    owner = who(actor)
    cart = await look(actor, warehouse_id=fields.get("warehouse_id"))
    if cart.problem:
        raise cart.problem
    differs = [line.code for line in cart.changed]
    if differs or (digest is not None and digest != cart.digest):
        raise Refusal("PRICES_CHANGED", codes=", ".join(differs[:20]))
    lines = [LineInput(str(x.product_id), x.quantity, x.comment) for x in cart.good]
    coupon = None if cart.coupon_problem else cart.coupon
    command = _command(actor, lines, key, door, coupon=coupon, **fields)
    placed = await place_order(actor, command, Promised("cart", cart.prices, final=False))
    ordered = [line.product_id for line in cart.good]
    await db.execute(ORDERED, products=ordered, **owner)
    await promises.forget(owner, ordered)
    if coupon:
        await remove_coupon(actor)
    return placed

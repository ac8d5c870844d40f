"""Sales of a dealer's storefront: his customers' orders, cascading into his own order to us.

The dealer's order is placed by ``place_order`` under the sale's key, once. Where it is refused or
held the customer's order stands, and the dealer sees why.
"""

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any
from uuid import UUID

import msgspec

from dilo.dealers import notices
from dilo.dealers.storefronts import Good, Storefront, goods
from dilo.kit import db
from dilo.kit.errors import NotFound, Refusal
from dilo.kit.ids import uuid7
from dilo.kit.money import ZERO, line_amount
from dilo.orders.actions import place_order
from dilo.orders.commands import LineInput, PlaceOrder
from dilo.orders.facts import Verdict
from dilo.orders.queries import last_verdicts
from dilo.parties.actions import phone_number
from tenants import audit
from tenants.actors import Actor
from tenants.numbering import next_number

LINES_MAX = 50
QUANTITY_MAX = Decimal(10000)
INSERT = """
INSERT INTO dealer_sale (id, storefront_id, party_id, number, customer_name, customer_phone,
  address, comment, currency, total, token_hash, key)
VALUES (:id, :storefront_id, :party_id, :number, :name, :phone, :address, :comment, :currency,
  :total, :token_hash, :key)
"""
INSERT_LINES = """
INSERT INTO dealer_sale_line (sale_id, line_no, product_id, name, quantity, price, amount)
SELECT :id, * FROM unnest(:numbers::int[], :products::uuid[], :names::text[],
  :quantities::numeric[], :prices::numeric[], :amounts::numeric[])
"""
# The sale's state follows the order it became.
SALES = """
SELECT s.id, s.party_id, s.number, s.customer_name, s.customer_phone, s.address, s.comment,
  s.currency, s.total, s.order_id, s.refusal, s.placed_at, o.number AS order_number,
  o.total AS order_total, o.state AS order_state,
  CASE WHEN s.state <> 'ordered' THEN s.state
    ELSE CASE o.state WHEN 'closed' THEN 'shipped' WHEN 'draft' THEN 'submitted' ELSE o.state END
  END AS state
FROM dealer_sale s LEFT JOIN sales_order o ON o.id = s.order_id
"""
LINES = """
SELECT product_id, name, quantity, price, amount FROM dealer_sale_line
WHERE sale_id = :id ORDER BY line_no
"""
BECAME = """
UPDATE dealer_sale SET state = :state, order_id = :order_id, refusal = :refusal WHERE id = :id
"""
CANCEL = "UPDATE dealer_sale SET state = 'cancelled' WHERE id = :id"
BY_KEY = "SELECT id FROM dealer_sale WHERE key = :key"


class CheckOutForm(msgspec.Struct):
    name: Annotated[str, msgspec.Meta(min_length=1, max_length=120)]
    phone: Annotated[str, msgspec.Meta(min_length=5, max_length=30)]
    key: Annotated[str, msgspec.Meta(min_length=8, max_length=64)]
    address: Annotated[str, msgspec.Meta(max_length=300)] | None = None
    comment: Annotated[str, msgspec.Meta(max_length=500)] | None = None


@dataclass(frozen=True, slots=True)
class Sale:
    """``refusal``: the code and figures of why we refused the dealer's order."""

    id: UUID
    party_id: UUID
    number: str
    customer_name: str
    customer_phone: str
    address: str | None
    comment: str | None
    currency: str
    total: Decimal
    order_id: UUID | None
    refusal: dict[str, Any] | None
    placed_at: datetime
    order_number: str | None
    order_total: Decimal | None
    order_state: str | None
    state: str

    @property
    def margin(self) -> Decimal | None:
        """The dealer's own figure; None until his order has its prices."""
        return None if self.order_total is None else self.total - self.order_total


Basket = Sequence[tuple[UUID, Decimal]]


async def basket_of(shop: Storefront, asked: Basket) -> list[tuple[Good, Decimal, Decimal]]:
    """Goods, quantity and amount at today's retail prices; what is no longer sold drops out."""
    found, _ = await goods(shop, products=[one for one, _ in asked], size=LINES_MAX)
    by_id = {good.id: good for good in found}
    return [
        (by_id[one], quantity, line_amount(quantity, by_id[one].price))
        for one, quantity in asked
        if one in by_id
    ]


def token_of(sale_key: str) -> bytes:
    return hashlib.sha256(sale_key.encode()).digest()


async def place_sale(shop: Storefront, form: CheckOutForm, asked: Basket) -> tuple[UUID, str]:
    """The customer's order, then the dealer's. Returns its id and the customer's token (the form's
    key again gives the same sale).

    Raises EMPTY_ORDER, TOO_MANY_LINES, QUANTITY_BAD, PHONE_BAD.
    """
    key = f"{shop.id}:{form.key}"
    token = hashlib.sha256(f"sale:{key}".encode()).hexdigest()[:40]
    if earlier := await db.value(BY_KEY, key=key):
        return earlier, token
    if len(asked) > LINES_MAX:
        raise Refusal("TOO_MANY_LINES", status=422, most=LINES_MAX)
    if any(not q.is_finite() or not 0 < q <= QUANTITY_MAX or q != round(q, 4) for _, q in asked):
        raise Refusal("QUANTITY_BAD", status=422, product="")
    lines = await basket_of(shop, asked)
    if not lines:
        raise Refusal("EMPTY_ORDER", status=422)
    sale_id = await _write(shop, form, lines, key, token)
    if shop.orders_at_once:
        await _cascade(shop.party_id, sale_id)
    await notices.tell(
        shop.party_id,
        f"sale:{sale_id}",
        "dealer:sale_placed",
        number=(await _sale(sale_id)).number,
        total=sum((amount for *_, amount in lines), ZERO),
    )
    return sale_id, token


async def _write(
    shop: Storefront,
    form: CheckOutForm,
    lines: Sequence[tuple[Good, Decimal, Decimal]],
    key: str,
    token: str,
) -> UUID:
    sale_id = uuid7()
    await db.execute(
        INSERT,
        id=sale_id,
        storefront_id=shop.id,
        party_id=shop.party_id,
        number=await next_number("dealer_sale", "DS"),
        name=form.name,
        phone=phone_number(form.phone),
        address=form.address,
        comment=form.comment,
        currency=shop.currency,
        total=sum((amount for *_, amount in lines), ZERO),
        token_hash=token_of(token),
        key=key,
    )
    await db.execute(
        INSERT_LINES,
        id=sale_id,
        numbers=list(range(1, len(lines) + 1)),
        products=[good.id for good, *_ in lines],
        names=[good.name for good, *_ in lines],
        quantities=[quantity for _, quantity, _ in lines],
        prices=[good.price for good, *_ in lines],
        amounts=[amount for *_, amount in lines],
    )
    return sale_id


async def _cascade(party_id: UUID, sale_id: UUID) -> None:
    """The dealer's own purchase, back to back. A refusal undoes only itself."""
    lines = await db.rows(LINES, id=sale_id)
    sale = await _sale(sale_id)
    buyer = Actor("portal", None, sale.number, frozenset({"orders.submit"}), on_behalf_of=party_id)
    command = PlaceOrder(
        party_id=party_id,
        lines=[LineInput(str(row["product_id"]), row["quantity"]) for row in lines],
        key=f"dealer-sale:{sale_id}",
        door="portal",
        comment=sale.number,
        by="id",
    )
    try:
        async with db.savepoint():
            placed = await place_order(buyer, command)
    except Refusal as refusal:
        why = {"code": refusal.code, "figures": msgspec.to_builtins(refusal.figures)}
        await db.execute(BECAME, id=sale_id, state="refused", order_id=None, refusal=why)
        return
    await db.execute(BECAME, id=sale_id, state="ordered", order_id=placed.id, refusal=None)


async def order_sale(actor: Actor, sale_id: UUID) -> Sale:
    """The dealer orders for a sale that waits or was refused; ordered twice is ordered once.

    Raises FORBIDDEN, NOT_FOUND, WRONG_SALE_STATE.
    """
    sale = await _locked(actor, sale_id)
    actor.require("orders.submit")
    if sale.order_id is None:
        if sale.state not in ("new", "refused"):
            raise Refusal("WRONG_SALE_STATE", number=sale.number)
        await _cascade(sale.party_id, sale_id)
    return await _sale(sale_id)


async def cancel_sale(actor: Actor, sale_id: UUID) -> None:
    """Only while nothing was ordered for it. Raises FORBIDDEN, NOT_FOUND, WRONG_SALE_STATE."""
    sale = await _locked(actor, sale_id)
    actor.require("orders.cancel")
    if sale.state not in ("new", "refused"):
        raise Refusal("WRONG_SALE_STATE", number=sale.number)
    await db.execute(CANCEL, id=sale_id)
    await audit.note(actor, "dealers.sale_cancel", "dealer_sale", sale_id)


async def _sale(sale_id: UUID) -> Sale:
    return await db.one_as(Sale, f"{SALES} WHERE s.id = :id", id=sale_id)


async def _locked(actor: Actor, sale_id: UUID) -> Sale:
    await db.value("SELECT 1 FROM dealer_sale WHERE id = :id FOR UPDATE", id=sale_id)
    return await sale_of(actor, sale_id)


async def sale_of(actor: Actor, sale_id: UUID) -> Sale:
    """Raises NOT_FOUND for anybody but its dealer."""
    found = await _sale(sale_id)
    if actor.on_behalf_of != found.party_id:
        raise NotFound
    return found


async def verdicts_of(sale: Sale) -> list[Verdict]:
    return await last_verdicts(sale.order_id) if sale.order_id else []


async def sales_of(party_id: UUID) -> list[Sale]:
    return await db.rows_as(
        Sale,
        f"{SALES} WHERE s.party_id = :party_id ORDER BY s.placed_at DESC LIMIT 200",
        party_id=party_id,
    )


async def lines_of_sale(sale_id: UUID) -> list[db.Row]:
    return await db.rows(LINES, id=sale_id)


async def sale_behind(shop: Storefront, token: str) -> Sale:
    """The customer's own page. Raises NOT_FOUND."""
    return await db.one_as(
        Sale,
        f"{SALES} WHERE s.token_hash = :hash AND s.storefront_id = :shop",
        hash=token_of(token[:80]),
        shop=shop.id,
    )


def new_key() -> str:
    return secrets.token_urlsafe(18)

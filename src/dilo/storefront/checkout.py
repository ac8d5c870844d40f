"""From a basket to an order: who buys, how it comes, how it is paid; and the end of unpaid ones.

A guest's order is a new party's of kind person, with no credit: the gates hold it until its money
has come, with its goods kept. What a guest claims never makes him anybody who is known already.
"""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Annotated, Literal
from uuid import UUID

import msgspec

from dilo.kit import clock, db, i18n
from dilo.kit.errors import Refusal
from dilo.orders import actions
from dilo.orders.commands import LineInput, Placed, PlaceOrder
from dilo.orders.queries import OrderHead, OrderLine, order_head, order_lines
from dilo.parties.actions import add_contact, phone_number
from dilo.parties.forms import ContactForm
from dilo.storefront import baskets, letters
from dilo.storefront.baskets import Owner
from dilo.storefront.shop import Shop
from tenants.actors import SYSTEM, Actor
from tenants.numbering import next_number
from tenants.sessions import token_hash

EMAIL = re.compile(r"[^@\s<>\"',;]{1,64}@[a-z0-9.-]{1,180}\.[a-z]{2,24}")
PARTY = """
INSERT INTO party (code, name, kind, roles, segment, segment_by_hand, language, currency, address)
VALUES (:code, :name, 'person', '{customer}', :segment, true, :language, :currency, :address)
RETURNING id
"""
KEEP = """
INSERT INTO shop_order (order_id, party_id, token_hash, payment, delivery, name, email, phone,
  address, language, pay_until)
VALUES (:order_id, :party_id, :token_hash, :payment, :delivery, :name, :email, :phone, :address,
  :language, :pay_until)
"""
OF_TOKEN = """
SELECT order_id, party_id, payment, delivery, name, email, phone, address, language, pay_until
FROM shop_order WHERE token_hash = :token_hash
"""
OF_ORDER = OF_TOKEN.replace("token_hash = :token_hash", "order_id = :id AND party_id = :party_id")
LATE = """
SELECT s.order_id FROM shop_order s JOIN sales_order o ON o.id = s.order_id
WHERE s.pay_until < :now AND o.state = 'on_hold' ORDER BY s.pay_until LIMIT 100
"""
MINE = """
SELECT o.id, o.number, o.state, o.total, o.currency, o.created_at, s.payment
FROM sales_order o LEFT JOIN shop_order s ON s.order_id = o.id
WHERE o.party_id = :party_id ORDER BY o.created_at DESC LIMIT 100
"""
Short = Annotated[str, msgspec.Meta(max_length=120)]


class CheckoutForm(msgspec.Struct):
    """``website`` is a trap: people do not see it. ``total`` is what the buyer was shown."""

    key: Annotated[str, msgspec.Meta(min_length=20, max_length=80)]
    total: Decimal
    name: Short
    email: Short
    phone: Short
    delivery: Literal["pickup", "delivery"]
    payment: Literal["card", "invoice"]
    address: Annotated[str, msgspec.Meta(max_length=300)] | None = None
    comment: Annotated[str, msgspec.Meta(max_length=500)] | None = None
    consent: Literal["on", ""] = ""
    website: str = ""


@dataclass(frozen=True, slots=True)
class ShopOrder:
    order_id: UUID
    party_id: UUID
    payment: str
    delivery: str
    name: str
    email: str
    phone: str
    address: str | None
    language: str
    pay_until: datetime
    head: OrderHead
    lines: Sequence[OrderLine]

    @property
    def awaits_money(self) -> bool:
        return self.head.state == "on_hold"


def email_of(text: str) -> str:
    """Lower-cased. Raises EMAIL_BAD."""
    email = text.strip().lower()
    if not EMAIL.fullmatch(email) or ".." in email:
        raise Refusal("EMAIL_BAD", status=422, email=text[:80])
    return email


def delivery_lines(shop: Shop, way: str) -> tuple[LineInput, ...]:
    product = shop.choices.delivery_product_id
    return (LineInput(str(product), Decimal(1)),) if product and way == "delivery" else ()


def _checked(shop: Shop, form: CheckoutForm) -> None:
    open_ways = shop.choices
    if form.website:
        raise Refusal("UNREADABLE", status=422)
    if form.consent != "on":
        raise Refusal("CONSENT_MISSING", status=422)
    if not getattr(open_ways, form.delivery) or not getattr(open_ways, form.payment):
        raise Refusal("WAY_CLOSED", status=422)
    if form.delivery == "delivery" and not form.address:
        raise Refusal("ADDRESS_MISSING", status=422)


async def check_out(shop: Shop, owner: Owner, form: CheckoutForm) -> Placed:
    """The basket becomes an order at the very total the buyer has seen.

    Raises CONSENT_MISSING, WAY_CLOSED, ADDRESS_MISSING, EMAIL_BAD, PHONE_BAD, PRICE_MOVED, and
    what place_order says. The same key is the same order.
    """
    _checked(shop, form)
    key = f"shop:{hashlib.sha256(form.key.encode()).hexdigest()}"
    again = await db.one_or_none(OF_TOKEN, token_hash=token_hash(form.key))
    if again:
        head = await order_head(again["order_id"])
        return Placed(head.id, head.number, head.state, head.total, head.currency, repeated=True)
    email, phone = email_of(form.email), phone_number(form.phone)
    basket = await baskets.look(shop, owner, delivery_lines(shop, form.delivery))
    if basket.problem:
        raise basket.problem
    if basket.total != form.total:
        raise Refusal("PRICE_MOVED", total=basket.total)
    actor = owner.actor or await _guest(shop, form, email, phone)
    assert actor.on_behalf_of is not None
    placed = await actions.place_order(
        actor,
        PlaceOrder(
            party_id=actor.on_behalf_of,
            lines=basket.asked,
            key=key,
            door="shop",
            by="id",
            comment=form.comment,
            coupon=None if basket.coupon_problem else basket.coupon,
            keep_stock=True,
        ),
    )
    await _keep(shop, form, placed, actor.on_behalf_of, email, phone)
    await baskets.empty(owner)
    return placed


async def _guest(shop: Shop, form: CheckoutForm, email: str, phone: str) -> Actor:
    """A new person each time: an address he types proves nothing."""
    party_id = await db.value(
        PARTY,
        code=await next_number("guest", "G"),
        name=form.name,
        segment=shop.choices.segment or None,
        language=shop.language,
        currency=shop.currency,
        address=form.address,
    )
    await add_contact(SYSTEM, party_id, ContactForm(name=form.name, phone=phone, email=email))
    return Actor("shop", None, form.name, frozenset({"orders.submit"}), on_behalf_of=party_id)


async def _keep(
    shop: Shop, form: CheckoutForm, placed: Placed, party_id: UUID, email: str, phone: str
) -> None:
    chosen = shop.choices
    wait = (
        timedelta(hours=chosen.card_hours)
        if form.payment == "card"
        else timedelta(days=chosen.invoice_days)
    )
    await db.execute(
        KEEP,
        order_id=placed.id,
        party_id=party_id,
        token_hash=token_hash(form.key),
        payment=form.payment,
        delivery=form.delivery,
        name=form.name,
        email=email,
        phone=phone,
        address=form.address,
        language=shop.language,
        pay_until=clock.now() + wait,
    )
    await letters.write(
        shop,
        "ordered",
        email,
        f"shop-order:{placed.id}",
        shop.href(f"/order/{form.key}"),
        number=placed.number,
        total=f"{placed.total} {placed.currency.strip()}",
    )


async def order_of_token(token: str) -> ShopOrder:
    """By the unguessable link. Raises NOT_FOUND."""
    return await _whole(await db.one(OF_TOKEN, token_hash=token_hash(token[:100])))


async def order_of_person(actor: Actor, order_id: UUID) -> ShopOrder:
    """One's own. Raises NOT_FOUND."""
    return await _whole(await db.one(OF_ORDER, id=order_id, party_id=actor.on_behalf_of))


async def _whole(row: db.Row) -> ShopOrder:
    lines = await order_lines(row["order_id"])
    return ShopOrder(**row, head=await order_head(row["order_id"]), lines=lines)


async def orders_of(actor: Actor) -> list[db.Row]:
    return await db.rows(MINE, party_id=actor.on_behalf_of)


def payer_of(order: ShopOrder) -> Actor:
    """Whoever holds the link may pay for it, and nothing else."""
    return Actor(
        "shop", None, order.name, frozenset({"orders.submit"}), on_behalf_of=order.party_id
    )


async def expire_unpaid() -> int:
    """Orders whose time to pay is over are cancelled: goods, promotions and coupons are free."""
    late = await db.rows(LATE, now=clock.now())
    for row in late:
        async with db.savepoint():
            await actions.cancel_order(SYSTEM, row["order_id"], i18n.say("shop:unpaid"))
    return len(late)

"""Asking for money by a link: how much is ours to say, never the payer's page.

For shop, chats and API: ``takes_cards()`` says whether to offer it; ``request_payment(actor,
AskPayment(...)) -> PayLink`` makes (or finds again) the link. What it pays for is released by the
payment itself.
"""

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Literal
from uuid import UUID

import msgspec

from dilo.acquiring.accounts import takes_cards
from dilo.acquiring.queries import PayRequest, request_of_token
from dilo.acquiring.rules import minor_units
from dilo.kit import clock, db
from dilo.kit.errors import NotFound, Refusal
from dilo.kit.ids import uuid7
from dilo.kit.money import AMOUNT_MAX, ZERO
from dilo.orders.actions import unblocking
from dilo.orders.actions.decision import own_party
from dilo.orders.queries import OrderHead, order_head, order_of_shipment
from dilo.parties.queries import party
from dilo.receivables.queries import invoice, open_items_of
from tenants import audit
from tenants.actors import Actor
from tenants.links import address_of
from tenants.scope import current_tenant

__all__ = [
    "AskPayment",
    "PayLink",
    "cancel_request",
    "request_once",
    "request_payment",
    "takes_cards",
]

PUT = """
INSERT INTO pay_request (id, token, party_id, purpose, subject, amount, currency, wishes, order_id,
  shipment_id, back, door, key, asked_by, expires_at)
VALUES (:id, :token, :party_id, :purpose, :subject, :amount, :currency, :wishes, :order_id,
  :shipment_id, :back, :door, :key, :by, :expires_at)
ON CONFLICT (tenant_id, key) DO NOTHING RETURNING id
"""
SAME = """
SELECT token FROM pay_request
WHERE (key = :key OR starts_with(key, :key || ':')) AND state = 'open' AND expires_at > :now
  AND amount = :amount
ORDER BY asked_at DESC LIMIT 1
"""
CANCEL = "UPDATE pay_request SET state = 'cancelled' WHERE id = :id AND state = 'open'"
PREPAID = """
SELECT coalesce((SELECT sum(i.open_amount) FROM payment y JOIN open_item i
    ON i.document_id = y.id AND i.side = 'credit' WHERE y.order_id = :order_id), 0)
  + coalesce((SELECT sum(v.total - coalesce(i.open_amount, 0)) FROM invoice v
    LEFT JOIN open_item i ON i.document_id = v.id
    WHERE v.order_id = :order_id AND v.kind = 'invoice'), 0)
"""
OF_KEY = (
    "SELECT token, key FROM pay_request WHERE starts_with(key, :mark) ORDER BY asked_at LIMIT 1"
)
ONE_AT_A_TIME = "SELECT pg_advisory_xact_lock(hashtextextended(:name, 0))"
LIVES = timedelta(hours=72)
Purpose = Literal["invoices", "order", "unblock", "advance"]


class AskPayment(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be paid. ``invoices``: (invoice, part or None for all that is open).

    ``order``: what of the order is not paid yet. ``unblock``: the exact sum after which the held
    order (``order_id``), shipment (``shipment_id``) or the party itself passes. ``advance``:
    ``amount``. ``back``: our own path the payer returns to. The same ``key`` is the same request;
    without one, the same wish on the same day.
    """

    party_id: UUID
    purpose: Purpose
    invoices: list[tuple[UUID, Decimal | None]] = []
    order_id: UUID | None = None
    shipment_id: UUID | None = None
    amount: Decimal | None = None
    back: str = ""
    door: str = "portal"
    key: str = ""
    lives: timedelta = LIVES


@dataclass(frozen=True, slots=True)
class PayLink:
    """``url``: whole, for a letter or a chat; ``path``: on the company's own host."""

    url: str
    token: str
    amount: Decimal
    currency: str
    expires: datetime

    @property
    def path(self) -> str:
        return f"/pay/{self.token}"


@dataclass(frozen=True, slots=True)
class Meant:
    """What the books make of a wish."""

    amount: Decimal
    currency: str
    subject: str
    wishes: list[tuple[UUID, Decimal]]
    order_id: UUID | None = None


async def request_payment(actor: Actor, asked: AskPayment) -> PayLink:
    """A link that anyone may pay by, unguessable, good until it expires.

    Raises FORBIDDEN, NOT_FOUND, CARDS_NOT_TAKEN, NOTHING_TO_PAY, ALLOCATION_TOO_MUCH, AMOUNT_BAD,
    MONEY_DOES_NOT_HELP.
    """
    if actor.on_behalf_of is None:
        actor.require("payments.record")
    own_party(actor, asked.party_id)
    if not await takes_cards():
        raise Refusal("CARDS_NOT_TAKEN")
    meant = await _meant(actor, asked)
    if minor_units(meant.amount, meant.currency) is None:
        raise Refusal("AMOUNT_BAD", status=422)
    key = asked.key or _key_of(asked, meant)
    token = await db.value(SAME, key=key, now=clock.now(), amount=meant.amount)
    if token is None:
        token = await _put(actor, asked, meant, key)
    return await link_of(await request_of_token(token))


async def link_of(found: PayRequest) -> PayLink:
    url = await address_of(f"/pay/{found.token}")
    return PayLink(url, found.token, found.amount, found.currency.strip(), found.expires_at)


def _key_of(asked: AskPayment, meant: Meant) -> str:
    wish = (asked.party_id, asked.purpose, asked.order_id, asked.shipment_id, asked.door)
    text = f"{wish}{sorted(meant.wishes)}{meant.amount}{current_tenant().today()}"
    return hashlib.sha256(text.encode()).hexdigest()


async def _put(actor: Actor, asked: AskPayment, meant: Meant, key: str) -> str:
    """A used-up key (paid, expired, another sum) goes on under a longer one."""
    request_id, token = uuid7(), secrets.token_urlsafe(24)
    made = await db.value(
        PUT,
        id=request_id,
        token=token,
        party_id=asked.party_id,
        purpose=asked.purpose,
        subject=meant.subject[:200],
        amount=meant.amount,
        currency=meant.currency,
        wishes=[[str(item), str(amount)] for item, amount in meant.wishes],
        order_id=meant.order_id,
        shipment_id=asked.shipment_id,
        back=asked.back if asked.back.startswith("/") and asked.back[1:2] not in "/\\" else "",
        door=asked.door,
        key=key,
        by=actor.name,
        expires_at=clock.now() + asked.lives,
    )
    if made is None:
        return await _put(actor, asked, meant, f"{key}:{request_id.hex}")
    await audit.note(
        actor, "acquiring.ask", "pay_request", made, after={"amount": str(meant.amount)}
    )
    return token


async def _meant(actor: Actor, asked: AskPayment) -> Meant:
    if asked.purpose == "invoices":
        return await _invoices(asked)
    if asked.purpose == "order":
        return await _order(asked)
    if asked.purpose == "unblock":
        return await _unblock(actor, asked)
    amount = asked.amount
    if amount is None or not amount.is_finite() or not 0 < amount <= AMOUNT_MAX:
        raise Refusal("AMOUNT_BAD", status=422)
    if amount != round(amount, 2):
        raise Refusal("AMOUNT_BAD", status=422)
    return Meant(amount, (await party(asked.party_id)).currency, "", [])


async def _invoices(asked: AskPayment) -> Meant:
    """One's own, each as far as it is open. Raises NOT_FOUND for another's."""
    debtor = await party(asked.party_id)
    open_items = {
        i.document_id: i for i in await open_items_of(debtor.id, debtor.currency, "debit")
    }
    wishes, numbers = list[tuple[UUID, Decimal]](), list[str]()
    for invoice_id, part in dict(asked.invoices).items():
        item = open_items.get(invoice_id)
        if item is None:
            if (await invoice(invoice_id)).party_id != debtor.id:
                raise NotFound
            continue
        amount = item.open_amount if part is None else part
        if not amount.is_finite() or amount <= 0 or amount != round(amount, 2):
            raise Refusal("AMOUNT_BAD", status=422)
        if amount > item.open_amount:
            raise Refusal(
                "ALLOCATION_TOO_MUCH",
                number=item.number,
                open_amount=item.open_amount,
                asked_amount=amount,
            )
        wishes.append((item.id, amount))
        numbers.append(item.number)
    total = sum((amount for _, amount in wishes), ZERO)
    if not total:
        raise Refusal("NOTHING_TO_PAY")
    return Meant(total, debtor.currency, _listed(numbers), wishes)


def _listed(numbers: Sequence[str]) -> str:
    return ", ".join(numbers[:8]) + (f" +{len(numbers) - 8}" if len(numbers) > 8 else "")


async def _order(asked: AskPayment) -> Meant:
    head = await _own_order(asked)
    left = head.total - await db.value(PREPAID, order_id=head.id)
    if head.state in ("cancelled", "closed") or left <= 0:
        raise Refusal("NOTHING_TO_PAY")
    return Meant(left, head.currency, head.number, [], head.id)


async def _own_order(asked: AskPayment) -> OrderHead:
    order_id = asked.order_id
    if order_id is None and asked.shipment_id is not None:
        order_id = await order_of_shipment(asked.shipment_id)
    if order_id is None:
        raise NotFound
    head = await order_head(order_id)
    if head.party_id != asked.party_id:
        raise NotFound
    return head


async def _unblock(actor: Actor, asked: AskPayment) -> Meant:
    order_id, subject = None, ""
    if asked.order_id or asked.shipment_id:
        head = await _own_order(asked)
        order_id, subject = head.id, head.number
    found = await unblocking(actor, asked.party_id, order_id, at_dock=asked.shipment_id is not None)
    if found.pay_amount is None:
        raise Refusal("NOTHING_TO_PAY" if found.passes else "MONEY_DOES_NOT_HELP")
    return Meant(found.pay_amount, found.currency, subject, [], order_id)


async def cancel_request(actor: Actor, request_id: UUID) -> None:
    """The link pays nothing any more. Raises FORBIDDEN, NOT_PAYABLE where it does not already."""
    actor.require("payments.record")
    if not await db.execute(CANCEL, id=request_id):
        raise Refusal("NOT_PAYABLE")
    await audit.note(actor, "acquiring.cancel", "pay_request", request_id)


async def request_once(actor: Actor, asked: AskPayment, body: bytes) -> tuple[PayRequest, bool]:
    """For programs: ``asked.key`` with the same ``body`` is the same request whatever became of it.
    Returns it and whether it was there before.

    Raises KEY_REUSED (409) for another body, and what ``request_payment`` raises.
    """
    mark = f"{hashlib.sha256(asked.key.encode()).hexdigest()}:"
    key = mark + hashlib.sha256(body).hexdigest()
    await db.execute(ONE_AT_A_TIME, name=f"pay-request:{current_tenant().id}:{mark}")
    before = await db.one_or_none(OF_KEY, mark=mark)
    if before is not None:
        if not before["key"].startswith(key):
            raise Refusal("KEY_REUSED")
        return await request_of_token(before["token"]), True
    link = await request_payment(actor, msgspec.structs.replace(asked, key=key))
    return await request_of_token(link.token), False

"""Recording, allocating and reversing payments. A key makes a repeated request the same payment."""

import hashlib
from dataclasses import asdict, dataclass
from datetime import date
from decimal import Decimal
from typing import Literal
from uuid import UUID

import msgspec

from dilo.kit import db, outbox
from dilo.kit.errors import Refusal
from dilo.kit.ids import uuid7
from dilo.kit.money import AMOUNT_MAX, round_money
from dilo.ledger.actions import BANK, CASH, IN_TRANSIT, RECEIVABLE, post_entries, two_sided
from dilo.payments.queries import Payment, payment
from dilo.receivables import actions as receivables
from dilo.receivables import allocations
from dilo.receivables.actions import NewItem, Share, allocate, lock_balance
from dilo.receivables.exchange import rate_of
from dilo.receivables.queries import OpenItem, item_of_document, open_item
from tenants import audit
from tenants.actors import Actor
from tenants.numbering import next_number
from tenants.scope import current_tenant
from tenants.settings import setting

BY_KEY = "SELECT id, request_hash FROM payment WHERE key = :key"
PARTY = "SELECT currency, branch FROM party WHERE id = :id"
RECORD = """
INSERT INTO payment (id, number, party_id, method, amount, currency, received_on, reference,
  entry_id, reverses_id, key, request_hash, recorded_by, direction, original_currency,
  original_amount, order_id)
VALUES (:id, :number, :party_id, :method, :amount, :currency, :received_on, :reference, :entry_id,
  :reverses_id, :key, :request_hash, :recorded_by, :direction, :original_currency,
  :original_amount, :order_id)
"""
TILLS = {"cash": CASH, "online": IN_TRANSIT}
REVERSED = "SELECT 1 FROM payment WHERE reverses_id = :id"


class RecordPayment(msgspec.Struct, frozen=True, kw_only=True):
    """``allocations`` are (open item, amount). ``allocate`` policy: as the company has chosen.

    ``preferred`` is ``chosen`` as far as it is still open, the rest to the oldest. ``currency``: of
    the money, where it is not the party's balance currency; ``amount`` is in it. ``order_id``: the
    order it was paid for, whose invoices its advance waits for.
    """

    party_id: UUID
    amount: Decimal
    method: Literal["bank", "cash", "card", "offset", "online"] = "bank"
    received_on: date
    reference: str | None = None
    key: str
    allocations: list[tuple[UUID, Decimal]] = []
    allocate: Literal["policy", "oldest", "reference", "order", "chosen", "preferred", "none"] = (
        "oldest"
    )
    currency: str | None = None
    order_id: UUID | None = None


class AllocationPolicy(msgspec.Struct):
    """How money that names nothing in particular is spent; ``rest``: what the reference leaves."""

    first: Literal["oldest", "reference", "order", "none"] = "reference"
    rest: Literal["oldest", "none"] = "oldest"


async def record_payment(actor: Actor, command: RecordPayment) -> UUID:
    """Posts money in and allocates it. Returns the payment's id, the same for the same key.

    Raises FORBIDDEN, NOT_FOUND, AMOUNT_BAD, FUTURE_DATE, KEY_REUSED, ALLOCATION_TOO_MUCH,
    RATE_MISSING, PERIOD_CLOSED.
    """
    actor.require("payments.record")
    return await _record(actor, command, posts=True)


async def record_offset(actor: Actor, command: RecordPayment) -> UUID:
    """The receivable's half of netting: the entry is posted already, by the bill it settles."""
    return await _record(actor, command, posts=False)


async def _record(actor: Actor, command: RecordPayment, posts: bool) -> UUID:
    currency = await _checked(command)
    request = hashlib.sha256(msgspec.json.encode(command)).digest()
    await lock_balance(command.party_id, currency)
    earlier = await db.one_or_none(BY_KEY, key=command.key)
    if earlier:
        if earlier["request_hash"] != request:
            raise Refusal("KEY_REUSED")
        return earlier["id"]
    payment_id = await _post(actor, command, currency, request, posts)
    await _allocate(command, await item_of_document(payment_id))
    await audit.note(
        actor,
        "payments.record",
        "payment",
        payment_id,
        after={"amount": str(command.amount), "party_id": str(command.party_id)},
    )
    await outbox.tell(
        "payment_recorded", payment_id=str(payment_id), party_id=str(command.party_id)
    )
    return payment_id


async def _allocate(command: RecordPayment, item: OpenItem) -> None:
    on, first, rest = command.received_on, command.allocate, "oldest"
    if first == "policy":
        policy = await setting("allocation", AllocationPolicy)
        first, rest = policy.first, policy.rest
    if first == "oldest":
        await allocations.allocate_oldest_first(item, on)
    elif first == "chosen":
        await allocations.allocate_chosen(item, command.allocations, on)
    elif first == "preferred":
        await allocations.allocate_preferred(item, command.allocations, on)
    elif first in ("reference", "order"):
        await allocations.allocate_by_reference(
            item, command.reference or "", on, orders=first == "order", rest=rest == "oldest"
        )


async def _checked(command: RecordPayment) -> str:
    amount = command.amount
    if not amount.is_finite() or not 0 < amount <= AMOUNT_MAX or amount != round(amount, 2):
        raise Refusal("AMOUNT_BAD", status=422)
    if command.received_on > current_tenant().today():
        raise Refusal("FUTURE_DATE", status=422)
    return (await db.one(PARTY, id=command.party_id))["currency"]


@dataclass(frozen=True, slots=True)
class NewPayment:
    """A row of ``payment`` about to be written; a reversal names what it takes back."""

    id: UUID
    number: str
    party_id: UUID
    method: str
    amount: Decimal
    currency: str
    received_on: date
    reference: str | None
    key: str
    recorded_by: str
    reverses_id: UUID | None = None
    request_hash: bytes | None = None
    direction: str = "in"
    original_currency: str | None = None
    original_amount: Decimal | None = None
    order_id: UUID | None = None


async def _post_money(new: NewPayment, posts: bool = True) -> NewItem:
    """Entry, payment and open item. Money in is a credit of the party; money out is a debit."""
    back = new.reverses_id is not None or new.direction == "out"
    entry = await _post_entry(new, back) if posts else None
    await db.execute(RECORD, entry_id=entry, **asdict(new))
    kind, side = ("refund", "debit") if back else ("payment", "credit")
    on = new.received_on
    item = NewItem(
        new.party_id,
        kind,
        side,
        new.id,
        new.number,
        on,
        on,
        new.currency,
        new.amount,
        entry,
        new.original_currency,
        new.original_amount,
    )
    await receivables.post_items([item])
    return item


async def _post_entry(new: NewPayment, back: bool) -> UUID:
    till = TILLS.get(new.method, BANK)
    kind = "payment" if not back else "payment_reversal" if new.reverses_id else "refund"
    entry = two_sided(
        kind,
        new.received_on,
        new.currency,
        new.amount,
        debit=RECEIVABLE if back else till,
        credit=till if back else RECEIVABLE,
        party_id=new.party_id,
        source_id=new.id,
        memo=new.number,
        branch=(await db.one(PARTY, id=new.party_id))["branch"],
    )
    await post_entries([entry])
    return entry.id


async def _post(
    actor: Actor, command: RecordPayment, currency: str, request: bytes, posts: bool
) -> UUID:
    money = command.currency or currency
    rate = await rate_of(money, currency, command.received_on)
    foreign = money != currency
    new = NewPayment(
        uuid7(),
        await next_number("payment", "PAY"),
        command.party_id,
        command.method,
        round_money(command.amount * rate),
        currency,
        command.received_on,
        command.reference,
        command.key,
        actor.name,
        request_hash=request,
        original_currency=money if foreign else None,
        original_amount=command.amount if foreign else None,
        order_id=command.order_id,
    )
    await _post_money(new, posts)
    return new.id


async def allocate_credit(
    actor: Actor, item_id: UUID, chosen: list[tuple[UUID, Decimal]] | None
) -> None:
    """Spends an open credit (advance, credit note) on named debts, or on the oldest."""
    actor.require("payments.allocate")
    item = await open_item(item_id)
    await lock_balance(item.party_id, item.currency)
    item = await open_item(item_id)
    if item.side != "credit" or item.open_amount <= 0:
        raise Refusal("NOTHING_TO_ALLOCATE", number=item.number)
    today = current_tenant().today()
    if chosen is None:
        await allocations.allocate_oldest_first(item, today)
    else:
        await allocations.allocate_chosen(item, chosen, today)
    await audit.note(actor, "payments.allocate", "open_item", item_id)
    await outbox.tell(
        "payment_recorded", payment_id=str(item.document_id), party_id=str(item.party_id)
    )


async def undo_allocation(actor: Actor, item_id: UUID) -> None:
    """Frees everything a credit was spent on, by counter-rows."""
    actor.require("payments.allocate")
    item = await open_item(item_id)
    await lock_balance(item.party_id, item.currency)
    await receivables.undo_allocations_of(item_id, current_tenant().today())
    await audit.note(actor, "payments.unallocate", "open_item", item_id)


async def reverse_payment(actor: Actor, payment_id: UUID) -> UUID:
    """Takes a payment back (entered by mistake, bounced): counter-entry, debts open again.

    Raises FORBIDDEN, NOT_FOUND, ALREADY_REVERSED, NETTED (netting is undone with its bills),
    PAID_ONLINE (the provider has the money: it is refunded there).
    """
    actor.require("payments.reverse")
    paid = await payment(payment_id)
    if paid.method == "offset":
        raise Refusal("NETTED")
    if paid.method == "online":
        raise Refusal("PAID_ONLINE", number=paid.number)
    return await take_back(actor, paid)


async def take_back(actor: Actor, paid: Payment, posts: bool = True) -> UUID:
    """The reversal itself. ``posts`` is false where another entry says it already."""
    payment_id = paid.id
    await lock_balance(paid.party_id, paid.currency)
    if paid.reverses_id or paid.direction == "out" or await db.value(REVERSED, id=payment_id):
        raise Refusal("ALREADY_REVERSED", number=paid.number)
    today = current_tenant().today()
    item = await item_of_document(payment_id)
    await receivables.undo_allocations_of(item.id, today)
    reversal = NewPayment(
        uuid7(),
        await next_number("payment", "PAY"),
        paid.party_id,
        paid.method,
        paid.amount,
        paid.currency,
        today,
        paid.number,
        f"reversal:{payment_id}",
        actor.name,
        reverses_id=payment_id,
    )
    taken = await _post_money(reversal, posts)
    await allocate([Share(taken.id, item.id, paid.amount)], today)
    await audit.note(actor, "payments.reverse", "payment", payment_id)
    return reversal.id


class RefundForm(msgspec.Struct):
    """Money back to the customer out of an advance or a credit note."""

    amount: Decimal
    paid_on: date
    key: str
    method: Literal["bank", "cash"] = "bank"


async def refund_credit(actor: Actor, item_id: UUID, form: RefundForm) -> UUID:
    """Pays an open credit out. Returns the payment, the same for the same key.

    Raises FORBIDDEN, NOT_FOUND, AMOUNT_BAD, FUTURE_DATE, NOTHING_TO_ALLOCATE.
    """
    actor.require("payments.refund")
    item = await open_item(item_id)
    await lock_balance(item.party_id, item.currency)
    if already := await db.one_or_none(BY_KEY, key=form.key):
        return already["id"]
    item = await open_item(item_id)
    if item.side != "credit" or item.open_amount <= 0:
        raise Refusal("NOTHING_TO_ALLOCATE", number=item.number)
    amount = form.amount
    if not amount.is_finite() or not 0 < amount <= item.open_amount or amount != round(amount, 2):
        raise Refusal("AMOUNT_BAD", status=422)
    if form.paid_on > current_tenant().today():
        raise Refusal("FUTURE_DATE", status=422)
    new = NewPayment(
        uuid7(),
        await next_number("payment", "PAY"),
        item.party_id,
        form.method,
        amount,
        item.currency,
        form.paid_on,
        item.number,
        form.key,
        actor.name,
        direction="out",
    )
    taken = await _post_money(new)
    await allocate([Share(taken.id, item.id, amount)], form.paid_on)
    await audit.note(actor, "payments.refund", "payment", new.id, after={"amount": str(amount)})
    return new.id

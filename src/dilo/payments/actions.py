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
from dilo.kit.money import AMOUNT_MAX
from dilo.ledger.actions import BANK, CASH, RECEIVABLE, post_entries, two_sided
from dilo.payments.queries import payment
from dilo.receivables import actions as receivables
from dilo.receivables.actions import NewItem, Share, allocate, lock_balance
from dilo.receivables.queries import item_of_document, open_item
from tenants import audit
from tenants.actors import Actor
from tenants.numbering import next_number
from tenants.scope import current_tenant

BY_KEY = "SELECT id, request_hash FROM payment WHERE key = :key"
PARTY_CURRENCY = "SELECT currency FROM party WHERE id = :id"
RECORD = """
INSERT INTO payment (id, number, party_id, method, amount, currency, received_on, reference,
  entry_id, reverses_id, key, request_hash, recorded_by)
VALUES (:id, :number, :party_id, :method, :amount, :currency, :received_on, :reference, :entry_id,
  :reverses_id, :key, :request_hash, :recorded_by)
"""
REVERSED = "SELECT 1 FROM payment WHERE reverses_id = :id"


class RecordPayment(msgspec.Struct, frozen=True, kw_only=True):
    """``allocations`` are (open item, amount); with none given the oldest debts are paid first."""

    party_id: UUID
    amount: Decimal
    method: Literal["bank", "cash", "card", "offset"] = "bank"
    received_on: date
    reference: str | None = None
    key: str
    allocations: list[tuple[UUID, Decimal]] = []
    allocate: Literal["oldest", "chosen", "none"] = "oldest"


async def record_payment(actor: Actor, command: RecordPayment) -> UUID:
    """Posts money in and allocates it. Returns the payment's id, the same for the same key.

    Raises FORBIDDEN, NOT_FOUND, AMOUNT_BAD, FUTURE_DATE, KEY_REUSED, ALLOCATION_TOO_MUCH.
    """
    actor.require("payments.record")
    currency = await _checked(command)
    request = hashlib.sha256(msgspec.json.encode(command)).digest()
    await lock_balance(command.party_id, currency)
    earlier = await db.one_or_none(BY_KEY, key=command.key)
    if earlier:
        if earlier["request_hash"] != request:
            raise Refusal("KEY_REUSED")
        return earlier["id"]
    payment_id = await _post(actor, command, currency, request)
    item = await item_of_document(payment_id)
    if command.allocate == "oldest":
        await receivables.allocate_oldest_first(item, command.received_on)
    elif command.allocate == "chosen":
        await receivables.allocate_chosen(item, command.allocations, command.received_on)
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


async def _checked(command: RecordPayment) -> str:
    amount = command.amount
    if not amount.is_finite() or not 0 < amount <= AMOUNT_MAX or amount != round(amount, 2):
        raise Refusal("AMOUNT_BAD", status=422)
    if command.received_on > current_tenant().today():
        raise Refusal("FUTURE_DATE", status=422)
    return (await db.one(PARTY_CURRENCY, id=command.party_id))["currency"]


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


async def _post_money(new: NewPayment) -> NewItem:
    """Entry, payment and open item. Money in is a credit of the party; a reversal is a debit."""
    back = new.reverses_id is not None
    till = CASH if new.method == "cash" else BANK
    entry = two_sided(
        "payment_reversal" if back else "payment",
        new.received_on,
        new.currency,
        new.amount,
        debit=RECEIVABLE if back else till,
        credit=till if back else RECEIVABLE,
        party_id=new.party_id,
        source_id=new.id,
        memo=new.number,
    )
    await post_entries([entry])
    await db.execute(RECORD, entry_id=entry.id, **asdict(new))
    kind, side = ("refund", "debit") if back else ("payment", "credit")
    on = new.received_on
    item = NewItem(
        new.party_id, kind, side, new.id, new.number, on, on, new.currency, new.amount, entry.id
    )
    await receivables.post_items([item])
    return item


async def _post(actor: Actor, command: RecordPayment, currency: str, request: bytes) -> UUID:
    new = NewPayment(
        uuid7(),
        await next_number("payment", "PAY"),
        command.party_id,
        command.method,
        command.amount,
        currency,
        command.received_on,
        command.reference,
        command.key,
        actor.name,
        request_hash=request,
    )
    await _post_money(new)
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
        await receivables.allocate_oldest_first(item, today)
    else:
        await receivables.allocate_chosen(item, chosen, today)
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

    Raises FORBIDDEN, NOT_FOUND, ALREADY_REVERSED.
    """
    actor.require("payments.reverse")
    paid = await payment(payment_id)
    await lock_balance(paid.party_id, paid.currency)
    if paid.reverses_id or await db.value(REVERSED, id=payment_id):
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
    taken = await _post_money(reversal)
    await allocate([Share(taken.id, item.id, paid.amount)], today)
    await audit.note(actor, "payments.reverse", "payment", payment_id)
    return reversal.id

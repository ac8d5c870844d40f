"""Bills of suppliers and what is paid on them: posted at once, corrected by counter-rows."""

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Annotated, Literal
from uuid import UUID

import asyncpg
import msgspec

from dilo.kit import db
from dilo.kit.errors import Refusal
from dilo.kit.ids import uuid7
from dilo.kit.money import AMOUNT_MAX
from dilo.ledger.actions import (
    BANK,
    CASH,
    INVENTORY,
    OPERATING,
    PAYABLE,
    RECEIVABLE,
    Entry,
    Line,
    post_entries,
)
from dilo.payables.queries import Bill, bill
from tenants import audit
from tenants.actors import Actor
from tenants.scope import current_tenant

LOCK = "SELECT pg_advisory_xact_lock(hashtextextended(:name, 0))"
PARTY = "SELECT currency, branch FROM party WHERE id = :id"
RECORD = """
INSERT INTO bill (id, number, party_id, issued_on, due_on, currency, total, account, branch,
  business_line, memo, entry_id, key, recorded_by)
VALUES (:id, :number, :party_id, :issued_on, :due_on, :currency, :total, :account, :branch,
  :business_line, :memo, :entry_id, :key, :by)
"""
PAY = """
INSERT INTO bill_payment (id, bill_id, method, amount, paid_on, entry_id, reverses_id, key,
  recorded_by)
VALUES (:id, :bill_id, :method, :amount, :paid_on, :entry_id, :reverses_id, :key, :by)
"""
PAYMENT = """
SELECT y.id, y.bill_id, y.method, y.amount, y.reverses_id,
  EXISTS (SELECT 1 FROM bill_payment r WHERE r.reverses_id = y.id) AS reversed
FROM bill_payment y WHERE y.id = :id
"""
BILL_BY_KEY = "SELECT id FROM bill WHERE key = :key"
PAYMENT_BY_KEY = "SELECT id FROM bill_payment WHERE key = :key"
ACCOUNTS = {"goods": INVENTORY, "costs": OPERATING}
TILLS = {"bank": BANK, "cash": CASH, "offset": RECEIVABLE}


class BillForm(msgspec.Struct):
    """``what``: goods go to inventory, costs to operating expenses."""

    party: UUID
    number: Annotated[str, msgspec.Meta(min_length=1, max_length=60)]
    issued_on: date
    due_on: date
    total: Decimal
    key: str
    what: Literal["goods", "costs"] = "goods"
    business_line: str | None = None
    memo: str | None = None


class BillPaymentForm(msgspec.Struct):
    amount: Decimal
    paid_on: date
    key: str
    method: Literal["bank", "cash"] = "bank"


async def record_bill(actor: Actor, form: BillForm) -> UUID:
    """The same key is the same bill.

    Raises FORBIDDEN, NOT_FOUND, AMOUNT_BAD, FUTURE_DATE, DATES_BAD, NUMBER_TAKEN.
    """
    actor.require("bills.record")
    _check(form.total, form.issued_on)
    if form.due_on < form.issued_on:
        raise Refusal("DATES_BAD", status=422)
    await db.value(LOCK, name=f"bill:{current_tenant().id}:{form.key}")
    if already := await db.value(BILL_BY_KEY, key=form.key):
        return already
    party = await db.one(PARTY, id=form.party)
    new = Bill(
        id=uuid7(),
        number=form.number.strip(),
        party_id=form.party,
        party_name="",
        issued_on=form.issued_on,
        due_on=form.due_on,
        currency=party["currency"],
        total=form.total,
        account=ACCOUNTS[form.what],
        branch=party["branch"],
        business_line=form.business_line,
        memo=form.memo,
        open_amount=form.total,
    )
    entry = _entry("bill", new, form.issued_on, form.total, new.account, PAYABLE)
    await post_entries([entry])
    await _write(actor, new, entry, form.key)
    await audit.note(actor, "bills.record", "bill", new.id, after={"number": form.number})
    return new.id


async def _write(actor: Actor, new: Bill, entry: Entry, key: str) -> None:
    try:
        async with db.savepoint():
            await db.execute(
                RECORD,
                id=new.id,
                number=new.number,
                party_id=new.party_id,
                issued_on=new.issued_on,
                due_on=new.due_on,
                currency=new.currency,
                total=new.total,
                account=new.account,
                branch=new.branch,
                business_line=new.business_line,
                memo=new.memo,
                entry_id=entry.id,
                key=key,
                by=actor.name,
            )
    except asyncpg.UniqueViolationError:
        raise Refusal("NUMBER_TAKEN", status=422, number=new.number) from None


def _check(amount: Decimal, on: date) -> None:
    if not amount.is_finite() or not 0 < amount <= AMOUNT_MAX or amount != round(amount, 2):
        raise Refusal("AMOUNT_BAD", status=422)
    if on > current_tenant().today():
        raise Refusal("FUTURE_DATE", status=422)


def _entry(kind: str, of: Bill, on: date, amount: Decimal, debit: str, credit: str) -> Entry:
    cut = Line(debit, party_id=of.party_id, branch=of.branch, business_line=of.business_line)
    lines = (replace(cut, debit=amount), replace(cut, account=credit, credit=amount))
    return Entry(kind, on, of.currency, lines, source_id=of.id, memo=of.number)


async def pay_bill(actor: Actor, bill_id: UUID, form: BillPaymentForm) -> UUID:
    """Raises FORBIDDEN, NOT_FOUND, AMOUNT_BAD, FUTURE_DATE, ALLOCATION_TOO_MUCH."""
    actor.require("bills.pay")
    return await settle_bill(actor, bill_id, form.amount, form.paid_on, form.method, form.key)


async def settle_bill(
    actor: Actor, bill_id: UUID, amount: Decimal, on: date, method: str, key: str
) -> UUID:
    """Money out, or (method ``offset``) what the supplier owes us as a customer."""
    _check(amount, on)
    await db.value(LOCK, name=f"bill:{bill_id}")
    if already := await db.value(PAYMENT_BY_KEY, key=key):
        return already
    owed = await bill(bill_id)
    if amount > owed.open_amount:
        raise Refusal(
            "ALLOCATION_TOO_MUCH",
            number=owed.number,
            open_amount=owed.open_amount,
            asked_amount=amount,
        )
    entry = _entry("bill_payment", owed, on, amount, PAYABLE, TILLS[method])
    await post_entries([entry])
    payment_id = uuid7()
    await db.execute(
        PAY,
        id=payment_id,
        bill_id=bill_id,
        method=method,
        amount=amount,
        paid_on=on,
        entry_id=entry.id,
        reverses_id=None,
        key=key,
        by=actor.name,
    )
    await audit.note(actor, "bills.pay", "bill", bill_id, after={"amount": str(amount)})
    return payment_id


async def reverse_bill_payment(actor: Actor, payment_id: UUID) -> UUID:
    """Raises FORBIDDEN, NOT_FOUND, ALREADY_REVERSED, NETTED (undone from the payment it made)."""
    actor.require("bills.pay")
    if (await db.one(PAYMENT, id=payment_id))["method"] == "offset":
        raise Refusal("NETTED")
    return await take_back_payment(actor, payment_id)


async def take_back_payment(actor: Actor, payment_id: UUID) -> UUID:
    """A counter-row and a counter-entry. Raises NOT_FOUND, ALREADY_REVERSED."""
    paid = await db.one(PAYMENT, id=payment_id)
    await db.value(LOCK, name=f"bill:{paid['bill_id']}")
    paid, owed = await db.one(PAYMENT, id=payment_id), await bill(paid["bill_id"])
    if paid["reversed"] or paid["reverses_id"]:
        raise Refusal("ALREADY_REVERSED", number=owed.number)
    today = current_tenant().today()
    entry = _entry("bill_reversal", owed, today, paid["amount"], TILLS[paid["method"]], PAYABLE)
    await post_entries([entry])
    await db.execute(
        PAY,
        id=(reversal := uuid7()),
        bill_id=owed.id,
        method=paid["method"],
        amount=-paid["amount"],
        paid_on=today,
        entry_id=entry.id,
        reverses_id=payment_id,
        key=f"reversal:{payment_id}",
        by=actor.name,
    )
    await audit.note(actor, "bills.reverse", "bill", owed.id)
    return reversal

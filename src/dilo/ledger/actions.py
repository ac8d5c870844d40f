"""Posting. An entry and its lines go in whole and are never changed; corrections are
counter-entries."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from uuid import UUID

import msgspec

from dilo.kit import db
from dilo.kit.errors import Refusal
from dilo.kit.ids import uuid7
from dilo.kit.money import ZERO
from tenants import audit
from tenants.actors import Actor
from tenants.numbering import next_numbers
from tenants.scope import current_tenant

CASH, BANK, IN_TRANSIT, RECEIVABLE, INVENTORY = "1000", "1010", "1020", "1100", "1200"
PAYABLE, FEES, EXCHANGE, OPERATING = "2000", "4100", "4900", "5100"
EQUITY, SALES, RETURNS, COST, WRITE_OFF = "3000", "4000", "4010", "5000", "6000"
BONUS_PAYABLE, BONUSES, PROVIDER_FEES = "2200", "5200", "5300"

POST_ENTRIES = """
INSERT INTO journal_entry (id, number, kind, effective_on, currency, source_id, memo, key)
SELECT * FROM unnest(:ids::uuid[], :numbers::bigint[], :kinds::text[], :days::date[],
  :currencies::text[], :sources::uuid[], :memos::text[], :keys::text[])
"""
POST_LINES = """
INSERT INTO journal_line (entry_id, account, effective_on, currency, debit, credit, party_id,
  branch, business_line)
SELECT * FROM unnest(:entries::uuid[], :accounts::text[], :days::date[], :currencies::text[],
  :debits::numeric[], :credits::numeric[], :parties::uuid[], :branches::text[],
  :business_lines::text[])
"""


CLOSE = """
INSERT INTO closed_period (closed_through, closed_by, reason) VALUES (:through, :by, :reason)
"""
CLOSINGS = """
SELECT closed_through, closed_by, reason, at FROM closed_period ORDER BY id DESC LIMIT 50
"""


async def close_books(actor: Actor, through: date | None, reason: str) -> None:
    """Nothing is posted or allocated on or before ``through`` from now on; None opens all again.

    Raises FORBIDDEN, FUTURE_DATE, REASON_MISSING (opening again needs one).
    """
    actor.require("books.close")
    before = await db.value("SELECT closed_through()")
    if through is not None and through >= current_tenant().today():
        raise Refusal("FUTURE_DATE", status=422)
    if (through is None or (before and through < before)) and not reason.strip():
        raise Refusal("REASON_MISSING", status=422)
    await db.execute(CLOSE, through=through, by=actor.name, reason=reason.strip() or None)
    await audit.note(
        actor,
        "books.close",
        "closed_period",
        None,
        before={"through": str(before)},
        after={"through": str(through)},
    )


async def closings() -> list[db.Row]:
    """The newest first: until when the books are closed, by whom."""
    return await db.rows(CLOSINGS)


@dataclass(frozen=True, slots=True)
class Line:
    """One side is zero, the other positive."""

    account: str
    debit: Decimal = ZERO
    credit: Decimal = ZERO
    party_id: UUID | None = None
    branch: str | None = None
    business_line: str | None = None


@dataclass(frozen=True, slots=True)
class Entry:
    kind: str
    effective_on: date
    currency: str
    lines: tuple[Line, ...]
    source_id: UUID | None = None
    memo: str | None = None
    key: str | None = None
    id: UUID = field(default_factory=uuid7)

    def __post_init__(self) -> None:
        debit = sum((line.debit for line in self.lines), ZERO)
        credit = sum((line.credit for line in self.lines), ZERO)
        assert self.lines
        assert debit == credit, f"{self.kind} does not balance: {debit} {credit}"


def two_sided(
    kind: str,
    on: date,
    currency: str,
    amount: Decimal,
    *,
    debit: str,
    credit: str,
    party_id: UUID | None,
    source_id: UUID | None = None,
    memo: str | None = None,
    branch: str | None = None,
) -> Entry:
    """The commonest entry: one debit, one credit, both about one party."""
    lines = (
        Line(debit, debit=amount, party_id=party_id, branch=branch),
        Line(credit, credit=amount, party_id=party_id, branch=branch),
    )
    return Entry(kind, on, currency, lines, source_id=source_id, memo=memo)


def counter_entry(entry: Entry, on: date, kind: str) -> Entry:
    """The same with the sides exchanged: how a posted entry is corrected."""
    lines = tuple(replace(line, debit=line.credit, credit=line.debit) for line in entry.lines)
    return replace(entry, id=uuid7(), kind=kind, effective_on=on, lines=lines, key=None)


async def post_entries(entries: Sequence[Entry]) -> None:
    """Two statements whatever the count. Numbers are gapless per tenant."""
    if not entries:
        return
    numbers = await next_numbers("journal", len(entries))
    await db.execute(
        POST_ENTRIES,
        ids=[entry.id for entry in entries],
        numbers=list(numbers),
        kinds=[entry.kind for entry in entries],
        days=[entry.effective_on for entry in entries],
        currencies=[entry.currency for entry in entries],
        sources=[entry.source_id for entry in entries],
        memos=[entry.memo for entry in entries],
        keys=[entry.key for entry in entries],
    )
    lines = [(entry, line) for entry in entries for line in entry.lines]
    await db.execute(
        POST_LINES,
        entries=[entry.id for entry, _ in lines],
        accounts=[line.account for _, line in lines],
        days=[entry.effective_on for entry, _ in lines],
        currencies=[entry.currency for entry, _ in lines],
        debits=[line.debit for _, line in lines],
        credits=[line.credit for _, line in lines],
        parties=[line.party_id for _, line in lines],
        branches=[line.branch for _, line in lines],
        business_lines=[line.business_line for _, line in lines],
    )


class EntryForm(msgspec.Struct):
    """A hand-written entry: one debit, one credit. ``key`` makes a repeat the same entry."""

    debit: str
    credit: str
    amount: Decimal
    on: date
    memo: str
    key: str
    branch: str | None = None
    business_line: str | None = None


async def accounts() -> list[db.Row]:
    return await db.rows("SELECT code, name, kind FROM ledger_account ORDER BY code")


async def write_entry(actor: Actor, form: EntryForm) -> None:
    """What no document says: opening inventory, capital, salaries. Control accounts of parties are
    written by documents alone.

    Raises FORBIDDEN, AMOUNT_BAD, ACCOUNT_BAD, FUTURE_DATE, REASON_MISSING, PERIOD_CLOSED.
    """
    actor.require("books.close")
    amount, tenant = form.amount, current_tenant()
    if not amount.is_finite() or not 0 < amount < 10**16 or amount != round(amount, 2):
        raise Refusal("AMOUNT_BAD", status=422)
    known = {row["code"] for row in await accounts()} - {RECEIVABLE, PAYABLE}
    if not {form.debit, form.credit} <= known or form.debit == form.credit:
        raise Refusal("ACCOUNT_BAD", status=422)
    if form.on > tenant.today():
        raise Refusal("FUTURE_DATE", status=422)
    if not form.memo.strip():
        raise Refusal("REASON_MISSING", status=422)
    key = f"manual:{form.key}"
    if await db.value("SELECT 1 FROM journal_entry WHERE key = :key", key=key):
        return
    cut = Line(form.debit, amount, ZERO, None, form.branch, form.business_line)
    lines = (cut, replace(cut, account=form.credit, debit=ZERO, credit=amount))
    memo = form.memo.strip()[:200]
    await post_entries([Entry("manual", form.on, tenant.currency, lines, memo=memo, key=key)])
    await audit.note(actor, "books.entry", "journal_entry", None, after={"amount": str(amount)})

"""Fees of a level and interest of a month, each an open item of its own, each charged once."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from uuid import UUID

from dilo.kit import db
from dilo.kit.ids import uuid7
from dilo.kit.money import round_money
from dilo.ledger.actions import FEES, RECEIVABLE, post_entries, two_sided
from dilo.receivables.actions import NewItem, post_items
from tenants.numbering import next_numbers
from tenants.scope import current_tenant

# Levels told by this run that cost something, on documents that are not charges themselves.
FEES_OF_RUN = """
SELECT i.id AS item_id, i.party_id, i.currency, i.number, l.fee_amount AS amount,
  'level:' || l.id || ':' || n.due_on AS fact, p.branch
FROM dunning_notice_item n JOIN dunning_notice t ON t.id = n.notice_id
JOIN dunning_level l ON l.id = n.level_id JOIN open_item i ON i.id = n.open_item_id
JOIN party p ON p.id = i.party_id
WHERE t.run_id = :run_id AND l.fee_amount > 0 AND i.kind <> 'fee'
  AND NOT EXISTS (SELECT 1 FROM late_charge c WHERE c.open_item_id = i.id AND c.kind = 'fee'
    AND c.fact = 'level:' || l.id || ':' || n.due_on)
ORDER BY i.party_id, i.id
"""
# Simple interest on what was open, day by day late within the month, of what is open now.
OVERDUE_IN_MONTH = """
SELECT i.id AS item_id, i.party_id, i.currency, i.number, i.open_amount, p.branch,
  CAST(:until AS date) - greatest(i.due_on, CAST(:since AS date) - 1) AS days
FROM open_item i JOIN party p ON p.id = i.party_id
WHERE i.side = 'debit' AND i.open_amount > 0 AND i.kind <> 'fee' AND i.due_on < :until
  AND i.issued_on <= :until
  AND NOT EXISTS (SELECT 1 FROM late_charge c WHERE c.open_item_id = i.id AND c.kind = 'interest'
    AND c.fact = :fact)
  AND NOT EXISTS (SELECT 1 FROM dunning_pause z WHERE z.open_item_id = i.id AND z.why = 'dispute'
    AND z.ended_on IS NULL)
ORDER BY i.party_id, i.id
"""
KEEP = """
INSERT INTO late_charge (open_item_id, kind, fact, amount, charged_on, charge_item_id)
SELECT * FROM unnest(:items::uuid[], :kinds::text[], :facts::text[], :amounts::numeric[],
  :days::date[], :charges::uuid[])
"""
YEAR_DAYS = 365


@dataclass(frozen=True, slots=True)
class Charge:
    item_id: UUID
    party_id: UUID
    currency: str
    number: str
    amount: Decimal
    fact: str
    kind: str
    branch: str | None


def interest(amount: Decimal, days: int, yearly_percent: Decimal) -> Decimal:
    """Simple interest, actual/365, half-even to the kopeck."""
    return round_money(amount * yearly_percent * max(days, 0) / 100 / YEAR_DAYS)


async def charge_fees(run_id: UUID) -> int:
    """Fees of the levels a run has told. Returns how many."""
    found = await db.rows(FEES_OF_RUN, run_id=run_id)
    return await _post([Charge(**row, kind="fee") for row in found])


async def charge_interest(month: date, yearly_percent: Decimal) -> int:
    """Of the month that ended, on what is still open of it. Run again, it charges nothing twice."""
    since = month.replace(day=1)
    until = (since + timedelta(days=32)).replace(day=1) - timedelta(days=1)
    fact = f"{since:%Y-%m}"
    found = await db.rows(OVERDUE_IN_MONTH, since=since, until=until, fact=fact)
    charges = [
        Charge(
            row["item_id"],
            row["party_id"],
            row["currency"],
            row["number"],
            interest(row["open_amount"], row["days"], yearly_percent),
            fact,
            "interest",
            row["branch"],
        )
        for row in found
    ]
    return await _post([charge for charge in charges if charge.amount > 0])


async def _post(charges: Sequence[Charge]) -> int:
    if not charges:
        return 0
    today = current_tenant().today()
    numbers = await next_numbers("fee", len(charges))
    entries = [
        two_sided(
            "fee",
            today,
            one.currency,
            one.amount,
            debit=RECEIVABLE,
            credit=FEES,
            party_id=one.party_id,
            memo=f"FEE-{number:06d} {one.number}",
            branch=one.branch,
        )
        for one, number in zip(charges, numbers, strict=True)
    ]
    await post_entries(entries)
    items = [
        _item(one, f"FEE-{number:06d}", today, entry.id)
        for one, number, entry in zip(charges, numbers, entries, strict=True)
    ]
    await post_items(items)
    await db.execute(
        KEEP,
        items=[one.item_id for one in charges],
        kinds=[one.kind for one in charges],
        facts=[one.fact for one in charges],
        amounts=[one.amount for one in charges],
        days=[today] * len(charges),
        charges=[item.id for item in items],
    )
    return len(charges)


def _item(one: Charge, number: str, on: date, entry_id: UUID) -> NewItem:
    """Due at once: it is charged because something is late already."""
    return NewItem(
        one.party_id, "fee", "debit", uuid7(), number, on, on, one.currency, one.amount, entry_id
    )

"""Netting: what a party owes us against what we owe it, no money moving (залік взаємних вимог)."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from uuid import UUID

from dilo.kit import db
from dilo.kit.errors import Refusal
from dilo.kit.money import ZERO
from dilo.payables.actions import settle_bill, take_back_payment
from dilo.payments.actions import RecordPayment, record_offset, take_back
from dilo.payments.queries import payment
from dilo.receivables.actions import lock_balance
from dilo.receivables.queries import open_items_of
from tenants.actors import Actor
from tenants.scope import current_tenant

OPEN_BILLS = """
SELECT b.id, b.number, b.due_on, b.total - coalesce(y.paid, 0) AS open_amount, b.currency
FROM bill b LEFT JOIN LATERAL (
  SELECT sum(amount) AS paid FROM bill_payment y WHERE y.bill_id = b.id) y ON true
WHERE b.party_id = :party_id AND b.currency = :currency AND b.total > coalesce(y.paid, 0)
ORDER BY b.due_on, b.issued_on, b.id
"""

HALVES = """
SELECT y.id FROM bill_payment y JOIN payment p ON y.key = p.key || ':' || y.bill_id
WHERE p.id = :payment_id AND y.method = 'offset' ORDER BY y.id
"""


@dataclass(frozen=True, slots=True)
class Nettable:
    """``most``: the lesser of the two debts."""

    receivable: Decimal
    payable: Decimal
    bills: list[db.Row]

    @property
    def most(self) -> Decimal:
        return min(self.receivable, self.payable)


async def nettable(party_id: UUID, currency: str) -> Nettable:
    debts = await open_items_of(party_id, currency, "debit")
    bills = await db.rows(OPEN_BILLS, party_id=party_id, currency=currency)
    return Nettable(
        sum((item.open_amount for item in debts), ZERO),
        sum((row["open_amount"] for row in bills), ZERO),
        bills,
    )


async def net(
    actor: Actor, party_id: UUID, currency: str, amount: Decimal, on: date, key: str
) -> UUID:
    """The oldest bills against the oldest debts. Returns the payment that records it.

    Raises FORBIDDEN, NOT_FOUND, AMOUNT_BAD, FUTURE_DATE, NETTING_TOO_MUCH.
    """
    actor.require("payments.record")
    actor.require("bills.pay")
    await lock_balance(party_id, currency)
    most = (found := await nettable(party_id, currency)).most
    already = await db.value("SELECT id FROM payment WHERE key = :key", key=key)
    if already:
        return already
    if on > current_tenant().today():
        raise Refusal("FUTURE_DATE", status=422)
    if not amount.is_finite() or amount <= 0 or amount != round(amount, 2):
        raise Refusal("AMOUNT_BAD", status=422)
    if amount > most:
        raise Refusal("NETTING_TOO_MUCH", status=422, most_amount=most)
    left, numbers = amount, []
    for row in found.bills:
        part = min(left, row["open_amount"])
        if part <= 0:
            break
        await settle_bill(actor, row["id"], part, on, "offset", f"{key}:{row['id']}")
        left -= part
        numbers.append(row["number"])
    command = RecordPayment(
        party_id=party_id,
        amount=amount,
        method="offset",
        received_on=on,
        reference=", ".join(numbers)[:200],
        key=key,
    )
    return await record_offset(actor, command)


async def undo(actor: Actor, payment_id: UUID) -> UUID:
    """Both debts are open again. Raises FORBIDDEN, NOT_FOUND, ALREADY_REVERSED."""
    actor.require("payments.reverse")
    paid = await payment(payment_id)
    await lock_balance(paid.party_id, paid.currency)
    for row in await db.rows(HALVES, payment_id=payment_id):
        await take_back_payment(actor, row["id"])
    return await take_back(actor, paid, posts=False)

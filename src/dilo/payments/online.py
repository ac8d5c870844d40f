"""Money a provider gave back or was made to give back: counter-entries, debts open again.

A refund or a withdrawn dispute takes from what its payment paid, the last allocated first; the rest
stays where it was.
"""

from decimal import Decimal
from uuid import UUID

from dilo.kit import db
from dilo.kit.errors import Refusal
from dilo.kit.ids import uuid7
from dilo.ledger.actions import IN_TRANSIT, PROVIDER_FEES, Entry, Line, post_entries
from dilo.payments.actions import BY_KEY, NewPayment, _post_money
from dilo.payments.queries import payment
from dilo.receivables.actions import Share, allocate, lock_balance
from dilo.receivables.queries import OpenItem, item_of_document
from tenants import audit
from tenants.actors import Actor
from tenants.numbering import next_number
from tenants.scope import current_tenant

STANDING = """
SELECT a.id, a.debit_item_id, a.amount FROM allocation a
JOIN open_item d ON d.id = a.debit_item_id
WHERE a.credit_item_id = :item_id AND d.kind <> 'refund' AND a.amount > 0
  AND NOT EXISTS (SELECT 1 FROM allocation r
                  WHERE r.tenant_id = a.tenant_id AND r.reverses_id = a.id)
ORDER BY a.created_at DESC, a.id DESC
"""
RETURNED = """
SELECT coalesce(sum(a.amount), 0) FROM allocation a JOIN open_item d ON d.id = a.debit_item_id
WHERE a.credit_item_id = :item_id AND d.kind = 'refund'
"""
FEE_POSTED = "SELECT 1 FROM journal_entry WHERE key = :key"


async def give_back(
    actor: Actor, payment_id: UUID, amount: Decimal, key: str, reference: str
) -> UUID:
    """Posts ``amount`` of an online payment as returned. The same key, the same payment out.

    Raises REFUND_TOO_MUCH with what is left of the payment.
    """
    paid = await payment(payment_id)
    await lock_balance(paid.party_id, paid.currency)
    if already := await db.one_or_none(BY_KEY, key=key):
        return already["id"]
    credit = await item_of_document(payment_id)
    left = credit.amount - await db.value(RETURNED, item_id=credit.id)
    if not 0 < amount <= left:
        raise Refusal("REFUND_TOO_MUCH", number=paid.number, left_amount=left, asked_amount=amount)
    today = current_tenant().today()
    new = NewPayment(
        uuid7(),
        await next_number("payment", "PAY"),
        paid.party_id,
        "online",
        amount,
        paid.currency,
        today,
        reference,
        key,
        actor.name,
        direction="out",
    )
    await _free(credit, amount)
    taken = await _post_money(new)
    await allocate([Share(taken.id, credit.id, amount)], today)
    await audit.note(actor, "payments.refund", "payment", payment_id, after={"amount": str(amount)})
    return new.id


async def _free(credit: OpenItem, amount: Decimal) -> None:
    """Makes ``amount`` of the credit open again: what was paid last is unpaid first."""
    left, shares = amount - credit.open_amount, list[Share]()
    for row in await db.rows(STANDING, item_id=credit.id):
        if left <= 0:
            break
        shares.append(Share(row["debit_item_id"], credit.id, -row["amount"], row["id"]))
        if row["amount"] > left:
            shares.append(Share(row["debit_item_id"], credit.id, row["amount"] - left))
        left -= row["amount"]
    await allocate(shares, current_tenant().today())


async def post_fee(key: str, amount: Decimal, currency: str, memo: str) -> None:
    """What the provider kept for itself; negative where it gave a fee back."""
    if not amount or await db.value(FEE_POSTED, key=key):
        return
    debit, credit = (PROVIDER_FEES, IN_TRANSIT) if amount > 0 else (IN_TRANSIT, PROVIDER_FEES)
    lines = (Line(debit, debit=abs(amount)), Line(credit, credit=abs(amount)))
    today = current_tenant().today()
    await post_entries([Entry("provider_fee", today, currency, lines, memo=memo, key=key)])

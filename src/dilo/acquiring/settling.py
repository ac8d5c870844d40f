"""Bringing the books to what the provider says of one payment intent, however often it is asked.

Posting, allocating, judging again and releasing are one transaction under the locks of an order's
own confirmation. Whatever comes twice, at once or in another order ends the same.
"""

from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

from dilo.acquiring import queries
from dilo.acquiring.gateway import Account, Intent
from dilo.acquiring.queries import CardPayment, PayRequest
from dilo.acquiring.returns import bring_disputes, bring_refunds
from dilo.acquiring.rules import Asked, Seen, major_units, minor_units, mismatch
from dilo.kit import clock, db
from dilo.kit.ids import uuid7, uuid_or_none
from dilo.kit.money import ZERO
from dilo.orders.actions import Released, lock_for_release, release_held
from dilo.orders.actions.decision import facts_of
from dilo.orders.facts import DISPATCH
from dilo.orders.queries import terms_of
from dilo.payments.actions import RecordPayment, record_payment
from dilo.payments.online import post_fee
from dilo.receivables.actions import lock_balance
from dilo.receivables.allocations import allocate_advances
from dilo.receivables.queries import open_items_of
from tenants.actors import Actor
from tenants.scope import current_tenant

STRIPE = Actor(kind="system", id=None, name="Stripe")
TAKEN = """
INSERT INTO card_payment (id, account_id, intent_id, charge_id, party_id, payment_id,
  pay_request_id, amount, currency, fee_amount)
VALUES (:id, :account_id, :intent_id, :charge_id, :party_id, :payment_id, :request_id, :amount,
  :currency, :fee_amount)
"""
PAID = """
UPDATE pay_request SET state = 'paid', payment_id = :payment_id, paid_at = :now,
  outcome = :outcome WHERE id = :id
"""
ATTEMPTS_PAID = """
UPDATE pay_attempt SET state = 'paid', intent_id = coalesce(intent_id, :intent_id),
  looked_at = now()
WHERE pay_request_id = :id AND state IN ('asked','open')
"""
FEE = """
UPDATE card_payment SET fee_amount = :fee_amount WHERE id = :id AND fee_amount IS NULL
"""
OPEN_OF_ORDER = """
SELECT v.id FROM invoice v JOIN open_item i ON i.document_id = v.id
WHERE v.order_id = :order_id AND v.kind = 'invoice' AND i.open_amount > 0 ORDER BY v.issued_on, v.id
"""
SET_ASIDE = """
INSERT INTO card_quarantine (account_id, intent_id, charge_id, pay_request_id, reason, amount,
  currency, asked_amount, asked_currency, payer)
VALUES (:account_id, :intent_id, :charge_id, :request_id, :reason, :amount, :currency,
  :asked_amount, :asked_currency, :payer)
ON CONFLICT (tenant_id, intent_id) DO NOTHING
"""
GIVEN_BACK = """
UPDATE card_quarantine SET state = 'refunded', decided_by = :by, decided_at = :now
WHERE intent_id = :intent_id AND state IN ('waiting','refunding')
"""
KNOWN_TROUBLE = "SELECT 1 FROM card_quarantine WHERE intent_id = :intent_id"


@dataclass(frozen=True, slots=True)
class Taking:
    """Money about to be posted: whose, what it is spent on, which order it sets free first."""

    party_id: UUID
    intent: Intent
    account_id: str
    request: PayRequest | None = None


async def bring(account: Account, intent: Intent) -> None:
    """The transaction is the caller's. Posts what has come, what went back, what is disputed."""
    taken = await queries.card_payment_of_intent(intent.id)
    if taken is None and intent.status == "succeeded":
        taken = await _arrived(account, intent)
    if taken is None:
        await _gone_from_aside(intent)
        return
    await lock_balance(taken.party_id, taken.currency)
    await _late_fee(taken, intent)
    await bring_refunds(STRIPE, taken, intent.refunds)
    await bring_disputes(STRIPE, taken, intent.disputes)


async def _arrived(account: Account, intent: Intent) -> CardPayment | None:
    """Posts it where it is exactly what was asked for; else sets it aside with the reason."""
    request_id = uuid_or_none(intent.request_id)
    found = await queries.request_or_none(request_id) if request_id else None
    if found is not None:
        await lock_for_release(found.party_id, found.currency)
        found = await queries.request(found.id)
        if taken := await queries.card_payment_of_intent(intent.id):
            return taken
    reason = mismatch(_asked(found), _seen(intent), livemode=account.livemode, tenant_id=_tenant())
    if await db.value(KNOWN_TROUBLE, intent_id=intent.id):
        return None
    if reason is not None or found is None:
        await set_aside(account.account_id, intent, found, reason or "UNKNOWN")
        return None
    return await take(Taking(found.party_id, intent, account.account_id, found))


async def _gone_from_aside(intent: Intent) -> None:
    """Money set aside that was given back whole in the provider's own cabinet waits no more."""
    back = sum(one.units for one in intent.refunds if one.status not in ("failed", "canceled"))
    if back >= intent.units > 0:
        await db.execute(GIVEN_BACK, intent_id=intent.id, by=STRIPE.name, now=clock.now())


def _tenant() -> str:
    return str(current_tenant().id)


def _asked(found: PayRequest | None) -> Asked | None:
    if found is None:
        return None
    units = minor_units(found.amount, found.currency) or 0
    return Asked(_tenant(), str(found.id), units, found.currency, found.state)


def _seen(intent: Intent) -> Seen:
    return Seen(intent.units, intent.currency, intent.livemode, intent.tenant_id, intent.request_id)


async def set_aside(account_id: str, intent: Intent, found: PayRequest | None, reason: str) -> None:
    """Money is there, nothing is posted: a person says what it is."""
    await db.execute(
        SET_ASIDE,
        account_id=account_id,
        intent_id=intent.id,
        charge_id=intent.charge_id or None,
        request_id=found.id if found else None,
        reason=reason,
        amount=major_units(intent.units, intent.currency),
        currency=intent.currency,
        asked_amount=found.amount if found else None,
        asked_currency=found.currency if found else None,
        payer=intent.payer,
    )


async def take(taking: Taking) -> CardPayment:
    """Posts, allocates, releases. ``lock_for_release`` has been called."""
    intent, found = taking.intent, taking.request
    payment_id = await record_payment(STRIPE, await _command(taking))
    if found is not None and found.purpose == "order" and found.order_id is not None:
        today = current_tenant().today()
        for row in await db.rows(OPEN_OF_ORDER, order_id=found.order_id):
            await allocate_advances(found.order_id, row["id"], today)
    fee = _fee(intent)
    await db.execute(
        TAKEN,
        id=uuid7(),
        account_id=taking.account_id,
        intent_id=intent.id,
        charge_id=intent.charge_id or None,
        party_id=taking.party_id,
        payment_id=payment_id,
        request_id=found.id if found else None,
        amount=major_units(intent.units, intent.currency),
        currency=intent.currency,
        fee_amount=fee,
    )
    if fee is not None:
        await post_fee(f"stripe-fee:{intent.id}", fee, intent.fee_currency, intent.id)
    released = await release_held(taking.party_id, found.order_id if found else None)
    if found is not None:
        await db.execute(
            PAID,
            id=found.id,
            payment_id=payment_id,
            now=clock.now(),
            outcome=_outcome(released),
        )
        await db.execute(ATTEMPTS_PAID, id=found.id, intent_id=intent.id)
    taken = await queries.card_payment_of_intent(intent.id)
    assert taken is not None
    return taken


async def _command(taking: Taking) -> RecordPayment:
    intent, found = taking.intent, taking.request
    purpose = found.purpose if found else "advance"
    wishes = _wishes(found)
    if purpose == "unblock" or found is None:
        wishes = await _blocking(taking.party_id)
    return RecordPayment(
        party_id=taking.party_id,
        amount=major_units(intent.units, intent.currency),
        method="online",
        received_on=current_tenant().today(),
        reference=" ".join(part for part in (found.subject if found else "", intent.id) if part),
        key=f"stripe:{intent.id}",
        allocations=wishes,
        allocate="none" if purpose == "order" else "preferred",
        currency=intent.currency,
        order_id=found.order_id if found and purpose in ("order", "unblock") else None,
    )


def _wishes(found: PayRequest | None) -> list[tuple[UUID, Decimal]]:
    return [(UUID(item), Decimal(amount)) for item, amount in found.wishes] if found else []


async def _blocking(party_id: UUID) -> list[tuple[UUID, Decimal]]:
    """What stops the party goes first: the debts its credit depth counts, the oldest of them
    first, so that the exact sum of a remedy does what it promises."""
    terms = await terms_of(party_id, current_tenant().today())
    balance = await lock_balance(party_id, terms.currency)
    facts = await facts_of(terms, balance, (), ZERO, stage=DISPATCH, order_id=None)
    stopping = {one.document_id for one in facts.overdue}
    debits = await open_items_of(party_id, terms.currency, "debit")
    return [(i.id, i.open_amount) for i in debits if str(i.document_id) in stopping]


def _fee(intent: Intent) -> Decimal | None:
    return None if intent.fee is None else major_units(intent.fee, intent.fee_currency)


async def _late_fee(taken: CardPayment, intent: Intent) -> None:
    """The provider may say what it kept only later than that it took."""
    fee = _fee(intent)
    if taken.fee_amount is None and fee is not None:
        await db.execute(FEE, id=taken.id, fee_amount=fee)
        await post_fee(f"stripe-fee:{intent.id}", fee, intent.fee_currency, intent.id)


def _outcome(released: Released) -> dict[str, list[str]]:
    """What tried to go after the money came, as the payer's page tells it."""
    gone = [one.number for one in released.orders if one.state == "confirmed"]
    gone += [one.number for one in released.shipments if one.state == "dispatched"]
    held = [one.number for one in (*released.orders, *released.shipments) if one.number not in gone]
    return {"released": gone, "held": held}

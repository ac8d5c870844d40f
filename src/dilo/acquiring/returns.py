"""Money that goes back: refunds asked here or made at the provider, disputes won and lost."""

from collections.abc import Sequence
from decimal import Decimal
from uuid import UUID

from dilo.acquiring import accounts, queries
from dilo.acquiring.gateway import Account, Disputed, Gateway, Refunded
from dilo.acquiring.queries import CardPayment
from dilo.acquiring.rules import major_units, minor_units
from dilo.kit import db
from dilo.kit.errors import Refusal
from dilo.kit.ids import uuid7, uuid_or_none
from dilo.payments.actions import RecordPayment, record_payment
from dilo.payments.online import give_back, post_fee
from dilo.receivables.actions import lock_balance
from tenants import audit
from tenants.actors import Actor
from tenants.scope import Tenant, current_tenant, scope

ASK = """
INSERT INTO card_refund (id, card_payment_id, amount, reason, asked_by)
VALUES (:id, :card_id, :amount, :reason, :by)
"""
KNOWN = """
SELECT id, state, payment_id FROM card_refund
WHERE external_id = :external_id OR (CAST(:ours AS uuid) IS NOT NULL AND id = :ours)
"""
HEARD = """
INSERT INTO card_refund (id, card_payment_id, amount, reason, external_id, asked_by)
VALUES (:id, :card_id, :amount, :reason, :external_id, :by)
"""
SETTLED = """
UPDATE card_refund SET state = :state, external_id = coalesce(:external_id, external_id),
  payment_id = coalesce(:payment_id, payment_id), problem = :problem WHERE id = :id
"""
DISPUTE = """
SELECT id, state, withdrawn_id, returned_id, fee_amount FROM card_dispute
WHERE external_id = :external_id
"""
OPEN_DISPUTE = """
INSERT INTO card_dispute (id, card_payment_id, external_id, amount, reason, state, answer_by)
VALUES (:id, :card_id, :external_id, :amount, :reason, 'open', :answer_by)
"""
DISPUTE_IS = """
UPDATE card_dispute SET state = :state, withdrawn_id = :withdrawn_id, returned_id = :returned_id,
  fee_amount = :fee_amount, answer_by = :answer_by,
  closed_at = CASE WHEN CAST(:state AS text) = 'open' THEN NULL ELSE coalesce(closed_at, now()) END
WHERE id = :id
"""


async def refund(tenant: Tenant, actor: Actor, card_id: UUID, amount: Decimal, reason: str) -> None:
    """Gives money back, all or part: written down, asked of the provider, posted with its
    counter-entries. Two at once never give back more than came.

    Raises FORBIDDEN, NOT_FOUND, AMOUNT_BAD, REFUND_TOO_MUCH and what the gateway says.
    """
    async with scope(tenant):
        actor.require("payments.refund")
        card = await queries.card_payment(card_id)
        await lock_balance(card.party_id, card.currency)
        card = await queries.card_payment(card_id)
        refund_id = await _ask(actor, card, amount, reason)
        account = await accounts.current()
    await _send(tenant, actor, account, card, refund_id, amount)


async def _ask(actor: Actor, card: CardPayment, amount: Decimal, reason: str) -> UUID:
    if not amount.is_finite() or minor_units(amount, card.currency) is None:
        raise Refusal("AMOUNT_BAD", status=422)
    if amount > card.left_amount:
        raise Refusal(
            "REFUND_TOO_MUCH",
            number=card.number,
            left_amount=card.left_amount,
            asked_amount=amount,
        )
    refund_id = uuid7()
    await db.execute(
        ASK, id=refund_id, card_id=card.id, amount=amount, reason=reason[:200], by=actor.name
    )
    await audit.note(
        actor, "acquiring.refund", "payment", card.payment_id, after={"amount": str(amount)}
    )
    return refund_id


async def _send(
    tenant: Tenant,
    actor: Actor,
    account: Account,
    card: CardPayment,
    refund_id: UUID,
    amount: Decimal,
) -> None:
    body = {
        "payment_intent": card.intent_id,
        "amount": minor_units(amount, card.currency),
        "metadata": {"dilo_refund": str(refund_id)},
    }
    try:
        made = await Gateway(account).refund(str(refund_id), body)
    except Refusal as refusal:
        if refusal.code != "STRIPE_AWAY":  # after silence the webhook or a look tells
            async with scope(tenant):
                await _settled(refund_id, "failed", problem=refusal.code)
        raise
    async with scope(tenant):
        card = await queries.card_payment(card.id)
        await lock_balance(card.party_id, card.currency)
        await bring_refunds(actor, card, [made])


async def again(tenant: Tenant, actor: Actor, card_id: UUID, refund_id: UUID) -> None:
    """A refund whose answer was lost: asked once more with the same key."""
    async with scope(tenant):
        actor.require("payments.refund")
        card = await queries.card_payment(card_id)
        asked = [
            row
            for row in await queries.refunds_of(card_id)
            if row["id"] == refund_id and row["state"] == "asked"
        ]
        if not asked:
            return
        account = await accounts.current()
    await _send(tenant, actor, account, card, refund_id, asked[0]["amount"])


async def bring_refunds(actor: Actor, card: CardPayment, refunds: Sequence[Refunded]) -> None:
    """The books follow the provider. The balance of the party is locked."""
    for one in refunds:
        ours = uuid_or_none(one.ours)
        known = await db.one_or_none(KNOWN, external_id=one.id, ours=ours)
        amount = major_units(one.units, card.currency)
        if known is None:
            if one.status in ("failed", "canceled"):
                continue
            refund_id = uuid7()
            await db.execute(
                HEARD,
                id=refund_id,
                card_id=card.id,
                amount=amount,
                reason=one.reason,
                external_id=one.id,
                by="Stripe",
            )
            known = {"id": refund_id, "state": "asked", "payment_id": None}
        await _bring_refund(actor, card, one, known["id"], known["state"], amount)


async def _bring_refund(
    actor: Actor, card: CardPayment, one: Refunded, refund_id: UUID, state: str, amount: Decimal
) -> None:
    gone = one.status in ("failed", "canceled")
    if gone and state == "posted":
        await _comes_back(actor, card, f"stripe-refund-back:{one.id}", amount, one.id)
        await _settled(refund_id, "taken_back", one.id, problem=one.status)
    elif gone and state == "asked":
        await _settled(refund_id, "failed", one.id, problem=one.status)
    elif not gone and state in ("asked", "failed"):
        key = f"stripe-refund:{one.id}"
        paid_out = await give_back(actor, card.payment_id, amount, key, f"{card.number} {one.id}")
        await _settled(refund_id, "posted", one.id, payment_id=paid_out)


async def _settled(
    refund_id: UUID,
    state: str,
    external_id: str | None = None,
    *,
    payment_id: UUID | None = None,
    problem: str | None = None,
) -> None:
    await db.execute(
        SETTLED,
        id=refund_id,
        state=state,
        external_id=external_id,
        payment_id=payment_id,
        problem=problem,
    )


async def _comes_back(
    actor: Actor, card: CardPayment, key: str, amount: Decimal, about: str
) -> UUID:
    return await record_payment(
        actor,
        RecordPayment(
            party_id=card.party_id,
            amount=amount,
            method="online",
            received_on=current_tenant().today(),
            reference=f"{card.number} {about}",
            key=key,
        ),
    )


async def bring_disputes(actor: Actor, card: CardPayment, disputes: Sequence[Disputed]) -> None:
    """Money withdrawn opens the debt again; a dispute won brings it back; its fee is an expense."""
    for one in disputes:
        known = await db.one_or_none(DISPUTE, external_id=one.id)
        if known is None:
            amount = major_units(one.units, card.currency)
            await db.execute(
                OPEN_DISPUTE,
                id=uuid7(),
                card_id=card.id,
                external_id=one.id,
                amount=amount,
                reason=one.reason,
                answer_by=one.answer_by,
            )
            known = await db.one(DISPUTE, external_id=one.id)
        await _bring_dispute(actor, card, one, known)


async def _bring_dispute(actor: Actor, card: CardPayment, one: Disputed, known: db.Row) -> None:
    amount = major_units(one.units, card.currency)
    withdrawn, returned = known["withdrawn_id"], known["returned_id"]
    if one.withdrawn and withdrawn is None:
        key = f"stripe-dispute:{one.id}"
        withdrawn = await give_back(actor, card.payment_id, amount, key, f"{card.number} {one.id}")
    if one.returned and withdrawn is not None and returned is None:
        key = f"stripe-dispute-won:{one.id}"
        returned = await _comes_back(actor, card, key, amount, one.id)
    fee = major_units(one.fee, one.fee_currency) if one.fee_currency else known["fee_amount"]
    step = fee - known["fee_amount"]
    if step:
        await post_fee(f"stripe-dispute-fee:{one.id}:{fee}", step, one.fee_currency, one.id)
    state = {"won": "won", "lost": "lost", "warning_closed": "won", "prevented": "won"}.get(
        one.status, "open"
    )
    await db.execute(
        DISPUTE_IS,
        id=known["id"],
        state=state,
        withdrawn_id=withdrawn,
        returned_id=returned,
        fee_amount=fee,
        answer_by=one.answer_by,
    )
    if state != known["state"]:
        await audit.note(
            actor, f"acquiring.dispute_{state}", "payment", card.payment_id, after={"id": one.id}
        )

"""Promises to pay and disputes: what pauses the dunning of an item, and how it ends.

A promise covers the party's debts that are due by its day; it is kept when its sum has come by
then, partly when some has, broken when nothing has. A dispute pauses one document only.
"""

from datetime import date, timedelta
from decimal import Decimal
from typing import Annotated, Any, Literal
from uuid import UUID

import asyncpg
import msgspec

from dilo.dunning.queries import policy_or_none
from dilo.kit import db, i18n
from dilo.kit.errors import NotFound, Refusal
from dilo.kit.money import AMOUNT_MAX
from dilo.kit.templating import money
from dilo.messaging.news import Said, tell_colleagues
from dilo.parties.queries import party
from dilo.receivables.queries import open_item
from tenants import audit
from tenants.actors import Actor
from tenants.scope import current_tenant

DAYS_MAX = 60
Door = Literal["office", "portal", "telegram"]
PROMISE = """
INSERT INTO promise (party_id, amount, currency, promised_on, made_on, door, note, recorded_by)
VALUES (:party_id, :amount, :currency, :promised_on, :on, :door, :note, :by) RETURNING id
"""
PAUSE_DEBTS = """
INSERT INTO dunning_pause (open_item_id, why, source_id, began_on)
SELECT i.id, 'promise', :promise_id, :on FROM open_item i
WHERE i.party_id = :party_id AND i.currency = :currency AND i.side = 'debit' AND i.open_amount > 0
  AND i.due_on <= :promised_on
"""
# What has come since the promise was made, by its day; what was paid before does not count.
PAID = """
SELECT m.id, m.party_id, m.promised_on, m.amount, m.currency, p.name, p.owner_id, coalesce((
  SELECT sum(CASE WHEN y.reverses_id IS NULL AND y.direction = 'in' THEN y.amount
    ELSE -y.amount END)
  FROM payment y WHERE y.party_id = m.party_id AND y.currency = m.currency
    AND y.created_at >= m.created_at AND y.received_on <= m.promised_on), 0) AS paid
FROM promise m JOIN party p ON p.id = m.party_id
WHERE m.state = 'open' AND (CAST(:party_id AS uuid) IS NULL OR m.party_id = :party_id)
FOR UPDATE OF m
"""
DECIDE = """
WITH decided AS (
  UPDATE promise m SET state = d.state, paid_amount = d.paid, decided_on = :on
  FROM unnest(:ids::uuid[], :states::text[], :paids::numeric[]) AS d(id, state, paid)
  WHERE m.id = d.id RETURNING m.id)
UPDATE dunning_pause z SET ended_on = :on FROM decided
WHERE z.source_id = decided.id AND z.ended_on IS NULL
"""
OPEN_PROMISE = "SELECT id FROM promise WHERE party_id = :party_id AND state = 'open'"
PROMISES = """
SELECT m.id, m.party_id, p.name AS party_name, m.amount, m.currency, m.promised_on, m.made_on,
  m.door, m.note, m.state, m.paid_amount, m.recorded_by, m.created_at
FROM promise m JOIN party p ON p.id = m.party_id
WHERE m.party_id = :party_id ORDER BY m.created_at DESC LIMIT 20
"""
DISPUTE = """
INSERT INTO dispute (party_id, open_item_id, reason, door, opened_by)
VALUES (:party_id, :item_id, :reason, :door, :by) RETURNING id
"""
PAUSE_ITEM = """
INSERT INTO dunning_pause (open_item_id, why, source_id, began_on)
VALUES (:item_id, 'dispute', :dispute_id, :on)
"""
END_DISPUTE = """
WITH ended AS (
  UPDATE dispute SET state = :state, answer = :answer, decided_by = :by, decided_on = :on
  WHERE id = :id AND state = 'open' RETURNING id)
UPDATE dunning_pause z SET ended_on = :on FROM ended
WHERE z.source_id = ended.id AND z.ended_on IS NULL
"""
DISPUTES = """
SELECT d.id, d.party_id, p.name AS party_name, d.open_item_id, i.number, i.document_id, i.currency,
  i.open_amount, i.due_on, d.reason, d.door, d.state, d.answer, d.opened_by, d.opened_at,
  d.decided_by
FROM dispute d JOIN party p ON p.id = d.party_id JOIN open_item i ON i.id = d.open_item_id
WHERE (CAST(:party_id AS uuid) IS NULL OR d.party_id = :party_id)
  AND (NOT :open_only OR d.state = 'open') ORDER BY d.opened_at DESC LIMIT 200
"""


class PromiseForm(msgspec.Struct):
    amount: Decimal
    promised_on: date
    note: Annotated[str, msgspec.Meta(max_length=500)] | None = None


class DisputeForm(msgspec.Struct):
    reason: Annotated[str, msgspec.Meta(max_length=1000)] = ""


def may_answer(actor: Actor, party_id: UUID) -> None:
    """Staff, or a debtor for himself alone. Raises FORBIDDEN, NOT_FOUND."""
    if actor.on_behalf_of is None:
        actor.require("dunning.promise")
        return
    actor.require("money.answer")
    if actor.on_behalf_of != party_id:
        raise NotFound


async def promise(actor: Actor, party_id: UUID, form: PromiseForm, door: Door) -> UUID:
    """A newer promise takes the place of the open one.

    Raises FORBIDDEN, NOT_FOUND, AMOUNT_BAD, PROMISE_DATE_BAD, NOTHING_OWED.
    """
    may_answer(actor, party_id)
    owner, today = await party(party_id), current_tenant().today()
    amount = form.amount
    if not amount.is_finite() or not 0 < amount <= AMOUNT_MAX or amount != round(amount, 2):
        raise Refusal("AMOUNT_BAD", status=422)
    most = await promise_days()
    if not today <= form.promised_on <= today + timedelta(days=most):
        raise Refusal("PROMISE_DATE_BAD", status=422, days=most)
    if owner.receivable <= 0:
        raise Refusal("NOTHING_OWED")
    if before := await db.value(OPEN_PROMISE, party_id=party_id):
        await _decide([(before, "withdrawn", Decimal(0))], today)
    made = await db.value(
        PROMISE,
        party_id=party_id,
        amount=amount,
        currency=owner.currency,
        promised_on=form.promised_on,
        on=today,
        door=door,
        note=form.note,
        by=actor.name,
    )
    await db.execute(
        PAUSE_DEBTS,
        promise_id=made,
        on=today,
        party_id=party_id,
        currency=owner.currency,
        promised_on=form.promised_on,
    )
    after = {"amount": str(amount), "promised_on": form.promised_on.isoformat()}
    await audit.note(actor, "dunning.promise", "party", party_id, after=after)
    return made


async def promise_days() -> int:
    """How far ahead the company lets a debtor promise."""
    policy = await policy_or_none()
    return policy.promise_days if policy else DAYS_MAX


def outcome(amount: Decimal, paid: Decimal, promised_on: date, today: date) -> str | None:
    """None while it may still be kept: the promised day itself is not over."""
    if paid >= amount:
        return "kept"
    if today <= promised_on:
        return None
    return "partly" if paid > 0 else "broken"


async def judge_promises(party_id: UUID | None = None) -> int:
    """Ends what is kept or out of time; of one party or of all. Returns how many."""
    today = current_tenant().today()
    found = await db.rows(PAID, party_id=party_id)
    judged = [(r, outcome(r["amount"], r["paid"], r["promised_on"], today)) for r in found]
    ended = [(row["id"], state, max(row["paid"], Decimal(0))) for row, state in judged if state]
    await _decide(ended, today)
    for row, state in judged:
        if state in ("broken", "partly"):
            await _told_broken(row, state)
    return len(ended)


async def _told_broken(row: db.Row, state: str) -> None:
    """Whoever is responsible for the debtor hears of a promise that was not kept."""
    figures = {
        "party_id": str(row["party_id"]),
        "name": row["name"],
        "state": state,
        "amount": money(row["amount"], row["currency"]),
        "paid": money(max(row["paid"], Decimal(0)), row["currency"]),
        "on": row["promised_on"].isoformat(),
    }
    fact = f"promise:{row['id']}"
    await tell_colleagues("promise_broken", fact, figures, responsible_id=row["owner_id"])


async def words_of_broken(_reader: Actor, payload: dict[str, Any]) -> Said:
    text = i18n.say(
        f"promise:told_{payload['state']}",
        name=payload["name"],
        amount=payload["amount"],
        paid=payload["paid"],
        on=date.fromisoformat(payload["on"]),
    )
    return Said(text, [[(i18n.say("news:card"), f"sp:{payload['party_id']}")]])


async def _decide(ended: list[tuple[UUID, str, Decimal]], on: date) -> None:
    if ended:
        await db.execute(
            DECIDE,
            ids=[promise_id for promise_id, _, _ in ended],
            states=[state for _, state, _ in ended],
            paids=[paid for _, _, paid in ended],
            on=on,
        )


async def dispute(actor: Actor, item_id: UUID, form: DisputeForm, door: Door) -> UUID:
    """Pauses that document alone. Raises FORBIDDEN, NOT_FOUND, REASON_MISSING, NOTHING_OWED,
    ALREADY_DISPUTED."""
    item = await open_item(item_id)
    may_answer(actor, item.party_id)
    if not form.reason.strip():
        raise Refusal("REASON_MISSING", status=422)
    if item.side != "debit" or item.open_amount <= 0:
        raise Refusal("NOTHING_OWED")
    try:
        async with db.savepoint():
            made = await db.value(
                DISPUTE,
                party_id=item.party_id,
                item_id=item_id,
                reason=form.reason.strip(),
                door=door,
                by=actor.name,
            )
    except asyncpg.UniqueViolationError:
        raise Refusal("ALREADY_DISPUTED", number=item.number) from None
    on = current_tenant().today()
    await db.execute(PAUSE_ITEM, item_id=item_id, dispute_id=made, on=on)
    await audit.note(
        actor, "dunning.dispute", "party", item.party_id, after={"number": item.number}
    )
    return made


async def end_dispute(actor: Actor, dispute_id: UUID, state: str, answer: str | None) -> None:
    """``accepted``: the debtor is right (a credit note is written by hand); ``rejected``: he owes.

    Raises FORBIDDEN, NOT_FOUND.
    """
    actor.require("dunning.promise")
    if state not in ("accepted", "rejected", "withdrawn"):
        raise NotFound
    on = current_tenant().today()
    if not await db.execute(
        END_DISPUTE, id=dispute_id, state=state, answer=answer, by=actor.name, on=on
    ):
        raise NotFound
    await audit.note(actor, f"dunning.dispute_{state}", "dispute", dispute_id)


async def promises_of(party_id: UUID) -> list[db.Row]:
    return await db.rows(PROMISES, party_id=party_id)


async def disputes(party_id: UUID | None = None, open_only: bool = False) -> list[db.Row]:
    return await db.rows(DISPUTES, party_id=party_id, open_only=open_only)


async def on_payment(payload: dict[str, Any]) -> None:
    """Money came: the promise may be kept."""
    await judge_promises(UUID(payload["party_id"]))

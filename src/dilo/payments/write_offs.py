"""Writing off a debt: asked by one person, decided by another, posted as a credit of its own."""

from decimal import Decimal
from uuid import UUID

import asyncpg

from dilo.kit import clock, db
from dilo.kit.errors import Refusal
from dilo.kit.ids import uuid7
from dilo.ledger.actions import RECEIVABLE, WRITE_OFF, post_entries, two_sided
from dilo.receivables.actions import NewItem, Share, allocate, lock_balance, post_items
from dilo.receivables.queries import OpenItem, open_item
from tenants import audit
from tenants.actors import Actor
from tenants.numbering import next_number
from tenants.scope import current_tenant

REQUEST = """
INSERT INTO write_off (party_id, open_item_id, amount, reason, requested_by)
VALUES (:party_id, :item_id, :amount, :reason, :by) RETURNING id
"""
ONE = """
SELECT id, party_id, open_item_id, amount, reason, state, requested_by FROM write_off
WHERE id = :id FOR UPDATE
"""
DECIDE = """
UPDATE write_off SET state = :state, decided_by = :by, decided_at = :now WHERE id = :id
"""
WAITING = """
SELECT w.id, w.party_id, p.name AS party_name, i.number, i.document_id, w.amount, i.open_amount,
  i.currency, w.reason, w.requested_at, w.requested_by, r.name AS requested_name
FROM write_off w JOIN party p ON p.id = w.party_id JOIN open_item i ON i.id = w.open_item_id
JOIN identity r ON r.id = w.requested_by
WHERE w.state = 'requested' ORDER BY w.requested_at LIMIT 200
"""


async def waiting() -> list[db.Row]:
    return await db.rows(WAITING)


async def request_write_off(actor: Actor, item_id: UUID, amount: Decimal, reason: str) -> UUID:
    """Raises FORBIDDEN, NOT_FOUND, REASON_MISSING, AMOUNT_BAD, ALREADY_ASKED."""
    actor.require("writeoffs.request")
    item = await open_item(item_id)
    if not reason.strip():
        raise Refusal("REASON_MISSING", status=422)
    _check(item, amount)
    try:
        async with db.savepoint():
            asked = await db.value(
                REQUEST,
                party_id=item.party_id,
                item_id=item_id,
                amount=amount,
                reason=reason.strip(),
                by=actor.id,
            )
    except asyncpg.UniqueViolationError:
        raise Refusal("ALREADY_ASKED", number=item.number) from None
    await audit.note(
        actor, "writeoffs.request", "party", item.party_id, after={"amount": str(amount)}
    )
    return asked


def _check(item: OpenItem, amount: Decimal) -> None:
    whole = amount.is_finite() and amount == round(amount, 2)
    if item.side != "debit" or not whole or not 0 < amount <= item.open_amount:
        raise Refusal("AMOUNT_BAD", status=422)


async def decide_write_off(actor: Actor, write_off_id: UUID, approve: bool) -> None:
    """A second person. What has been paid meanwhile is not written off.

    Raises FORBIDDEN, NOT_FOUND, OWN_WRITE_OFF, OVERRIDE_DECIDED, AMOUNT_BAD.
    """
    actor.require("writeoffs.approve")
    asked = await db.one(ONE, id=write_off_id)
    if asked["requested_by"] == actor.id:
        raise Refusal("OWN_WRITE_OFF", status=403)
    if asked["state"] != "requested":
        raise Refusal("OVERRIDE_DECIDED", state=asked["state"])
    item = await open_item(asked["open_item_id"])
    await lock_balance(item.party_id, item.currency)
    if approve:
        item = await open_item(item.id)
        _check(item, asked["amount"])
        await _post(item, asked["amount"], asked["reason"])
    state = "posted" if approve else "refused"
    await db.execute(DECIDE, id=write_off_id, state=state, by=actor.id, now=clock.now())
    await audit.note(
        actor, f"writeoffs.{state}", "party", item.party_id, after={"amount": str(asked["amount"])}
    )


async def _post(item: OpenItem, amount: Decimal, reason: str) -> None:
    today, number = current_tenant().today(), await next_number("write_off", "WO")
    entry = two_sided(
        "write_off",
        today,
        item.currency,
        amount,
        debit=WRITE_OFF,
        credit=RECEIVABLE,
        party_id=item.party_id,
        source_id=item.document_id,
        memo=f"{number} {item.number}: {reason}"[:200],
    )
    await post_entries([entry])
    credit = NewItem(
        item.party_id,
        "write_off",
        "credit",
        uuid7(),
        number,
        today,
        today,
        item.currency,
        amount,
        entry.id,
    )
    await post_items([credit])
    await allocate([Share(item.id, credit.id, amount)], today)

"""Cancelling what has not shipped; closing what will not be shipped further."""

from datetime import timedelta
from uuid import UUID

from dilo.buyers.approvals import withdraw_requests
from dilo.kit import clock, db, i18n
from dilo.kit.errors import Refusal
from dilo.orders.actions.decision import own_party
from dilo.orders.queries import OrderHead, locked_head, order_head, order_lines
from dilo.promotions.accruals import give_back
from dilo.receivables.actions import lock_balance
from dilo.stock.actions import lock_levels, release
from tenants import audit
from tenants.actors import SYSTEM, Actor
from tenants.scope import current_tenant

CANCEL = """
UPDATE sales_order SET state = :state, cancelled_at = :now, cancel_reason = :reason,
  version = version + 1 WHERE id = :id
"""
UNEXPOSE = """
UPDATE party_balance SET confirmed = confirmed - :amount
WHERE party_id = :party_id AND currency = :currency
"""
# Drafts of chats nobody has touched since; what was done to an order is in its audit.
FORGOTTEN = """
SELECT o.id FROM sales_order o
WHERE o.state = 'draft' AND o.door IN ('telegram', 'sms') AND o.created_at < :before
  AND NOT EXISTS (SELECT 1 FROM audit_event a WHERE a.subject_id = o.id AND a.at >= :before)
ORDER BY o.created_at LIMIT 200
"""
DRAFT_LIVES = timedelta(days=1)
DROP_HELD = "UPDATE shipment SET state = 'cancelled' WHERE order_id = :id AND state = 'held'"


async def cancel_order(actor: Actor, order_id: UUID, reason: str) -> None:
    """Nothing of it has shipped yet. Frees stock and headroom.

    Raises FORBIDDEN, NOT_FOUND, WRONG_STATE, REASON_MISSING.
    """
    actor.require("orders.cancel")
    head = await _locked(actor, order_id)
    if head.state not in ("draft", "submitted", "on_hold", "confirmed"):
        raise Refusal("WRONG_STATE", number=head.number, state=head.state)
    await _end(actor, head, "cancelled", reason)


async def cancel_forgotten_drafts() -> int:
    """A draft made by a chat that was neither confirmed nor changed for a day."""
    before = clock.now() - DRAFT_LIVES
    forgotten = await db.rows(FORGOTTEN, before=before)
    i18n.use_language(current_tenant().language)
    for row in forgotten:
        await cancel_order(SYSTEM, row["id"], i18n.say("order:draft_forgotten"))
    return len(forgotten)


async def close_order(actor: Actor, order_id: UUID, reason: str) -> None:
    """What is left to ship will not be shipped. The shipped part stays as it is."""
    actor.require("orders.cancel")
    head = await _locked(actor, order_id)
    if head.state not in ("partially_shipped", "shipped"):
        raise Refusal("WRONG_STATE", number=head.number, state=head.state)
    await _end(actor, head, "closed", reason)


async def _locked(actor: Actor, order_id: UUID) -> OrderHead:
    seen = await order_head(order_id)
    own_party(actor, seen.party_id)
    await lock_balance(seen.party_id, seen.currency)
    return await locked_head(order_id)


async def _end(actor: Actor, head: OrderHead, state: str, reason: str) -> None:
    if not reason.strip():
        raise Refusal("REASON_MISSING", status=422)
    if head.state in ("on_hold", "confirmed", "partially_shipped"):
        lines = await order_lines(head.id)
        await lock_levels(head.warehouse_id, [line.product_id for line in lines])
        await release([line.id for line in lines])
    if head.state in ("confirmed", "partially_shipped"):
        await db.execute(
            UNEXPOSE,
            party_id=head.party_id,
            currency=head.currency,
            amount=head.total - head.shipped_amount,
        )
    await give_back(head.id, shipped_stay=state == "closed")
    await db.execute(DROP_HELD, id=head.id)
    await withdraw_requests(head.id, approved_too=False)
    await db.execute(CANCEL, id=head.id, state=state, now=clock.now(), reason=reason.strip())
    await audit.note(
        actor,
        f"orders.{state}",
        "sales_order",
        head.id,
        before={"state": head.state},
        after={"state": state, "reason": reason},
    )

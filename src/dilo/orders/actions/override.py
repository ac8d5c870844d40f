"""An override is an object: gates, amount, expiry, reason, and an approver other than who asked."""

from datetime import timedelta
from decimal import Decimal
from uuid import UUID

from dilo.kit import clock, db
from dilo.kit.errors import Refusal
from dilo.orders.actions.draft import submit_order
from dilo.orders.actions.reconsider import release_of_order
from dilo.orders.asking import ask_approvers
from dilo.orders.commands import Placed
from dilo.orders.queries import order_head
from dilo.orders.rules import OVERRIDABLE
from tenants import audit
from tenants.actors import SYSTEM, Actor

DAYS_MAX = 30
REQUEST = """
INSERT INTO credit_override (order_id, gates, amount, reason, requested_by, expires_at)
VALUES (:order_id, :gates, :amount, :reason, :requested_by, :expires_at) RETURNING id
"""
ONE = """
SELECT id, order_id, requested_by, state, expires_at FROM credit_override WHERE id = :id FOR UPDATE
"""
DECIDE = """
UPDATE credit_override SET state = :state, decided_by = :by, decided_at = :now WHERE id = :id
"""


CARRY = """
INSERT INTO credit_override (order_id, gates, amount, reason, requested_by, expires_at, state,
  decided_by, decided_at)
VALUES (:order_id, :gates, :amount, :reason, :requested_by, :expires_at, 'approved', :decided_by,
  :now)
"""


async def carry_approval(
    order_id: UUID,
    gates: list[str],
    amount: Decimal,
    reason: str,
    *,
    asked_by: UUID,
    agreed_by: UUID,
) -> None:
    """What two people agreed on before there was an order (a quote below the floor) goes with it;
    the gate is asked all the same and names this override."""
    await db.execute(
        CARRY,
        order_id=order_id,
        gates=gates,
        amount=amount,
        reason=reason,
        requested_by=asked_by,
        decided_by=agreed_by,
        expires_at=clock.now() + timedelta(days=DAYS_MAX),
        now=clock.now(),
    )


async def request_override(
    actor: Actor, order_id: UUID, gates: list[str], amount: Decimal, reason: str, days: int
) -> UUID:
    """Raises FORBIDDEN, NOT_FOUND, REASON_MISSING, AMOUNT_BAD, GATE_BAD."""
    actor.require("overrides.request")
    await order_head(order_id)
    if not reason.strip():
        raise Refusal("REASON_MISSING", status=422)
    if not amount.is_finite() or amount <= 0:
        raise Refusal("AMOUNT_BAD", status=422)
    if not gates or not set(gates) <= OVERRIDABLE.keys():
        raise Refusal("GATE_BAD", status=422)
    override_id = await db.value(
        REQUEST,
        order_id=order_id,
        gates=sorted(set(gates)),
        amount=round(amount, 2),
        reason=reason.strip(),
        requested_by=actor.id,
        expires_at=clock.now() + timedelta(days=min(max(days, 1), DAYS_MAX)),
    )
    await audit.note(
        actor,
        "overrides.request",
        "sales_order",
        order_id,
        after={"amount": str(amount), "gates": gates, "reason": reason},
    )
    await ask_approvers(actor, override_id)
    return override_id


async def decide_override(actor: Actor, override_id: UUID, approve: bool) -> Placed | None:
    """A second person says yes or no; after a yes a held order, or its shipments held at
    the dock, try the gates again at once.

    Raises FORBIDDEN, NOT_FOUND, OWN_OVERRIDE, OVERRIDE_DECIDED, OVERRIDE_EXPIRED.
    """
    actor.require("overrides.approve")
    asked = await db.one(ONE, id=override_id)
    if asked["requested_by"] == actor.id:
        raise Refusal("OWN_OVERRIDE", status=403)
    if asked["state"] != "requested":
        raise Refusal("OVERRIDE_DECIDED", state=asked["state"])
    if asked["expires_at"] <= clock.now():
        raise Refusal("OVERRIDE_EXPIRED")
    state = "approved" if approve else "refused"
    await db.execute(DECIDE, id=override_id, state=state, by=actor.id, now=clock.now())
    await audit.note(actor, f"overrides.{state}", "sales_order", asked["order_id"])
    head = await order_head(asked["order_id"])
    if approve and head.state == "on_hold":
        return await submit_order(SYSTEM, head.id)
    if approve:
        await release_of_order(head.id)
    return None

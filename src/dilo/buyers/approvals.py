"""A request for approval inside the buyer's company: opened with its steps, decided step by step.

Whoever decides an order (``dilo.orders.actions.approve``) holds the lock of the party's balance.
"""

from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

from dilo.buyers.letters import tell_approvers, tell_buyer
from dilo.buyers.queries import ELIGIBLE
from dilo.kit import clock, db
from dilo.kit.errors import Forbidden, NotFound, Refusal
from tenants import audit
from tenants.actors import Actor

OPEN = """
INSERT INTO approval_request (party_id, order_id, requested_by, amount, reasons)
SELECT :party_id, :order_id, :buyer_id, :amount, :reasons
ON CONFLICT (tenant_id, order_id) WHERE state IN ('waiting','approved') DO NOTHING RETURNING id
"""
# Every step below the amount; above a spending limit only: the first one.
TURNS = """
INSERT INTO approval_turn (request_id, position, role, seat_id)
SELECT :id, row_number() OVER (ORDER BY s.from_amount), s.role, s.seat_id FROM approval_step s
WHERE s.party_id = :party_id
  AND (s.from_amount < :amount
       OR s.from_amount = (SELECT min(from_amount) FROM approval_step WHERE party_id = :party_id))
  AND NOT EXISTS (SELECT 1 FROM portal_user WHERE party_id = :party_id AND role = 'admin'
                  AND identity_id = :buyer_id)
"""
ANYBODY = "INSERT INTO approval_turn (request_id, position, role) VALUES (:id, 1, 'approver')"
LOCKED = """
SELECT id, party_id, order_id, requested_by, state, amount FROM approval_request
WHERE id = :id FOR UPDATE
"""
CURRENT = """
SELECT id, position FROM approval_turn WHERE request_id = :id AND state = 'waiting'
ORDER BY position LIMIT 1
"""
ANSWER = """
UPDATE approval_turn SET state = :state, decided_by = :by, decided_name = :name,
  comment = :comment, decided_at = :now
WHERE id = :id
"""
CLOSE = "UPDATE approval_request SET state = :state, decided_at = :now WHERE id = :id"
WITHDRAW = """
UPDATE approval_request SET state = 'withdrawn', decided_at = :now
WHERE order_id = :order_id AND state = ANY(CAST(:states AS text[]))
"""


@dataclass(frozen=True, slots=True)
class Decided:
    """``state`` of the request: waiting (the next step is asked), approved, refused."""

    order_id: UUID
    state: str


async def open_request(
    party_id: UUID, order_id: UUID, buyer_id: UUID, amount: Decimal, codes: list[str]
) -> None:
    """Once an order; its approvers are told. An open request of the order stays as it is."""
    opened = await db.value(
        OPEN,
        party_id=party_id,
        order_id=order_id,
        buyer_id=buyer_id,
        amount=amount,
        reasons=codes,
    )
    if opened is None:
        return
    asked = await db.execute(TURNS, id=opened, party_id=party_id, amount=amount, buyer_id=buyer_id)
    if not asked:
        await db.execute(ANYBODY, id=opened)
    await tell_approvers(opened)


async def withdraw_requests(order_id: UUID, *, approved_too: bool) -> None:
    """The order is changed or gone, so what was asked about it is no longer asked."""
    states = ["waiting", "approved"] if approved_too else ["waiting"]
    await db.execute(WITHDRAW, order_id=order_id, states=states, now=clock.now())


async def answer(
    actor: Actor, request_id: UUID, approve: bool, comment: str | None, turn_id: UUID | None = None
) -> Decided:
    """One step's yes or no. ``turn_id``: the step a button was shown for.

    Role and state are read now, not when the button was drawn. Raises FORBIDDEN, NOT_FOUND,
    APPROVAL_DECIDED, OWN_APPROVAL, NOT_YOUR_APPROVAL, TEXT_LONG.
    """
    actor.require("approvals.decide")
    found = await db.one(LOCKED, id=request_id)
    if found["party_id"] != actor.on_behalf_of:
        raise NotFound
    turn = await db.one_or_none(CURRENT, id=request_id)
    if found["state"] != "waiting" or turn is None or (turn_id or turn["id"]) != turn["id"]:
        raise Refusal("APPROVAL_DECIDED")
    if found["requested_by"] == actor.id:
        raise Forbidden("OWN_APPROVAL")
    if actor.id not in {row["identity_id"] for row in await db.rows(ELIGIBLE, turn_id=turn["id"])}:
        raise Forbidden("NOT_YOUR_APPROVAL")
    if comment and len(comment) > 500:
        raise Refusal("TEXT_LONG", status=422, most=500)
    now, state = clock.now(), "approved" if approve else "refused"
    await db.execute(
        ANSWER, id=turn["id"], state=state, by=actor.id, name=actor.name, comment=comment, now=now
    )
    what = {"amount": str(found["amount"]), "step": turn["position"], "comment": comment}
    await audit.note(actor, f"approvals.{state}", "sales_order", found["order_id"], after=what)
    if approve and await db.one_or_none(CURRENT, id=request_id):
        await tell_approvers(request_id)
        return Decided(found["order_id"], "waiting")
    await db.execute(CLOSE, id=request_id, state=state, now=now)
    await tell_buyer(request_id)
    return Decided(found["order_id"], state)

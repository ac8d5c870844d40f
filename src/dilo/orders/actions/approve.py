"""The buyer's own company says yes or no: a yes goes through every gate again, a no goes back."""

from uuid import UUID

from dilo.buyers import approvals, queries
from dilo.kit.errors import NotFound
from dilo.orders.actions.draft import reopen_order, submit_order
from dilo.orders.commands import Placed
from dilo.orders.queries import order_head
from dilo.receivables.actions import lock_balance
from tenants.actors import SYSTEM, Actor


async def decide_approval(
    actor: Actor,
    request_id: UUID,
    approve: bool,
    comment: str | None = None,
    turn_id: UUID | None = None,
) -> Placed | None:
    """The last yes submits the order again: credit may still hold it. A no makes it a draft.

    Returns what became of the order after the last yes, else None. Raises FORBIDDEN, NOT_FOUND,
    APPROVAL_DECIDED, OWN_APPROVAL, NOT_YOUR_APPROVAL.
    """
    request = await queries.request_or_none(request_id)
    if request is None:
        raise NotFound
    await lock_balance(request.party_id, request.currency)
    decided = await approvals.answer(actor, request_id, approve, comment, turn_id)
    head = await order_head(decided.order_id)
    if head.state != "on_hold" or decided.state == "waiting":
        return None
    if decided.state == "refused":
        await reopen_order(SYSTEM, head.id)
        return None
    return await submit_order(SYSTEM, head.id)

"""Yes and no to a colleague's order, by one tap; role and turn are read at the tap."""

from aiogram import F, Router
from aiogram.types import CallbackQuery

from bots.telegram.replies import Reply, reasons
from bots.telegram.talk import Talk, edited
from dilo.buyers import queries as buyers
from dilo.kit.errors import NotFound, Refusal
from dilo.kit.i18n import say
from dilo.kit.ids import uuid_or_none
from dilo.orders.actions import decide_approval
from dilo.orders.queries import order_head

router = Router(name="approvals")


@router.callback_query(F.data.startswith("appr:"))
async def approval(event: CallbackQuery, talk: Talk) -> list[Reply]:
    parts = (event.data or "").split(":")
    turn_id = uuid_or_none(parts[1]) if len(parts) == 3 else None
    if turn_id is None or parts[2] not in ("0", "1"):
        raise Refusal("UNREADABLE")
    approve = parts[2] == "1"
    request_id = await buyers.request_of_turn(turn_id)
    placed = await decide_approval(talk.buyer, request_id, approve, turn_id=turn_id)
    request = await buyers.request_or_none(request_id)
    if request is None:
        raise NotFound
    head = await order_head(request.order_id)
    text = say(
        f"approval:done_{request.state}",
        number=head.number,
        name=talk.buyer.name,
        state=say(f"state:{head.state}"),
    )
    if placed is not None and placed.held:
        text += "\n" + reasons(placed.verdicts, placed.currency, talk)
    return [Reply(text, edit=edited(event)), Reply("", callback_id=event.id)]

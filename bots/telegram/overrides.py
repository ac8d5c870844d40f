"""A second person's word on an order, by one tap in a colleague's chat."""

from aiogram import F, Router
from aiogram.types import CallbackQuery

from bots.telegram.replies import Reply
from bots.telegram.talk import Talk, edited
from dilo.kit.errors import Refusal
from dilo.kit.i18n import say
from dilo.kit.ids import uuid_or_none
from dilo.orders import actions, queries

router = Router(name="overrides")


@router.callback_query(F.data.startswith("ovr:"))
async def override(event: CallbackQuery, talk: Talk) -> list[Reply]:
    """One tap of a second person; the house checks who it is and what he may."""
    parts = (event.data or "").split(":")
    override_id = uuid_or_none(parts[1]) if len(parts) == 3 else None
    if override_id is None or parts[2] not in ("0", "1"):
        raise Refusal("UNREADABLE")
    approve = parts[2] == "1"
    placed = await actions.decide_override(talk.colleague, override_id, approve)
    head = await queries.order_head(await queries.order_of_override(override_id))
    state = say(f"state:{placed.state if placed else head.state}")
    key = "override:approved" if approve else "override:refused"
    text = say(key, number=head.number, state=state, name=talk.colleague.name)
    return [Reply(text, edit=edited(event)), Reply("", callback_id=event.id)]

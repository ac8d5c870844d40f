"""How the delivery was: one to five by a tap, a word if one likes; once a shipment."""

from uuid import UUID

from aiogram import F, Router
from aiogram.types import CallbackQuery, Message

from bots.intents import OrderText, intent_of
from bots.telegram.replies import Reply
from bots.telegram.screens import id_of, parts_of, screen
from bots.telegram.steps import State, step
from bots.telegram.talk import Talk
from bots.telegram.told import to_menu
from dilo.kit.errors import Refusal
from dilo.kit.i18n import say
from dilo.orders import ratings
from dilo.orders.ratings import RatingForm

COMMENT_MAX = 1000
router = Router(name="marks")


@router.callback_query(F.data.startswith("rate:"))
async def rate(event: CallbackQuery, talk: Talk) -> list[Reply]:
    """Without a figure the five are shown."""
    text, score = parts_of(event, 2)[:2]
    shipment_id = id_of(text)
    if score == "0":
        return screen(event, say("bot:rate_how"), ratings.score_buttons(shipment_id))
    if score not in tuple("12345"):
        raise Refusal("UNREADABLE")
    await ratings.rate(talk.buyer, shipment_id, RatingForm(int(score)), "telegram")
    await talk.keep(step="mark", shipment=str(shipment_id))
    text = say("bot:rated", stars="⭐" * int(score))
    return screen(event, text, [to_menu()])


@step("mark")
async def word(message: Message, talk: Talk, state: State) -> list[Reply] | None:
    """The first text after the mark that is no order of figures: the comment."""
    said = (message.text or "").strip()[:COMMENT_MAX]
    if not isinstance(intent_of(said), OrderText) or any(ch.isdigit() for ch in said):
        return None
    await talk.forget()
    await ratings.comment(talk.buyer, UUID(state["shipment"]), said)
    return [Reply(say("bot:rated_comment"), [to_menu()])]

"""News and offers in this chat: whether the customer wants them, changed by a tap."""

from aiogram import F, Router
from aiogram.filters import Command
from aiogram.types import CallbackQuery, Message

from bots.telegram.replies import Reply
from bots.telegram.screens import Event, screen
from bots.telegram.talk import Talk
from bots.telegram.told import to_menu
from dilo.kit.errors import Refusal
from dilo.kit.i18n import say
from dilo.parties import consents

router = Router(name="subscription")


async def is_customer_only(event: Message, talk: Talk) -> bool:
    """A colleague's /news is what he hears of at work."""
    return talk.staff is None and talk.kind == "private"


@router.message(Command("news"), is_customer_only)
async def news(event: Event, talk: Talk) -> list[Reply]:
    talk.buyer.require("portal.read")
    wanted = await consents.wants_news("telegram", str(talk.chat))
    row = (say("news:button_no"), "nws:0") if wanted else (say("news:button_yes"), "nws:1")
    return screen(event, say("news:wanted" if wanted else "news:unwanted"), [[row], to_menu()])


@router.callback_query(F.data.startswith("nws:"))
async def choose(event: CallbackQuery, talk: Talk) -> list[Reply]:
    """Of this very chat; who has no account but is known by his phone may choose too."""
    asked = (event.data or "")[4:]
    if asked not in ("0", "1") or talk.kind != "private":
        raise Refusal("UNREADABLE")
    chat = str(talk.chat)
    if asked == "1":
        await consents.news_please(talk.buyer.name, "telegram", chat, "telegram")
    else:
        await consents.no_more_news(talk.buyer.name, "telegram", chat, "telegram")
    return await news(event, talk)

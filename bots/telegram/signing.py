"""Signing in to the portal from the chat: the code of a waiting browser, and a button."""

from aiogram import F, Router
from aiogram.types import CallbackQuery

from bots.telegram.replies import Reply
from bots.telegram.talk import Talk, edited
from dilo.buyers import tickets
from dilo.kit.errors import Refusal
from dilo.kit.i18n import say
from dilo.kit.ids import uuid_or_none
from dilo.parties.linking import Stranger
from tenants.scope import current_tenant

PREFIX = "in_"
router = Router(name="signing")


async def asked(talk: Talk, code: str) -> list[Reply]:
    """Whoever brings the code is shown which browser asks, and says yes only if it is his."""
    talk.buyer.require("account.edit")
    try:
        found = await tickets.heard_in_chat(code, talk.buyer.id)
    except Refusal:
        raise Stranger("sign_in", "another_browser") from None
    text = say(
        "bot:sign_in_asked",
        tenant=current_tenant().name,
        browser=(found["user_agent"] or "?")[:80],
        address=found["address"] or "?",
    )
    yes, no = (f"sign:{found['id']}:{answer}" for answer in (1, 0))
    return [Reply(text, [[(say("bot:sign_in_yes"), yes), (say("bot:sign_in_no"), no)]])]


@router.callback_query(F.data.startswith("sign:"))
async def answered(event: CallbackQuery, talk: Talk) -> list[Reply]:
    parts = (event.data or "").split(":")
    ticket_id = uuid_or_none(parts[1]) if len(parts) == 3 else None
    if ticket_id is None or parts[2] not in ("0", "1"):
        raise Refusal("UNREADABLE")
    talk.buyer.require("account.edit")
    yes = parts[2] == "1"
    try:
        await tickets.confirm_in_chat(ticket_id, talk.buyer.id, yes)
    except Refusal:
        raise Stranger("sign_in", "not_asked") from None
    text = say("bot:signed_in" if yes else "bot:not_signed_in")
    return [Reply(text, edit=edited(event)), Reply("", callback_id=event.id)]

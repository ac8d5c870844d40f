"""Who let what through and what became of it, asked for in a colleague's chat."""

from datetime import date

from aiogram import F, Router
from aiogram.filters import Command
from aiogram.types import CallbackQuery, Message

from bots.telegram.replies import Reply
from bots.telegram.staff_tasks import about, done
from bots.telegram.talk import Talk
from dilo.analytics import weekly
from dilo.kit.errors import Refusal
from dilo.kit.i18n import say
from tenants.scope import current_tenant

KEPT_SINCE = date(2000, 1, 1)
router = Router(name="staff_reports")


@router.message(Command("overrides"))
@router.callback_query(F.data == "sl")
async def let_through(event: Message | CallbackQuery, talk: Talk) -> list[Reply]:
    """Of this week so far, and of three months."""
    talk.colleague.require("reports.read")
    said = await weekly.said_of(*weekly.this_week())
    return done(event, Reply(said.text, said.buttons) if said else Reply(say("weekly:nobody")))


@router.callback_query(F.data.startswith("slo:"))
async def by_one(event: CallbackQuery, talk: Talk) -> list[Reply]:
    talk.colleague.require("reports.read")
    approver_id = about(event)
    try:
        since = date.fromisoformat((event.data or "").rpartition(":")[2])
    except ValueError:
        raise Refusal("UNREADABLE") from None
    if not KEPT_SINCE <= since <= current_tenant().today():
        raise Refusal("UNREADABLE")
    return done(event, Reply(await weekly.each_of(approver_id, since)))

"""A colleague's tasks in his chat: the list, done, later, a new one."""

from datetime import datetime, time, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from aiogram import F, Router
from aiogram.filters import Command, CommandObject
from aiogram.types import CallbackQuery, Message

from bots.telegram.replies import Reply
from bots.telegram.talk import Talk
from dilo.kit import clock
from dilo.kit.errors import Refusal
from dilo.kit.i18n import say
from dilo.kit.ids import uuid_or_none
from dilo.parties import queries as parties
from dilo.parties import tasks
from tenants.scope import current_tenant

SHOWN = 10
MORNING = time(9)
router = Router(name="staff_tasks")


def about(event: CallbackQuery) -> UUID:
    parts = (event.data or "").split(":")
    found = uuid_or_none(parts[1]) if len(parts) > 1 else None
    if found is None:
        raise Refusal("UNREADABLE")
    return found


def done(event: Any, *replies: Reply) -> list[Reply]:
    """The tap answered too, where it was one."""
    tap = [Reply("", callback_id=event.id)] if isinstance(event, CallbackQuery) else []
    return [*replies, *tap]


@router.message(Command("tasks"))
@router.callback_query(F.data == "tk")
async def todo(event: Message | CallbackQuery, talk: Talk) -> list[Reply]:
    return done(event, await mine(talk))


async def mine(talk: Talk) -> Reply:
    talk.colleague.require("desk.read")
    found = await tasks.tasks_of(talk.colleague, SHOWN)
    zone = ZoneInfo(current_tenant().time_zone)
    text = [
        f"{n}. {one.due_at.astimezone(zone):%d.%m %H:%M} {one.title}"
        + (f" ({one.party_name})" if one.party_name else "")
        for n, one in enumerate(found, 1)
    ]
    rows = [
        [(f"✅ {n}", f"tkd:{one.id}"), (f"⏰ {n}", f"tks:{one.id}:24")]
        for n, one in enumerate(found, 1)
    ]
    return Reply(
        "\n".join([say("staff:your_tasks"), *text]) if text else say("staff:no_tasks"), rows
    )


@router.message(Command("task"))
async def add_task(message: Message, command: CommandObject, talk: Talk) -> list[Reply]:
    """Tomorrow at nine of the company's clock, until it is moved."""
    await tasks.make_task(talk.colleague, command.args or "", morning())
    return [await mine(talk)]


def morning(days: int = 1) -> datetime:
    day = current_tenant().today() + timedelta(days=days)
    return datetime.combine(day, MORNING, ZoneInfo(current_tenant().time_zone))


@router.callback_query(F.data.startswith("tkn:"))
async def task_about(event: CallbackQuery, talk: Talk) -> list[Reply]:
    found = await parties.party(about(event))
    await talk.keep(dialog="task", party=str(found.id))
    return done(event, Reply(say("staff:say_task", name=found.name)))


@router.callback_query(F.data.startswith("tkd:"))
async def task_done(event: CallbackQuery, talk: Talk) -> list[Reply]:
    await tasks.finish_task(talk.colleague, about(event))
    return done(event, await mine(talk))


@router.callback_query(F.data.startswith("tks:"))
async def task_later(event: CallbackQuery, talk: Talk) -> list[Reply]:
    later = (event.data or "").rpartition(":")[2]
    if later not in ("1", "24"):
        raise Refusal("UNREADABLE")
    due_at = morning() if later == "24" else clock.now() + timedelta(hours=1)
    await tasks.move_task(talk.colleague, about(event), due_at)
    return done(event, await mine(talk))

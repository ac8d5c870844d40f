"""A colleague's tasks in his chat: the list, done, later, on a day of the calendar, a new one."""

from datetime import date, datetime, time, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from aiogram import F, Router
from aiogram.filters import Command, CommandObject
from aiogram.types import CallbackQuery, Message

from bots.telegram.calendar import month_of
from bots.telegram.replies import Reply
from bots.telegram.talk import Talk, edited
from dilo.kit import clock
from dilo.kit.errors import Refusal
from dilo.kit.i18n import say
from dilo.kit.ids import uuid_or_none
from dilo.parties import queries as parties
from dilo.parties import tasks
from tenants import audit
from tenants.scope import current_tenant

SHOWN = 10
MORNING = 9
HOURS = (9, 11, 13, 15, 17, 19)
AHEAD = timedelta(days=365)
router = Router(name="staff_tasks")


def about(event: CallbackQuery) -> UUID:
    parts = (event.data or "").split(":")
    found = uuid_or_none(parts[1]) if len(parts) > 1 else None
    if found is None:
        raise Refusal("UNREADABLE")
    return found


async def noted(talk: Talk, what: str, kind: str, subject: UUID) -> None:
    """What was done or shown by a tap, with the chat it was done from."""
    after = {"tap": what, "chat": str(talk.chat)}
    await audit.note(talk.colleague, "bot.tap", kind, subject, after=after)


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
        [
            (f"✅ {n}", f"tkd:{one.id}"),
            (f"⏰ {n}", f"tks:{one.id}:24"),
            (f"📅 {n}", f"tkc:{one.id}:"),
        ]
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
    return _at(current_tenant().today() + timedelta(days=days), MORNING)


@router.callback_query(F.data.startswith("tkn:"))
async def task_about(event: CallbackQuery, talk: Talk) -> list[Reply]:
    talk.colleague.require("parties.read")
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


async def _own(talk: Talk, task_id: UUID) -> tasks.Task:
    """Raises FORBIDDEN, NOT_FOUND."""
    talk.colleague.require("desk.read")
    return await tasks.own_task(talk.colleague, task_id)


@router.callback_query(F.data.startswith("tkc:"))
async def which_day(event: CallbackQuery, talk: Talk) -> list[Reply]:
    """A month to pick from, from today on; ``tkc:<task>:<month>`` turns the page."""
    found = await _own(talk, about(event))
    asked = (event.data or "").rpartition(":")[2]
    today = current_tenant().today()
    rows = month_of(asked, today, today + AHEAD, f"tkc:{found.id}", f"tkp:{found.id}")
    under = edited(event) if asked else None
    return done(event, Reply(say("task:which_day", title=found.title), rows, edit=under))


@router.callback_query(F.data.startswith("tkp:"))
async def which_hour(event: CallbackQuery, talk: Talk) -> list[Reply]:
    found, data = await _own(talk, about(event)), event.data or ""
    day = _day_of(data.rpartition(":")[2])
    hours = [hour for hour in HOURS if _at(day, hour) > clock.now()]
    if not hours:
        raise Refusal("TASK_PAST", status=422)
    cells = [(f"{hour}:00", f"tkh:{found.id}:{day}:{hour}") for hour in hours]
    text = say("task:which_hour", title=found.title, on=day)
    return done(event, Reply(text, [cells[:3], cells[3:]], edit=edited(event)))


@router.callback_query(F.data.startswith("tkh:"))
async def on_day(event: CallbackQuery, talk: Talk) -> list[Reply]:
    parts = (event.data or "").split(":")
    if len(parts) != 4 or parts[3] not in {str(hour) for hour in HOURS}:
        raise Refusal("UNREADABLE")
    due_at = _at(_day_of(parts[2]), int(parts[3]))
    if due_at <= clock.now():
        raise Refusal("TASK_PAST", status=422)
    await tasks.move_task(talk.colleague, about(event), due_at)
    return done(event, await mine(talk))


def _day_of(text: str) -> date:
    """Of buttons that may have been shown long ago. Raises UNREADABLE, TASK_PAST."""
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise Refusal("UNREADABLE") from None
    today = current_tenant().today()
    if day < today:
        raise Refusal("TASK_PAST", status=422)
    if day > today + AHEAD:
        raise Refusal("UNREADABLE")
    return day


def _at(day: date, hour: int) -> datetime:
    return datetime.combine(day, time(hour), ZoneInfo(current_tenant().time_zone))

"""What a debtor answers in the chat: a promise, a dispute, the act of reconciliation."""

from collections.abc import Awaitable, Callable
from datetime import date, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from aiogram import F, Router
from aiogram.filters import Command
from aiogram.types import CallbackQuery, Message, TelegramObject

from bots.telegram import papers
from bots.telegram.calendar import month_of
from bots.telegram.replies import Reply, menu_of, sum_of
from bots.telegram.talk import Talk, edited, target_of
from dilo.dunning import pauses, reconciliation
from dilo.dunning.digests import choose_digest, digest_day
from dilo.dunning.pauses import DisputeForm, PromiseForm
from dilo.kit.errors import NotFound, Refusal
from dilo.kit.i18n import say
from dilo.messaging.actions import note_read
from dilo.parties.queries import party
from dilo.receivables import queries as receivables
from tenants.scope import current_tenant

DISPUTE_REASONS = (1, 2, 3, 4)  # not delivered, wrong sum, paid already, other
router = Router(name="debts")


async def note_that_it_is_read(
    handler: Callable[[TelegramObject, dict[str, Any]], Awaitable[Any]],
    event: TelegramObject,
    data: dict[str, Any],
) -> Any:
    """Who taps a button under our message has read it: the only word of it Telegram gives."""
    if isinstance(event, CallbackQuery) and event.message is not None:
        await note_read("telegram", f"{event.message.chat.id}:{event.message.message_id}")
    return await handler(event, data)


router.callback_query.middleware(note_that_it_is_read)


@router.callback_query(F.data.startswith("prd:") | F.data.startswith("prm:"))
async def promise(event: CallbackQuery, talk: Talk) -> list[Reply]:
    """A date by one tap: what is due by it is promised. ``prm:`` counts days from the tap: buttons
    of letters sent before dates were on them."""
    talk.buyer.require("money.answer")
    day = _day_of(event.data or "")
    owner = await party(talk.company)
    debts = await receivables.open_items_of(owner.id, owner.currency, "debit")
    amount = sum((d.open_amount for d in debts if d.due_on <= day), Decimal(0)) - owner.credit
    if amount <= 0:
        raise Refusal("NOTHING_OWED")
    await pauses.promise(talk.buyer, owner.id, PromiseForm(amount, day), "telegram")
    text = say("promise:made", amount=sum_of(amount, owner.currency), on=day)
    return [Reply(text, menu_of(talk)), Reply("", callback_id=event.id)]


def _day_of(data: str) -> date:
    kind, _, given = data.partition(":")
    if kind == "prm" and given.isdigit() and len(given) <= 2:
        return current_tenant().today() + timedelta(days=int(given))
    try:
        return date.fromisoformat(given if kind == "prd" else "")
    except ValueError:
        raise Refusal("UNREADABLE") from None


@router.callback_query(F.data.startswith("prc:"))
async def promise_calendar(event: CallbackQuery, talk: Talk) -> list[Reply]:
    """A month to pick from; only the days the company's policy allows are buttons."""
    talk.buyer.require("money.answer")
    today = current_tenant().today()
    until = today + timedelta(days=await pauses.promise_days())
    asked = (event.data or "").partition(":")[2]
    rows = month_of(asked, today, until, "prc", "prd")
    under = edited(event) if asked else None
    return [Reply(say("promise:which_day"), rows, edit=under), Reply("", callback_id=event.id)]


@router.callback_query(F.data == "noop")
async def nothing(event: CallbackQuery) -> list[Reply]:
    return [Reply("", callback_id=event.id)]


@router.callback_query(F.data == "stm")
async def statement(event: CallbackQuery, talk: Talk) -> list[Reply]:
    """The last three months as PDF, under a digest anyone may check."""
    talk.buyer.require("money.read")
    about = await papers.statement_of(talk.buyer, talk.company)
    return [Reply(say("pay:statement_sent"), document=about), Reply("", callback_id=event.id)]


@router.message(Command("digest"))
@router.callback_query(F.data.startswith("dig:"))
async def digest(event: Message | CallbackQuery, talk: Talk) -> list[Reply]:
    """The weekly summary: on which day, or not at all."""
    talk.buyer.require("money.read")
    if isinstance(event, CallbackQuery):
        asked = (event.data or "")[4:]
        if asked not in ("0", "1", "2", "3", "4", "5", "6", "7"):
            raise Refusal("UNREADABLE")
        await choose_digest(talk.buyer, talk.company, int(asked) or None)
    now = await digest_day(talk.company)
    days = [(("✅ " if n == now else "") + say(f"weekday:{n}"), f"dig:{n}") for n in range(1, 8)]
    rows = [days[:4], days[4:], [(say("digest:off"), "dig:0")]]
    text = say("digest:on", day=say(f"weekday:{now}")) if now else say("digest:is_off")
    if isinstance(event, Message):
        return [Reply(text, rows)]
    return [Reply(text, rows, edit=edited(event)), Reply("", callback_id=event.id)]


@router.callback_query(F.data == "dsp")
async def dispute_which(event: CallbackQuery, talk: Talk) -> list[Reply]:
    talk.buyer.require("money.answer")
    owner = await party(talk.company)
    debts = await receivables.open_items_of(owner.id, owner.currency, "debit")
    rows = [
        [(f"{d.number} · {sum_of(d.open_amount, d.currency)}", f"dsi:{d.id}")] for d in debts[:20]
    ]
    return [Reply(say("dispute:which"), rows), Reply("", callback_id=event.id)]


@router.callback_query(F.data.startswith("dsi:"))
async def dispute_why(event: CallbackQuery, talk: Talk) -> list[Reply]:
    talk.buyer.require("money.answer")
    item_id, _ = target_of(event.data)
    rows = [[(say(f"dispute:why_{why}"), f"dsr:{item_id}:{why}")] for why in DISPUTE_REASONS]
    return [Reply(say("dispute:why"), rows), Reply("", callback_id=event.id)]


@router.callback_query(F.data.startswith("dsr:"))
async def dispute(event: CallbackQuery, talk: Talk) -> list[Reply]:
    talk.buyer.require("money.answer")
    item_id, why = target_of(event.data)
    if why not in DISPUTE_REASONS:
        raise Refusal("UNREADABLE")
    item = await receivables.open_item(item_id)
    reason = say(f"dispute:why_{why}")
    await pauses.dispute(talk.buyer, item.id, DisputeForm(reason), "telegram")
    text = say("dispute:heard", number=item.number)
    return [Reply(text, menu_of(talk), edit=edited(event)), Reply("", callback_id=event.id)]


@router.callback_query(F.data.startswith("rec:"))
async def agree(event: CallbackQuery, talk: Talk) -> list[Reply]:
    talk.buyer.require("money.answer")
    act_id, _ = target_of(event.data)
    state = await reconciliation.agree(talk.buyer, act_id)
    text = say(f"act:now_{state}")
    return [Reply(text, edit=edited(event)), Reply("", callback_id=event.id)]


@router.callback_query(F.data.startswith("rcl:"))
async def act_lines(event: CallbackQuery, talk: Talk) -> list[Reply]:
    talk.buyer.require("money.answer")
    act_id, _ = target_of(event.data)
    return [*await _next_line(talk, act_id), Reply("", callback_id=event.id)]


@router.callback_query(F.data.startswith("rca:"))
async def act_line(event: CallbackQuery, talk: Talk) -> list[Reply]:
    talk.buyer.require("money.answer")
    line_id, agreed = target_of(event.data)
    act_id = await reconciliation.act_of_line(line_id)
    comment = None if agreed else say("act:by_telegram")
    await reconciliation.answer_line(talk.buyer, line_id, agreed == 1, comment, "telegram")
    return [*await _next_line(talk, act_id), Reply("", callback_id=event.id)]


async def _next_line(talk: Talk, act_id: UUID) -> list[Reply]:
    """One line at a time, until all are answered."""
    found = await reconciliation.act(act_id)
    if found.party_id != talk.company:
        raise NotFound
    line = await reconciliation.waiting_line(act_id)
    if line is None:
        return [Reply(say(f"act:now_{found.state}"))]
    amount = sum_of(line["debit"] - line["credit"], found.currency)
    what = say(f"entry:{line['kind']}")
    text = say("act:line", on=line["effective_on"], what=what, memo=line["memo"], amount=amount)
    yes, no = f"rca:{line['id']}:1", f"rca:{line['id']}:0"
    return [Reply(text, [[(say("act:agree_line"), yes), (say("act:dispute_line"), no)]])]

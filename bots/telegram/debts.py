"""What a debtor answers in the chat: a promise, a dispute, the act of reconciliation."""

from datetime import timedelta
from decimal import Decimal
from uuid import UUID

from aiogram import F, Router
from aiogram.types import CallbackQuery

from bots.telegram.replies import Reply, menu_of, sum_of
from bots.telegram.talk import Talk, edited, target_of
from dilo.dunning import pauses, reconciliation
from dilo.dunning.pauses import DisputeForm, PromiseForm
from dilo.kit.errors import NotFound, Refusal
from dilo.kit.i18n import say
from dilo.parties.queries import party
from dilo.receivables import queries as receivables
from tenants.scope import current_tenant

DISPUTE_REASONS = (1, 2, 3, 4)  # not delivered, wrong sum, paid already, other
router = Router(name="debts")


@router.callback_query(F.data.startswith("prm:"))
async def promise(event: CallbackQuery, talk: Talk) -> list[Reply]:
    """A date by one tap: what is due by it is promised."""
    days = (event.data or "").partition(":")[2]
    if not days.isdigit() or len(days) > 2:
        raise Refusal("UNREADABLE")
    day = current_tenant().today() + timedelta(days=int(days))
    owner = await party(talk.company)
    debts = await receivables.open_items_of(owner.id, owner.currency, "debit")
    amount = sum((d.open_amount for d in debts if d.due_on <= day), Decimal(0)) - owner.credit
    if amount <= 0:
        raise Refusal("NOTHING_OWED")
    await pauses.promise(talk.buyer, owner.id, PromiseForm(amount, day), "telegram")
    text = say("promise:made", amount=sum_of(amount, owner.currency), on=day)
    return [Reply(text, menu_of(talk)), Reply("", callback_id=event.id)]


@router.callback_query(F.data == "dsp")
async def dispute_which(event: CallbackQuery, talk: Talk) -> list[Reply]:
    owner = await party(talk.company)
    debts = await receivables.open_items_of(owner.id, owner.currency, "debit")
    rows = [
        [(f"{d.number} · {sum_of(d.open_amount, d.currency)}", f"dsi:{d.id}")] for d in debts[:20]
    ]
    return [Reply(say("dispute:which"), rows), Reply("", callback_id=event.id)]


@router.callback_query(F.data.startswith("dsi:"))
async def dispute_why(event: CallbackQuery) -> list[Reply]:
    item_id, _ = target_of(event.data)
    rows = [[(say(f"dispute:why_{why}"), f"dsr:{item_id}:{why}")] for why in DISPUTE_REASONS]
    return [Reply(say("dispute:why"), rows), Reply("", callback_id=event.id)]


@router.callback_query(F.data.startswith("dsr:"))
async def dispute(event: CallbackQuery, talk: Talk) -> list[Reply]:
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
    act_id, _ = target_of(event.data)
    state = await reconciliation.agree(talk.buyer, act_id)
    text = say(f"act:now_{state}")
    return [Reply(text, edit=edited(event)), Reply("", callback_id=event.id)]


@router.callback_query(F.data.startswith("rcl:"))
async def act_lines(event: CallbackQuery, talk: Talk) -> list[Reply]:
    act_id, _ = target_of(event.data)
    return [*await _next_line(talk, act_id), Reply("", callback_id=event.id)]


@router.callback_query(F.data.startswith("rca:"))
async def act_line(event: CallbackQuery, talk: Talk) -> list[Reply]:
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

"""What the company owes: the sum, by when, what is stopped and what unblocks it, the plan."""

from aiogram import F, Router
from aiogram.filters import Command
from aiogram.types import CallbackQuery
from markupsafe import Markup

from bots import answers
from bots.answers import Asker, BalanceTold
from bots.telegram.markup import bold, lines, sections, table
from bots.telegram.paying import pay_button
from bots.telegram.replies import Reply, menu_of, reasons, sum_of
from bots.telegram.screens import Event, back, screen
from bots.telegram.talk import Talk
from dilo.dealers.queries import Cockpit, cockpit_of
from dilo.kit.i18n import say
from dilo.kit.templating import percent
from dilo.orders import cart_items
from dilo.orders.cart_items import Item
from tenants.scope import current_tenant

DEBTS_SHOWN, DUE_SHOWN = 10, 8
router = Router(name="account")
MONEY = {"group": "money"}


def asker_of(talk: Talk) -> Asker:
    return Asker(talk.buyer, "telegram", str(talk.chat), talk.key)


@router.message(Command("balance"), flags=MONEY)
@router.callback_query(F.data == "balance", flags=MONEY)
async def balance(event: Event, talk: Talk) -> list[Reply]:
    told = await answers.balance(asker_of(talk))
    rows = []
    blocked = any(not verdict.passed for verdict in told.verdicts)
    if told.debts:
        owed = tuple(debt.document_id for debt in told.debts)
        rows.append(await pay_button(talk, "unblock") if blocked else [])
        rows.append([] if rows[0] else await pay_button(talk, "invoices", invoices=owed))
    rows.append(_plan_button(talk))
    return screen(event, _balance_text(told, talk), [*rows, *menu_of(talk)])


def _plan_button(talk: Talk) -> list[tuple[str, str]]:
    shown = talk.kind == "private" and talk.buyer.may("dealers.read")
    return [(say("bot:button_plan"), "plan")] if shown else []


def _balance_text(told: BalanceTold, talk: Talk) -> Markup:
    owner = told.party
    free = sum_of(owner.available, owner.currency) if owner.available is not None else ""
    figures = [
        (say("bot:figure_balance"), sum_of(-owner.balance, owner.currency)),
        (say("bot:figure_overdue"), sum_of(told.overdue, owner.currency)),
        (say("bot:figure_available"), free or say("bot:no_cap")),
    ]
    return sections(
        lines(bold(owner.name), table(figures)),
        _due(told),
        reasons(told.verdicts, owner.currency, talk),
        _stop(told),
    )


def _due(told: BalanceTold) -> str:
    """The papers in the order they fall due, the late ones with their days."""
    today = current_tenant().today()
    said = []
    for debt in told.debts[:DEBTS_SHOWN]:
        late = (today - debt.due_on).days
        key = "bot:debt_late" if late > 0 else "bot:debt"
        amount = sum_of(debt.open_amount, debt.currency)
        said.append(say(key, number=debt.number, due=debt.due_on, days=late, amount=amount))
    if len(told.debts) > DEBTS_SHOWN:
        said.append(say("bot:more", count=len(told.debts) - DEBTS_SHOWN))
    return "\n".join(said) or say("bot:nothing_owed")


def _stop(told: BalanceTold) -> str:
    """When orders would stop if nothing were paid; not said of what is stopped already."""
    stop = told.outlook.stop
    if stop is None or any(not verdict.passed for verdict in told.verdicts):
        return ""
    amount = sum_of(stop.pay_amount, told.party.currency)
    return say("bot:stop_ahead", on=stop.day, amount=amount)


@router.message(Command("plan"))
@router.callback_query(F.data == "plan")
async def plan(event: Event, talk: Talk) -> list[Reply]:
    """How far the plan is, what the next step of the bonus is worth, what is usually bought by
    now."""
    talk.buyer.require("dealers.read")
    found = await cockpit_of(talk.company)
    rows = [back("balance")]
    if found is None:
        return screen(event, say("bot:no_plan"), rows)
    if found.due:
        rows.insert(0, [(say("bot:button_due"), "due")])
    return screen(event, _plan_text(found), rows)


def _plan_text(found: Cockpit) -> Markup:
    currency = found.currency
    figures = [
        (say("bot:plan_fact"), sum_of(found.fact, currency)),
        (say("bot:plan_target"), sum_of(found.target, currency)),
        (say("bot:plan_missing"), sum_of(found.missing, currency)),
        (say("bot:plan_bonus"), sum_of(found.bonus_now, currency)),
    ]
    head = say("bot:plan", percent=percent(found.percent / 100), days=found.days_left)
    due = [
        say("bot:due_row", code=good.code, name=good.name, quantity=good.usual_quantity)
        for good in found.due[:DUE_SHOWN]
    ]
    return sections(
        lines(bold(head), table(figures), _next_step(found)),
        lines(say("bot:due_head"), *due) if due else "",
    )


def _next_step(found: Cockpit) -> str:
    step = found.next_step
    if step is None or step.in_pieces or not step.earned.missing or not step.earned.next_amount:
        return ""
    return say(
        "bot:plan_next",
        missing=sum_of(step.earned.missing, found.currency),
        percent=step.earned.next_percent or 0,
        bonus=sum_of(step.earned.next_amount, found.currency),
    )


@router.callback_query(F.data == "due")
async def due(event: CallbackQuery, talk: Talk) -> list[Reply]:
    """All that the rhythm asks for, in its usual pieces, into the cart."""
    talk.buyer.require("dealers.read")
    found = await cockpit_of(talk.company)
    goods = [Item(good.product_id, good.usual_quantity) for good in found.due] if found else []
    await cart_items.put_all(talk.buyer, goods, add=False)
    return [Reply(say("bot:due_added", count=len(goods)), callback_id=event.id)]

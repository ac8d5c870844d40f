"""The colleague's side of the bot: held orders, a permission asked for, customers, goods, the
day's figures. The role is read at every tap; a button only names what it
is about.
"""

from decimal import Decimal, InvalidOperation
from typing import Any
from uuid import UUID

from aiogram import F, Router
from aiogram.filters import Command, CommandObject
from aiogram.types import CallbackQuery, Message

from bots.telegram import papers, staff_shipments, staff_tasks
from bots.telegram.replies import Attachment, Buttons, Reply, reasons, sum_of
from bots.telegram.staff_tasks import about, done, noted
from bots.telegram.talk import Talk, edited
from dilo.catalogue import queries as goods
from dilo.desk import news
from dilo.kit.errors import Refusal
from dilo.kit.i18n import say
from dilo.kit.paging import Paging
from dilo.kit.templating import quantity
from dilo.orders import actions, queries
from dilo.orders.rules import OVERRIDABLE
from dilo.parties import queries as parties
from dilo.parties import tasks
from dilo.receivables import queries as receivables
from tenants.scope import current_tenant

SHOWN, PAPERS_SHOWN = 10, 12
DAYS = (1, 3, 7)
REASONS = (1, 2, 3)
DIALOGS = ("task", "override", "release")
router = Router(name="staff")


def menu(talk: Talk) -> Buttons:
    offered = [
        ("orders.read", say("staff:held"), "sh"),
        ("shipments.read", say("staff:at_dock"), "sk"),
        ("desk.read", say("staff:tasks"), "tk"),
        ("reports.read", say("staff:day"), "sd"),
        ("reports.read", say("staff:let_through"), "sl"),
        ("desk.read", say("staff:news"), "sw"),
    ]
    cells = [(words, data) for verb, words, data in offered if talk.colleague.may(verb)]
    return [cells[n : n + 2] for n in range(0, len(cells), 2)]


@router.message(Command("staff"))
@router.callback_query(F.data == "sm")
async def start(event: Message | CallbackQuery, talk: Talk) -> list[Reply]:
    await talk.forget()
    text = say("staff:menu", name=talk.colleague.name, role=say(f"role:{talk.colleague.role}"))
    return done(event, Reply(text, menu(talk)))


@router.message(Command("held"))
@router.callback_query(F.data == "sh")
async def held(event: Message | CallbackQuery, talk: Talk) -> list[Reply]:
    talk.colleague.require("orders.read")
    page = await queries.orders(Paging(1, SHOWN), state="on_hold")
    rows = [
        [(f"{o.number} · {o.party_name} · {sum_of(o.total, o.currency)}", f"so:{o.id}")]
        for o in page.rows
    ]
    text = say("staff:held_count", count=page.total) if rows else say("staff:nothing_held")
    return done(event, Reply(text, rows or menu(talk)))


@router.callback_query(F.data.startswith("so:"))
async def order(event: CallbackQuery, talk: Talk) -> list[Reply]:
    talk.colleague.require("orders.read")
    return done(event, await _order(talk, about(event)))


async def _order(talk: Talk, order_id: UUID) -> Reply:
    found = await queries.order(order_id, inside=True)
    head = found.head
    text = [
        say("staff:order", number=head.number, party=head.party_name,
            total=sum_of(head.total, head.currency), state=say(f"state:{head.state}"))
    ]  # fmt: skip
    text += [f"• {x.code} × {quantity(x.quantity)}" for x in found.lines[:SHOWN]]
    offered: list[tuple[str, str, str]] = []
    if head.state == "on_hold":
        text.append(reasons(found.verdicts, head.currency))
        offered = [
            ("overrides.request", say("staff:ask_override"), f"sv:{head.id}"),
            ("orders.submit", say("staff:try_again"), f"sr:{head.id}"),
            ("orders.cancel", say("staff:cancel"), f"sx:{head.id}"),
        ]
    rows = [[(words, data)] for verb, words, data in offered if talk.colleague.may(verb)]
    return Reply("\n".join(text), [*rows, [(say("news:card"), f"sp:{head.party_id}")]])


@router.callback_query(F.data.startswith("sr:"))
async def try_again(event: CallbackQuery, talk: Talk) -> list[Reply]:
    placed = await actions.submit_order(talk.colleague, about(event))
    await noted(talk, "submit", "sales_order", placed.id)
    return done(event, await _order(talk, placed.id))


@router.callback_query(F.data.startswith("sx:"))
async def cancel_sure(event: CallbackQuery, talk: Talk) -> list[Reply]:
    talk.colleague.require("orders.cancel")
    head = await queries.order_head(about(event))
    row = [(say("bot:button_yes"), f"sy:{head.id}"), (say("bot:button_no"), f"so:{head.id}")]
    return done(event, Reply(say("staff:cancel_sure", number=head.number), [row]))


@router.callback_query(F.data.startswith("sy:"))
async def cancel(event: CallbackQuery, talk: Talk) -> list[Reply]:
    order_id = about(event)
    await actions.cancel_order(talk.colleague, order_id, say("staff:cancel_reason"))
    await noted(talk, "cancel", "sales_order", order_id)
    return done(event, await _order(talk, order_id))


@router.callback_query(F.data.startswith("sv:"))
async def override(event: CallbackQuery, talk: Talk) -> list[Reply]:
    """The permission's amount, its days, its reason; then a second person is asked."""
    talk.colleague.require("overrides.request")
    order_id = about(event)
    stopped = [v for v in await queries.last_verdicts(order_id, inside=True) if not v.passed]
    if not stopped or not all(v.gate in OVERRIDABLE for v in stopped):
        raise Refusal("GATE_BAD", status=422)
    head = await queries.order_head(order_id)
    over = [v.figures[f] if (f := OVERRIDABLE[v.gate]) else head.total for v in stopped]
    amounts = sorted({max(over), max(*over, head.total)})
    await talk.keep(dialog="override", order=str(order_id), amounts=[str(a) for a in amounts])
    rows = [[(sum_of(a, head.currency), f"sva:{n}")] for n, a in enumerate(amounts)]
    return done(event, Reply(say("staff:which_amount", number=head.number), rows))


async def _dialog(talk: Talk, *needed: str) -> dict[str, Any]:
    """What was chosen so far. Raises DIALOG_LOST where it is forgotten."""
    state = await talk.state() or {}
    if state.get("dialog") != "override" or any(one not in state for one in needed):
        raise Refusal("DIALOG_LOST")
    return state


@router.callback_query(F.data.startswith("sva:"))
async def override_amount(event: CallbackQuery, talk: Talk) -> list[Reply]:
    talk.colleague.require("overrides.request")
    state, asked = await _dialog(talk, "amounts"), (event.data or "")[4:]
    if not asked.isdigit() or int(asked) >= len(state["amounts"]):
        raise Refusal("UNREADABLE")
    await talk.keep(**state | {"amount": state["amounts"][int(asked)]})
    row = [(say("staff:days", count=n), f"svd:{n}") for n in DAYS]
    return done(event, Reply(say("staff:how_long"), [row], edit=edited(event)))


@router.callback_query(F.data.startswith("svd:"))
async def override_days(event: CallbackQuery, talk: Talk) -> list[Reply]:
    talk.colleague.require("overrides.request")
    state, asked = await _dialog(talk, "amount"), (event.data or "")[4:]
    if asked not in {str(n) for n in DAYS}:
        raise Refusal("UNREADABLE")
    await talk.keep(**state | {"days": int(asked)})
    rows = [[(say(f"staff:reason_{n}"), f"svr:{n}")] for n in REASONS]
    return done(event, Reply(say("staff:why"), rows, edit=edited(event)))


@router.callback_query(F.data.startswith("svr:"))
async def override_reason(event: CallbackQuery, talk: Talk) -> list[Reply]:
    asked = (event.data or "")[4:]
    if asked not in {str(n) for n in REASONS}:
        raise Refusal("UNREADABLE")
    return done(event, await _asked(talk, say(f"staff:reason_{asked}")))


async def _asked(talk: Talk, reason: str) -> Reply:
    state = await _dialog(talk, "amount", "days")
    order_id = UUID(state["order"])
    gates = [v.gate for v in await queries.last_verdicts(order_id, inside=True) if not v.passed]
    amount = Decimal(state["amount"])
    await actions.request_override(talk.colleague, order_id, gates, amount, reason, state["days"])
    await noted(talk, "override", "sales_order", order_id)
    await talk.forget()
    head = await queries.order_head(order_id)
    amount_words = sum_of(amount, head.currency)
    return Reply(say("staff:asked", number=head.number, amount=amount_words), menu(talk))


@router.callback_query(F.data.startswith("sp:"))
async def customer(event: CallbackQuery, talk: Talk) -> list[Reply]:
    talk.colleague.require("parties.read")
    found = await parties.party(about(event))
    await noted(talk, "card", "party", found.id)
    rows: Buttons = []
    if talk.colleague.may("receivables.read"):
        rows.append([(say("pay:statement"), f"sps:{found.id}"),
                     (say("staff:invoices"), f"spi:{found.id}")])  # fmt: skip
    rows.append([(say("staff:new_task"), f"tkn:{found.id}")])
    return done(event, Reply(await news.card_lines(found), rows))


@router.callback_query(F.data.startswith("sps:"))
async def statement(event: CallbackQuery, talk: Talk) -> list[Reply]:
    talk.colleague.require("receivables.read")
    party_id = about(event)
    made = await papers.statement_of(talk.colleague, party_id)
    await noted(talk, "statement", "party", party_id)
    return done(event, Reply(say("pay:statement_sent"), document=made))


@router.callback_query(F.data.startswith("spi:"))
async def invoices(event: CallbackQuery, talk: Talk) -> list[Reply]:
    talk.colleague.require("receivables.read")
    page = await receivables.invoices(Paging(1, PAPERS_SHOWN), party_id=about(event))
    rows = [[(f"{v.number} · {sum_of(v.total, v.currency)}", f"spp:{v.id}")] for v in page.rows]
    return done(event, Reply(say("staff:which_invoice" if rows else "staff:no_invoices"), rows))


@router.callback_query(F.data.startswith("spp:"))
async def invoice(event: CallbackQuery, talk: Talk) -> list[Reply]:
    talk.colleague.require("invoices.read")
    found = await receivables.invoice(about(event))
    await noted(talk, "invoice", "invoice", found.id)
    made = Attachment("invoice", {"invoice_id": str(found.id), "party_id": str(found.party_id)})
    return done(event, Reply(found.number, document=made))


@router.callback_query(F.data.startswith("sg:"))
async def product(event: CallbackQuery, talk: Talk) -> list[Reply]:
    """Price lists and shelves of a product."""
    talk.colleague.require("catalogue.read")
    found = await goods.product(about(event))
    text = [f"{found.code} {found.name}"]
    if talk.colleague.may("prices.read"):
        text += [
            f"• {p['list_name']}: {sum_of(p['price'], p['currency'])}"
            for p in (await goods.prices_of(found.id))[:SHOWN]
        ]
    if talk.colleague.may("stock.read"):
        text += [
            f"📦 {s['warehouse']}: {quantity(s['on_hand'] - s['reserved'])} {found.unit}"
            for s in await goods.levels_of(found.id)
        ]
    return done(event, Reply("\n".join(text)))


@router.message(Command("day"))
@router.callback_query(F.data == "sd")
async def day(event: Message | CallbackQuery, talk: Talk) -> list[Reply]:
    talk.colleague.require("reports.read")
    return done(event, Reply(await news.daily_text(current_tenant().today()), menu(talk)))


@router.message(Command("who"))
async def find(message: Message, command: CommandObject, talk: Talk) -> list[Reply]:
    return [await _found(talk, command.args or "")]


async def is_staff_only(event: Message, talk: Talk) -> bool:
    """Who buys too writes orders; his dialogues as a colleague are told by their state."""
    if talk.staff is None or talk.kind != "private" or (event.text or "").startswith("/"):
        return False
    return talk.actor is None or await _dialog_of(talk) in DIALOGS


async def _dialog_of(talk: Talk) -> str:
    """Which dialogue words are the answer of; none after something else was said or tapped."""
    state = await talk.state() or {}
    return "" if state.get("silent") else str(state.get("dialog", ""))


@router.message(F.text, is_staff_only)
async def said(message: Message, talk: Talk) -> list[Reply]:
    """The answer to what was asked last; otherwise a customer or a product to look for."""
    text, state, dialog = message.text or "", await talk.state() or {}, await _dialog_of(talk)
    if dialog == "release":
        return await staff_shipments.release(talk, state, text)
    if dialog == "task":
        party_id = UUID(state["party"])
        await tasks.make_task(talk.colleague, text, staff_tasks.morning(), party_id=party_id)
        await talk.forget()
        return [await staff_tasks.mine(talk)]
    if dialog == "override" and "days" in state:
        return [await _asked(talk, text)]
    if dialog == "override" and "amount" not in state:
        return [await _own_amount(talk, state, text)]
    return [await _found(talk, text)]


async def _own_amount(talk: Talk, state: dict[str, Any], text: str) -> Reply:
    try:
        amount = Decimal(text.replace(" ", "").replace("\u00a0", "").replace(",", "."))
    except InvalidOperation:
        raise Refusal("AMOUNT_BAD", status=422) from None
    if not amount.is_finite() or not 0 < amount < 10**12:
        raise Refusal("AMOUNT_BAD", status=422)
    await talk.keep(**state | {"amount": str(round(amount, 2))})
    return Reply(say("staff:how_long"), [[(say("staff:days", count=n), f"svd:{n}") for n in DAYS]])


async def _found(talk: Talk, text: str) -> Reply:
    """By name, code or telephone."""
    asked = text.strip()[:80]
    rows: Buttons = []
    if asked and talk.colleague.may("parties.read"):
        found = await parties.party_names(asked, SHOWN)
        found = found or await parties.parties_of_phone(asked)
        rows += [[(f"👤 {p['code']} {p['name']}", f"sp:{p['id']}")] for p in found]
    if asked and talk.colleague.may("catalogue.read"):
        rows += [
            [(f"📦 {g['code']} {g['name']}", f"sg:{g['id']}")]
            for g in await goods.products_like(asked, SHOWN)
        ]
    return Reply(say("staff:found" if rows else "staff:not_found"), rows or menu(talk))

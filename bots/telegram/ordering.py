"""Ordering: usual goods by buttons, the cart, lines of text; every decision is the house's."""

from decimal import Decimal

from aiogram import F, Router
from aiogram.filters import Command, CommandObject
from aiogram.types import CallbackQuery, Message

from bots.telegram.replies import Reply, menu_of, reasons, sum_of
from bots.telegram.talk import Talk, edited, target_of
from dilo.catalogue.queries import products_of_codes
from dilo.kit.errors import Refusal
from dilo.kit.i18n import say
from dilo.kit.ids import uuid_or_none
from dilo.orders import actions, cart, queries
from dilo.orders.commands import LineInput, Placed, PlaceOrder
from dilo.orders.wording import pasted_lines
from tenants.scope import current_tenant

LINES_SHOWN = 25
OPEN = {"group": "open"}
router = Router(name="ordering")


@router.message(Command("goods"))
@router.callback_query(F.data == "goods")
async def goods(event: Message | CallbackQuery, talk: Talk) -> list[Reply]:
    """Ordering by buttons: what is usually bought, one tap adds one."""
    usual = await cart.usual_goods(talk.company, current_tenant().today())
    rows = [[(f"➕ {g['code']} {g['name']}"[:60], f"add:{g['product_id']}")] for g in usual]
    return [
        Reply(
            say("bot:usual" if rows else "bot:no_usual"),
            [*rows, [(say("bot:button_cart"), "cart")]],
        )
    ]


@router.callback_query(F.data.startswith("add:"))
async def add(event: CallbackQuery, talk: Talk) -> list[Reply]:
    product_id = uuid_or_none((event.data or "").partition(":")[2])
    if product_id is None:
        raise Refusal("UNREADABLE")
    now = await cart.put(talk.buyer, product_id, Decimal(1))
    return [Reply(say("bot:in_cart", quantity=now), callback_id=event.id)]


@router.message(Command("cart"))
@router.callback_query(F.data == "cart")
async def show_cart(event: Message | CallbackQuery, talk: Talk) -> list[Reply]:
    looked = await cart.look(talk.buyer)
    if looked.problem:
        raise looked.problem
    if not looked.lines:
        return [Reply(say("bot:cart_empty"), menu_of(talk))]
    currency = current_tenant().currency
    text = _listed([(n.code, n.quantity, n.amount) for n in looked.lines], looked.total, currency)
    notes = [_note(line, currency) for line in looked.lines if line.problem or line.was is not None]
    why = reasons(looked.verdicts, talk)
    order = (say("bot:button_order"), "checkout")
    if looked.changed:
        order = (say("bot:button_accept"), "accept")
    return [
        Reply(
            "\n".join([text, *notes, why] if why else [text, *notes]),
            [[order, (say("bot:button_empty"), "empty")]],
        )
    ]


def _note(line: cart.CartLine, currency: str) -> str:
    """What has changed since it was shown, or why it stays out of the order."""
    if line.problem:
        return say("bot:cart_problem", code=line.code, why=say(f"cart:{line.problem}"))
    was, price = (sum_of(amount or Decimal(0), currency) for amount in (line.was, line.price))
    return say("bot:price_changed", code=line.code, was=was, price=price)


@router.callback_query(F.data == "accept")
async def accept(event: CallbackQuery, talk: Talk) -> list[Reply]:
    """The buyer agrees to the prices that have changed; the cart is shown again."""
    await cart.accept_prices(talk.buyer)
    return [Reply("", callback_id=event.id), *await show_cart(event, talk)]


@router.callback_query(F.data == "empty")
async def empty(event: CallbackQuery, talk: Talk) -> list[Reply]:
    await cart.empty(talk.buyer)
    return [Reply(say("bot:cart_empty"), callback_id=event.id)]


@router.callback_query(F.data == "checkout")
async def checkout(event: CallbackQuery, talk: Talk) -> list[Reply]:
    """The key is the message the button hangs on: a second tap finds the same order."""
    on = event.message.message_id if event.message else 0
    placed = await cart.check_out(talk.buyer, f"telegram:{talk.buyer.id}:cart:{on}", "telegram")
    return _told(event, talk, placed)


@router.callback_query(F.data.startswith("confirm:"), flags=OPEN)
async def confirm(event: CallbackQuery, talk: Talk) -> list[Reply]:
    order_id, version = target_of(event.data)
    head = await queries.order_head(order_id)
    if head.party_id == talk.company and head.state != "draft":
        placed = Placed(
            head.id,
            head.number,
            head.state,
            head.total,
            head.currency,
            await queries.last_verdicts(head.id),
            repeated=True,
        )
    else:
        placed = await actions.submit_order(talk.buyer, order_id, version)
    return _told(event, talk, placed)


@router.callback_query(F.data.startswith("drop:"), flags=OPEN)
async def drop(event: CallbackQuery, talk: Talk) -> list[Reply]:
    order_id, _ = target_of(event.data)
    head = await queries.order_head(order_id)
    if head.state != "cancelled":
        await actions.cancel_order(talk.buyer, order_id, say("bot:cancel_reason"))
    return [
        Reply(say("bot:dropped", number=head.number), edit=edited(event)),
        Reply("", callback_id=event.id),
    ]


def _told(event: CallbackQuery, talk: Talk, placed: Placed) -> list[Reply]:
    total = sum_of(placed.total, placed.currency)
    text = say(
        f"bot:order_{placed.state}",
        number=placed.number,
        total=total,
        state=say(f"state:{placed.state}"),
    )
    if talk.kind == "group":
        text = f"{talk.buyer.name}: {text}"
    if placed.held:
        text += "\n" + reasons(placed.verdicts, talk)
    return [Reply(text, menu_of(talk), edit=edited(event)), Reply("", callback_id=event.id)]


@router.message(Command("order"), flags=OPEN)
async def order_here(message: Message, command: CommandObject, talk: Talk) -> list[Reply]:
    """The way to order in a group: lines after the command."""
    return await _draft(command.args or "", talk)


@router.message(F.text)
async def lines(message: Message, talk: Talk) -> list[Reply]:
    """Anything else is an order by lines: a draft to look at, one tap to confirm."""
    return await _draft(message.text or "", talk)


async def _draft(said: str, talk: Talk) -> list[Reply]:
    buyer = talk.buyer
    wanted, strange = pasted_lines(said)
    known = await products_of_codes([line.code for line in wanted], talk.company)
    good = [
        LineInput(known[w.code.lower()]["code"], w.quantity)
        for w in wanted
        if w.code.lower() in known
    ]
    unknown = [w.code for w in wanted if w.code.lower() not in known] + strange
    if not good:
        return [Reply(say("bot:not_understood", codes=", ".join(unknown[:10])), menu_of(talk))]
    placed = await actions.place_order(
        buyer,
        PlaceOrder(
            party_id=talk.company,
            lines=good,
            key=f"telegram:{talk.key}",
            door="telegram",
            submit=False,
        ),
    )
    order = await queries.order(placed.id)
    text = _listed(
        [(n.code, n.quantity, n.amount) for n in order.lines], order.head.total, order.head.currency
    )
    if unknown:
        text += "\n⚠️ " + say("bot:unknown_lines", codes=", ".join(unknown[:10]))
    target = f"{placed.id}:{order.head.version}"
    return [
        Reply(
            f"{placed.number}\n{text}",
            [
                [
                    (say("bot:button_confirm"), f"confirm:{target}"),
                    (say("bot:button_cancel"), f"drop:{target}"),
                ]
            ],
        )
    ]


def _listed(rows: list[tuple[str, Decimal, Decimal]], total: Decimal, currency: str) -> str:
    shown_rows = [
        say("bot:line", code=code, quantity=quantity, amount=sum_of(amount, currency))
        for code, quantity, amount in rows[:LINES_SHOWN]
    ]
    if len(rows) > LINES_SHOWN:
        shown_rows.append(say("bot:more", count=len(rows) - LINES_SHOWN))
    return "\n".join([*shown_rows, say("bot:total", total=sum_of(total, currency))])

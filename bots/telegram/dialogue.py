"""What a chat may say and do. Handlers return replies; every decision is the house's."""

from decimal import Decimal

from aiogram import Dispatcher, F, Router
from aiogram.filters import Command, CommandObject, CommandStart
from aiogram.types import CallbackQuery, Message

from bots.telegram import approvals, debts
from bots.telegram.replies import Reply, menu, reasons, sum_of
from bots.telegram.talk import Talk, edited, target_of
from dilo.catalogue.queries import products_of_codes
from dilo.kit.errors import Refusal
from dilo.kit.i18n import say, shown
from dilo.kit.ids import uuid_or_none
from dilo.kit.paging import Paging
from dilo.orders import actions, cart, queries
from dilo.orders.commands import LineInput, Placed, PlaceOrder
from dilo.orders.wording import pasted_lines
from dilo.parties import actions as parties
from dilo.parties.queries import party
from dilo.people import chats
from dilo.receivables import queries as receivables
from tenants.scope import current_tenant

LINES_SHOWN = 25
router = Router()


@router.message(CommandStart())
async def start(message: Message, command: CommandObject, talk: Talk) -> list[Reply]:
    if command.args and command.args.startswith(chats.PREFIX):
        await chats.link_chat(command.args.strip(), str(message.chat.id))
        return [Reply(say("bot:colleague", tenant=current_tenant().name))]
    if command.args:
        await parties.link_telegram(command.args.strip(), str(message.chat.id))
        return [Reply(say("bot:linked", tenant=current_tenant().name), menu())]
    if talk.actor is None:
        return [Reply(say("bot:stranger", tenant=current_tenant().name))]
    return [Reply(say("bot:help"), menu())]


@router.message(Command("stop"))
async def stop(message: Message) -> list[Reply]:
    await parties.stop_telegram(str(message.chat.id))
    return [Reply(say("bot:stopped"))]


@router.message(Command("help", "menu"))
async def help_(message: Message) -> list[Reply]:
    return [Reply(say("bot:help"), menu())]


@router.message(Command("balance"))
@router.callback_query(F.data == "balance")
async def balance(event: Message | CallbackQuery, talk: Talk) -> list[Reply]:
    owner = await party(talk.company)
    on = current_tenant().today()
    aging = await receivables.aging_of(owner.id, owner.currency, on)
    owed = await receivables.open_items_of(owner.id, owner.currency, "debit")
    text = [
        say(
            "bot:balance",
            name=owner.name,
            balance=sum_of(-owner.balance, owner.currency),
            overdue=sum_of(aging.overdue, owner.currency),
            available=sum_of(owner.available, owner.currency)
            if owner.available is not None
            else say("bot:no_cap"),
        )
    ]
    text += [
        say("bot:debt", number=d.number, due=d.due_on, amount=sum_of(d.open_amount, d.currency))
        for d in owed[:10]
    ]
    if len(owed) > 10:
        text.append(say("bot:more", count=len(owed) - 10))
    why = reasons(await actions.credit_standing(talk.buyer, owner.id))
    return [Reply("\n".join([*text, why] if why else text), menu())]


@router.message(Command("orders"))
@router.callback_query(F.data == "orders")
async def orders(event: Message | CallbackQuery, talk: Talk) -> list[Reply]:
    page = await queries.orders(Paging(1, 8), party_id=talk.company)
    lines = [
        say(
            "bot:order_row",
            number=o.number,
            date=shown(o.created_at.date()),
            state=say(f"state:{o.state}"),
            total=sum_of(o.total, o.currency),
        )
        for o in page.rows
    ]
    return [Reply("\n".join(lines) or say("bot:no_orders"), menu())]


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
        return [Reply(say("bot:cart_empty"), menu())]
    currency = current_tenant().currency
    text = _listed(
        [(n.found.code or "", n.quantity, n.amount) for n in looked.lines], looked.total, currency
    )
    why = reasons(looked.verdicts)
    return [
        Reply(
            f"{text}\n{why}" if why else text,
            [[(say("bot:button_order"), "checkout"), (say("bot:button_empty"), "empty")]],
        )
    ]


@router.callback_query(F.data == "empty")
async def empty(event: CallbackQuery, talk: Talk) -> list[Reply]:
    await cart.empty(talk.buyer)
    return [Reply(say("bot:cart_empty"), callback_id=event.id)]


@router.callback_query(F.data == "checkout")
async def checkout(event: CallbackQuery, talk: Talk) -> list[Reply]:
    """The key is the message the button hangs on: a second tap finds the same order."""
    on = event.message.message_id if event.message else 0
    placed = await cart.check_out(talk.buyer, f"telegram:{talk.buyer.id}:cart:{on}", "telegram")
    return _told(event, placed)


@router.callback_query(F.data.startswith("confirm:"))
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
    return _told(event, placed)


@router.callback_query(F.data.startswith("drop:"))
async def drop(event: CallbackQuery, talk: Talk) -> list[Reply]:
    order_id, _ = target_of(event.data)
    head = await queries.order_head(order_id)
    if head.state != "cancelled":
        await actions.cancel_order(talk.buyer, order_id, say("bot:cancel_reason"))
    return [
        Reply(say("bot:dropped", number=head.number), edit=edited(event)),
        Reply("", callback_id=event.id),
    ]


def _told(event: CallbackQuery, placed: Placed) -> list[Reply]:
    total = sum_of(placed.total, placed.currency)
    text = say(
        f"bot:order_{placed.state}",
        number=placed.number,
        total=total,
        state=say(f"state:{placed.state}"),
    )
    if placed.held:
        text += "\n" + reasons(placed.verdicts)
    return [Reply(text, menu(), edit=edited(event)), Reply("", callback_id=event.id)]


@router.callback_query(F.data.startswith("ovr:"))
async def override(event: CallbackQuery, talk: Talk) -> list[Reply]:
    """One tap of a second person; the house checks who it is and what he may."""
    parts = (event.data or "").split(":")
    override_id = uuid_or_none(parts[1]) if len(parts) == 3 else None
    if override_id is None or parts[2] not in ("0", "1"):
        raise Refusal("UNREADABLE")
    approve = parts[2] == "1"
    placed = await actions.decide_override(talk.colleague, override_id, approve)
    head = await queries.order_head(await queries.order_of_override(override_id))
    state = say(f"state:{placed.state if placed else head.state}")
    key = "override:approved" if approve else "override:refused"
    text = say(key, number=head.number, state=state, name=talk.colleague.name)
    return [Reply(text, edit=edited(event)), Reply("", callback_id=event.id)]


@router.message(F.text)
async def lines(message: Message, talk: Talk) -> list[Reply]:
    """Anything else is an order by lines: a draft to look at, one tap to confirm."""
    buyer = talk.buyer
    wanted, strange = pasted_lines(message.text or "")
    known = await products_of_codes([line.code for line in wanted])
    good = [
        LineInput(known[w.code.lower()]["code"], w.quantity)
        for w in wanted
        if w.code.lower() in known
    ]
    unknown = [w.code for w in wanted if w.code.lower() not in known] + strange
    if not good:
        return [Reply(say("bot:not_understood", codes=", ".join(unknown[:10])), menu())]
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


def make_dispatcher() -> Dispatcher:
    dispatcher = Dispatcher()
    dispatcher.include_routers(approvals.router, debts.router, router)
    return dispatcher

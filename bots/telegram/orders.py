"""Own orders: the list, one with all that became of it, once more, called off, on the road."""

from uuid import UUID

from aiogram import F, Router
from aiogram.filters import Command
from aiogram.types import CallbackQuery

from bots import answers
from bots.telegram.account import asker_of
from bots.telegram.lines import show_draft
from bots.telegram.markup import bold, lines, sections
from bots.telegram.paying import pay_button
from bots.telegram.replies import Buttons, Reply, menu_of, reasons, sum_of
from bots.telegram.screens import Event, back, id_of, label, page_of, pager, parts_of, screen
from bots.telegram.talk import Talk, edited, target_of
from bots.telegram.told import draft_buttons, order_lines, placed_screen
from dilo.kit.i18n import say, shown
from dilo.kit.paging import Paging
from dilo.kit.templating import moment
from dilo.orders import actions, own, queries, tracking
from dilo.orders.commands import Placed
from dilo.orders.queries import Order
from dilo.orders.tracking import Shipment

SHOWN = 8
EVENTS_SHOWN = 6
OPEN = {"group": "open"}
CANCELLABLE = ("submitted", "on_hold", "confirmed")
SHIPPED = ("partially_shipped", "shipped", "closed")
router = Router(name="orders")


@router.message(Command("orders"))
@router.callback_query(F.data == "orders")
@router.callback_query(F.data.startswith("ol:"))
async def index(event: Event, talk: Talk) -> list[Reply]:
    talk.buyer.require("orders.read")
    data = getattr(event, "data", None) or ""
    number = page_of(data.partition(":")[2])
    page = await own.own_orders(Paging(number, SHOWN), talk.company)
    if not page.rows:
        return screen(event, say("bot:no_orders"), menu_of(talk))
    rows: Buttons = [
        [
            (
                label(o.number, say(f"state:{o.state}"), sum_of(o.total, o.currency)),
                f"o:{o.id}",
            )
        ]
        for o in page.rows
    ]
    text = say("bot:orders_head", count=page.total)
    return screen(event, text, [*rows, pager("ol", number, page.pages), *menu_of(talk)])


@router.callback_query(F.data.startswith("o:"))
async def show(event: CallbackQuery, talk: Talk) -> list[Reply]:
    return await order_screen(event, talk, id_of(parts_of(event)[0]))


async def order_screen(event: Event, talk: Talk, order_id: UUID) -> list[Reply]:
    order = await answers.own_order(asker_of(talk), order_id)
    return screen(event, _text(order, talk), await _buttons(order, talk))


def _text(order: Order, talk: Talk) -> str:
    head = order.head
    why = reasons(order.verdicts, head.currency, talk) if head.state == "on_hold" else ""
    return sections(
        lines(
            bold(say("bot:order_head", number=head.number, state=say(f"state:{head.state}"))),
            say("bot:order_of", on=shown(head.created_at.date()), name=head.placed_by),
            say("bot:order_to", where=head.delivery_to) if head.delivery_to else "",
        ),
        order_lines(order),
        say("bot:order_shipped_sum", amount=sum_of(head.shipped_amount, head.currency))
        if head.shipped_amount
        else "",
        why,
    )


async def _buttons(order: Order, talk: Talk) -> Buttons:
    head, buyer = order.head, talk.buyer
    target = f"{head.id}:{head.version}"
    rows: Buttons = []
    if head.state == "draft":
        rows += draft_buttons(order)
    if head.state == "on_hold":
        rows.append(await pay_button(talk, "unblock", order_id=head.id))
    if order.shipments:
        rows.append([(say("bot:button_where"), f"tr:{head.id}")])
    papers = await own.papers_of(head.id) if buyer.may("money.read") else []
    rows += [[(f"📄 {v['number']}", f"inv:{v['id']}")] for v in papers[:3]]
    if head.state != "draft" and buyer.may("orders.edit"):
        rows.append([(say("bot:button_repeat"), f"rp:{head.id}")])
    if head.state in SHIPPED and buyer.may("orders.edit"):
        rows.append([(say("bot:button_claim"), f"cn:{head.id}")])
    if head.state in CANCELLABLE and buyer.may("orders.cancel"):
        rows.append([(say("bot:button_call_off"), f"oc:{target}")])
    return [*(row for row in rows if row), back("orders", say("bot:button_orders"))]


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
        placed = (await answers.confirm(asker_of(talk), order_id, version)).placed
    text, rows = await placed_screen(talk, placed)
    return [Reply(text, rows, edit=edited(event)), Reply("", callback_id=event.id)]


@router.callback_query(F.data.startswith("drop:"), flags=OPEN)
async def drop(event: CallbackQuery, talk: Talk) -> list[Reply]:
    order_id, _ = target_of(event.data)
    return await _call_off(event, talk, order_id)


@router.callback_query(F.data.startswith("oc:"))
async def call_off_sure(event: CallbackQuery, talk: Talk) -> list[Reply]:
    """What cannot be undone is asked once more."""
    order_id, _ = target_of(event.data)
    order = await answers.own_order(asker_of(talk), order_id)
    text = say("bot:call_off_sure", number=order.head.number)
    yes = (say("bot:button_call_off_yes"), f"drop:{order_id}:{order.head.version}")
    return screen(event, text, [[yes, (say("bot:button_call_off_no"), f"o:{order_id}")]])


async def _call_off(event: CallbackQuery, talk: Talk, order_id: UUID) -> list[Reply]:
    head = await queries.order_head(order_id)
    if head.state != "cancelled" or head.party_id != talk.company:
        await actions.cancel_order(talk.buyer, order_id, say("bot:cancel_reason"))
    text = say("bot:dropped", number=head.number)
    return [Reply(text, menu_of(talk), edit=edited(event)), Reply("", callback_id=event.id)]


@router.message(Command("repeat"))
@router.callback_query(F.data == "repeat")
async def repeat_last(event: Event, talk: Talk) -> list[Reply]:
    return await show_draft(event, talk, await answers.repeat(asker_of(talk)))


@router.callback_query(F.data.startswith("rp:"))
async def repeat(event: CallbackQuery, talk: Talk) -> list[Reply]:
    order_id = id_of(parts_of(event)[0])
    return await show_draft(event, talk, await answers.repeat(asker_of(talk), order_id))


async def status(event: Event, talk: Talk, number: str) -> list[Reply]:
    """By its number, or the last one: where it is."""
    found = await answers.order_status(asker_of(talk), number)
    if found.order.shipments:
        return await _road(event, talk, found.order)
    return screen(event, _text(found.order, talk), await _buttons(found.order, talk))


@router.message(Command("where"))
async def where_last(event: Event, talk: Talk) -> list[Reply]:
    return await status(event, talk, "")


@router.callback_query(F.data.startswith("tr:"))
async def road(event: CallbackQuery, talk: Talk) -> list[Reply]:
    order = await answers.own_order(asker_of(talk), id_of(parts_of(event)[0]))
    return await _road(event, talk, order)


async def _road(event: Event, talk: Talk, order: Order) -> list[Reply]:
    """Every shipment with what happened to it on the way."""
    found = await tracking.shipments_of(order.head.id)
    rows: Buttons = [
        [(f"🔗 {one.carrier or one.number}", one.tracking_url)] for one in found if one.tracking_url
    ]
    rows += [
        [(say("bot:button_rate", number=one.number), f"rate:{one.id}:0")]
        for one in found
        if one.state == "delivered" and one.score is None and talk.buyer.may("orders.edit")
    ]
    head = bold(
        say("bot:order_head", number=order.head.number, state=say(f"state:{order.head.state}"))
    )
    text = sections(head, *(_shipment(one) for one in found)) if found else say("bot:not_shipped")
    return screen(event, text, [*rows, back(f"o:{order.head.id}")])


def _shipment(one: Shipment) -> str:
    key = f"state:{one.state}"
    said: list[str] = [bold(say("bot:shipment", number=one.number, state=say(key)))]
    if one.carrier:
        number = one.tracking_number or ""
        said.append(say("bot:carried", carrier=one.carrier, number=number))
    if one.expected_on and one.state not in ("delivered", "returned"):
        said.append(say("bot:expected", on=one.expected_on))
    for event in one.events[-EVENTS_SHOWN:]:
        what = " · ".join(
            part for part in (say(f"state:{event['state']}"), event["place"], event["note"]) if part
        )
        said.append(say("bot:road_event", at=moment(event["happened_at"]), what=what))
    return lines(*said)

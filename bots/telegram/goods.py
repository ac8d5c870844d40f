"""The shelf in the chat: categories, search, a product with its picture, own price and breaks, what
the company is told of the stock, plus and minus."""

from decimal import Decimal
from typing import Any
from uuid import UUID

from aiogram import F, Router
from aiogram.filters import Command, CommandObject
from aiogram.types import CallbackQuery, Message

from bots.telegram import shelf
from bots.telegram.markup import bold, lines
from bots.telegram.replies import Attachment, Buttons, Reply, attach_with, sum_of
from bots.telegram.screens import (
    Event,
    back,
    id_of,
    label,
    page_of,
    pager,
    parts_of,
    quantity_of,
    recaptioned,
    screen,
)
from bots.telegram.shelf import Seen, View
from bots.telegram.steps import State, step
from bots.telegram.talk import Talk
from bots.telegram.told import to_menu
from dilo.catalogue import marks, media
from dilo.kit.errors import Refusal
from dilo.kit.i18n import say, shown
from dilo.kit.images import reencoded
from dilo.orders import cart, cart_items
from tenants.links import address_of
from tenants.scope import current_tenant

FIND_MAX = 100
STEPS_SHOWN = 5
router = Router(name="goods")


@router.message(Command("goods"))
@router.callback_query(F.data == "goods")
async def home(event: Event, talk: Talk) -> list[Reply]:
    """The categories of the first floor, and the short ways."""
    talk.buyer.require("catalogue.read")
    found = await shelf.branches(talk.company, None)
    rows: Buttons = [[(label(one.name, shown(one.products)), f"cat:{one.id}:1")] for one in found]
    rows.append([(say("bot:button_usual"), "usual"), (say("bot:button_favourites"), "fav:1")])
    rows.append([(say("bot:button_find_goods"), "ask")])
    return screen(event, say("bot:goods_home"), [await _app_row(), *rows, _cart_row()])


async def _app_row() -> list[tuple[str, str]]:
    """The same shelf as pages, inside Telegram."""
    url = await address_of("/tg")
    return [(say("bot:button_app"), f"app:{url}")] if url.startswith("https://") else []


def _cart_row() -> list[tuple[str, str]]:
    return [(say("bot:button_cart"), "cart"), *to_menu()]


@router.callback_query(F.data == "usual")
async def usual(event: CallbackQuery, talk: Talk) -> list[Reply]:
    """What is usually bought: one tap adds one."""
    talk.buyer.require("catalogue.read")
    found = await cart.usual_goods(talk.company, current_tenant().today())
    rows: Buttons = [
        [(label("➕ " + g["code"], g["name"]), f"add:{g['product_id']}")] for g in found
    ]
    text = say("bot:usual" if rows else "bot:no_usual")
    return screen(event, text, [*rows, [(say("bot:button_cart"), "cart"), *back("goods")]])


@router.callback_query(F.data.startswith("add:"))
async def add(event: CallbackQuery, talk: Talk) -> list[Reply]:
    product_id = id_of(parts_of(event)[0])
    now = await cart.put(talk.buyer, product_id, Decimal(1))
    return [Reply(say("bot:in_cart", quantity=now), callback_id=event.id)]


@router.callback_query(F.data.startswith("cat:"))
async def category(event: CallbackQuery, talk: Talk) -> list[Reply]:
    category_id, number = (*parts_of(event), "1")[:2]
    return await _list(event, talk, View("cat", str(id_of(category_id))), page_of(number))


@router.callback_query(F.data.startswith("fav:"))
async def favourites(event: CallbackQuery, talk: Talk) -> list[Reply]:
    return await _list(event, talk, View("fav"), page_of(parts_of(event)[0]))


@router.callback_query(F.data == "ask")
async def ask(event: CallbackQuery, talk: Talk) -> list[Reply]:
    await talk.keep(step="find")
    return screen(event, say("bot:find_what"), [back("goods")])


@step("find")
async def find_words(message: Message, talk: Talk, state: State) -> list[Reply] | None:
    return await _list(message, talk, View("find", (message.text or "")[:FIND_MAX]), 1)


@router.message(Command("find"))
async def find(message: Message, command: CommandObject, talk: Talk) -> list[Reply]:
    if not command.args:
        await talk.keep(step="find")
        return screen(message, say("bot:find_what"), [back("goods")])
    return await _list(message, talk, View("find", command.args[:FIND_MAX]), 1)


@router.callback_query(F.data.startswith("find:"))
async def found_page(event: CallbackQuery, talk: Talk) -> list[Reply]:
    """Another page of what was searched for; page 0: what an order's reader did not understand."""
    number = page_of(parts_of(event)[0])
    state = await talk.state() or {}
    words = state.get("find") or next(iter(state.get("unknown") or ()), "")
    if not words:
        return await ask(event, talk)
    return await _list(event, talk, View("find", str(words)), number)


@router.callback_query(F.data == "shelf")
async def again(event: CallbackQuery, talk: Talk) -> list[Reply]:
    """Back to the list one came from; forgotten, to the categories."""
    state = await talk.state() or {}
    if "view" not in state:
        return await home(event, talk)
    kind, value, number = state["view"]
    return await _list(event, talk, View(kind, value), number)


async def _list(event: Event, talk: Talk, view: View, number: int) -> list[Reply]:
    talk.buyer.require("catalogue.read")
    page = await shelf.page_for(talk.buyer, view, number)
    keep: dict[str, Any] = {"step": "shelf", "view": [view.kind, view.value, number]}
    await talk.keep(**keep, find=view.value if view.kind == "find" else "")
    rows: Buttons = [
        [(label(one.name, shown(one.products)), f"cat:{one.id}:1")] for one in page.branches
    ]
    rows += [[(_row(one), f"p:{one.good.id}")] for one in page.goods]
    prefix = f"cat:{view.value}" if view.kind == "cat" else view.kind
    rows.append(pager(prefix, number, page.pages))
    rows.append([*back(page.above), (say("bot:button_cart"), "cart")])
    text = bold(page.title) if page.title else ""
    what = say("bot:shelf_found", count=page.total) if page.total else say("bot:shelf_empty")
    return screen(event, lines(text, what), rows)


def _row(one: Seen) -> str:
    price = sum_of(one.price, one.currency) if one.price is not None else say("bot:on_request")
    room = 58 - len(price) - len(one.good.code)
    return f"{one.good.code} · {one.good.name[: max(room, 8)]} · {price}"


@router.callback_query(F.data.startswith("p:"))
async def product(event: CallbackQuery, talk: Talk) -> list[Reply]:
    return await product_screen(event, talk, id_of(parts_of(event)[0]))


async def product_screen(event: Event, talk: Talk, product_id: UUID) -> list[Reply]:
    talk.buyer.require("catalogue.read")
    one = await shelf.seen(talk.buyer, product_id)
    photo = Attachment("picture", {"key": one.good.picture}) if one.good.picture else None
    return screen(event, _card(one), await _card_buttons(talk, one), photo=photo)


def _card(one: Seen) -> str:
    good = one.good
    own = say("bot:own_code", code=good.own_code) if good.own_code else ""
    breaks = [
        say("bot:price_break", quantity=step.min_quantity, price=sum_of(step.price, one.currency))
        for step in one.offer.steps[1:STEPS_SHOWN]
    ]
    price = say("bot:on_request")
    if one.price is not None:
        price = say("bot:price", price=sum_of(one.price, one.currency), unit=good.unit)
    figure = shown(one.told.figure) if one.told.figure is not None else ""
    stock = say(f"bot:stock_{one.told.word}", figure=figure, unit=good.unit)
    return lines(
        bold(good.name),
        label(say("bot:code", code=good.code), own),
        price,
        *breaks,
        stock if one.told.word != "hidden" else "",
        say("bot:pack", quantity=good.pack_size, unit=good.unit) if good.pack_size > 1 else "",
    )


async def _card_buttons(talk: Talk, one: Seen) -> Buttons:
    product_id = one.good.id
    rows: Buttons = []
    if talk.buyer.may("orders.edit") and one.price is not None:
        now = (await cart_items.quantities(talk.buyer, [product_id])).get(product_id, Decimal(0))
        more = one.good.pack_size if one.good.pack_size > 1 else Decimal(10)
        rows.append(
            [
                ("−", f"pq:{product_id}:-1"),
                (say("bot:now_in_cart", quantity=now), f"pt:{product_id}"),
                ("+", f"pq:{product_id}:1"),
                (f"+{shown(more)}", f"pq:{product_id}:{more.normalize():f}"),
            ]
        )
    marked = product_id in (await marks.marks_of(talk.buyer))["favourite"]
    star = say("bot:button_unstar" if marked else "bot:button_star")
    rows.append([(star, f"pf:{product_id}"), (say("bot:button_cart"), "cart")])
    return [*rows, back("shelf")]


@router.callback_query(F.data.startswith("pq:"))
async def more(event: CallbackQuery, talk: Talk) -> list[Reply]:
    """Plus and minus; never below nothing."""
    text, change = parts_of(event, 2)[:2]
    product_id = id_of(text)
    by = quantity_of(change.removeprefix("-"))
    if by is None:
        raise Refusal("UNREADABLE")
    if change.startswith("-"):
        now = (await cart_items.quantities(talk.buyer, [product_id])).get(product_id, Decimal(0))
        now = await cart.put(talk.buyer, product_id, max(Decimal(0), now - by), add=False)
    else:
        now = await cart.put(talk.buyer, product_id, by)
    one = await shelf.seen(talk.buyer, product_id)
    notice = say("bot:in_cart", quantity=now)
    return recaptioned(event, _card(one), await _card_buttons(talk, one), notice)


@router.callback_query(F.data.startswith("pt:"))
async def type_it(event: CallbackQuery, talk: Talk) -> list[Reply]:
    product_id = id_of(parts_of(event)[0])
    state = await talk.state() or {}
    await talk.keep(**(state | {"step": "quantity", "product": str(product_id)}))
    return [Reply(say("bot:type_quantity"), callback_id=event.id)]


@step("quantity")
async def typed(message: Message, talk: Talk, state: State) -> list[Reply] | None:
    quantity = quantity_of(message.text or "")
    if quantity is None:
        return None
    product_id = id_of(str(state.get("product", "")))
    await cart.put(talk.buyer, product_id, quantity, add=False)
    return await product_screen(message, talk, product_id)


@router.callback_query(F.data.startswith("pf:"))
async def star(event: CallbackQuery, talk: Talk) -> list[Reply]:
    product_id = id_of(parts_of(event)[0])
    on = await marks.toggle_mark(talk.buyer, product_id, "favourite")
    one = await shelf.seen(talk.buyer, product_id)
    notice = say("bot:starred" if on else "bot:unstarred")
    return recaptioned(event, _card(one), await _card_buttons(talk, one), notice)


async def _picture(about: dict[str, Any]) -> dict[str, Any] | str:
    """Telegram takes JPEG surely; ours are WebP."""
    path = await media.picture_file(str(about["key"]), 1200)
    return {"name": "picture.jpg", "body": await reencoded(path.read_bytes())}


attach_with("picture", _picture)

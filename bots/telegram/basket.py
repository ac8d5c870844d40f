"""The cart in the chat is the portal's cart; checkout is one screen, and one tap that counts once.

What was chosen at checkout is kept in the short memory. The button that orders carries a digest of
the goods and of the choices it was shown with: should either differ by then, it is asked again.
"""

import hashlib
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from aiogram import F, Router
from aiogram.filters import Command
from aiogram.types import CallbackQuery, Message

from bots.telegram.markup import bold, lines, sections
from bots.telegram.replies import Buttons, Reply, menu_of, reasons, sum_of
from bots.telegram.screens import Event, back, id_of, label, page_of, pager, parts_of, screen
from bots.telegram.steps import State, step
from bots.telegram.talk import Talk
from bots.telegram.told import listed, placed_screen
from dilo.kit.errors import Refusal
from dilo.kit.i18n import say
from dilo.kit.ids import uuid7, uuid_or_none
from dilo.orders import cart, cart_items, coupons, delivery
from dilo.orders.cart import Cart, CartLine
from dilo.orders.commands import TEXTS_MAX, Shortage
from dilo.orders.delivery import Choices, Delivery

SHORTAGES: tuple[Shortage, ...] = ("hold", "parts", "together", "leave_out")
LINES_A_PAGE = 8
router = Router(name="basket")


@router.message(Command("cart"))
@router.callback_query(F.data == "cart")
@router.callback_query(F.data.startswith("cl:"))
async def show(event: Event, talk: Talk) -> list[Reply]:
    talk.buyer.require("orders.edit")
    data = getattr(event, "data", None) or ""
    return await _cart(event, talk, page_of(data.partition(":")[2]))


async def _cart(event: Event, talk: Talk, number: int = 1, notice: str = "") -> list[Reply]:
    looked = await cart.look(talk.buyer)
    if not looked.lines:
        gone = await cart_items.may_undo(talk.buyer)
        undo = [(say("bot:button_undo"), "undo")] if gone else []
        return screen(event, say("bot:cart_empty"), [undo, *menu_of(talk)], notice=notice)
    pages = -(-len(looked.lines) // LINES_A_PAGE)
    first = (min(number, pages) - 1) * LINES_A_PAGE
    rows: Buttons = [
        [(label(f"✏️ {n.code}", n.name), f"p:{n.product_id}")]
        for n in looked.lines[first : first + LINES_A_PAGE]
    ]
    rows += [pager("cl", min(number, pages), pages), _next(looked)]
    if looked.coupon:
        rows.append([(say("bot:button_no_coupon", code=looked.coupon), "nocoupon")])
    else:
        rows.append([(say("bot:button_coupon"), "coupon")])
    rows.append([(say("bot:button_empty"), "empty"), *back("goods", say("bot:button_more_goods"))])
    return screen(event, _text(looked, talk), rows, notice=notice)


def _next(looked: Cart) -> list[tuple[str, str]]:
    if looked.changed:
        return [(say("bot:button_accept"), "accept")]
    if looked.problem or not looked.good:
        return []
    total = sum_of(looked.total, looked.currency)
    return [(say("bot:button_checkout", total=total), "checkout")]


def _text(looked: Cart, talk: Talk) -> str:
    rows = [(n.code, n.name, n.quantity, n.amount) for n in looked.lines]
    notes = [_note(n, looked.currency) for n in looked.lines if n.problem or n.was is not None]
    problem = looked.problem
    return sections(
        bold(say("bot:cart_head", count=len(looked.lines))),
        listed(rows, looked.total, looked.currency),
        lines(*notes),
        _coupon(looked),
        say(f"refusal:{problem.code}", **problem.figures) if problem else "",
        reasons(looked.verdicts, looked.currency, talk),
    )


def _coupon(looked: Cart) -> str:
    if looked.coupon is None:
        return ""
    if problem := looked.coupon_problem:
        return "⚠️ " + say(f"refusal:{problem.code}", **problem.figures)
    given = sum(line.list_amount - line.amount for line in looked.good)
    return say("bot:coupon", code=looked.coupon, given=sum_of(Decimal(given), looked.currency))


def _note(line: CartLine, currency: str) -> str:
    """What has changed since it was shown, or why it stays out of the order."""
    if line.problem:
        return say("bot:cart_problem", code=line.code, why=say(f"cart:{line.problem}"))
    was, now = sum_of(line.was, currency), sum_of(line.price, currency)  # type: ignore[arg-type]
    return say("bot:price_changed", code=line.code, was=was, price=now)


@router.callback_query(F.data == "accept")
async def accept(event: CallbackQuery, talk: Talk) -> list[Reply]:
    """The buyer agrees to the prices that have changed."""
    await cart.accept_prices(talk.buyer)
    return await _cart(event, talk)


@router.callback_query(F.data == "coupon")
async def coupon_ask(event: CallbackQuery, talk: Talk) -> list[Reply]:
    await talk.keep(step="coupon")
    return screen(event, say("bot:write_coupon"), [back("cart", say("bot:button_cart"))])


@step("coupon")
async def coupon(message: Message, talk: Talk, state: State) -> list[Reply] | None:
    """A code is one word with letters in it; anything else is talk or an order. A wrong one is
    refused, and the next word is tried again."""
    code = (message.text or "").strip()
    if len(code.split()) != 1 or not any(ch.isalpha() for ch in code):
        return None
    await coupons.apply_coupon(talk.buyer, code)
    await talk.forget()
    return await _cart(message, talk)


@router.callback_query(F.data == "nocoupon")
async def no_coupon(event: CallbackQuery, talk: Talk) -> list[Reply]:
    await coupons.remove_coupon(talk.buyer)
    return await _cart(event, talk)


@router.callback_query(F.data == "empty")
async def empty(event: CallbackQuery, talk: Talk) -> list[Reply]:
    await cart.empty(talk.buyer)
    return await _cart(event, talk, notice=say("bot:cart_empty"))


@router.callback_query(F.data == "undo")
async def undo(event: CallbackQuery, talk: Talk) -> list[Reply]:
    await cart_items.undo(talk.buyer)
    return await _cart(event, talk)


@dataclass(frozen=True, slots=True)
class Wishes:
    """What was chosen at checkout. ``deliver``: an address, ``pickup``; empty: by agreement."""

    deliver: str = ""
    warehouse: str = ""
    shortage: Shortage = "hold"
    reference: str = ""
    comment: str = ""

    @property
    def digest(self) -> str:
        parts = (self.deliver, self.warehouse, self.shortage, self.reference, self.comment)
        return hashlib.sha256(repr(parts).encode()).hexdigest()[:8]

    @property
    def delivery(self) -> Delivery:
        picked = self.deliver == "pickup"
        address = None if picked else uuid_or_none(self.deliver)
        return Delivery(
            method="pickup" if picked else "delivery" if address else None,
            address=address,
            warehouse=uuid_or_none(self.warehouse) if picked else None,
            reference=self.reference or None,
            shortage=self.shortage,
        )


async def _choices(talk: Talk) -> Choices:
    talk.buyer.require("orders.submit")
    return await delivery.choices(talk.buyer)


async def _wishes(talk: Talk, choices: Choices) -> Wishes:
    """As they stand; at first the company's usual address."""
    kept = (await talk.state() or {}).get("wishes")
    if isinstance(kept, dict):
        return Wishes(**kept)
    usual = next((one for one in choices.addresses if one.is_default), None)
    return Wishes(deliver=str(usual.id) if usual else "")


async def _wish(talk: Talk, wishes: Wishes, **changes: Any) -> None:
    made = {name: getattr(wishes, name) for name in Wishes.__slots__} | changes  # type: ignore[attr-defined]
    await talk.keep(step="checkout", wishes=made)


@router.callback_query(F.data == "checkout")
async def checkout(event: CallbackQuery, talk: Talk) -> list[Reply]:
    return await _checkout(event, talk)


async def _checkout(event: Event, talk: Talk, notice: str = "") -> list[Reply]:
    choices, looked = await _choices(talk), await cart.look(talk.buyer)
    if looked.problem or looked.changed or not looked.good:
        return await _cart(event, talk)
    wishes = await _wishes(talk, choices)
    text = sections(
        bold(say("bot:checkout_head", total=sum_of(looked.total, looked.currency))),
        lines(
            say("bot:checkout_deliver", where=_where(wishes, choices)),
            say("bot:checkout_shortage", how=say(f"shortage:{wishes.shortage}")),
            say("bot:checkout_reference", text=wishes.reference) if wishes.reference else "",
            say("bot:checkout_comment", text=wishes.comment) if wishes.comment else "",
        ),
        reasons(looked.verdicts, looked.currency, talk),
    )
    order = f"order:{uuid7().hex[-12:]}:{looked.digest[:16]}:{wishes.digest}"
    rows = [
        [(say("bot:button_order"), order)],
        [(say("bot:button_deliver"), "cd"), (say("bot:button_shortage"), "cs")],
        [(say("bot:button_comment"), "cw:comment"), (say("bot:button_reference"), "cw:reference")],
        back("cart", say("bot:button_cart")),
    ]
    return screen(event, text, rows, notice=notice)


def _where(wishes: Wishes, choices: Choices) -> str:
    if wishes.deliver == "pickup":
        names = {str(one["id"]): one["name"] for one in choices.warehouses}
        return say("bot:pick_up", where=names.get(wishes.warehouse, ""))
    found = next((one for one in choices.addresses if str(one.id) == wishes.deliver), None)
    return f"{found.label}: {found.line}" if found else say("bot:by_agreement")


@router.callback_query(F.data == "cd")
async def deliver_ask(event: CallbackQuery, talk: Talk) -> list[Reply]:
    choices = await _choices(talk)
    rows: Buttons = [
        [(label(f"🚚 {a.label}", a.line), f"ca:{a.id}")] for a in choices.addresses[:20]
    ]
    rows += [
        [(label(f"🏬 {say('bot:pick_up_at')}", w["name"]), f"cp:{w['id']}")]
        for w in choices.warehouses[:10]
    ]
    rows.append([(say("bot:by_agreement"), "ca:0")])
    return screen(event, say("bot:deliver_where"), [*rows, back("checkout")])


@router.callback_query(F.data.startswith("ca:"))
async def deliver_to(event: CallbackQuery, talk: Talk) -> list[Reply]:
    """Whose address it is, is checked again when it is ordered."""
    choices = await _choices(talk)
    asked = parts_of(event)[0]
    chosen = "" if asked == "0" else str(id_of(asked))
    if chosen and chosen not in {str(one.id) for one in choices.addresses}:
        raise Refusal("UNREADABLE")
    await _wish(talk, await _wishes(talk, choices), deliver=chosen, warehouse="")
    return await _checkout(event, talk)


@router.callback_query(F.data.startswith("cp:"))
async def pick_up(event: CallbackQuery, talk: Talk) -> list[Reply]:
    choices = await _choices(talk)
    chosen = str(id_of(parts_of(event)[0]))
    if chosen not in {str(one["id"]) for one in choices.warehouses}:
        raise Refusal("UNREADABLE")
    await _wish(talk, await _wishes(talk, choices), deliver="pickup", warehouse=chosen)
    return await _checkout(event, talk)


@router.callback_query(F.data == "cs")
async def shortage_ask(event: CallbackQuery, talk: Talk) -> list[Reply]:
    talk.buyer.require("orders.submit")
    looked = await cart.look(talk.buyer)
    offered = [one for one in SHORTAGES if looked.back_orders or one in ("hold", "leave_out")]
    rows: Buttons = [[(say(f"shortage:{one}"), f"cs:{one}")] for one in offered]
    return screen(event, say("bot:shortage_how"), [*rows, back("checkout")])


@router.callback_query(F.data.startswith("cs:"))
async def shortage_set(event: CallbackQuery, talk: Talk) -> list[Reply]:
    chosen = parts_of(event)[0]
    if chosen not in SHORTAGES:
        raise Refusal("UNREADABLE")
    await _wish(talk, await _wishes(talk, await _choices(talk)), shortage=chosen)
    return await _checkout(event, talk)


@router.callback_query(F.data.in_({"cw:comment", "cw:reference"}))
async def words_ask(event: CallbackQuery, talk: Talk) -> list[Reply]:
    what = parts_of(event)[0]
    await _wish(talk, await _wishes(talk, await _choices(talk)))
    await talk.keep(**(await talk.state() or {}), waits=what)
    return screen(event, say(f"bot:write_{what}"), [back("checkout")])


@step("checkout")
async def words(message: Message, talk: Talk, state: State) -> list[Reply] | None:
    """The comment or the number of his own that was asked for."""
    what = state.get("waits")
    if what not in ("comment", "reference"):
        return None
    text = (message.text or "").strip()[: TEXTS_MAX[what]]
    await _wish(talk, Wishes(**state["wishes"]), **{what: text})
    return await _checkout(message, talk)


@router.callback_query(F.data.startswith("order:"))
async def order(event: CallbackQuery, talk: Talk) -> list[Reply]:
    """One key a screen: however often it is tapped, one order."""
    nonce, digest, chosen = parts_of(event, 3)[:3]
    key = f"telegram:{talk.buyer.id}:{talk.chat}:{nonce}"
    if (placed := await cart.ordered_before(talk.buyer, key)) is None:
        choices, looked = await _choices(talk), await cart.look(talk.buyer)
        wishes = await _wishes(talk, choices)
        if looked.digest[:16] != digest or wishes.digest != chosen:
            return await _checkout(event, talk, notice=say("bot:look_again"))
        placed = await cart.check_out(
            talk.buyer,
            key,
            "telegram",
            wishes.comment or None,
            digest=looked.digest,
            delivery=wishes.delivery,
        )
        await talk.forget()
    text, rows = await placed_screen(talk, placed)
    return screen(event, text, rows)

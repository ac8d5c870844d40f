"""An order by words: what is sure becomes a draft, what is not is asked line by line with buttons.

Where the questions stand is kept in the short memory. Lost, it costs a question: the draft itself
is the house's, under "my orders".
"""

from decimal import Decimal
from typing import Any
from uuid import UUID

from aiogram import F, Router
from aiogram.types import CallbackQuery, Message

from bots import answers
from bots.answers import DraftTold
from bots.telegram.account import asker_of
from bots.telegram.markup import bold, lines, sections
from bots.telegram.replies import Buttons, Reply, menu_of
from bots.telegram.screens import Event, label, parts_of, quantity_of, screen
from bots.telegram.steps import State, step
from bots.telegram.talk import Talk
from bots.telegram.told import draft_buttons, draft_text, order_lines
from dilo.kit.errors import Refusal
from dilo.kit.i18n import say, shown
from dilo.orders.commands import LineInput
from dilo.orders.spoken.matching import QUANTITY, SIMILAR, UNIT, WHICH, Asked
from dilo.orders.spoken.words import METRE, UNITS

OPEN = {"group": "open"}
OFTEN, OFTEN_MUCH = (1, 2, 5, 10, 20), (50, 100, 200, 500, 1000)
router = Router(name="lines")


async def draft(event: Event, talk: Talk, said: str) -> list[Reply]:
    """The first answer to lines of text."""
    return await show_draft(event, talk, await answers.draft(asker_of(talk), said))


async def show_draft(event: Event, talk: Talk, told: DraftTold) -> list[Reply]:
    if not told.asked:
        return await _whole(event, talk, told)
    state: State = {
        "step": "lines",
        "nonce": talk.key.rpartition(":")[2][-6:],
        "order": str(told.order.head.id) if told.order else "",
        "version": told.order.head.version if told.order else 0,
        "asked": [_kept(one) for one in told.asked],
        "unknown": told.unknown,
        "at": 0,
        "product": "",
    }
    _begin(state)
    await talk.keep(**state)
    return screen(event, sections(draft_text(told), _question(state, talk)), _choices(state, talk))


async def waiting(event: Event, talk: Talk) -> list[Reply]:
    """A yes or a no in words: the draft it may be about, with its two buttons."""
    order = await answers.waiting(asker_of(talk))
    if order is None:
        return screen(event, say("bot:nothing_waits"), menu_of(talk))
    return screen(event, draft_text(DraftTold(order, [], [])), draft_buttons(order))


async def _whole(event: Event, talk: Talk, told: DraftTold) -> list[Reply]:
    """Nothing to ask: the draft and its two buttons, or that nothing was understood."""
    if told.unknown and talk.kind == "private":
        await talk.keep(step="lines", asked=[], unknown=told.unknown, at=0, nonce="")
    search = [(say("bot:button_find"), "find:0")] if told.unknown and talk.kind == "private" else []
    if told.order is None:
        text = draft_text(told) or say("bot:nothing_read")
        hint = say("bot:order_hint")
        return screen(event, sections(text, hint), [search, *menu_of(talk)])
    return screen(event, draft_text(told), [*draft_buttons(told.order), search])


def _kept(one: Asked) -> dict[str, Any]:
    clear = one.quantity if one.why in (WHICH, SIMILAR) else None
    return {
        "text": one.text,
        "why": one.why,
        "quantity": str(clear) if clear is not None else "",
        "options": [[item.id, item.code, item.name, item.unit] for item in one.options],
    }


def _begin(state: State) -> None:
    """The question at hand begins: where the article is clear only the quantity is asked."""
    state["product"] = ""
    if state["at"] < len(state["asked"]):
        one = state["asked"][state["at"]]
        if one["why"] in (QUANTITY, UNIT) and len(one["options"]) == 1:
            state["product"] = one["options"][0][0]


def _option(state: State) -> list[str]:
    one = state["asked"][state["at"]]
    return next(option for option in one["options"] if option[0] == state["product"])


def _question(state: State, talk: Talk) -> str:
    """In a group by the name of who is asked: only his tap counts."""
    one = state["asked"][state["at"]]
    head = bold(
        say("bot:asked_head", n=state["at"] + 1, count=len(state["asked"]), text=one["text"])
    )
    if talk.kind == "group":
        head = lines(talk.buyer.name, head)
    if state["product"]:
        _, code, name, unit = _option(state)
        return lines(head, say("bot:asked_quantity", code=code, name=name, unit=unit))
    return lines(head, say(f"bot:asked_{one['why']}"))


def _choices(state: State, talk: Talk) -> Buttons:
    """A number is typed in private only: what is said in a group the bot does not hear."""
    one, target = state["asked"][state["at"]], f"{state['nonce']}:{state['at']}"
    skip = (say("bot:button_skip"), f"ln:{target}:s")
    if state["product"]:
        often, much = (
            [(shown(Decimal(n)), f"lq:{target}:{n}") for n in some] for some in (OFTEN, OFTEN_MUCH)
        )
        if talk.kind == "group":
            return [often, much, [skip]]
        metres = UNITS.get(_option(state)[3].lower().rstrip(".")) == METRE
        typed = (say("bot:button_type"), f"ln:{target}:t")
        return [much if metres else often, [typed, skip]]
    options = [
        [(label(code, name), f"ln:{target}:{n}")]
        for n, (_, code, name, _) in enumerate(one["options"])
    ]
    return [*options, [skip]]


@router.callback_query(F.data.startswith("ln:"), flags=OPEN)
async def chosen(event: CallbackQuery, talk: Talk) -> list[Reply]:
    """One of the options, or that none is wanted."""
    nonce, at, what = (*parts_of(event, 3), "", "", "")[:3]
    state = await _state(talk, nonce, at)
    if state is None:
        return await _behind(event, talk)
    if what == "t":
        await talk.keep(**state)
        return [Reply(say("bot:type_quantity"), callback_id=event.id)]
    if what == "s":
        return await _next(event, talk, state)
    options = state["asked"][state["at"]]["options"]
    if not what.isdigit() or int(what) >= len(options):
        raise Refusal("UNREADABLE")
    state["product"] = options[int(what)][0]
    quantity = state["asked"][state["at"]]["quantity"]
    if quantity:
        return await _added(event, talk, state, Decimal(quantity))
    await talk.keep(**state)
    return await _shown(event, talk, state)


@router.callback_query(F.data.startswith("lq:"), flags=OPEN)
async def amount(event: CallbackQuery, talk: Talk) -> list[Reply]:
    nonce, at, number = (*parts_of(event, 3), "", "", "")[:3]
    state = await _state(talk, nonce, at)
    if state is None or not state["product"]:
        return await _behind(event, talk)
    quantity = quantity_of(number)
    if quantity is None:
        raise Refusal("UNREADABLE")
    return await _added(event, talk, state, quantity)


@step("lines")
async def typed(message: Message, talk: Talk, state: State) -> list[Reply] | None:
    """A number answers the question of how many; anything else is said anew."""
    quantity = quantity_of(message.text or "")
    if quantity is None or not state.get("product"):
        return None
    return await _added(message, talk, state, quantity)


async def _state(talk: Talk, nonce: str, at: str) -> State | None:
    """Where the questions stand, if this tap is about the one at hand."""
    state = await talk.state()
    if state is None or state.get("step") != "lines" or state.get("nonce") != nonce:
        return None
    return state if str(state["at"]) == at and state["at"] < len(state["asked"]) else None


async def _behind(event: CallbackQuery, talk: Talk) -> list[Reply]:
    """An older question, a memory that was lost, or in a group a question to somebody else."""
    key = "bot:asked_behind" if talk.kind == "private" else "bot:asked_another"
    return [Reply(say(key), callback_id=event.id, alert=True)]


async def _added(event: Event, talk: Talk, state: State, quantity: Decimal) -> list[Reply]:
    order_id = UUID(state["order"]) if state["order"] else None
    line = LineInput(state["product"], quantity)
    order = await answers.picked(asker_of(talk), order_id, state["version"], line)
    state |= {"order": str(order.head.id), "version": order.head.version}
    return await _next(event, talk, state)


async def _next(event: Event, talk: Talk, state: State) -> list[Reply]:
    state["at"] += 1
    _begin(state)
    await talk.keep(**state)
    return await _shown(event, talk, state)


async def _shown(event: Event, talk: Talk, state: State) -> list[Reply]:
    """The draft so far and the question at hand; after the last one, the draft to confirm."""
    order = None
    if state["order"]:
        order = await answers.own_order(asker_of(talk), UUID(state["order"]))
    if state["at"] < len(state["asked"]):
        so_far = order_lines(order) if order else ""
        return screen(event, sections(so_far, _question(state, talk)), _choices(state, talk))
    return await _whole(event, talk, DraftTold(order, [], state["unknown"]))

"""Something is wrong with the goods: which line, how many, why, photographs, what is wished.

The steps are kept in the short memory; the claim is made at the last one and at once. Photographs
are fetched from Telegram afterwards and attached: it may be slow, the client need not wait.
"""

from decimal import Decimal
from typing import Any
from uuid import UUID

from aiogram import F, Router
from aiogram.filters import Command
from aiogram.types import CallbackQuery, Message

from bots import answers
from bots.telegram.account import asker_of
from bots.telegram.markup import bold, lines
from bots.telegram.replies import Buttons, Reply
from bots.telegram.screens import (
    Event,
    back,
    id_of,
    label,
    page_of,
    pager,
    parts_of,
    quantity_of,
    screen,
)
from bots.telegram.steps import State, step
from bots.telegram.talk import Talk
from bots.telegram.told import to_menu
from dilo.claims import actions, queries
from dilo.claims.actions import ClaimRequest
from dilo.claims.queries import Claim, Claimable
from dilo.claims.rules import FLOW, REASONS, WISHES
from dilo.conversations import threads
from dilo.kit import outbox
from dilo.kit.errors import NotFound, Refusal
from dilo.kit.i18n import language, say, shown
from dilo.kit.images import BYTES_MAX
from dilo.kit.paging import Paging
from dilo.orders.commands import LineAsked

PHOTOS_MAX, TEXT_MAX, SHOWN = 6, 2000, 8
PHOTOS_EVENT = "chat_photos"
router = Router(name="claims")


@router.message(Command("claims"))
@router.callback_query(F.data.startswith("cll:"))
async def index(event: Event, talk: Talk) -> list[Reply]:
    """Own claims and how they stand."""
    talk.buyer.require("orders.read")
    number = page_of((getattr(event, "data", None) or "").partition(":")[2])
    page = await queries.claims(Paging(number, SHOWN), party_id=talk.company)
    rows: Buttons = [
        [(label(c.number, say(f"state:{c.state}"), say(f"claim_reason:{c.reason}")), f"c:{c.id}")]
        for c in page.rows
    ]
    text = say("bot:claims_head", count=page.total) if page.rows else say("bot:no_claims")
    return screen(event, text, [*rows, pager("cll", number, page.pages), to_menu()])


@router.callback_query(F.data.startswith("c:"))
async def show(event: CallbackQuery, talk: Talk) -> list[Reply]:
    found = await queries.case(id_of(parts_of(event)[0]), talk.buyer)
    head = found.head
    goods = [
        say("bot:claim_line", code=n.code, name=n.name, quantity=n.quantity) for n in found.lines
    ]
    text = lines(
        bold(say("bot:claim_head", number=head.number, state=say(f"state:{head.state}"))),
        say("bot:claim_of", order=head.order_number, reason=say(f"claim_reason:{head.reason}")),
        *goods,
        head.text,
        say("bot:claim_files", count=len(found.files)) if found.files else "",
        say("bot:claim_answer", text=head.answer) if head.answer else "",
    )
    more = [(say("bot:button_more_photos"), f"cp+:{head.id}")] if head.state in FLOW else []
    return screen(event, text, [more, back("cll:1")])


@router.callback_query(F.data.startswith("cn:"))
async def new(event: CallbackQuery, talk: Talk) -> list[Reply]:
    """Which of the shipped lines."""
    talk.buyer.require("orders.edit")
    order_id = id_of(parts_of(event)[0])
    await answers.own_order(asker_of(talk), order_id)
    left = await _claimable(order_id)
    if not left:
        return screen(event, say("bot:claim_nothing"), [back(f"o:{order_id}")])
    await talk.keep(step="claim", order=str(order_id), photos=[], text="")
    rows = [[(label(n.code, n.name, shown(n.left_quantity)), f"cnl:{n.id}")] for n in left[:20]]
    return screen(event, say("bot:claim_which"), [*rows, back(f"o:{order_id}")])


async def _claimable(order_id: UUID) -> list[Claimable]:
    return [line for line in await queries.claimable(order_id) if line.left_quantity > 0]


async def _state(talk: Talk, *needs: str) -> State | None:
    state = await talk.state() or {}
    ready = state.get("step") == "claim" and all(state.get(name) for name in ("order", *needs))
    return state if ready else None


def _lost(event: Event) -> list[Reply]:
    return screen(event, say("bot:claim_again"), [back("orders", say("bot:button_orders"))])


@router.callback_query(F.data.startswith("cnl:"))
async def line_chosen(event: CallbackQuery, talk: Talk) -> list[Reply]:
    state = await _state(talk)
    if state is None:
        return _lost(event)
    line = await _line(state, id_of(parts_of(event)[0]))
    await talk.keep(**(state | {"line": str(line.id), "waits": "quantity"}))
    often = [Decimal(n) for n in (1, 2, 5) if n < line.left_quantity]
    row = [(shown(n), f"cnq:{n}") for n in often]
    row.append((say("bot:claim_all", quantity=line.left_quantity), f"cnq:{line.left_quantity:f}"))
    text = say("bot:claim_how_many", code=line.code, name=line.name)
    return screen(event, text, [row, back(f"cn:{state['order']}")])


async def _line(state: State, line_id: UUID) -> Claimable:
    """Of this order and still open to a claim. Raises NOT_FOUND."""
    for one in await _claimable(UUID(state["order"])):
        if one.id == line_id:
            return one
    raise NotFound


@router.callback_query(F.data.startswith("cnq:"))
async def quantity_chosen(event: CallbackQuery, talk: Talk) -> list[Reply]:
    return await _quantity(event, talk, parts_of(event)[0])


async def _quantity(event: Event, talk: Talk, text: str) -> list[Reply]:
    state, quantity = await _state(talk, "line"), quantity_of(text)
    if state is None:
        return _lost(event)
    line = await _line(state, UUID(state["line"]))
    if quantity is None or quantity > line.left_quantity:
        raise Refusal("QUANTITY_TOO_MUCH", code=line.code, left_quantity=line.left_quantity)
    await talk.keep(**(state | {"quantity": str(quantity), "waits": ""}))
    rows = [[(say(f"claim_reason:{one}"), f"cnr:{one}")] for one in REASONS]
    return screen(event, say("bot:claim_why"), [*rows, back(f"cnl:{line.id}")])


@router.callback_query(F.data.startswith("cnr:"))
async def reason_chosen(event: CallbackQuery, talk: Talk) -> list[Reply]:
    state, reason = await _state(talk, "line", "quantity"), parts_of(event)[0]
    if state is None:
        return _lost(event)
    if reason not in REASONS:
        raise Refusal("UNREADABLE")
    await talk.keep(**(state | {"reason": reason}))
    rows = [[(say(f"claim_wish:{one}"), f"cnw:{one}")] for one in WISHES]
    return screen(event, say("bot:claim_wish"), rows)


@router.callback_query(F.data.startswith("cnw:"))
async def wish_chosen(event: CallbackQuery, talk: Talk) -> list[Reply]:
    state, wish = await _state(talk, "line", "quantity", "reason"), parts_of(event)[0]
    if state is None:
        return _lost(event)
    if wish not in WISHES:
        raise Refusal("UNREADABLE")
    state |= {"wish": wish, "waits": "photos", "nonce": talk.key.rpartition(":")[2]}
    await talk.keep(**state)
    return screen(event, say("bot:claim_photos"), _send_row(state))


def _send_row(state: State) -> Buttons:
    return [[(say("bot:button_send_claim"), f"cns:{state['nonce']}")]]


@router.message(F.photo | F.document.mime_type.startswith("image/"))
async def photo(message: Message, talk: Talk) -> list[Reply]:
    """A photograph belongs to the claim under way, else it is not understood."""
    given = message.photo[-1] if message.photo else message.document
    assert given is not None
    if (given.file_size or 0) > BYTES_MAX:
        raise Refusal("IMAGE_TOO_LARGE", megabytes=BYTES_MAX // 1048576)
    if (made := await talk.state() or {}).get("step") == "claimed":
        return await _one_more(talk, made, given.file_id)
    state = await _state(talk, "wish")
    if state is None:
        return [Reply(say("bot:photo_why"), [to_menu()])]
    photos = [*state["photos"], given.file_id][:PHOTOS_MAX]
    text = state["text"] or (message.caption or "")[:TEXT_MAX]
    state |= {"photos": photos, "text": text}
    await talk.keep(**state)
    said = say("bot:claim_photo_kept", count=len(photos), most=PHOTOS_MAX)
    return [Reply(said, _send_row(state))]


async def _one_more(talk: Talk, made: State, file_id: str) -> list[Reply]:
    """For a claim that is made already."""
    claim = await queries.claim(UUID(made["claim"]), talk.buyer)
    await talk.keep(**made)
    await _fetch_later(talk, claim, [file_id])
    return [Reply(say("bot:claim_photo_later", number=claim.number))]


@router.callback_query(F.data.startswith("cp+:"))
async def more_photos(event: CallbackQuery, talk: Talk) -> list[Reply]:
    talk.buyer.require("orders.edit")
    claim = await queries.claim(id_of(parts_of(event)[0]), talk.buyer)
    await talk.keep(step="claimed", claim=str(claim.id))
    return [
        Reply(say("bot:claim_photo_more", number=claim.number)),
        Reply("", callback_id=event.id),
    ]


@step("claim")
async def words(message: Message, talk: Talk, state: State) -> list[Reply] | None:
    """How many, or what happened in words."""
    if state.get("waits") == "quantity" and quantity_of(message.text or ""):
        return await _quantity(message, talk, message.text or "")
    if state.get("waits") != "photos":
        return None
    state["text"] = "\n".join(p for p in (state["text"], message.text or "") if p)[:TEXT_MAX]
    await talk.keep(**state)
    return [Reply(say("bot:claim_text_kept"), _send_row(state))]


@router.callback_query(F.data.startswith("cns:"))
async def send(event: CallbackQuery, talk: Talk) -> list[Reply]:
    """The nonce of the dialogue is the key: two taps are one claim."""
    nonce = parts_of(event)[0][:20]
    state = await _state(talk, "line", "quantity", "reason", "wish")
    if state is None or state.get("nonce") != nonce:
        return [Reply(say("bot:claim_sent_before"), callback_id=event.id, alert=True)]
    asked = ClaimRequest(
        order_id=UUID(state["order"]),
        lines=[LineAsked(UUID(state["line"]), Decimal(state["quantity"]))],
        reason=state["reason"],
        wanted=state["wish"],
        door="telegram",
        key=f"telegram:{talk.bot.id}:{talk.chat}:{nonce}",
        text=state["text"],
    )
    claim_id = await actions.request_claim(talk.buyer, asked)
    found = await queries.claim(claim_id, talk.buyer)
    await _fetch_later(talk, found, state["photos"])
    await talk.keep(step="claimed", claim=str(claim_id))
    await threads.note_made(
        "telegram", str(talk.chat), "claim", claim_id, found.number, talk.buyer.name
    )
    text = say("bot:claim_sent", number=found.number)
    return screen(event, text, [[(say("bot:button_claim_show"), f"c:{claim_id}")], to_menu()])


async def _fetch_later(talk: Talk, claim: Claim, photos: list[Any]) -> None:
    for n, file_id in enumerate(photos, 1):
        await outbox.tell(
            PHOTOS_EVENT,
            claim_id=str(claim.id),
            number=claim.number,
            chat=str(talk.chat),
            language=language(),
            party_id=str(talk.company),
            bot_id=str(talk.bot.id),
            file_id=str(file_id),
            name=f"photo-{n}.jpg",
            by_id=str(talk.buyer.id) if talk.buyer.id else "",
            by=talk.buyer.name,
        )

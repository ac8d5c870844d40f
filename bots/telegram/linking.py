"""Who is this chat: codes, a shared phone, the company one acts for, goodbye."""

import re

import phonenumbers
from aiogram import F, Router
from aiogram.filters import Command, CommandObject, CommandStart
from aiogram.types import CallbackQuery, Message

from bots.telegram import signing
from bots.telegram.replies import Buttons, Reply, menu_of
from bots.telegram.screens import Event, screen
from bots.telegram.talk import Talk, edited, target_of
from dilo.kit.errors import Refusal
from dilo.kit.i18n import say
from dilo.messaging.actions import move_address
from dilo.parties import chats, linking
from dilo.parties.linking import Asks, Here, Stranger
from dilo.people import chats as colleagues
from tenants.scope import current_tenant

DIGITS = re.compile(r"\s*(\d{4})[\s-]?(\d{4})\s*")
OPEN = {"group": "open"}
router = Router(name="linking")


async def is_stranger(message: Message, talk: Talk) -> bool:
    return talk.actor is None and talk.staff is None


def here_of(talk: Talk) -> Here:
    return Here(str(talk.chat), talk.name, talk.kind == "group")


@router.message(CommandStart(), flags=OPEN)
async def start(message: Message, command: CommandObject, talk: Talk) -> list[Reply]:
    code = (command.args or "").strip()
    if code.startswith(colleagues.PREFIX) and talk.kind == "private":
        return await _colleague(code, talk)
    if code.startswith(signing.PREFIX) and talk.kind == "private":
        return await signing.asked(talk, code.removeprefix(signing.PREFIX))
    if code:
        return await _by_code(code, talk)
    if talk.kind == "group":
        return [Reply(say("bot:group_help", bot=talk.bot.username or ""))]
    if talk.actor is None and talk.staff is None:
        return _welcome()
    return [Reply(say("bot:help"), menu_of(talk))]


@router.message(Command("link"), flags=OPEN)
async def link(message: Message, command: CommandObject, talk: Talk) -> list[Reply]:
    return await _by_code(_digits(command.args or "") or (command.args or "").strip(), talk)


@router.message(F.text.regexp(DIGITS.pattern + "$"), is_stranger)
async def digits(message: Message, talk: Talk) -> list[Reply]:
    return await _by_code(_digits(message.text or ""), talk)


def _digits(text: str) -> str:
    found = DIGITS.fullmatch(text)
    return found[1] + found[2] if found else ""


def _welcome() -> list[Reply]:
    text = say("bot:stranger", tenant=current_tenant().name)
    return [Reply(text, request_contact=say("bot:button_share"))]


async def _by_code(code: str, talk: Talk) -> list[Reply]:
    told = await linking.link_by_code(code, here_of(talk))
    if isinstance(told, Asks):
        return _asked(told, talk)
    tenant = current_tenant().name
    if talk.kind == "group":
        return [Reply(say("bot:group_linked", tenant=tenant))]
    return [
        Reply(say("bot:linked", tenant=tenant), remove_keyboard=True),
        Reply(say("bot:what_next"), menu_of(talk)),
    ]


def _asked(asks: Asks, talk: Talk) -> list[Reply]:
    """The chat connected before decides; in this one, when it is somebody else's still."""
    yes, no = f"lnk:{asks.request_id}:1", f"lnk:{asks.request_id}:0"
    buttons: Buttons = [[(say("bot:button_yes"), yes), (say("bot:button_no"), no)]]
    if asks.chat == str(talk.chat):
        return [Reply(say("bot:ask_here", owner=asks.owner, who=asks.who), buttons)]
    return [
        Reply(say("bot:ask_there", name=talk.name), buttons, chat=asks.chat),
        Reply(say("bot:ask_waits")),
    ]


@router.callback_query(F.data.startswith("lnk:"))
async def answer(event: CallbackQuery, talk: Talk) -> list[Reply]:
    request_id, agrees = target_of(event.data)
    waiting = await linking.answer_request(request_id, str(talk.chat), agrees == 1)
    key = "bot:link_agreed" if agrees == 1 else "bot:link_refused"
    told = [Reply(say(key), edit=edited(event)), Reply("", callback_id=event.id)]
    if agrees == 1 and waiting != str(talk.chat):
        text = say("bot:linked", tenant=current_tenant().name)
        told.append(Reply(text, menu_of(talk), chat=waiting))
    return told


async def _colleague(code: str, talk: Talk) -> list[Reply]:
    try:
        before = await colleagues.link_chat(code, str(talk.chat))
    except Refusal:
        raise Stranger("link_code", "colleague") from None
    told = [Reply(say("bot:colleague", tenant=current_tenant().name), remove_keyboard=True)]
    if before and before != str(talk.chat):
        told.append(Reply(say("bot:moved_away", name=talk.name), chat=before))
    return told


@router.message(F.contact)
async def contact(message: Message, talk: Talk) -> list[Reply]:
    """Telegram vouches for one's own contact only: a forwarded one has another's number on it."""
    shared = message.contact
    if shared is None or shared.user_id != talk.person:
        raise Stranger("link_phone", "anothers_contact")
    names = await linking.link_by_phone(_international(shared.phone_number), here_of(talk))
    tenant = current_tenant().name
    told = [Reply(say("bot:linked", tenant=tenant), remove_keyboard=True)]
    if len(names) == 1:
        return [*told, Reply(say("bot:what_next"), menu_of(talk))]
    seats = await chats.seats_in([str(talk.chat)])
    return [*told, _choice(seats)]


def _international(phone: str) -> str:
    try:
        read = phonenumbers.parse("+" + phone.lstrip("+"))
    except phonenumbers.NumberParseException:
        raise Stranger("link_phone", "unreadable") from None
    return phonenumbers.format_number(read, phonenumbers.PhoneNumberFormat.E164)


@router.message(Command("company"))
@router.callback_query(F.data == "companies")
async def companies(event: Message | CallbackQuery, talk: Talk) -> list[Reply]:
    if not talk.seats:
        raise Refusal("CHAT_NOT_LINKED")
    return [_choice(list(talk.seats))]


def _choice(seats: list[chats.Seat]) -> Reply:
    rows = [[(seat.party_name, f"co:{seat.party_id}")] for seat in seats if not seat.is_group]
    return Reply(say("bot:which_company"), rows)


@router.callback_query(F.data.startswith("co:"))
async def company(event: CallbackQuery, talk: Talk) -> list[Reply]:
    party_id, _ = target_of(event.data)
    chosen = next((seat for seat in talk.seats if seat.party_id == party_id), None)
    if chosen is None:
        raise Stranger("foreign_button", "company")
    await chats.choose_company(str(talk.chat), party_id)
    text = say("bot:company_chosen", name=chosen.party_name)
    return [Reply(text, menu_of(talk), edit=edited(event)), Reply("", callback_id=event.id)]


@router.message(Command("unlink"), flags=OPEN)
async def unlink(message: Message, talk: Talk) -> list[Reply]:
    _may_unlink(talk)
    row = [(say("bot:button_unlink"), "unl:1"), (say("bot:button_keep"), "unl:0")]
    return [Reply(say("bot:unlink_sure"), [row])]


@router.callback_query(F.data.in_({"unl:1", "unl:0"}), flags=OPEN)
async def unlink_answer(event: CallbackQuery, talk: Talk) -> list[Reply]:
    sure = event.data == "unl:1"
    if sure:
        _may_unlink(talk)
        await chats.unlink_chat(talk.name, str(talk.chat))
        if talk.staff is not None and talk.kind == "private":
            await colleagues.unlink(talk.staff)
    text = say("bot:unlinked" if sure else "bot:kept")
    return [Reply(text, edit=edited(event)), Reply("", callback_id=event.id)]


def _may_unlink(talk: Talk) -> None:
    """His own chat; a group is the company admin's."""
    if talk.kind == "private":
        if not talk.seats and talk.staff is None:
            raise Refusal("CHAT_NOT_LINKED")
        return
    talk.buyer.require("company.edit")


@router.message(Command("stop"), flags=OPEN)
async def stop(message: Message, talk: Talk) -> list[Reply]:
    if talk.kind == "group":
        _may_unlink(talk)
    await chats.stop_warnings(str(talk.chat))
    return [Reply(say("bot:stopped"), [[(say("bot:button_resume"), "resume")]])]


@router.message(Command("resume"), flags=OPEN)
@router.callback_query(F.data == "resume", flags=OPEN)
async def resume(event: Event, talk: Talk) -> list[Reply]:
    if talk.kind == "group":
        _may_unlink(talk)
    await chats.resume_warnings(str(talk.chat))
    return screen(event, say("bot:resumed"), menu_of(talk))


@router.message(Command("help", "menu"), flags=OPEN)
@router.callback_query(F.data == "menu")
async def help_(event: Event, talk: Talk) -> list[Reply]:
    """Also the way out of a dialogue of several steps."""
    await talk.forget()
    if talk.kind == "group":
        return [Reply(say("bot:group_help", bot=talk.bot.username or ""))]
    return screen(event, say("bot:help"), menu_of(talk))


@router.message(F.migrate_to_chat_id, flags=OPEN)
async def moved(message: Message, talk: Talk) -> list[Reply]:
    """A group that became a supergroup has another number from now on."""
    await move_address("telegram", str(talk.chat), str(message.migrate_to_chat_id))
    return []

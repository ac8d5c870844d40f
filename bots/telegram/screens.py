"""A screen is one message: a tap changes it in place, a command or a text makes a new one."""

from collections.abc import Sequence
from decimal import Decimal, InvalidOperation
from uuid import UUID

from aiogram.types import CallbackQuery, Message

from bots.telegram.replies import Attachment, Buttons, Reply
from dilo.kit.errors import Refusal
from dilo.kit.i18n import say
from dilo.kit.ids import uuid_or_none
from dilo.kit.web import plain_decimal
from dilo.orders.commands import QUANTITY_MAX

Event = Message | CallbackQuery
LABEL_MAX = 60


def screen(
    event: Event,
    text: str,
    buttons: Sequence[Sequence[tuple[str, str]]] = (),
    *,
    photo: Attachment | None = None,
    notice: str = "",
) -> list[Reply]:
    """``photo``: the screen is a picture with this text under it. ``notice`` passes by."""
    rows: Buttons = [list(row) for row in buttons if row]
    photos = (photo,) if photo else ()
    if not isinstance(event, CallbackQuery):
        return [Reply(text, rows, photos=photos)]
    answered = Reply(notice, callback_id=event.id)
    number = event.message.message_id if event.message else None
    pictured = bool(getattr(event.message, "photo", None))
    document = bool(getattr(event.message, "document", None))
    if number is None or document:
        return [Reply(text, rows, photos=photos), answered]
    if photo or pictured:
        return [Reply(text, rows, photos=photos, edit=number, edit_as="replace"), answered]
    return [Reply(text, rows, edit=number), answered]


def recaptioned(event: CallbackQuery, text: str, buttons: Buttons, notice: str = "") -> list[Reply]:
    """The same screen with other figures: a picture keeps its picture."""
    if event.message is None or not getattr(event.message, "photo", None):
        return screen(event, text, buttons, notice=notice)
    number = event.message.message_id
    told = Reply(text, buttons, edit=number, edit_as="caption")
    return [told, Reply(notice, callback_id=event.id)]


def parts_of(event: Event, least: int = 1) -> list[str]:
    """What a button carries after its name; edited by hand it is unreadable, not our fault."""
    found = str(getattr(event, "data", None) or "").split(":")[1:]
    if len(found) < least:
        raise Refusal("UNREADABLE")
    return found


def page_of(text: str) -> int:
    return max(1, min(int(text), 500)) if text.isdigit() and len(text) < 4 else 1


def pager(prefix: str, number: int, pages: int) -> list[tuple[str, str]]:
    """Earlier, where we are, later; nothing where one page is all."""
    if pages < 2:
        return []
    earlier, later = max(1, number - 1), min(pages, number + 1)
    return [
        ("‹", f"{prefix}:{earlier}"),
        (f"{number}/{pages}", f"{prefix}:{number}"),
        ("›", f"{prefix}:{later}"),
    ]


def back(to: str, words: str = "") -> list[tuple[str, str]]:
    return [(words or say("bot:button_back"), to)]


def label(*parts: str) -> str:
    return " · ".join(part for part in parts if part)[:LABEL_MAX]


def quantity_of(text: str) -> Decimal | None:
    """A quantity typed by itself."""
    if len(text) > 20:
        return None
    try:
        value = Decimal(plain_decimal(text))
    except InvalidOperation:
        return None
    good = value.is_finite() and 0 < value <= QUANTITY_MAX and value == round(value, 4)
    return value if good else None


def id_of(text: str) -> UUID:
    found = uuid_or_none(text)
    if found is None:
        raise Refusal("UNREADABLE")
    return found

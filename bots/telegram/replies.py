"""What the bot says: a reply put into the outbox in the transaction that decided it.

Plain text is escaped; ``Markup`` (see ``markup``) is sent as rich text. Files and pictures are
named here and made when they are sent: ``attach_with`` says by whom.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Literal
from uuid import UUID

from markupsafe import Markup

from bots.telegram.markup import html_of, pieces
from bots.telegram.talk import Talk
from dilo.kit import outbox
from dilo.kit.i18n import language, say
from dilo.kit.templating import money, say_sums
from dilo.messaging.channels import Composed, Dropped, Ready
from dilo.orders.facts import Verdict

# [words, data], [words, "https://..."] for a link, [words, "app:https://..."] for a Mini App
Buttons = list[list[tuple[str, str]]]
Maker = Callable[[dict[str, Any]], Awaitable[dict[str, Any] | str]]
_makers: dict[str, Maker] = {}


@dataclass(frozen=True, slots=True)
class Attachment:
    """``maker`` knows how to make it from ``about`` (plain values, ids as text) at sending time."""

    maker: str
    about: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Reply:
    """``edit``: the message to change in place, its ``caption`` where it is a picture; ``replace``:
    it goes and this comes instead (a text for a picture or the other way). ``callback_id``: the tap
    to answer; the text is then the passing notice (``alert``: one to be closed). ``photos``:
    Telegram's file ids or attachments. ``request_contact``: words of the button that shares the
    phone. ``chat``: another chat than the one that speaks.
    """

    text: str = ""
    buttons: Buttons = field(default_factory=list)
    edit: int | None = None
    edit_as: Literal["text", "caption", "replace"] = "text"
    callback_id: str | None = None
    alert: bool = False
    photos: tuple[str | Attachment, ...] = ()
    document: Attachment | None = None
    request_contact: str = ""
    remove_keyboard: bool = False
    chat: str | None = None


def attach_with(name: str, maker: Maker) -> None:
    """``maker(about)`` runs in the tenant's scope and returns ``{"name": ..., "body": bytes}`` or,
    for a picture Telegram has already, its file id."""
    _makers[name] = maker


async def put(replies: list[Reply], chat_id: int, update_key: str) -> None:
    """A long text is a row for each of its messages, so that each is sent once."""
    number = 0
    for reply in replies:
        for payload in _payloads(reply, chat_id):
            key = f"reply:{update_key}:{number}"
            await outbox.put("telegram", "reply", key, payload, priority=1)
            number += 1


def _payloads(reply: Reply, chat_id: int) -> list[dict[str, Any]]:
    where = {"address": reply.chat or str(chat_id), "language": language()}
    if reply.callback_id:
        plain = reply.text.striptags() if isinstance(reply.text, Markup) else reply.text
        return [where | {"text": "", "plain": plain, "callback_id": reply.callback_id}
                | ({"alert": True} if reply.alert else {})]  # fmt: skip
    attached = {
        "photos": [_named(one) for one in reply.photos],
        "document": _named(reply.document) if reply.document else None,
    }
    last = {
        "buttons": reply.buttons,
        "edit": reply.edit,
        "edit_as": reply.edit_as if reply.edit and reply.edit_as != "text" else "",
        "request_contact": reply.request_contact,
        "remove_keyboard": reply.remove_keyboard,
    } | attached
    html = html_of(reply.text)
    texts = [html] if reply.photos or reply.document else pieces(html)
    said = [where | {"text": text, "html": True} for text in texts]
    said[-1] |= {name: value for name, value in last.items() if value}
    return said


def _named(one: str | Attachment) -> str | dict[str, Any]:
    return one if isinstance(one, str) else {"maker": one.maker, "about": one.about}


async def compose(payload: dict[str, Any], _channel: str, _party_id: UUID | None) -> Composed:
    """A reply is sent as it was said; its buttons and the message it edits travel along, and what
    is attached is made now."""
    extra = dict(payload)
    if document := extra.pop("document", None):
        made = await _made(document)
        if isinstance(made, str):
            return Dropped("NO_FILE")
        extra["file"] = made
    if photos := extra.get("photos"):
        extra["photos"] = [await _made(one) for one in photos]
    return Ready(str(payload["text"]), extra=extra)


async def _made(one: str | dict[str, Any]) -> dict[str, Any] | str:
    return one if isinstance(one, str) else await _makers[one["maker"]](one["about"])


def menu() -> Buttons:
    return [
        [(say("bot:button_balance"), "balance"), (say("bot:button_orders"), "orders")],
        [(say("bot:button_goods"), "goods"), (say("bot:button_cart"), "cart")],
        [(say("bot:button_repeat"), "repeat"), (say("bot:button_documents"), "docs")],
        [(say("bot:button_person"), "person")],
    ]


def menu_of(talk: Talk) -> Buttons:
    """The menu of this chat: who acts for several companies may change the one. A group has none:
    most of it is said in private only."""
    if talk.kind == "group":
        return []
    if len(talk.seats) < 2:
        return menu()
    return [*menu(), [(say("bot:button_company"), "companies")]]


def reasons(verdicts: list[Verdict], currency: str, talk: Talk | None = None) -> str:
    """Why it is stopped and what unblocks it, in words; what helps against two reasons is said
    once. In a group that hears no money only that it is stopped."""
    stopped = [verdict for verdict in verdicts if not verdict.passed]
    if talk is not None and not talk.tells_money:
        return say("bot:details_in_private") if stopped else ""
    told: list[str] = []
    for verdict in stopped:
        said = say_sums(f"verdict:{verdict.code}", currency, verdict.figures)
        told.append(f"⛔ {say('gate:' + verdict.gate)}: {said}")
        told += [
            "   • " + say_sums(f"remedy:{one.code}", currency, one.figures)
            for one in verdict.remedies
        ]
    return "\n".join(dict.fromkeys(told))


def sum_of(amount: Decimal, currency: str) -> str:
    return money(amount, currency)

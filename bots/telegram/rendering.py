"""A reply as calls of the Bot API: the text cut into messages, keyboards, pictures, files."""

import contextlib
from collections.abc import Awaitable, Callable
from functools import partial
from itertools import islice
from typing import Any

from aiogram import Bot
from aiogram.exceptions import TelegramBadRequest
from aiogram.types import (
    BufferedInputFile,
    InlineKeyboardButton,
    InlineKeyboardMarkup,
    InputMediaPhoto,
    KeyboardButton,
    ReplyKeyboardMarkup,
    ReplyKeyboardRemove,
    WebAppInfo,
)

from bots.telegram.markup import (
    BUTTONS_MAX,
    CAPTION_MAX,
    DATA_MAX,
    LABEL_MAX,
    ROW_MAX,
    TEXT_MAX,
    pieces,
)

PHOTOS_MAX = 10
HARMLESS = ("not modified", "query is too old", "query id is invalid")
Call = Callable[[int], Awaitable[Any]]


def calls(bot: Bot, chat: str, html: str, extra: dict[str, Any]) -> list[Call]:
    """In order. The keyboard hangs on the last message; each takes its timeout in seconds."""
    if extra.get("callback_id"):
        return [partial(_answer, bot, extra)]
    markup = _markup(extra)
    said: list[Call] = []
    if extra.get("edit_as") == "replace":
        said.append(partial(_delete, bot, chat, extra["edit"]))
        extra = {name: value for name, value in extra.items() if name != "edit"}
    if extra.get("edit_as") == "caption":
        caption = pieces(html, CAPTION_MAX)[0]
        return [partial(_edit_caption, bot, chat, caption, extra["edit"], markup)]
    if extra.get("file") or extra.get("photos"):
        # An album has neither buttons nor room for them: its text comes after it.
        album = len(extra.get("photos") or ()) > 1
        caption, *rest = ["", *pieces(html)] if album else pieces(html, CAPTION_MAX)
        under = markup if not rest else None
        said += _attached(bot, chat, caption, extra, under)
    else:
        rest = pieces(html, TEXT_MAX)
    if extra.get("edit") and len(rest) == 1:
        return [*said, partial(_edit, bot, chat, rest[0], extra["edit"], markup)]
    for n, piece in enumerate(rest):
        under = markup if n == len(rest) - 1 else None
        said.append(partial(_say, bot, chat, piece, under))
    return said


def is_harmless(error: TelegramBadRequest, extra: dict[str, Any]) -> bool:
    """The second tap: the message already says it, the question is answered already."""
    tapped = extra.get("edit") or extra.get("callback_id")
    return bool(tapped) and any(sign in error.message.lower() for sign in HARMLESS)


async def _say(bot: Bot, chat: str, html: str, markup: Any, patience: int) -> Any:
    return await bot.send_message(chat, html, reply_markup=markup, request_timeout=patience)


async def _edit(bot: Bot, chat: str, html: str, number: int, markup: Any, patience: int) -> Any:
    """A message that can no longer be changed is said anew."""
    try:
        return await bot.edit_message_text(
            html, chat_id=chat, message_id=number, reply_markup=markup, request_timeout=patience
        )
    except TelegramBadRequest as error:
        if "not modified" in error.message.lower():
            raise
    return await _say(bot, chat, html, markup, patience)


async def _edit_caption(
    bot: Bot, chat: str, html: str, number: int, markup: Any, patience: int
) -> Any:
    try:
        return await bot.edit_message_caption(
            chat_id=chat,
            message_id=number,
            caption=html,
            reply_markup=markup,
            request_timeout=patience,
        )
    except TelegramBadRequest as error:
        if "not modified" in error.message.lower():
            raise
    return await _say(bot, chat, html, markup, patience)


async def _delete(bot: Bot, chat: str, number: int, patience: int) -> None:
    """What is too old to be taken away stays where it is."""
    with contextlib.suppress(TelegramBadRequest):
        await bot.delete_message(chat, number, request_timeout=patience)


async def _answer(bot: Bot, extra: dict[str, Any], patience: int) -> Any:
    plain = str(extra.get("plain") or "")[:200]
    return await bot.answer_callback_query(
        extra["callback_id"],
        text=plain or None,
        show_alert=bool(extra.get("alert")) or None,
        request_timeout=patience,
    )


def _attached(bot: Bot, chat: str, caption: str, extra: dict[str, Any], markup: Any) -> list[Call]:
    if file := extra.get("file"):
        return [partial(_send_file, bot, chat, file, caption, markup)]
    photos = iter(extra["photos"])
    done: list[Call] = []
    while some := list(islice(photos, PHOTOS_MAX)):
        done.append(partial(_send_photos, bot, chat, some, "" if done else caption, markup))
    return done


async def _send_file(
    bot: Bot, chat: str, file: dict[str, Any], caption: str, markup: Any, patience: int
) -> Any:
    return await bot.send_document(
        chat,
        BufferedInputFile(file["body"], file["name"]),
        caption=caption or None,
        reply_markup=markup,
        request_timeout=patience,
    )


async def _send_photos(
    bot: Bot, chat: str, photos: list[Any], caption: str, markup: Any, patience: int
) -> Any:
    """One with its buttons, or an album, which can have none."""
    given = [_photo(one) for one in photos]
    if len(given) == 1:
        return await bot.send_photo(
            chat,
            given[0],
            caption=caption or None,
            reply_markup=markup,
            request_timeout=patience,
        )
    media = [InputMediaPhoto(media=one, caption=None) for one in given]
    media[0].caption = caption or None
    return await bot.send_media_group(chat, list(media), request_timeout=patience)


def _photo(one: Any) -> Any:
    """A file id of Telegram's, or bytes with a name."""
    return one if isinstance(one, str) else BufferedInputFile(one["body"], one["name"])


def _markup(extra: dict[str, Any]) -> Any:
    if extra.get("request_contact"):
        ask = KeyboardButton(text=extra["request_contact"], request_contact=True)
        return ReplyKeyboardMarkup(keyboard=[[ask]], resize_keyboard=True, one_time_keyboard=True)
    if extra.get("remove_keyboard"):
        return ReplyKeyboardRemove(remove_keyboard=True)
    rows: list[list[InlineKeyboardButton]] = []
    left = BUTTONS_MAX
    for row in extra.get("buttons") or ():
        for start in range(0, len(row), ROW_MAX):
            some = [_button(one) for one in row[start : start + ROW_MAX]][:left]
            left -= len(some)
            if some:
                rows.append(some)
    return InlineKeyboardMarkup(inline_keyboard=rows) if rows else None


def _button(one: Any) -> InlineKeyboardButton:
    """``[words, data]``, ``[words, address]`` (https) or ``[words, "app:" + address]``."""
    words, what = str(one[0])[:LABEL_MAX] or "…", str(one[1])
    if what.startswith("app:"):
        return InlineKeyboardButton(text=words, web_app=WebAppInfo(url=what[4:]))
    if what.startswith(("https://", "http://", "tg://")):
        return InlineKeyboardButton(text=words, url=what)
    assert len(what.encode()) <= DATA_MAX, what
    return InlineKeyboardButton(text=words, callback_data=what)

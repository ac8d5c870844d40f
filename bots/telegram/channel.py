"""Carrying a message to a chat. Telegram has no idempotency: a lost answer is ``unknown``."""

import asyncio
import time
from datetime import datetime
from functools import lru_cache
from typing import Any
from uuid import UUID

from aiogram import Bot
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.client.telegram import TelegramAPIServer
from aiogram.exceptions import (
    TelegramAPIError,
    TelegramBadRequest,
    TelegramConflictError,
    TelegramForbiddenError,
    TelegramMigrateToChat,
    TelegramNetworkError,
    TelegramNotFound,
    TelegramRetryAfter,
    TelegramServerError,
    TelegramUnauthorizedError,
)
from aiogram.types import BufferedInputFile, InlineKeyboardButton, InlineKeyboardMarkup
from aiohttp import ClientConnectorError

from dilo.messaging import telegram_bots
from dilo.messaging.channels import Message
from dilo.messaging.rules import Dead, Moved, Outcome, RetryLater, Sent, Unknown
from tenants.scope import scope

TEXT_MAX = 4096
ANSWER_SECONDS = 12
EVERY_SECONDS = 1 / 25  # Telegram takes about 30 messages a second from one bot
UNREACHABLE = (
    "chat not found",
    "user is deactivated",
    "bot was blocked",
    "bot was kicked",
    "peer_id_invalid",
    "user not found",
)


@lru_cache(maxsize=1000)
def bot_of(token: str, base: str) -> Bot:
    session = AiohttpSession(api=TelegramAPIServer.from_base(base), timeout=ANSWER_SECONDS)
    return Bot(token, session=session)


class Telegram:
    """``base`` is the Bot API's address, by setting: the real one or a stand-in."""

    idempotent = False

    def __init__(self, base: str) -> None:
        self.base = base
        self.next_turn: dict[str, float] = {}

    async def paused_until(self) -> datetime | None:
        bot = await telegram_bots.bot_or_none()
        return bot.paused_until if bot else None

    async def send(self, tenant_id: UUID, message: Message) -> Outcome:
        async with scope(tenant_id):
            found = await telegram_bots.bot_or_none()
        if found is None:
            return Dead("no_bot")
        await self._turn(found.token)
        try:
            sent = await _call(bot_of(found.token, self.base), message)
        except TelegramAPIError as error:
            return _outcome_of(error)
        number = getattr(sent, "message_id", None)
        return Sent(f"{message.address}:{number}" if number else None)

    async def _turn(self, token: str) -> None:
        now = time.monotonic()
        turn = max(now, self.next_turn.get(token, 0.0))
        self.next_turn[token] = turn + EVERY_SECONDS
        await asyncio.sleep(turn - now)

    async def close(self) -> None:
        bot_of.cache_clear()


async def _call(bot: Bot, message: Message) -> Any:
    """A plain message, an edit of one already there, or the answer to a tap."""
    extra, chat, text = message.extra, message.address, message.text[:TEXT_MAX]
    patience = max(1, int(message.timeout_s))
    if extra.get("callback_id"):
        return await bot.answer_callback_query(
            extra["callback_id"], text=text[:200] or None, request_timeout=patience
        )
    if file := extra.get("file"):
        return await bot.send_document(
            chat,
            BufferedInputFile(file["body"], file["name"]),
            caption=text[:1024],
            request_timeout=patience,
        )
    markup = _keyboard(extra.get("buttons"))
    if extra.get("edit"):
        try:
            return await bot.edit_message_text(
                text,
                chat_id=chat,
                message_id=extra["edit"],
                reply_markup=markup,
                request_timeout=patience,
            )
        except TelegramBadRequest as error:
            if "not modified" in str(error).lower():
                return None
    return await bot.send_message(chat, text, reply_markup=markup, request_timeout=patience)


def _keyboard(rows: Any) -> InlineKeyboardMarkup | None:
    if not rows:
        return None
    keys = [[InlineKeyboardButton(text=t, callback_data=data) for t, data in row] for row in rows]
    return InlineKeyboardMarkup(inline_keyboard=keys)


def _outcome_of(error: TelegramAPIError) -> Outcome:
    said = error.message[:300]
    match error:
        case TelegramRetryAfter():
            return RetryLater(float(error.retry_after), "flood_control", whole_channel=True)
        case TelegramMigrateToChat():
            return Moved(str(error.migrate_to_chat_id))
        case TelegramForbiddenError():
            return Dead(said, address_dead=True)
        case TelegramUnauthorizedError() | TelegramNotFound():
            return Dead(f"bot_token: {said}")
        case TelegramBadRequest():
            return Dead(said, address_dead=any(sign in said.lower() for sign in UNREACHABLE))
        case TelegramServerError() | TelegramConflictError():
            return RetryLater(None, said)
        case TelegramNetworkError() if isinstance(error.__cause__, ClientConnectorError):
            return RetryLater(None, said)
    return Unknown(said)

"""Carrying a message to a chat. Telegram has no idempotency: a lost answer is ``unknown``.

Everything goes as HTML and everything people wrote is escaped; how a reply looks in Telegram is
decided here and nowhere else. All bots share one HTTP session.
"""

import asyncio
from datetime import datetime
from functools import lru_cache
from typing import Any
from uuid import UUID

from aiogram import Bot
from aiogram.client.default import DefaultBotProperties
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.client.telegram import TelegramAPIServer
from aiogram.exceptions import (
    ClientDecodeError,
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
from aiogram.utils.token import TokenValidationError
from aiohttp import ClientConnectorError

from bots.telegram import limiter, rendering
from bots.telegram.limiter import Sender
from bots.telegram.markup import html_of
from dilo.messaging import telegram_bots
from dilo.messaging.channels import Message
from dilo.messaging.rules import Dead, Moved, Outcome, RetryLater, Sent, Unknown
from dilo.messaging.telegram_bots import TelegramBot, scrubbed
from tenants.scope import scope

ANSWER_SECONDS = 12
CONNECTIONS = 600  # every polled bot holds one
UNREACHABLE = (
    "chat not found",
    "user is deactivated",
    "bot was blocked",
    "bot was kicked",
    "peer_id_invalid",
    "user not found",
)
_sessions: dict[str, AiohttpSession] = {}
_api = "https://api.telegram.org"


def use_api(base: str) -> None:
    """Which Bot API every bot of this process speaks to."""
    global _api
    _api = base


def bot_of(token: str) -> Bot:
    """Raises TokenValidationError. Cheap: the session is everybody's."""
    return _bot(token, _api)


@lru_cache(maxsize=1000)
def _bot(token: str, base: str) -> Bot:
    session = _sessions.get(base)
    if session is None:
        api = TelegramAPIServer.from_base(base)
        session = AiohttpSession(limit=CONNECTIONS, api=api, timeout=ANSWER_SECONDS)
        _sessions[base] = session
    return Bot(token, session=session, default=DefaultBotProperties(parse_mode="HTML"))


async def close_sessions() -> None:
    _bot.cache_clear()
    for base in list(_sessions):
        await _sessions.pop(base).close()


class Telegram:
    """``base`` is the Bot API's address, by setting: the real one or a stand-in."""

    idempotent = False

    def __init__(self, base: str) -> None:
        use_api(base)

    async def paused_until(self) -> datetime | None:
        bot = await telegram_bots.bot_or_none()
        return bot.paused_until if bot else None

    async def send(self, tenant_id: UUID, message: Message) -> Outcome:
        async with scope(tenant_id):
            found = await telegram_bots.bot_or_none()
        if found is None or not found.answers:
            return Dead("no_bot" if found is None else f"bot_{found.state}")
        sender = Sender(tenant_id, found.id, message.address)
        if not message.extra.get("callback_id"):
            turn = await limiter.turn(sender)
            if not turn.ours:
                return RetryLater(turn.seconds, "pace", ours=True)
            await asyncio.sleep(turn.seconds)
        try:
            return await _sent(bot_of(found.token), message)
        except TokenValidationError:
            return await self._failed(tenant_id, found, "token")
        except (TelegramUnauthorizedError, TelegramNotFound) as error:
            return await self._failed(tenant_id, found, error.message)
        except TelegramRetryAfter as error:
            return await _hushed(sender, float(error.retry_after))
        except ClientDecodeError as error:
            return Unknown(scrubbed(str(error)))
        except TelegramAPIError as error:
            return _outcome_of(error)

    async def _failed(self, tenant_id: UUID, bot: TelegramBot, said: str) -> Outcome:
        """A dead token is asked once: staff see it, messages take the next channel."""
        async with scope(tenant_id):
            now = await telegram_bots.bot_or_none()
            if now is not None and now.token == bot.token:
                await telegram_bots.note_failure(bot.id, said)
        return Dead(f"bot_token: {scrubbed(said)}")

    async def close(self) -> None:
        await close_sessions()


async def _hushed(sender: Sender, seconds: float) -> Outcome:
    """A group has limits of its own: its 429 is not the bot's."""
    if sender.chat.startswith("-"):
        await limiter.pause(sender, seconds)
        return RetryLater(seconds, "flood_control")
    return RetryLater(seconds, "flood_control", whole_channel=True)


async def _sent(bot: Bot, message: Message) -> Outcome:
    """A long text is several messages: when one of them fails after another has gone, the fate of
    the whole is unknown, and it is not said again from the beginning."""
    text = message.text if message.extra.get("html") else html_of(message.text)
    parts = rendering.calls(bot, message.address, text, message.extra)
    number: int | None = None
    for n, part in enumerate(parts):
        try:
            number = _number_of(await part(max(1, int(message.timeout_s)))) or number
        except TelegramBadRequest as error:
            if rendering.is_harmless(error, message.extra):
                continue
            if n == 0:
                raise
            return Unknown(f"{n}/{len(parts)}: {scrubbed(error.message)}")
        except TelegramAPIError as error:
            if n == 0:
                raise
            return Unknown(f"{n}/{len(parts)}: {scrubbed(error.message)}")
    return Sent(f"{message.address}:{number}" if number else None)


def _number_of(told: Any) -> int | None:
    first = told[0] if isinstance(told, list) and told else told
    return getattr(first, "message_id", None)


def _outcome_of(error: TelegramAPIError) -> Outcome:
    said = scrubbed(error.message)
    match error:
        case TelegramMigrateToChat():
            return Moved(str(error.migrate_to_chat_id))
        case TelegramForbiddenError():
            return Dead(said, address_dead=True)
        case TelegramBadRequest():
            return Dead(said, address_dead=any(sign in said.lower() for sign in UNREACHABLE))
        case TelegramServerError() | TelegramConflictError():
            return RetryLater(None, said)
        case TelegramNetworkError() if isinstance(error.__cause__, ClientConnectorError):
            return RetryLater(None, said)
    return Unknown(said)

"""The company's messages carried by its Telegram bot. No idempotency there: silence is unknown."""

import asyncio
import time

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
from aiohttp import ClientConnectorError

from dilo.messaging.channels import Letter
from dilo.messaging.rules import Dead, Moved, Outcome, RetryLater, Sent, Unknown

EVERY_S = 1 / 25  # Telegram takes about 30 messages a second from one bot
BOTS_MAX = 500
UNREACHABLE = (
    "chat not found",
    "user is deactivated",
    "bot was blocked",
    "bot was kicked",
    "peer_id_invalid",
    "user not found",
    "not enough rights",
)


class TelegramChannel:
    idempotent = False

    def __init__(self, api_url: str) -> None:
        self.session = AiohttpSession(api=TelegramAPIServer.from_base(api_url))
        self.bots: dict[str, Bot] = {}
        self.next_turn: dict[str, float] = {}

    def _bot(self, token: str) -> Bot:
        if len(self.bots) > BOTS_MAX:
            self.bots.clear()
            self.next_turn.clear()
        return self.bots.setdefault(token, Bot(token, session=self.session))

    async def _turn(self, token: str) -> None:
        now = time.monotonic()
        turn = max(now, self.next_turn.get(token, 0.0))
        self.next_turn[token] = turn + EVERY_S
        await asyncio.sleep(turn - now)

    async def send(self, letter: Letter) -> Outcome:
        await self._turn(letter.sender)
        try:
            sent = await self._bot(letter.sender).send_message(
                int(letter.address), letter.text, request_timeout=max(1, int(letter.timeout_s))
            )
        except TelegramAPIError as error:
            return _outcome_of(error)
        except ValueError as error:
            return Dead(f"{type(error).__name__}: {error}")
        return Sent(f"{letter.address}:{sent.message_id}")

    async def close(self) -> None:
        await self.session.close()


def _outcome_of(error: TelegramAPIError) -> Outcome:
    said = error.message[:300]
    match error:
        case TelegramRetryAfter():
            return RetryLater("flood_control", after_s=float(error.retry_after), pause=True)
        case TelegramMigrateToChat():
            return Moved(str(error.migrate_to_chat_id))
        case TelegramForbiddenError():
            return Dead(said, address_dead=True)
        case TelegramUnauthorizedError() | TelegramNotFound():
            return Dead(f"bot_token: {said}")
        case TelegramBadRequest():
            return Dead(said, address_dead=any(text in said.lower() for text in UNREACHABLE))
        case TelegramServerError() | TelegramConflictError():
            return RetryLater(said)
        case TelegramNetworkError() if isinstance(error.__cause__, ClientConnectorError):
            return RetryLater(said)
    return Unknown(said)

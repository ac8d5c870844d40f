"""Long polling of every tenant's bot in one process, for machines Telegram cannot reach."""

import asyncio
import contextlib
import logging
import signal
from typing import Any
from uuid import UUID

from aiogram.exceptions import (
    TelegramAPIError,
    TelegramConflictError,
    TelegramNotFound,
    TelegramUnauthorizedError,
)
from aiogram.methods import TelegramMethod
from aiogram.utils.token import TokenValidationError

from bots.telegram import connection
from bots.telegram.channel import bot_of
from bots.telegram.updates import ALLOWED, take_update
from dilo.messaging import telegram_bots
from dilo.messaging.sending import drain
from dilo.messaging.telegram_bots import scrubbed
from dilo.run import events
from dilo.run.settings import settings
from tenants.scope import scope, tenant_ids

log = logging.getLogger("dilo.polling")
LOOK_SECONDS = 10.0
WAIT_SECONDS = 8
PAUSE_SECONDS = 5.0


class RawUpdates(TelegramMethod[list[dict[str, Any]]]):
    """As Telegram says them: one that we cannot read must not hold up those behind it."""

    __returning__ = list[dict[str, Any]]
    __api_method__ = "getUpdates"
    offset: int
    timeout: int
    allowed_updates: list[str]


async def poll() -> None:
    """A task per tenant that has a bot; bots added, removed or given a new token are noticed within
    ten seconds. Where webhooks are set it has nothing to do, and takes nobody's updates away."""
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s %(message)s")
    events.wire()
    stopping = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    if settings().dilo_telegram_webhook:
        log.info("updates come by webhook: nothing to poll")
        await stopping.wait()
        return
    tasks: dict[UUID, asyncio.Task[None]] = {}
    while not stopping.is_set():
        for tenant_id in await tenant_ids():
            task = tasks.get(tenant_id)
            if task is None or task.done():
                tasks[tenant_id] = asyncio.create_task(_poll_one(tenant_id, stopping))
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stopping.wait(), LOOK_SECONDS)
    for task in tasks.values():
        task.cancel()
    await asyncio.gather(*tasks.values(), return_exceptions=True)


async def _poll_one(tenant_id: UUID, stopping: asyncio.Event) -> None:
    """Ends when the tenant has no live bot; the next look begins again."""
    while not stopping.is_set():
        async with scope(tenant_id):
            bot = await telegram_bots.bot_or_none()
        if bot is None or not bot.answers:
            return
        try:
            speaker = bot_of(bot.token)
            asked = RawUpdates(
                offset=bot.offset_id + 1, timeout=WAIT_SECONDS, allowed_updates=ALLOWED
            )
            updates = await speaker(asked, request_timeout=WAIT_SECONDS + 10)
        except (TelegramUnauthorizedError, TelegramNotFound, TokenValidationError) as error:
            async with scope(tenant_id):
                await telegram_bots.note_failure(bot.id, str(error))
            return
        except TelegramAPIError as error:
            log.warning("tenant %s: %s", tenant_id, scrubbed(str(error)))
            if isinstance(error, TelegramConflictError):
                await connection.switch_off(bot)
            await asyncio.sleep(PAUSE_SECONDS)
            continue
        for update in updates:
            async with scope(tenant_id):
                await take_update(bot, update)
                await telegram_bots.advance(bot.id, int(update["update_id"]))
        if updates:
            await drain(tenant_id, settings().dilo_lease_seconds)

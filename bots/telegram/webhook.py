"""Telegram's webhook: one address per bot, the secret compared in constant time, 200 after
commit."""

import asyncio
import logging
from typing import Any
from uuid import UUID

import msgspec
from litestar import Request, Response, post

from bots.telegram.updates import take_update
from dilo.kit.errors import NotFound
from dilo.messaging import telegram_bots
from dilo.messaging.sending import drain
from tenants import audit
from tenants.scope import scope

log = logging.getLogger("dilo.telegram")
Req = Request[Any, Any, Any]
UPDATE_MAX = 1024 * 1024
HEADER = "x-telegram-bot-api-secret-token"
DRAINS_AT_ONCE = 8
ALARMS_AN_HOUR = 10
_draining: set[asyncio.Task[None]] = set()
_wanted: set[UUID] = set()
_going: set[UUID] = set()
_decoder = msgspec.json.Decoder(dict[str, Any])


@post(
    "/bots/telegram/{tenant_id:uuid}/{bot_id:uuid}",
    status_code=200,
    opt={"tenant": "none", "no_csrf": True},
    request_max_body_size=UPDATE_MAX,
)
async def receive(request: Req, tenant_id: UUID, bot_id: UUID) -> Response[None]:
    body = await request.body()
    given = request.headers.get(HEADER, "")
    async with scope(tenant_id):
        bot = await telegram_bots.bot(bot_id)
        known = bot.knows(given)
        if known:
            try:
                data = _decoder.decode(body)
            except msgspec.MsgspecError:
                return Response(None, status_code=200)
            await telegram_bots.secret_seen(bot, given)
            await take_update(bot, data)
        else:
            await _forged(bot_id)
    if not known:
        raise NotFound
    answer_soon(tenant_id)
    return Response(None, status_code=200)


async def _forged(bot_id: UUID) -> None:
    if (await audit.recent_alarms("webhook", str(bot_id)))[0] < ALARMS_AN_HOUR:
        await audit.alarm("?", "webhook", chat=str(bot_id), why="wrong_secret")


def answer_soon(tenant_id: UUID) -> None:
    """The worker would send the replies too; this only spares the person its sweep's pause. However
    many updates come, a tenant is drained by one task, and a few tenants at once."""
    _wanted.add(tenant_id)
    if tenant_id in _going or len(_going) >= DRAINS_AT_ONCE:
        return
    _going.add(tenant_id)
    task = asyncio.create_task(_drain_wanted(tenant_id))
    _draining.add(task)
    task.add_done_callback(_draining.discard)


async def _drain_wanted(tenant_id: UUID) -> None:
    """What is asked for meanwhile is done by whoever is free: nobody's turn is lost."""
    while True:
        _wanted.discard(tenant_id)
        try:
            await drain(tenant_id)
        except Exception:
            log.exception("answers of %s wait for the worker", tenant_id)
        if tenant_id in _wanted:
            continue
        _going.discard(tenant_id)
        waiting = _wanted - _going
        if not waiting:
            return
        tenant_id = waiting.pop()
        _going.add(tenant_id)


routes = [receive]

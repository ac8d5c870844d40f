"""Telegram's webhook: one address per bot, the secret compared in constant time, 200 after
commit."""

import asyncio
import hmac
import logging
from typing import Any
from uuid import UUID

import msgspec
from litestar import Request, Response, get, post

from bots.telegram.channel import bot_of
from bots.telegram.updates import take_update
from dilo.kit import i18n, web
from dilo.kit.errors import NotFound, Refusal
from dilo.kit.visit import visit
from dilo.messaging import telegram_bots
from dilo.messaging.sending import drain
from dilo.people.roles import may
from tenants.scope import current_tenant, scope

log = logging.getLogger("dilo.telegram")
Req = Request[Any, Any, Any]
UPDATE_MAX = 1024 * 1024
HEADER = "x-telegram-bot-api-secret-token"
_draining: set[asyncio.Task[int]] = set()
api_base = "https://api.telegram.org"
webhook_base = ""


class BotForm(msgspec.Struct):
    token: str


@post(
    "/bots/telegram/{tenant_id:uuid}/{bot_id:uuid}",
    status_code=200,
    opt={"tenant": "none", "no_csrf": True},
    request_max_body_size=UPDATE_MAX,
)
async def receive(request: Req, tenant_id: UUID, bot_id: UUID) -> Response[None]:
    body = await request.body()
    async with scope(tenant_id):
        bot = await telegram_bots.bot(bot_id)
        given = request.headers.get(HEADER, "")
        if not hmac.compare_digest(given.encode(), bot.secret.encode()):
            raise NotFound
        try:
            data = msgspec.json.decode(body, type=dict[str, Any])
        except msgspec.MsgspecError:
            return Response(None, status_code=200)
        await take_update(bot, data)
    answer_soon(tenant_id)
    return Response(None, status_code=200)


def answer_soon(tenant_id: UUID) -> None:
    """The worker would send the replies too; this only spares the person its sweep's pause."""
    task = asyncio.create_task(drain(tenant_id))
    _draining.add(task)
    task.add_done_callback(_draining.discard)


@get("/office/bot", opt=may("bots.edit"))
async def show() -> Response[str]:
    return web.page(
        "bots.telegram/bot.html",
        bot=await telegram_bots.bot_or_none(),
        form=web.EMPTY,
        webhook=webhook_base,
    )


@post("/office/bot", opt=may("bots.edit"), status_code=200)
async def create(request: Req) -> Response[Any]:
    """Asks Telegram who the token is before it is kept; sets the webhook where one is
    configured."""
    form = await web.read_form(BotForm, request)
    try:
        if form.input is None:
            raise Refusal("TOKEN_BAD", status=422)
        username = await _username(form.input.token)
        bot_id = await telegram_bots.add_bot(visit().actor, form.input.token, username)
        await _set_webhook(bot_id)
    except Refusal as refusal:
        form.errors["token"] = i18n.say(f"refusal:{refusal.code}", **refusal.figures)
        return web.page(
            "bots.telegram/bot.html",
            status=422,
            form=form,
            webhook=webhook_base,
            bot=await telegram_bots.bot_or_none(),
        )
    web.flash("success", "flash:saved")
    return web.redirect("/office/bot")


async def _username(token: str) -> str | None:
    from aiogram.exceptions import TelegramAPIError
    from aiogram.utils.token import TokenValidationError

    try:
        return (await bot_of(token, api_base).get_me()).username
    except TokenValidationError:
        raise Refusal("TOKEN_BAD", status=422) from None
    except TelegramAPIError as error:
        raise Refusal("TELEGRAM_SAYS", status=422, text=str(error)[:200]) from None


async def _set_webhook(bot_id: UUID) -> None:
    if not webhook_base:
        return
    bot = await telegram_bots.bot(bot_id)
    address = f"{webhook_base}/bots/telegram/{current_tenant().id}/{bot_id}"
    await bot_of(bot.token, api_base).set_webhook(address, secret_token=bot.secret)


@post("/office/bot/removal", opt=may("bots.edit"), status_code=200)
async def destroy() -> Response[Any]:
    await telegram_bots.remove_bot(visit().actor)
    return web.redirect("/office/bot")


routes = [receive, show, create, destroy]

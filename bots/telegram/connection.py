"""Telling Telegram about a bot: who it is, where its updates go, which commands it shows; asking
how it is doing."""

import asyncio
import logging
from uuid import UUID

from aiogram import Bot
from aiogram.exceptions import (
    TelegramAPIError,
    TelegramNetworkError,
    TelegramNotFound,
    TelegramRetryAfter,
    TelegramServerError,
    TelegramUnauthorizedError,
)
from aiogram.types import BotCommand, MenuButtonCommands, MenuButtonWebApp, WebAppInfo, WebhookInfo
from aiogram.utils.token import TokenValidationError

from bots.telegram.channel import bot_of
from bots.telegram.routers import COMMANDS
from bots.telegram.updates import ALLOWED
from dilo.kit import i18n
from dilo.kit.errors import Refusal
from dilo.messaging import telegram_bots
from dilo.messaging.telegram_bots import TelegramBot, scrubbed
from tenants import links
from tenants.actors import Actor
from tenants.scope import current_tenant, scope

log = logging.getLogger("dilo.telegram")
PATIENCE_SECONDS = 6
CONNECTIONS_OF_WEBHOOK = 20
AWAY = (TelegramNetworkError, TelegramServerError, TelegramRetryAfter)
webhook_base = ""


async def username_of(token: str) -> str | None:
    """Who Telegram says it is. Raises TOKEN_BAD, TELEGRAM_SAYS."""
    try:
        me = await bot_of(token.strip()).get_me(request_timeout=PATIENCE_SECONDS)
    except TokenValidationError:
        raise Refusal("TOKEN_BAD", status=422) from None
    except (TelegramUnauthorizedError, TelegramNotFound):
        raise Refusal("TOKEN_REVOKED", status=422) from None
    except TelegramAPIError as error:
        raise Refusal("TELEGRAM_SAYS", status=422, text=scrubbed(error.message)) from None
    return me.username


def address_of(bot_id: UUID) -> str:
    return f"{webhook_base}/bots/telegram/{current_tenant().id}/{bot_id}"


async def switch_on(bot: TelegramBot) -> None:
    """Where updates go, under a new secret, and what people see. What Telegram refuses is kept as
    the bot's last error: the office shows it. Telegram being away is no refusal: the next check
    finds the bot astray and comes here again."""
    speaker = bot_of(bot.token)
    try:
        if webhook_base:
            await _set_webhook(bot)
        else:
            await speaker.delete_webhook(request_timeout=PATIENCE_SECONDS)
        await _furnish(speaker)
    except AWAY as error:
        await telegram_bots.note_check(bot.id, bot.pending_updates or 0, error.message)
    except TelegramAPIError as error:
        await telegram_bots.note_failure(bot.id, error.message)


async def _set_webhook(bot: TelegramBot) -> None:
    """Where updates go, under a new secret. Whatever Telegram answers is raised; an answer that got
    lost may have been a yes."""
    secret = await telegram_bots.new_secret(bot.id)
    try:
        await bot_of(bot.token).set_webhook(
            address_of(bot.id),
            secret_token=secret,
            allowed_updates=ALLOWED,
            max_connections=CONNECTIONS_OF_WEBHOOK,
            request_timeout=PATIENCE_SECONDS,
        )
    except (TelegramNetworkError, TelegramServerError):
        await telegram_bots.keep_unsure(bot.id, secret)
        raise
    await telegram_bots.keep_secret(bot.id, secret)


async def renew_secret(actor: Actor, bot: TelegramBot) -> None:
    """What an update bears as proof changes at Telegram and here together. What is under way under
    the old one is refused and sent by Telegram again.

    Raises FORBIDDEN, NO_WEBHOOK, TOKEN_REVOKED, TELEGRAM_AWAY, WEBHOOK_REFUSED.
    """
    actor.require("bots.edit")
    if not webhook_base or not bot.answers:
        raise Refusal("NO_WEBHOOK", status=409)
    try:
        await _set_webhook(bot)
    except (TelegramUnauthorizedError, TelegramNotFound):
        raise Refusal("TOKEN_REVOKED", status=422) from None
    except AWAY:
        raise Refusal("TELEGRAM_AWAY", status=503) from None
    except TelegramAPIError as error:
        raise Refusal("WEBHOOK_REFUSED", status=422, text=scrubbed(error.message)) from None
    await telegram_bots.note_renewal(actor, bot)


async def _furnish(speaker: Bot) -> None:
    spoken = i18n.language()
    try:
        for code in (None, *i18n.LANGUAGES):
            i18n.use_language(code or current_tenant().language)
            commands = [
                BotCommand(command=c, description=i18n.say(f"command:{c}")) for c in COMMANDS
            ]
            await speaker.set_my_commands(
                commands, language_code=code, request_timeout=PATIENCE_SECONDS
            )
    finally:
        i18n.use_language(spoken)
    await speaker.set_chat_menu_button(
        menu_button=await _menu_button(), request_timeout=PATIENCE_SECONDS
    )


async def _menu_button() -> MenuButtonCommands | MenuButtonWebApp:
    """The portal's catalogue inside Telegram, which opens https only; else the commands."""
    url = await links.address_of("/tg")
    if not url.startswith("https://"):
        return MenuButtonCommands()
    return MenuButtonWebApp(text=i18n.gettext("Catalogue"), web_app=WebAppInfo(url=url))


async def switch_off(bot: TelegramBot) -> None:
    """Telegram forgets our address. A dead token cannot be told anything, and need not be."""
    try:
        await bot_of(bot.token).delete_webhook(request_timeout=PATIENCE_SECONDS)
    except (TelegramAPIError, TokenValidationError) as error:
        log.info("bot %s not told to stop: %s", bot.id, type(error).__name__)


async def check(bot: TelegramBot) -> None:
    """Asks Telegram how the webhook does; one that was set elsewhere or lost is set again. A failed
    bot is asked only when a person wants it."""
    speaker = bot_of(bot.token)
    try:
        info = await speaker.get_webhook_info(request_timeout=PATIENCE_SECONDS)
    except (TelegramUnauthorizedError, TelegramNotFound) as error:
        await telegram_bots.note_failure(bot.id, error.message)
        return
    except TelegramAPIError as error:
        await telegram_bots.note_check(bot.id, bot.pending_updates or 0, error.message)
        return
    if bot.state == "failed":
        await telegram_bots.heal(bot)
    await telegram_bots.note_check(bot.id, info.pending_update_count, info.last_error_message)
    if bot.state != "paused" and _strayed(bot, info):
        await switch_on(bot)


def _strayed(bot: TelegramBot, info: WebhookInfo) -> bool:
    wanted = address_of(bot.id) if webhook_base else ""
    return info.url != wanted or (
        bool(wanted) and sorted(info.allowed_updates or []) != sorted(ALLOWED)
    )


async def look_after(tenant_id: UUID) -> None:
    """The worker's round: seals what an older version kept in clear, asks how the bot does."""
    async with scope(tenant_id):
        await telegram_bots.seal_plain()
        bot = await telegram_bots.bot_or_none()
        if bot is None or not bot.answers:
            return
        async with asyncio.timeout(PATIENCE_SECONDS * 4):
            await check(bot)

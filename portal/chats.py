"""Telegram of a person and of the company: connecting a chat or a group, seeing them, parting."""

from typing import Any
from uuid import UUID

import msgspec
from litestar import Request, Response, get, post

from dilo.kit import web
from dilo.kit.visit import visit
from dilo.messaging import telegram_bots
from dilo.parties import chats
from dilo.parties.linking import make_link_code

Req = Request[Any, Any, Any]
READ = {"verb": "portal.read"}
EDIT = {"verb": "account.edit"}
COMPANY = {"verb": "company.edit"}
AT_TELEGRAM = "https://t.me/"


class Money(msgspec.Struct):
    shown: bool = False


def _company() -> UUID:
    return visit().actor.on_behalf_of


async def _page(**more: Any) -> Response[str]:
    """One sees his own chats; the company's admin sees everybody's."""
    actor = visit().actor
    every = await chats.chats_of_party(_company())
    bot = await telegram_bots.bot_or_none()
    mine = [chat for chat in every if chat.identity_id == actor.id]
    return web.page(
        "portal/chats.html",
        bot=bot if bot is not None and bot.answers else None,
        chats=every if actor.may("company.edit") else mine,
        **more,
    )


@get("/account/telegram", opt=READ)
async def show() -> Response[str]:
    return await _page()


@post("/account/telegram-link", opt=EDIT, status_code=200)
async def link_create() -> Response[Any]:
    """Both ways at once: a link with its picture, and digits to type. Shown once, on this page."""
    actor = visit().actor
    code = await make_link_code(_company(), actor.id)
    digits = await make_link_code(_company(), actor.id, "digits")
    return await _page(code=code, digits=f"{digits[:4]} {digits[4:]}", **await _link("start", code))


@post("/account/telegram-group", opt=COMPANY, status_code=200)
async def group_create() -> Response[Any]:
    code = await make_link_code(_company(), visit().actor.id, "group")
    return await _page(code=code, group=True, **await _link("startgroup", code))


async def _link(how: str, code: str) -> dict[str, Any]:
    bot = await telegram_bots.bot_or_none()
    if bot is None or not bot.username:
        return {}
    return {"link": f"{AT_TELEGRAM}{bot.username}?{how}={code}"}


@post("/account/telegram/{chat_link_id:uuid}/removal", opt=EDIT, status_code=200)
async def chat_destroy(chat_link_id: UUID) -> Response[Any]:
    """His own; the company's admin parts with anybody's."""
    actor = visit().actor
    only = None if actor.may("company.edit") else actor.id
    await chats.unlink_one(actor, _company(), chat_link_id, only_of=only)
    return web.done("/account/telegram", "flash:chat_unlinked")


@post("/account/telegram/{chat_link_id:uuid}/money", opt=COMPANY, status_code=200)
async def money_update(request: Req, chat_link_id: UUID) -> Response[Any]:
    form = await web.read_form(Money, request)
    shown = bool(form.input and form.input.shown)
    await chats.show_money_in_group(visit().actor, _company(), chat_link_id, shown)
    return web.redirect("/account/telegram")


routes = [show, link_create, group_create, chat_destroy, money_update]

"""The office's page of the company's bot: token, health, chats, what strangers have tried."""

from typing import Any
from uuid import UUID

import msgspec
from litestar import Request, Response, get, post

from bots.telegram import connection
from dilo.kit import i18n, web
from dilo.kit.errors import NotFound, Refusal
from dilo.kit.paging import Paging
from dilo.kit.visit import visit
from dilo.messaging import telegram_bots
from dilo.parties import chats
from dilo.people.roles import may
from tenants import audit

Req = Request[Any, Any, Any]
EDIT = may("bots.edit")


class BotForm(msgspec.Struct):
    token: str


class Switch(msgspec.Struct):
    on: bool = False


async def _show(form: web.Filled[Any], status: int = 200) -> Response[str]:
    bot = await telegram_bots.bot_or_none()
    return web.page(
        "bots.telegram/bot.html",
        status=status,
        form=form,
        bot=bot,
        address=connection.address_of(bot.id) if bot else "",
        candidate=await telegram_bots.candidate_or_none(),
        counts=await chats.chat_counts(),
        alarms=await audit.alarms(Paging(1, 5)),
        webhook=bool(connection.webhook_base),
    )


@get("/office/bot", opt=EDIT)
async def show() -> Response[str]:
    return await _show(web.EMPTY)


@post("/office/bot", opt=EDIT, status_code=200)
async def create(request: Req) -> Response[Any]:
    """Asks Telegram who the token is before it is kept. The token is not shown again, not even in
    the form that failed."""
    form = await web.read_form(BotForm, request)
    form.values.pop("token", None)
    try:
        if form.input is None:
            raise Refusal("TOKEN_BAD", status=422)
        username = await connection.username_of(form.input.token)
        bot_id = await telegram_bots.add_bot(visit().actor, form.input.token, username)
    except Refusal as refusal:
        form.errors["token"] = i18n.say(f"refusal:{refusal.code}", **refusal.figures)
        return await _show(form, status=422)
    candidate = await telegram_bots.candidate_or_none()
    if candidate is None or candidate.id != bot_id:
        await connection.switch_on(await telegram_bots.bot(bot_id))
        web.flash("success", "flash:bot_connected", name=username or "")
    return web.redirect("/office/bot")


@post("/office/bot/replacement", opt=EDIT, status_code=200)
async def replace() -> Response[Any]:
    """Another bot takes the place: confirmed by a person who was told what is lost."""
    candidate = await telegram_bots.candidate_or_none()
    if candidate is None:
        raise NotFound
    before = await telegram_bots.confirm_other(visit().actor, candidate.id)
    if before is not None:
        await connection.switch_off(before)
    await connection.switch_on(candidate)
    return web.done("/office/bot", "flash:bot_connected", name=candidate.username or "")


@post("/office/bot/candidate/removal", opt=EDIT, status_code=200)
async def candidate_destroy() -> Response[Any]:
    await telegram_bots.drop_candidate(visit().actor)
    return web.redirect("/office/bot")


@post("/office/bot/check", opt=EDIT, status_code=200)
async def check() -> Response[Any]:
    bot = await telegram_bots.bot_or_none()
    if bot is None:
        raise NotFound
    try:
        await connection.check(bot)
        now = await telegram_bots.bot(bot.id)
        if now.state == "live" and now.webhook_error:
            web.flash("warning", "flash:bot_stumbled", text=now.webhook_error)
        else:
            web.flash("warning" if now.state == "failed" else "success", f"flash:bot_{now.state}")
    except Refusal as refusal:
        web.flash_refusal(refusal)
    return web.redirect("/office/bot")


@post("/office/bot/secret", opt=EDIT, status_code=200)
async def secret_renew() -> Response[Any]:
    """A refusal does not roll back: where the answer got lost, the secret Telegram may have taken
    has to be believed."""
    bot = await telegram_bots.bot_or_none()
    if bot is None:
        raise NotFound
    try:
        await connection.renew_secret(visit().actor, bot)
        web.flash("success", "flash:secret_renewed")
    except Refusal as refusal:
        web.flash_refusal(refusal)
    return web.redirect("/office/bot")


@post("/office/bot/pause", opt=EDIT, status_code=200)
async def pause(request: Req) -> Response[Any]:
    """A paused bot is silent; Telegram keeps what people write meanwhile for a day."""
    form = await web.read_form(Switch, request)
    paused = bool(form.input and form.input.on)
    await telegram_bots.pause_bot(visit().actor, paused)
    bot = await telegram_bots.bot_or_none()
    if bot is not None:
        await (connection.switch_off if paused else connection.switch_on)(bot)
    return web.redirect("/office/bot")


@post("/office/bot/removal", opt=EDIT, status_code=200)
async def destroy() -> Response[Any]:
    before = await telegram_bots.remove_bot(visit().actor)
    if before is not None:
        await connection.switch_off(before)
    return web.redirect("/office/bot")


@get("/office/bot/chats", opt=EDIT)
async def chats_index(q: str = "") -> Response[str]:
    page = await chats.all_chats(
        Paging.of(visit().query), q.strip()[:100], visit().query.get("state", "")
    )
    states = [(one, i18n.say(f"chat_state:{one}")) for one in chats.STATES]
    return web.page("bots.telegram/chats.html", block="found", page=page, states=states)


@get("/office/bot/alarms", opt=EDIT)
async def alarms_index() -> Response[str]:
    page = await audit.alarms(Paging.of(visit().query))
    return web.page("bots.telegram/alarms.html", page=page)


@post(
    "/office/parties/{party_id:uuid}/chats/{chat_link_id:uuid}/removal",
    opt=may("parties.edit"),
    status_code=200,
)
async def chat_destroy(party_id: UUID, chat_link_id: UUID) -> Response[Any]:
    await chats.unlink_one(visit().actor, party_id, chat_link_id)
    return web.done(f"/office/parties/{party_id}?tab=contacts", "flash:chat_unlinked")


@post(
    "/office/parties/{party_id:uuid}/phones/{phone_id:uuid}/confirmation",
    opt=may("parties.edit"),
    status_code=200,
)
async def phone_confirm(request: Req, party_id: UUID, phone_id: UUID) -> Response[Any]:
    form = await web.read_form(Switch, request)
    confirmed = bool(form.input and form.input.on)
    await chats.confirm_phone(visit().actor, party_id, phone_id, confirmed)
    return web.redirect(f"/office/parties/{party_id}?tab=contacts")


routes = [
    show,
    create,
    replace,
    candidate_destroy,
    check,
    secret_renew,
    pause,
    destroy,
    chats_index,
    alarms_index,
    chat_destroy,
    phone_confirm,
]

"""The portal inside Telegram (a Mini App): who opens it is known by what Telegram has signed.

The signature is of the company's own bot, fresh and used once; it opens a short session of the
portal for the person linked to that chat and the company chosen there. Telegram's web client shows
it in a frame: only its pages may, and only for sessions opened so.
"""

from datetime import timedelta
from typing import Any

from aiogram.utils.web_app import WebAppInitData, safe_parse_webapp_init_data
from litestar import Request, Response, get, post

from dilo.buyers.roles import COOKIE
from dilo.kit import clock, inbox, web
from dilo.kit.errors import Refusal
from dilo.kit.visit import visit
from dilo.messaging import telegram_bots
from dilo.parties import chats
from dilo.parties.chats import Seat
from dilo.storefront import baskets
from tenants import audit
from tenants.scope import scope
from tenants.sessions import open_session

Req = Request[Any, Any, Any]
ANYONE = {"verb": "anyone"}
FRESH, SKEW = timedelta(minutes=10), timedelta(minutes=1)
LASTS = timedelta(seconds=web.FRAMED_SECONDS)
INIT_MAX = 4096
ALARMS_AN_HOUR = 10


@get("/tg", opt=ANYONE)
async def show(request: Req) -> Response[str]:
    visit().extras["framed"] = True
    ended = web.FRAMED_COOKIE in request.cookies
    return web.page("bots.telegram/app.html", ended=ended, refused="")


@post("/tg/session", opt=ANYONE | {"no_csrf": True, "transaction": "steps"}, status_code=200)
async def session_create(request: Req) -> Response[Any]:
    """What Telegram signed is the proof; no other site may post here (the door's own check). A
    refusal undoes what it began, and what was forged is noted after it."""
    visit().extras["framed"] = True
    init, tenant = str((await request.form()).get("init", "")), visit().tenant
    try:
        async with scope(tenant):
            return await _opened(request, await seat_of(init))
    except Refusal as refusal:
        if refusal.code == "INIT_DATA_BAD" and init:
            async with scope(tenant):
                await _forged(request.client.host if request.client else "?")
        return web.page("bots.telegram/app.html", status=refusal.status, refused=refusal.code)


async def _forged(address: str) -> None:
    """Whom it names is not told: a forgery accuses nobody. What Telegram did sign, but long ago or
    for a visit that was opened already, is a window left open and no attempt."""
    if (await audit.recent_alarms("mini_app", "mini_app"))[0] < ALARMS_AN_HOUR:
        await audit.alarm(address, "mini_app", chat="mini_app", why="not_signed")


async def _opened(request: Req, seat: Seat) -> Response[Any]:
    assert seat.identity_id is not None
    token = await open_session(
        "portal",
        seat.identity_id,
        request.headers.get("user-agent", ""),
        party_id=seat.party_id,
        chat=seat.address,
        lasts=LASTS,
    )
    response = web.redirect("/")
    if guest := request.cookies.get(baskets.COOKIE):
        await baskets.merge(guest, seat.identity_id, seat.party_id)
        response.delete_cookie(baskets.COOKIE, path="/")
    web.keep_in_frame(response, COOKIE, token)
    web.keep_in_frame(response, web.FRAMED_COOKIE, "1")
    return response


async def seat_of(init_data: str) -> Seat:
    """Who opens it, for the company chosen last; the proof is used up. Raises APP_CLOSED,
    INIT_DATA_BAD, INIT_DATA_OLD, INIT_DATA_USED, APP_NOT_LINKED."""
    bot = await telegram_bots.bot_or_none()
    if bot is None or not bot.answers:
        raise Refusal("APP_CLOSED", status=404)
    data = _signed(bot.token, init_data)
    age = clock.now() - data.auth_date
    if not -SKEW <= age <= FRESH:
        raise Refusal("INIT_DATA_OLD", status=403)
    if data.user is None or data.user.is_bot:
        raise Refusal("INIT_DATA_BAD", status=403)
    if not await inbox.take(f"webapp:{bot.id}", data.hash, {}):
        raise Refusal("INIT_DATA_USED", status=403)
    for seat in await chats.seats_in([str(data.user.id)]):
        if not seat.is_group and seat.identity_id is not None and seat.role:
            return seat
    raise Refusal("APP_NOT_LINKED", status=403)


def _signed(token: str, init_data: str) -> WebAppInitData:
    try:
        if len(init_data) > INIT_MAX:
            raise ValueError
        return safe_parse_webapp_init_data(token, init_data)
    except (ValueError, TypeError):
        raise Refusal("INIT_DATA_BAD", status=403) from None


routes = [show, session_create]

"""Ways in: a password, a letter with a link, a tap in Telegram, an invitation, a new password."""

import secrets
from typing import Any

import msgspec
import segno
from litestar import Request, Response, get, post

from dilo.buyers import impersonation, people, tickets
from dilo.buyers.codes import new_code
from dilo.buyers.roles import COOKIE
from dilo.buyers.tickets import Browser
from dilo.kit import i18n, web
from dilo.kit.errors import NotFound, Refusal
from dilo.kit.visit import visit
from dilo.messaging import telegram_bots
from dilo.people.pages import SignIn, set_session_cookie
from portal.shop.frame import bring_basket
from tenants.door import host_of
from tenants.scope import scope
from tenants.sessions import open_session, sign_in

Req = Request[Any, Any, Any]
ANYONE = {"verb": "anyone"}
OWN = ANYONE | {"transaction": "own"}
TRY = "dilo_try"


class Asked(msgspec.Struct):
    email: str


class NewPassword(msgspec.Struct):
    password: str = ""


def _browser(request: Req, secret: str) -> Browser:
    return Browser(secret, *web.came_by(request), host_of(request))


def _bound(request: Req, response: Response[Any], secret: str) -> Response[Any]:
    """What was asked for works in this browser only."""
    tls = request.url.scheme == "https"
    response.set_cookie(
        TRY, secret, httponly=True, samesite="lax", path="/", secure=tls, max_age=1800
    )
    return response


async def _let_in(request: Req, token: str, target: str = "/") -> Response[Any]:
    where = target if not target.startswith("/office") else "/"
    response: Response[Any] = web.redirect(where)
    if visit().fragment:
        response = Response(None, status_code=200, headers={"HX-Redirect": where})
    set_session_cookie(response, COOKIE, token, "/", request.url.scheme == "https")
    response.delete_cookie(TRY, path="/")
    await bring_basket(request, response, token)
    return response


async def _bot_name() -> str:
    bot = await telegram_bots.bot_or_none()
    return (bot and bot.username) or ""


@get("/sign-in", opt=ANYONE)
async def sign_in_new(next: str = "") -> Response[str]:
    form = web.Filled[SignIn](values={"next": next})
    return web.page("portal/sign_in.html", form=form, bot=await _bot_name())


@post("/sign-in", opt=OWN, status_code=200)
async def sign_in_create(request: Req) -> Response[Any]:
    form = await web.read_form(SignIn, request)
    status, (address, agent) = 422, web.came_by(request)
    if form.input is not None:
        given = form.input
        try:
            token = await sign_in(
                visit().tenant,
                "portal",
                given.email,
                given.password,
                address=address,
                user_agent=agent,
            )
            return await _let_in(request, token, given.next or "/")
        except Refusal as refusal:
            status = refusal.status
            form.errors["_"] = i18n.say(f"refusal:{refusal.code}", **refusal.figures)
    return web.page("portal/sign_in.html", status=status, form=form, bot="")


@post("/sign-out", opt=ANYONE, status_code=200)
async def sign_out_create(request: Req) -> Response[Any]:
    """Ends a colleague's visit too, and takes him back to the card he came from."""
    company = await impersonation.end(request.cookies.get(COOKIE, ""))
    response = web.redirect(f"/office/parties/{company}" if company else "/sign-in")
    response.delete_cookie(COOKIE, path="/")
    return response


async def _letter(request: Req, kind: str) -> Response[Any]:
    form = await web.read_form(Asked, request)
    email, secret = (form.input.email if form.input else ""), new_code()
    if "@" not in email:
        form.errors["email"] = i18n.say("invalid:VALUE")
        name = "sign_in" if kind == "link" else "password_ask"
        return web.page(f"portal/{name}.html", status=422, form=form, bot="")
    await tickets.ask_letter(visit().tenant, kind, email, _browser(request, secret))
    minutes = tickets.MINUTES[kind]
    page = web.page("portal/letter_sent.html", email=email, minutes=minutes, kind=kind)
    return _bound(request, page, secret)


@post("/sign-in/link", opt=OWN, status_code=200)
async def link_create(request: Req) -> Response[Any]:
    return await _letter(request, "link")


@get("/sign-in/link/{link_code:str}", opt=ANYONE)
async def link_show(request: Req, link_code: str) -> Response[str]:
    """Looking uses nothing up: mail scanners open links too."""
    found = await tickets.look("link", link_code, request.cookies.get(TRY, ""))
    return web.page("portal/link.html", name=found["name"], code=link_code)


@post("/sign-in/link/{link_code:str}", opt=ANYONE, status_code=200)
async def link_use(request: Req, link_code: str) -> Response[Any]:
    who = await tickets.use_link(link_code, request.cookies.get(TRY, ""))
    address, agent = web.came_by(request)
    return await _let_in(request, await open_session("portal", who, agent, address=address))


@post("/sign-in/telegram", opt=OWN, status_code=200)
async def telegram_create(request: Req) -> Response[Any]:
    async with scope(visit().tenant):
        bot = await _bot_name()
    if not bot:
        raise NotFound
    secret = secrets.token_urlsafe(24)
    code = await tickets.begin_telegram(visit().tenant, _browser(request, secret))
    link = f"https://t.me/{bot}?start=in_{code}"
    page = web.page(
        "portal/telegram_sign_in.html",
        link=link,
        qr=segno.make(link, error="m").svg_data_uri(scale=5, border=2),
        minutes=tickets.MINUTES["telegram"],
        asking=True,
    )
    return _bound(request, page, secret)


@post("/sign-in/telegram/session", opt=ANYONE, status_code=200)
async def telegram_session_create(request: Req) -> Response[Any]:
    """Asked every two seconds by the waiting page, or by its button where there is no script."""
    secret = request.cookies.get(TRY, "")
    who = await tickets.use_telegram(secret)
    if who is not None:
        address, agent = web.came_by(request)
        session = await open_session("portal", who, agent, address=address)
        return await _let_in(request, session)
    asking = await tickets.is_asking(secret)
    return web.page(
        "portal/telegram_sign_in.html", block="state", link="", qr="", minutes=0, asking=asking
    )


@get("/password-reset", opt=ANYONE)
async def reset_new() -> Response[str]:
    return web.page("portal/password_ask.html", form=web.EMPTY)


@post("/password-reset", opt=OWN, status_code=200)
async def reset_create(request: Req) -> Response[Any]:
    return await _letter(request, "reset")


@get("/password-reset/{reset_code:str}", opt=ANYONE)
async def reset_show(reset_code: str) -> Response[str]:
    found = await tickets.look("reset", reset_code, "")
    return web.page(
        "portal/password_new.html", email=found["email"], code=reset_code, form=web.EMPTY
    )


@post("/password-reset/{reset_code:str}", opt=OWN, status_code=200)
async def reset_use(request: Req, reset_code: str) -> Response[Any]:
    form = await web.read_form(NewPassword, request)
    try:
        await tickets.set_new_password(
            visit().tenant, reset_code, form.input.password if form.input else ""
        )
    except NotFound:
        raise
    except Refusal as refusal:
        form.errors["password"] = i18n.say(f"refusal:{refusal.code}", **refusal.figures)
        return web.page(
            "portal/password_new.html", status=refusal.status, email="", code=reset_code, form=form
        )
    return web.done("/sign-in", "flash:password_set")


@get("/invitations/{invitation_code:str}", opt=ANYONE)
async def invitation_show(invitation_code: str) -> Response[str]:
    found = await people.invited_by_code(invitation_code)
    return web.page("portal/invitation.html", one=found, code=invitation_code, form=web.EMPTY)


@post("/invitations/{invitation_code:str}", opt=OWN, status_code=200)
async def invitation_accept(request: Req, invitation_code: str) -> Response[Any]:
    form = await web.read_form(NewPassword, request)
    password = form.input.password if form.input else ""
    _, agent = web.came_by(request)
    try:
        token = await people.accept(visit().tenant, invitation_code, password, agent)
    except NotFound:
        raise
    except Refusal as refusal:
        form.errors["password"] = i18n.say(f"refusal:{refusal.code}", **refusal.figures)
        async with scope(visit().tenant):
            found = await people.invited_by_code(invitation_code)
        return web.page(
            "portal/invitation.html",
            status=refusal.status,
            one=found,
            code=invitation_code,
            form=form,
        )
    if token is None:
        return web.done("/sign-in", "flash:joined")
    return await _let_in(request, token)


routes = [
    sign_in_new,
    sign_in_create,
    sign_out_create,
    link_create,
    link_show,
    link_use,
    telegram_create,
    telegram_session_create,
    reset_new,
    reset_create,
    reset_show,
    reset_use,
    invitation_show,
    invitation_accept,
]

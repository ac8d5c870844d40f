"""Sign-in of clients, preferences, the link to Telegram."""

from typing import Any
from uuid import UUID

import msgspec
from litestar import Request, Response, get, post

from dilo.kit import i18n, web
from dilo.kit.errors import Refusal
from dilo.kit.visit import visit
from dilo.parties.queries import party
from dilo.people import actions as people
from dilo.people.pages import Preferences, SignIn, set_session_cookie
from portal.access import COOKIE
from tenants.sessions import sign_in, sign_out

Req = Request[Any, Any, Any]
ANYONE = {"verb": "anyone"}
READ = {"verb": "portal.read"}
EDIT = {"verb": "account.edit"}


class Password(msgspec.Struct):
    password: str


@get("/sign-in", opt=ANYONE)
async def sign_in_new(next: str = "") -> Response[str]:
    return web.page("portal/sign_in.html", form=web.Filled(values={"next": next}))


@post("/sign-in", opt=ANYONE | {"transaction": "own"}, status_code=200)
async def sign_in_create(request: Req) -> Response[Any]:
    form = await web.read_form(SignIn, request)
    if form.input is None:
        return web.page("portal/sign_in.html", status=422, form=form)
    try:
        token = await sign_in(
            visit().tenant,
            "portal",
            form.input.email,
            form.input.password,
            address=request.client.host if request.client else "",
            user_agent=request.headers.get("user-agent", ""),
        )
    except Refusal as refusal:
        form.errors["_"] = i18n.say(f"refusal:{refusal.code}", **refusal.figures)
        return web.page("portal/sign_in.html", status=refusal.status, form=form)
    target = form.input.next if not form.input.next.startswith("/office") else "/"
    response = web.redirect(target or "/")
    set_session_cookie(response, COOKIE, token, "/", request.url.scheme == "https")
    return response


@post("/sign-out", opt=ANYONE, status_code=200)
async def sign_out_create(request: Req) -> Response[Any]:
    await sign_out(request.cookies.get(COOKIE, ""))
    response = web.redirect("/sign-in")
    response.delete_cookie(COOKIE, path="/")
    return response


@post("/preferences", opt=ANYONE, status_code=200)
async def preferences_update(request: Req) -> Response[Any]:
    form = await web.read_form(Preferences, request)
    wish = form.input or Preferences(next="/")
    if visit().actor is not None:
        await people.prefer(visit().actor, wish.language, wish.theme)
    response = web.redirect(wish.next)
    for name, value in (("dilo_language", wish.language), ("dilo_theme", wish.theme)):
        if value:
            response.set_cookie(name, value, samesite="lax", max_age=31_536_000, path="/")
    return response


@get("/account", opt=READ)
async def show() -> Response[str]:
    return web.page("portal/account.html", party=await party(_company()), form=web.EMPTY)


def _company() -> UUID:
    return visit().actor.on_behalf_of


@post("/account/password", opt=EDIT, status_code=200)
async def password_update(request: Req) -> Response[Any]:
    form = await web.read_form(Password, request)
    await people.change_password(visit().actor, form.input.password if form.input else "")
    web.flash("success", "flash:saved")
    return web.redirect("/account")


routes = [
    sign_in_new,
    sign_in_create,
    sign_out_create,
    preferences_update,
    show,
    password_update,
]

"""Sign-in of staff, own preferences, and the list of colleagues."""

from decimal import Decimal
from typing import Any, Literal
from uuid import UUID

import msgspec
from litestar import Request, Response, get, post

from dilo.kit import i18n, web
from dilo.kit.errors import Refusal
from dilo.kit.visit import visit
from dilo.people import actions, chats, queries
from dilo.people.access import COOKIE
from dilo.people.roles import VERBS, may
from dilo.people.wishes import TIMED, wishes_of
from tenants.sessions import SESSION_DAYS, sign_in, sign_out

Req = Request[Any, Any, Any]


class SignIn(msgspec.Struct):
    email: str
    password: str
    next: str = ""


class Invitation(msgspec.Struct):
    email: str
    name: str
    password: str
    role: Literal["owner", "manager", "sales", "warehouse", "accountant"]


class Preferences(msgspec.Struct):
    language: Literal["uk", "en", "ru"] | None = None
    theme: Literal["auto", "light", "dark"] | None = None
    next: str = "/office"


class Role(msgspec.Struct):
    role: Literal["owner", "manager", "sales", "warehouse", "accountant"]


def set_session_cookie(
    response: Response[Any], name: str, token: str, path: str, tls: bool
) -> None:
    response.set_cookie(
        name,
        token,
        httponly=True,
        samesite="lax",
        path=path,
        secure=tls,
        max_age=SESSION_DAYS * 86400,
    )


@get("/office/sign-in", opt=may("anyone"))
async def sign_in_new(next: str = "") -> Response[str]:
    return web.page("people/sign_in.html", form=web.Filled(values={"next": next}))


@post("/office/sign-in", opt=may("anyone", transaction="own"), status_code=200)
async def sign_in_create(request: Req) -> Response[Any]:
    form = await web.read_form(SignIn, request)
    if form.input is None:
        return web.page("people/sign_in.html", status=422, form=form)
    try:
        token = await sign_in(
            visit().tenant,
            "office",
            form.input.email,
            form.input.password,
            address=request.client.host if request.client else "",
            user_agent=request.headers.get("user-agent", ""),
        )
    except Refusal as refusal:
        form.errors["_"] = i18n.say(f"refusal:{refusal.code}", **refusal.figures)
        return web.page("people/sign_in.html", status=refusal.status, form=form)
    target = form.input.next if form.input.next.startswith("/office") else "/office"
    response = web.redirect(target)
    set_session_cookie(response, COOKIE, token, "/office", request.url.scheme == "https")
    return response


@post("/office/sign-out", opt=may("anyone"), status_code=200)
async def sign_out_create(request: Req) -> Response[Any]:
    await sign_out(request.cookies.get(COOKIE, ""))
    response = web.redirect("/office/sign-in")
    response.delete_cookie(COOKIE, path="/office")
    return response


@post("/office/preferences", opt=may("anyone"), status_code=200)
async def preferences_update(request: Req) -> Response[Any]:
    form = await web.read_form(Preferences, request)
    wish = form.input or Preferences()
    actor = visit().actor
    if actor is not None:
        await actions.prefer(actor, wish.language, wish.theme)
    response = web.redirect(wish.next)
    for name, value in (("dilo_language", wish.language), ("dilo_theme", wish.theme)):
        if value:
            response.set_cookie(name, value, samesite="lax", max_age=31_536_000, path="/")
    return response


class Password(msgspec.Struct):
    """``former``: the one in use, where there is one."""

    password: str
    former: str = ""


@get("/office/account", opt=may("signed-in"))
async def account() -> Response[str]:
    return web.page("people/account.html", wishes=await wishes_of(visit().actor), timed=TIMED)


@post("/office/account/telegram", opt=may("signed-in"), status_code=200)
async def telegram_create() -> Response[Any]:
    """A code for the bot, shown once on the next page."""
    web.flash("info", "flash:staff_code", code=await chats.make_code(visit().actor))
    return web.redirect("/office/account")


@post("/office/account/telegram/removal", opt=may("signed-in"), status_code=200)
async def telegram_destroy() -> Response[Any]:
    await chats.unlink(visit().actor)
    return web.done("/office/account")


@post("/office/account/password", opt=may("signed-in", transaction="steps"), status_code=200)
async def password_update(request: Req) -> Response[Any]:
    form = await web.read_form(Password, request)
    given, token = form.input or Password(""), request.cookies.get(COOKIE, "")
    await actions.change_password(
        visit().tenant, visit().actor, given.former, given.password, token
    )
    return web.done("/office/account")


@get("/office/people", opt=may("people.edit"))
async def index() -> Response[str]:
    return await _people(web.EMPTY)


async def _people(form: web.Filled[Any], status: int = 200) -> Response[str]:
    return web.page(
        "people/index.html",
        status=status,
        people=await queries.colleagues(),
        roles=sorted(VERBS),
        form=form,
    )


@post("/office/people", opt=may("people.edit"), status_code=200)
async def invite(request: Req) -> Response[Any]:
    form = await web.read_form(Invitation, request)
    if form.input is None:
        return await _people(form, 422)
    new = form.input
    try:
        await actions.invite(visit().actor, new.email, new.name, new.role, new.password)
    except Refusal as refusal:
        form.errors["email"] = i18n.say(f"refusal:{refusal.code}", **refusal.figures)
        return await _people(form, 422)
    return web.done("/office/people", "flash:invited", name=new.name)


@post("/office/people/{identity_id:uuid}/role", opt=may("people.edit"), status_code=200)
async def role_update(request: Req, identity_id: UUID) -> Response[Any]:
    await queries.colleague(identity_id)
    form = await web.read_form(Role, request)
    if form.input:
        await actions.change_role(visit().actor, identity_id, form.input.role)
        web.flash("success", "flash:saved")
    return web.redirect("/office/people")


class Commission(msgspec.Struct):
    percent: Decimal


@post("/office/people/{identity_id:uuid}/commission", opt=may("people.edit"), status_code=200)
async def commission_update(request: Req, identity_id: UUID) -> Response[Any]:
    await queries.colleague(identity_id)
    form = await web.read_form(Commission, request)
    if form.input is None:
        raise Refusal("PERCENT_BAD", status=422)
    await actions.set_commission(visit().actor, identity_id, form.input.percent)
    return web.done("/office/people")


@post("/office/people/{identity_id:uuid}/disabling", opt=may("people.edit"), status_code=200)
async def disabling_create(identity_id: UUID) -> Response[Any]:
    person = await queries.colleague(identity_id)
    await actions.disable(visit().actor, identity_id, person.disabled_at is None)
    return web.done("/office/people")


routes = [
    sign_in_new,
    sign_in_create,
    sign_out_create,
    preferences_update,
    index,
    invite,
    role_update,
    commission_update,
    disabling_create,
    account,
    password_update,
    telegram_create,
    telegram_destroy,
]

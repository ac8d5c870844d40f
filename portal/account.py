"""One's own account and the ways into it; the company one acts for."""

from typing import Any
from uuid import UUID

import msgspec
from litestar import Request, Response, get, post

from dilo.buyers.roles import COOKIE
from dilo.kit import web
from dilo.kit.errors import NotFound
from dilo.kit.visit import visit
from dilo.parties import consents
from dilo.parties.queries import party
from dilo.people import actions as people
from dilo.people.pages import Preferences
from portal import approvals, company, entrance
from tenants.sessions import choose_company, sessions_of, sign_out_elsewhere, token_hash

Req = Request[Any, Any, Any]
ANYONE = {"verb": "anyone"}
READ = {"verb": "portal.read"}
EDIT = {"verb": "account.edit"}


class Password(msgspec.Struct):
    """``former``: the one in use, where there is one."""

    password: str
    former: str = ""


class Choice(msgspec.Struct):
    company: UUID


class News(msgspec.Struct):
    """Of one address: ``wanted`` or no more."""

    channel: str
    address: str
    wanted: bool = False


@post("/preferences", opt=ANYONE, status_code=200)
async def preferences_update(request: Req) -> Response[Any]:
    form = await web.read_form(Preferences, request)
    wish = form.input or Preferences(next="/")
    actor = visit().actor
    if actor is not None and actor.may("account.edit"):
        await people.prefer(actor, wish.language, wish.theme)
    response = web.redirect(wish.next)
    for name, value in (("dilo_language", wish.language), ("dilo_theme", wish.theme)):
        if value:
            response.set_cookie(name, value, samesite="lax", max_age=31_536_000, path="/")
    return response


@get("/account", opt=READ)
async def show(request: Req) -> Response[str]:
    actor = visit().actor
    return web.page(
        "portal/account.html",
        party=await party(actor.on_behalf_of),
        sessions=await sessions_of(actor.id, "portal"),
        addresses=await consents.own_addresses(actor),
        mail=await consents.own_mail(actor),
        here=token_hash(request.cookies.get(COOKIE, "")),
        form=web.EMPTY,
    )


@post("/account/company", opt=EDIT, status_code=200)
async def company_update(request: Req) -> Response[Any]:
    """Another of one's own companies; any other id is told what an unknown one is."""
    form = await web.read_form(Choice, request)
    wanted = form.input.company if form.input else None
    if wanted is None or wanted not in {one["party_id"] for one in visit().extras["seats"]}:
        raise NotFound
    await choose_company(request.cookies.get(COOKIE, ""), wanted)
    return web.redirect("/")


@post("/account/news", opt=EDIT, status_code=200)
async def news_update(request: Req) -> Response[Any]:
    """One's own addresses only: another's is told what an unknown one is."""
    form = await web.read_form(News, request)
    said = form.input
    if said is None:
        raise NotFound
    await consents.choose(visit().actor, said.channel, said.address, said.wanted, "portal")
    return web.done("/account#news")


@post("/account/password", opt=EDIT | {"transaction": "steps"}, status_code=200)
async def password_update(request: Req) -> Response[Any]:
    form = await web.read_form(Password, request)
    given, token = form.input or Password(""), request.cookies.get(COOKIE, "")
    await people.change_password(visit().tenant, visit().actor, given.former, given.password, token)
    return web.done("/account")


@post("/account/sessions/elsewhere", opt=EDIT, status_code=200)
async def sessions_destroy(request: Req) -> Response[Any]:
    await sign_out_elsewhere(visit().actor.id, request.cookies.get(COOKIE, ""))
    return web.done("/account", "flash:signed_out_elsewhere")


routes = [
    *entrance.routes,
    *company.routes,
    *approvals.routes,
    preferences_update,
    show,
    company_update,
    news_update,
    password_update,
    sessions_destroy,
]

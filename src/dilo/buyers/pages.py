"""The portal's people in the office: who has access, whose rules, a visit as a customer."""

from typing import Any
from uuid import UUID

from litestar import Request, Response, get, post

from dilo.buyers import impersonation, people, queries, seats
from dilo.buyers.people import InvitationForm
from dilo.buyers.roles import COOKIE, ROLES
from dilo.kit import clock, i18n, web
from dilo.kit.export import table_file
from dilo.kit.ids import uuid_or_none
from dilo.kit.paging import Paging
from dilo.kit.visit import visit
from dilo.parties.queries import party, party_names
from dilo.people.roles import may

Req = Request[Any, Any, Any]
EDIT = may("portal.invite")
EXPORT_MAX = 20_000
STATES = ("waiting", "approved", "refused", "withdrawn")


@get("/office/portal-users", opt=EDIT)
async def index() -> Response[Any]:
    query = visit().query
    filters: dict[str, Any] = {
        "search": query.get("q", ""),
        "role": query.get("role", ""),
        "state": query.get("state", ""),
        "party_id": uuid_or_none(query.get("party")),
    }
    if kind := query.get("as"):
        return await _export(kind, filters)
    page = await seats.seats(Paging.of(query, "name"), **filters)
    return web.page(
        "buyers/index.html",
        block="list",
        page=page,
        invitations=await seats.invitations(filters["party_id"], clock.now()),
        companies=await seats.companies(),
        roles=ROLES,
        states=seats.STATES,
        letters=people.letters_go(),
    )


async def _export(kind: str, filters: dict[str, Any]) -> Response[Any]:
    page = await seats.seats(Paging(1, EXPORT_MAX, "name"), **filters)
    names = ("name", "email", "party", "portal_role", "portal_division", "seen")
    rows = [
        (
            one.name,
            one.email,
            one.party_name,
            i18n.say(f"portal_role:{one.role}"),
            one.division or "",
            one.seen_at,
        )
        for one in page.rows
    ]
    return table_file("portal-users", kind, [i18n.say(f"column:{name}") for name in names], rows)


@get("/office/portal-users/new", opt=EDIT)
async def new() -> Response[Any]:
    """Which company: its page has the form."""
    query = visit().query
    if chosen := uuid_or_none(query.get("party")):
        return web.redirect(f"/office/parties/{chosen}/company#invite")
    return web.page(
        "buyers/new.html",
        block="names",
        names=await party_names(query.get("q", ""), 30),
        where="/office/portal-users/new",
    )


@post("/office/portal-users/{seat_id:uuid}/disabling", opt=EDIT, status_code=200)
async def seat_disable(request: Req, seat_id: UUID) -> Response[Any]:
    one = await seats.seat(seat_id)
    await people.set_disabled(visit().actor, one.party_id, seat_id, one.disabled_at is None)
    web.flash("success", "flash:saved")
    at_company = (await request.form()).get("at_company")
    return web.redirect(
        f"/office/parties/{one.party_id}/company" if at_company else "/office/portal-users"
    )


@post(
    "/office/portal-users/{seat_id:uuid}/impersonation",
    opt=may(impersonation.VERB),
    status_code=200,
)
async def impersonation_create(request: Req, seat_id: UUID) -> Response[Any]:
    """The portal opens as this person, in a session apart that ends by itself."""
    token = await impersonation.begin(visit().actor, seat_id, *web.came_by(request))
    response = web.redirect("/")
    response.set_cookie(
        COOKIE,
        token,
        httponly=True,
        samesite="lax",
        path="/",
        secure=request.url.scheme == "https",
        max_age=impersonation.MINUTES * 60,
    )
    return response


@post("/office/portal-users/invitations/{invitation_id:uuid}/resending", opt=EDIT, status_code=200)
async def invitation_resend(invitation_id: UUID) -> Response[Any]:
    company = await seats.company_of_invitation(invitation_id)
    await people.invite_again(visit().actor, company, invitation_id)
    return web.done("/office/portal-users")


@post("/office/portal-users/invitations/{invitation_id:uuid}/link", opt=EDIT, status_code=200)
async def invitation_link(invitation_id: UUID) -> Response[str]:
    """Shown on this one answer and nowhere else."""
    company = await seats.company_of_invitation(invitation_id)
    link = await people.link_instead_of_letter(visit().actor, company, invitation_id)
    return await _company(company, web.EMPTY, link=link)


@post("/office/portal-users/invitations/{invitation_id:uuid}/revocation", opt=EDIT, status_code=200)
async def invitation_revoke(invitation_id: UUID) -> Response[Any]:
    company = await seats.company_of_invitation(invitation_id)
    await people.revoke(visit().actor, company, invitation_id)
    return web.done("/office/portal-users")


@get("/office/parties/{party_id:uuid}/company", opt=may("parties.read"))
async def company_show(party_id: UUID) -> Response[str]:
    return await _company(party_id, web.EMPTY)


async def _company(
    party_id: UUID, form: web.Filled[Any], status: int = 200, link: str = ""
) -> Response[str]:
    return web.page(
        "buyers/company.html",
        status=status,
        form=form,
        party=await party(party_id),
        people=await seats.seats_of_company(party_id),
        invitations=await seats.invitations(party_id, clock.now()),
        limits=await seats.limits_of(party_id),
        steps=await seats.steps_of(party_id),
        stand_in=await seats.admins_stand_in(party_id),
        divisions=await seats.divisions_of(party_id),
        addresses=await queries.addresses_of(party_id),
        requests=(await queries.requests(Paging(1, 10), party_id=party_id)).rows,
        roles=ROLES,
        letters=people.letters_go(),
        link=link,
    )


@post("/office/parties/{party_id:uuid}/invitations", opt=EDIT, status_code=200)
async def invitation_create(request: Req, party_id: UUID) -> Response[Any]:
    await party(party_id)
    form = await web.read_form(InvitationForm, request)
    if form.input is None:
        return await _company(party_id, form, 422)
    with form.refusals("email"):
        await people.invite(visit().actor, party_id, form.input)
        where = f"/office/parties/{party_id}/company"
        return web.done(where, "flash:portal_invitation_sent", email=form.input.email)
    return await _company(party_id, form, 422)


@get("/office/portal-approvals", opt=may("orders.read"))
async def approvals_index() -> Response[Any]:
    """What waits inside customers' companies: seen here, decided there."""
    query = visit().query
    state = query.get("state", "")
    filters: dict[str, Any] = {
        "party_id": uuid_or_none(query.get("party")),
        "state": state if state in STATES else "",
        "search": query.get("q", ""),
    }
    if kind := query.get("as"):
        found = await queries.requests(Paging(1, EXPORT_MAX), **filters)
        names = "number date party who amount currency state".split()
        head = [i18n.say(f"column:{name}") for name in names]
        return table_file("approvals", kind, head, (_approval_cells(one) for one in found.rows))
    page = await queries.requests(Paging.of(query), **filters)
    return web.page("buyers/approvals.html", block="list", page=page, states=STATES)


def _approval_cells(one: queries.Request) -> tuple[Any, ...]:
    return (
        one.number,
        one.created_at.date(),
        one.party_name,
        one.requested_name,
        one.amount,
        one.currency,
        i18n.say(f"approval_state:{one.state}"),
    )


routes = [
    index,
    new,
    seat_disable,
    impersonation_create,
    invitation_resend,
    invitation_link,
    invitation_revoke,
    company_show,
    invitation_create,
    approvals_index,
]

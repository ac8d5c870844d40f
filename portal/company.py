"""The company's administrator at home: people, divisions, limits, approvals, addresses."""

from collections.abc import Awaitable
from typing import Any
from uuid import UUID

import msgspec
from litestar import Request, Response, get, post

from dilo.buyers import addresses, divisions, limits, people, queries, seats
from dilo.buyers.addresses import AddressForm
from dilo.buyers.divisions import DivisionForm
from dilo.buyers.limits import LimitForm, StepForm
from dilo.buyers.people import InvitationForm, SeatForm
from dilo.buyers.roles import ROLES
from dilo.buyers.rules import PERIODS
from dilo.kit import clock, web
from dilo.kit.errors import Invalid, NotFound
from dilo.kit.visit import visit

Req = Request[Any, Any, Any]
EDIT = {"verb": "company.edit"}
PLACES = {"verb": "addresses.edit"}


def _company() -> UUID:
    return visit().actor.on_behalf_of


async def _saved(doing: Awaitable[Any], back: str) -> Response[Any]:
    await doing
    return web.done(back)


async def _input(shape: type[Any], request: Req) -> Any:
    form = await web.read_form(shape, request)
    if form.input is None:
        raise Invalid(form.errors)
    return form.input


@get("/company", opt=EDIT)
async def index() -> Response[str]:
    return await _people(web.EMPTY)


async def _people(form: web.Filled[Any], status: int = 200, link: str = "") -> Response[str]:
    company = _company()
    return web.page(
        "portal/company.html",
        status=status,
        form=form,
        people=await seats.seats_of_company(company),
        invitations=await seats.invitations(company, clock.now()),
        divisions=await seats.divisions_of(company),
        roles=ROLES,
        letters=people.letters_go(),
        link=link,
    )


@post("/company/invitations", opt=EDIT, status_code=200)
async def invitation_create(request: Req) -> Response[Any]:
    form = await web.read_form(InvitationForm, request)
    if form.input is None:
        return await _people(form, 422)
    with form.refusals("email"):
        await people.invite(visit().actor, _company(), form.input)
        return web.done("/company", "flash:invitation_sent", email=form.input.email)
    return await _people(form, 422)


@post("/company/invitations/{invitation_id:uuid}/resending", opt=EDIT, status_code=200)
async def invitation_resend(invitation_id: UUID) -> Response[Any]:
    return await _saved(people.invite_again(visit().actor, _company(), invitation_id), "/company")


@post("/company/invitations/{invitation_id:uuid}/link", opt=EDIT, status_code=200)
async def invitation_link(invitation_id: UUID) -> Response[str]:
    """Shown on this one answer and nowhere else."""
    link = await people.link_instead_of_letter(visit().actor, _company(), invitation_id)
    return await _people(web.EMPTY, link=link)


@post("/company/invitations/{invitation_id:uuid}/revocation", opt=EDIT, status_code=200)
async def invitation_revoke(invitation_id: UUID) -> Response[Any]:
    return await _saved(people.revoke(visit().actor, _company(), invitation_id), "/company")


@post("/company/people/{seat_id:uuid}", opt=EDIT, status_code=200)
async def seat_update(request: Req, seat_id: UUID) -> Response[Any]:
    await _own_seat(seat_id)
    form = await _input(SeatForm, request)
    return await _saved(people.change_seat(visit().actor, _company(), seat_id, form), "/company")


@post("/company/people/{seat_id:uuid}/disabling", opt=EDIT, status_code=200)
async def seat_disable(seat_id: UUID) -> Response[Any]:
    found = await _own_seat(seat_id)
    disabled = found.disabled_at is None
    return await _saved(
        people.set_disabled(visit().actor, _company(), seat_id, disabled), "/company"
    )


async def _own_seat(seat_id: UUID) -> seats.Seat:
    found = await seats.seat(seat_id)
    if found.party_id != _company():
        raise NotFound
    return found


@get("/company/rules", opt=EDIT)
async def rules_show() -> Response[str]:
    company = _company()
    return web.page(
        "portal/company_rules.html",
        form=web.EMPTY,
        limits=await seats.limits_of(company),
        steps=await seats.steps_of(company),
        stand_in=await seats.admins_stand_in(company),
        people=[s for s in await seats.seats_of_company(company) if s.disabled_at is None],
        divisions=await seats.divisions_of(company),
        periods=PERIODS,
    )


@post("/company/limits", opt=EDIT, status_code=200)
async def limit_create(request: Req) -> Response[Any]:
    form = await _input(LimitForm, request)
    return await _saved(limits.save_limit(visit().actor, _company(), form), "/company/rules")


@post("/company/limits/{spending_id:uuid}/removal", opt=EDIT, status_code=200)
async def limit_destroy(spending_id: UUID) -> Response[Any]:
    return await _saved(limits.drop_limit(visit().actor, _company(), spending_id), "/company/rules")


@post("/company/steps", opt=EDIT, status_code=200)
async def step_create(request: Req) -> Response[Any]:
    form = await _input(StepForm, request)
    return await _saved(limits.save_step(visit().actor, _company(), form), "/company/rules")


@post("/company/steps/{step_id:uuid}/removal", opt=EDIT, status_code=200)
async def step_destroy(step_id: UUID) -> Response[Any]:
    return await _saved(limits.drop_step(visit().actor, _company(), step_id), "/company/rules")


class StandIn(msgspec.Struct):
    yes: str | None = None


@post("/company/stand-in", opt=EDIT, status_code=200)
async def stand_in_update(request: Req) -> Response[Any]:
    form = await _input(StandIn, request)
    return await _saved(
        limits.let_admins_stand_in(visit().actor, _company(), form.yes == "on"), "/company/rules"
    )


@get("/company/divisions", opt=EDIT)
async def divisions_show() -> Response[str]:
    tree = await seats.divisions_of(_company())
    return web.page("portal/company_divisions.html", form=web.EMPTY, divisions=tree)


@post("/company/divisions", opt=EDIT, status_code=200)
async def division_create(request: Req) -> Response[Any]:
    form = await _input(DivisionForm, request)
    return await _saved(
        divisions.save_division(visit().actor, _company(), form), "/company/divisions"
    )


@post("/company/divisions/{division_id:uuid}", opt=EDIT, status_code=200)
async def division_update(request: Req, division_id: UUID) -> Response[Any]:
    form = await web.read_form(DivisionForm, request)
    if form.input is None:
        raise NotFound
    return await _saved(
        divisions.save_division(visit().actor, _company(), form.input, division_id),
        "/company/divisions",
    )


@post("/company/divisions/{division_id:uuid}/retirement", opt=EDIT, status_code=200)
async def division_retire(division_id: UUID) -> Response[Any]:
    return await _saved(
        divisions.retire_division(visit().actor, _company(), division_id), "/company/divisions"
    )


@get("/company/addresses", opt=PLACES)
async def addresses_show() -> Response[str]:
    return await _addresses(web.EMPTY)


async def _addresses(
    form: web.Filled[Any], one: queries.Address | None = None, status: int = 200
) -> Response[str]:
    company = _company()
    return web.page(
        "portal/company_addresses.html",
        status=status,
        form=form,
        one=one,
        addresses=await queries.addresses_of(company),
        divisions=await seats.divisions_of(company),
    )


@get("/company/addresses/{address_id:uuid}", opt=PLACES)
async def address_edit(address_id: UUID) -> Response[str]:
    return await _addresses(web.EMPTY, await addresses.own_address(_company(), address_id))


@post("/company/addresses", opt=PLACES, status_code=200)
async def address_create(request: Req) -> Response[Any]:
    return await _save_address(request, None)


@post("/company/addresses/{address_id:uuid}", opt=PLACES, status_code=200)
async def address_update(request: Req, address_id: UUID) -> Response[Any]:
    return await _save_address(request, await addresses.own_address(_company(), address_id))


async def _save_address(request: Req, one: queries.Address | None) -> Response[Any]:
    form = await web.read_form(AddressForm, request)
    if form.input is None:
        return await _addresses(form, one, 422)
    return await _saved(
        addresses.save_address(visit().actor, _company(), form.input, one.id if one else None),
        "/company/addresses",
    )


@post("/company/addresses/{address_id:uuid}/retirement", opt=PLACES, status_code=200)
async def address_retire(address_id: UUID) -> Response[Any]:
    return await _saved(
        addresses.retire_address(visit().actor, _company(), address_id), "/company/addresses"
    )


routes = [
    index,
    invitation_create,
    invitation_resend,
    invitation_link,
    invitation_revoke,
    seat_update,
    seat_disable,
    rules_show,
    limit_create,
    limit_destroy,
    step_create,
    step_destroy,
    stand_in_update,
    divisions_show,
    division_create,
    division_update,
    division_retire,
    addresses_show,
    address_edit,
    address_create,
    address_update,
    address_retire,
]

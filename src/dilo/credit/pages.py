"""Credit policy in the office: the company's checks, a party's securities and limits."""

from typing import Any
from uuid import UUID

from litestar import Request, Response, get, post

from dilo.credit import actions, queries
from dilo.credit.actions import CheckForm, GroupForm, SecurityForm, TemporaryForm
from dilo.kit import web
from dilo.kit.errors import Invalid, Refusal
from dilo.kit.visit import visit
from dilo.parties import queries as parties
from dilo.people.roles import may

Req = Request[Any, Any, Any]
EDIT = may("credit.edit")


def _home(party_id: UUID | None) -> str:
    return f"/office/parties/{party_id}/standing" if party_id else "/office/credit"


@get("/office/credit", opt=EDIT)
async def index() -> Response[str]:
    return await _index(web.EMPTY)


async def _index(form: web.Filled[Any], status: int = 200) -> Response[str]:
    return web.page(
        "credit/index.html",
        status=status,
        form=form,
        checks=await queries.checks(),
        components=queries.COMPONENTS,
        actions=queries.ACTIONS,
        segments=await parties.segments(),
    )


@post("/office/credit/checks", opt=EDIT, status_code=200)
async def check_create(request: Req) -> Response[Any]:
    form = await web.read_form(CheckForm, request)
    if form.input is not None:
        with form.refusals():
            await actions.save_check(visit().actor, form.input)
            return web.done(_home(form.input.party_id))
    return await _index(form, 422)


@post("/office/credit/checks/{check_id:uuid}/removal", opt=EDIT, status_code=200)
async def check_destroy(check_id: UUID) -> Response[Any]:
    await actions.drop_check(visit().actor, check_id)
    return web.done("/office/credit")


@post("/office/parties/{party_id:uuid}/securities", opt=EDIT, status_code=200)
async def security_create(request: Req, party_id: UUID) -> Response[Any]:
    await parties.party(party_id)
    form = await web.read_form(SecurityForm, request)
    if form.input is None:
        raise Invalid(form.errors)
    await actions.add_security(visit().actor, party_id, form.input)
    return web.done(_home(party_id))


@post(
    "/office/parties/{party_id:uuid}/securities/{security_id:uuid}/release",
    opt=EDIT,
    status_code=200,
)
async def release_create(party_id: UUID, security_id: UUID) -> Response[Any]:
    await actions.release_security(visit().actor, party_id, security_id)
    return web.done(_home(party_id))


@post("/office/parties/{party_id:uuid}/temporary-limits", opt=EDIT, status_code=200)
async def temporary_create(request: Req, party_id: UUID) -> Response[Any]:
    await parties.party(party_id)
    form = await web.read_form(TemporaryForm, request)
    if form.input is None:
        raise Invalid(form.errors)
    await actions.add_temporary_limit(visit().actor, party_id, form.input)
    return web.done(_home(party_id))


@post(
    "/office/parties/{party_id:uuid}/temporary-limits/{limit_id:uuid}/ending",
    opt=EDIT,
    status_code=200,
)
async def temporary_end(party_id: UUID, limit_id: UUID) -> Response[Any]:
    await actions.end_temporary_limit(visit().actor, party_id, limit_id)
    return web.done(_home(party_id))


@post("/office/parties/{party_id:uuid}/group", opt=EDIT, status_code=200)
async def group_update(request: Req, party_id: UUID) -> Response[Any]:
    await parties.party(party_id)
    form = await web.read_form(GroupForm, request)
    wish = form.input or GroupForm()
    parent_id = await parties.party_of_code(wish.parent) if wish.parent else None
    if wish.parent and parent_id is None:
        raise Refusal("UNKNOWN_PARTY", status=422, code=wish.parent)
    await actions.set_group(visit().actor, party_id, parent_id, wish.covers_children == "on")
    return web.done(_home(party_id))


routes = [
    index,
    check_create,
    check_destroy,
    security_create,
    release_create,
    temporary_create,
    temporary_end,
    group_update,
]

"""Bank statements in the office: upload, what was posted, the queue of what needs a look."""

from typing import Any
from uuid import UUID

import msgspec
from litestar import Request, Response, get, post
from litestar.datastructures import UploadFile

from dilo.banking import actions, queries
from dilo.banking.actions import Columns
from dilo.kit import i18n, web
from dilo.kit.errors import NotFound, Refusal
from dilo.kit.ids import uuid_or_none
from dilo.kit.paging import Paging
from dilo.kit.visit import visit
from dilo.parties import queries as parties
from dilo.payments.actions import AllocationPolicy
from dilo.people.roles import may
from tenants.settings import change_setting, setting

Req = Request[Any, Any, Any]
UPLOAD_MAX = 6 * 1024 * 1024
STATES = ("review", "posted", "ignored")
MAY = may("banking.run")


@get("/office/bank", opt=MAY)
async def index() -> Response[str]:
    return await _index(web.EMPTY)


async def _index(form: web.Filled[Any], status: int = 200) -> Response[str]:
    query = visit().query
    state = query.get("state", "review")
    return web.page(
        "banking/index.html",
        block="list",
        status=status,
        form=form,
        page=await queries.lines(
            Paging.of(query),
            state=state if state in STATES else "",
            statement_id=uuid_or_none(query.get("statement")),
            search=query.get("q", ""),
            direction=query.get("direction", ""),
        ),
        state=state,
        states=STATES,
        counts=await queries.counts(),
        statements=await queries.statements(),
        columns=await setting("bank_columns", Columns),
        policy=await setting("allocation", AllocationPolicy),
        fields=[info.name for info in msgspec.structs.fields(Columns)],
    )


@post("/office/bank", opt=may("banking.run", body_max=UPLOAD_MAX), status_code=200)
async def create(request: Req) -> Response[Any]:
    upload = (await request.form()).get("file")
    form: web.Filled[Any] = web.Filled(values={})
    try:
        if not isinstance(upload, UploadFile) or not upload.filename:
            raise Refusal("FILE_MISSING", status=422)
        done = await actions.import_statement(visit().actor, upload.filename, await upload.read())
    except Refusal as refusal:
        form.errors["_"] = i18n.say(f"refusal:{refusal.code}", **refusal.figures)
        return await _index(form, 422)
    web.flash(
        "warning" if done.review or done.faults else "success",
        "flash:bank_imported",
        lines=done.lines,
        posted=done.posted,
        review=done.review,
        known=done.known,
        faults=len(done.faults),
    )
    return web.redirect(f"/office/bank?state=&statement={done.statement_id}")


@get("/office/bank/lines/{line_id:uuid}", opt=MAY)
async def show(line_id: UUID) -> Response[str]:
    line = await queries.line(line_id)
    return web.page(
        "banking/show.html",
        block="names",
        line=line,
        names=await parties.party_names(visit().query.get("q", ""), 20),
    )


class Confirmation(msgspec.Struct):
    party: UUID


@post("/office/bank/lines/{line_id:uuid}/confirmation", opt=MAY, status_code=200)
async def confirmation_create(request: Req, line_id: UUID) -> Response[Any]:
    await queries.line(line_id)
    form = await web.read_form(Confirmation, request)
    if form.input is None:
        raise NotFound
    await parties.party(form.input.party)
    await actions.confirm_line(visit().actor, line_id, form.input.party)
    return web.done("/office/bank", "flash:payment_recorded")


@post("/office/bank/lines/{line_id:uuid}/ignoring", opt=MAY, status_code=200)
async def ignoring_create(line_id: UUID) -> Response[Any]:
    """Leaves a line aside, or takes it back into the queue."""
    line = await queries.line(line_id)
    await actions.ignore_line(visit().actor, line_id, line.state != "ignored")
    return web.done("/office/bank")


@post("/office/bank/columns", opt=MAY, status_code=200)
async def columns_update(request: Req) -> Response[Any]:
    form = await web.read_form(Columns, request)
    await actions.save_columns(visit().actor, form.input or Columns())
    return web.done("/office/bank")


@post("/office/bank/allocation", opt=MAY, status_code=200)
async def allocation_update(request: Req) -> Response[Any]:
    form = await web.read_form(AllocationPolicy, request)
    await change_setting(visit().actor, "allocation", form.input or AllocationPolicy())
    return web.done("/office/bank")


routes = [
    index,
    create,
    show,
    confirmation_create,
    ignoring_create,
    columns_update,
    allocation_update,
]

"""Orders of colleagues that wait for a yes: the list, one with its goods, the answer."""

from typing import Any, Literal
from uuid import UUID

import msgspec
from litestar import Request, Response, get, post

from dilo.buyers import queries
from dilo.kit import web
from dilo.kit.errors import NotFound
from dilo.kit.paging import Paging
from dilo.kit.visit import visit
from dilo.orders.actions import decide_approval
from dilo.orders.queries import order

Req = Request[Any, Any, Any]
DECIDE = {"verb": "approvals.decide"}
STATES = ("waiting", "approved", "refused", "withdrawn")


class Answer(msgspec.Struct):
    answer: Literal["yes", "no"]
    step: UUID
    comment: str | None = None


@get("/approvals", opt=DECIDE)
async def index() -> Response[str]:
    query = visit().query
    state = query.get("state", "")
    page = await queries.requests(
        Paging.of(query),
        party_id=visit().actor.on_behalf_of,
        state=state if state in STATES else "",
        search=query.get("q", ""),
    )
    return web.page("portal/approvals.html", block="list", page=page, states=STATES)


async def _own(approval_id: UUID) -> queries.Request:
    found = await queries.request_or_none(approval_id)
    if found is None or found.party_id != visit().actor.on_behalf_of:
        raise NotFound
    return found


@get("/approvals/{approval_id:uuid}", opt=DECIDE)
async def show(approval_id: UUID) -> Response[str]:
    one = await _own(approval_id)
    return web.page(
        "portal/approval.html",
        one=one,
        turns=await queries.turns_of(approval_id),
        turn=await queries.current_turn(approval_id),
        order=await order(one.order_id),
        mine=await queries.may_answer(approval_id, visit().actor.id),
    )


@post("/approvals/{approval_id:uuid}/decision", opt=DECIDE, status_code=200)
async def decision_create(request: Req, approval_id: UUID) -> Response[Any]:
    await _own(approval_id)
    form = await web.read_form(Answer, request)
    if form.input is None:
        raise NotFound
    given = form.input
    await decide_approval(
        visit().actor, approval_id, given.answer == "yes", given.comment, given.step
    )
    said = "flash:approved" if given.answer == "yes" else "flash:refused"
    return web.done(f"/approvals/{approval_id}", said)


routes = [index, show, decision_create]

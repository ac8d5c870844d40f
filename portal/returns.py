"""Returns and claims: a problem is reported, its road is followed, a word is said."""

from typing import Any
from uuid import UUID

from litestar import Request, Response, get, post

from dilo.claims import actions, queries
from dilo.claims.pages import request_of
from dilo.claims.rules import REASONS, WISHES
from dilo.kit import files, web
from dilo.kit.errors import NotFound
from dilo.kit.ids import uuid7
from dilo.kit.paging import Paging
from dilo.kit.visit import visit
from dilo.orders.queries import order_head
from dilo.parties.talks import RemarkForm

Req = Request[Any, Any, Any]
READ = {"verb": "portal.read"}
EDIT = {"verb": "orders.edit"}


@get("/claims", opt=READ)
async def index() -> Response[str]:
    query = visit().query
    page = await queries.claims(
        Paging.of(query), party_id=visit().actor.on_behalf_of, search=query.get("q", "")
    )
    return web.page("portal/claims.html", block="list", page=page)


@get("/orders/{order_id:uuid}/claims/new", opt=EDIT)
async def new(order_id: UUID) -> Response[str]:
    order = await order_head(order_id)
    if order.party_id != visit().actor.on_behalf_of:
        raise NotFound
    return web.page(
        "portal/claim_new.html",
        order=order,
        lines=await queries.claimable(order_id),
        reasons=REASONS,
        wishes=WISHES,
        key=uuid7().hex,
    )


@post("/orders/{order_id:uuid}/claims", opt=EDIT, status_code=200)
async def create(request: Req, order_id: UUID) -> Response[Any]:
    asked = await request_of(request, order_id, "portal")
    claim_id = await actions.request_claim(visit().actor, asked)
    web.flash("success", "flash:claim_sent")
    return _to(claim_id)


def _to(claim_id: UUID) -> Response[Any]:
    return web.redirect(f"/claims/{claim_id}")


@get("/claims/{claim_id:uuid}", opt=READ)
async def show(claim_id: UUID) -> Response[str]:
    found = await queries.case(claim_id, visit().actor)
    return web.page("portal/claim.html", found=found, head=found.head)


@post("/claims/{claim_id:uuid}/cancellation", opt=EDIT, status_code=200)
async def cancellation_create(claim_id: UUID) -> Response[Any]:
    await actions.call_off(visit().actor, claim_id)
    return _to(claim_id)


@post("/claims/{claim_id:uuid}/remarks", opt=EDIT, status_code=200)
async def remark_create(request: Req, claim_id: UUID) -> Response[Any]:
    form = await web.read_form(RemarkForm, request)
    text = form.input.text if form.input else ""
    await actions.say(visit().actor, claim_id, text, await files.brought(request))
    return _to(claim_id)


routes = [index, new, create, show, cancellation_create, remark_create]

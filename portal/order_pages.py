"""Own orders: the list, and one page an order with all that belongs to it."""

from typing import Any
from uuid import UUID

from litestar import Request, Response, get, post

from dilo.kit import web
from dilo.kit.errors import NotFound
from dilo.kit.paging import Paging
from dilo.kit.visit import visit
from dilo.orders import actions, cart, queries
from dilo.orders.forms import ReasonForm

Req = Request[Any, Any, Any]
READ = {"verb": "portal.read"}
EDIT = {"verb": "orders.edit"}
SUBMIT = {"verb": "orders.submit"}


@get("/orders", opt=READ)
async def index() -> Response[str]:
    query = visit().query
    page = await queries.orders(
        Paging.of(query),
        party_id=visit().actor.on_behalf_of,
        search=query.get("q", ""),
        state=query.get("state", ""),
    )
    return web.page("portal/orders.html", block="list", page=page)


async def _own(order_id: UUID) -> queries.Order:
    order = await queries.order(order_id)
    if order.head.party_id != visit().actor.on_behalf_of:
        raise NotFound
    return order


@get("/orders/{order_id:uuid}", opt=READ)
async def show(order_id: UUID) -> Response[str]:
    order = await _own(order_id)
    return web.page("portal/order.html", order=order, head=order.head)


@post("/orders/{order_id:uuid}/submission", opt=SUBMIT, status_code=200)
async def submission_create(order_id: UUID) -> Response[Any]:
    await _own(order_id)
    placed = await actions.submit_order(visit().actor, order_id)
    web.flash(
        "warning" if placed.held else "success", f"flash:order_{placed.state}", number=placed.number
    )
    return web.redirect(f"/orders/{order_id}")


@post("/orders/{order_id:uuid}/cancellation", opt={"verb": "orders.cancel"}, status_code=200)
async def cancellation_create(request: Req, order_id: UUID) -> Response[Any]:
    await _own(order_id)
    form = await web.read_form(ReasonForm, request)
    await actions.cancel_order(visit().actor, order_id, form.input.reason if form.input else "")
    web.flash("success", "flash:saved")
    return web.redirect(f"/orders/{order_id}")


@post("/orders/{order_id:uuid}/repetition", opt=EDIT, status_code=200)
async def repetition_create(order_id: UUID) -> Response[Any]:
    """The same goods into the cart, at today's prices."""
    order = await _own(order_id)
    for line in order.lines:
        await cart.put(visit().actor, line.product_id, line.quantity)
    return web.redirect("/cart")


routes = [index, show, submission_create, cancellation_create, repetition_create]

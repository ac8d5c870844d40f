"""Own orders: the list, and one page an order with all that belongs to it."""

from typing import Any
from uuid import UUID

from litestar import Request, Response, get, post

from dilo.buyers import queries as buyers
from dilo.claims.queries import claims_of_order
from dilo.kit import files, i18n, web
from dilo.kit.errors import NotFound, Refusal
from dilo.kit.export import table_file
from dilo.kit.paging import Paging
from dilo.kit.visit import visit
from dilo.orders import actions, own, queries, ratings, tracking
from dilo.orders.forms import ReasonForm
from dilo.orders.shipment_pages import packing_slip
from dilo.parties.talks import RemarkForm, attach, attachments, remark, remarks
from dilo.payments.pages import day_or_none
from dilo.quotes.queries import quote_of_order
from portal.pay import release_offer

Req = Request[Any, Any, Any]
READ = {"verb": "orders.read"}
EDIT = {"verb": "orders.edit"}
SUBMIT = {"verb": "orders.submit"}
EXPORT_MAX = 20_000
STATES = ("open", "draft", "on_hold", "confirmed", "partially_shipped", "shipped", "cancelled")
COLUMNS = ("number", "date", "state", "amount", "paid", "currency", "who", "comment")


@get("/orders", opt=READ)
async def index() -> Response[Any]:
    query, company = visit().query, visit().actor.on_behalf_of
    state = query.get("state", "")
    chosen: dict[str, Any] = {
        "search": query.get("q", ""),
        "state": state if state in STATES else "",
        "who": query.get("who", ""),
        "since": day_or_none(query.get("since")),
        "until": day_or_none(query.get("until")),
    }
    if kind := query.get("as"):
        paging = Paging(1, EXPORT_MAX, query.get("sort", ""))
        return _file(kind, await own.own_orders(paging, company, **chosen))
    return web.page(
        "portal/orders.html",
        block="list",
        page=await own.own_orders(Paging.of(query), company, **chosen),
        states=STATES,
        buyers=await own.buyers_of(company),
    )


def _file(kind: str, page: Any) -> Response[Any]:
    head = [i18n.say(f"column:{name}") for name in COLUMNS]
    rows = (
        (
            o.number,
            o.created_at.date(),
            i18n.say(f"state:{o.state}"),
            o.total,
            o.paid_amount,
            o.currency,
            o.placed_by,
            o.comment,
        )
        for o in page.rows
    )
    return table_file("orders", kind, head, rows)


async def _own(order_id: UUID) -> queries.Order:
    order = await queries.order(order_id)
    if order.head.party_id != visit().actor.on_behalf_of:
        raise NotFound
    return order


@get("/orders/{order_id:uuid}", opt=READ)
async def show(order_id: UUID) -> Response[str]:
    """All that belongs to an order on one page."""
    order = await _own(order_id)
    asked = await buyers.request_of_order(order_id)
    return web.page(
        "portal/order.html",
        order=order,
        head=order.head,
        asked=asked,
        turns=await buyers.turns_of(asked.id) if asked else [],
        offer=await release_offer(order),
        reserved=await own.reserved_of(order_id),
        shipments=await tracking.shipments_of(order_id),
        papers=await own.papers_of(order_id) if visit().actor.may("money.read") else [],
        quote=await quote_of_order(order_id),
        claims=await claims_of_order(order_id),
        talk=await remarks(order_id),
        attached=await attachments([order_id]),
    )


@post("/orders/{order_id:uuid}/remarks", opt=EDIT, status_code=200)
async def remark_create(request: Req, order_id: UUID) -> Response[Any]:
    """A word to the manager, with files."""
    order, actor = await _own(order_id), visit().actor
    form = await web.read_form(RemarkForm, request)
    text, brought = (form.input.text if form.input else ""), await files.brought(request)
    if text.strip() or not brought:
        await remark(actor, "order", order_id, order.head.party_id, text)
    await attach(actor, "order", order_id, order.head.party_id, brought)
    return web.redirect(f"/orders/{order_id}#talk")


@get("/shipments/{shipment_id:uuid}/slip", opt=READ)
async def slip_show(shipment_id: UUID) -> Response[bytes]:
    return await packing_slip(shipment_id, visit().actor)


@get("/shipments/{shipment_id:uuid}/rating", opt=READ)
async def rating_new(shipment_id: UUID) -> Response[str]:
    return web.page("portal/rating.html", s=await tracking.shipment(shipment_id, visit().actor))


@post("/shipments/{shipment_id:uuid}/rating", opt=EDIT, status_code=200)
async def rating_create(request: Req, shipment_id: UUID) -> Response[Any]:
    found = await tracking.shipment(shipment_id, visit().actor)
    form = await web.read_form(ratings.RatingForm, request)
    if form.input is None:
        raise Refusal("SCORE_BAD", status=422)
    await ratings.rate(visit().actor, shipment_id, form.input, "portal")
    return web.done(f"/orders/{found.order_id}", "flash:rated")


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
    return web.done(f"/orders/{order_id}")


routes = [
    index,
    show,
    remark_create,
    slip_show,
    rating_new,
    rating_create,
    submission_create,
    cancellation_create,
]

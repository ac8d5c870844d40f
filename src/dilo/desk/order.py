"""One order in the office with all that grew around it: its road, claims, quotation, talk."""

from typing import Any
from uuid import UUID

from litestar import Request, Response, get, post

from dilo.claims.queries import claims_of_order
from dilo.kit import files, web
from dilo.kit.ids import uuid7
from dilo.kit.visit import visit
from dilo.orders.queries import order, order_head
from dilo.orders.tracking import shipments_of
from dilo.parties.talks import RemarkForm, attach, attachments, remark, remarks
from dilo.people.roles import may
from dilo.quotes.queries import quote_of_order

Req = Request[Any, Any, Any]


@get("/office/orders/{order_id:uuid}", opt=may("orders.read"))
async def show(order_id: UUID) -> Response[str]:
    found = await order(order_id)
    return web.page(
        "desk/order.html",
        order=found,
        head=found.head,
        key=uuid7().hex,
        shipments=await shipments_of(order_id),
        claims=await claims_of_order(order_id),
        quote=await quote_of_order(order_id),
        talk=await remarks(order_id, internal=True),
        attached=await attachments([order_id], internal=True),
    )


@post("/office/orders/{order_id:uuid}/remarks", opt=may("orders.edit"), status_code=200)
async def remark_create(request: Req, order_id: UUID) -> Response[Any]:
    head = await order_head(order_id)
    form = await web.read_form(RemarkForm, request)
    said, brought = form.input or RemarkForm(), await files.brought(request)
    internal, actor = bool(said.internal), visit().actor
    if said.text.strip() or not brought:
        await remark(actor, "order", order_id, head.party_id, said.text, internal=internal)
    await attach(actor, "order", order_id, head.party_id, brought, internal=internal)
    return web.redirect(f"/office/orders/{order_id}#talk")


routes = [show, remark_create]

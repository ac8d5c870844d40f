"""Shipments in the office: the road of one, who carries, how clients found it."""

from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec
from litestar import Request, Response, get, post

from dilo.kit import files, i18n, pdf, web
from dilo.kit.errors import Refusal
from dilo.kit.export import table_file
from dilo.kit.ids import uuid_or_none
from dilo.kit.paging import Paging
from dilo.kit.templating import quantity
from dilo.kit.visit import visit
from dilo.orders import ratings, shipments, tracking
from dilo.orders.tracking import CarriageForm, CarrierForm, EventForm
from dilo.payments.pages import day_or_none
from dilo.people.roles import may
from tenants.actors import Actor
from tenants.scope import current_tenant

Req = Request[Any, Any, Any]
COLUMNS = ("code", "name", "quantity")
FILE = (
    "number order date party state carrier tracking expected delivered amount currency warehouse"
).split()


def _wanted(query: dict[str, Any]) -> shipments.Wanted:
    state = query.get("state", "")
    return shipments.Wanted(
        search=query.get("q", ""),
        state=state if state in ("open", "late", *shipments.STATES) else "",
        carrier_id=uuid_or_none(query.get("carrier")),
        owner_id=visit().actor.id if query.get("mine") else None,
        since=day_or_none(query.get("since")),
        until=day_or_none(query.get("until")),
    )


@get("/office/shipments", opt=may("shipments.read"))
async def index() -> Response[Any]:
    query = visit().query
    if kind := query.get("as"):
        paging = Paging(1, shipments.MOST, query.get("sort", ""))
        page = await shipments.shipments(paging, _wanted(query))
        head = [i18n.say(f"column:{name}") for name in FILE]
        return table_file("shipments", kind, head, (_cells(one) for one in page.rows))
    return web.page(
        "orders/shipments.html",
        block="list",
        page=await shipments.shipments(Paging.of(query), _wanted(query)),
        states=shipments.STATES,
        carriers=await tracking.carriers(closed=True),
    )


def _cells(one: shipments.Listed) -> tuple[Any, ...]:
    return (
        one.number,
        one.order_number,
        one.dispatched_on,
        one.party_name,
        i18n.say(f"state:{one.state}"),
        one.carrier,
        one.tracking_number,
        one.expected_on,
        one.delivered_at.date() if one.delivered_at else None,
        one.total,
        one.currency,
        one.warehouse,
    )


@get("/office/shipments/{shipment_id:uuid}", opt=may("shipments.read"))
async def show(shipment_id: UUID) -> Response[str]:
    return web.page(
        "orders/shipment.html",
        s=await tracking.shipment(shipment_id),
        carriers=await tracking.carriers(),
    )


def _back(shipment_id: UUID) -> Response[Any]:
    return web.redirect(f"/office/shipments/{shipment_id}")


@post("/office/shipments/{shipment_id:uuid}/carriage", opt=may("shipments.edit"), status_code=200)
async def carriage_update(request: Req, shipment_id: UUID) -> Response[Any]:
    form = await web.read_form(CarriageForm, request)
    if form.input is None:
        raise Refusal("UNREADABLE", status=422)
    await tracking.set_carriage(visit().actor, shipment_id, form.input)
    web.flash("success", "flash:saved")
    return _back(shipment_id)


@post("/office/shipments/{shipment_id:uuid}/events", opt=may("shipments.edit"), status_code=200)
async def event_create(request: Req, shipment_id: UUID) -> Response[Any]:
    form = await web.read_form(EventForm, request)
    if form.input is None:
        raise Refusal("DATE_BAD", status=422)
    at = form.input.happened_at
    local = at.replace(tzinfo=ZoneInfo(current_tenant().time_zone)) if at else None
    said = msgspec.structs.replace(form.input, happened_at=local)
    await tracking.happened(visit().actor, shipment_id, said, await files.brought(request))
    web.flash("success", "flash:saved")
    return _back(shipment_id)


@get("/office/shipments/{shipment_id:uuid}/slip", opt=may("shipments.read"))
async def slip_show(shipment_id: UUID) -> Response[bytes]:
    return await packing_slip(shipment_id, visit().actor)


async def packing_slip(shipment_id: UUID, actor: Actor) -> Response[Any]:
    """What is in the boxes, without prices. Raises NOT_FOUND."""
    found = await tracking.shipment(shipment_id, actor)
    carried = " · ".join(one for one in (found.carrier, found.tracking_number) if one)
    body = await pdf.table(
        title=i18n.say("slip:title", number=found.number),
        subtitle=f"{current_tenant().name} · {found.party_name} · {found.order_number}",
        head=[i18n.say(f"column:{name}") for name in COLUMNS],
        rows=[
            [line["code"], line["name"], f"{quantity(line['quantity'])} {line['unit']}"]
            for line in found.lines
        ],
        totals=["", "", ""],
        numeric=[False, False, True],
        note=i18n.say("slip:note", carried=carried or "—"),
        language=i18n.language(),
    )
    return files.handed_out(body, f"{found.number}.pdf", "application/pdf")


@get("/office/carriers", opt=may("shipments.read"))
async def carriers_index() -> Response[str]:
    return web.page("orders/carriers.html", carriers=await tracking.carriers(closed=True))


@post("/office/carriers", opt=may("carriers.edit"), status_code=200)
async def carrier_create(request: Req) -> Response[Any]:
    return await _saved(request, None)


@post("/office/carriers/{carrier_id:uuid}", opt=may("carriers.edit"), status_code=200)
async def carrier_update(request: Req, carrier_id: UUID) -> Response[Any]:
    return await _saved(request, carrier_id)


async def _saved(request: Req, carrier_id: UUID | None) -> Response[Any]:
    form = await web.read_form(CarrierForm, request)
    if form.input is None:
        raise Refusal("UNREADABLE", status=422)
    await tracking.save_carrier(visit().actor, carrier_id, form.input)
    return web.done("/office/carriers")


@get("/office/ratings", opt=may("shipments.read"))
async def ratings_index() -> Response[str]:
    query = visit().query
    since, score = day_or_none(query.get("since")), query.get("score", "")
    return web.page(
        "orders/ratings.html",
        averages=await ratings.averages(since),
        found=await ratings.ratings(
            score=int(score) if score in ("1", "2", "3", "4", "5") else None,
            since=since,
            manager=query.get("manager", ""),
        ),
    )


routes = [
    index,
    show,
    carriage_update,
    event_create,
    slip_show,
    carriers_index,
    carrier_create,
    carrier_update,
    ratings_index,
]

"""Orders in the office: list, entry with live verdicts, the page with its actions."""

from typing import Any
from uuid import UUID

from litestar import Request, Response, get, post

from dilo.catalogue.queries import products_like, products_of_codes
from dilo.kit import i18n, web
from dilo.kit.errors import NotFound, Refusal
from dilo.kit.export import table_file
from dilo.kit.ids import uuid7, uuid_or_none
from dilo.kit.paging import Paging
from dilo.kit.visit import visit
from dilo.orders import actions, queries
from dilo.orders.commands import Dispatch, LineInput, PlaceOrder, TakeBack
from dilo.orders.forms import (
    DispatchForm,
    OrderForm,
    OverrideForm,
    ReasonForm,
    asked_of,
    lines_of,
)
from dilo.orders.wording import pasted_lines
from dilo.parties import queries as parties
from dilo.payments.pages import day_or_none
from dilo.people.roles import may

Req = Request[Any, Any, Any]
EXPORT_MAX = 20_000
STATES = (
    "open",
    "draft",
    "on_hold",
    "confirmed",
    "partially_shipped",
    "shipped",
    "closed",
    "cancelled",
)


@get("/office/orders", opt=may("orders.read"))
async def index() -> Response[Any]:
    query = visit().query
    chosen: dict[str, Any] = {
        "state": query.get("state", "") if query.get("state") in STATES else "",
        "door": query.get("door", ""),
        "search": query.get("q", ""),
        "since": day_or_none(query.get("since")),
        "until": day_or_none(query.get("until")),
    }
    if kind := query.get("as"):
        page = await queries.orders(Paging(1, EXPORT_MAX, query.get("sort", "")), **chosen)
        head = [
            i18n.say(f"column:{n}")
            for n in ("number", "date", "name", "state", "amount", "paid", "currency")
        ]
        return table_file(
            "orders",
            kind,
            head,
            (
                (
                    o.number,
                    o.created_at.date(),
                    o.party_name,
                    i18n.say(f"state:{o.state}"),
                    o.total,
                    o.paid_amount,
                    o.currency,
                )
                for o in page.rows
            ),
        )
    return web.page(
        "orders/index.html",
        block="list",
        page=await queries.orders(Paging.of(query), **chosen),
        states=STATES,
    )


@get("/office/orders/new", opt=may("orders.edit"))
async def new() -> Response[str]:
    values = {
        "party": visit().query.get("party", ""),
        "key": uuid7().hex,
        "code": [],
        "quantity": [],
        "pasted": "",
        "comment": "",
        "ship_on": "",
    }
    return await _entry(web.Filled(values=values), None)


async def _entry(form: web.Filled[Any], order: Any, status: int = 200) -> Response[str]:
    party_id = order.head.party_id if order else uuid_or_none(form.values.get("party"))
    party = await parties.party(party_id) if party_id else None
    return web.page(
        "orders/new.html",
        block=None if party_id else "names",
        status=status,
        form=form,
        party=party,
        order=order,
        names=[] if party else await parties.party_names(visit().query.get("q", ""), 30),
    )


@get("/office/orders/products", opt=may("orders.edit"))
async def products(q: str = "") -> Response[str]:
    """Suggestions for a line's code: a datalist."""
    found = await products_like(q) if q.strip() else []
    return web.page("orders/_products.html", found=found)


@post("/office/orders/preview", opt=may("orders.edit"), status_code=200)
async def preview(request: Req) -> Response[str]:
    """Prices and verdicts as the order stands in the form. Nothing is written."""
    form = await web.read_form(OrderForm, request)
    if form.input is None:
        return web.page(
            "orders/_preview.html", lines=[], verdicts=[], total=None, problem="", party=None
        )
    party = await parties.party(form.input.party)
    lines, wrong = await _lines(form.input)
    problem = i18n.say("refusal:QUANTITY_BAD", product=", ".join(wrong)) if wrong else ""
    priced, verdicts = [], []
    if lines:
        try:
            priced, verdicts = await actions.preview_order(
                visit().actor, _command(form.input, lines, submit=True)
            )
        except Refusal as refusal:
            problem = i18n.say(f"refusal:{refusal.code}", **refusal.figures)
    return web.page(
        "orders/_preview.html",
        lines=priced,
        verdicts=verdicts,
        problem=problem,
        total=sum((line.amount for line in priced), 0),
        party=party,
    )


async def _lines(form: OrderForm) -> tuple[list[LineInput], list[str]]:
    """Typed rows and pasted lines together; any case of a code and barcodes are understood."""
    lines, wrong = lines_of(form.code, form.quantity)
    more, strange = pasted_lines(form.pasted or "")
    lines += [LineInput(line.code, line.quantity) for line in more]
    known = await products_of_codes([line.product for line in lines])
    spelled = [
        LineInput(
            known[line.product.lower()]["code"] if line.product.lower() in known else line.product,
            line.quantity,
        )
        for line in lines
    ]
    return spelled, wrong + strange


def _command(form: OrderForm, lines: list[LineInput], *, submit: bool) -> PlaceOrder:
    return PlaceOrder(
        party_id=form.party,
        lines=lines,
        key=f"office:{visit().actor.id}:{form.key}",
        door="office",
        comment=form.comment,
        ship_on=form.ship_on,
        submit=submit,
    )


@post("/office/orders", opt=may("orders.edit"), status_code=200)
async def create(request: Req) -> Response[Any]:
    form = await web.read_form(OrderForm, request)
    if form.input is None:
        return await _entry(form, None, 422)
    lines, wrong = await _lines(form.input)
    if wrong:
        form.errors["_"] = i18n.say("refusal:QUANTITY_BAD", product=", ".join(wrong))
        return await _entry(form, None, 422)
    try:
        placed = await actions.place_order(
            visit().actor, _command(form.input, lines, submit=not form.input.draft)
        )
    except NotFound:
        raise
    except Refusal as refusal:
        form.errors["_"] = i18n.say(f"refusal:{refusal.code}", **refusal.figures)
        return await _entry(form, None, 422)
    kind = "warning" if placed.held else "success"
    web.flash(kind, f"flash:order_{placed.state}", number=placed.number)
    return web.redirect(f"/office/orders/{placed.id}")


@get("/office/orders/{order_id:uuid}/edit", opt=may("orders.edit"))
async def edit(order_id: UUID) -> Response[str]:
    order = await queries.order(order_id, inside=True)
    values = {
        "party": str(order.head.party_id),
        "key": uuid7().hex,
        "pasted": "",
        "code": [line.code for line in order.lines],
        "quantity": [f"{line.quantity.normalize():f}" for line in order.lines],
        "comment": order.head.comment or "",
        "ship_on": order.head.ship_on or "",
    }
    return await _entry(web.Filled(values=values), order)


@post("/office/orders/{order_id:uuid}", opt=may("orders.edit"), status_code=200)
async def update(request: Req, order_id: UUID) -> Response[Any]:
    order = await queries.order(order_id, inside=True)
    form = await web.read_form(OrderForm, request)
    if form.input is None:
        return await _entry(form, order, 422)
    lines, wrong = await _lines(form.input)
    try:
        if wrong:
            raise Refusal("QUANTITY_BAD", status=422, product=", ".join(wrong))
        await actions.edit_draft(
            visit().actor,
            order_id,
            form.input.version,
            lines,
            comment=form.input.comment,
            ship_on=form.input.ship_on,
        )
        if not form.input.draft:
            await actions.submit_order(visit().actor, order_id)
    except Refusal as refusal:
        form.errors["_"] = i18n.say(f"refusal:{refusal.code}", **refusal.figures)
        return await _entry(form, order, 422)
    return web.done(f"/office/orders/{order_id}")


def _back(order_id: UUID) -> Response[Any]:
    return web.redirect(f"/office/orders/{order_id}")


@post("/office/orders/{order_id:uuid}/submission", opt=may("orders.submit"), status_code=200)
async def submission_create(order_id: UUID) -> Response[Any]:
    placed = await actions.submit_order(visit().actor, order_id)
    web.flash(
        "warning" if placed.held else "success", f"flash:order_{placed.state}", number=placed.number
    )
    return _back(order_id)


@post("/office/orders/{order_id:uuid}/reopening", opt=may("orders.edit"), status_code=200)
async def reopening_create(order_id: UUID) -> Response[Any]:
    await actions.reopen_order(visit().actor, order_id)
    return web.redirect(f"/office/orders/{order_id}/edit")


@post("/office/orders/{order_id:uuid}/cancellation", opt=may("orders.cancel"), status_code=200)
async def cancellation_create(request: Req, order_id: UUID) -> Response[Any]:
    form = await web.read_form(ReasonForm, request)
    head = await queries.order_head(order_id)
    reason = form.input.reason if form.input else ""
    end = (
        actions.close_order
        if head.state in ("partially_shipped", "shipped")
        else (actions.cancel_order)
    )
    await end(visit().actor, order_id, reason)
    web.flash("success", "flash:saved")
    return _back(order_id)


@post("/office/orders/{order_id:uuid}/shipments", opt=may("shipments.dispatch"), status_code=200)
async def shipment_create(request: Req, order_id: UUID) -> Response[Any]:
    form = await _parts(request)
    sent = await actions.dispatch_order(
        visit().actor,
        Dispatch(
            order_id=order_id,
            key=f"ship:{order_id}:{form.key}",
            lines=asked_of(form),
            invoice=bool(form.invoice),
        ),
    )
    web.flash(
        "warning" if sent.state == "held" else "success",
        f"flash:shipment_{sent.state}",
        number=sent.number,
    )
    return _back(order_id)


async def _parts(request: Req) -> DispatchForm:
    form = await web.read_form(DispatchForm, request)
    try:
        if form.input is not None:
            asked_of(form.input)
            return form.input
    except ValueError:
        pass
    raise Refusal("QUANTITY_BAD", status=422, product="")


@post(
    "/office/shipments/{shipment_id:uuid}/release", opt=may("shipments.dispatch"), status_code=200
)
async def release_create(shipment_id: UUID) -> Response[Any]:
    sent = await actions.release_shipment(visit().actor, shipment_id)
    web.flash(
        "warning" if sent.state == "held" else "success",
        f"flash:shipment_{sent.state}",
        number=sent.number,
    )
    return await _to_order_of(shipment_id)


async def _to_order_of(shipment_id: UUID) -> Response[Any]:
    return _back(await queries.order_of_shipment(shipment_id))


@post("/office/shipments/{shipment_id:uuid}/invoice", opt=may("invoices.post"), status_code=200)
async def invoice_create(shipment_id: UUID) -> Response[Any]:
    await actions.invoice_shipment(visit().actor, shipment_id)
    web.flash("success", "flash:invoiced")
    return await _to_order_of(shipment_id)


@post("/office/orders/{order_id:uuid}/returns", opt=may("returns.accept"), status_code=200)
async def return_create(request: Req, order_id: UUID) -> Response[Any]:
    form = await _parts(request)
    await actions.take_back(
        visit().actor,
        TakeBack(
            order_id=order_id,
            key=f"return:{order_id}:{form.key}",
            lines=asked_of(form),
            reason=form.reason,
        ),
    )
    web.flash("success", "flash:returned")
    return _back(order_id)


@post("/office/orders/{order_id:uuid}/overrides", opt=may("overrides.request"), status_code=200)
async def override_create(request: Req, order_id: UUID) -> Response[Any]:
    form = await web.read_form(OverrideForm, request)
    if form.input is None:
        raise Refusal("AMOUNT_BAD", status=422)
    new = form.input
    await actions.request_override(
        visit().actor, order_id, new.gates, new.amount, new.reason, new.days
    )
    web.flash("success", "flash:override_requested")
    return _back(order_id)


@post(
    "/office/overrides/{override_id:uuid}/{decision:str}",
    opt=may("overrides.approve"),
    status_code=200,
)
async def override_decide(override_id: UUID, decision: str) -> Response[Any]:
    if decision not in ("approval", "refusal"):
        raise NotFound
    await actions.decide_override(visit().actor, override_id, approve=decision == "approval")
    web.flash("success", "flash:saved")
    return _back(await queries.order_of_override(override_id))


routes = [
    index,
    new,
    products,
    preview,
    create,
    edit,
    update,
    submission_create,
    reopening_create,
    cancellation_create,
    shipment_create,
    release_create,
    invoice_create,
    return_create,
    override_create,
    override_decide,
]

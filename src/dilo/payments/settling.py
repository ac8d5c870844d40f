"""Pages of what ends a debt otherwise: refunds, write-offs, netting; rates; the cash order."""

from datetime import date
from decimal import Decimal
from typing import Any, Literal
from uuid import UUID

import msgspec
from litestar import Request, Response, get, post

from dilo.kit import i18n, pdf, web
from dilo.kit.errors import Invalid, NotFound, Refusal
from dilo.kit.ids import uuid7
from dilo.kit.templating import day, money
from dilo.kit.visit import visit
from dilo.parties import queries as parties
from dilo.payments import actions, netting, queries, write_offs
from dilo.payments.actions import RefundForm
from dilo.people.roles import may
from dilo.receivables import exchange, manual
from dilo.receivables import queries as receivables
from dilo.receivables.manual import InvoiceForm
from tenants.scope import current_tenant

Req = Request[Any, Any, Any]


@post("/office/items/{item_id:uuid}/refund", opt=may("payments.refund"), status_code=200)
async def refund_create(request: Req, item_id: UUID) -> Response[Any]:
    await receivables.open_item(item_id)
    form = await web.read_form(RefundForm, request)
    if form.input is None:
        raise Invalid(form.errors)
    payment_id = await actions.refund_credit(visit().actor, item_id, form.input)
    return web.done(f"/office/payments/{payment_id}", "flash:refunded")


class WriteOffForm(msgspec.Struct):
    amount: Decimal
    reason: str = ""


@get("/office/write-offs", opt=may("writeoffs.request"))
async def write_off_index() -> Response[str]:
    return web.page("payments/write_offs.html", waiting=await write_offs.waiting())


@post("/office/items/{item_id:uuid}/write-off", opt=may("writeoffs.request"), status_code=200)
async def write_off_create(request: Req, item_id: UUID) -> Response[Any]:
    await receivables.open_item(item_id)
    form = await web.read_form(WriteOffForm, request)
    if form.input is None:
        raise Invalid(form.errors)
    await write_offs.request_write_off(visit().actor, item_id, form.input.amount, form.input.reason)
    return web.done("/office/write-offs", "flash:write_off_asked")


@post(
    "/office/write-offs/{write_off_id:uuid}/{decision:str}",
    opt=may("writeoffs.approve"),
    status_code=200,
)
async def write_off_decide(write_off_id: UUID, decision: str) -> Response[Any]:
    if decision not in ("approval", "refusal"):
        raise NotFound
    await write_offs.decide_write_off(visit().actor, write_off_id, decision == "approval")
    return web.done("/office/write-offs")


class NettingForm(msgspec.Struct):
    amount: Decimal
    on: date
    key: str


@get("/office/parties/{party_id:uuid}/netting", opt=may("bills.pay"))
async def netting_new(party_id: UUID) -> Response[str]:
    return await _netting(party_id, web.EMPTY)


async def _netting(party_id: UUID, form: web.Filled[Any], status: int = 200) -> Response[str]:
    party = await parties.party(party_id)
    return web.page(
        "payments/netting.html",
        status=status,
        form=form,
        party=party,
        found=await netting.nettable(party_id, party.currency),
        key=uuid7().hex,
        on=current_tenant().today(),
    )


@post("/office/parties/{party_id:uuid}/netting", opt=may("bills.pay"), status_code=200)
async def netting_create(request: Req, party_id: UUID) -> Response[Any]:
    party = await parties.party(party_id)
    form = await web.read_form(NettingForm, request)
    if form.input is None:
        return await _netting(party_id, form, 422)
    new = form.input
    try:
        payment_id = await netting.net(
            visit().actor, party_id, party.currency, new.amount, new.on, f"netting:{new.key}"
        )
    except Refusal as refusal:
        form.errors["_"] = i18n.say(f"refusal:{refusal.code}", **refusal.figures)
        return await _netting(party_id, form, 422)
    return web.done(f"/office/payments/{payment_id}")


class RateForm(msgspec.Struct):
    currency: str
    valid_on: date
    rate: Decimal


@get("/office/rates", opt=may("payments.record"))
async def rate_index() -> Response[str]:
    return await _rates(web.EMPTY)


async def _rates(form: web.Filled[Any], status: int = 200) -> Response[str]:
    return web.page(
        "payments/rates.html",
        status=status,
        form=form,
        rates=await exchange.rates(),
        on=current_tenant().today(),
    )


@post("/office/rates", opt=may("payments.record"), status_code=200)
async def rate_create(request: Req) -> Response[Any]:
    form = await web.read_form(RateForm, request)
    if form.input is None:
        return await _rates(form, 422)
    new = form.input
    try:
        await exchange.save_rate(visit().actor, new.currency, new.valid_on, new.rate)
    except Refusal as refusal:
        form.errors["_"] = i18n.say(f"refusal:{refusal.code}", **refusal.figures)
        return await _rates(form, 422)
    return web.done("/office/rates")


@get("/office/invoices/new", opt=may("invoices.post"))
async def invoice_new() -> Response[str]:
    today = current_tenant().today().isoformat()
    values = {
        "party": visit().query.get("party", ""),
        "key": str(uuid7()),
        "issued_on": today,
        "due_on": today,
        "kind": "invoice",
    }
    return await _invoice(web.Filled(values=values))


async def _invoice(form: web.Filled[Any], status: int = 200) -> Response[str]:
    found = str(form.values.get("party") or "")
    party = await parties.party(UUID(found)) if len(found) == 36 else None
    return web.page(
        "payments/invoice.html",
        block=None if party else "names",
        status=status,
        form=form,
        party=party,
        services=await manual.services(),
        names=[] if party else await parties.party_names(visit().query.get("q", ""), 30),
    )


@post("/office/invoices", opt=may("invoices.post"), status_code=200)
async def invoice_create(request: Req) -> Response[Any]:
    form = await web.read_form(InvoiceForm, request)
    if form.input is None:
        return await _invoice(form, 422)
    try:
        invoice_id = await manual.write_invoice(visit().actor, form.input)
    except NotFound:
        raise
    except Refusal as refusal:
        form.errors["_"] = i18n.say(f"refusal:{refusal.code}", **refusal.figures)
        return await _invoice(form, 422)
    return web.done(f"/office/invoices/{invoice_id}")


Way = Literal["in", "out"]


@get("/office/payments/{payment_id:uuid}/cash-order", opt=may("payments.read"))
async def cash_order(payment_id: UUID) -> Response[bytes]:
    """The paper of a cash payment (прибутковий або видатковий касовий ордер), for signatures."""
    paid = await queries.payment(payment_id)
    if paid.method != "cash":
        raise NotFound
    way: Way = "out" if paid.direction == "out" or paid.reverses_id else "in"
    body = await pdf.sheet(
        "cash_order",
        {
            "title": i18n.say(f"cash_order:{way}", number=paid.number),
            "company": current_tenant().name,
            "pairs": [
                [i18n.gettext("Date"), day(paid.received_on)],
                [i18n.gettext("Party"), f"{paid.party_name} ({paid.party_code})"],
                [i18n.gettext("Amount"), money(paid.amount, paid.currency)],
                [i18n.gettext("Reference"), paid.reference or "—"],
                [i18n.gettext("Recorded by"), paid.recorded_by or "—"],
            ],
            "signatures": [i18n.say("cash_order:cashier"), i18n.say(f"cash_order:party_{way}")],
            "language": i18n.language(),
        },
    )
    return Response(
        body,
        media_type="application/pdf",
        headers={"content-disposition": f'inline; filename="{paid.number}.pdf"'},
    )


routes = [
    refund_create,
    write_off_index,
    write_off_create,
    write_off_decide,
    netting_new,
    netting_create,
    rate_index,
    rate_create,
    invoice_new,
    invoice_create,
    cash_order,
]

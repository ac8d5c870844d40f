"""Bills in the office: what we owe, a new bill, paying it."""

from typing import Any
from uuid import UUID

from litestar import Request, Response, get, post

from dilo.kit import i18n, web
from dilo.kit.errors import Invalid, NotFound, Refusal
from dilo.kit.export import table_file
from dilo.kit.ids import uuid7, uuid_or_none
from dilo.kit.paging import Paging
from dilo.kit.visit import visit
from dilo.parties import queries as parties
from dilo.payables import actions, queries
from dilo.payables.actions import BillForm, BillPaymentForm
from dilo.people.roles import may
from tenants.scope import current_tenant

Req = Request[Any, Any, Any]
HEAD = ("number", "name", "issued_on", "due_on", "amount", "open_amount")
EXPORT_MAX = 100_000


@get("/office/bills", opt=may("bills.read"))
async def index() -> Response[Any]:
    query, tenant = visit().query, current_tenant()
    chosen = {"search": query.get("q", ""), "open_only": bool(query.get("open"))}
    if kind := query.get("as"):
        page = await queries.bills(Paging(1, EXPORT_MAX), **chosen)
        head = [i18n.say(f"column:{name}") for name in HEAD]
        rows = (
            (b.number, b.party_name, b.issued_on, b.due_on, b.total, b.open_amount)
            for b in page.rows
        )
        return table_file("bills", kind, head, rows)
    return web.page(
        "payables/index.html",
        block="list",
        page=await queries.bills(Paging.of(query), **chosen),
        totals=await queries.totals(tenant.currency, tenant.today()),
        on=tenant.today(),
    )


@get("/office/bills/new", opt=may("bills.record"))
async def new() -> Response[str]:
    today = current_tenant().today().isoformat()
    values = {
        "party": visit().query.get("party", ""),
        "key": uuid7().hex,
        "issued_on": today,
        "due_on": today,
        "what": "goods",
    }
    return await _form(web.Filled(values=values))


async def _form(form: web.Filled[Any], status: int = 200) -> Response[str]:
    party_id = uuid_or_none(form.values.get("party"))
    party = await parties.party(party_id) if party_id else None
    return web.page(
        "payables/new.html",
        block=None if party_id else "names",
        status=status,
        form=form,
        party=party,
        names=[] if party else await parties.party_names(visit().query.get("q", ""), 30),
    )


@post("/office/bills", opt=may("bills.record"), status_code=200)
async def create(request: Req) -> Response[Any]:
    form = await web.read_form(BillForm, request)
    if form.input is None:
        return await _form(form, 422)
    try:
        bill_id = await actions.record_bill(visit().actor, form.input)
    except NotFound:
        raise
    except Refusal as refusal:
        form.errors["_"] = i18n.say(f"refusal:{refusal.code}", **refusal.figures)
        return await _form(form, 422)
    return web.done(f"/office/bills/{bill_id}")


@get("/office/bills/{bill_id:uuid}", opt=may("bills.read"))
async def show(bill_id: UUID) -> Response[str]:
    return web.page(
        "payables/show.html",
        bill=await queries.bill(bill_id),
        payments=await queries.payments_of(bill_id),
        form=web.EMPTY,
        key=uuid7().hex,
        on=current_tenant().today(),
    )


@post("/office/bills/{bill_id:uuid}/payments", opt=may("bills.pay"), status_code=200)
async def payment_create(request: Req, bill_id: UUID) -> Response[Any]:
    await queries.bill(bill_id)
    form = await web.read_form(BillPaymentForm, request)
    if form.input is None:
        raise Invalid(form.errors)
    await actions.pay_bill(visit().actor, bill_id, form.input)
    return web.done(f"/office/bills/{bill_id}")


@post(
    "/office/bills/{bill_id:uuid}/payments/{payment_id:uuid}/reversal",
    opt=may("bills.pay"),
    status_code=200,
)
async def reversal_create(bill_id: UUID, payment_id: UUID) -> Response[Any]:
    await queries.bill(bill_id)
    await actions.reverse_bill_payment(visit().actor, payment_id)
    return web.done(f"/office/bills/{bill_id}")


routes = [index, new, create, show, payment_create, reversal_create]

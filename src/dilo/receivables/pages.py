"""Who owes, by age; invoices and what paid them."""

from typing import Any
from uuid import UUID

from litestar import Request, Response, get, post

from dilo.kit import i18n, web
from dilo.kit.errors import Refusal
from dilo.kit.export import table_file
from dilo.kit.ids import uuid7
from dilo.kit.paging import Paging
from dilo.kit.visit import visit
from dilo.people.roles import may
from dilo.receivables import queries
from dilo.receivables.requisites import Requisites, change_requisites, requisites
from dilo.receivables.rules import shares
from tenants.scope import current_tenant

EXPORT_MAX = 100_000
AGED = (
    "code",
    "name",
    "not_due",
    "late_30",
    "late_60",
    "late_90",
    "later",
    "debt",
    "credit",
    "oldest",
    "manager",
)


@get("/office/receivables", opt=may("receivables.read"))
async def index() -> Response[Any]:
    tenant, query = current_tenant(), visit().query
    on = tenant.today()
    chosen: dict[str, Any] = {
        "search": query.get("q", ""),
        "overdue_only": bool(query.get("overdue")),
        "owner_id": visit().actor.id if query.get("mine") else None,
    }
    if kind := query.get("as"):
        return await _export(kind, tenant.currency, on, chosen, query.get("sort", ""))
    page = await queries.aging(tenant.currency, on, Paging.of(query), **chosen)
    total = await queries.aging_total(tenant.currency, on)
    return web.page(
        "receivables/index.html",
        block="list",
        page=page,
        total=total,
        on=on,
        buckets=shares(total.amounts),
    )


async def _export(kind: str, currency: str, on: Any, chosen: dict[str, Any], sort: str) -> Any:
    page = await queries.aging(currency, on, Paging(1, EXPORT_MAX, sort), **chosen)
    head = [i18n.say(f"column:{name}") for name in AGED]
    return table_file(
        f"receivables-{on}",
        kind,
        head,
        ((r.code, r.name, *r.amounts, r.debt, r.credit, r.oldest, r.owner) for r in page.rows),
    )


@get("/office/invoices", opt=may("invoices.read"))
async def invoices() -> Response[str]:
    query = visit().query
    page = await queries.invoices(
        Paging.of(query), search=query.get("q", ""), open_only=bool(query.get("open"))
    )
    return web.page("receivables/invoices.html", block="list", page=page)


@get("/office/invoices/{invoice_id:uuid}", opt=may("invoices.read"))
async def invoice(invoice_id: UUID) -> Response[str]:
    found = await queries.invoice(invoice_id)
    allocations = await queries.allocations_of(found.item_id) if found.item_id else []
    return web.page(
        "receivables/invoice.html",
        invoice=found,
        allocations=allocations,
        lines=await queries.invoice_lines(invoice_id),
        on=current_tenant().today(),
        form=web.EMPTY,
        key=uuid7().hex,
    )


@get("/office/requisites", opt=may("tenant.edit"))
async def requisites_show() -> Response[str]:
    return await _requisites(web.EMPTY)


async def _requisites(form: web.Filled[Any], status: int = 200) -> Response[str]:
    return web.page(
        "receivables/requisites.html", status=status, form=form, now_is=await requisites()
    )


@post("/office/requisites", opt=may("tenant.edit"), status_code=200)
async def requisites_update(request: Request[Any, Any, Any]) -> Response[Any]:
    form = await web.read_form(Requisites, request)
    try:
        await change_requisites(visit().actor, form.input or Requisites())
    except Refusal as refusal:
        field = "iban" if refusal.code == "IBAN_BAD" else "_"
        form.errors[field] = i18n.say(f"refusal:{refusal.code}", **refusal.figures)
        return await _requisites(form, 422)
    return web.done("/office/requisites")


routes = [index, invoices, invoice, requisites_show, requisites_update]

"""Reports in the office: filters, figures, a chart, the formula, files, saved views and
schedules."""

from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from litestar import Request, Response, get, post

from dilo.analytics import asked as asking
from dilo.analytics import files, queries, statements, views
from dilo.analytics.report import Report, Table, run
from dilo.analytics.reports import REPORTS, report_of
from dilo.analytics.views import ScheduleForm, ViewForm
from dilo.kit import i18n, web
from dilo.kit.errors import Invalid, Refusal
from dilo.kit.paging import Paging
from dilo.kit.visit import visit
from dilo.people.roles import VERBS, may
from tenants.scope import current_tenant

Req = Request[Any, Any, Any]
GROUPS = ("debt", "sales", "books")
BARS_MAX = 12


@get("/office/reports", opt=may("reports.read"))
async def index() -> Response[str]:
    groups = [(group, [r for r in REPORTS.values() if r.group == group]) for group in GROUPS]
    return web.page(
        "analytics/index.html",
        groups=groups,
        views=await views.views_of(visit().actor),
        schedules=await views.schedules_of(visit().actor),
        url_of=url_of,
    )


def url_of(view: views.View) -> str:
    return f"/office/reports/{view.report}?{urlencode(view.query)}"


@get("/office/reports/{name:str}", opt=may("reports.read"))
async def show(name: str) -> Response[Any]:
    report, query = report_of(name), visit().query
    faults: dict[str, str] = {}
    try:
        asked = asking.read(query, current_tenant())
    except Invalid as invalid:
        faults, asked = invalid.fields, asking.read({}, current_tenant())
    if not faults and (kind := query.get("as")) in files.KINDS:
        return files.response(await files.made(report, asked, str(kind), query.get("sort", "")))
    table = None
    if not faults and (asked.party or name != "statement"):
        table = await run(report, asked, Paging.of(query))
    return web.page(
        "analytics/show.html",
        status=422 if faults else 200,
        report=report,
        asked=asked,
        by=report.grouping(asked),
        faults={field: i18n.say(f"invalid:{why}") for field, why in faults.items()},
        table=table,
        bars=_bars(report, table) if table else [],
        choices=await queries.choices(),
        views=await views.views_of(visit().actor, name),
        roles=list(VERBS),
        period=files.period(report, asked),
        label=files.label,
        shown=files.shown,
        url_of=url_of,
    )


def _bars(report: Report, table: Table) -> list[tuple[str, Any, float]]:
    """Name, figure, and length as a share of the longest."""
    if report.chart is None:
        return []
    name, figure = report.chart
    rows = [row for row in table.page.rows if row[figure] is not None][:BARS_MAX]
    most = max((abs(row[figure]) for row in rows), default=0)
    return (
        [(row[name], row[figure], float(abs(row[figure]) / most)) for row in rows] if most else []
    )


@post("/office/reports/{name:str}/views", opt=may("reports.read"), status_code=200)
async def view_create(request: Req, name: str) -> Response[Any]:
    """The query in the form's address is what is saved."""
    form = await web.read_form(ViewForm, request)
    if form.input is None:
        raise Refusal("NAME_MISSING", status=422)
    await views.save_view(visit().actor, name, form.input, visit().query)
    return web.done(f"/office/reports/{name}?{urlencode(visit().query)}")


@post("/office/reports/views/{view_id:uuid}/removal", opt=may("reports.read"), status_code=200)
async def view_destroy(view_id: UUID) -> Response[Any]:
    await views.drop_view(visit().actor, view_id)
    return web.done("/office/reports", "flash:removed")


@post("/office/reports/views/{view_id:uuid}/schedules", opt=may("reports.read"), status_code=200)
async def schedule_create(request: Req, view_id: UUID) -> Response[Any]:
    await views.own_view(visit().actor, view_id)
    form = await web.read_form(ScheduleForm, request)
    if form.input is None:
        raise Invalid(form.errors)
    await views.add_schedule(visit().actor, view_id, form.input)
    return web.done("/office/reports")


@post(
    "/office/reports/schedules/{schedule_id:uuid}/removal", opt=may("reports.read"), status_code=200
)
async def schedule_destroy(schedule_id: UUID) -> Response[Any]:
    await views.drop_schedule(visit().actor, schedule_id)
    return web.done("/office/reports", "flash:removed")


@post("/office/parties/{party_id:uuid}/statements", opt=may("receivables.read"), status_code=200)
async def statement_create(request: Req, party_id: UUID) -> Response[Any]:
    """Issues a statement: its figures are fixed by a digest anyone may check."""
    form = await web.read_form(statements.StatementForm, request)
    if form.input is None:
        raise Invalid(form.errors)
    issued = await statements.issue(visit().actor, party_id, form.input)
    return web.redirect(f"/office/statements/{issued}")


@get("/office/statements/{statement_id:uuid}", opt=may("receivables.read"))
async def statement_show(statement_id: UUID) -> Response[Any]:
    found = await statements.issued(statement_id)
    if visit().query.get("as") == "pdf":
        return files.response(await statements.as_pdf(found))
    return web.page("analytics/statement.html", statement=found, public=False)


@get("/statements/{digest:str}", opt={"verb": "anyone"})
async def statement_check(digest: str) -> Response[str]:
    """Public: whoever holds a statement sees whether its figures are what the books say."""
    return web.page(
        "analytics/check.html", check=await statements.check(digest), digest=digest[:64]
    )


routes = [
    index,
    show,
    view_create,
    view_destroy,
    schedule_create,
    schedule_destroy,
    statement_create,
    statement_show,
    statement_check,
]

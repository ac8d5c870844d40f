"""Reports by API: the same rows, the same filters as on the page. Amounts are text."""

from datetime import date
from decimal import Decimal
from typing import Any

from litestar import Response, get

from dilo.analytics import asked as asking
from dilo.analytics.report import run
from dilo.analytics.reports import report_of
from dilo.kit.paging import Paging
from dilo.kit.visit import visit
from tenants.scope import current_tenant


@get("/api/reports/{name:str}", opt={"verb": "reports.read"})
async def show(name: str) -> Response[Any]:
    """``page`` and ``size`` (at most 200) go through the rows; totals are of all of them."""
    query = visit().query
    asked = asking.read(query, current_tenant())
    table = await run(report_of(name), asked, Paging.of(query))
    body = {
        "report": name,
        "as_of": asked.on.isoformat(),
        "since": asked.since.isoformat(),
        "until": asked.until.isoformat(),
        "known_on": asked.known_on.isoformat() if asked.known_on else None,
        "currency": asked.currency,
        "total_rows": table.page.total,
        "columns": [{"key": c.key, "kind": c.kind, "label": c.label} for c in table.columns],
        "rows": [{c.key: plain(row[c.key]) for c in table.columns} for row in table.page.rows],
        "totals": {name: plain(value) for name, value in table.totals.items()},
    }
    return Response(body, headers={"cache-control": "no-store"})


def plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        return f"{value:f}"
    return value.isoformat() if isinstance(value, date) else value


routes = [show]

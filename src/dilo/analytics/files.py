"""A report as a file: XLSX, CSV or PDF, with its totals."""

import asyncio
from dataclasses import dataclass
from typing import Any

from litestar import Response

from dilo.analytics.asked import Asked
from dilo.analytics.report import EXPORT_MAX, Column, Report, Table, run
from dilo.kit import i18n, pdf
from dilo.kit.export import XLSX, csv_bytes, xlsx_bytes
from dilo.kit.paging import Paging
from dilo.kit.templating import day, money, quantity
from tenants.scope import current_tenant

KINDS = {"xlsx": XLSX, "csv": "text/csv; charset=utf-8", "pdf": "application/pdf"}
PDF_ROWS_MAX = 5000


@dataclass(frozen=True, slots=True)
class File:
    name: str
    media_type: str
    body: bytes


def label(column: Column) -> str:
    return column.label or i18n.say(f"column:{column.key}")


def plain(column: Column, value: Any) -> Any:
    """A cell of a spreadsheet: numbers stay numbers, message keys are said."""
    if column.kind == "message":
        return said(value)
    return value


def said(value: Any) -> str:
    """Names the report itself gives (a section, a kind of entry); an account's name is as it is."""
    key = f"entry:{value}"
    told = i18n.say(key)
    return str(value or "") if told == key else told


def shown(column: Column, value: Any) -> str:
    """A cell as people read it."""
    if value is None:
        return ""
    match column.kind:
        case "money":
            return money(value)
        case "percent":
            return f"{100 * value:.1f} %"
        case "date":
            return day(value)
        case "quantity" | "days":
            return quantity(value)
        case "message":
            return said(value)
    return str(value)


def period(report: Report, asked: Asked) -> str:
    """The dates a report speaks of, in words."""
    parts = []
    if "since" in report.filters:
        parts.append(i18n.say("report:between", since=asked.since, until=asked.until))
    if "on" in report.filters:
        parts.append(i18n.say("report:on", on=asked.on))
    if asked.known_on:
        parts.append(i18n.say("report:known", on=asked.known_on))
    return ", ".join(parts)


async def made(report: Report, asked: Asked, kind: str, sort: str = "") -> File:
    """All rows, the same as on the page."""
    most = PDF_ROWS_MAX if kind == "pdf" else EXPORT_MAX
    table = await run(report, asked, Paging(1, most, sort))
    name = f"{report.name}-{asked.on}.{kind}"
    if kind == "pdf":
        body = await _pdf(report, asked, table)
    else:
        head = [label(column) for column in table.columns]
        rows = [[plain(c, row[c.key]) for c in table.columns] for row in table.page.rows]
        if table.totals and rows:
            rows.append(_total_cells(table))
        write = csv_bytes if kind == "csv" else xlsx_bytes
        body = await asyncio.to_thread(write, head, rows)
    return File(name, KINDS[kind], body)


def _total_cells(table: Table) -> list[Any]:
    cells: list[Any] = [table.totals.get(column.key) for column in table.columns]
    if cells[0] is None:
        cells[0] = i18n.say("report:total")
    return cells


async def _pdf(report: Report, asked: Asked, table: Table) -> bytes:
    tenant = current_tenant()
    totals = _total_cells(table) if table.totals else []
    return await pdf.table(
        title=i18n.say(f"report:{report.name}"),
        subtitle=f"{tenant.name} · {asked.currency} · {period(report, asked)}",
        head=[label(column) for column in table.columns],
        rows=[[shown(c, row[c.key]) for c in table.columns] for row in table.page.rows],
        totals=[
            cell if isinstance(cell, str) else shown(column, cell)
            for column, cell in zip(table.columns, totals, strict=False)
        ],
        numeric=[column.is_number for column in table.columns],
        note=i18n.say(f"formula:{report.name}"),
        language=i18n.language(),
    )


def response(file: File) -> Response[bytes]:
    return Response(
        file.body,
        media_type=file.media_type,
        headers={
            "content-disposition": f'attachment; filename="{file.name}"',
            "cache-control": "no-store",
        },
    )

"""A list as a file: XLSX or CSV. Cells are text or numbers, never formulas."""

import asyncio
import csv
import io
import tempfile
from collections.abc import AsyncIterable, Iterable, Sequence
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import xlsxwriter
from litestar import Response

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


def table_file(
    name: str, kind: str, head: Sequence[str], rows: Iterable[Sequence[Any]]
) -> Response[bytes]:
    """``kind`` is ``csv`` or ``xlsx``; anything else is taken as xlsx."""
    kind = "csv" if kind == "csv" else "xlsx"
    body = csv_bytes(head, rows) if kind == "csv" else xlsx_bytes(head, rows)
    return Response(
        body,
        media_type="text/csv; charset=utf-8" if kind == "csv" else XLSX,
        headers={"content-disposition": f'attachment; filename="{name}.{kind}"'},
    )


def csv_bytes(head: Sequence[str], rows: Iterable[Sequence[Any]]) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(head)
    writer.writerows([_csv_cell(cell) for cell in row] for row in rows)
    return b"\xef\xbb\xbf" + text.getvalue().encode()


def _csv_cell(cell: Any) -> Any:
    """Text that a spreadsheet would run is disarmed by a leading apostrophe (OWASP CSV
    injection)."""
    if isinstance(cell, str) and cell.startswith(FORMULA_STARTS):
        return "'" + cell
    return "" if cell is None else cell


def xlsx_bytes(head: Sequence[str], rows: Iterable[Sequence[Any]]) -> bytes:
    file = io.BytesIO()
    book = xlsxwriter.Workbook(
        file, {"in_memory": True, "constant_memory": True, "remove_timezone": True}
    )
    sheet, formats = _headed(book, head)
    for line, row in enumerate(rows, start=1):
        _write_row(sheet, line, row, formats)
    book.close()
    return file.getvalue()


def _headed(book: Any, head: Sequence[str]) -> tuple[Any, tuple[Any, Any]]:
    """A sheet with its first line fixed, and the formats of money and of days."""
    sheet = book.add_worksheet()
    bold = book.add_format({"bold": True, "bottom": 1})
    sheet.freeze_panes(1, 0)
    sheet.set_column(0, max(len(head) - 1, 0), 18)
    for column, title in enumerate(head):
        sheet.write_string(0, column, title, bold)
    money = book.add_format({"num_format": "#,##0.00"})
    return sheet, (money, book.add_format({"num_format": "yyyy-mm-dd"}))


def _write_row(sheet: Any, line: int, row: Sequence[Any], formats: tuple[Any, Any]) -> None:
    money, day = formats
    for column, cell in enumerate(row):
        if isinstance(cell, bool):
            sheet.write_boolean(line, column, cell)
        elif isinstance(cell, Decimal | int | float):
            kind = money if isinstance(cell, Decimal) else None
            sheet.write_number(line, column, float(cell), kind)
        elif isinstance(cell, date | datetime):
            sheet.write_datetime(line, column, cell, day)
        elif cell is not None:
            sheet.write_string(line, column, str(cell)[:32767])


async def table_of_many(
    name: str, kind: str, head: Sequence[str], batches: AsyncIterable[Iterable[Sequence[Any]]]
) -> Response[bytes]:
    """As ``table_file`` for a table too long to hold: rows come in batches and go to a file, in a
    thread, so that nobody else waits for them. Only the finished file is held (3.4 MB for 100,000
    goods), because an answer leaves after its transaction."""
    kind = "csv" if kind == "csv" else "xlsx"
    with tempfile.TemporaryDirectory(prefix="dilo-table-") as folder:
        path = Path(folder) / "table"
        await (_csv_into if kind == "csv" else _xlsx_into)(path, head, batches)
        body = await asyncio.to_thread(path.read_bytes)
    return Response(
        body,
        media_type="text/csv; charset=utf-8" if kind == "csv" else XLSX,
        headers={
            "content-disposition": f'attachment; filename="{name}.{kind}"',
            "cache-control": "no-store",
        },
    )


async def _csv_into(
    path: Path, head: Sequence[str], batches: AsyncIterable[Iterable[Sequence[Any]]]
) -> None:
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(head)
        async for rows in batches:
            cells = ([_csv_cell(cell) for cell in row] for row in rows)
            await asyncio.to_thread(writer.writerows, cells)


async def _xlsx_into(
    path: Path, head: Sequence[str], batches: AsyncIterable[Iterable[Sequence[Any]]]
) -> None:
    book = xlsxwriter.Workbook(
        str(path), {"constant_memory": True, "remove_timezone": True, "tmpdir": str(path.parent)}
    )
    sheet, formats = _headed(book, head)
    line = 1

    def write(rows: Sequence[Sequence[Any]]) -> None:
        for at, row in enumerate(rows, start=line):
            _write_row(sheet, at, row, formats)

    async for batch in batches:
        rows = list(batch)
        await asyncio.to_thread(write, rows)
        line += len(rows)
    await asyncio.to_thread(book.close)

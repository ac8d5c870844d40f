"""A list as a file: XLSX or CSV. Cells are text or numbers, never formulas."""

import csv
import io
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from decimal import Decimal
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
    sheet = book.add_worksheet()
    bold = book.add_format({"bold": True, "bottom": 1})
    money = book.add_format({"num_format": "#,##0.00"})
    day = book.add_format({"num_format": "yyyy-mm-dd"})
    sheet.freeze_panes(1, 0)
    sheet.set_column(0, max(len(head) - 1, 0), 18)
    for column, title in enumerate(head):
        sheet.write_string(0, column, title, bold)
    for line, row in enumerate(rows, start=1):
        for column, cell in enumerate(row):
            if isinstance(cell, bool):
                sheet.write_boolean(line, column, cell)
            elif isinstance(cell, Decimal | int | float):
                sheet.write_number(
                    line, column, float(cell), money if isinstance(cell, Decimal) else None
                )
            elif isinstance(cell, date | datetime):
                sheet.write_datetime(line, column, cell, day)  # type: ignore[arg-type]
            elif cell is not None:
                sheet.write_string(line, column, str(cell)[:32767])
    book.close()
    return file.getvalue()

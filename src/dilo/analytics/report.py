"""A report is one SELECT with described columns. Totals, order and paging are laid over it here, in
one statement."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from dilo.analytics.asked import Asked
from dilo.kit import db
from dilo.kit.paging import Page, Paging

WHOLE = """
WITH r AS MATERIALIZED ({sql}),
t AS (SELECT count(*) AS total_rows{totals} FROM r)
SELECT t.*, p.* FROM t LEFT JOIN (
  SELECT row_number() OVER (ORDER BY {order}) AS row_no, r.* FROM r
  ORDER BY 1 LIMIT :size OFFSET :offset) p ON true
ORDER BY p.row_no
"""
EXPORT_MAX = 100_000


@dataclass(frozen=True, slots=True)
class Column:
    """``kind``: text, money, quantity, percent (a share of 1), days, date. ``total``: SQL over the
    report's rows. ``label`` is shown as it is; without one the message ``column:<key>``."""

    key: str
    kind: str = "text"
    total: str = ""
    label: str = ""

    @property
    def is_number(self) -> bool:
        return self.kind in ("money", "quantity", "percent", "days")


def money(key: str, label: str = "") -> Column:
    return Column(key, "money", f"sum({key})", label)


@dataclass(frozen=True, slots=True)
class Query:
    """``sql``: a SELECT with at least the columns' keys, ``order``: its usual ORDER BY."""

    sql: str
    columns: Sequence[Column]
    order: str
    values: dict[str, Any] = field(default_factory=dict)


def nowhere(row: db.Row, asked: Asked) -> str | None:  # noqa: ARG001
    """A row that leads to nothing more."""
    return None


@dataclass(frozen=True, slots=True)
class Report:
    """``filters`` name the inputs shown; ``by`` the groupings offered, the usual one first.

    ``drill``: where a row leads. ``chart``: the columns of a bar's name and length.
    """

    name: str
    group: str
    icon: str
    filters: tuple[str, ...]
    query: Callable[[Asked], Awaitable[Query]]
    by: tuple[str, ...] = ()
    chart: tuple[str, str] | None = None
    drill: Callable[[db.Row, Asked], str | None] = nowhere

    def grouping(self, asked: Asked) -> str:
        return asked.by if asked.by in self.by else (self.by[0] if self.by else "")


@dataclass(frozen=True, slots=True)
class Table:
    columns: Sequence[Column]
    page: Page[db.Row]
    totals: dict[str, Decimal | None]


async def run(report: Report, asked: Asked, paging: Paging) -> Table:
    """One round trip for the rows of a page and the totals of all."""
    query = await report.query(asked)
    sorts = {column.key: column.key for column in query.columns}
    order = paging.order_by(sorts, next(iter(sorts))) if paging.sort else query.order
    totals = "".join(f", {c.total} AS total_{c.key}" for c in query.columns if c.total)
    sql = WHOLE.format(sql=query.sql, totals=totals, order=order)
    values = (
        asked.values
        | query.values
        | {"size": min(paging.size, EXPORT_MAX), "offset": paging.offset}
    )
    found = await db.rows(sql, **{name: values[name] for name in db.names(sql)})
    rows = [row for row in found if row["row_no"] is not None]
    return Table(
        query.columns,
        Page(rows, found[0]["total_rows"], paging),
        {c.key: found[0][f"total_{c.key}"] for c in query.columns if c.total},
    )

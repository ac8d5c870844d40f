"""ABC by cumulative share, XYZ by the coefficient of variation; one statement for all.

ABC: in descending order of the measure, an item is A while the share gathered before it is less
than the first threshold, B while less than the second, else C: whoever crosses a line is above it.
XYZ: standard deviation of the population of periods over their mean, a period without sales being
nought; X up to the first threshold, Y up to the second, else Z. What earned nothing is CZ.
"""

from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec

from dilo.kit import db
from dilo.kit.paging import Page, Paging

Subject = Literal["clients", "goods"]
CELLS = tuple(a + x for a in "ABC" for x in "XYZ")


class Settings(msgspec.Struct, frozen=True):
    """Thresholds in percent. ``until``: the last whole period ends by it; None: today."""

    measure: Literal["revenue", "profit", "quantity"] = "revenue"
    a_percent: Decimal = Decimal(80)
    b_percent: Decimal = Decimal(95)
    x_percent: Decimal = Decimal(25)
    y_percent: Decimal = Decimal(60)
    every: Literal["month", "week"] = "month"
    periods: Annotated[int, msgspec.Meta(ge=2, le=60)] = 12


MEASURES = {
    "revenue": "l.amount",
    "profit": "l.amount - coalesce(l.cost_amount, 0)",
    "quantity": "l.quantity",
}
KEYS = {"clients": "v.party_id", "goods": "l.product_id"}
TABLES = {"clients": "party", "goods": "product"}
CLASSED = """
slots AS (SELECT CAST(:since AS date) AS since, CAST(:until AS date) AS until,
  CAST(:periods AS int) AS periods),
sold AS (
  SELECT {key} AS id, date_trunc(:every, v.issued_on) AS slot,
    sum(CASE v.kind WHEN 'invoice' THEN 1 ELSE -1 END * ({measure})) AS amount
  FROM invoice v JOIN invoice_line l ON l.invoice_id = v.id, slots s
  WHERE v.currency = :currency AND v.issued_on BETWEEN s.since AND s.until
  GROUP BY 1, 2),
totals AS (
  SELECT o.id, sum(o.amount) AS total, sum(o.amount * o.amount) AS squares, count(*) AS active
  FROM sold o GROUP BY o.id),
ranked AS (
  SELECT t.*, c.code, c.name, c.class_code,
    sum(greatest(t.total, 0)) OVER () AS whole,
    sum(greatest(t.total, 0)) OVER (ORDER BY t.total DESC, c.code
      ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS gathered,
    t.total / s.periods AS mean,
    greatest(t.squares / s.periods - (t.total / s.periods) * (t.total / s.periods), 0) AS variance
  FROM totals t JOIN {table} c ON c.id = t.id, slots s),
classed AS (
  SELECT r.id, r.code, r.name, r.class_code, r.total, r.active, r.mean,
    CASE WHEN r.whole > 0 THEN greatest(r.total, 0) / r.whole ELSE 0 END AS share,
    CASE WHEN r.whole > 0 THEN r.gathered / r.whole ELSE 0 END AS gathered_share,
    CASE WHEN r.mean > 0 THEN sqrt(r.variance) / r.mean END AS variation,
    CASE WHEN r.total <= 0 OR r.whole <= 0 THEN 'C'
      WHEN (r.gathered - r.total) * 100 < :a_percent * r.whole THEN 'A'
      WHEN (r.gathered - r.total) * 100 < :b_percent * r.whole THEN 'B' ELSE 'C' END AS abc,
    CASE WHEN r.mean <= 0 THEN 'Z'
      WHEN sqrt(r.variance) * 100 <= :x_percent * r.mean THEN 'X'
      WHEN sqrt(r.variance) * 100 <= :y_percent * r.mean THEN 'Y' ELSE 'Z' END AS xyz
  FROM ranked r)
"""
MATRIX = """
WITH {classed}
SELECT abc || xyz AS cell, count(*) AS items, sum(total) AS total, sum(share) AS share
FROM classed GROUP BY 1 ORDER BY 1
"""
ROWS = """
WITH {classed}
SELECT c.*, count(*) OVER () AS total_rows FROM classed c
WHERE (:cell = '' OR c.abc || c.xyz = :cell)
  AND (:search = '' OR strpos(lower(c.code || ' ' || c.name), :search) > 0)
ORDER BY c.total DESC, c.code LIMIT :size OFFSET :offset
"""
RULED = """
WITH {classed},
ruled AS (
  SELECT c.*, c.abc || c.xyz AS became, p.segment AS was_segment, p.owner_id AS was_owner,
    p.priority AS was_priority, k.limit_amount AS was_limit, k.depth_days AS was_depth,
    k.id IS NOT NULL AS has_policy, r.position AS rule,
    CASE WHEN p.segment_by_hand THEN p.segment ELSE coalesce(r.segment, p.segment) END
      AS now_segment,
    CASE WHEN p.segment_by_hand THEN p.owner_id ELSE coalesce(r.owner_id, p.owner_id) END
      AS now_owner,
    CASE WHEN p.segment_by_hand THEN p.priority ELSE coalesce(r.priority, p.priority) END
      AS now_priority,
    CASE WHEN p.segment_by_hand THEN k.limit_amount
      ELSE coalesce(r.limit_amount, k.limit_amount) END AS now_limit,
    CASE WHEN p.segment_by_hand THEN k.depth_days
      ELSE coalesce(r.depth_days, k.depth_days) END AS now_depth
  FROM classed c JOIN party p ON p.id = c.id LEFT JOIN credit_policy k ON k.party_id = p.id
  LEFT JOIN LATERAL (
    SELECT * FROM segment_rule s
    WHERE (s.classes = '{{}}' OR c.abc || c.xyz = ANY(s.classes) OR c.abc = ANY(s.classes))
      AND (s.min_total IS NULL OR c.total >= s.min_total)
    ORDER BY s.position LIMIT 1) r ON true),
changed AS (
  SELECT * FROM ruled WHERE (class_code, was_segment, was_owner, was_priority, was_limit, was_depth)
    IS DISTINCT FROM (became, now_segment, now_owner, now_priority, now_limit, now_depth))
"""
GOODS_CHANGED = """
WITH {classed},
changed AS (
  SELECT c.*, c.abc || c.xyz AS became FROM classed c
  WHERE c.class_code IS DISTINCT FROM c.abc || c.xyz)
"""
RULES = """
SELECT r.id, r.position, r.segment, r.classes, r.min_total, r.price_list_id, l.name AS list_name,
  r.limit_amount, r.depth_days, r.priority, r.owner_id, o.name AS owner_name
FROM segment_rule r LEFT JOIN price_list l ON l.id = r.price_list_id
LEFT JOIN identity o ON o.id = r.owner_id ORDER BY r.position
"""
RUNS = """
SELECT id, subject, since, until, changed, applied_by, applied_at, reversed_at FROM class_run
ORDER BY applied_at DESC LIMIT 20
"""


@dataclass(frozen=True, slots=True)
class Classed:
    """``share`` and ``gathered_share`` of 1; ``variation`` None where the mean is not positive."""

    id: UUID
    code: str
    name: str
    class_code: str | None
    total: Decimal
    active: int
    mean: Decimal
    share: Decimal
    gathered_share: Decimal
    variation: Decimal | None
    abc: str
    xyz: str


def window(settings: Settings, on: date) -> tuple[date, date]:
    """The last whole periods before ``on``: what has not ended yet would look like a fall."""
    if settings.every == "week":
        until = on - timedelta(days=on.weekday() + 1)
        return until - timedelta(weeks=settings.periods) + timedelta(days=1), until
    until = on.replace(day=1) - timedelta(days=1)
    months = until.year * 12 + until.month - settings.periods
    return date(months // 12, months % 12 + 1, 1), until


def asked(
    subject: Subject, settings: Settings, currency: str, on: date
) -> tuple[str, dict[str, Any]]:
    """The CTEs up to ``classed`` and their parameters."""
    since, until = window(settings, on)
    sql = CLASSED.format(
        key=KEYS[subject], measure=MEASURES[settings.measure], table=TABLES[subject]
    )
    return sql, {
        "since": since,
        "until": until,
        "periods": settings.periods,
        "every": settings.every,
        "currency": currency,
        "a_percent": settings.a_percent,
        "b_percent": settings.b_percent,
        "x_percent": settings.x_percent,
        "y_percent": settings.y_percent,
    }


async def matrix(
    subject: Subject, settings: Settings, currency: str, on: date
) -> dict[str, db.Row]:
    """Cell (``AX``) to how many, how much, what share."""
    sql, values = asked(subject, settings, currency, on)
    return {row["cell"]: row for row in await db.rows(MATRIX.format(classed=sql), **values)}


async def classed(
    subject: Subject,
    settings: Settings,
    currency: str,
    on: date,
    paging: Paging,
    *,
    cell: str = "",
    search: str = "",
) -> Page[Classed]:
    sql, values = asked(subject, settings, currency, on)
    found = await db.rows(
        ROWS.format(classed=sql),
        cell=cell,
        search=search.lower().strip(),
        size=paging.size,
        offset=paging.offset,
        **values,
    )
    return db.page_of(Classed, found, paging)


async def changes(
    subject: Subject, settings: Settings, currency: str, on: date, most: int = 200
) -> list[db.Row]:
    """What applying would change: was, now, why."""
    sql, values = asked(subject, settings, currency, on)
    head = (RULED if subject == "clients" else GOODS_CHANGED).format(classed=sql)
    return await db.rows(
        f"{head} SELECT c.*, count(*) OVER () AS total_rows FROM changed c"
        " ORDER BY c.total DESC, c.code LIMIT :most",
        most=most,
        **values,
    )


async def rules() -> list[db.Row]:
    return await db.rows(RULES)


async def runs() -> list[db.Row]:
    return await db.rows(RUNS)

"""What was sold against the plans, and what a dealer usually buys by now: one statement for all.

Turnover is goods invoiced less credit notes, each on its own day, in the plan's currency; services
do not count. A category's turnover includes the categories under it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from uuid import UUID

from dilo.kit import db

FACTS = """
WITH RECURSIVE line AS MATERIALIZED (
  SELECT l.id, l.plan_id, l.category_id, l.product_id, p.party_id, p.currency, p.since, p.until,
    d.day, least(p.until, d.day) AS upto
  FROM dealer_plan_line l JOIN dealer_plan p ON p.id = l.plan_id
  CROSS JOIN unnest(CAST(:days AS date[])) AS d(day)
  WHERE p.id = ANY(:plans) AND (:fresh = false OR d.day > coalesce(p.accrued_through, p.since - 1))
    AND (l.dropped_at IS NULL OR :dropped)),
tree AS (
  SELECT DISTINCT category_id AS root_id, category_id AS id FROM line
  WHERE category_id IS NOT NULL
  UNION SELECT t.root_id, c.id FROM tree t JOIN category c ON c.parent_id = t.id),
sold AS MATERIALIZED (
  SELECT v.party_id, v.currency, v.issued_on, x.product_id, g.category_id,
    sum(CASE v.kind WHEN 'invoice' THEN x.amount ELSE -x.amount END) AS amount,
    sum(CASE v.kind WHEN 'invoice' THEN x.quantity ELSE -x.quantity END) AS quantity
  FROM invoice v JOIN invoice_line x ON x.invoice_id = v.id
  JOIN product g ON g.id = x.product_id AND g.kind = 'goods'
  WHERE v.party_id = ANY(SELECT party_id FROM line)
    AND v.issued_on BETWEEN (SELECT min(since) FROM line) - 366 AND (SELECT max(day) FROM line)
  GROUP BY 1, 2, 3, 4, 5)
SELECT l.id AS line_id, l.plan_id, l.day,
  coalesce(sum(s.amount) FILTER (WHERE s.issued_on BETWEEN l.since AND l.upto), 0) AS amount,
  coalesce(sum(s.quantity) FILTER (WHERE s.issued_on BETWEEN l.since AND l.upto), 0) AS quantity,
  coalesce(sum(s.amount) FILTER (WHERE s.issued_on BETWEEN (l.since - interval '1 year')::date
    AND (l.upto - interval '1 year')::date), 0) AS last_so_far,
  coalesce(sum(s.amount) FILTER (WHERE s.issued_on BETWEEN (l.since - interval '1 year')::date
    AND (l.until - interval '1 year')::date), 0) AS last_whole,
  coalesce(sum(s.quantity) FILTER (WHERE s.issued_on BETWEEN (l.since - interval '1 year')::date
    AND (l.upto - interval '1 year')::date), 0) AS last_quantity_so_far,
  coalesce(sum(s.quantity) FILTER (WHERE s.issued_on BETWEEN (l.since - interval '1 year')::date
    AND (l.until - interval '1 year')::date), 0) AS last_quantity_whole
FROM line l LEFT JOIN sold s ON s.party_id = l.party_id AND s.currency = l.currency
  AND (l.product_id IS NULL OR s.product_id = l.product_id)
  AND (l.category_id IS NULL OR EXISTS (
    SELECT 1 FROM tree t WHERE t.root_id = l.category_id AND t.id = s.category_id))
GROUP BY l.id, l.plan_id, l.day ORDER BY l.id, l.day
"""
# A product's rhythm: median days between buying days and median pieces of one, over a year; three
# buying days at least. Due when a median interval has passed since the last, and not forgotten
# (four intervals); what already waits in an order is not asked for again.
DUE_GOODS = """
WITH bought AS (
  SELECT v.party_id, x.product_id, v.issued_on, sum(x.quantity) AS quantity,
    v.issued_on - lag(v.issued_on) OVER (PARTITION BY v.party_id, x.product_id
      ORDER BY v.issued_on) AS gap
  FROM invoice v JOIN invoice_line x ON x.invoice_id = v.id
  WHERE v.party_id = ANY(:parties) AND v.kind = 'invoice'
    AND v.issued_on BETWEEN CAST(:on AS date) - 365 AND :on
  GROUP BY v.party_id, x.product_id, v.issued_on),
rhythm AS (
  SELECT party_id, product_id, count(*) AS times, max(issued_on) AS last_on,
    ceil(percentile_cont(0.5) WITHIN GROUP (ORDER BY gap))::int AS every_days,
    percentile_disc(0.5) WITHIN GROUP (ORDER BY quantity) AS usual_quantity
  FROM bought GROUP BY party_id, product_id HAVING count(*) >= 3)
SELECT r.party_id, r.product_id, g.code, g.name, g.unit, r.times, r.last_on, r.every_days,
  r.usual_quantity, r.last_on + r.every_days AS due_on
FROM rhythm r JOIN product g ON g.id = r.product_id AND g.kind = 'goods' AND g.retired_at IS NULL
WHERE r.last_on + r.every_days <= :on AND r.last_on + 4 * r.every_days >= :on
  AND NOT EXISTS (
    SELECT 1 FROM sales_order o JOIN sales_order_line w ON w.order_id = o.id
    WHERE o.party_id = r.party_id AND w.product_id = r.product_id
      AND o.state IN ('submitted', 'on_hold', 'confirmed', 'partially_shipped')
      AND w.shipped_quantity < w.quantity)
ORDER BY r.party_id, r.times DESC, r.last_on + r.every_days, g.name LIMIT :most
"""
HOLIDAYS = "SELECT day FROM holiday WHERE day BETWEEN :since AND :until"


@dataclass(frozen=True, slots=True)
class Fact:
    """Turnover of a plan's line by the end of ``day``; ``last_*``: the same of a year before."""

    line_id: UUID
    plan_id: UUID
    day: date
    amount: Decimal
    quantity: Decimal
    last_so_far: Decimal
    last_whole: Decimal
    last_quantity_so_far: Decimal
    last_quantity_whole: Decimal


@dataclass(frozen=True, slots=True)
class DueGood:
    """``due_on``: the day its rhythm says it is bought again."""

    party_id: UUID
    product_id: UUID
    code: str
    name: str
    unit: str
    times: int
    last_on: date
    every_days: int
    usual_quantity: Decimal
    due_on: date


async def facts_of(plans: Sequence[UUID], on: date) -> dict[UUID, Fact]:
    """By line, of any number of plans."""
    found = await db.rows_as(Fact, FACTS, plans=list(plans), days=[on], fresh=False, dropped=False)
    return {fact.line_id: fact for fact in found}


async def facts_by_day(plans: Sequence[UUID], days: Sequence[date]) -> list[Fact]:
    """Of each day not yet accrued, also of lines a new version dropped; by line, then by day."""
    return await db.rows_as(
        Fact, FACTS, plans=list(plans), days=list(days), fresh=True, dropped=True
    )


async def due_goods(parties: Sequence[UUID], on: date, most: int = 12) -> list[DueGood]:
    return await db.rows_as(DueGood, DUE_GOODS, parties=list(parties), on=on, most=most)


async def holidays_between(since: date, until: date) -> frozenset[date]:
    return frozenset(row["day"] for row in await db.rows(HOLIDAYS, since=since, until=until))

"""One round trip for each screen that gathers from many capabilities."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from uuid import UUID

from dilo.kit import db

YEAR = """
SELECT m.month::date AS month,
  coalesce((SELECT sum(CASE v.kind WHEN 'invoice' THEN v.total ELSE -v.total END) FROM invoice v
    WHERE (CAST(:party_id AS uuid) IS NULL OR v.party_id = :party_id) AND v.currency = :currency
      AND v.issued_on >= m.month AND v.issued_on < m.month + interval '1 month'), 0) AS sold,
  coalesce((SELECT sum(CASE WHEN y.reverses_id IS NULL AND y.direction = 'in' THEN y.amount
    ELSE -y.amount END)
    FROM payment y
    WHERE (CAST(:party_id AS uuid) IS NULL OR y.party_id = :party_id) AND y.currency = :currency
      AND y.received_on >= m.month AND y.received_on < m.month + interval '1 month'), 0) AS paid
FROM generate_series(date_trunc('month', CAST(:on AS date)) - interval '11 months',
  date_trunc('month', CAST(:on AS date)), interval '1 month') AS m(month) ORDER BY 1
"""
TODAY = """
SELECT
  (SELECT count(*) FROM sales_order WHERE state = 'on_hold') AS on_hold,
  (SELECT count(*) FROM sales_order WHERE state IN ('confirmed', 'partially_shipped')) AS to_ship,
  (SELECT count(*) FROM sales_order WHERE state = 'draft') AS drafts,
  (SELECT count(*) FROM credit_override WHERE state = 'requested' AND expires_at > now()) AS asked,
  (SELECT count(*) FROM shipment WHERE state = 'held') AS held,
  (SELECT count(*) FROM outbox WHERE state IN ('unknown', 'dead') AND channel <> 'event') AS
    undelivered,
  (SELECT coalesce(sum(open_amount), 0) FROM open_item
    WHERE side = 'credit' AND open_amount > 0 AND currency = :currency) AS unallocated,
  (SELECT coalesce(sum(amount), 0) FROM payment
    WHERE received_on = :on AND currency = :currency AND reverses_id IS NULL
      AND direction = 'in') AS paid_today,
  (SELECT coalesce(sum(total), 0) FROM sales_order
    WHERE created_at >= :on AND currency = :currency AND state <> 'cancelled') AS ordered_today
"""
DEBTORS = """
SELECT i.party_id, p.name, p.code, sum(i.open_amount) AS overdue, max(:on - i.due_on) AS days
FROM open_item i JOIN party p ON p.id = i.party_id
WHERE i.open_amount > 0 AND i.side = 'debit' AND i.due_on < :on AND i.currency = :currency
GROUP BY i.party_id, p.name, p.code ORDER BY 4 DESC LIMIT 8
"""
# "Usual": the mean of the four weeks before, weekends and all.
DAY = """
SELECT
  (SELECT coalesce(sum(CASE kind WHEN 'invoice' THEN total ELSE -total END), 0) FROM invoice
    WHERE issued_on = :on AND currency = :currency) AS sold,
  (SELECT coalesce(sum(CASE kind WHEN 'invoice' THEN total ELSE -total END), 0) / 28 FROM invoice
    WHERE issued_on >= :on - 28 AND issued_on < :on AND currency = :currency) AS usual_sold,
  (SELECT coalesce(sum(CASE WHEN reverses_id IS NULL AND direction = 'in' THEN amount
    ELSE -amount END), 0) FROM payment
    WHERE received_on = :on AND currency = :currency) AS paid,
  h.held, h.held_amount
FROM (SELECT count(*) AS held, coalesce(sum(total), 0) AS held_amount FROM sales_order
  WHERE state = 'on_hold' AND currency = :currency) h
"""
SEARCH = """
(SELECT 'party' AS kind, id, code AS label, name AS title FROM party
  WHERE strpos(search, :q) > 0 ORDER BY strpos(search, :q), name LIMIT 6)
UNION ALL (SELECT 'order', o.id, o.number, p.name FROM sales_order o JOIN party p ON p.id =
  o.party_id
  WHERE strpos(lower(o.number), :q) > 0 ORDER BY o.created_at DESC LIMIT 5)
UNION ALL (SELECT 'invoice', v.id, v.number, p.name FROM invoice v JOIN party p ON p.id = v.party_id
  WHERE strpos(lower(v.number), :q) > 0 ORDER BY v.issued_on DESC LIMIT 5)
UNION ALL (SELECT 'payment', y.id, y.number, p.name FROM payment y JOIN party p ON p.id = y.party_id
  WHERE strpos(lower(y.number), :q) > 0 ORDER BY y.received_on DESC LIMIT 4)
UNION ALL (SELECT 'product', g.id, g.code, g.name FROM search_products(:q, NULL) f
  JOIN product g ON g.id = f.product_id ORDER BY f.rank DESC, g.name LIMIT 5)
"""


@dataclass(frozen=True, slots=True)
class Month:
    month: date
    sold: Decimal
    paid: Decimal


@dataclass(frozen=True, slots=True)
class Today:
    on_hold: int
    to_ship: int
    drafts: int
    asked: int
    held: int
    undelivered: int
    unallocated: Decimal
    paid_today: Decimal
    ordered_today: Decimal


@dataclass(frozen=True, slots=True)
class DayFigures:
    """Invoices less credit notes; ``usual_sold``: an average day of the 28 before."""

    sold: Decimal
    usual_sold: Decimal
    paid: Decimal
    held: int
    held_amount: Decimal


async def day_figures(currency: str, on: date) -> DayFigures:
    return await db.one_as(DayFigures, DAY, currency=currency, on=on)


async def year_of(party_id: UUID | None, currency: str, on: date) -> list[Month]:
    """Sold and paid by month, the last twelve; of everybody where no party is named."""
    return await db.rows_as(Month, YEAR, party_id=party_id, currency=currency, on=on)


async def today(currency: str, on: date) -> Today:
    return await db.one_as(Today, TODAY, currency=currency, on=on)


async def worst_debtors(currency: str, on: date) -> list[db.Row]:
    return await db.rows(DEBTORS, currency=currency, on=on)


async def anything_like(text: str) -> list[db.Row]:
    """Records of every kind whose code, number or name holds the text."""
    return await db.rows(SEARCH, q=text.lower().strip()[:80])

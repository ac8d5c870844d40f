"""Reads of promotions: which offers stand on goods, the office's pages, what each has brought."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from uuid import UUID

from dilo.kit import db
from dilo.promotions.rules import Offer

OFFERS = """
SELECT p.id AS product_id, f.id, f.name, f.kind, f.value, f.stackable,
  CASE WHEN f.at_budget = 'stop' THEN f.budget_amount - f.spent_amount END AS left
FROM promotion f
JOIN product p ON p.id = ANY(:products) AND p.kind = 'goods'
  AND (f.product_id IS NULL OR f.product_id = p.id)
  AND (f.category_id IS NULL OR p.category_id IN (
    WITH RECURSIVE under AS (
      SELECT c.id FROM category c WHERE c.id = f.category_id
      UNION SELECT c.id FROM category c JOIN under u ON c.parent_id = u.id)
    SELECT id FROM under))
WHERE f.ended_at IS NULL AND f.starts_on <= :on AND (f.ends_on IS NULL OR f.ends_on >= :on)
  AND (f.segment IS NULL OR f.segment = :segment)
ORDER BY f.id
"""
PROMOTIONS = """
SELECT f.id, f.name, f.kind, f.value, f.category_id, c.name AS category, f.product_id,
  p.code AS product_code, f.segment, f.starts_on, f.ends_on, f.budget_amount, f.at_budget,
  f.spent_amount, f.stackable, f.ended_at, f.made_by, f.created_at
FROM promotion f LEFT JOIN category c ON c.id = f.category_id
LEFT JOIN product p ON p.id = f.product_id
"""
COUPONS = """
SELECT id, code, kind, value, minimum_amount, starts_on, ends_on, most_uses, most_per_buyer, uses,
  stackable, ended_at, made_by FROM coupon ORDER BY ended_at IS NOT NULL, created_at DESC LIMIT 500
"""
# Revenue is what the lines were sold for, not what the whole orders were.
RESULTS = """
SELECT a.{by} AS id, count(DISTINCT a.order_id) FILTER (WHERE a.kept > 0) AS orders,
  coalesce(sum(l.amount) FILTER (WHERE a.kept > 0), 0) AS revenue,
  coalesce(sum(a.kept), 0) AS discount
FROM (SELECT {by}, order_id, line_no, sum(amount) AS kept FROM promotion_accrual
      WHERE {by} IS NOT NULL GROUP BY {by}, order_id, line_no) a
LEFT JOIN sales_order_line l ON l.order_id = a.order_id AND l.line_no = a.line_no
GROUP BY a.{by}
"""
OF_PROMOTIONS, OF_COUPONS = RESULTS.format(by="promotion_id"), RESULTS.format(by="coupon_id")
# The same products in the same number of days before it began: what it was against.
BASELINE = """
WITH f AS (SELECT * FROM promotion WHERE id = :id),
span AS (SELECT greatest(least(coalesce(ends_on, CAST(:on AS date)), CAST(:on AS date))
  - starts_on + 1, 1) AS days FROM f),
goods AS (SELECT DISTINCT product_id FROM promotion_accrual WHERE promotion_id = :id)
SELECT
  coalesce(sum(l.amount) FILTER (WHERE o.created_at >= f.starts_on), 0) AS during,
  coalesce(sum(l.amount - l.quantity * coalesce(p.cost, 0))
    FILTER (WHERE o.created_at >= f.starts_on), 0) AS margin_during,
  coalesce(sum(l.amount) FILTER (WHERE o.created_at < f.starts_on), 0) AS before,
  coalesce(sum(l.amount - l.quantity * coalesce(p.cost, 0))
    FILTER (WHERE o.created_at < f.starts_on), 0) AS margin_before
FROM f CROSS JOIN span JOIN sales_order o ON o.state <> 'cancelled'
  AND o.created_at >= f.starts_on - span.days AND o.created_at < f.starts_on + span.days
JOIN sales_order_line l ON l.order_id = o.id
JOIN goods g ON g.product_id = l.product_id JOIN product p ON p.id = l.product_id
"""
ACCRUED = """
SELECT a.accrued_at, a.amount, a.line_no, o.id AS order_id, o.number, o.state, p.code, p.name
FROM promotion_accrual a JOIN sales_order o ON o.id = a.order_id
JOIN product p ON p.id = a.product_id
WHERE a.promotion_id = :id ORDER BY a.accrued_at DESC, a.id DESC LIMIT 200
"""
COUPON_OF_ORDER = """
SELECT c.code FROM coupon_use u JOIN coupon c ON c.id = u.coupon_id
WHERE u.order_id = :id AND u.given_back_at IS NULL
"""


@dataclass(frozen=True, slots=True)
class Promotion:
    id: UUID
    name: str
    kind: str
    value: Decimal
    category_id: UUID | None
    category: str | None
    product_id: UUID | None
    product_code: str | None
    segment: str | None
    starts_on: date
    ends_on: date | None
    budget_amount: Decimal | None
    at_budget: str
    spent_amount: Decimal
    stackable: bool
    ended_at: datetime | None
    made_by: str
    created_at: datetime

    def state(self, today: date) -> str:
        if self.ended_at or (self.ends_on and self.ends_on < today):
            return "ended"
        if self.starts_on > today:
            return "planned"
        full = self.budget_amount is not None and self.spent_amount >= self.budget_amount
        return "spent" if full else "running"


async def offers(
    products: Sequence[UUID], segment: str | None, on: date
) -> dict[UUID, list[Offer]]:
    """Open promotions by product, in one query."""
    found: dict[UUID, list[Offer]] = {}
    for row in await db.rows(OFFERS, products=list(products), segment=segment, on=on):
        plain = dict(row)
        found.setdefault(plain.pop("product_id"), []).append(Offer(**plain))
    return found


async def promotions() -> list[Promotion]:
    return await db.rows_as(
        Promotion, f"{PROMOTIONS} ORDER BY f.ended_at IS NOT NULL, f.starts_on DESC, f.id LIMIT 500"
    )


async def promotion(promotion_id: UUID) -> Promotion:
    return await db.one_as(Promotion, f"{PROMOTIONS} WHERE f.id = :id", id=promotion_id)


async def coupons() -> list[db.Row]:
    return await db.rows(COUPONS)


async def results(of: str) -> dict[UUID, db.Row]:
    """Orders, revenue and discount by promotion or by coupon."""
    sql = OF_COUPONS if of == "coupon" else OF_PROMOTIONS
    return {row["id"]: row for row in await db.rows(sql)}


async def baseline(promotion_id: UUID, on: date) -> db.Row:
    """Sales and margin of its goods during it, and in as many days before."""
    return await db.one(BASELINE, id=promotion_id, on=on)


async def accrued(promotion_id: UUID) -> list[db.Row]:
    return await db.rows(ACCRUED, id=promotion_id)


async def coupon_of_order(order_id: UUID) -> str | None:
    return await db.value(COUPON_OF_ORDER, id=order_id)

"""Promotions inside an order's transaction: priced, accrued line by line, given back.

Rows are locked after the party's balance and the stock levels, in the order of their ids; one
conditional UPDATE keeps a budget and a coupon's count, whoever races.
"""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from uuid import UUID

from dilo.kit import db
from dilo.kit.errors import Refusal
from dilo.promotions.queries import offers
from dilo.promotions.rules import CouponTerms, Given, Reduced, apply_coupon, promoted, with_coupon

COUPON = """
SELECT id, code, kind, value, minimum_amount, stackable, uses, most_uses,
  ended_at IS NOT NULL OR starts_on > :on OR ends_on < :on AS closed
FROM coupon WHERE code = :code
"""
LOCK = "SELECT id FROM promotion WHERE id = ANY(:ids) ORDER BY id FOR UPDATE"
SPEND = """
UPDATE promotion f SET spent_amount = f.spent_amount + g.amount
FROM unnest(:ids::uuid[], :amounts::numeric[]) AS g(id, amount)
WHERE f.id = g.id AND f.ended_at IS NULL
  AND (f.at_budget = 'warn' OR f.budget_amount IS NULL
       OR f.spent_amount + g.amount <= f.budget_amount)
"""
USE = """
UPDATE coupon SET uses = uses + 1 WHERE id = :id AND ended_at IS NULL
  AND (most_uses IS NULL OR uses < most_uses) RETURNING most_per_buyer
"""
# A guest is a new party each time: his address says that he has been here.
USED_BY = """
SELECT count(*) FROM coupon_use u WHERE u.coupon_id = :id AND u.given_back_at IS NULL
  AND (u.party_id = :party_id OR u.party_id IN (
    SELECT h.party_id FROM contact_channel h JOIN contact_channel o
      ON o.channel = h.channel AND o.address = h.address AND o.party_id = :party_id))
"""
NOTE_USE = """
INSERT INTO coupon_use (coupon_id, order_id, party_id) VALUES (:id, :order_id, :party_id)
"""
ACCRUE = """
INSERT INTO promotion_accrual (promotion_id, coupon_id, order_id, line_no, product_id, amount)
SELECT promotion_id, coupon_id, :order_id, line_no, product_id, amount
FROM unnest(:promotions::uuid[], :coupons::uuid[], :line_nos::int[], :products::uuid[],
  :amounts::numeric[]) AS a(promotion_id, coupon_id, line_no, product_id, amount)
"""
# What is not going to be sold is given back: all of a cancelled order, the rest of a closed one.
GIVE_BACK = """
WITH standing AS (
  SELECT promotion_id, coupon_id, line_no, product_id, sum(amount) AS amount
  FROM promotion_accrual WHERE order_id = :order_id
  GROUP BY promotion_id, coupon_id, line_no, product_id HAVING sum(amount) > 0),
due AS (
  SELECT s.*, s.amount - CASE WHEN :shipped_stay
      THEN round(s.amount * l.shipped_quantity / l.quantity, 2) ELSE 0 END AS back
  FROM standing s JOIN sales_order_line l ON l.order_id = :order_id AND l.line_no = s.line_no),
noted AS (
  INSERT INTO promotion_accrual (promotion_id, coupon_id, order_id, line_no, product_id, amount)
  SELECT promotion_id, coupon_id, :order_id, line_no, product_id, -back FROM due WHERE back > 0),
freed AS (
  UPDATE promotion f SET spent_amount = f.spent_amount - d.back
  FROM (SELECT promotion_id, sum(back) AS back FROM due WHERE promotion_id IS NOT NULL
        GROUP BY promotion_id) d
  WHERE f.id = d.promotion_id),
unused AS (
  UPDATE coupon_use SET given_back_at = now()
  WHERE order_id = :order_id AND given_back_at IS NULL AND NOT :shipped_stay RETURNING coupon_id)
UPDATE coupon c SET uses = uses - 1 FROM unused u WHERE c.id = u.coupon_id
"""
TOUCHED = """
SELECT DISTINCT promotion_id FROM promotion_accrual
WHERE order_id = :order_id AND promotion_id IS NOT NULL
"""


async def coupon_terms(code: str, on: date) -> CouponTerms:
    """Raises COUPON_UNKNOWN for what never was, is over or has not begun; COUPON_USED."""
    row = await db.one_or_none(COUPON, code=code.strip().upper()[:40], on=on)
    if row is None or row["closed"]:
        raise Refusal("COUPON_UNKNOWN", status=422, coupon=code[:40])
    if row["most_uses"] is not None and row["uses"] >= row["most_uses"]:
        raise Refusal("COUPON_USED", status=422, coupon=row["code"])
    return CouponTerms(
        row["id"], row["code"], row["kind"], row["value"], row["minimum_amount"], row["stackable"]
    )


async def reduce(
    lines: Sequence[Reduced],
    products: Sequence[UUID],
    segment: str | None,
    on: date,
    coupon: str | None = None,
) -> list[Reduced]:
    """The lines after promotions and the coupon.

    Raises COUPON_UNKNOWN, COUPON_USED, COUPON_TOO_SMALL, COUPON_NOT_BETTER, COUPON_NOTHING.
    """
    found = await offers(products, segment, on)
    offered = promoted(lines, [found.get(one, []) for one in products])
    if not coupon:
        return offered
    terms = await coupon_terms(coupon, on)
    why_not = with_coupon(lines, offered, terms)
    if why_not:
        raise Refusal(why_not, status=422, coupon=terms.code, least=terms.minimum_amount)
    return apply_coupon(lines, offered, terms)


async def spend(party_id: UUID, given: Sequence[Given]) -> None:
    """Takes what the lines were given from budgets and the coupon, before the order is written.

    Raises PROMOTION_SPENT where somebody was faster, COUPON_USED.
    """
    sums: dict[UUID, Decimal] = {}
    for one in given:
        if one.promotion_id:
            sums[one.promotion_id] = sums.get(one.promotion_id, Decimal(0)) + one.amount
    if sums:
        await db.rows(LOCK, ids=sorted(sums))
        spent = await db.execute(SPEND, ids=list(sums), amounts=list(sums.values()))
        if spent != len(sums):
            raise Refusal("PROMOTION_SPENT")
    for coupon_id, code in sorted({(o.coupon_id, o.name) for o in given if o.coupon_id}):
        used = await db.one_or_none(USE, id=coupon_id)
        most = used["most_per_buyer"] if used else None
        mine = await db.value(USED_BY, id=coupon_id, party_id=party_id) if most else 0
        if used is None or (most is not None and mine >= most):
            raise Refusal("COUPON_USED", status=422, coupon=code)


async def accrue(
    order_id: UUID, party_id: UUID, lines: Sequence[tuple[int, UUID, Sequence[Given]]]
) -> None:
    """Writes what each line (number, product) was given."""
    flat = [(no, product, one) for no, product, given in lines for one in given]
    if not flat:
        return
    await db.execute(
        ACCRUE,
        order_id=order_id,
        promotions=[one.promotion_id for _, _, one in flat],
        coupons=[one.coupon_id for _, _, one in flat],
        line_nos=[no for no, _, _ in flat],
        products=[product for _, product, _ in flat],
        amounts=[one.amount for _, _, one in flat],
    )
    for coupon_id in {one.coupon_id for _, _, one in flat if one.coupon_id}:
        await db.execute(NOTE_USE, id=coupon_id, order_id=order_id, party_id=party_id)


async def give_back(order_id: UUID, *, shipped_stay: bool = False) -> None:
    """An order ends or its lines change: budgets and coupon are free again."""
    touched = [row["promotion_id"] for row in await db.rows(TOUCHED, order_id=order_id)]
    if touched:
        await db.rows(LOCK, ids=sorted(touched))
    await db.execute(GIVE_BACK, order_id=order_id, shipped_stay=shipped_stay)

"""What a company's own rules say of an order: limits with what is spent, steps of the chain."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from uuid import UUID

from dilo.buyers.rules import PERIODS, period_start
from dilo.kit import db
from tenants.scope import current_tenant

# A person's own limit, else everybody's (an administrator sets the rules and has none unless
# named); and the limits of his division and of those above it, spent by all who belong there.
LIMITS = """
WITH RECURSIVE me AS (
  SELECT id, role, division_id FROM portal_user
  WHERE party_id = :party_id AND identity_id = :buyer_id),
above AS (
  SELECT d.id, d.parent_id FROM division d JOIN me ON d.id = me.division_id
  UNION SELECT d.id, d.parent_id FROM division d JOIN above a ON d.id = a.parent_id),
limits AS (
  SELECT * FROM (
    SELECT DISTINCT ON (l.period) l.period, l.amount, CAST(NULL AS uuid) AS division_id
    FROM spending_limit l CROSS JOIN me
    WHERE l.party_id = :party_id AND l.division_id IS NULL
      AND (l.seat_id = me.id OR l.seat_id IS NULL AND me.role <> 'admin')
    ORDER BY l.period, l.seat_id NULLS LAST) own
  UNION ALL
  SELECT l.period, l.amount, l.division_id FROM spending_limit l JOIN above a
    ON a.id = l.division_id),
below AS (
  SELECT division_id AS root, division_id AS id FROM limits WHERE division_id IS NOT NULL
  UNION SELECT b.root, d.id FROM division d JOIN below b ON d.parent_id = b.id)
SELECT l.period, l.amount AS limit_amount, p.since AS since_on, d.name AS division,
  coalesce((SELECT sum(o.total) FROM sales_order o
    WHERE o.party_id = :party_id AND o.currency = :currency
      AND o.submitted_at >= CAST(p.since AS timestamp) AT TIME ZONE :time_zone
      AND o.state NOT IN ('draft', 'cancelled') AND o.id IS DISTINCT FROM :order_id
      AND CASE WHEN l.division_id IS NULL THEN o.placed_by_id = :buyer_id
          ELSE o.placed_by_id IN (SELECT u.identity_id FROM portal_user u
            JOIN below b ON b.id = u.division_id AND b.root = l.division_id
            WHERE u.party_id = :party_id) END), 0) AS spent_amount
FROM limits l
JOIN unnest(CAST(:periods AS text[]), CAST(:starts AS date[])) AS p(period, since)
  ON p.period = l.period
LEFT JOIN division d ON d.id = l.division_id
ORDER BY array_position(CAST(:periods AS text[]), l.period), d.name NULLS FIRST
"""
# The last row is of the order itself: who answers where no step is set, what was approved.
STEPS = """
WITH policy AS (
  SELECT coalesce((SELECT admins_stand_in FROM buyer_policy WHERE party_id = :party_id), true)
    AS stand_in),
active AS (
  SELECT u.id, u.identity_id, u.role, i.name FROM portal_user u
  JOIN identity i ON i.id = u.identity_id AND i.disabled_at IS NULL
  WHERE u.party_id = :party_id AND u.disabled_at IS NULL),
asked AS (
  SELECT from_amount, role, seat_id FROM approval_step WHERE party_id = :party_id
  UNION ALL SELECT NULL, 'approver', NULL)
SELECT a.from_amount, a.role, a.seat_id, n.name AS approver,
  EXISTS (SELECT 1 FROM active u CROSS JOIN policy p WHERE u.identity_id <> :buyer_id
    AND (u.id = a.seat_id OR a.seat_id IS NULL AND u.role = a.role
      OR u.role = 'admin' AND p.stand_in)) AS answerable,
  (SELECT role FROM portal_user WHERE party_id = :party_id AND identity_id = :buyer_id)
    AS buyer_role,
  (SELECT amount FROM approval_request WHERE order_id = :order_id AND state = 'approved')
    AS approved_amount
FROM asked a LEFT JOIN active n ON n.id = a.seat_id
ORDER BY a.from_amount NULLS LAST
"""


@dataclass(frozen=True, slots=True)
class Limit:
    """``since_on`` is None for a limit on each order by itself; ``division``: whose it is."""

    period: str
    limit_amount: Decimal
    since_on: date | None
    division: str | None
    spent_amount: Decimal


@dataclass(frozen=True, slots=True)
class Step:
    """Orders above ``from_amount`` are shown to ``approver`` (a person's name) or to the role.

    ``answerable``: somebody other than the buyer can say yes today.
    """

    from_amount: Decimal | None
    role: str
    seat_id: UUID | None
    approver: str | None
    answerable: bool


@dataclass(frozen=True, slots=True)
class Spending:
    limits: list[Limit]
    chain: list[Step]
    otherwise: Step
    approved_amount: Decimal | None


async def spending_of(
    party_id: UUID, buyer_id: UUID, currency: str, order_id: UUID | None, on: date
) -> Spending | None:
    """Two queries, whatever the chain. None where the buyer is no user of this company."""
    asked = await db.rows(STEPS, party_id=party_id, buyer_id=buyer_id, order_id=order_id)
    role = asked[-1]["buyer_role"]
    if role is None:
        return None
    limits = await db.rows_as(
        Limit,
        LIMITS,
        party_id=party_id,
        buyer_id=buyer_id,
        currency=currency,
        order_id=order_id,
        periods=list(PERIODS),
        starts=[period_start(period, on) for period in PERIODS],
        time_zone=current_tenant().time_zone,
    )
    steps = [
        Step(r["from_amount"], r["role"], r["seat_id"], r["approver"], r["answerable"])
        for r in asked
    ]
    chain = [] if role == "admin" else steps[:-1]
    return Spending(limits, chain, steps[-1], asked[-1]["approved_amount"])

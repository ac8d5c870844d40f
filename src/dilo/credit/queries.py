"""Reads of credit policy for one party and for the company."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from uuid import UUID

from dilo.kit import db

COMPONENTS = ("exposure", "depth", "group", "receivable", "overdue", "shipped", "confirmed")
CAPPED = ("receivable", "overdue", "shipped", "confirmed")
ACTIONS = ("ignore", "warn", "block")
CHECKS = """
SELECT DISTINCT ON (k.component) k.component, k.cap_amount, k.at_order, k.at_dispatch, k.scope
FROM credit_check k JOIN party p ON p.id = :party_id
WHERE k.scope = 'tenant' OR k.scope = 'segment' AND k.scope_value = p.segment
  OR k.scope = 'party' AND k.party_id = p.id
ORDER BY k.component, array_position(ARRAY['party','segment','tenant'], k.scope)
"""
ALL_CHECKS = """
SELECT k.id, k.scope, k.scope_value, k.party_id, p.name AS party_name, k.component, k.cap_amount,
  k.at_order, k.at_dispatch, k.changed_by, k.changed_at
FROM credit_check k LEFT JOIN party p ON p.id = k.party_id
WHERE CAST(:party_id AS uuid) IS NULL OR k.party_id = :party_id
ORDER BY array_position(ARRAY['tenant','segment','party'], k.scope), k.scope_value, p.name,
  k.component
LIMIT 500
"""
# The root is the parent whose policy covers its children, or the party itself if it has any.
GROUP = """
SELECT r.id AS root_id, r.name, c.limit_amount + extra_limit(r.id, :on) AS limit_amount,
  c.deposit_amount + secured_amount(r.id, :on) AS deposit_amount
FROM party p JOIN party r ON r.id = coalesce(p.parent_id, p.id)
JOIN credit_policy c ON c.party_id = r.id AND c.covers_children AND c.limit_amount IS NOT NULL
WHERE p.id = :party_id AND r.currency = p.currency
"""
GROUP_EXPOSURE = """
SELECT coalesce(sum(b.receivable + b.shipped + b.confirmed - b.credit), 0) FROM party_balance b
JOIN party m ON m.id = b.party_id AND (m.id = :root_id OR m.parent_id = :root_id)
WHERE b.currency = :currency
"""
SECURITIES = """
SELECT id, kind, amount, valid_from, valid_to, note, recorded_by FROM credit_security
WHERE party_id = :party_id AND released_at IS NULL ORDER BY valid_from DESC
"""
TEMPORARY = """
SELECT id, amount, valid_from, valid_to, reason, recorded_by FROM temporary_limit
WHERE party_id = :party_id AND ended_at IS NULL ORDER BY valid_from DESC
"""
CHILDREN = """
SELECT p.id, p.code, p.name, coalesce(b.receivable + b.shipped + b.confirmed - b.credit, 0)
  AS exposure
FROM party p LEFT JOIN party_balance b ON b.party_id = p.id AND b.currency = p.currency
WHERE p.parent_id = :party_id ORDER BY p.name LIMIT 500
"""
LIMITS = """
SELECT d.day::date AS day,
  CASE WHEN c.id IS NULL THEN 0 ELSE c.limit_amount END + extra_limit(p.id, d.day::date)
    AS limit_amount,
  coalesce(c.deposit_amount, 0) + secured_amount(p.id, d.day::date) AS deposit_amount
FROM party p LEFT JOIN credit_policy c ON c.party_id = p.id CROSS JOIN
  generate_series(CAST(:on AS date), CAST(:on AS date) + CAST(:days AS int), '1 day') AS d(day)
WHERE p.id = :party_id ORDER BY 1
"""


@dataclass(frozen=True, slots=True)
class Check:
    component: str
    cap_amount: Decimal | None
    at_order: str
    at_dispatch: str
    scope: str


@dataclass(frozen=True, slots=True)
class Group:
    """A holding under one limit. ``exposure``: of all its members, less deposits."""

    root_id: UUID
    name: str
    limit_amount: Decimal
    deposit_amount: Decimal
    exposure: Decimal = Decimal(0)


async def checks_of(party_id: UUID) -> dict[str, Check]:
    """What the company's rules say of a party, by component; the narrowest scope wins."""
    found = await db.rows_as(Check, CHECKS, party_id=party_id)
    return {check.component: check for check in found}


async def checks(party_id: UUID | None = None) -> list[db.Row]:
    return await db.rows(ALL_CHECKS, party_id=party_id)


async def group_of(party_id: UUID, on: date) -> Group | None:
    """None where nobody's limit covers it."""
    return await db.one_or_none_as(Group, GROUP, party_id=party_id, on=on)


async def group_exposure(root_id: UUID, currency: str) -> Decimal:
    return await db.value(GROUP_EXPOSURE, root_id=root_id, currency=currency)


async def securities(party_id: UUID) -> list[db.Row]:
    return await db.rows(SECURITIES, party_id=party_id)


async def temporary_limits(party_id: UUID) -> list[db.Row]:
    return await db.rows(TEMPORARY, party_id=party_id)


async def children(party_id: UUID) -> list[db.Row]:
    return await db.rows(CHILDREN, party_id=party_id)


async def limits_by_day(
    party_id: UUID, on: date, days: int
) -> dict[date, tuple[Decimal | None, Decimal]]:
    """Limit with what is temporary, and what secures it, on each of the days."""
    found = await db.rows(LIMITS, party_id=party_id, on=on, days=days)
    return {row["day"]: (row["limit_amount"], row["deposit_amount"]) for row in found}

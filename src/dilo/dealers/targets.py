"""Plans for many dealers at once: copied from the period before, or one category for all."""

from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

import asyncpg
import msgspec

from dilo.dealers.plans import Period, check_amount, note
from dilo.dealers.rules import before, period_bounds, year_before
from dilo.kit import db
from dilo.kit.errors import NotFound, Refusal
from tenants.actors import Actor
from tenants.scope import current_tenant

# Every dealer's plan of the period before, its targets raised, as drafts of this period.
COPY = """
WITH old AS (
  SELECT p.* FROM dealer_plan p JOIN party d ON d.id = p.party_id AND d.closed_at IS NULL
  WHERE p.period = :period AND p.since = :from_since AND p.state NOT IN ('withdrawn', 'draft')
    AND NOT EXISTS (SELECT 1 FROM dealer_plan n WHERE n.party_id = p.party_id
      AND n.since = :since AND n.until = :until AND n.state <> 'withdrawn')),
made AS (
  INSERT INTO dealer_plan (party_id, period, since, until, currency, made_by)
  SELECT party_id, :period, :since, :until, currency, :by FROM old RETURNING id, party_id),
lined AS (
  INSERT INTO dealer_plan_line (plan_id, category_id, product_id, target_amount, target_quantity,
    scheme_id)
  SELECT m.id, l.category_id, l.product_id, round(l.target_amount * :factor, 2),
    round(l.target_quantity * :factor, 0), l.scheme_id
  FROM made m JOIN old ON old.party_id = m.party_id
  JOIN dealer_plan_line l ON l.plan_id = old.id AND l.dropped_at IS NULL)
SELECT id FROM made
"""
# One category's line for many dealers at once: last year's same period, raised, or a fixed sum.
BULK = """
WITH RECURSIVE dealer AS (
  SELECT d.id, d.currency FROM party d
  WHERE 'dealer' = ANY(d.roles) AND d.closed_at IS NULL
    AND (CAST(:tier_id AS uuid) IS NULL OR dealer_tier_on(d.id, :on) = :tier_id)),
tree AS (
  SELECT CAST(:category_id AS uuid) AS id WHERE CAST(:category_id AS uuid) IS NOT NULL
  UNION SELECT c.id FROM tree t JOIN category c ON c.parent_id = t.id),
sold AS (
  SELECT v.party_id, sum(CASE v.kind WHEN 'invoice' THEN x.amount ELSE -x.amount END) AS amount
  FROM invoice v JOIN invoice_line x ON x.invoice_id = v.id
  JOIN product g ON g.id = x.product_id AND g.kind = 'goods'
  JOIN dealer ON dealer.id = v.party_id AND dealer.currency = v.currency
  WHERE v.issued_on BETWEEN :from_since AND :from_until
    AND (CAST(:category_id AS uuid) IS NULL OR g.category_id IN (SELECT id FROM tree))
  GROUP BY v.party_id),
target AS (
  SELECT d.id AS party_id, d.currency,
    coalesce(CAST(:amount AS numeric), round(s.amount * :factor, 2)) AS amount
  FROM dealer d LEFT JOIN sold s ON s.party_id = d.id
  WHERE coalesce(CAST(:amount AS numeric), round(s.amount * :factor, 2)) > 0),
made AS (
  INSERT INTO dealer_plan (party_id, period, since, until, currency, made_by)
  SELECT party_id, :period, :since, :until, currency, :by FROM target
  ON CONFLICT (tenant_id, party_id, since, until) WHERE state <> 'withdrawn' DO NOTHING
  RETURNING id, party_id),
plan AS (
  SELECT id, party_id FROM made UNION ALL
  SELECT p.id, p.party_id FROM dealer_plan p
  WHERE p.since = :since AND p.until = :until AND p.state = 'draft'),
lined AS (
  INSERT INTO dealer_plan_line (plan_id, category_id, target_amount, scheme_id)
  SELECT plan.id, :category_id, t.amount, :scheme_id
  FROM plan JOIN target t ON t.party_id = plan.party_id
  ON CONFLICT (tenant_id, plan_id, category_id, product_id) WHERE dropped_at IS NULL
  DO UPDATE SET target_amount = excluded.target_amount, scheme_id = excluded.scheme_id
  RETURNING plan_id)
SELECT DISTINCT plan_id AS id FROM lined
"""


class CopyForm(msgspec.Struct):
    period: Period
    day: date
    growth: Decimal = Decimal(0)


class BulkForm(msgspec.Struct):
    """``amount`` for everybody, else last year's same period raised by ``growth`` percent."""

    period: Period
    day: date
    category: UUID | None = None
    tier: UUID | None = None
    scheme: UUID | None = None
    amount: Decimal | None = None
    growth: Decimal = Decimal(0)


async def copy_plans(actor: Actor, form: CopyForm) -> int:
    """Drafts for every dealer who had a plan in the period before and has none in this.

    Raises FORBIDDEN, PERCENT_BAD.
    """
    actor.require("dealers.edit")
    since, until = period_bounds(form.period, form.day)
    made = await db.rows(
        COPY,
        period=form.period,
        from_since=before(form.period, since)[0],
        since=since,
        until=until,
        factor=_factor(form.growth),
        by=actor.name,
    )
    await note([row["id"] for row in made], "copied", actor)
    return len(made)


def _factor(growth: Decimal) -> Decimal:
    if not growth.is_finite() or not -90 <= growth <= 1000:
        raise Refusal("PERCENT_BAD", status=422)
    return 1 + growth / 100


async def bulk_plans(actor: Actor, form: BulkForm) -> int:
    """A line of one category in the drafts of all dealers (of a tier). Returns how many.

    Raises FORBIDDEN, NOT_FOUND, AMOUNT_BAD, PERCENT_BAD.
    """
    actor.require("dealers.edit")
    check_amount(form.amount)
    since, until = period_bounds(form.period, form.day)
    values: dict[str, Any] = {
        "category_id": form.category,
        "tier_id": form.tier,
        "scheme_id": form.scheme,
        "amount": form.amount,
    }
    try:
        async with db.savepoint():
            made = await db.rows(
                BULK,
                period=form.period,
                since=since,
                until=until,
                from_since=year_before(since),
                from_until=year_before(until),
                factor=_factor(form.growth),
                on=current_tenant().today(),
                by=actor.name,
                **values,
            )
    except asyncpg.ForeignKeyViolationError:
        raise NotFound from None
    await note([row["id"] for row in made], "bulk", actor)
    return len(made)

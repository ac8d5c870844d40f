"""Retro-bonus: earned by attainment, accrued daily as a liability, fixed when the plan is closed,
paid by a credit note or netted against the debt with the dealer's consent.

A day's accrual is what is earned by its end, computed from scratch, less all accrued before; a fall
(a return) is a counter-entry. Only whole days are accrued, and days that were missed are made up.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from uuid import UUID

from dilo.dealers.plans import Plan, PlanLine, lines_of
from dilo.dealers.progress import Fact, facts_by_day
from dilo.dealers.rules import Earned, Step, attainment_of, earned
from dilo.dealers.schemes import steps_of
from dilo.kit import db
from dilo.kit.money import ZERO
from dilo.ledger.actions import BONUS_PAYABLE, BONUSES, Entry, post_entries, two_sided
from tenants.scope import current_tenant

ONE_AT_A_TIME = "SELECT pg_advisory_xact_lock(hashtextextended(:name, 0))"
DAYS_MAX = 400
BEHIND = """
SELECT id, party_id, currency, since, until, coalesce(accrued_through, since - 1) AS done
FROM dealer_plan
WHERE since <= :through AND coalesce(accrued_through, since - 1) < :through
  AND (state = 'running' AND CAST(:plan_id AS uuid) IS NULL
    OR id = :plan_id AND (state = 'running' OR state = 'offered' AND agreed_version IS NOT NULL))
ORDER BY id FOR UPDATE
"""
ACCRUED = """
SELECT line_id, sum(amount) AS amount FROM bonus_accrual WHERE plan_id = ANY(:plans) GROUP BY 1
"""
DONE = "UPDATE dealer_plan SET accrued_through = :through WHERE id = ANY(:plans)"
INSERT = """
INSERT INTO bonus_accrual (plan_id, line_id, party_id, currency, accrued_on, fact_amount,
  attainment, bonus_percent, earned_amount, amount, entry_id)
SELECT * FROM unnest(:plans::uuid[], :lines::uuid[], :parties::uuid[], :currencies::text[],
  :days::date[], :facts::numeric[], :attainments::numeric[], :percents::numeric[],
  :earned::numeric[], :amounts::numeric[], :entries::uuid[])
"""
LEDGER = """
SELECT a.accrued_on, a.line_id, coalesce(c.name, g.name) AS subject, a.fact_amount, a.attainment,
  a.bonus_percent, a.earned_amount, a.amount, e.number AS entry_number, p.since, p.until, p.id AS
  plan_id, sum(a.amount) OVER (PARTITION BY a.plan_id ORDER BY a.accrued_on, a.id) AS running
FROM bonus_accrual a JOIN dealer_plan p ON p.id = a.plan_id
JOIN dealer_plan_line l ON l.id = a.line_id JOIN journal_entry e ON e.id = a.entry_id
LEFT JOIN category c ON c.id = l.category_id LEFT JOIN product g ON g.id = l.product_id
WHERE a.party_id = :party_id AND (CAST(:plan_id AS uuid) IS NULL OR a.plan_id = :plan_id)
ORDER BY a.accrued_on DESC, a.id DESC LIMIT 200
"""
OWED = """
SELECT coalesce(x.accrued, 0) AS accrued, coalesce(y.paid, 0) AS paid FROM
  (SELECT sum(amount) AS accrued FROM bonus_accrual WHERE party_id = :party_id) x,
  (SELECT sum(amount) AS paid FROM bonus_payout WHERE party_id = :party_id) y
"""


@dataclass(frozen=True, slots=True)
class Accrual:
    fact: Fact
    earned: Earned
    amount: Decimal


def earned_of(line: PlanLine, fact: Fact, steps: Sequence[Step]) -> Earned:
    """Where money and pieces are both asked, the one that lags decides."""
    base = fact.amount - fact.last_so_far if line.basis == "growth" else fact.amount
    by_money = attainment_of(fact.amount, line.target_amount)
    by_pieces = attainment_of(fact.quantity, line.target_quantity)
    pieces = line.target_amount is None or (
        line.target_quantity is not None and by_pieces < by_money
    )
    if pieces:
        price = fact.amount / fact.quantity if fact.quantity > 0 else ZERO
        return earned(steps, fact.quantity, line.target_quantity, base, price)
    return earned(steps, fact.amount, line.target_amount, base, Decimal(1))


async def accrue(through: date | None = None, plan_id: UUID | None = None) -> int:
    """Every running plan (or one) up to the end of ``through``, yesterday unless said otherwise.

    Run again, it posts nothing. Returns how many accruals were posted.
    """
    tenant = current_tenant()
    through = through or tenant.today() - timedelta(days=1)
    await db.value(ONE_AT_A_TIME, name=f"bonus:{tenant.id}")
    behind = await db.rows(BEHIND, through=through, plan_id=plan_id)
    if not behind:
        return 0
    plans = {row["id"]: row for row in behind}
    first = min(row["done"] for row in behind) + timedelta(days=1)
    span = min((through - first).days + 1, DAYS_MAX)
    days = [through - timedelta(days=n) for n in range(span - 1, -1, -1)]
    lines = {line.id: line for line in await lines_of(list(plans), dropped=True)}
    alive = {line.id for line in await lines_of(list(plans))}
    facts = await facts_by_day(list(plans), days)
    steps = await steps_of([line.scheme_id for line in lines.values() if line.scheme_id])
    before = {r["line_id"]: r["amount"] for r in await db.rows(ACCRUED, plans=list(plans))}
    made = list(_differences(facts, lines, alive, steps, before))
    await _post(made, plans)
    await db.execute(DONE, plans=list(plans), through=through)
    return len(made)


def _differences(
    facts: Sequence[Fact],
    lines: dict[UUID, PlanLine],
    alive: set[UUID],
    steps: dict[UUID, list[Step]],
    before: dict[UUID, Decimal],
) -> Iterator[Accrual]:
    """Facts come by line and by day; a line that was dropped has earned nothing."""
    running = dict(before)
    for fact in facts:
        line = lines[fact.line_id]
        ladder = steps.get(line.scheme_id, []) if line.scheme_id and line.id in alive else []
        now = earned_of(line, fact, ladder)
        difference = now.amount - running.get(line.id, ZERO)
        if difference:
            running[line.id] = now.amount
            yield Accrual(fact, now, difference)


async def _post(made: Sequence[Accrual], plans: dict[UUID, db.Row]) -> None:
    if not made:
        return
    shut = await db.value("SELECT closed_through()")
    entries = [_entry(one, plans[one.fact.plan_id], shut) for one in made]
    await post_entries(entries)
    await db.execute(
        INSERT,
        plans=[one.fact.plan_id for one in made],
        lines=[one.fact.line_id for one in made],
        parties=[plans[one.fact.plan_id]["party_id"] for one in made],
        currencies=[plans[one.fact.plan_id]["currency"] for one in made],
        days=[one.fact.day for one in made],
        facts=[one.fact.amount for one in made],
        attainments=[min(one.earned.attainment, Decimal("9999999.99")) for one in made],
        percents=[one.earned.bonus_percent for one in made],
        earned=[one.earned.amount for one in made],
        amounts=[one.amount for one in made],
        entries=[entry.id for entry in entries],
    )


def _entry(one: Accrual, plan: db.Row, shut: date | None) -> Entry:
    """On its own day, or on the first that is still open."""
    on = one.fact.day if shut is None or one.fact.day > shut else shut + timedelta(days=1)
    debit, credit = (BONUSES, BONUS_PAYABLE) if one.amount > 0 else (BONUS_PAYABLE, BONUSES)
    return two_sided(
        "bonus",
        on,
        plan["currency"],
        abs(one.amount),
        debit=debit,
        credit=credit,
        party_id=plan["party_id"],
        source_id=one.fact.plan_id,
        memo=f"{plan['since']} - {plan['until']}",
    )


async def accrued_of(plans: Sequence[UUID]) -> dict[UUID, Decimal]:
    """What stands accrued, by line."""
    return {r["line_id"]: r["amount"] for r in await db.rows(ACCRUED, plans=list(plans))}


async def ledger_of(party_id: UUID, plan: Plan | None = None) -> list[db.Row]:
    """Every accrual with the fact, attainment and percent it came from, the newest first."""
    return await db.rows(LEDGER, party_id=party_id, plan_id=plan.id if plan else None)


async def owed_to(party_id: UUID) -> db.Row:
    """``accrued`` less ``paid`` is the liability to this dealer."""
    return await db.one(OWED, party_id=party_id)

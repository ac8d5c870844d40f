"""The cockpit of one dealer and the board of all: plan, fact, forecast, bonus, what to buy now."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from uuid import UUID

from dilo.dealers.bonuses import accrued_of, earned_of
from dilo.dealers.plans import PLAN, Plan, PlanLine, lines_of
from dilo.dealers.progress import DueGood, Fact, due_goods, facts_of, holidays_between
from dilo.dealers.rules import Earned, attainment_of, forecast, working_days
from dilo.dealers.schemes import steps_of
from dilo.kit import db
from dilo.kit.money import ZERO
from dilo.kit.paging import Page, Paging
from tenants.scope import current_tenant

# The plan that matters today: the one that runs, else the latest the dealer may answer to.
CURRENT = f"""
{PLAN} WHERE p.party_id = :party_id AND p.state IN ('running', 'agreed', 'offered')
ORDER BY NOT (p.state = 'running' AND :on BETWEEN p.since AND p.until),
  NOT (:on BETWEEN p.since AND p.until), p.until DESC LIMIT 1
"""
BOARD = """
SELECT p.id, p.party_id, d.name AS party_name, d.code AS party_code, p.period, p.since, p.until,
  p.currency, p.state, p.version, p.note, p.made_by, p.made_at, p.agreed_by, p.agreed_at,
  p.agreed_version, p.accrued_through, p.bonus_amount, p.closed_by, p.closed_at,
  count(*) OVER () AS total_rows
FROM dealer_plan p JOIN party d ON d.id = p.party_id
WHERE (:state = '' AND p.state <> 'withdrawn' OR p.state = :state)
  AND (:search = '' OR strpos(d.search, :search) > 0)
  AND (CAST(:tier_id AS uuid) IS NULL OR dealer_tier_on(d.id, :on) = :tier_id)
  AND (CAST(:owner_id AS uuid) IS NULL OR d.owner_id = :owner_id)
  AND (CAST(:party_id AS uuid) IS NULL OR d.id = :party_id)
  AND (CAST(:day AS date) IS NULL OR :day BETWEEN p.since AND p.until)
"""
SORTS = {"name": "d.name", "since": "p.since", "until": "p.until", "state": "p.state"}
OVERDUE = """
SELECT party_id, sum(open_amount) AS amount FROM open_item
WHERE party_id = ANY(:parties) AND side = 'debit' AND open_amount > 0 AND due_on < :on GROUP BY 1
"""


@dataclass(frozen=True, slots=True)
class CockpitLine:
    """Money in the plan's currency; ``fact`` and ``target`` in pieces where ``in_pieces``."""

    id: UUID
    subject: str
    in_pieces: bool
    unit: str | None
    target: Decimal
    fact: Decimal
    percent: Decimal
    missing: Decimal
    forecast: Decimal
    turnover: Decimal
    scheme: str | None
    earned: Earned
    accrued: Decimal

    @property
    def reward(self) -> Decimal:
        """What the next step adds to the bonus for each unit of money that is still to be bought;
        pieces at their average price so far."""
        price = Decimal(1)
        if self.in_pieces:
            price = self.turnover / self.fact if self.fact > 0 else Decimal(1)
        gain = (self.earned.next_amount or ZERO) - self.earned.amount
        return gain / max((self.earned.missing or ZERO) * price, Decimal("0.01"))


@dataclass(frozen=True, slots=True)
class Cockpit:
    """All a dealer asks of his plan, as of today. ``percent``: the average of the lines weighted by
    target where there are several; ``bonus_next``: what stands at stake at the next thresholds."""

    plan: Plan
    on: date
    days_left: int
    working_days_left: int
    lines: tuple[CockpitLine, ...]
    due: tuple[DueGood, ...]

    @property
    def party_id(self) -> UUID:
        return self.plan.party_id

    @property
    def currency(self) -> str:
        return self.plan.currency

    @property
    def _money(self) -> list[CockpitLine]:
        """The line of all goods says it all; otherwise the lines that have a sum."""
        money = [line for line in self.lines if not line.in_pieces]
        return [line for line in money if not line.subject] or money

    @property
    def target(self) -> Decimal:
        return sum((line.target for line in self._money), ZERO)

    @property
    def fact(self) -> Decimal:
        return sum((line.fact for line in self._money), ZERO)

    @property
    def percent(self) -> Decimal:
        if self._money:
            return attainment_of(self.fact, self.target)
        return min((line.percent for line in self.lines), default=ZERO)

    @property
    def missing(self) -> Decimal:
        return max(ZERO, self.target - self.fact)

    @property
    def forecast(self) -> Decimal:
        return sum((line.forecast for line in self._money), ZERO)

    @property
    def forecast_percent(self) -> Decimal:
        return attainment_of(self.forecast, self.target)

    @property
    def bonus_now(self) -> Decimal:
        return sum((line.earned.amount for line in self.lines), ZERO)

    @property
    def bonus_accrued(self) -> Decimal:
        return sum((line.accrued for line in self.lines), ZERO)

    @property
    def next_step(self) -> CockpitLine | None:
        """The line whose next threshold is best paid for what it asks."""
        waiting = [line for line in self.lines if line.earned.missing is not None]
        return max(waiting, key=lambda line: line.reward, default=None)

    @property
    def bonus_next(self) -> Decimal:
        return sum((line.earned.next_amount or line.earned.amount for line in self.lines), ZERO)


@dataclass(frozen=True, slots=True)
class BoardRow:
    cockpit: Cockpit
    overdue: Decimal


async def cockpit_of(party_id: UUID) -> Cockpit | None:
    """None where the dealer has no plan he may see. Seven queries whatever the plan's size."""
    on = current_tenant().today()
    found = await db.one_or_none_as(Plan, CURRENT, party_id=party_id, on=on)
    if found is None:
        return None
    due = await due_goods([party_id], on)
    return (await cockpits([found], {party_id: due}))[0]


async def cockpits(
    plans: Sequence[Plan], due: dict[UUID, list[DueGood]] | None = None
) -> list[Cockpit]:
    """Any number of plans by the same few statements."""
    if not plans:
        return []
    on, ids = current_tenant().today(), [one.id for one in plans]
    lines = await lines_of(ids)
    facts = await facts_of(ids, on)
    steps = await steps_of([line.scheme_id for line in lines if line.scheme_id])
    accrued = await accrued_of(ids)
    free = await holidays_between(min(p.since for p in plans), max(p.until for p in plans))
    shown: list[Cockpit] = []
    for one in plans:
        upto = min(one.until, on)
        gone, whole = (working_days(one.since, day, free) for day in (upto, one.until))
        own = tuple(
            _line(
                line,
                facts[line.id],
                earned_of(
                    line, facts[line.id], steps.get(line.scheme_id, []) if line.scheme_id else []
                ),
                accrued.get(line.id, ZERO),
                (gone, whole),
            )
            for line in lines
            if line.plan_id == one.id
        )
        left = max(0, (one.until - on).days)
        goods = tuple((due or {}).get(one.party_id, ()))
        shown.append(Cockpit(one, on, left, whole - gone, own, goods))
    return shown


def _line(
    line: PlanLine, fact: Fact, now: Earned, accrued: Decimal, days: tuple[int, int]
) -> CockpitLine:
    pieces = line.target_amount is None
    target = (line.target_quantity if pieces else line.target_amount) or ZERO
    done = fact.quantity if pieces else fact.amount
    last = (
        (fact.last_quantity_so_far, fact.last_quantity_whole)
        if pieces
        else (fact.last_so_far, fact.last_whole)
    )
    return CockpitLine(
        id=line.id,
        subject=line.subject,
        in_pieces=pieces,
        unit=line.unit,
        target=target,
        fact=done,
        percent=now.attainment if line.scheme_id else attainment_of(done, target),
        missing=max(ZERO, target - done),
        forecast=forecast(done, *days, *last),
        turnover=fact.amount,
        scheme=line.scheme,
        earned=now,
        accrued=accrued,
    )


async def board(
    paging: Paging,
    *,
    state: str = "",
    search: str = "",
    tier_id: UUID | None = None,
    owner_id: UUID | None = None,
    party_id: UUID | None = None,
    day: date | None = None,
) -> Page[BoardRow]:
    """Plans of all dealers with their figures, a page at a time, never a query for each."""
    on = current_tenant().today()
    order = paging.order_by(SORTS, "name") if paging.sort else "p.since DESC, d.name"
    found = await db.rows(
        f"{BOARD} ORDER BY {order}, p.id LIMIT :size OFFSET :offset",
        state=state,
        search=search.lower().strip(),
        tier_id=tier_id,
        owner_id=owner_id,
        party_id=party_id,
        day=day,
        on=on,
        size=paging.size,
        offset=paging.offset,
    )
    page = db.page_of(Plan, found, paging)
    parties = list({one.party_id for one in page.rows})
    late = {r["party_id"]: r["amount"] for r in await db.rows(OVERDUE, parties=parties, on=on)}
    shown = await cockpits(page.rows)
    rows = [BoardRow(one, late.get(one.party_id, ZERO)) for one in shown]
    return Page(rows, page.total, paging)

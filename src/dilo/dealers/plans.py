"""Plans agreed with dealers: drafted, offered, agreed by the dealer in the portal, run, closed.

Whatever changes after the offer is a new version, and asks for the dealer's word again.
"""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Literal
from uuid import UUID

import asyncpg
import msgspec

from dilo.dealers import notices
from dilo.dealers.rules import period_bounds
from dilo.kit import db
from dilo.kit.errors import NotFound, Refusal
from dilo.kit.money import AMOUNT_MAX
from dilo.parties.queries import party
from tenants import audit
from tenants.actors import Actor
from tenants.scope import current_tenant

Period = Literal["month", "quarter", "year"]
OPEN = ("draft", "offered", "agreed", "running")
PLAN = """
SELECT p.id, p.party_id, d.name AS party_name, d.code AS party_code, p.period, p.since, p.until,
  p.currency, p.state, p.version, p.note, p.made_by, p.made_at, p.agreed_by, p.agreed_at,
  p.agreed_version, p.accrued_through, p.bonus_amount, p.closed_by, p.closed_at
FROM dealer_plan p JOIN party d ON d.id = p.party_id
"""
LINES = """
SELECT l.id, l.plan_id, l.category_id, c.name AS category, l.product_id, g.name AS product,
  g.unit, l.target_amount, l.target_quantity, l.scheme_id, s.name AS scheme, s.basis
FROM dealer_plan_line l LEFT JOIN category c ON c.id = l.category_id
LEFT JOIN product g ON g.id = l.product_id LEFT JOIN bonus_scheme s ON s.id = l.scheme_id
WHERE l.plan_id = ANY(:plans) AND (l.dropped_at IS NULL OR :dropped)
ORDER BY l.plan_id, c.name NULLS FIRST, g.name NULLS FIRST, l.id
"""
INSERT = """
INSERT INTO dealer_plan (party_id, period, since, until, currency, note, made_by)
VALUES (:party_id, :period, :since, :until, :currency, :note, :by) RETURNING id
"""
PUT_LINE = """
INSERT INTO dealer_plan_line AS l (plan_id, category_id, product_id, target_amount,
  target_quantity, scheme_id)
VALUES (:plan_id, :category_id, :product_id, :target_amount, :target_quantity, :scheme_id)
ON CONFLICT (tenant_id, plan_id, category_id, product_id) WHERE dropped_at IS NULL
DO UPDATE SET target_amount = excluded.target_amount, target_quantity = excluded.target_quantity,
  scheme_id = excluded.scheme_id
RETURNING id
"""
DROP_LINE = """
UPDATE dealer_plan_line SET dropped_at = now()
WHERE id = :id AND plan_id = :plan_id AND dropped_at IS NULL
"""
TOUCH = """
UPDATE dealer_plan SET version = version + CASE WHEN state = 'draft' THEN 0 ELSE 1 END,
  state = CASE WHEN state = 'draft' THEN 'draft' ELSE 'offered' END
WHERE id = :id RETURNING version, state
"""
MOVE = "UPDATE dealer_plan SET state = :state WHERE id = :id"
AGREE = """
UPDATE dealer_plan SET state = CASE WHEN since <= :on THEN 'running' ELSE 'agreed' END,
  agreed_by = :by, agreed_by_id = :by_id, agreed_at = now(), agreed_version = version
WHERE id = :id
"""
START_DUE = "UPDATE dealer_plan SET state = 'running' WHERE state = 'agreed' AND since <= :on"
CHANGE = """
INSERT INTO dealer_plan_change (plan_id, version, verb, lines, note, changed_by)
SELECT p.id, p.version, :verb, coalesce((
  SELECT jsonb_agg(jsonb_build_object('subject', coalesce(c.name, g.name, ''),
    'amount', l.target_amount::text, 'quantity', l.target_quantity::text, 'scheme', s.name)
    ORDER BY c.name NULLS FIRST, g.name) FROM dealer_plan_line l
  LEFT JOIN category c ON c.id = l.category_id LEFT JOIN product g ON g.id = l.product_id
  LEFT JOIN bonus_scheme s ON s.id = l.scheme_id
  WHERE l.plan_id = p.id AND l.dropped_at IS NULL), '[]'), :note, :by
FROM dealer_plan p WHERE p.id = ANY(:plans)
"""
CHANGES = """
SELECT version, verb, lines, note, changed_by, changed_at FROM dealer_plan_change
WHERE plan_id = :id ORDER BY id DESC LIMIT 100
"""


class PlanForm(msgspec.Struct):
    """``day``: any day of the period."""

    party: UUID
    period: Period
    day: date
    note: str | None = None


class LineForm(msgspec.Struct):
    category: UUID | None = None
    product: str | None = None
    target_amount: Decimal | None = None
    target_quantity: Decimal | None = None
    scheme: UUID | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    id: UUID
    party_id: UUID
    party_name: str
    party_code: str
    period: str
    since: date
    until: date
    currency: str
    state: str
    version: int
    note: str | None
    made_by: str
    made_at: datetime
    agreed_by: str | None
    agreed_at: datetime | None
    agreed_version: int | None
    accrued_through: date | None
    bonus_amount: Decimal | None
    closed_by: str | None
    closed_at: datetime | None


@dataclass(frozen=True, slots=True)
class PlanLine:
    """No category and no product: all that is bought."""

    id: UUID
    plan_id: UUID
    category_id: UUID | None
    category: str | None
    product_id: UUID | None
    product: str | None
    unit: str | None
    target_amount: Decimal | None
    target_quantity: Decimal | None
    scheme_id: UUID | None
    scheme: str | None
    basis: str | None

    @property
    def subject(self) -> str:
        return self.category or self.product or ""


async def plan(plan_id: UUID) -> Plan:
    return await db.one_as(Plan, f"{PLAN} WHERE p.id = :id", id=plan_id)


async def locked_plan(plan_id: UUID) -> Plan:
    return await db.one_as(Plan, f"{PLAN} WHERE p.id = :id FOR UPDATE OF p", id=plan_id)


async def plans_of(party_id: UUID, *, offered: bool = False) -> list[Plan]:
    """The newest first; with ``offered`` only what the dealer may see."""
    hidden = ["draft", "withdrawn"] if offered else [""]
    sql = f"{PLAN} WHERE p.party_id = :party_id AND p.state <> ALL(:hidden)"
    return await db.rows_as(
        Plan, f"{sql} ORDER BY p.since DESC, p.until LIMIT 40", party_id=party_id, hidden=hidden
    )


async def lines_of(plans: list[UUID], *, dropped: bool = False) -> list[PlanLine]:
    return await db.rows_as(PlanLine, LINES, plans=plans, dropped=dropped)


async def changes_of(plan_id: UUID) -> list[db.Row]:
    return await db.rows(CHANGES, id=plan_id)


async def note(plans: list[UUID], verb: str, actor: Actor, note: str | None = None) -> None:
    await db.execute(CHANGE, plans=plans, verb=verb, note=note, by=actor.name)


async def make_plan(actor: Actor, form: PlanForm) -> UUID:
    """Raises FORBIDDEN, NOT_FOUND, NOT_A_DEALER, PLAN_EXISTS."""
    actor.require("dealers.edit")
    dealer = await party(form.party)
    if "dealer" not in dealer.roles:
        raise Refusal("NOT_A_DEALER", status=422, name=dealer.name)
    since, until = period_bounds(form.period, form.day)
    try:
        async with db.savepoint():
            made = await db.value(
                INSERT,
                party_id=dealer.id,
                period=form.period,
                since=since,
                until=until,
                currency=dealer.currency,
                note=form.note,
                by=actor.name,
            )
    except asyncpg.UniqueViolationError:
        raise Refusal("PLAN_EXISTS", status=422, since=since, until=until) from None
    await note([made], "made", actor)
    await audit.note(actor, "dealers.plan", "party", dealer.id, after={"since": str(since)})
    return made


async def put_line(actor: Actor, plan_id: UUID, form: LineForm) -> UUID:
    """A target for a category, a product or all; said again, it is changed.

    Raises FORBIDDEN, NOT_FOUND, WRONG_PLAN_STATE, AMOUNT_BAD, TARGET_MISSING, UNKNOWN_PRODUCTS.
    """
    actor.require("dealers.edit")
    await _editable(plan_id)
    check_amount(form.target_amount)
    check_amount(form.target_quantity)
    if form.target_amount is None and form.target_quantity is None:
        raise Refusal("TARGET_MISSING", status=422)
    product = await _product(form.product)
    try:
        async with db.savepoint():
            line_id = await db.value(
                PUT_LINE,
                plan_id=plan_id,
                category_id=None if product else form.category,
                product_id=product,
                target_amount=form.target_amount,
                target_quantity=form.target_quantity,
                scheme_id=form.scheme,
            )
    except asyncpg.ForeignKeyViolationError:
        raise NotFound from None
    await _changed(actor, plan_id, "line")
    return line_id


async def drop_line(actor: Actor, plan_id: UUID, line_id: UUID) -> None:
    """What was accrued for it is taken back by the next accrual. Raises as put_line."""
    actor.require("dealers.edit")
    await _editable(plan_id)
    if not await db.execute(DROP_LINE, id=line_id, plan_id=plan_id):
        raise NotFound
    await _changed(actor, plan_id, "line_gone")


def check_amount(amount: Decimal | None) -> None:
    if amount is not None and (not amount.is_finite() or not 0 < amount <= AMOUNT_MAX):
        raise Refusal("AMOUNT_BAD", status=422)


async def _product(code: str | None) -> UUID | None:
    if not code:
        return None
    found = await db.value("SELECT id FROM product WHERE lower(code) = lower(:code)", code=code)
    if found is None:
        raise Refusal("UNKNOWN_PRODUCTS", status=422, codes=code)
    return found


async def _editable(plan_id: UUID) -> Plan:
    found = await locked_plan(plan_id)
    if found.state not in OPEN:
        raise Refusal("WRONG_PLAN_STATE", state=found.state)
    return found


async def _changed(actor: Actor, plan_id: UUID, verb: str) -> None:
    moved = await db.one(TOUCH, id=plan_id)
    await note([plan_id], verb, actor)
    if moved["state"] == "offered":
        await _tell_offer(await plan(plan_id))


async def _tell_offer(found: Plan) -> None:
    await notices.tell(
        found.party_id,
        f"plan:{found.id}:{found.version}",
        "dealer:plan_offered",
        since=found.since,
        until=found.until,
    )


async def offer_plan(actor: Actor, plan_id: UUID) -> None:
    """The dealer sees it and may agree. Raises FORBIDDEN, NOT_FOUND, WRONG_PLAN_STATE,
    PLAN_EMPTY."""
    actor.require("dealers.edit")
    found = await locked_plan(plan_id)
    if found.state != "draft":
        raise Refusal("WRONG_PLAN_STATE", state=found.state)
    if not await lines_of([plan_id]):
        raise Refusal("PLAN_EMPTY")
    await db.execute(MOVE, id=plan_id, state="offered")
    await note([plan_id], "offered", actor)
    await _tell_offer(found)


async def withdraw_plan(actor: Actor, plan_id: UUID) -> None:
    """Only before it runs. Raises FORBIDDEN, NOT_FOUND, WRONG_PLAN_STATE."""
    actor.require("dealers.edit")
    found = await locked_plan(plan_id)
    if found.state not in ("draft", "offered", "agreed") or found.accrued_through:
        raise Refusal("WRONG_PLAN_STATE", state=found.state)
    await db.execute(MOVE, id=plan_id, state="withdrawn")
    await note([plan_id], "withdrawn", actor)


async def agree_plan(actor: Actor, plan_id: UUID, version: int) -> str:
    """The dealer's word, for the version he saw. Agreed twice is agreed once. Returns the state.

    Raises FORBIDDEN, NOT_FOUND, WRONG_PLAN_STATE, CHANGED_MEANWHILE.
    """
    found = await locked_plan(plan_id)
    if actor.on_behalf_of != found.party_id or found.state in ("draft", "withdrawn"):
        raise NotFound
    actor.require("dealers.agree")
    if found.agreed_version == version and found.state in ("agreed", "running"):
        return found.state
    if found.state != "offered":
        raise Refusal("WRONG_PLAN_STATE", state=found.state)
    if found.version != version:
        raise Refusal("CHANGED_MEANWHILE", number=f"{found.since}")
    on = current_tenant().today()
    await db.execute(AGREE, id=plan_id, on=on, by=actor.name, by_id=actor.id)
    await note([plan_id], "agreed", actor)
    await audit.note(actor, "dealers.agree", "party", found.party_id, after={"version": version})
    return (await plan(plan_id)).state


async def start_due() -> int:
    """Agreed plans whose period has begun. Returns how many."""
    return await db.execute(START_DUE, on=current_tenant().today())

"""Planning a run in one statement, re-checking each notice as it leaves, editing the policy."""

from datetime import date, time, timedelta
from decimal import Decimal
from typing import Any, Literal
from uuid import UUID

import msgspec

from dilo.dunning import letters
from dilo.dunning.charges import charge_fees, charge_interest
from dilo.dunning.measure import Caps, rests_until
from dilo.dunning.paying import answers, way_to_pay
from dilo.dunning.queries import (
    DUE,
    REACH,
    Policy,
    holidays,
    notice,
    plan_figures,
    policy_or_none,
    still_open,
)
from dilo.dunning.rules import may_write_at, quiet_ends
from dilo.dunning.texts import text_or_none
from dilo.kit import clock, db, i18n, outbox
from dilo.kit.errors import NotFound, Refusal
from dilo.kit.templating import money
from dilo.messaging.channels import Composed, Dropped, NotNow, Ready
from tenants import audit
from tenants.actors import Actor
from tenants.scope import current_tenant

KIND = "debt_warning"
Tone = Literal["friendly", "due", "firm", "final"]
USUAL: tuple[tuple[int, Tone], ...] = ((-3, "friendly"), (1, "due"), (7, "firm"), (21, "final"))
# One statement whatever the number of debtors. The item's key (item, level, due date) is the
# business fact: a second run finds it and plans nothing.
PLAN = f"""
WITH {DUE},
notices AS MATERIALIZED (
  SELECT uuidv7() AS id, party_id, currency, sum(left_amount) AS amount,
    (array_agg(level_id ORDER BY offset_days DESC))[1] AS level_id,
    (array_agg('debt:' || item_id || ':' || offset_days || ':' || due_on
               ORDER BY due_on, item_id))[1] AS fact,
    array_agg(item_id ORDER BY item_id) AS items,
    array_agg(level_id ORDER BY item_id) AS levels, array_agg(due_on ORDER BY item_id) AS days
  FROM due GROUP BY party_id, currency),
run AS (
  INSERT INTO dunning_run (policy_id, business_date, started_by, planned)
  SELECT :policy_id, :on, :started_by, n.planned
  FROM (SELECT count(*)::int AS planned FROM notices) n WHERE n.planned > 0
  RETURNING id, planned),
noted AS (
  INSERT INTO dunning_notice (id, run_id, party_id, level_id, business_date, currency, amount)
  SELECT n.id, run.id, n.party_id, n.level_id, :on, n.currency, n.amount FROM notices n, run),
itemed AS (
  INSERT INTO dunning_notice_item (notice_id, open_item_id, level_id, due_on)
  SELECT n.id, told.* FROM notices n, unnest(n.items, n.levels, n.days) told),
queued AS (
  INSERT INTO outbox (channel, kind, dedupe_key, payload, party_id, not_before, expires_at)
  SELECT coalesce(r.channel, (CAST(:channels AS text[]))[1]), '{KIND}', n.fact,
    jsonb_build_object('notice_id', n.id, 'channels', CAST(:channels AS text[])), n.party_id,
    coalesce(CAST(:not_before AS timestamptz), now()),
    now() + make_interval(days => greatest(CAST(:catch_up_days AS int), 1))
  FROM notices n {REACH}
  ON CONFLICT (tenant_id, channel, dedupe_key) DO NOTHING)
SELECT id, planned FROM run
"""
ONE_AT_A_TIME = "SELECT pg_advisory_xact_lock(hashtextextended(:name, 0))"
SAVE = """
INSERT INTO dunning_policy (name, is_default, tolerance_amount, channels, quiet_from, quiet_to,
  catch_up_days, resend_unknown, active, working_days_only, interest_percent,
  disputes_pause_depth, most_a_day, most_a_week, forecast_days, promise_days)
VALUES (:name, true, :tolerance_amount, :channels, :quiet_from, :quiet_to, :catch_up_days,
  :resend_unknown, :active, :working_days_only, :interest_percent, :disputes_pause_depth,
  :most_a_day, :most_a_week, :forecast_days, :promise_days)
ON CONFLICT (tenant_id) WHERE is_default DO UPDATE SET tolerance_amount = excluded.tolerance_amount,
  channels = excluded.channels, quiet_from = excluded.quiet_from, quiet_to = excluded.quiet_to,
  catch_up_days = excluded.catch_up_days, resend_unknown = excluded.resend_unknown,
  active = excluded.active, working_days_only = excluded.working_days_only,
  interest_percent = excluded.interest_percent,
  disputes_pause_depth = excluded.disputes_pause_depth, most_a_day = excluded.most_a_day,
  most_a_week = excluded.most_a_week, forecast_days = excluded.forecast_days,
  promise_days = excluded.promise_days
RETURNING id
"""
ADD_LEVEL = """
INSERT INTO dunning_level (policy_id, position, offset_days, tone, fee_amount)
SELECT :policy_id, coalesce(max(position), 0) + 1, :offset_days, :tone, :fee_amount
FROM dunning_level
WHERE policy_id = :policy_id
ON CONFLICT (tenant_id, policy_id, offset_days) DO UPDATE
SET tone = excluded.tone, fee_amount = excluded.fee_amount, retired_at = NULL
"""
HOLIDAY = """
INSERT INTO holiday (day, name) VALUES (:day, :name)
ON CONFLICT (tenant_id, day) DO UPDATE SET name = excluded.name
"""
DROP_LEVEL = """
UPDATE dunning_level SET retired_at = now() WHERE id = :id AND retired_at IS NULL
"""


class PolicyForm(msgspec.Struct):
    tolerance_amount: Decimal = Decimal(0)
    channels: list[str] = msgspec.field(default_factory=lambda: ["telegram", "sms", "email"])
    quiet_from: str | None = None  # HH:MM, as browsers send a time
    quiet_to: str | None = None
    catch_up_days: int = 7
    resend_unknown: Literal["on", ""] = ""
    active: Literal["on", ""] = ""
    working_days_only: Literal["on", ""] = ""
    interest_percent: Decimal = Decimal(0)
    disputes_pause_depth: Literal["on", ""] = ""
    most_a_day: int | None = None
    most_a_week: int | None = None
    forecast_days: int = 0
    promise_days: int = 60


class LevelForm(msgspec.Struct):
    offset_days: int
    tone: Tone
    fee_amount: Decimal = Decimal(0)


async def plan_run(actor: Actor, on: date | None = None) -> int:
    """Plans every warning that is due on the tenant's date. Run again, it plans nothing twice.

    Returns how many notices were planned. Raises FORBIDDEN, NO_POLICY.
    """
    actor.require("dunning.run")
    policy = await policy_or_none()
    if policy is None or not policy.channels:
        raise Refusal("NO_POLICY")
    tenant = current_tenant()
    await db.value(ONE_AT_A_TIME, name=f"dunning:{tenant.id}")
    quiet = quiet_ends(clock.now(), tenant.time_zone, policy.quiet_from, policy.quiet_to)
    run = await db.one_or_none(
        PLAN,
        started_by=actor.name,
        not_before=quiet,
        **plan_figures(policy, on or tenant.today()),
    )
    if run is None:
        return 0
    outbox.touch()
    await charge_fees(run["id"])
    await audit.note(
        actor, "dunning.run", "dunning_run", run["id"], after={"planned": run["planned"]}
    )
    return run["planned"]


async def resends_unknown(row: outbox.Claimed) -> bool:
    """The company's choice: a second copy rather than a doubt, or the other way round."""
    return (await notice(UUID(row.payload["notice_id"])))["resend_unknown"]


async def compose(
    payload: dict[str, Any],
    channel: str,
    party_id: UUID | None,  # noqa: ARG001
) -> Composed:
    """At send time: is anything still open, may we write now, and the words for what is left."""
    tenant = current_tenant()
    found = await notice(UUID(payload["notice_id"]))
    items = await still_open(found["id"], found["tolerance_amount"], tenant.today())
    if not items:
        return Dropped("PAID")
    if found["closed_at"] is not None:
        return Dropped("PARTY_CLOSED", "suppressed")
    free = await holidays() if found["working_days_only"] else None
    later = may_write_at(
        clock.now(), tenant.time_zone, found["quiet_from"], found["quiet_to"], free
    )
    if later is not None:
        return NotNow(later, "QUIET_HOURS")
    caps = Caps(found["most_a_day"], found["most_a_week"])
    if (rests := await rests_until(found["party_id"], caps, payload)) is not None:
        return NotNow(rests, "OFTEN_ENOUGH")
    total = sum((item.open_amount for item in items), Decimal("0.00"))
    tone = max(items, key=lambda item: item.offset_days).tone
    owed = [(item.document_id, item.open_amount) for item in items]
    way = await way_to_pay(found["party_id"], owed)
    figures = letters.figures_of(found["name"], items, tone, total, found["currency"], way)
    text = letters.written(channel, figures, await text_or_none(i18n.language(), channel, tone))
    subject = i18n.say("dunning:subject", tenant=tenant.name, total=money(total, found["currency"]))
    buttons = answers(way, money(total, found["currency"])) if channel == "telegram" else None
    return Ready(text, subject, {"buttons": buttons} if buttons else {})


async def save_holiday(actor: Actor, day: date, name: str) -> None:
    """Nobody is written to on it where the policy keeps to working days."""
    actor.require("dunning.edit")
    await db.execute(HOLIDAY, day=day, name=name.strip()[:80])


async def drop_holiday(actor: Actor, day: date) -> None:
    """Raises FORBIDDEN, NOT_FOUND."""
    actor.require("dunning.edit")
    if not await db.execute("DELETE FROM holiday WHERE day = :day", day=day):
        raise NotFound


async def monthly_interest() -> int:
    """Of the month that has ended, once. Returns how many items were charged."""
    policy = await policy_or_none()
    if policy is None or not policy.active or not policy.interest_percent:
        return 0
    ended = current_tenant().today().replace(day=1) - timedelta(days=1)
    return await charge_interest(ended, policy.interest_percent)


async def save_policy(actor: Actor, form: PolicyForm) -> Policy:
    """Raises FORBIDDEN, AMOUNT_BAD, CHANNEL_BAD, TIME_BAD."""
    actor.require("dunning.edit")
    if not form.tolerance_amount.is_finite() or not 0 <= form.tolerance_amount < 10**12:
        raise Refusal("AMOUNT_BAD", status=422)
    if not form.interest_percent.is_finite() or not 0 <= form.interest_percent <= 1000:
        raise Refusal("PERCENT_BAD", status=422)
    if not form.channels or not set(form.channels) <= {"telegram", "sms", "email"}:
        raise Refusal("CHANNEL_BAD", status=422)
    values = msgspec.structs.asdict(form) | {
        "most_a_day": min(max(form.most_a_day or 0, 0), 100) or None,
        "most_a_week": min(max(form.most_a_week or 0, 0), 500) or None,
        "forecast_days": min(max(form.forecast_days, 0), 14),
        "promise_days": min(max(form.promise_days, 1), 365),
        "quiet_from": _time(form.quiet_from),
        "quiet_to": _time(form.quiet_to),
        "resend_unknown": form.resend_unknown == "on",
        "active": form.active == "on",
        "working_days_only": form.working_days_only == "on",
        "disputes_pause_depth": form.disputes_pause_depth == "on",
        "catch_up_days": min(max(form.catch_up_days, 0), 365),
        "name": "default",
    }
    policy_id = await db.value(SAVE, **values)
    await audit.note(actor, "dunning.policy", "dunning_policy", policy_id)
    saved = await policy_or_none()
    assert saved is not None
    return saved


def _time(text: str | None) -> time | None:
    try:
        return time.fromisoformat(text) if text else None
    except ValueError:
        raise Refusal("TIME_BAD", status=422, time=text) from None


async def usual_policy(actor: Actor) -> Policy:
    """What most companies begin with: a reminder before, three levels after, silence at night."""
    form = PolicyForm(quiet_from="21:00", quiet_to="08:00", active="on", most_a_day=2)
    form.most_a_week, form.forecast_days = 5, 3
    saved = await save_policy(actor, form)
    for offset_days, tone in USUAL:
        await add_level(actor, LevelForm(offset_days, tone))
    return saved


async def add_level(actor: Actor, form: LevelForm) -> None:
    actor.require("dunning.edit")
    policy = await policy_or_none()
    if policy is None:
        raise Refusal("NO_POLICY")
    if not -365 <= form.offset_days <= 3650:
        raise Refusal("DAYS_BAD", status=422)
    fee = form.fee_amount
    if not fee.is_finite() or not 0 <= fee < 10**12 or fee != round(fee, 2):
        raise Refusal("AMOUNT_BAD", status=422)
    await db.execute(
        ADD_LEVEL,
        policy_id=policy.id,
        offset_days=form.offset_days,
        tone=form.tone,
        fee_amount=fee,
    )
    await audit.note(
        actor,
        "dunning.level",
        "dunning_policy",
        policy.id,
        after={"days": form.offset_days, "tone": form.tone},
    )


async def drop_level(actor: Actor, level_id: UUID) -> None:
    """Notices of the level stay with their story. Raises FORBIDDEN, NOT_FOUND."""
    actor.require("dunning.edit")
    if not await db.execute(DROP_LEVEL, id=level_id):
        raise NotFound
    await audit.note(actor, "dunning.level_drop", "dunning_level", level_id)

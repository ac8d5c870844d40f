"""Planning a run in one statement, re-checking each notice as it leaves, editing the policy."""

from datetime import date, time
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any, Literal
from uuid import UUID

import msgspec
from jinja2 import FileSystemLoader
from jinja2.sandbox import SandboxedEnvironment

from dilo.dunning.queries import DUE, REACH, Policy, notice, plan_figures, policy_or_none, still_open
from dilo.dunning.rules import quiet_ends
from dilo.kit import clock, db, i18n
from dilo.kit.errors import Refusal
from dilo.kit.templating import money
from dilo.messaging.channels import Composed, Dropped, NotNow, Ready
from tenants import audit
from tenants.actors import Actor
from tenants.scope import current_tenant

KIND = "debt_warning"
EXPIRES_DAYS = 3
# The item's key (item, level, due date) makes a second run plan nothing twice.
PLAN = f"""
WITH {DUE},
run AS (
  INSERT INTO dunning_run (policy_id, business_date, started_by)
  SELECT :policy_id, :on, :started_by RETURNING id),
notices AS MATERIALIZED (
  SELECT uuidv7() AS id, party_id, level_id, currency, sum(open_amount) AS amount
  FROM fresh GROUP BY party_id, level_id, currency),
noted AS (
  INSERT INTO dunning_notice (id, run_id, party_id, level_id, business_date, currency, amount)
  SELECT n.id, run.id, n.party_id, n.level_id, :on, n.currency, n.amount FROM notices n, run),
itemed AS (
  INSERT INTO dunning_notice_item (notice_id, open_item_id, level_id, due_on)
  SELECT n.id, f.item_id, f.level_id, f.due_on FROM fresh f
  JOIN notices n ON n.party_id = f.party_id AND n.level_id = f.level_id
    AND n.currency = f.currency),
queued AS (
  INSERT INTO outbox (channel, kind, dedupe_key, payload, party_id, expires_at)
  SELECT coalesce(reach.channel, CAST(:channels AS text[])[1]), '{KIND}',
    'debt:' || n.party_id || ':' || n.level_id || ':' || n.currency || ':' || :on,
    jsonb_build_object('notice_id', n.id), n.party_id, now() + interval '{EXPIRES_DAYS} days'
  FROM notices n {REACH.format(party="n.party_id")}
  ON CONFLICT (tenant_id, channel, dedupe_key) DO NOTHING RETURNING id)
SELECT run.id, (SELECT count(*) FROM notices) AS planned FROM run
"""
PLANNED = "UPDATE dunning_run SET planned = :planned WHERE id = :id"
ONE_AT_A_TIME = "SELECT pg_advisory_xact_lock(hashtextextended(:name, 0))"
SAVE = """
INSERT INTO dunning_policy (name, is_default, tolerance_amount, channels, quiet_from, quiet_to,
  catch_up_days, resend_unknown, active)
VALUES (:name, true, :tolerance_amount, :channels, :quiet_from, :quiet_to, :catch_up_days,
  :resend_unknown, :active)
ON CONFLICT (tenant_id) WHERE is_default DO UPDATE SET tolerance_amount = excluded.tolerance_amount,
  channels = excluded.channels, quiet_from = excluded.quiet_from, quiet_to = excluded.quiet_to,
  catch_up_days = excluded.catch_up_days, resend_unknown = excluded.resend_unknown,
  active = excluded.active
RETURNING id
"""
ADD_LEVEL = """
INSERT INTO dunning_level (policy_id, position, offset_days, tone)
SELECT :policy_id, coalesce(max(position), 0) + 1, :offset_days, :tone FROM dunning_level
WHERE policy_id = :policy_id
ON CONFLICT (tenant_id, policy_id, offset_days) DO UPDATE SET tone = excluded.tone
"""
DROP_LEVEL = """
DELETE FROM dunning_level l WHERE id = :id
  AND NOT EXISTS (SELECT 1 FROM dunning_notice n WHERE n.level_id = l.id)
"""
UNKNOWN_DUE = """
UPDATE outbox o SET state = 'queued', not_before = now() FROM dunning_policy p
WHERE p.is_default AND p.resend_unknown AND o.kind = 'debt_warning' AND o.state = 'unknown'
  AND o.attempts < 2 AND o.expires_at > now()
"""


class PolicyForm(msgspec.Struct):
    tolerance_amount: Decimal = Decimal(0)
    channels: list[str] = msgspec.field(default_factory=lambda: ["telegram", "sms", "email"])
    quiet_from: time | None = None
    quiet_to: time | None = None
    catch_up_days: int = 7
    resend_unknown: Literal["on", ""] = ""
    active: Literal["on", ""] = ""


class LevelForm(msgspec.Struct):
    offset_days: int
    tone: Literal["friendly", "due", "firm", "final"]


async def plan_run(actor: Actor, on: date | None = None) -> int:
    """Plans every warning that is due on the tenant's date. Run again, it plans nothing twice.

    Returns how many notices were planned. Raises FORBIDDEN, NO_POLICY.
    """
    actor.require("dunning.run")
    policy = await policy_or_none()
    if policy is None or not policy.channels:
        raise Refusal("NO_POLICY")
    await db.value(ONE_AT_A_TIME, name=f"dunning:{current_tenant().id}")
    on = on or current_tenant().today()
    run = await db.one(PLAN, started_by=actor.name, **plan_figures(policy, on))
    await db.execute(PLANNED, id=run["id"], planned=run["planned"])
    if run["planned"]:
        await audit.note(actor, "dunning.run", "dunning_run", run["id"],
                         after={"planned": run["planned"]})
    return run["planned"]


async def resend_unknown() -> None:
    """Where the policy says so, a message of unknown fate goes once more."""
    await db.execute(UNKNOWN_DUE)


async def compose(payload: dict[str, Any], channel: str, party_id: UUID | None) -> Composed:
    """At send time: is anything still open, may we write now, and the words for it."""
    found = await notice(UUID(payload["notice_id"]))
    items = await still_open(found["id"], found["tolerance_amount"])
    if not items:
        return Dropped("PAID")
    if found["closed_at"] is not None:
        return Dropped("PARTY_CLOSED", "suppressed")
    later = quiet_ends(clock.now(), current_tenant().time_zone, found["quiet_from"],
                       found["quiet_to"])
    if later is not None:
        return NotNow(later, "QUIET_HOURS")
    i18n.use_language(found["language"] or current_tenant().language)
    total = sum((item["open_amount"] for item in items), Decimal("0.00"))
    text = _environment().get_template(f"debt_warning.{channel}.txt").render(
        tenant=current_tenant().name, party=found["name"], tone=found["tone"], items=items,
        total=total, currency=found["currency"], on=current_tenant().today())
    subject = i18n.say("dunning:subject", tenant=current_tenant().name,
                       total=money(total, found["currency"]))
    return Ready(text.strip(), subject)


@cache
def _environment() -> SandboxedEnvironment:
    made = SandboxedEnvironment(  # plain text, never HTML
        loader=FileSystemLoader(Path(__file__).parent / "messages"), trim_blocks=True,
        lstrip_blocks=True, autoescape=False)
    made.globals["say"] = i18n.say
    made.filters["money"] = money
    made.filters["date"] = i18n.shown
    return made


async def save_policy(actor: Actor, form: PolicyForm) -> Policy:
    """Raises FORBIDDEN, AMOUNT_BAD, CHANNEL_BAD."""
    actor.require("dunning.edit")
    if not form.tolerance_amount.is_finite() or not 0 <= form.tolerance_amount < 10**12:
        raise Refusal("AMOUNT_BAD", status=422)
    if not form.channels or not set(form.channels) <= {"telegram", "sms", "email"}:
        raise Refusal("CHANNEL_BAD", status=422)
    values = msgspec.structs.asdict(form) | {
        "resend_unknown": form.resend_unknown == "on", "active": form.active == "on",
        "catch_up_days": min(max(form.catch_up_days, 0), 365), "name": "default"}
    policy_id = await db.value(SAVE, **values)
    await audit.note(actor, "dunning.policy", "dunning_policy", policy_id)
    saved = await policy_or_none()
    assert saved is not None
    return saved


async def add_level(actor: Actor, form: LevelForm) -> None:
    actor.require("dunning.edit")
    policy = await policy_or_none()
    if policy is None:
        raise Refusal("NO_POLICY")
    if not -365 <= form.offset_days <= 3650:
        raise Refusal("DAYS_BAD", status=422)
    await db.execute(ADD_LEVEL, policy_id=policy.id, offset_days=form.offset_days, tone=form.tone)
    await audit.note(actor, "dunning.level", "dunning_policy", policy.id,
                     after={"days": form.offset_days, "tone": form.tone})


async def drop_level(actor: Actor, level_id: UUID) -> None:
    """A level that has notices stays: it is part of their story. Raises LEVEL_USED."""
    actor.require("dunning.edit")
    if not await db.execute(DROP_LEVEL, id=level_id):
        raise Refusal("LEVEL_USED")

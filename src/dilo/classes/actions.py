"""Applying classes and what follows from them by rule; taking it back; the rules themselves."""

from decimal import Decimal
from typing import Annotated
from uuid import UUID

import msgspec

from dilo.classes.queries import CELLS, GOODS_CHANGED, RULED, Settings, Subject, asked, window
from dilo.kit import clock, db
from dilo.kit.errors import NotFound, Refusal
from tenants import audit
from tenants.actors import Actor
from tenants.scope import current_tenant
from tenants.settings import change_setting, setting

RUN = """
INSERT INTO class_run (subject, settings, since, until, applied_by)
VALUES (:subject, :settings, :since, :until, :by) RETURNING id
"""
KEEP_CLIENTS = """
INSERT INTO class_change (run_id, subject_id, was, became, why)
SELECT :run_id, c.id,
  jsonb_build_object('class', c.class_code, 'segment', c.was_segment, 'owner', c.was_owner,
    'priority', c.was_priority, 'limit', c.was_limit, 'depth', c.was_depth),
  jsonb_build_object('class', c.became, 'segment', c.now_segment, 'owner', c.now_owner,
    'priority', c.now_priority, 'limit', c.now_limit, 'depth', c.now_depth),
  jsonb_build_object('total', c.total, 'share', c.share, 'variation', c.variation, 'rule', c.rule)
FROM changed c
"""
KEEP_GOODS = """
INSERT INTO class_change (run_id, subject_id, was, became, why)
SELECT :run_id, c.id, jsonb_build_object('class', c.class_code),
  jsonb_build_object('class', c.became),
  jsonb_build_object('total', c.total, 'share', c.share, 'variation', c.variation)
FROM changed c
"""
TO_PARTIES = """
UPDATE party p SET class_code = n.{to} ->> 'class', segment = n.{to} ->> 'segment',
  owner_id = CAST(n.{to} ->> 'owner' AS uuid), priority = CAST(n.{to} ->> 'priority' AS smallint)
FROM class_change n WHERE n.run_id = :run_id AND p.id = n.subject_id {only}
"""
TO_POLICIES = """
UPDATE credit_policy k SET limit_amount = CAST(n.{to} ->> 'limit' AS numeric),
  depth_days = CAST(n.{to} ->> 'depth' AS integer), updated_at = now()
FROM class_change n WHERE n.run_id = :run_id AND k.party_id = n.subject_id
  AND (n.was ->> 'limit', n.was ->> 'depth') IS DISTINCT FROM
      (n.became ->> 'limit', n.became ->> 'depth') {only}
"""
NEW_POLICIES = """
INSERT INTO credit_policy (party_id, limit_amount, depth_days)
SELECT n.subject_id, CAST(n.became ->> 'limit' AS numeric), CAST(n.became ->> 'depth' AS integer)
FROM class_change n WHERE n.run_id = :run_id
  AND (n.became ->> 'limit' IS NOT NULL OR n.became ->> 'depth' IS NOT NULL)
ON CONFLICT (tenant_id, party_id) DO NOTHING
"""
TO_PRODUCTS = """
UPDATE product p SET class_code = n.{to} ->> 'class'
FROM class_change n WHERE n.run_id = :run_id AND p.id = n.subject_id {only}
"""
# Taken back only where nobody has changed it by hand since.
UNTOUCHED_PARTY = """AND (p.class_code, p.segment, p.owner_id::text, p.priority::text)
  IS NOT DISTINCT FROM (n.became ->> 'class', n.became ->> 'segment', n.became ->> 'owner',
    n.became ->> 'priority')"""
UNTOUCHED_POLICY = """AND (k.limit_amount, k.depth_days) IS NOT DISTINCT FROM
  (CAST(n.became ->> 'limit' AS numeric), CAST(n.became ->> 'depth' AS integer))"""
UNTOUCHED_PRODUCT = "AND p.class_code IS NOT DISTINCT FROM n.became ->> 'class'"
COUNT = "UPDATE class_run SET changed = :changed WHERE id = :id"
ONE = "SELECT id, subject, reversed_at FROM class_run WHERE id = :id FOR UPDATE"
REVERSED = "UPDATE class_run SET reversed_at = :now WHERE id = :id"
ADD_RULE = """
INSERT INTO segment_rule (position, segment, classes, min_total, price_list_id, limit_amount,
  depth_days, priority, owner_id)
SELECT coalesce(max(position), 0) + 1, :segment, :classes, :min_total, :price_list_id,
  :limit_amount, :depth_days, :priority, :owner_id FROM segment_rule RETURNING id
"""
FOLLOW_LIST = """
INSERT INTO price_assignment (price_list_id, scope, scope_value)
SELECT :list_id, 'segment', :segment WHERE NOT EXISTS (
  SELECT 1 FROM price_assignment WHERE price_list_id = :list_id AND scope = 'segment'
    AND scope_value = :segment)
"""
BY_HAND = "UPDATE party SET segment_by_hand = :by_hand WHERE id = :id"


class RuleForm(msgspec.Struct):
    """Empty ``classes``: any class. What is left empty stays as the party has it."""

    segment: Annotated[str, msgspec.Meta(min_length=1, max_length=80)]
    classes: list[str] = msgspec.field(default_factory=list)
    min_total: Decimal | None = None
    price_list_id: UUID | None = None
    limit_amount: Decimal | None = None
    depth_days: Annotated[int, msgspec.Meta(ge=0, le=3650)] | None = None
    priority: Annotated[int, msgspec.Meta(ge=1, le=9)] | None = None
    owner_id: UUID | None = None


async def settings_of(subject: Subject) -> Settings:
    return await setting(f"classes.{subject}", Settings)


async def save_settings(actor: Actor, subject: Subject, settings: Settings) -> None:
    """Raises FORBIDDEN, THRESHOLDS_BAD."""
    actor.require("credit.edit")
    lines = (settings.a_percent, settings.b_percent, settings.x_percent, settings.y_percent)
    fit = all(line.is_finite() and 0 < line <= 1000 for line in lines)
    if not fit or lines[0] >= lines[1] or lines[2] >= lines[3]:
        raise Refusal("THRESHOLDS_BAD", status=422)
    await change_setting(actor, f"classes.{subject}", settings)


async def apply_classes(actor: Actor, subject: Subject) -> UUID:
    """Classes and what follows by rule, with what was kept beside. Raises FORBIDDEN."""
    actor.require("credit.edit")
    tenant = current_tenant()
    settings, on = await settings_of(subject), tenant.today()
    since, until = window(settings, on)
    run_id = await db.value(
        RUN,
        subject=subject,
        settings=msgspec.to_builtins(settings),
        since=since,
        until=until,
        by=actor.name,
    )
    sql, values = asked(subject, settings, tenant.currency, on)
    clients = subject == "clients"
    head = (RULED if clients else GOODS_CHANGED).format(classed=sql)
    keep = KEEP_CLIENTS if clients else KEEP_GOODS
    changed = await db.execute(f"{head} {keep}", run_id=run_id, **values)
    await _move(run_id, clients, back=False)
    await db.execute(COUNT, id=run_id, changed=changed)
    await audit.note(actor, "classes.apply", "class_run", run_id, after={"changed": changed})
    return run_id


async def _move(run_id: UUID, clients: bool, back: bool) -> None:
    to = "was" if back else "became"
    if not clients:
        only = UNTOUCHED_PRODUCT if back else ""
        await db.execute(TO_PRODUCTS.format(to=to, only=only), run_id=run_id)
        return
    only = UNTOUCHED_PARTY if back else ""
    await db.execute(TO_PARTIES.format(to=to, only=only), run_id=run_id)
    only = UNTOUCHED_POLICY if back else ""
    if not back:
        await db.execute(NEW_POLICIES, run_id=run_id)
    await db.execute(TO_POLICIES.format(to=to, only=only), run_id=run_id)


async def reverse_run(actor: Actor, run_id: UUID) -> None:
    """What was, comes back; what people have changed since stays. Raises FORBIDDEN, NOT_FOUND,
    ALREADY_REVERSED."""
    actor.require("credit.edit")
    run = await db.one(ONE, id=run_id)
    if run["reversed_at"]:
        raise Refusal("ALREADY_REVERSED", number="")
    await _move(run_id, run["subject"] == "clients", back=True)
    await db.execute(REVERSED, id=run_id, now=clock.now())
    await audit.note(actor, "classes.reverse", "class_run", run_id)


async def add_rule(actor: Actor, form: RuleForm) -> UUID:
    """The first rule that fits a party gives it its segment; its price list follows the segment.

    Raises FORBIDDEN, CLASS_UNKNOWN, AMOUNT_BAD.
    """
    actor.require("credit.edit")
    if not set(form.classes) <= {*CELLS, *"ABC"}:
        raise Refusal("CLASS_UNKNOWN", status=422)
    for amount in (form.min_total, form.limit_amount):
        if amount is not None and (not amount.is_finite() or not 0 <= amount < 10**15):
            raise Refusal("AMOUNT_BAD", status=422)
    values = msgspec.structs.asdict(form) | {"segment": form.segment.strip()}
    rule_id = await db.value(ADD_RULE, **values)
    if form.price_list_id:
        await db.execute(FOLLOW_LIST, list_id=form.price_list_id, segment=form.segment.strip())
    await audit.note(actor, "classes.rule", "segment_rule", rule_id)
    return rule_id


async def drop_rule(actor: Actor, rule_id: UUID) -> None:
    """Raises FORBIDDEN, NOT_FOUND."""
    actor.require("credit.edit")
    if not await db.execute("DELETE FROM segment_rule WHERE id = :id", id=rule_id):
        raise NotFound
    await audit.note(actor, "classes.rule_drop", "segment_rule", rule_id)


async def keep_by_hand(actor: Actor, party_id: UUID, by_hand: bool) -> None:
    """A segment given by hand is left alone by rules. Raises FORBIDDEN, NOT_FOUND."""
    actor.require("credit.edit")
    if not await db.execute(BY_HAND, id=party_id, by_hand=by_hand):
        raise NotFound
    await audit.note(actor, "classes.by_hand", "party", party_id, after={"by_hand": by_hand})

"""Tiers of dealers with their history: granted by people, or by turnover where a company wishes."""

from datetime import date
from decimal import Decimal
from typing import Annotated, Literal
from uuid import UUID

import asyncpg
import msgspec

from dilo.kit import db
from dilo.kit.errors import NotFound, Refusal
from dilo.parties.queries import party
from tenants import audit
from tenants.actors import SYSTEM, Actor
from tenants.scope import current_tenant
from tenants.settings import change_setting, setting

Name = Annotated[str, msgspec.Meta(min_length=1, max_length=80)]
RULE = "dealers.tiers"
TIERS = """
SELECT t.id, t.name, t.threshold_amount, t.segment, t.note,
  (SELECT count(*) FROM party p WHERE 'dealer' = ANY(p.roles) AND p.closed_at IS NULL
   AND dealer_tier_on(p.id, :on) = t.id) AS dealers
FROM dealer_tier t WHERE t.retired_at IS NULL ORDER BY t.threshold_amount DESC, t.name
"""
SAVE_TIER = """
INSERT INTO dealer_tier (name, threshold_amount, segment, note)
VALUES (:name, :threshold_amount, :segment, :note)
ON CONFLICT (tenant_id, name) DO UPDATE SET threshold_amount = excluded.threshold_amount,
  segment = excluded.segment, note = excluded.note, retired_at = NULL RETURNING id
"""
GRANT = """
INSERT INTO dealer_tier_grant (party_id, tier_id, since, reason, granted_by)
VALUES (:party_id, :tier_id, :since, :reason, :by)
"""
# What the tier gives: its price segment, kept by hand so that no rule takes it back.
SEGMENT = """
UPDATE party p SET segment = t.segment, segment_by_hand = true FROM dealer_tier t
WHERE p.id = :party_id AND t.id = dealer_tier_on(p.id, :on) AND t.segment IS NOT NULL
"""
FOLLOW = """
UPDATE party p SET segment = t.segment, segment_by_hand = true
FROM dealer_tier_grant g JOIN dealer_tier t ON t.id = g.tier_id
WHERE g.party_id = p.id AND g.since = :on AND t.id = dealer_tier_on(p.id, :on)
  AND t.segment IS NOT NULL AND p.segment IS DISTINCT FROM t.segment
"""
# The dealer's turnover of a year earns a tier; what people gave or took is lowered by people only.
# Thresholds are in the company's currency, so dealers who buy in another are left to people.
GRANT_EARNED = """
WITH sold AS (
  SELECT party_id, sum(CASE kind WHEN 'invoice' THEN total ELSE -total END) AS turnover
  FROM invoice WHERE currency = :currency AND issued_on > CAST(:on AS date) - 365
    AND issued_on <= :on GROUP BY 1),
stood AS (
  SELECT p.id AS party_id, coalesce(s.turnover, 0) AS turnover, g.tier_id,
    coalesce(g.turnover_amount IS NULL AND g.id IS NOT NULL, false) AS by_hand,
    CASE WHEN g.tier_id IS NULL THEN -1 ELSE t.threshold_amount END AS threshold
  FROM party p LEFT JOIN sold s ON s.party_id = p.id
  LEFT JOIN LATERAL (SELECT x.id, x.tier_id, x.turnover_amount FROM dealer_tier_grant x
    WHERE x.party_id = p.id AND x.since <= :on ORDER BY x.since DESC, x.id DESC LIMIT 1) g ON true
  LEFT JOIN dealer_tier t ON t.id = g.tier_id
  WHERE 'dealer' = ANY(p.roles) AND p.closed_at IS NULL AND p.currency = :currency)
INSERT INTO dealer_tier_grant (party_id, tier_id, since, turnover_amount, granted_by)
SELECT s.party_id, e.id, :on, s.turnover, :by FROM stood s
LEFT JOIN LATERAL (SELECT t.id, t.threshold_amount FROM dealer_tier t
  WHERE t.retired_at IS NULL AND t.threshold_amount <= s.turnover
  ORDER BY t.threshold_amount DESC, t.name LIMIT 1) e ON true
WHERE CASE WHEN coalesce(e.threshold_amount, -1) > s.threshold
    THEN NOT (s.by_hand AND s.tier_id IS NULL)
    ELSE :lower AND NOT s.by_hand AND coalesce(e.threshold_amount, -1) < s.threshold END
RETURNING party_id
"""
GRANTS = """
SELECT g.since, t.name AS tier, g.reason, g.turnover_amount, g.granted_by, g.granted_at
FROM dealer_tier_grant g LEFT JOIN dealer_tier t ON t.id = g.tier_id WHERE g.party_id = :party_id
ORDER BY g.since DESC, g.id DESC LIMIT 50
"""


class TierForm(msgspec.Struct):
    name: Name
    threshold_amount: Decimal = Decimal(0)
    segment: Annotated[str, msgspec.Meta(max_length=80)] | None = None
    note: Annotated[str, msgspec.Meta(max_length=300)] | None = None


class GrantForm(msgspec.Struct):
    """No tier takes the tier away."""

    since: date
    tier: UUID | None = None
    reason: Annotated[str, msgspec.Meta(max_length=300)] | None = None


class TierRule(msgspec.Struct):
    """Who grants tiers: people, or the turnover of a year: upwards only, or ``both`` ways."""

    follows: Literal["people", "up", "both"] = "people"


async def tiers() -> list[db.Row]:
    return await db.rows(TIERS, on=current_tenant().today())


async def save_tier(actor: Actor, form: TierForm) -> UUID:
    """By its name: said again, it is changed. Raises FORBIDDEN, AMOUNT_BAD."""
    actor.require("dealers.edit")
    amount = form.threshold_amount
    if not amount.is_finite() or not 0 <= amount < 10**16 or amount != round(amount, 2):
        raise Refusal("AMOUNT_BAD", status=422)
    saved = await db.value(SAVE_TIER, **msgspec.structs.asdict(form))
    await audit.note(actor, "dealers.tier", "dealer_tier", saved, after={"name": form.name})
    return saved


async def retire_tier(actor: Actor, tier_id: UUID) -> None:
    """Who has it keeps it until granted another. Raises FORBIDDEN, NOT_FOUND."""
    actor.require("dealers.edit")
    if not await db.execute("UPDATE dealer_tier SET retired_at = now() WHERE id = :id", id=tier_id):
        raise NotFound
    await audit.note(actor, "dealers.tier_gone", "dealer_tier", tier_id)


async def grant_tier(actor: Actor, party_id: UUID, form: GrantForm) -> None:
    """From a day on. The tier's price segment follows at once where the day has come.

    Raises FORBIDDEN, NOT_FOUND, NOT_A_DEALER.
    """
    actor.require("dealers.edit")
    dealer = await party(party_id)
    if "dealer" not in dealer.roles:
        raise Refusal("NOT_A_DEALER", status=422, name=dealer.name)
    try:
        async with db.savepoint():
            await db.execute(
                GRANT,
                party_id=party_id,
                tier_id=form.tier,
                since=form.since,
                reason=form.reason,
                by=actor.name,
            )
    except asyncpg.ForeignKeyViolationError:
        raise NotFound from None
    await db.execute(SEGMENT, party_id=party_id, on=current_tenant().today())
    await audit.note(actor, "dealers.grant", "party", party_id, after={"since": str(form.since)})


async def tier_rule() -> TierRule:
    return await setting(RULE, TierRule)


async def change_tier_rule(actor: Actor, rule: TierRule) -> None:
    """Raises FORBIDDEN."""
    actor.require("dealers.edit")
    await change_setting(actor, RULE, rule)


async def grant_earned() -> int:
    """Tiers by the turnover of a year, where the company wants it so; audited. Returns how many
    dealers it moved."""
    rule = (await tier_rule()).follows
    if rule == "people":
        return 0
    tenant = current_tenant()
    granted = await db.rows(
        GRANT_EARNED,
        currency=tenant.currency,
        on=tenant.today(),
        lower=rule == "both",
        by=SYSTEM.name,
    )
    moved = [row["party_id"] for row in granted]
    await audit.note_all(SYSTEM, "dealers.grant", "party", moved, {"since": str(tenant.today())})
    return len(moved)


async def follow_tiers() -> int:
    """Tiers that begin today bring their price segment. Returns how many dealers it changed."""
    return await db.execute(FOLLOW, on=current_tenant().today())


async def grants_of(party_id: UUID) -> list[db.Row]:
    return await db.rows(GRANTS, party_id=party_id)

"""Whom a campaign reaches and whom not and why; what it says; what came of it."""

from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from decimal import Decimal
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec

from dilo.kit import clock, db
from dilo.kit.paging import Page, Paging
from tenants.scope import current_tenant
from tenants.settings import setting

NAME = "campaigns"
RESULT_DAYS = 7
BOUGHT_DAYS = 365
COUNTED_MOST = 200
Debt = Literal["", "any", "none", "overdue"]


class CampaignPolicy(msgspec.Struct, frozen=True, kw_only=True):
    """Above ``approval_above`` recipients a second person approves; no company hears more than
    ``cap_messages`` campaigns in ``cap_days``; one writes from ``opens`` to ``closes``."""

    approval_above: Annotated[int, msgspec.Meta(ge=0, le=10_000_000)] = 500
    cap_messages: Annotated[int, msgspec.Meta(ge=1, le=100)] = 3
    cap_days: Annotated[int, msgspec.Meta(ge=1, le=365)] = 7
    opens: time = time(9)
    closes: time = time(20)


class Aim(msgspec.Struct, frozen=True, kw_only=True):
    """Filters; what is blank restricts nothing. ``channels`` in the order of preference."""

    segments: list[str] = msgspec.field(default_factory=list)
    classes: list[str] = msgspec.field(default_factory=list)
    cities: list[str] = msgspec.field(default_factory=list)
    managers: list[UUID] = msgspec.field(default_factory=list)
    debt: Debt = ""
    category_id: UUID | None = None
    tier_id: UUID | None = None
    channels: list[str] = msgspec.field(default_factory=lambda: ["telegram", "email"])


class Words(msgspec.Struct, frozen=True, kw_only=True):
    """In one language. ``sms``: shorter words for SMS; blank: the body."""

    subject: str = ""
    body: str = ""
    sms: str = ""


AIMED = """
WITH RECURSIVE below AS (
  SELECT id FROM category WHERE id = :category_id
  UNION SELECT c.id FROM category c JOIN below b ON c.parent_id = b.id),
aim AS (
  SELECT p.id, p.language FROM party p
  LEFT JOIN party_balance b ON b.party_id = p.id AND b.currency = p.currency
  WHERE p.closed_at IS NULL AND p.roles && '{customer,dealer}'
    AND (CAST(:segments AS text[]) = '{}' OR p.segment = ANY(:segments))
    AND (CAST(:classes AS text[]) = '{}' OR left(p.class_code, 1) = ANY(:classes))
    AND (CAST(:cities AS text[]) = '{}' OR p.city = ANY(:cities))
    AND (CAST(:managers AS uuid[]) = '{}' OR p.owner_id = ANY(:managers))
    AND (:debt = '' OR (:debt = 'any' AND b.receivable > 0)
      OR (:debt = 'none' AND coalesce(b.receivable, 0) = 0)
      OR (:debt = 'overdue' AND EXISTS (SELECT 1 FROM open_item i WHERE i.party_id = p.id
        AND i.side = 'debit' AND i.open_amount > 0 AND i.due_on < CAST(:on AS date))))
    AND (CAST(:category_id AS uuid) IS NULL OR p.id IN (
      SELECT o.party_id FROM sales_order o JOIN sales_order_line l ON l.order_id = o.id
      JOIN product g ON g.id = l.product_id JOIN below ON below.id = g.category_id
      WHERE o.state NOT IN ('draft', 'cancelled') AND o.created_at >= :bought_since))
    AND (CAST(:tier_id AS uuid) IS NULL OR dealer_tier_on(p.id, CAST(:on AS date)) = :tier_id)),
-- The best address a company has: one that may be written to before one that may not.
reach AS (
  SELECT a.id AS party_id, h.channel, h.address, coalesce(h.language, a.language) AS language,
    CASE WHEN h.address IS NULL THEN 'NO_ADDRESS' WHEN h.dead THEN 'DEAD_ADDRESS'
      WHEN h.silent THEN 'OPTED_OUT' WHEN NOT h.consents THEN 'NO_CONSENT'
      WHEN (SELECT count(*) FROM campaign_recipient r JOIN campaign c ON c.id = r.campaign_id
        WHERE r.party_id = a.id AND r.state <> 'excluded' AND c.launched_at > :capped_since)
        >= :cap_messages THEN 'CAPPED' END AS reason
  FROM aim a LEFT JOIN LATERAL (
    SELECT h.channel, h.address, coalesce(c.language, i.language) AS language,
      h.marketing_at IS NOT NULL AS consents,
      h.dead_at IS NOT NULL OR i.disabled_at IS NOT NULL AS dead,
      h.opted_out_at IS NOT NULL OR h.marketing_off_at IS NOT NULL
        OR s.stopped_at IS NOT NULL AS silent
    FROM contact_channel h LEFT JOIN contact c ON c.id = h.contact_id
    LEFT JOIN identity i ON i.id = h.identity_id
    LEFT JOIN sms_number s ON s.phone = h.address AND h.channel = 'sms'
    WHERE h.party_id = a.id AND h.channel = ANY(CAST(:channels AS text[])) AND NOT h.is_group
    ORDER BY h.marketing_at IS NULL OR h.dead_at IS NOT NULL OR h.opted_out_at IS NOT NULL
      OR i.disabled_at IS NOT NULL OR s.stopped_at IS NOT NULL,
      array_position(:channels, h.channel), h.created_at DESC, h.id
    LIMIT 1) h ON true),
judged AS (
  SELECT party_id, channel, address, language, CASE WHEN reason IS NOT NULL THEN reason
    WHEN row_number() OVER (PARTITION BY channel, address, reason ORDER BY party_id) > 1
    THEN 'SAME_ADDRESS' END AS reason
  FROM reach)
"""
COUNTED = f"""{AIMED}
SELECT channel, coalesce(language, :language) AS language, reason, count(*) AS parties
FROM judged GROUP BY 1, 2, 3 ORDER BY 4 DESC
"""
SAMPLE = f"""{AIMED}
SELECT DISTINCT ON (channel) channel, party_id, coalesce(language, :language) AS language
FROM judged WHERE reason IS NULL ORDER BY channel, party_id
"""
BY_SMS = f"""{AIMED}
SELECT party_id, coalesce(language, :language) AS language FROM judged
WHERE reason IS NULL AND channel = 'sms' ORDER BY md5(party_id::text) LIMIT {COUNTED_MOST}
"""
HEAD = """
SELECT id, name, state, aim, texts, link_url, per_minute, starts_at, created_by, created_by_id,
  approved_by, approved_by_id, created_at, launched_at, ended_at FROM campaign
"""
LIST = f"""
SELECT c.*, coalesce(r.planned, 0) AS planned, coalesce(r.gone, 0) AS gone,
  count(*) OVER () AS total_rows
FROM ({HEAD} WHERE (:state = '' OR state = :state)
  AND (:search = '' OR strpos(lower(name), :search) > 0)
  ORDER BY created_at DESC, id LIMIT 1000) c
LEFT JOIN LATERAL (
  SELECT count(*) FILTER (WHERE r.state <> 'excluded') AS planned,
    count(*) FILTER (WHERE o.state IN ('sent', 'delivered')) AS gone
  FROM campaign_recipient r LEFT JOIN outbox o ON o.id = r.outbox_id
  WHERE r.campaign_id = c.id) r ON true
ORDER BY c.created_at DESC, c.id LIMIT :size OFFSET :offset
"""
STATES = """
SELECT r.state, r.channel, o.state AS message, coalesce(r.reason, o.reason) AS reason,
  count(*) AS parties
FROM campaign_recipient r LEFT JOIN outbox o ON o.id = r.outbox_id
WHERE r.campaign_id = :id GROUP BY 1, 2, 3, 4 ORDER BY 5 DESC
"""
EFFECTS = """
WITH told AS (
  SELECT r.party_id, r.channel, r.address, r.clicked_at, o.sent_at FROM campaign_recipient r
  JOIN outbox o ON o.id = r.outbox_id AND o.sent_at IS NOT NULL WHERE r.campaign_id = :id)
SELECT count(*) FILTER (WHERE clicked_at IS NOT NULL) AS clicked,
  count(*) FILTER (WHERE EXISTS (SELECT 1 FROM contact_channel h WHERE h.party_id = told.party_id
    AND h.channel = told.channel AND h.address = told.address
    AND greatest(h.marketing_off_at, h.opted_out_at) > told.sent_at)) AS opted_out,
  count(*) FILTER (WHERE EXISTS (SELECT 1 FROM thread t
    JOIN thread_message m ON m.thread_id = t.id AND m.kind = 'in' AND m.at > told.sent_at
      AND m.at < told.sent_at + make_interval(days => :days)
    WHERE t.channel = told.channel AND t.address = told.address)) AS replied,
  coalesce(sum(bought.orders), 0) AS orders, coalesce(sum(bought.total), 0) AS total
FROM told LEFT JOIN LATERAL (
  SELECT count(*) AS orders, sum(s.total) AS total FROM sales_order s
  WHERE s.party_id = told.party_id AND s.state NOT IN ('draft', 'cancelled')
    AND s.created_at > told.sent_at
    AND s.created_at < told.sent_at + make_interval(days => :days)) bought ON true
"""
RECIPIENTS = """
SELECT t.*, count(*) OVER () AS total_rows FROM (
  SELECT r.id, r.party_id, p.name AS party_name, r.channel, r.address, r.state, r.clicked_at,
    o.state AS message, coalesce(r.reason, o.reason) AS reason, o.sent_at, r.place
  FROM campaign_recipient r JOIN party p ON p.id = r.party_id
  LEFT JOIN outbox o ON o.id = r.outbox_id
  WHERE r.campaign_id = :id AND (:state = '' OR coalesce(o.state, r.state) = :state)
    AND (:search = '' OR strpos(lower(p.name), :search) > 0)) t
ORDER BY t.state = 'excluded', t.place, t.id LIMIT :size OFFSET :offset
"""
CHOICES = """
SELECT 'city' AS kind, city AS key, city AS name FROM party WHERE city IS NOT NULL AND closed_at
  IS NULL GROUP BY city
UNION ALL SELECT 'manager', i.id::text, i.name FROM membership m
  JOIN identity i ON i.id = m.identity_id WHERE i.disabled_at IS NULL
UNION ALL SELECT 'category', id::text, name FROM category
UNION ALL SELECT 'tier', id::text, name FROM dealer_tier WHERE retired_at IS NULL
UNION ALL SELECT 'segment', segment, segment FROM party WHERE segment IS NOT NULL GROUP BY segment
ORDER BY 1, 3 LIMIT 2000
"""


@dataclass(frozen=True, slots=True)
class Campaign:
    id: UUID
    name: str
    state: str
    aim: Aim
    texts: dict[str, Words]
    link_url: str | None
    per_minute: int
    starts_at: datetime | None
    created_by: str
    created_by_id: UUID
    approved_by: str | None
    approved_by_id: UUID | None
    created_at: datetime
    launched_at: datetime | None
    ended_at: datetime | None

    @property
    def is_planned(self) -> bool:
        """Launched, and its first message goes later."""
        return self.state == "running" and (self.starts_at or clock.now()) > clock.now()


@dataclass(frozen=True, slots=True)
class CampaignRow(Campaign):
    planned: int
    gone: int


@dataclass(frozen=True, slots=True)
class Audience:
    """``reached``: by channel and language; ``excluded``: by reason."""

    reached: dict[tuple[str, str], int] = field(default_factory=dict)
    excluded: dict[str, int] = field(default_factory=dict)

    @property
    def count(self) -> int:
        return sum(self.reached.values())

    def by_channel(self) -> dict[str, int]:
        found: dict[str, int] = {}
        for (channel, _), parties in self.reached.items():
            found[channel] = found.get(channel, 0) + parties
        return found


@dataclass(frozen=True, slots=True)
class Results:
    """``failed`` and ``excluded`` by reason; ``doubtful``, of those failed: nobody knows whether
    it arrived. Orders are of the days after the message."""

    planned: int
    waiting: int
    sent: int
    delivered: int
    doubtful: int
    failed: dict[str, int]
    excluded: dict[str, int]
    clicked: int
    opted_out: int
    replied: int
    orders: int
    total: Decimal

    @property
    def gone(self) -> int:
        return self.sent + self.delivered


@dataclass(frozen=True, slots=True)
class Recipient:
    id: UUID
    party_id: UUID
    party_name: str
    channel: str | None
    address: str | None
    state: str
    clicked_at: datetime | None
    message: str | None
    reason: str | None
    sent_at: datetime | None
    place: int


async def policy() -> CampaignPolicy:
    return await setting(NAME, CampaignPolicy)


def _of(row: db.Row) -> dict[str, Any]:
    values = dict(row)
    values["aim"] = msgspec.convert(values["aim"], Aim)
    values["texts"] = msgspec.convert(values["texts"], dict[str, Words])
    return values


async def campaign(campaign_id: UUID) -> Campaign:
    """Raises NOT_FOUND."""
    return Campaign(**_of(await db.one(f"{HEAD} WHERE id = :id", id=campaign_id)))


async def locked(campaign_id: UUID) -> Campaign:
    return Campaign(**_of(await db.one(f"{HEAD} WHERE id = :id FOR UPDATE", id=campaign_id)))


async def campaigns(paging: Paging, state: str = "", search: str = "") -> Page[CampaignRow]:
    found = await db.rows(
        LIST, state=state, search=search.lower(), size=paging.size, offset=paging.offset
    )
    rows = [_of(row) for row in found]
    total = rows[0]["total_rows"] if rows else 0
    for row in rows:
        del row["total_rows"]
    return Page([CampaignRow(**row) for row in rows], total, paging)


def aimed(aim: Aim, rule: CampaignPolicy) -> dict[str, Any]:
    """The parameters of AIMED."""
    now = clock.now()
    return {
        "segments": aim.segments,
        "classes": aim.classes,
        "cities": aim.cities,
        "managers": aim.managers,
        "debt": aim.debt,
        "category_id": aim.category_id,
        "tier_id": aim.tier_id,
        "channels": aim.channels,
        "on": current_tenant().today(),
        "bought_since": now - timedelta(days=BOUGHT_DAYS),
        "capped_since": now - timedelta(days=rule.cap_days),
        "cap_messages": rule.cap_messages,
    }


async def audience(aim: Aim) -> Audience:
    found, language = Audience(), current_tenant().language
    for row in await db.rows(COUNTED, language=language, **aimed(aim, await policy())):
        if row["reason"]:
            excluded = found.excluded
            excluded[row["reason"]] = excluded.get(row["reason"], 0) + row["parties"]
        else:
            found.reached[row["channel"], row["language"]] = row["parties"]
    return found


async def samples(aim: Aim) -> list[db.Row]:
    """A real company for each channel, to show what it would read."""
    rule = await policy()
    return await db.rows(SAMPLE, language=current_tenant().language, **aimed(aim, rule))


async def by_sms(aim: Aim) -> list[db.Row]:
    """Whose SMS are counted one by one: all of a few, of many the same ones at every look."""
    rule = await policy()
    return await db.rows(BY_SMS, language=current_tenant().language, **aimed(aim, rule))


async def results(campaign_id: UUID) -> Results:
    counts: dict[str, int] = {}
    failed: dict[str, int] = {}
    excluded: dict[str, int] = {}
    for row in await db.rows(STATES, id=campaign_id):
        state, number = row["message"] or row["state"], row["parties"]
        if row["state"] == "excluded":
            excluded[row["reason"]] = excluded.get(row["reason"], 0) + number
        elif state in ("dead", "unknown", "expired", "suppressed", "cancelled"):
            reason = row["reason"] or state
            failed[reason] = failed.get(reason, 0) + number
        counts[state] = counts.get(state, 0) + number
    effects = await db.one(EFFECTS, id=campaign_id, days=RESULT_DAYS)
    return Results(
        planned=sum(counts.values()) - counts.get("excluded", 0),
        waiting=sum(counts.get(name, 0) for name in ("planned", "queued", "sending")),
        sent=counts.get("sent", 0),
        delivered=counts.get("delivered", 0),
        doubtful=counts.get("unknown", 0),
        failed=failed,
        excluded=excluded,
        **effects,
    )


async def recipients(
    campaign_id: UUID, paging: Paging, state: str = "", search: str = ""
) -> Page[Recipient]:
    found = await db.rows(
        RECIPIENTS,
        id=campaign_id,
        state=state,
        search=search.lower().strip(),
        size=paging.size,
        offset=paging.offset,
    )
    return db.page_of(Recipient, found, paging)


async def choices() -> dict[str, list[tuple[str, str]]]:
    """What filters may be chosen from."""
    found: dict[str, list[tuple[str, str]]] = {
        kind: [] for kind in ("city", "manager", "category", "tier", "segment")
    }
    for row in await db.rows(CHOICES):
        found[row["kind"]].append((row["key"], row["name"]))
    return found

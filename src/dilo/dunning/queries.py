"""Policies, what a run would send and why, what was sent and what came of it."""

from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any
from uuid import UUID

from dilo.kit import db
from dilo.kit.paging import Page, Paging

# What is left of an item once the party's unspent credits are laid on its oldest debts: money
# that has come in but is not allocated yet must not be asked for.
LEFT_OPEN = """
CASE WHEN coalesce(b.credit, 0) = 0 THEN i.open_amount
     ELSE least(i.open_amount, (
       SELECT sum(o.open_amount) FROM open_item o
       WHERE o.party_id = i.party_id AND o.currency = i.currency AND o.side = 'debit'
         AND o.open_amount > 0 AND (o.due_on, o.id) <= (i.due_on, i.id)) - b.credit) END
"""
# Each item belongs to the highest level it has reached, if it got there lately and was not told.
# One notice a party and currency: its level is the highest of its items.
DUE = f"""
steps AS (
  SELECT id, offset_days, tone, lead(offset_days) OVER (ORDER BY offset_days) AS next_days
  FROM dunning_level WHERE policy_id = :policy_id AND retired_at IS NULL),
reached AS (
  SELECT i.id AS item_id, s.id AS level_id
  FROM steps s JOIN open_item i ON i.due_on <= CAST(:on AS date) - s.offset_days
    AND i.due_on >= CAST(:on AS date) - s.offset_days - CAST(:catch_up_days AS int)
    AND (s.next_days IS NULL OR i.due_on > CAST(:on AS date) - s.next_days)
    AND (s.offset_days >= 0 OR i.due_on >= CAST(:on AS date))
  WHERE i.side = 'debit' AND i.open_amount > :tolerance
  UNION
  SELECT i.id, s.id FROM dunning_pause z JOIN open_item i ON i.id = z.open_item_id
  JOIN steps s ON i.due_on <= CAST(:on AS date) - s.offset_days
    AND (s.next_days IS NULL OR i.due_on > CAST(:on AS date) - s.next_days)
    AND (s.offset_days >= 0 OR i.due_on >= CAST(:on AS date))
  WHERE z.ended_on BETWEEN CAST(:on AS date) - CAST(:catch_up_days AS int) AND CAST(:on AS date)),
fresh AS MATERIALIZED (
  SELECT i.id AS item_id, i.party_id, i.currency, i.number, i.due_on, s.id AS level_id,
    s.offset_days, s.tone, {LEFT_OPEN} AS left_amount
  FROM reached c JOIN steps s ON s.id = c.level_id JOIN open_item i ON i.id = c.item_id
  JOIN party p ON p.id = i.party_id AND p.closed_at IS NULL
  LEFT JOIN party_balance b ON b.party_id = i.party_id AND b.currency = i.currency
  WHERE i.side = 'debit' AND i.open_amount > :tolerance
    AND NOT EXISTS (SELECT 1 FROM dunning_notice_item n WHERE n.open_item_id = i.id
      AND n.level_id = s.id AND n.due_on = i.due_on)
    AND NOT EXISTS (SELECT 1 FROM dunning_pause z WHERE z.open_item_id = i.id
      AND z.ended_on IS NULL)),
due AS MATERIALIZED (SELECT * FROM fresh WHERE left_amount > :tolerance)
"""
# The best channel of a party is the first of the policy's that reaches it. Looked up by index for
# each: a join of two computed sets has no statistics and may be planned as 100,000 x 100,000.
REACH = """
LEFT JOIN LATERAL (
  SELECT h.channel, h.address, coalesce(c.language, e.language) AS language
  FROM contact_channel h LEFT JOIN identity e ON e.id = h.identity_id
  LEFT JOIN contact c ON c.id = h.contact_id
  WHERE h.party_id = n.party_id AND h.channel = ANY(CAST(:channels AS text[]))
    AND h.opted_out_at IS NULL AND h.dead_at IS NULL AND e.disabled_at IS NULL
    AND (NOT h.is_group OR h.shows_money)
    AND (h.channel <> 'sms' OR NOT EXISTS (SELECT 1 FROM sms_number s
      WHERE s.phone = h.address AND s.stopped_at IS NOT NULL
        AND coalesce((SELECT stop_covers FROM sms_policy), 'all') = 'all'))
  ORDER BY array_position(CAST(:channels AS text[]), h.channel), h.created_at DESC LIMIT 1
) r ON true
"""
PREVIEW = f"""
WITH {DUE},
grouped AS (
  SELECT party_id, currency, sum(left_amount) AS amount, min(due_on) AS oldest,
    max(offset_days) AS offset_days, (array_agg(tone ORDER BY offset_days DESC))[1] AS tone,
    array_agg(number ORDER BY due_on, item_id) AS numbers,
    array_agg(CAST(:on AS date) - due_on ORDER BY due_on, item_id) AS days_late
  FROM due GROUP BY party_id, currency)
SELECT n.*, p.name, p.code, r.channel, r.address, coalesce(r.language, p.language) AS language
FROM (SELECT *, count(*) OVER () AS total_rows FROM grouped
      ORDER BY amount DESC, party_id LIMIT :most) n
JOIN party p ON p.id = n.party_id {REACH} ORDER BY n.amount DESC, p.code
"""
POLICY = """
SELECT id, name, tolerance_amount, channels, quiet_from, quiet_to, catch_up_days, resend_unknown,
  active, working_days_only, interest_percent, disputes_pause_depth, most_a_day, most_a_week,
  forecast_days, promise_days
FROM dunning_policy WHERE is_default
"""
LEVELS = """
SELECT id, position, offset_days, tone, fee_amount FROM dunning_level
WHERE policy_id = :policy_id AND retired_at IS NULL ORDER BY offset_days
"""
NOTICE = """
SELECT n.id, n.party_id, p.name, p.closed_at, n.currency, c.quiet_from, c.quiet_to,
  c.tolerance_amount, c.resend_unknown, c.working_days_only, c.most_a_day, c.most_a_week
FROM dunning_notice n JOIN party p ON p.id = n.party_id JOIN dunning_level l ON l.id = n.level_id
JOIN dunning_policy c ON c.id = l.policy_id WHERE n.id = :id
"""
STILL_OPEN = f"""
SELECT * FROM (
  SELECT i.number, i.due_on, CAST(:on AS date) - i.due_on AS days_late, l.tone, l.offset_days,
    {LEFT_OPEN} AS open_amount, i.document_id
  FROM dunning_notice_item n JOIN open_item i ON i.id = n.open_item_id
  JOIN dunning_level l ON l.id = n.level_id
  LEFT JOIN party_balance b ON b.party_id = i.party_id AND b.currency = i.currency
  WHERE n.notice_id = :id AND i.open_amount > :tolerance AND NOT EXISTS (
    SELECT 1 FROM dunning_pause z WHERE z.open_item_id = i.id AND z.ended_on IS NULL)) s
WHERE open_amount > :tolerance ORDER BY due_on, number
"""
HOLIDAYS = "SELECT day, name FROM holiday ORDER BY day"
RUNS = """
SELECT r.id, r.business_date, r.planned, r.started_by, r.started_at FROM dunning_run r
ORDER BY r.started_at DESC LIMIT 30
"""
MESSAGES = """
SELECT o.id, o.channel, o.kind, o.state, o.reason, o.attempts, o.address, o.created_at, o.sent_at,
  o.delivered_at, o.read_at, o.not_before, o.last_error, o.party_id, p.name AS party_name,
  coalesce(n.amount, CAST(o.payload ->> 'amount' AS numeric)) AS amount,
  coalesce(n.currency, o.payload ->> 'currency') AS currency, count(*) OVER () AS total_rows
FROM outbox o LEFT JOIN party p ON p.id = o.party_id
LEFT JOIN dunning_notice n ON n.id = CAST(o.payload ->> 'notice_id' AS uuid)
WHERE o.channel <> 'event' AND o.kind IN ('debt_warning', 'stop_forecast', 'debt_digest')
  AND (:state = '' OR o.state = :state
    OR :state = 'trouble' AND o.state IN ('unknown', 'dead', 'expired'))
ORDER BY o.created_at DESC, o.id DESC LIMIT :size OFFSET :offset
"""
MESSAGE = """
SELECT o.id, o.channel, o.kind, o.state, o.reason, o.attempts, o.address, o.created_at, o.sent_at,
  o.delivered_at, o.read_at, o.last_error, o.party_id, p.name AS party_name, o.dedupe_key
FROM outbox o LEFT JOIN party p ON p.id = o.party_id
WHERE o.id = :id AND o.kind IN ('debt_warning', 'stop_forecast', 'debt_digest')
"""
ATTEMPTS = """
SELECT a.attempt, a.channel, a.address, a.outcome, a.provider_id, a.detail, a.body, a.at
FROM delivery_attempt a JOIN outbox o ON o.id = a.outbox_id
JOIN outbox m ON m.id = :id AND m.dedupe_key = o.dedupe_key AND m.kind = o.kind
ORDER BY a.at
"""


@dataclass(frozen=True, slots=True)
class Policy:
    id: UUID
    name: str
    tolerance_amount: Decimal
    channels: list[str]
    quiet_from: time | None
    quiet_to: time | None
    catch_up_days: int
    resend_unknown: bool
    active: bool
    working_days_only: bool
    interest_percent: Decimal
    disputes_pause_depth: bool
    most_a_day: int | None
    most_a_week: int | None
    forecast_days: int
    promise_days: int


@dataclass(frozen=True, slots=True)
class Due:
    """One party a run would warn. ``channel`` is None where nothing reaches it."""

    party_id: UUID
    currency: str
    amount: Decimal
    oldest: date
    offset_days: int
    tone: str
    numbers: list[str]
    days_late: list[int]
    name: str
    code: str
    channel: str | None
    address: str | None
    language: str | None
    total_rows: int

    @property
    def why(self) -> str:
        pairs = zip(self.numbers, self.days_late, strict=True)
        return ", ".join(f"{number} ({days:+d})" for number, days in pairs)


@dataclass(frozen=True, slots=True)
class OpenDebt:
    number: str
    due_on: date
    days_late: int
    tone: str
    offset_days: int
    open_amount: Decimal
    document_id: UUID


@dataclass(frozen=True, slots=True)
class Message:
    id: UUID
    channel: str
    kind: str
    state: str
    reason: str | None
    attempts: int
    address: str | None
    created_at: datetime
    sent_at: datetime | None
    delivered_at: datetime | None
    read_at: datetime | None
    not_before: datetime
    last_error: str | None
    party_id: UUID | None
    party_name: str | None
    amount: Decimal | None
    currency: str | None


async def policy_or_none() -> Policy | None:
    return await db.one_or_none_as(Policy, POLICY)


async def levels(policy_id: UUID) -> list[db.Row]:
    return await db.rows(LEVELS, policy_id=policy_id)


def plan_figures(policy: Policy, on: date) -> dict[str, Any]:
    return {
        "policy_id": policy.id,
        "on": on,
        "tolerance": policy.tolerance_amount,
        "catch_up_days": policy.catch_up_days,
        "channels": policy.channels,
    }


async def would_warn(policy: Policy, on: date, most: int = 500) -> list[Due]:
    """Dry run: who would be told what, by which channel, because of which documents."""
    return await db.rows_as(Due, PREVIEW, most=most, **plan_figures(policy, on))


async def notice(notice_id: UUID) -> db.Row:
    return await db.one(NOTICE, id=notice_id)


async def still_open(notice_id: UUID, tolerance: Decimal, on: date) -> list[OpenDebt]:
    """What is left of a notice now: paid items are gone, the rest has its open amount."""
    return await db.rows_as(OpenDebt, STILL_OPEN, id=notice_id, tolerance=tolerance, on=on)


async def holidays() -> dict[date, str]:
    return {row["day"]: row["name"] for row in await db.rows(HOLIDAYS)}


async def runs() -> list[db.Row]:
    return await db.rows(RUNS)


async def messages(paging: Paging, state: str = "") -> Page[Message]:
    found = await db.rows(MESSAGES, state=state, size=paging.size, offset=paging.offset)
    return db.page_of(Message, found, paging)


async def message(message_id: UUID) -> db.Row:
    return await db.one(MESSAGE, id=message_id)


async def attempts_of(message_id: UUID) -> list[db.Row]:
    return await db.rows(ATTEMPTS, id=message_id)


async def level(level_id: UUID) -> db.Row:
    return await db.one(
        "SELECT id, offset_days, tone FROM dunning_level WHERE id = :id", id=level_id
    )

"""Policies, what a run would send and why, what was sent and what came of it."""

from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any
from uuid import UUID

from dilo.kit import db
from dilo.kit.paging import Page, Paging

# The highest level an open item has reached, if it was reached lately and never told before.
DUE = """
due AS (
  SELECT DISTINCT ON (i.id) i.id AS item_id, i.party_id, i.due_on, i.number, i.open_amount,
    i.currency, l.id AS level_id, l.offset_days, l.tone
  FROM open_item i JOIN dunning_level l ON l.policy_id = :policy_id
    AND i.due_on <= :on - l.offset_days
  WHERE i.side = 'debit' AND i.open_amount > :tolerance
  ORDER BY i.id, l.offset_days DESC),
fresh AS MATERIALIZED (
  SELECT d.* FROM due d JOIN party p ON p.id = d.party_id AND p.closed_at IS NULL
  WHERE :on - (d.due_on + d.offset_days) <= :catch_up_days
    AND (d.offset_days >= 0 OR d.due_on >= :on)
    AND NOT EXISTS (SELECT 1 FROM dunning_notice_item n WHERE n.open_item_id = d.item_id
      AND n.level_id = d.level_id AND n.due_on = d.due_on))
"""
REACH = """
LEFT JOIN LATERAL (
  SELECT h.channel, h.address FROM contact_channel h
  WHERE h.party_id = {party} AND h.channel = ANY(CAST(:channels AS text[]))
    AND h.opted_out_at IS NULL AND h.dead_at IS NULL
  ORDER BY array_position(CAST(:channels AS text[]), h.channel), h.created_at DESC LIMIT 1)
  reach ON true
"""
PREVIEW = f"""
WITH {DUE},
grouped AS (
  SELECT party_id, level_id, tone, offset_days, currency, sum(open_amount) AS amount,
    count(*) AS items, min(due_on) AS oldest, string_agg(number, ', ' ORDER BY due_on) AS numbers
  FROM fresh GROUP BY party_id, level_id, tone, offset_days, currency)
SELECT g.*, p.name, p.code, reach.channel, reach.address FROM grouped g
JOIN party p ON p.id = g.party_id {REACH.format(party="g.party_id")}
ORDER BY g.amount DESC LIMIT :most
"""
POLICY = """
SELECT id, name, tolerance_amount, channels, quiet_from, quiet_to, catch_up_days, resend_unknown,
  active
FROM dunning_policy WHERE is_default
"""
LEVELS = """
SELECT id, position, offset_days, tone FROM dunning_level WHERE policy_id = :policy_id
ORDER BY offset_days
"""
NOTICE = """
SELECT n.id, n.party_id, p.name, p.language, p.closed_at, l.tone, l.offset_days, n.currency,
  c.quiet_from, c.quiet_to, c.tolerance_amount, c.channels
FROM dunning_notice n JOIN party p ON p.id = n.party_id JOIN dunning_level l ON l.id = n.level_id
JOIN dunning_policy c ON c.id = l.policy_id WHERE n.id = :id
"""
STILL_OPEN = """
SELECT i.number, i.due_on, i.open_amount FROM dunning_notice_item n
JOIN open_item i ON i.id = n.open_item_id
WHERE n.notice_id = :id AND i.open_amount > :tolerance ORDER BY i.due_on, i.number
"""
RUNS = """
SELECT r.id, r.business_date, r.planned, r.started_by, r.started_at FROM dunning_run r
ORDER BY r.started_at DESC LIMIT 30
"""
MESSAGES = """
SELECT o.id, o.channel, o.kind, o.state, o.reason, o.attempts, o.address, o.created_at, o.sent_at,
  o.not_before, o.last_error, o.party_id, p.name AS party_name, n.amount, n.currency,
  count(*) OVER () AS total_rows
FROM outbox o LEFT JOIN party p ON p.id = o.party_id
LEFT JOIN dunning_notice n ON n.id = CAST(o.payload ->> 'notice_id' AS uuid)
WHERE o.channel <> 'event' AND o.kind = 'debt_warning'
  AND (:state = '' OR o.state = :state OR :state = 'trouble' AND o.state IN ('unknown', 'dead'))
ORDER BY o.created_at DESC, o.id DESC LIMIT :size OFFSET :offset
"""
MESSAGE = """
SELECT o.id, o.channel, o.kind, o.state, o.reason, o.attempts, o.address, o.created_at, o.sent_at,
  o.last_error, o.party_id, p.name AS party_name, o.dedupe_key
FROM outbox o LEFT JOIN party p ON p.id = o.party_id
WHERE o.id = :id AND o.kind = 'debt_warning'
"""
ATTEMPTS = """
SELECT a.attempt, a.channel, a.address, a.outcome, a.provider_id, a.detail, a.body, a.at
FROM delivery_attempt a JOIN outbox o ON o.id = a.outbox_id
WHERE o.dedupe_key = (SELECT dedupe_key FROM outbox WHERE id = :id) AND o.kind = 'debt_warning'
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
    return {"policy_id": policy.id, "on": on, "tolerance": policy.tolerance_amount,
            "catch_up_days": policy.catch_up_days, "channels": policy.channels}


async def would_warn(policy: Policy, on: date, most: int = 500) -> list[db.Row]:
    """Dry run: who would be told what, by which channel, because of which documents."""
    return await db.rows(PREVIEW, most=most, **plan_figures(policy, on))


async def notice(notice_id: UUID) -> db.Row:
    return await db.one(NOTICE, id=notice_id)


async def still_open(notice_id: UUID, tolerance: Decimal) -> list[db.Row]:
    return await db.rows(STILL_OPEN, id=notice_id, tolerance=tolerance)


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
    return await db.one("SELECT id, offset_days, tone FROM dunning_level WHERE id = :id",
                        id=level_id)

"""Reads of messaging: how to reach somebody, what was tried, what needs a person's eye."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from dilo.kit import db
from dilo.kit.paging import Page, Paging

# A chat belongs to a portal account: a disabled one is not written to, and letters about money do
# not go to one who may not see it.
ADDRESS = """
SELECT h.id, h.address, coalesce(c.language, i.language, p.language) AS language
FROM contact_channel h JOIN party p ON p.id = h.party_id
LEFT JOIN contact c ON c.id = h.contact_id LEFT JOIN identity i ON i.id = h.identity_id
LEFT JOIN portal_user u ON u.identity_id = h.identity_id AND u.party_id = h.party_id
WHERE h.party_id = :party_id AND h.channel = :channel AND h.dead_at IS NULL
  AND h.opted_out_at IS NULL AND i.disabled_at IS NULL AND u.disabled_at IS NULL
  AND u.role IS DISTINCT FROM 'viewer' AND (NOT h.is_group OR h.shows_money)
ORDER BY h.is_group, coalesce(c.is_primary, false) DESC, h.created_at DESC, h.id LIMIT 1
"""
OPTED_OUT = """
SELECT count(*) > 0 AND bool_and(opted_out_at IS NOT NULL) FROM contact_channel
WHERE party_id = :party_id AND dead_at IS NULL
"""
UNKNOWN_TRIES = """
SELECT count(*) FROM delivery_attempt WHERE outbox_id = :id AND outcome = 'unknown'
"""
ATTEMPTS = """
SELECT a.id, a.attempt, a.channel, a.address, a.outcome, a.provider_id, a.detail, a.body, a.at
FROM delivery_attempt a JOIN outbox o ON o.id = a.outbox_id
WHERE o.kind = :kind AND o.dedupe_key = :dedupe_key ORDER BY a.at, a.id
"""
MESSAGE = """
SELECT o.id, o.channel, o.kind, o.dedupe_key, o.payload, o.party_id, p.name AS party_name, o.state,
  o.reason, o.attempts, o.address, o.last_error, o.not_before, o.created_at, o.sent_at,
  o.delivered_at
FROM outbox o LEFT JOIN party p ON p.id = o.party_id
"""
MESSAGES_OF_KEY = f"""
{MESSAGE} WHERE o.kind = :kind AND o.dedupe_key = :dedupe_key ORDER BY o.created_at, o.id
"""
TROUBLE = f"""
SELECT m.*, count(*) OVER () AS total_rows FROM (
  {MESSAGE} WHERE o.state IN ('unknown', 'dead', 'expired') AND o.channel <> 'event') m
WHERE (:state = '' OR m.state = :state)
ORDER BY m.created_at DESC, m.id LIMIT :size OFFSET :offset
"""
TROUBLE_COUNTS = """
SELECT state, count(*) AS rows FROM outbox
WHERE state IN ('unknown', 'dead', 'expired') AND channel <> 'event' GROUP BY state
"""
BY_ID = f"{MESSAGE} WHERE o.id = :id"
BY_PROVIDER = """
SELECT id, channel, kind, dedupe_key, payload, party_id, state, reason FROM outbox
WHERE channel = :channel AND provider_id = :provider_id ORDER BY created_at DESC LIMIT 1 FOR UPDATE
"""
EARLY_RECEIPT = """
SELECT payload ->> 'status' FROM inbox
WHERE source = :source AND external_id LIKE :provider_id || ':%' ORDER BY received_at DESC LIMIT 1
"""


@dataclass(frozen=True, slots=True)
class Address:
    id: UUID
    address: str
    language: str | None


@dataclass(frozen=True, slots=True)
class Attempt:
    """Evidence of one try."""

    id: UUID
    attempt: int
    channel: str
    address: str | None
    outcome: str
    provider_id: str | None
    detail: str | None
    body: str | None
    at: datetime


@dataclass(frozen=True, slots=True)
class Message:
    id: UUID
    channel: str
    kind: str
    dedupe_key: str
    payload: dict[str, object]
    party_id: UUID | None
    party_name: str | None
    state: str
    reason: str | None
    attempts: int
    address: str | None
    last_error: str | None
    not_before: datetime
    created_at: datetime
    sent_at: datetime | None
    delivered_at: datetime | None


async def address_or_none(party_id: UUID, channel: str) -> Address | None:
    """The best live address: the primary contact's first, then the newest."""
    return await db.one_or_none_as(Address, ADDRESS, party_id=party_id, channel=channel)


async def has_opted_out(party_id: UUID) -> bool:
    """Every address that still works has asked for silence."""
    return await db.value(OPTED_OUT, party_id=party_id)


async def unknown_tries(message_id: UUID) -> int:
    return await db.value(UNKNOWN_TRIES, id=message_id)


async def attempts_of(kind: str, dedupe_key: str) -> list[Attempt]:
    """Every try of one fact, over all its channels."""
    return await db.rows_as(Attempt, ATTEMPTS, kind=kind, dedupe_key=dedupe_key)


async def messages_of(kind: str, dedupe_key: str) -> list[Message]:
    return await db.rows_as(Message, MESSAGES_OF_KEY, kind=kind, dedupe_key=dedupe_key)


async def message(message_id: UUID) -> Message:
    return await db.one_as(Message, BY_ID, id=message_id)


async def troubled(paging: Paging, state: str = "") -> Page[Message]:
    """What a person must look at: unknown, dead, expired."""
    found = await db.rows(TROUBLE, state=state, size=paging.size, offset=paging.offset)
    return db.page_of(Message, found, paging)


async def trouble_counts() -> dict[str, int]:
    return {row["state"]: row["rows"] for row in await db.rows(TROUBLE_COUNTS)}


async def early_receipt(source: str, provider_id: str) -> str | None:
    """A receipt can overtake the answer to the submission it speaks of."""
    return await db.value(EARLY_RECEIPT, source=source, provider_id=provider_id)

"""What must happen after a commit, written in the transaction that causes it.

The row is the record; queues and hints only wake whoever drains it. The key is a business fact,
so the same fact never makes a second row. Time is the database's, never the worker's.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from dilo.kit import db
from dilo.kit.ids import uuid7

PUT = """
INSERT INTO outbox (channel, kind, dedupe_key, payload, party_id, not_before, expires_at, priority)
VALUES (:channel, :kind, :dedupe_key, :payload, :party_id, coalesce(:not_before, now()),
  :expires_at, :priority)
ON CONFLICT (tenant_id, channel, dedupe_key) DO NOTHING RETURNING id
"""
CLAIM = """
WITH next AS MATERIALIZED (
  SELECT id, state AS was, attempts AS tried FROM outbox
  WHERE channel = ANY(:channels)
    AND (state = 'queued' AND not_before <= now() OR state = 'sending' AND lease_until < now())
  ORDER BY priority, not_before, id LIMIT :most FOR UPDATE SKIP LOCKED)
UPDATE outbox o SET state = 'sending', attempts = o.attempts + 1, lease_token = gen_random_uuid(),
  lease_until = now() + make_interval(secs => :lease_seconds)
FROM next n WHERE o.id = n.id
RETURNING o.id, o.channel, o.kind, o.dedupe_key, o.payload, o.party_id, o.attempts, o.expires_at,
  o.expires_at < now() AS expired, o.lease_token, o.address, n.was = 'sending' AS abandoned
"""
RECORD = """
UPDATE outbox SET state = :state, reason = :reason, last_error = :last_error,
  provider_id = coalesce(:provider_id, provider_id), address = coalesce(:address, address),
  lease_until = NULL, lease_token = NULL,
  not_before = CASE WHEN CAST(:after_seconds AS float) IS NULL THEN not_before
               ELSE now() + make_interval(secs => :after_seconds) END,
  sent_at = CASE WHEN :state = 'sent' THEN now() ELSE sent_at END
WHERE id = :id AND lease_token = :lease_token
"""
AGAIN = """
UPDATE outbox SET state = 'queued', reason = NULL, not_before = now(), expires_at = NULL
WHERE id = :id AND state IN ('unknown', 'dead', 'expired') RETURNING id
"""


@dataclass(frozen=True, slots=True)
class Claimed:
    """A row held until its lease ends. ``abandoned``: its last holder died, the outcome is unknown."""

    id: UUID
    channel: str
    kind: str
    dedupe_key: str
    payload: dict[str, Any]
    party_id: UUID | None
    attempts: int
    expires_at: datetime | None
    expired: bool | None
    lease_token: UUID
    address: str | None
    abandoned: bool


async def put(
    channel: str, kind: str, dedupe_key: str, payload: dict[str, Any], *,
    party_id: UUID | None = None, not_before: datetime | None = None,
    expires_at: datetime | None = None, priority: int = 5,
) -> UUID | None:
    """Returns the new row's id; None where this fact already has its row."""
    return await db.value(
        PUT, channel=channel, kind=kind, dedupe_key=dedupe_key, payload=payload, party_id=party_id,
        not_before=not_before, expires_at=expires_at, priority=priority,
    )


async def tell(event: str, /, **payload: Any) -> None:
    """Speaks upwards: ``dilo.run.events`` says who hears ``event``."""
    await put("event", event, f"{event}:{uuid7()}", payload, priority=1)


async def claim(channels: Sequence[str], most: int, lease_seconds: int) -> list[Claimed]:
    return await db.rows_as(
        Claimed, CLAIM, channels=list(channels), most=most, lease_seconds=float(lease_seconds)
    )


async def record(
    row: Claimed, state: str, *, reason: str | None = None, error: str | None = None,
    provider_id: str | None = None, address: str | None = None,
    after_seconds: float | None = None,
) -> bool:
    """Writes the outcome while the lease is ours; False where somebody else has it by now."""
    return bool(await db.execute(
        RECORD, id=row.id, lease_token=row.lease_token, state=state, reason=reason,
        last_error=error[:500] if error else None, provider_id=provider_id, address=address,
        after_seconds=after_seconds,
    ))


async def send_again(row_id: UUID) -> bool:
    """A person decides that an unknown or dead message goes once more."""
    return bool(await db.value(AGAIN, id=row_id))

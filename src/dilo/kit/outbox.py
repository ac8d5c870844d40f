"""What must happen after a commit, written in the transaction that causes it.

The row is the record; queues and hints only wake whoever drains it. The key is a business fact,
so the same fact never makes a second row. Time is the database's, never the worker's. A row is
claimed for the length of a lease, marked as started just before the outside world is touched, and
its outcome is written only while the lease's token is still ours.
"""

from collections.abc import Callable, Sequence
from contextvars import ContextVar
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
# Two reads, each along its own partial index: one over both would sort the whole queue.
CLAIM = """
WITH left_behind AS MATERIALIZED (
  SELECT id, reason FROM outbox
  WHERE state = 'sending' AND lease_until < now() AND channel = ANY(:channels)
  ORDER BY lease_until LIMIT :most FOR UPDATE SKIP LOCKED),
due AS MATERIALIZED (
  SELECT id FROM outbox
  WHERE state = 'queued' AND not_before <= now() AND channel = ANY(:channels)
  ORDER BY priority, not_before LIMIT :most FOR UPDATE SKIP LOCKED),
next AS (
  SELECT id, coalesce(reason = 'started', false) AS abandoned FROM left_behind
  UNION ALL SELECT id, false FROM due)
UPDATE outbox o SET state = 'sending', attempts = o.attempts + 1, lease_token = gen_random_uuid(),
  lease_until = now() + make_interval(secs => :lease_seconds)
FROM next n WHERE o.id = n.id
RETURNING o.id, o.channel, o.kind, o.dedupe_key, o.payload, o.party_id, o.attempts, o.expires_at,
  coalesce(o.expires_at < now(), false) AS expired, o.lease_token, o.address, n.abandoned
"""
START = """
UPDATE outbox SET reason = 'started', lease_until = now() + make_interval(secs => :lease_seconds)
WHERE id = :id AND lease_token = :lease_token
"""
RECORD = """
UPDATE outbox SET state = :state, reason = :reason, last_error = :last_error,
  provider_id = coalesce(:provider_id, provider_id), address = coalesce(:address, address),
  attempts = attempts - CAST(:uncounted AS int), lease_until = NULL, lease_token = NULL,
  not_before = CASE WHEN CAST(:after_seconds AS float) IS NULL THEN not_before
               ELSE now() + make_interval(secs => :after_seconds) END,
  sent_at = CASE WHEN :state = 'sent' THEN now() ELSE sent_at END
WHERE id = :id AND lease_token = :lease_token
"""
AGAIN = """
UPDATE outbox SET state = 'queued', reason = NULL, not_before = now(), expires_at = NULL,
  attempts = 0
WHERE id = ANY(:ids) AND state IN ('unknown', 'dead', 'expired')
"""


HOLD = "SELECT set_config('transaction_timeout', :milliseconds, true)"


@dataclass(frozen=True, slots=True)
class Claimed:
    """A row held until its lease ends.

    ``abandoned``: its last holder had started and died, so the outcome of that try is unknown.
    """

    id: UUID
    channel: str
    kind: str
    dedupe_key: str
    payload: dict[str, Any]
    party_id: UUID | None
    attempts: int
    expires_at: datetime | None
    expired: bool
    lease_token: UUID
    address: str | None
    abandoned: bool


_touched: ContextVar[bool] = ContextVar("outbox_touched", default=False)
_waker: Callable[[UUID], None] | None = None


def use_waker(waker: Callable[[UUID], None] | None) -> None:
    """The composition root says how a sender is woken; without one, its sweep finds the rows."""
    global _waker
    _waker = waker


def touch() -> None:
    """Rows were added: wake a sender once this transaction has committed."""
    _touched.set(True)


def committed(tenant_id: UUID) -> None:
    """The scope calls this after a commit. Only a hint: it carries nothing and may fail."""
    if _touched.get():
        _touched.set(False)
        if _waker is not None:
            _waker(tenant_id)


async def put(
    channel: str,
    kind: str,
    dedupe_key: str,
    payload: dict[str, Any],
    *,
    party_id: UUID | None = None,
    not_before: datetime | None = None,
    expires_at: datetime | None = None,
    priority: int = 5,
) -> UUID | None:
    """Returns the new row's id; None where this fact already has its row."""
    touch()
    return await db.value(
        PUT,
        channel=channel,
        kind=kind,
        dedupe_key=dedupe_key,
        payload=payload,
        party_id=party_id,
        not_before=not_before,
        expires_at=expires_at,
        priority=priority,
    )


async def tell(event: str, /, **payload: Any) -> None:
    """Speaks upwards: ``dilo.run.events`` says who hears ``event``."""
    await put("event", event, f"{event}:{uuid7()}", payload, priority=1)


async def tell_once(event: str, key: str, payload: dict[str, Any], at: datetime) -> None:
    """Speaks upwards at ``at``; what has the same key meanwhile adds nothing."""
    await put("event", event, key, payload, not_before=at, priority=4)


async def hold_at_most(seconds: float) -> None:
    """A process stopped in mid-transaction must not keep its rows from others past its lease."""
    await db.value(HOLD, milliseconds=str(max(1, int(seconds * 1000))))


async def claim(channels: Sequence[str], most: int, lease_seconds: float) -> list[Claimed]:
    """Takes what is due, and what a dead holder left; at most ``most`` of each."""
    return await db.rows_as(
        Claimed, CLAIM, channels=list(channels), most=most, lease_seconds=float(lease_seconds)
    )


async def start(row: Claimed, lease_seconds: float) -> bool:
    """Marks the point of no return and renews the lease; False where somebody else has the row."""
    return bool(
        await db.execute(
            START, id=row.id, lease_token=row.lease_token, lease_seconds=float(lease_seconds)
        )
    )


async def record(
    row: Claimed,
    state: str,
    *,
    reason: str | None = None,
    error: str | None = None,
    provider_id: str | None = None,
    address: str | None = None,
    after_seconds: float | None = None,
    uncounted: bool = False,
) -> bool:
    """Writes the outcome while the lease is ours; False where somebody else has it by now."""
    return bool(
        await db.execute(
            RECORD,
            id=row.id,
            lease_token=row.lease_token,
            state=state,
            reason=reason,
            last_error=error[:500] if error else None,
            provider_id=provider_id,
            address=address,
            after_seconds=after_seconds,
            uncounted=int(uncounted),
        )
    )


async def send_again(ids: Sequence[UUID]) -> int:
    """A person decides that unknown or dead messages go once more. Returns how many do."""
    touch()
    return await db.execute(AGAIN, ids=list(ids))

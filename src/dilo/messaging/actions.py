"""Draining the outbox of one tenant: claim and re-check, send outside, record while the lease is ours.

Never lost: the row outlives every process. Twice only where a worker dies between the provider's
acceptance and our record; that attempt is kept as ``unknown`` evidence for staff to see.
"""

import asyncio
import logging
import os
import random
from dataclasses import dataclass
from uuid import UUID

from dilo.kit import clock, db, outbox
from dilo.kit.outbox import Claimed
from dilo.messaging.channels import (
    ORDER,
    Composed,
    Dead,
    Dropped,
    Message,
    NotNow,
    Outcome,
    Ready,
    RetryLater,
    Sent,
    Unknown,
    available,
    channel,
    composer_of,
    hearers_of,
)
from tenants.scope import scope

log = logging.getLogger("dilo.messaging")
BATCH = 20
ATTEMPTS_MAX = 8
BACKOFF_MAX = 3600.0
REST_SECONDS = 30.0
ADDRESS = """
SELECT address FROM contact_channel
WHERE party_id = :party_id AND channel = :channel AND opted_out_at IS NULL AND dead_at IS NULL
ORDER BY created_at DESC LIMIT 1
"""
ATTEMPT = """
INSERT INTO delivery_attempt (outbox_id, attempt, channel, address, outcome, provider_id, detail,
  body)
VALUES (:outbox_id, :attempt, :channel, :address, :outcome, :provider_id, :detail, :body)
"""
MARK_DEAD = """
UPDATE contact_channel SET dead_at = :now, dead_reason = :reason
WHERE party_id = :party_id AND channel = :channel AND address = :address
"""
REST = """
UPDATE outbox SET state = 'queued', lease_token = NULL, lease_until = NULL,
  attempts = attempts - 1, not_before = :at
WHERE id = :id AND lease_token = :token
"""
FALL_BACK = """
INSERT INTO outbox (channel, kind, dedupe_key, payload, party_id, expires_at, priority)
SELECT :channel, kind, dedupe_key, payload, party_id, expires_at, priority FROM outbox
WHERE id = :id ON CONFLICT (tenant_id, channel, dedupe_key) DO NOTHING
"""


@dataclass(frozen=True, slots=True)
class Prepared:
    row: Claimed
    message: Message


def crash_point(name: str) -> None:
    """Tests kill the worker exactly here (DILO_CRASH_AT); a real crash asks no leave either."""
    if os.environ.get("DILO_CRASH_AT") == name:
        os.kill(os.getpid(), 9)


async def drain(tenant_id: UUID, lease_seconds: int = 60) -> int:
    """One batch of one tenant, so that nobody's mailing holds up another's. Returns rows touched."""
    heard = await _drain_events(tenant_id, lease_seconds)
    async with scope(tenant_id):
        rows = await outbox.claim(await _open_channels(), BATCH, lease_seconds)
        prepared = [one for row in rows if (one := await _prepare(row)) is not None]
    crash_point("claimed")
    if prepared:
        await asyncio.gather(*(_deliver(tenant_id, one, lease_seconds / 3) for one in prepared))
    return heard + len(rows)


async def _open_channels() -> list[str]:
    """Channels nobody asked us to pause; unconfigured ones are drained too, to fall back."""
    names: list[str] = []
    for name in ORDER:
        sender = channel(name)
        until = await sender.paused_until() if sender else None
        if until is None or until <= clock.now():
            names.append(name)
    return names


async def _drain_events(tenant_id: UUID, lease_seconds: int) -> int:
    """Each event in a transaction of its own with everything its hearers do."""
    count = 0
    while count < BATCH:
        async with scope(tenant_id):
            rows = await outbox.claim(["event"], 1, lease_seconds)
            if not rows:
                break
            await _hear(rows[0])
            count += 1
    return count


async def _hear(row: Claimed) -> None:
    try:
        async with db.savepoint():
            for hearer in hearers_of(row.kind):
                await hearer(row.payload)
    except Exception as error:
        log.exception("event %s failed", row.kind)
        await _retry_or_die(row, repr(error))
    else:
        await outbox.record(row, "sent")


async def _retry_or_die(row: Claimed, error: str, after: float | None = None) -> bool:
    """Exponential with jitter; True when the row was given up."""
    if row.attempts >= ATTEMPTS_MAX:
        await outbox.record(row, "dead", reason="ATTEMPTS", error=error)
        return True
    pause = after or min(BACKOFF_MAX, 2.0**row.attempts) * random.uniform(0.8, 1.3)  # noqa: S311
    await outbox.record(row, "queued", error=error, after_seconds=pause)
    return False


async def _prepare(row: Claimed) -> Prepared | None:
    """Inside the claim: is the reason still there, may we write now, and where to."""
    if row.abandoned:
        await _evidence(row, row.address, "unknown", "WORKER_DIED", None, None)
    if row.expired:
        await outbox.record(row, "expired", reason="EXPIRED")
        return None
    composed = await _composed(row)
    if composed is None or isinstance(composed, Dropped | NotNow):
        await _set_aside(row, composed)
        return None
    address = row.payload.get("address") or await db.value(
        ADDRESS, party_id=row.party_id, channel=row.channel
    )
    if address is None or row.channel not in available():
        reason = "NO_ADDRESS" if address is None else "NO_CHANNEL"
        await _fall_back(row, Dead(reason), None)
        return None
    message = Message(row.id, str(address), composed.text, composed.subject, composed.extra)
    await db.execute("UPDATE outbox SET address = :a WHERE id = :id", a=message.address, id=row.id)
    return Prepared(row, message)


async def _composed(row: Claimed) -> Composed | None:
    composer = composer_of(row.kind)
    if composer is None:
        return Ready(str(row.payload.get("text", "")), extra=row.payload)
    try:
        async with db.savepoint():
            return await composer(row.payload, row.channel, row.party_id)
    except Exception as error:
        log.exception("cannot compose %s %s", row.kind, row.id)
        await _retry_or_die(row, repr(error))
        return None


async def _set_aside(row: Claimed, composed: Dropped | NotNow | None) -> None:
    if isinstance(composed, Dropped):
        await outbox.record(row, composed.state, reason=composed.reason)
    elif isinstance(composed, NotNow):
        await db.execute(REST, id=row.id, token=row.lease_token, at=composed.at)


async def _deliver(tenant_id: UUID, one: Prepared, timeout_seconds: float) -> None:
    """Outside any transaction; the time limit is well inside the lease."""
    sender = channel(one.row.channel)
    assert sender is not None
    try:
        async with asyncio.timeout(timeout_seconds):
            outcome = await sender.send(tenant_id, one.message)
    except TimeoutError:
        outcome = Unknown("TIMEOUT")
    except Exception as error:
        log.exception("channel %s failed", one.row.channel)
        outcome = RetryLater(REST_SECONDS, repr(error))
    crash_point("accepted")
    async with scope(tenant_id):
        await _record(one, outcome)


async def _record(one: Prepared, outcome: Outcome) -> None:
    row, message = one.row, one.message
    kind, detail, provider_id = _told(outcome)
    await _evidence(row, message.address, kind, detail, provider_id, message.text)
    if isinstance(outcome, Sent):
        await outbox.record(row, "sent", provider_id=outcome.provider_id, address=message.address)
    elif isinstance(outcome, RetryLater):
        await _retry_or_die(row, outcome.detail, outcome.after_seconds)
    elif isinstance(outcome, Unknown):
        await outbox.record(row, "unknown", reason=outcome.detail, address=message.address)
    else:
        await _fall_back(row, outcome, message.address)


def _told(outcome: Outcome) -> tuple[str, str | None, str | None]:
    if isinstance(outcome, Sent):
        return "sent", None, outcome.provider_id
    if isinstance(outcome, RetryLater):
        return "retry_later", outcome.detail, None
    if isinstance(outcome, Dead):
        return "dead", outcome.reason, None
    return "unknown", outcome.detail, None


async def _fall_back(row: Claimed, dead: Dead, address: str | None) -> None:
    """The next channel gets its own row of the same fact; without one the message is dead."""
    if dead.address_dead and row.party_id:
        await db.execute(
            MARK_DEAD,
            now=clock.now(),
            reason=dead.reason,
            party_id=row.party_id,
            channel=row.channel,
            address=address,
        )
    following = ORDER[ORDER.index(row.channel) + 1 :] if row.party_id else ()
    for name in following:
        if name in available() and await db.value(ADDRESS, party_id=row.party_id, channel=name):
            await db.execute(FALL_BACK, id=row.id, channel=name)
            await outbox.record(row, "fallen_back", reason=dead.reason)
            return
    await outbox.record(row, "dead", reason=dead.reason)


async def _evidence(
    row: Claimed,
    address: str | None,
    outcome: str,
    detail: str | None,
    provider_id: str | None,
    body: str | None,
) -> None:
    await db.execute(
        ATTEMPT,
        outbox_id=row.id,
        attempt=row.attempts,
        channel=row.channel,
        address=address,
        outcome=outcome,
        provider_id=provider_id,
        detail=detail[:300] if detail else None,
        body=body,
    )

"""Writes of messaging: evidence, fallbacks, dead addresses, paused bots, receipts, second tries."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from dilo.kit import db, outbox
from dilo.kit.errors import NotFound, Refusal
from dilo.messaging import queries
from dilo.messaging.rules import CHANNELS, channels_after, receipt_state
from tenants import audit
from tenants.actors import Actor

NOTE_ATTEMPT = """
INSERT INTO delivery_attempt (outbox_id, attempt, channel, address, outcome, provider_id, detail,
  body)
VALUES (:outbox_id, :attempt, :channel, :address, :outcome, :provider_id, :detail, :body)
"""
MARK_DEAD = """
UPDATE contact_channel SET dead_at = now(), dead_reason = :reason
WHERE channel = :channel AND address = :address AND dead_at IS NULL
"""
MOVE = """
UPDATE contact_channel c SET address = :new WHERE channel = :channel AND address = :old
  AND NOT EXISTS (SELECT 1 FROM contact_channel o WHERE o.party_id = c.party_id
                  AND o.channel = c.channel AND o.address = :new)
"""
PAUSE_BOT = """
UPDATE telegram_bot
SET paused_until = greatest(paused_until, now() + make_interval(secs => :seconds))
WHERE state IN ('new', 'live')
"""
# A receipt and the answer it overtakes may be written at one moment: each waits for the other.
ONE_AT_A_TIME = "SELECT pg_advisory_xact_lock(hashtextextended('receipt:' || :provider_id, 0))"
RECEIVE = """
INSERT INTO inbox (source, external_id, payload) VALUES (:source, :external_id, :payload)
ON CONFLICT (tenant_id, source, external_id) DO NOTHING RETURNING id
"""
SETTLE = """
UPDATE outbox SET state = :state, reason = :reason,
  delivered_at = CASE WHEN :state = 'delivered' THEN now() ELSE delivered_at END
WHERE id = :id AND state IN ('sent', 'unknown')
"""
# Provider's ids may hold colons, its words may not: the word ends the key.
RECEIVE_MANY = """
INSERT INTO inbox (source, external_id, payload)
SELECT :source, s.number || ':' || s.status, jsonb_build_object('status', s.status)
FROM unnest(CAST(:numbers AS text[]), CAST(:statuses AS text[])) AS s(number, status)
ON CONFLICT (tenant_id, source, external_id) DO NOTHING
RETURNING left(external_id, -1 - length(payload ->> 'status')) AS number,
  payload ->> 'status' AS status
"""
DELIVERED_MANY = """
UPDATE outbox SET state = 'delivered', reason = NULL, delivered_at = now()
WHERE channel = :channel AND provider_id = ANY(:numbers) AND state IN ('sent', 'unknown')
"""
READ = """
UPDATE outbox SET read_at = now()
WHERE channel = :channel AND provider_id = :provider_id AND read_at IS NULL
"""


async def note_read(channel: str, provider_id: str) -> None:
    """The person answered under it, so he has read it. Only its first time is kept."""
    await db.execute(READ, channel=channel, provider_id=provider_id)


async def note_attempt(
    row: outbox.Claimed,
    outcome: str,
    *,
    address: str | None = None,
    provider_id: str | None = None,
    detail: str | None = None,
    body: str | None = None,
) -> None:
    await db.execute(
        NOTE_ATTEMPT,
        outbox_id=row.id,
        attempt=row.attempts,
        channel=row.channel,
        address=address,
        outcome=outcome,
        provider_id=provider_id,
        detail=detail[:500] if detail else None,
        body=body,
    )


async def put_on_next_channel(
    kind: str, dedupe_key: str, payload: dict[str, Any], party_id: UUID | None, current: str
) -> str | None:
    """The same fact on the next channel that has an address. Returns its name; None: all tried.

    An answer to somebody's chat (a row that names its address) belongs nowhere else.
    """
    everywhere = () if payload.get("address") else CHANNELS
    order: Sequence[str] = payload.get("channels") or everywhere
    for name in channels_after(order, current):
        if party_id is None or await queries.address_or_none(party_id, name) is None:
            continue
        if await outbox.put(name, kind, dedupe_key, payload, party_id=party_id, priority=3):
            return name
    return None


async def fall_back(
    row: outbox.Claimed,
    reason: str,
    *,
    error: str | None = None,
    address: str | None = None,
    last: str = "dead",
) -> None:
    """Gives this channel up. The last one's message is dead (or ``last``), and shown to staff."""
    following = await put_on_next_channel(
        row.kind, row.dedupe_key, row.payload, row.party_id, row.channel
    )
    if following is None and row.party_id and await queries.has_opted_out(row.party_id):
        await outbox.record(row, "suppressed", reason="OPTED_OUT")
        return
    state = "fallen_back" if following else last
    await outbox.record(row, state, reason=reason, error=error, address=address)


async def bury_address(channel: str, address: str, reason: str) -> None:
    """Nobody is reached there any more; a new link or number is a new row."""
    await db.execute(MARK_DEAD, channel=channel, address=address, reason=reason[:200])


async def move_address(channel: str, old: str, new: str) -> None:
    await db.execute(MOVE, channel=channel, old=old, new=new)


async def pause_bot(seconds: float) -> None:
    await db.execute(PAUSE_BOT, seconds=float(seconds))


async def take_receipt(channel: str, provider_id: str, status: str) -> bool:
    """A provider's word on a message it took. False where the message is not this tenant's.

    Repeats change nothing: the inbox knows them. An undelivered message goes to the next channel.
    """
    await wait_for_receipts(provider_id)
    found = await db.one_or_none(queries.BY_PROVIDER, channel=channel, provider_id=provider_id)
    if found is None:
        return False
    if await keep_receipt(channel, provider_id, status):
        await _settle(found, status)
    return True


async def take_receipts(channel: str, said: Mapping[str, str]) -> None:
    """The same of many messages that are known to be ours: provider's id to its word."""
    fresh = await db.rows(
        RECEIVE_MANY, source=channel, numbers=list(said), statuses=list(said.values())
    )
    arrived = [row["number"] for row in fresh if receipt_state(row["status"]) == "delivered"]
    if arrived:
        await db.execute(DELIVERED_MANY, channel=channel, numbers=arrived)
    for row in fresh:  # the few that did not arrive go on, each by its own way
        if receipt_state(row["status"]) == "undelivered":
            await _go_on(channel, row["number"], row["status"])


async def _go_on(channel: str, provider_id: str, status: str) -> None:
    found = await db.one_or_none(queries.BY_PROVIDER, channel=channel, provider_id=provider_id)
    if found is not None:
        await _settle(found, status)


async def apply_early_receipt(channel: str, provider_id: str) -> None:
    """A receipt can overtake the answer to the submission it speaks of; it waits in the inbox."""
    if status := await queries.early_receipt(channel, provider_id):
        await _go_on(channel, provider_id, status)


async def wait_for_receipts(provider_id: str) -> None:
    await db.execute(ONE_AT_A_TIME, provider_id=provider_id)


async def keep_receipt(channel: str, provider_id: str, status: str) -> bool:
    """Into the inbox, once. True where it is new."""
    key, payload = f"{provider_id}:{status}", {"status": status}
    return bool(await db.value(RECEIVE, source=channel, external_id=key, payload=payload))


async def _settle(found: db.Row, status: str) -> None:
    state = receipt_state(status)
    if state == "delivered":
        await db.execute(SETTLE, id=found["id"], state="delivered", reason=None)
    if state != "undelivered" or found["state"] not in ("sent", "unknown"):
        return
    following = await put_on_next_channel(
        found["kind"], found["dedupe_key"], found["payload"], found["party_id"], found["channel"]
    )
    after = "fallen_back" if following else "dead"
    await db.execute(SETTLE, id=found["id"], state=after, reason="UNDELIVERED")


async def send_again(actor: Actor, message_id: UUID) -> None:
    """Raises FORBIDDEN, NOT_FOUND, NOT_RESENDABLE."""
    actor.require("dunning.run")
    found = await queries.message(message_id)
    if found.channel == "event":
        raise NotFound
    if not await outbox.send_again([message_id]):
        raise Refusal("NOT_RESENDABLE", state=found.state)
    was = {"was": found.state, "channel": found.channel}
    await audit.note(actor, "messages.resend", "party", found.party_id, after=was)

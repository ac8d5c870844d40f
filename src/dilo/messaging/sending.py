"""Draining one tenant's messages: claim, ask again, send, write down. The crash points are named.

A row is leased first and *started* in a second short transaction, which also re-checks the reason
and writes the text: so between the check and the provider there is one network call and nothing
else. Whoever lost the lease meanwhile finds out there and does not send.
"""

import asyncio
import logging
import os
import random
import signal
from dataclasses import dataclass
from uuid import UUID

from dilo.kit import i18n, outbox
from dilo.messaging import actions, queries
from dilo.messaging.channels import Cancel, Letter, Wait, channel, speaker
from dilo.messaging.rules import (
    CHANNELS,
    Dead,
    Moved,
    Outcome,
    RetryLater,
    Sent,
    Unknown,
    backoff_s,
    gives_up,
    is_poisoned,
)
from tenants.scope import current_tenant, scope

log = logging.getLogger("dilo.messaging")
BATCH = 64
AT_ONCE = 8
RESEND_AFTER_S = 30.0


@dataclass(frozen=True, slots=True)
class Pace:
    """``lease_s`` is how long a row is ours; a provider gets less than half of it to answer."""

    lease_s: float = 60.0

    @property
    def timeout_s(self) -> float:
        return min(20.0, self.lease_s * 0.45)


def crash_here(point: str) -> None:
    """Only for tests of crashes: dies as by ``kill -9`` where DILO_CRASH_AT says."""
    if os.environ.get("DILO_CRASH_AT") == point:
        os.kill(os.getpid(), signal.SIGKILL)


async def drain(tenant_id: UUID, pace: Pace | None = None) -> int:
    """One batch of one tenant. Returns how many rows were taken; 0 means nothing is due."""
    pace = pace or Pace()
    async with scope(tenant_id):
        names = await _open_channels()
        rows = await outbox.claim(names, BATCH, pace.lease_s) if names else []
    if not rows:
        return 0
    crash_here("claimed")
    turns = asyncio.Semaphore(AT_ONCE)

    async def one(row: outbox.Claimed) -> None:
        async with turns:
            await _deliver(tenant_id, row, pace)

    await asyncio.gather(*(one(row) for row in rows))
    return len(rows)


async def _open_channels() -> list[str]:
    """A bot told to be quiet keeps its rows in the queue; the other channels go on."""
    bot = await queries.bot_or_none()
    quiet = bool(bot and bot.paused_s)
    return [name for name in CHANNELS if not (name == "telegram" and quiet)]


async def _deliver(tenant_id: UUID, row: outbox.Claimed, pace: Pace) -> None:
    try:
        async with scope(tenant_id):
            letter = await _begin(row, pace)
    except Exception as error:
        log.exception("message %s cannot be prepared", row.id)
        async with scope(tenant_id):
            await _poisoned(row, error)
        return
    if letter is None:
        return
    crash_here("started")
    outcome = await _send(letter)
    crash_here("accepted")
    async with scope(tenant_id):
        await _conclude(row, letter, outcome)
    crash_here("recorded")


async def _begin(row: outbox.Claimed, pace: Pace) -> Letter | None:
    """The last look before sending. None where nothing is to be sent, the reason written down."""
    carrier = channel(row.channel)
    if not await outbox.start(row, pace.lease_s):
        return None
    if row.expired:
        await outbox.record(row, "expired", reason="too_late")
        return None
    if row.abandoned and not (carrier and carrier.idempotent):
        await _doubt(row, Unknown("worker_died"), None)
        return None
    if carrier is None:
        await actions.fall_back(row, "channel_off")
        return None
    return await _compose(row, pace)


async def _compose(row: outbox.Claimed, pace: Pace) -> Letter | None:
    sender = ""
    if row.channel == "telegram":
        bot = await queries.bot_or_none()
        if bot is None:
            await actions.fall_back(row, "no_bot")
            return None
        if bot.paused_s:
            await _postpone(row, "bot_paused", bot.paused_s)
            return None
        sender = bot.token
    found = await queries.address_or_none(row.party_id, row.channel) if row.party_id else None
    address = found.address if found else (None if row.party_id else row.address)
    if address is None:
        await actions.fall_back(row, "no_address")
        return None
    tenant = current_tenant()
    language = (found.language if found else None) or tenant.language
    i18n.use_language(language)
    said = await speaker(row.kind).prepare(row, language)
    if isinstance(said, Cancel):
        await outbox.record(row, "cancelled", reason=said.reason)
        return None
    if isinstance(said, Wait):
        await _postpone(row, said.reason, said.seconds)
        return None
    return Letter(
        row.id, tenant.id, row.channel, address, said.subject, said.text, sender, pace.timeout_s
    )


async def _postpone(row: outbox.Claimed, reason: str, seconds: float) -> None:
    await outbox.record(row, "queued", reason=reason, after_seconds=seconds, uncounted=True)


async def _send(letter: Letter) -> Outcome:
    """Outside any transaction, with a hard end well before the lease's."""
    carrier = channel(letter.channel)
    assert carrier is not None
    try:
        async with asyncio.timeout(letter.timeout_s + 1):
            return await carrier.send(letter)
    except TimeoutError:
        return Unknown("timeout")
    except Exception as error:
        log.exception("channel %s failed on %s", letter.channel, letter.outbox_id)
        return Unknown(f"{type(error).__name__}: {error}")


async def _conclude(row: outbox.Claimed, letter: Letter, outcome: Outcome) -> None:
    """Writes evidence and state. Evidence is kept even where the lease has passed to another."""
    names = {Sent: "sent", RetryLater: "retry_later", Dead: "dead", Unknown: "unknown"}
    await actions.note_attempt(
        row,
        names.get(type(outcome), "moved"),
        address=letter.address,
        provider_id=outcome.provider_id if isinstance(outcome, Sent) else None,
        detail=None if isinstance(outcome, Sent | Moved) else outcome.reason,
        body=letter.text,
    )
    match outcome:
        case Sent(provider_id):
            await _sent(row, letter, provider_id)
        case RetryLater():
            await _retry(row, outcome)
        case Dead(reason, address_dead):
            if address_dead:
                await actions.bury_address(row.channel, letter.address, reason)
            await actions.fall_back(row, reason, address=letter.address)
        case Moved(address):
            await actions.move_address(row.channel, letter.address, address)
            await outbox.record(row, "queued", reason="moved", after_seconds=0)
        case Unknown():
            await _doubt(row, outcome, letter)


async def _sent(row: outbox.Claimed, letter: Letter, provider_id: str | None) -> None:
    await outbox.record(row, "sent", provider_id=provider_id, address=letter.address)
    if provider_id and row.channel == "sms":
        status = await queries.early_receipt("sms", provider_id)
        if status:
            await actions.take_receipt("sms", "sms-early", provider_id, status)


async def _retry(row: outbox.Claimed, outcome: RetryLater) -> None:
    after = outcome.after_s
    if outcome.pause and after is not None:
        if row.channel == "telegram":
            await actions.pause_bot(after)
        await _postpone(row, outcome.reason, after)
        return
    if gives_up(row.attempts):
        await actions.fall_back(row, f"gave_up:{outcome.reason}")
        return
    pause = max(after or 0.0, backoff_s(row.attempts, random.random()))  # noqa: S311
    await outbox.record(
        row, "queued", reason=outcome.reason, error=outcome.reason, after_seconds=pause
    )


async def _doubt(row: outbox.Claimed, outcome: Unknown, letter: Letter | None) -> None:
    """Nobody knows whether it arrived. Staff decide, unless the policy says: once more, once."""
    if letter is None:
        await actions.note_attempt(row, "unknown", detail=outcome.reason)
    again = await speaker(row.kind).resends_unknown(row)
    if again and await queries.unknown_tries(row.id) <= 1:
        await outbox.record(row, "queued", reason="unknown", after_seconds=RESEND_AFTER_S)
        return
    await outbox.record(
        row, "unknown", reason=outcome.reason, address=letter.address if letter else None
    )


async def _poisoned(row: outbox.Claimed, error: Exception) -> None:
    said = f"{type(error).__name__}: {error}"
    await actions.note_attempt(row, "failed", detail=said)
    if is_poisoned(row.attempts):
        await outbox.record(row, "dead", reason="poisoned", error=said)
        return
    pause = backoff_s(row.attempts, random.random())  # noqa: S311
    await outbox.record(row, "queued", reason="failed", error=said, after_seconds=pause)

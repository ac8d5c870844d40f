"""Draining one tenant's messages: claim, ask again, send, write down. The crash points are named.

A row is leased first and *started* in a second short transaction, which also re-checks the reason
and writes the text: so between the check and the provider there is one network call and nothing
else. Whoever lost the lease meanwhile finds out there and does not send. A start without an
outcome means that its holder died: nobody knows whether the message left, and that is said.
"""

import asyncio
import logging
import os
import random
import signal
from dataclasses import dataclass
from uuid import UUID

from dilo.kit import clock, i18n, outbox
from dilo.kit.outbox import Claimed
from dilo.messaging import actions, queries
from dilo.messaging.channels import (
    ORDER,
    Channel,
    Dropped,
    Message,
    NotNow,
    Ready,
    channel,
    composer_of,
    resends_unknown,
)
from dilo.messaging.hearing import drain_events
from dilo.messaging.rules import (
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
TIMEOUT_MAX_S = 20.0
RECORD_PAUSES_S = (0.2, 1.0, 3.0, 8.0)


@dataclass(frozen=True, slots=True)
class Prepared:
    row: Claimed
    carrier: Channel
    message: Message


def crash_point(name: str, tenant_id: UUID) -> None:
    """Tests kill the worker exactly here (DILO_CRASH_AT=name@tenant), among other tenants' mail."""
    if os.environ.get("DILO_CRASH_AT") == f"{name}@{tenant_id}":
        os.kill(os.getpid(), signal.SIGKILL)


async def drain(tenant_id: UUID, lease_seconds: float = 60.0) -> int:
    """One batch of one tenant, so that nobody's mailing holds up another's. Rows taken; 0: none."""
    heard = await drain_events(tenant_id, lease_seconds)
    async with scope(tenant_id):
        await outbox.hold_at_most(lease_seconds)
        rows = await outbox.claim(await _open_channels(), BATCH, lease_seconds)
    if not rows:
        return heard
    crash_point("claimed", tenant_id)
    turns = asyncio.Semaphore(AT_ONCE)

    async def one(talk: list[Claimed]) -> None:
        for n, row in enumerate(talk):
            async with turns:
                pause = await _deliver(tenant_id, row, lease_seconds)
            if pause is not None:
                await _hold(tenant_id, talk[n + 1 :], pause)
                return

    ended = await asyncio.gather(*(one(talk) for talk in _talks(rows)), return_exceptions=True)
    for failure in ended:
        if isinstance(failure, Exception):
            log.error("a message could not be handled: its lease will end", exc_info=failure)
    return heard + len(rows)


def _talks(rows: list[Claimed]) -> list[list[Claimed]]:
    """What is said to one address is said in order; different people do not wait for each other."""
    talks: dict[object, list[Claimed]] = {}
    for row in sorted(rows, key=lambda one: one.id):
        talks.setdefault(row.payload.get("address") or row.id, []).append(row)
    return list(talks.values())


async def _open_channels() -> list[str]:
    """Channels nobody asked us to pause; unconfigured ones are drained too, to fall back."""
    names: list[str] = []
    for name in ORDER:
        carrier = channel(name)
        until = await carrier.paused_until() if carrier else None
        if until is None or until <= clock.now():
            names.append(name)
    return names


async def _hold(tenant_id: UUID, rest: list[Claimed], pause: float) -> None:
    """What was to follow a message held back follows it still: nothing overtakes in a chat."""
    if rest:
        async with scope(tenant_id):
            for n, row in enumerate(rest, 1):
                await _postpone(row, "PACE", pause + n)


async def _deliver(tenant_id: UUID, row: Claimed, lease_seconds: float) -> float | None:
    """Returns for how long our own pace holds the message back, if it does."""
    try:
        async with scope(tenant_id):
            prepared = await _begin(row, lease_seconds)
    except Exception as error:
        log.exception("message %s cannot be prepared", row.id)
        async with scope(tenant_id):
            await _poisoned(row, error)
        return None
    if prepared is None:
        return None
    crash_point("started", tenant_id)
    outcome = await _send(tenant_id, prepared)
    crash_point("accepted", tenant_id)
    await _write_down(tenant_id, prepared, outcome, lease_seconds)
    crash_point("recorded", tenant_id)
    if isinstance(outcome, RetryLater) and outcome.ours:
        return outcome.after_seconds
    return None


async def _write_down(
    tenant_id: UUID, prepared: Prepared, outcome: Outcome, lease_seconds: float
) -> None:
    """What the provider said is worth some patience with a database that is away for a moment."""
    for pause in (*RECORD_PAUSES_S, None):
        try:
            async with scope(tenant_id):
                await outbox.hold_at_most(lease_seconds)
                await _conclude(prepared.row, prepared.message, outcome)
                if (conclude := getattr(prepared.carrier, "conclude", None)) is not None:
                    await conclude(prepared.row, prepared.message, outcome)
            return
        except Exception:
            if pause is None:
                raise
            log.exception("cannot record %s yet", prepared.row.id)
            await asyncio.sleep(pause)


async def _begin(row: Claimed, lease_seconds: float) -> Prepared | None:
    """The last look before sending. None where nothing is to be sent, the reason written down."""
    await outbox.hold_at_most(lease_seconds)
    if not await outbox.start(row, lease_seconds):
        return None
    carrier = channel(row.channel)
    if row.expired:
        await outbox.record(row, "expired", reason="EXPIRED")
    elif row.abandoned and not await _is_repeatable(carrier):
        await _doubt(row, Unknown("WORKER_DIED"), None)
    elif carrier is None:
        await actions.fall_back(row, "NO_CHANNEL")
    else:
        timeout_s = min(TIMEOUT_MAX_S, lease_seconds * 0.4)
        return await _compose(row, carrier, timeout_s)
    return None


async def _is_repeatable(carrier: Channel | None) -> bool:
    """Whether the provider drops a second copy; a channel of many providers is asked."""
    ask = getattr(carrier, "repeatable", None)
    return await ask() if ask else getattr(carrier, "idempotent", False)


async def _compose(row: Claimed, carrier: Channel, timeout_s: float) -> Prepared | None:
    until = await carrier.paused_until()
    if until is not None and until > clock.now():
        await _postpone(row, "PAUSED", (until - clock.now()).total_seconds())
        return None
    address, language = await _recipient(row)
    if address is None:
        await actions.fall_back(row, "NO_ADDRESS")
        return None
    i18n.use_language(language or current_tenant().language)
    composer = composer_of(row.kind)
    if composer is None:
        said = Ready(str(row.payload.get("text", "")), extra=row.payload)
    else:
        said = await composer(row.payload, row.channel, row.party_id)
    if isinstance(said, Dropped):
        await outbox.record(row, said.state, reason=said.reason)
        return None
    if isinstance(said, NotNow):
        await _postpone(row, said.reason, (said.at - clock.now()).total_seconds())
        return None
    message = Message(row.id, address, said.text, said.subject, dict(said.extra), timeout_s)
    admit = getattr(carrier, "admit", None)
    if admit is not None and (why := await admit(row, message)):
        await actions.fall_back(row, why, address=address, last="suppressed")
        return None
    return Prepared(row, carrier, message)


async def _recipient(row: Claimed) -> tuple[str | None, str | None]:
    """The address the row itself names (an answer in a chat), else the party's best one."""
    named = row.payload.get("address")
    if named or row.party_id is None:
        return (str(named) if named else None), row.payload.get("language")
    found = await queries.address_or_none(row.party_id, row.channel)
    return (found.address, found.language) if found else (None, None)


async def _postpone(row: Claimed, reason: str, seconds: float) -> None:
    await outbox.record(
        row, "queued", reason=reason, after_seconds=max(0.0, seconds), uncounted=True
    )


async def _send(tenant_id: UUID, prepared: Prepared) -> Outcome:
    """Outside any transaction, with a hard end well before the lease's."""
    message = prepared.message
    try:
        async with asyncio.timeout(message.timeout_s * 1.2):
            return await prepared.carrier.send(tenant_id, message)
    except TimeoutError:
        return Unknown("TIMEOUT")
    except Exception as error:
        log.exception("channel %s failed on %s", prepared.row.channel, message.key)
        return Unknown(f"{type(error).__name__}: {error}")


async def _conclude(row: Claimed, message: Message, outcome: Outcome) -> None:
    """Writes evidence and state. Evidence is kept even where the lease has passed to another."""
    if isinstance(outcome, RetryLater) and outcome.ours:
        await _postpone(row, "PACE", outcome.after_seconds or 1.0)
        return
    kind, detail, provider_id = _told(outcome)
    await actions.note_attempt(
        row,
        kind,
        address=message.address,
        provider_id=provider_id,
        detail=detail,
        body=_evidence(message),
    )
    match outcome:
        case Sent():
            await _sent(row, message, outcome.provider_id)
        case RetryLater():
            await _retry(row, outcome)
        case Dead():
            if outcome.address_dead:
                await actions.bury_address(row.channel, message.address, outcome.reason)
            await actions.fall_back(row, "REFUSED", error=outcome.reason, address=message.address)
        case Moved():
            await actions.move_address(row.channel, message.address, outcome.address)
            await outbox.record(row, "queued", reason="MOVED", after_seconds=0)
        case Unknown():
            await _doubt(row, outcome, message)


def _evidence(message: Message) -> str:
    """What is kept of the text: a code that opens something is not."""
    secret, text = message.extra.get("secret"), str(message.extra.get("said") or message.text)
    return text.replace(secret, "***") if secret else text


def _told(outcome: Outcome) -> tuple[str, str | None, str | None]:
    match outcome:
        case Sent():
            return "sent", None, outcome.provider_id
        case RetryLater():
            return "retry_later", outcome.detail, None
        case Dead():
            return "dead", outcome.reason, None
        case Moved():
            return "moved", outcome.address, None
        case Unknown():
            return "unknown", outcome.detail, None


async def _sent(row: Claimed, message: Message, provider_id: str | None) -> None:
    if provider_id:
        await actions.wait_for_receipts(provider_id)
    ours = await outbox.record(row, "sent", provider_id=provider_id, address=message.address)
    if ours and provider_id:
        await actions.apply_early_receipt(row.channel, provider_id)


async def _retry(row: Claimed, outcome: RetryLater) -> None:
    after = outcome.after_seconds
    if outcome.whole_channel and after is not None:
        if row.channel == "telegram":
            await actions.pause_bot(after)
        await _postpone(row, "PAUSED", after)
    elif gives_up(row.attempts):
        await actions.fall_back(row, "ATTEMPTS", error=outcome.detail)
    else:
        pause = max(after or 0.0, backoff_s(row.attempts, random.random()))  # noqa: S311
        await outbox.record(
            row, "queued", reason="RETRY", error=outcome.detail, after_seconds=pause
        )


async def _doubt(row: Claimed, outcome: Unknown, message: Message | None) -> None:
    """Nobody knows whether it arrived. Staff decide, unless the policy says: once more, once."""
    if message is None:
        await actions.note_attempt(row, "unknown", detail=outcome.detail)
    if await resends_unknown(row) and await queries.unknown_tries(row.id) <= 1:
        await outbox.record(row, "queued", reason="UNKNOWN", after_seconds=RESEND_AFTER_S)
        return
    address = message.address if message else None
    reason = "WORKER_DIED" if message is None else "NO_ANSWER"
    await outbox.record(row, "unknown", reason=reason, error=outcome.detail, address=address)


async def _poisoned(row: Claimed, error: Exception) -> None:
    """A row that makes our own code fail steps back, and at last aside: the queue goes on."""
    said = f"{type(error).__name__}: {error}"
    await actions.note_attempt(row, "failed", detail=said)
    if is_poisoned(row.attempts):
        await outbox.record(row, "dead", reason="POISONED", error=said)
        return
    pause = backoff_s(row.attempts, random.random())  # noqa: S311
    await outbox.record(row, "queued", reason="FAILED", error=said, after_seconds=pause)

"""What a channel is, and what may come of handing it a message."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

from dilo.kit.outbox import Claimed
from dilo.messaging.rules import CHANNELS as ORDER
from dilo.messaging.rules import Dead, Moved, Outcome, RetryLater, Sent, Unknown


@dataclass(frozen=True, slots=True)
class Message:
    """``key`` is the outbox row's id: what a provider with idempotency is given."""

    key: UUID
    address: str
    text: str
    subject: str = ""
    extra: dict[str, Any] = field(default_factory=dict)
    timeout_s: float = 12.0


class Channel(Protocol):
    """``idempotent``: the provider drops a repeat of the same key, so a repeat does no harm."""

    @property
    def idempotent(self) -> bool: ...

    async def send(self, tenant_id: UUID, message: Message) -> Outcome: ...

    async def paused_until(self) -> datetime | None:
        """Inside the tenant's scope: until when its sender was told to wait."""
        ...

    async def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Ready:
    text: str
    subject: str = ""
    extra: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class NotNow:
    """Quiet hours and the like: try again at ``at``."""

    at: datetime
    reason: str


@dataclass(frozen=True, slots=True)
class Dropped:
    """The reason to write is gone. ``state``: cancelled or suppressed."""

    reason: str
    state: str = "cancelled"


Composed = Ready | NotNow | Dropped
Composer = Callable[[dict[str, Any], str, UUID | None], Awaitable[Composed]]
Resends = Callable[[Claimed], Awaitable[bool]]

_channels: dict[str, Channel] = {}
_composers: dict[str, Composer] = {}
_resends: dict[str, Resends] = {}
_hearers: dict[str, list[Callable[[dict[str, Any]], Awaitable[Any]]]] = {}


def use_channels(channels: dict[str, Channel]) -> None:
    """The composition root says which channels this installation has."""
    _channels.clear()
    _channels.update(channels)


def channel(name: str) -> Channel | None:
    return _channels.get(name)


def available() -> list[str]:
    return [name for name in ORDER if name in _channels]


def compose_with(kind: str, composer: Composer, resends: Resends | None = None) -> None:
    """``composer(payload, channel, party_id)`` re-checks the reason and writes the text.

    It runs in the transaction that starts the sending, under the reader's language. ``resends``
    says whether a message of unknown outcome goes once more by itself; by default staff decide.
    """
    _composers[kind] = composer
    if resends is not None:
        _resends[kind] = resends


async def resends_unknown(row: Claimed) -> bool:
    decide = _resends.get(row.kind)
    return decide is not None and await decide(row)


async def close_channels() -> None:
    for one in _channels.values():
        if (close := getattr(one, "close", None)) is not None:
            await close()


def composer_of(kind: str) -> Composer | None:
    return _composers.get(kind)


def hear(event: str, hearer: Callable[[dict[str, Any]], Awaitable[Any]]) -> None:
    hearers = _hearers.setdefault(event, [])
    if hearer not in hearers:
        hearers.append(hearer)


def hearers_of(event: str) -> list[Callable[[dict[str, Any]], Awaitable[Any]]]:
    return _hearers.get(event, [])


__all__ = [
    "ORDER",
    "Channel",
    "Composed",
    "Composer",
    "Dead",
    "Dropped",
    "Message",
    "Moved",
    "NotNow",
    "Outcome",
    "Ready",
    "RetryLater",
    "Sent",
    "Unknown",
    "available",
    "channel",
    "close_channels",
    "compose_with",
    "composer_of",
    "hear",
    "hearers_of",
    "resends_unknown",
    "use_channels",
]

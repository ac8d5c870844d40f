"""What a channel is, and what may come of handing it a message."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

ORDER = ("telegram", "sms", "email")


@dataclass(frozen=True, slots=True)
class Message:
    """``key`` is the outbox row's id: what a provider with idempotency is given."""

    key: UUID
    address: str
    text: str
    subject: str = ""
    extra: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Sent:
    provider_id: str | None = None


@dataclass(frozen=True, slots=True)
class RetryLater:
    """``whole_channel``: the provider asked everybody of this sender to wait."""

    after_seconds: float
    detail: str
    whole_channel: bool = False


@dataclass(frozen=True, slots=True)
class Dead:
    """Will never arrive. ``address_dead``: nor will anything else sent there."""

    reason: str
    address_dead: bool = False


@dataclass(frozen=True, slots=True)
class Unknown:
    """The request left and no answer came: it may have been delivered."""

    detail: str


Outcome = Sent | RetryLater | Dead | Unknown


class Channel(Protocol):
    async def send(self, tenant_id: UUID, message: Message) -> Outcome: ...

    async def paused_until(self) -> datetime | None:
        """Inside the tenant's scope: until when its sender was told to wait."""
        ...


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

_channels: dict[str, Channel] = {}
_composers: dict[str, Composer] = {}
_hearers: dict[str, list[Callable[[dict[str, Any]], Awaitable[Any]]]] = {}


def use_channels(channels: dict[str, Channel]) -> None:
    """The composition root says which channels this installation has."""
    _channels.clear()
    _channels.update(channels)


def channel(name: str) -> Channel | None:
    return _channels.get(name)


def available() -> list[str]:
    return [name for name in ORDER if name in _channels]


def compose_with(kind: str, composer: Composer) -> None:
    """``composer(payload, channel, party_id)`` re-checks the reason and writes the text, at send time."""
    _composers[kind] = composer


def composer_of(kind: str) -> Composer | None:
    return _composers.get(kind)


def hear(event: str, hearer: Callable[[dict[str, Any]], Awaitable[Any]]) -> None:
    hearers = _hearers.setdefault(event, [])
    if hearer not in hearers:
        hearers.append(hearer)


def hearers_of(event: str) -> list[Callable[[dict[str, Any]], Awaitable[Any]]]:
    return _hearers.get(event, [])

"""What may come of a try to send, and what follows from it. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

BACKOFF_FIRST_S = 5.0
BACKOFF_MOST_S = 1800.0
ATTEMPTS_MAX = 14  # about five hours of a silent provider, then the next channel
POISON_MAX = 5
CHANNELS = ("telegram", "sms", "email")
DELIVERED = frozenset({"DELIVRD", "ACCEPTD"})
UNDELIVERED = frozenset({"UNDELIV", "EXPIRED", "REJECTD", "DELETED"})


@dataclass(frozen=True, slots=True)
class Sent:
    """The provider has it."""

    provider_id: str | None = None


@dataclass(frozen=True, slots=True)
class RetryLater:
    """Certainly not sent. ``whole_channel``: the whole sender must be quiet that long. ``ours``: we
    held it back ourselves, to keep a pace; that is no try."""

    after_seconds: float | None
    detail: str
    whole_channel: bool = False
    ours: bool = False


@dataclass(frozen=True, slots=True)
class Dead:
    """Will never get through this way. ``address_dead``: nor will anything else to that address."""

    reason: str
    address_dead: bool = False


@dataclass(frozen=True, slots=True)
class Unknown:
    """It left us and nobody can say whether it arrived."""

    detail: str


@dataclass(frozen=True, slots=True)
class Moved:
    """Certainly not sent: the person is at another address now."""

    address: str


Outcome = Sent | RetryLater | Dead | Unknown | Moved


def backoff_s(attempt: int, chance: float) -> float:
    """Doubling from 5 s to half an hour; ``chance`` in 0..1 spreads it by a quarter either way."""
    plain = min(BACKOFF_MOST_S, BACKOFF_FIRST_S * 2 ** min(max(attempt - 1, 0), 20))
    return plain * (0.75 + chance / 2)


def gives_up(attempt: int) -> bool:
    return attempt >= ATTEMPTS_MAX


def is_poisoned(attempt: int) -> bool:
    """A row that makes our own code fail must not hold the queue up for ever."""
    return attempt >= POISON_MAX


def channels_after(order: Sequence[str], current: str) -> list[str]:
    """Where to fall back to, in order. A channel that is not in the order has nothing after it."""
    known = [name for name in order if name in CHANNELS]
    return known[known.index(current) + 1 :] if current in known else []


def receipt_state(status: str) -> str | None:
    """``delivered``, ``undelivered``, or None while the message is still on its way."""
    if status.upper() in DELIVERED:
        return "delivered"
    return "undelivered" if status.upper() in UNDELIVERED else None

"""The one source of time. Business dates are the tenant's; moments are UTC."""

from contextvars import ContextVar
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

_frozen: ContextVar[datetime | None] = ContextVar("frozen_now", default=None)


def now() -> datetime:
    return _frozen.get() or datetime.now(UTC)


def today(time_zone: str) -> date:
    """The date on the wall of somebody who lives in ``time_zone`` (IANA name)."""
    return now().astimezone(ZoneInfo(time_zone)).date()


def freeze(at: datetime | None) -> None:
    """For tests and simulations: stops the clock of this context; None lets it run."""
    assert at is None or at.tzinfo is not None
    _frozen.set(at)

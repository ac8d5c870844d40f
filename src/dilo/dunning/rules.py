"""When a level is reached and when a person may be written to. Pure."""

from collections.abc import Container
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo


def reached_on(due_on: date, offset_days: int) -> date:
    """The day a level begins: negative offsets are before the due date."""
    return due_on + timedelta(days=offset_days)


def is_quiet(at: time, quiet_from: time | None, quiet_to: time | None) -> bool:
    """The window may pass midnight. Its beginning is quiet, its end is not."""
    if quiet_from is None or quiet_to is None or quiet_from == quiet_to:
        return False
    if quiet_from < quiet_to:
        return quiet_from <= at < quiet_to
    return at >= quiet_from or at < quiet_to


def quiet_ends(
    now: datetime, zone: str, quiet_from: time | None, quiet_to: time | None
) -> datetime | None:
    """The moment to write instead, or None when it is not quiet there and then."""
    local = now.astimezone(ZoneInfo(zone))
    if not is_quiet(local.time(), quiet_from, quiet_to) or quiet_to is None:
        return None
    end = local.replace(hour=quiet_to.hour, minute=quiet_to.minute, second=0, microsecond=0)
    return end if end > local else end + timedelta(days=1)


def is_free(day: date, holidays: Container[date]) -> bool:
    """Saturday, Sunday, or a holiday of the company's calendar."""
    return day.weekday() >= 5 or day in holidays


def may_write_at(
    now: datetime,
    zone: str,
    quiet_from: time | None,
    quiet_to: time | None,
    holidays: Container[date] | None,
) -> datetime | None:
    """None: now. Otherwise the first moment that is neither quiet nor (with ``holidays``) free."""
    moment = quiet_ends(now, zone, quiet_from, quiet_to) or now
    local = moment.astimezone(ZoneInfo(zone))
    while holidays is not None and is_free(local.date(), holidays):
        morning = quiet_to or time(8)
        local = (local + timedelta(days=1)).replace(
            hour=morning.hour, minute=morning.minute, second=0, microsecond=0
        )
    return None if local == now else local

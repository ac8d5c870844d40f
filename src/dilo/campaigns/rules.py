"""When the n-th message of a campaign may go: a steady pace within the hours. Pure."""

from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

DAY = 24 * 60


def minutes_open(opens: time, closes: time) -> int:
    """How long one may write in a day; the same moment twice means the whole day."""
    length = (closes.hour * 60 + closes.minute) - (opens.hour * 60 + opens.minute)
    return length % DAY or DAY


def allowed_from(moment: datetime, zone: str, opens: time, closes: time) -> datetime:
    """``moment`` itself within the hours, else when they begin next."""
    local = moment.astimezone(ZoneInfo(zone))
    start = _opening(local, opens)
    if local < start + timedelta(minutes=minutes_open(opens, closes)):
        return moment
    return start + timedelta(days=1)


def _opening(local: datetime, opens: time) -> datetime:
    """The beginning of the hours that began last."""
    start = local.replace(hour=opens.hour, minute=opens.minute, second=0, microsecond=0)
    return start if start <= local else start - timedelta(days=1)


def slots(
    start: datetime,
    places: list[int],
    per_minute: int,
    zone: str,
    opens: time,
    closes: time,
) -> list[datetime]:
    """The moment of each place (0 is first) at ``per_minute``; nights are skipped, not squeezed."""
    first = allowed_from(start, zone, opens, closes).astimezone(ZoneInfo(zone))
    opening, length = _opening(first, opens), minutes_open(opens, closes)
    used = (first - opening).total_seconds() / 60
    found: list[datetime] = []
    for place in places:
        day, minute = divmod(used + place / per_minute, length)
        found.append(opening + timedelta(days=int(day), minutes=minute))
    return found


def minutes_needed(count: int, per_minute: int) -> int:
    return -(-count // per_minute)

"""When a spending period began. Pure."""

from datetime import date, timedelta

PERIODS = ("order", "day", "week", "month", "quarter", "year")


def period_start(period: str, on: date) -> date | None:
    """The first day of the period ``on`` lies in; None for a limit on each order by itself."""
    match period:
        case "day":
            return on
        case "week":
            return on - timedelta(days=on.weekday())
        case "month":
            return on.replace(day=1)
        case "quarter":
            return on.replace(month=on.month - (on.month - 1) % 3, day=1)
        case "year":
            return on.replace(month=1, day=1)
        case _:
            return None

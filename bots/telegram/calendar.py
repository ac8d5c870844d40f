"""A month as a keyboard: days that may be chosen are buttons, the others are dots.

A button that turns the page carries ``turn`` and a month, a day ``pick`` and its date.
"""

from calendar import monthcalendar
from datetime import date, timedelta

from babel.dates import format_date

from bots.telegram.replies import Buttons
from dilo.kit.errors import Refusal
from dilo.kit.i18n import language

NOTHING = ("·", "noop")


def month_of(asked: str, since: date, until: date, turn: str, pick: str) -> Buttons:
    """``asked``: YYYY-MM, empty for the month of ``since``. Raises UNREADABLE."""
    try:
        first = date.fromisoformat(f"{asked}-01") if asked else since.replace(day=1)
    except ValueError:
        raise Refusal("UNREADABLE") from None
    first = min(max(first, since.replace(day=1)), until.replace(day=1))
    after = (first + timedelta(days=31)).replace(day=1)
    before = first - timedelta(days=1)
    title = format_date(first, "LLLL yyyy", locale=language())
    head = [
        ("«", f"{turn}:{before:%Y-%m}") if before >= since else NOTHING,
        (title, "noop"),
        ("»", f"{turn}:{after:%Y-%m}") if after <= until else NOTHING,
    ]
    weeks = [
        [_cell(first, number, since, until, pick) for number in week]
        for week in monthcalendar(first.year, first.month)
    ]
    return [head, *[week for week in weeks if any(cell != NOTHING for cell in week)]]


def _cell(first: date, number: int, since: date, until: date, pick: str) -> tuple[str, str]:
    if not number:
        return NOTHING
    day = first.replace(day=number)
    return (str(number), f"{pick}:{day.isoformat()}") if since <= day <= until else NOTHING

"""When orders will stop, and how much may be ordered until then. Pure: figures in, days out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from dilo.kit.money import ZERO

Limits = Mapping[date, tuple[Decimal | None, Decimal]]


@dataclass(frozen=True, slots=True)
class Debt:
    due_on: date
    open_amount: Decimal


@dataclass(frozen=True, slots=True)
class Day:
    """``room_amount``: the largest order that passes, None where nothing caps it. ``pay_amount``:
    what lets orders through again where they are stopped: overdue by depth, and the excess."""

    day: date
    blocked: bool
    pay_amount: Decimal
    room_amount: Decimal | None


def forecast(
    debts: Sequence[Debt],
    committed: Decimal,
    limits: Limits,
    grace_days: int,
    tolerance: Decimal,
) -> list[Day]:
    """If nothing is paid and nothing new is bought. ``committed``: exposure before deposits;
    ``limits``: by day, the limit (None: no cap) and what secures it."""
    return [
        _day(day, debts, committed - secured, limit, grace_days, tolerance)
        for day, (limit, secured) in sorted(limits.items())
    ]


def _day(
    day: date,
    debts: Sequence[Debt],
    exposure: Decimal,
    limit: Decimal | None,
    grace_days: int,
    tolerance: Decimal,
) -> Day:
    late = day - timedelta(days=grace_days)
    overdue = sum(
        (d.open_amount for d in debts if d.due_on < late and d.open_amount > tolerance), ZERO
    )
    over = max(ZERO, exposure - limit) if limit is not None else ZERO
    pay = max(overdue, over)
    blocked = pay > 0
    room = None if limit is None else ZERO if blocked else limit - exposure
    return Day(day, blocked, pay, ZERO if blocked and room is None else room)


def first_stop(days: Sequence[Day]) -> Day | None:
    return next((day for day in days if day.blocked), None)

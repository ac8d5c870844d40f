"""Rules of debt. Pure: figures in, figures out."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Protocol, TypeVar

from dilo.kit.money import ZERO

BUCKETS = ("not_due", "1-30", "31-60", "61-90", "90+")


class Open(Protocol):
    @property
    def due_on(self) -> date: ...
    @property
    def issued_on(self) -> date: ...
    @property
    def open_amount(self) -> Decimal: ...


Item = TypeVar("Item", bound=Open)


@dataclass(frozen=True, slots=True)
class Bucket:
    """``share`` is a whole percentage of the total."""

    key: str
    amount: Decimal
    share: int


def days_overdue(due_on: date, on: date) -> int:
    """0 on the due date and before it."""
    return max(0, (on - due_on).days)


def is_blocking(due_on: date, grace_days: int, on: date) -> bool:
    """The last day of grace still ships; the next does not (DESIGN, credit depth)."""
    return on > due_on + timedelta(days=grace_days)


def bucket_of(days_late: int) -> str:
    for most, key in ((0, "not_due"), (30, "1-30"), (60, "31-60"), (90, "61-90")):
        if days_late <= most:
            return key
    return "90+"


def shares(amounts: Sequence[Decimal]) -> list[Bucket]:
    """Aging buckets in order with whole percentages that are each rounded, not forced to 100."""
    total = sum(amounts, ZERO)
    return [
        Bucket(key, amount, round(100 * amount / total) if total else 0)
        for key, amount in zip(BUCKETS, amounts, strict=True)
    ]

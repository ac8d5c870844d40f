"""A row as fields, and what is wrong with it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal, InvalidOperation

from dilo.kit.web import plain_decimal

DATES = ("%Y-%m-%d", "%d.%m.%Y", "%d/%m/%Y", "%m/%d/%Y")


@dataclass(frozen=True, slots=True)
class Fault:
    """``reason`` is a code; its sentence is the key ``import:CODE``."""

    line_no: int
    column: str
    value: str
    reason: str


@dataclass(slots=True)
class Counts:
    inserted: int = 0
    updated: int = 0
    unchanged: int = 0
    faults: list[Fault] = field(default_factory=list)


class Row:
    """Cells by field; every reading notes its own fault and gives None."""

    __slots__ = ("cells", "faults", "line_no", "mapping")

    def __init__(
        self, line_no: int, cells: Sequence[str], mapping: Mapping[str, int], faults: list[Fault]
    ) -> None:
        self.line_no, self.cells, self.mapping, self.faults = line_no, cells, mapping, faults

    def text(self, name: str, most: int = 300) -> str:
        at = self.mapping.get(name)
        return self.cells[at].strip()[:most] if at is not None and at < len(self.cells) else ""

    def need(self, name: str) -> str | None:
        value = self.text(name)
        return value or self.fault(name, "REQUIRED")

    def number(self, name: str) -> Decimal | None:
        """None for an empty cell too; ask ``need`` first where it must be there."""
        value = self.text(name)
        if not value:
            return None
        try:
            number = Decimal(plain_decimal(value))
        except InvalidOperation:
            return self.fault(name, "NOT_A_NUMBER")
        if not number.is_finite() or abs(number) >= 10**12 or -int(number.as_tuple().exponent) > 8:
            return self.fault(name, "NUMBER_BAD")
        return number

    def day(self, name: str) -> date | None:
        value = self.text(name)
        try:
            return date.fromisoformat(value[:10])
        except ValueError:
            pass
        for shape in DATES:
            try:
                return datetime.strptime(value.split()[0] if value else "", shape).date()  # noqa: DTZ007
            except ValueError:
                continue
        return self.fault(name, "NOT_A_DATE")

    def fault(self, name: str, reason: str) -> None:
        self.faults.append(Fault(self.line_no, name, self.text(name)[:200], reason))

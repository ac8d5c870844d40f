"""What may follow what, what a discount comes to, what two versions differ in. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

RFQ_FLOW: dict[str, frozenset[str]] = {
    "draft": frozenset({"submitted", "cancelled"}),
    "submitted": frozenset({"in_review", "needs_info", "quoted", "declined", "cancelled"}),
    "in_review": frozenset({"needs_info", "quoted", "declined", "cancelled"}),
    "needs_info": frozenset({"submitted", "in_review", "quoted", "declined", "cancelled"}),
    "quoted": frozenset({"in_review", "closed", "declined", "cancelled"}),
}
OPEN = ("submitted", "in_review", "needs_info", "quoted")
HUNDRED = Decimal(100)
PRICE_PLACES = Decimal("0.0001")


def may_become(before: str, after: str) -> bool:
    return after in RFQ_FLOW.get(before, frozenset())


@dataclass(frozen=True, slots=True)
class Offered:
    """A line of a version: what it is, at which price, beside the list, the floor and the cost."""

    product_id: UUID
    code: str
    name: str
    quantity: Decimal
    price: Decimal
    amount: Decimal
    list_price: Decimal | None
    floor: Decimal | None
    cost: Decimal | None

    @property
    def discount(self) -> Decimal | None:
        """Percent off the list; below zero where it is dearer. None where no list has a price."""
        return discount_percent(self.price, self.list_price)

    @property
    def below_floor(self) -> bool:
        return self.floor is not None and self.price < self.floor

    @property
    def margin(self) -> Decimal | None:
        """Percent of the price that is not cost."""
        if self.cost is None or not self.price:
            return None
        return round(HUNDRED * (self.price - self.cost) / self.price, 1)


def discount_percent(price: Decimal, list_price: Decimal | None) -> Decimal | None:
    if not list_price:
        return None
    return round(HUNDRED * (list_price - price) / list_price, 2)


def discounted(list_price: Decimal, percent: Decimal) -> Decimal:
    """A list price less a percentage, to a hundredth of the currency."""
    return (list_price * (HUNDRED - percent) / HUNDRED).quantize(Decimal("0.01"))


def reasons_to_ask(lines: Sequence[Offered], most_percent: Decimal) -> list[str]:
    """Why a second person must agree before it is sent; none: it may go."""
    reasons: list[str] = []
    if any(line.below_floor for line in lines):
        reasons.append("floor")
    if any((line.discount or 0) > most_percent for line in lines):
        reasons.append("discount")
    return reasons


@dataclass(frozen=True, slots=True)
class Compared:
    """A product across versions: its line in each, None where a version has it not."""

    code: str
    name: str
    cells: list[Offered | None]

    def changed(self, n: int) -> bool:
        """Whether version ``n`` says something else than the one before it."""
        if n == 0:
            return False
        now, before = self.cells[n], self.cells[n - 1]
        if now is None or before is None:
            return now is not before
        return (now.price, now.quantity) != (before.price, before.quantity)


def compared(versions: Sequence[Sequence[Offered]]) -> list[Compared]:
    """Lines of every version beside each other, in the order products first appear."""
    rows: dict[UUID, Compared] = {}
    for n, lines in enumerate(versions):
        for line in lines:
            row = rows.setdefault(
                line.product_id, Compared(line.code, line.name, [None] * len(versions))
            )
            row.cells[n] = line
    return list(rows.values())

"""Which price at which quantity, from all the prices that could apply."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class Step:
    """From this quantity the price is this, by this list."""

    min_quantity: Decimal
    price: Decimal
    list_name: str
    scope: str


@dataclass(frozen=True, slots=True)
class Rival:
    """A price that could apply. ``order`` is the place of its list in the documented order."""

    order: int
    min_quantity: Decimal
    price: Decimal
    list_name: str
    scope: str


@dataclass(frozen=True, slots=True)
class Offer:
    """``steps`` rise by quantity, each cheaper or dearer than the one before; empty: on request.

    ``base_price`` is everybody's at the first step's quantity, where it is higher than his.
    """

    steps: tuple[Step, ...] = ()
    base_price: Decimal | None = None

    @property
    def price(self) -> Decimal | None:
        return self.steps[0].price if self.steps else None

    @property
    def first(self) -> Step | None:
        return self.steps[0] if self.steps else None

    def at(self, quantity: Decimal) -> Step | None:
        reached = [step for step in self.steps if step.min_quantity <= quantity]
        return reached[-1] if reached else None


def winner(rivals: Sequence[Rival], quantity: Decimal) -> Rival | None:
    """The first list that has it at this quantity, there the greatest break reached."""
    reached = [one for one in rivals if one.min_quantity <= quantity]
    return min(reached, key=lambda one: (one.order, -one.min_quantity), default=None)


def offer_of(rivals: Sequence[Rival]) -> Offer:
    """The whole ladder: what the winner is at every quantity where it may change."""
    steps: list[Step] = []
    for quantity in sorted({one.min_quantity for one in rivals}):
        won = winner(rivals, quantity)
        assert won is not None
        last = steps[-1] if steps else None
        if last is None or last.price != won.price:
            steps.append(Step(quantity, won.price, won.list_name, won.scope))
    if not steps:
        return Offer()
    first = max(steps[0].min_quantity, Decimal(1))
    common = winner([one for one in rivals if one.scope == "base"], first)
    dearer = common is not None and common.price > steps[0].price
    return Offer(tuple(steps), common.price if common is not None and dearer else None)

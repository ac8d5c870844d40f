"""What needs no database: reading attributes, what a buyer is told of the stock."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

import msgspec

NAME_MAX, VALUE_MAX, ATTRIBUTES_MAX = 60, 200, 60
LEADING_NUMBER = re.compile(r"(\d{1,13}(?:[.,]\d{1,4})?)(?![\d.,])")


@dataclass(frozen=True, slots=True)
class Attribute:
    """A facet. ``number`` where the value begins with one: ``2,5 mm2`` sorts before ``10 mm2``."""

    name: str
    value: str
    number: Decimal | None = None


def read_attributes(text: str) -> tuple[list[Attribute], list[str]]:
    """``Name: value`` a line, and the lines that are not so. The same pair twice is one."""
    found: dict[tuple[str, str], Attribute] = {}
    strange: list[str] = []
    for line in filter(None, (raw.strip() for raw in text.splitlines())):
        name, colon, value = (part.strip() for part in line.partition(":"))
        fits = 0 < len(name) <= NAME_MAX and 0 < len(value) <= VALUE_MAX
        if not colon or not fits or len(found) >= ATTRIBUTES_MAX:
            strange.append(line)
            continue
        found[name, value] = Attribute(name, value, number_of(value))
    return list(found.values()), strange


def number_of(value: str) -> Decimal | None:
    match = LEADING_NUMBER.match(value)
    return Decimal(match[1].replace(",", ".")) if match else None


def written_attributes(attributes: Sequence[Attribute]) -> str:
    """The same text back, for a form."""
    return "\n".join(f"{one.name}: {one.value}" for one in attributes)


StockView = Literal["exact", "range", "yes_no", "hidden"]
STOCK_VIEWS: tuple[StockView, ...] = ("exact", "range", "yes_no", "hidden")


class StockPolicy(msgspec.Struct, frozen=True):
    """What buyers are told of the stock. ``few`` and ``many`` are the bounds of the ranges."""

    view: StockView = "exact"
    few: int = 10
    many: int = 100


@dataclass(frozen=True, slots=True)
class Told:
    """``word``: exact, few (up to the figure), some (over it), many, yes, no, hidden."""

    word: str
    figure: Decimal | None = None


def told_of(available: Decimal, policy: StockPolicy) -> Told:
    """No more than the policy lets out: the figure itself only where it says exact."""
    if policy.view == "hidden":
        return Told("hidden")
    if available <= 0:
        return Told("no")
    if policy.view == "yes_no":
        return Told("yes")
    if policy.view == "exact":
        return Told("exact", available)
    if available <= policy.few:
        return Told("few", Decimal(policy.few))
    if available <= policy.many:
        return Told("some", Decimal(policy.few))
    return Told("many")

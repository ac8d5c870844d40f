"""Text a person types or pastes to order lines. Pure; shared by chat, office and portal.

One line a product: ``AB-100 5``, ``AB-100 x 5``, ``5 x AB-100``, ``AB-100;5``, ``AB-100<TAB>5 шт``.
A line that is only a code means one. What cannot be read is returned, never dropped.
"""

import re
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

LINES_MAX = 1000
LINE_MAX = 200
UNIT = r"(?:\s*(?:pcs?|pc|шт\.?|штук[аи]?|од\.?|уп\.?|м|m|кг|kg))?"
NUMBER = r"(\d{1,9}(?:[.,]\d{1,4})?)"
CODE_FIRST = re.compile(
    rf"^(\S.*?)\s*(?:[;,\t:=]|\s[xхX×*-]\s?|\s)\s*{NUMBER}{UNIT}$", re.IGNORECASE
)
NUMBER_FIRST = re.compile(rf"^{NUMBER}{UNIT}\s*[xхX×*]\s*(\S+)$", re.IGNORECASE)
CODE_ONLY = re.compile(r"^[^\s;,]{1,60}$")


@dataclass(frozen=True, slots=True)
class Wanted:
    code: str
    quantity: Decimal


def pasted_lines(text: str) -> tuple[list[Wanted], list[str]]:
    """What was understood, in order, and the lines that were not."""
    wanted: list[Wanted] = []
    strange: list[str] = []
    rows = [row.strip() for row in text.replace("\r", "\n").split("\n") if row.strip()]
    for row in rows[:LINES_MAX]:
        read = one_line(row[:LINE_MAX])
        if read is None:
            strange.append(row[:60])
        else:
            wanted.append(read)
    return wanted, strange + [row[:60] for row in rows[LINES_MAX:]]


def one_line(row: str) -> Wanted | None:
    if match := NUMBER_FIRST.match(row):
        return _wanted(match[2], match[1])
    if match := CODE_FIRST.match(row):
        return _wanted(match[1].rstrip(" ;,:=\t"), match[2])
    return Wanted(row, Decimal(1)) if CODE_ONLY.match(row) else None


def _wanted(code: str, number: str) -> Wanted | None:
    try:
        quantity = Decimal(number.replace(",", "."))
    except InvalidOperation:
        return None
    return Wanted(code, quantity) if quantity > 0 and code else None

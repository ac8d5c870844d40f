"""Forms of orders: repeated inputs become lines."""

from datetime import date
from decimal import Decimal
from typing import Annotated, Any
from uuid import UUID

import msgspec

from dilo.kit.web import plain_decimal
from dilo.orders.commands import LineAsked, LineInput

Reason = Annotated[str, msgspec.Meta(min_length=1, max_length=500)]


class OrderForm(msgspec.Struct):
    """``code`` and ``quantity`` run in parallel; blank rows are dropped."""

    party: UUID
    key: str
    code: list[str] = []
    quantity: list[str] = []
    pasted: str | None = None
    comment: str | None = None
    ship_on: date | None = None
    draft: str = ""
    version: int = 0


class ReasonForm(msgspec.Struct):
    reason: Reason


class OverrideForm(msgspec.Struct):
    amount: Decimal
    reason: Reason
    gates: list[str] = []
    days: int = 3


class DispatchForm(msgspec.Struct):
    key: str
    line: list[str] = []
    quantity: list[str] = []
    invoice: str = ""
    reason: str = ""


def lines_of(codes: list[Any], quantities: list[Any]) -> tuple[list[LineInput], list[str]]:
    """Lines as typed and the keys of what is wrong with them (``row: key``)."""
    lines: list[LineInput] = []
    wrong: list[str] = []
    for typed_code, typed_quantity in zip(codes, quantities, strict=False):
        code, quantity = str(typed_code).strip(), str(typed_quantity).strip()
        if not code:
            continue
        number = decimal_or_none(quantity or "1")
        if number is None or number <= 0:
            wrong.append(code)
        else:
            lines.append(LineInput(code, number))
    return lines, wrong


def decimal_or_none(text: str) -> Decimal | None:
    try:
        value = Decimal(plain_decimal(text))
    except ArithmeticError:
        return None
    return value if value.is_finite() else None


def asked_of(form: DispatchForm) -> list[LineAsked]:
    """Raises ValueError on an id or a number nobody can read."""
    asked: list[LineAsked] = []
    for line, quantity in zip(form.line, form.quantity, strict=False):
        number = decimal_or_none(quantity or "0")
        if number is None:
            raise ValueError(quantity)
        asked.append(LineAsked(UUID(line), number))
    return asked

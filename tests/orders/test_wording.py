"""What people type for an order line; nothing is dropped, nothing crashes."""

from decimal import Decimal as D

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dilo.orders.wording import one_line, pasted_lines


@pytest.mark.parametrize(
    ("text", "code", "quantity"),
    [
        ("AB-100 5", "AB-100", "5"),
        ("AB-100 x 5", "AB-100", "5"),
        ("AB-100 х5", "AB-100", "5"),
        ("5 x AB-100", "AB-100", "5"),
        ("AB-100;5", "AB-100", "5"),
        ("AB-100\t5 шт", "AB-100", "5"),
        ("AB-100 2,5 м", "AB-100", "2.5"),
        ("AB-100", "AB-100", "1"),
        ("4820000000017 12", "4820000000017", "12"),
        ("LED A60 - 3", "LED A60", "3"),
        ("AB-100 × 12 шт.", "AB-100", "12"),
    ],
)
def test_a_line_is_understood(text: str, code: str, quantity: str) -> None:
    read = one_line(text)
    assert read is not None
    assert (read.code, read.quantity) == (code, D(quantity))


@pytest.mark.parametrize("text", ["привіт як справи", "AB-100 0", "5", "x"])
def test_what_is_no_line_is_not_an_order(text: str) -> None:
    read = one_line(text)
    assert read is None or read.quantity == 1


@given(st.text(max_size=300))
def test_every_row_is_either_understood_or_returned(text: str) -> None:
    wanted, strange = pasted_lines(text)
    rows = [row for row in text.replace("\r", "\n").split("\n") if row.strip()]
    assert len(wanted) + len(strange) == len(rows)
    assert all(line.quantity > 0 and line.code for line in wanted)

"""Bounds of periods, steps of a bonus, forecast, mark-up, customers that are the same."""

from datetime import date
from decimal import Decimal as D

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dilo.dealers.rules import (
    Step,
    after,
    attainment_of,
    before,
    earned,
    forecast,
    period_bounds,
    retail_price,
    same_customer,
    working_days,
)

STEPS = [Step(D(80), D(1)), Step(D(100), D(2)), Step(D(120), D(3))]


@pytest.mark.parametrize(
    ("period", "day", "first", "last"),
    [
        ("month", date(2024, 2, 10), date(2024, 2, 1), date(2024, 2, 29)),
        ("quarter", date(2026, 11, 25), date(2026, 10, 1), date(2026, 12, 31)),
        ("year", date(2026, 11, 25), date(2026, 1, 1), date(2026, 12, 31)),
    ],
)
def test_bounds_of_a_period(period: str, day: date, first: date, last: date) -> None:
    assert period_bounds(period, day) == (first, last)
    assert after(period, before(period, first)[1])[0] == first


@given(st.decimals(0, 5000, places=2), st.decimals(1, 5000, places=2))
@settings(max_examples=60, deadline=None)
def test_a_bonus_never_falls_as_turnover_grows_and_the_next_step_is_where_it_says(
    fact: D, target: D
) -> None:
    now = earned(STEPS, fact, target, fact, D(1))
    more = earned(STEPS, fact + 1, target, fact + 1, D(1))
    assert more.amount >= now.amount
    if now.missing is not None:
        there = fact + now.missing + D("0.02")
        assert attainment_of(there, target) >= now.next_attainment
        assert abs(earned(STEPS, there, target, there, D(1)).amount - now.next_amount) <= D("0.02")


def test_the_threshold_itself_pays() -> None:
    assert earned(STEPS, D("99.99"), D(100), D("99.99"), D(1)).bonus_percent == 1
    assert earned(STEPS, D(100), D(100), D(100), D(1)).amount == D("2.00")
    assert earned(STEPS, D(-5), D(100), D(-5), D(1)).amount == 0


def test_forecast_is_the_run_rate_and_last_year_tempers_it() -> None:
    assert forecast(D(100), 10, 20, D(0), D(0)) == D("200.00")
    assert forecast(D(100), 10, 20, D(50), D(200)) == D("300.00")
    assert forecast(D(0), 0, 20, D(0), D(500)) == 500
    assert working_days(date(2026, 11, 2), date(2026, 11, 8), {date(2026, 11, 4)}) == 4


def test_a_retail_price_is_rounded_up_and_never_below_the_markup() -> None:
    assert retail_price(D("88"), D(25), D("0.01")) == D("110.00")
    assert retail_price(D("88.13"), D(25), D(5)) == D("115.00")
    assert retail_price(D("100"), D(0), D(10)) == D("100.00")


@pytest.mark.parametrize(
    ("one", "tax", "other", "other_tax", "why"),
    [
        ("ТОВ «Будмайстер»", "123", "Budmaister", "123", "tax_id"),
        ("ТОВ «Будмайстер»", None, 'ПП "БУДМАЙСТЕР"', None, "name"),
        ("ТОВ «Будмайстер»", None, "Будмайстр", "77", "name"),
        ("ТОВ «Будмайстер»", "1", "ТОВ «Будмайстер»", "2", None),
        ("ТОВ «Будмайстер»", None, "ТОВ «Світлодар»", None, None),
    ],
)
def test_the_same_customer(one: str, tax: str, other: str, other_tax: str, why: str) -> None:
    assert same_customer(one, tax, other, other_tax) == why

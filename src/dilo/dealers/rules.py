"""Arithmetic of plans and bonuses. Pure: figures in, figures out.

Forecast to the period's end = run rate by working days (fact / days gone x all days). Where the
same period of last year is known, the mean of that and of the seasonal reading
(fact x last year's whole / last year's part by the same day).
"""

import calendar
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import ROUND_UP, Decimal
from difflib import SequenceMatcher

from dilo.kit.money import CENT, ZERO, round_money

HUNDRED = Decimal(100)
PERIODS = {"month": 1, "quarter": 3, "year": 12}
SIMILAR = 0.82
QUOTED = re.compile(r"[«\"“„]([^«»\"“”„]{2,})[»\"”“]")
FIRM = re.compile(r"\b(llc|ltd|inc|gmbh|corp)\b|[^\w\s]", re.UNICODE)
DAYS_APART = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Step:
    """From ``attainment`` percent of the target on, ``bonus_percent`` of the base is paid."""

    attainment: Decimal
    bonus_percent: Decimal


@dataclass(frozen=True, slots=True)
class Earned:
    """``missing`` to the next step in the target's own measure; None where there is no next."""

    attainment: Decimal
    bonus_percent: Decimal
    amount: Decimal
    next_attainment: Decimal | None = None
    next_percent: Decimal | None = None
    missing: Decimal | None = None
    next_amount: Decimal | None = None


def period_bounds(period: str, day: date) -> tuple[date, date]:
    """First and last day of the month, quarter or year a day falls in."""
    months = PERIODS[period]
    first = date(day.year, (day.month - 1) // months * months + 1, 1)
    last_month = first.month + months - 1
    return first, date(day.year, last_month, calendar.monthrange(day.year, last_month)[1])


def before(period: str, since: date) -> tuple[date, date]:
    """The bounds of the period that ended just before this one began."""
    return period_bounds(period, since - DAYS_APART)


def after(period: str, until: date) -> tuple[date, date]:
    return period_bounds(period, until + DAYS_APART)


def year_before(day: date) -> date:
    """The same day a year earlier; 29 February is the 28th there."""
    try:
        return day.replace(year=day.year - 1)
    except ValueError:
        return day.replace(year=day.year - 1, day=28)


def working_days(since: date, until: date, holidays: Collection[date] = ()) -> int:
    """Monday to Friday without holidays, both ends included; 0 where until is before since."""
    return sum(
        1
        for n in range((until - since).days + 1)
        if (day := since + timedelta(days=n)).weekday() < 5 and day not in holidays
    )


def attainment_of(fact: Decimal, target: Decimal | None) -> Decimal:
    """Whole and hundredths of a percent, never below zero; without a target nothing is attained."""
    if not target:
        return ZERO
    return max(ZERO, (HUNDRED * fact / target).quantize(CENT, rounding="ROUND_DOWN"))


def forecast(
    fact: Decimal, gone: int, whole: int, last_so_far: Decimal, last_whole: Decimal
) -> Decimal:
    """See the file's head. Before the first working day is over the fact is all that is known."""
    if not gone:
        return fact or last_whole
    by_rate = fact * whole / gone
    if last_so_far > 0 and last_whole > 0:
        seasonal = fact * last_whole / last_so_far
        return round_money((by_rate + seasonal) / 2)
    return round_money(by_rate)


def earned(
    steps: Sequence[Step], fact: Decimal, target: Decimal | None, base: Decimal, price: Decimal
) -> Earned:
    """The highest step reached pays its percent of the whole base (a retro-bonus).

    ``fact`` and ``target`` are money or pieces alike; ``base`` is money. ``price``: what one unit
    of the target's measure is worth in money, so that the next step's bonus can be told.
    """
    reached = attainment_of(fact, target)
    ordered = sorted(steps, key=lambda step: step.attainment)
    now = [step for step in ordered if step.attainment <= reached]
    later = [step for step in ordered if step.attainment > reached]
    percent = now[-1].bonus_percent if now else Decimal(0)
    amount = round_money(max(base, ZERO) * percent / HUNDRED)
    if not later or not target:
        return Earned(reached, percent, amount)
    following = later[0]
    missing = round_money(target * following.attainment / HUNDRED - fact)
    then = max(base, ZERO) + missing * price
    return Earned(
        reached,
        percent,
        amount,
        following.attainment,
        following.bonus_percent,
        missing,
        round_money(then * following.bonus_percent / HUNDRED),
    )


def retail_price(purchase: Decimal, markup_percent: Decimal, rounding: Decimal) -> Decimal:
    """The dealer's price: his own plus his mark-up, rounded up to a multiple of ``rounding``."""
    raw = purchase * (HUNDRED + markup_percent) / HUNDRED
    return ((raw / rounding).quantize(Decimal(1), rounding=ROUND_UP) * rounding).quantize(CENT)


def plain_name(name: str) -> str:
    """A customer's name for telling alike ones: what stands in quotes, else all of it; no case."""
    quoted = QUOTED.search(name)
    return " ".join(FIRM.sub(" ", (quoted[1] if quoted else name).lower()).split())


def same_customer(
    name: str, tax_id: str | None, other_name: str, other_tax_id: str | None
) -> str | None:
    """``tax_id`` or ``name``: why two registrations seem to mean one customer. Different tax
    numbers mean different customers, whatever they are called."""
    if tax_id and other_tax_id:
        return "tax_id" if tax_id == other_tax_id else None
    ours, theirs = plain_name(name), plain_name(other_name)
    if not ours or not theirs:
        return None
    alike = SequenceMatcher(None, ours, theirs).ratio() >= SIMILAR
    return "name" if alike else None

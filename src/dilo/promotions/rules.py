"""What is taken off a line. Pure.

The stacking rule: the best single offer wins; offers marked stackable add up, each on what the one
before left, the largest first, and win as a group where that is less to pay. A coupon marked
stackable goes on top; otherwise the whole order pays the least of promotions or coupon alone.
An offer whose budget (kind stop) cannot bear the whole line leaves that line alone.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import ROUND_DOWN, Decimal
from uuid import UUID

from dilo.kit.money import ZERO, line_amount, round_money

PRICE_STEP = Decimal("0.0001")


@dataclass(frozen=True, slots=True)
class Offer:
    """A promotion open to a line. ``left``: what its budget still bears, None without an end."""

    id: UUID
    name: str
    kind: str
    value: Decimal
    stackable: bool
    left: Decimal | None


@dataclass(frozen=True, slots=True)
class CouponTerms:
    id: UUID
    code: str
    kind: str
    value: Decimal
    minimum_amount: Decimal
    stackable: bool


@dataclass(frozen=True, slots=True)
class Given:
    """One discount on one line, and whose it is: a promotion's or a coupon's."""

    name: str
    amount: Decimal
    promotion_id: UUID | None = None
    coupon_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Reduced:
    """A line after its discounts: ``amount`` to pay, what was given, of ``list_amount``."""

    quantity: Decimal
    list_amount: Decimal
    is_goods: bool = True
    given: tuple[Given, ...] = ()

    @property
    def given_amount(self) -> Decimal:
        return sum((one.amount for one in self.given), ZERO)

    @property
    def amount(self) -> Decimal:
        return self.list_amount - self.given_amount

    @property
    def price(self) -> Decimal:
        """Rounded down, so that no rounding hides from the floor what a line is sold for."""
        return (self.amount / self.quantity).quantize(PRICE_STEP, rounding=ROUND_DOWN)

    def less(self, given: Given) -> "Reduced":
        return replace(self, given=(*self.given, given)) if given.amount > 0 else self


def promoted(lines: Sequence[Reduced], offers: Sequence[Sequence[Offer]]) -> list[Reduced]:
    """Every line with its best offers; budgets run down from line to line."""
    left = {o.id: o.left for of_line in offers for o in of_line if o.left is not None}
    found: list[Reduced] = []
    for line, of_line in zip(lines, offers, strict=True):
        best = _best(line, of_line, left)
        for given in best.given:
            if given.promotion_id and given.promotion_id in left:
                left[given.promotion_id] -= given.amount
        found.append(best)
    return found


def _best(line: Reduced, offers: Sequence[Offer], left: Mapping[UUID, Decimal]) -> Reduced:
    single = [_after(line, offer, left) for offer in offers]
    stacked = line
    for offer in sorted(
        (o for o in offers if o.stackable), key=lambda o: _after(line, o, left).amount
    ):
        stacked = _after(stacked, offer, left)
    return min([line, *single, stacked], key=lambda one: (one.amount, len(one.given)))


def _after(line: Reduced, offer: Offer, left: Mapping[UUID, Decimal]) -> Reduced:
    if offer.kind == "percent":
        cut = round_money(line.amount * offer.value / 100)
    else:
        cut = line.amount - line_amount(line.quantity, offer.value)
    if cut > left.get(offer.id, cut):
        return line
    return line.less(Given(offer.name, cut, promotion_id=offer.id))


def with_coupon(plain: Sequence[Reduced], offered: Sequence[Reduced], coupon: CouponTerms) -> str:
    """Why a coupon gives nothing here, empty where it gives: TOO_SMALL, NOTHING, NOT_BETTER."""
    if _goods(offered) < coupon.minimum_amount:
        return "COUPON_TOO_SMALL"
    after = apply_coupon(plain, offered, coupon)
    if _total(after) < _total(offered):
        return ""
    alone = _total(apply_coupon(plain, plain, coupon)) < _total(plain)
    return "COUPON_NOT_BETTER" if alone else "COUPON_NOTHING"


def apply_coupon(
    plain: Sequence[Reduced], offered: Sequence[Reduced], coupon: CouponTerms
) -> list[Reduced]:
    """The lines with the coupon: on top of offers where it may, else in their place."""
    if coupon.kind == "delivery":
        return [
            line if line.is_goods else line.less(Given(coupon.code, line.amount, None, coupon.id))
            for line in offered
        ]
    on = offered if coupon.stackable else plain
    return list(_cut(on, coupon))


def _cut(lines: Sequence[Reduced], coupon: CouponTerms) -> list[Reduced]:
    goods = _goods(lines)
    whole = (
        round_money(goods * coupon.value / 100)
        if coupon.kind == "percent"
        else min(round_money(coupon.value), goods)
    )
    done, seen = ZERO, ZERO
    found: list[Reduced] = []
    for line in lines:
        if not line.is_goods or not goods:
            found.append(line)
            continue
        seen += line.amount
        share = round_money(whole * seen / goods) - done  # shares always add up to the whole
        done += share
        found.append(line.less(Given(coupon.code, min(share, line.amount), None, coupon.id)))
    return found


def _goods(lines: Sequence[Reduced]) -> Decimal:
    return sum((line.amount for line in lines if line.is_goods), ZERO)


def _total(lines: Sequence[Reduced]) -> Decimal:
    return sum((line.amount for line in lines), ZERO)

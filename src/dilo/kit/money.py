"""Rounding of money, named and in one place: half-even to the currency's minor unit."""

from decimal import ROUND_HALF_EVEN, Decimal

ZERO = Decimal("0.00")
CENT = Decimal("0.01")
AMOUNT_MAX = Decimal("9999999999999999.99")  # numeric(18,2)


def round_money(amount: Decimal) -> Decimal:
    """Half-even to 2 places (the rounding of IEEE 754 and of most ledgers)."""
    return amount.quantize(CENT, rounding=ROUND_HALF_EVEN)


def line_amount(quantity: Decimal, price: Decimal) -> Decimal:
    """What a line of ``quantity`` at ``price`` is worth."""
    return round_money(quantity * price)

"""Units of money at the provider, and what about a payment does not fit what was asked. Pure."""

from decimal import Decimal

import msgspec

# Without decimals, and those Stripe wants in hundredths though nobody uses them; with three.
# https://docs.stripe.com/currencies#special-cases
ZERO_DECIMAL = frozenset("BIF CLP DJF GNF JPY KMF KRW MGA PYG RWF VND VUV XAF XOF XPF".split())
WHOLE_ONLY = frozenset({"ISK", "UGX"})
THREE_DECIMAL = frozenset({"BHD", "JOD", "KWD", "OMR", "TND"})


def minor_units(amount: Decimal, currency: str) -> int | None:
    """What the provider is asked for; None where the currency has no such amount."""
    code = currency.strip().upper()
    scale = 1 if code in ZERO_DECIMAL else 1000 if code in THREE_DECIMAL else 100
    units = amount * scale
    if units != units.to_integral_value() or units <= 0:
        return None
    return None if code in WHOLE_ONLY and units % 100 else int(units)


def major_units(units: int, currency: str) -> Decimal:
    code = currency.strip().upper()
    scale = 1 if code in ZERO_DECIMAL else 1000 if code in THREE_DECIMAL else 100
    return (Decimal(units) / scale).quantize(Decimal("0.01"))


def livemode_of(key: str) -> bool | None:
    """Whose world a secret key belongs to; None: it is no secret key at all."""
    for prefix in ("sk_", "rk_"):
        if key.startswith(f"{prefix}test_") and len(key) > 12:
            return False
        if key.startswith(f"{prefix}live_") and len(key) > 12:
            return True
    return None


class Asked(msgspec.Struct, frozen=True):
    """A request as the books know it."""

    tenant_id: str
    request_id: str
    units: int
    currency: str
    state: str


class Seen(msgspec.Struct, frozen=True):
    """A payment as the provider tells it when asked."""

    units: int
    currency: str
    livemode: bool
    tenant_id: str
    request_id: str


def mismatch(asked: Asked | None, seen: Seen, *, livemode: bool, tenant_id: str) -> str | None:
    """Why this money is not posted by itself; None: it is exactly what was asked for."""
    if seen.livemode != livemode:
        return "MODE"
    if seen.tenant_id and seen.tenant_id != tenant_id:
        return "METADATA"
    if asked is None:
        return "METADATA" if seen.request_id else "UNKNOWN"
    if asked.request_id != seen.request_id or asked.tenant_id != seen.tenant_id:
        return "METADATA"
    if asked.currency.strip().upper() != seen.currency.upper():
        return "CURRENCY"
    if asked.units != seen.units:
        return "AMOUNT"
    return {"paid": "TWICE", "cancelled": "CANCELLED"}.get(asked.state)

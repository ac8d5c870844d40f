"""A debt in one currency paid in another: the rate of the day, the difference as its own item.

A document in a foreign currency is carried in the balance's currency at the rate of its day. When
it is settled at another rate, what the rate changed is posted to account 4900 and becomes an open
item of kind ``exchange``, allocated at once: no kopeck of it hides in a payment (IAS 21.28).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from uuid import UUID

from dilo.kit import db
from dilo.kit.errors import Refusal
from dilo.kit.ids import uuid7
from dilo.kit.money import ZERO, round_money
from dilo.ledger.actions import EXCHANGE, RECEIVABLE, post_entries, two_sided
from dilo.receivables.actions import NewItem, Share, post_items
from dilo.receivables.queries import OpenItem
from tenants import audit
from tenants.actors import Actor
from tenants.numbering import next_number
from tenants.scope import current_tenant

RATE = """
SELECT rate FROM exchange_rate WHERE currency = :currency AND valid_on <= :on
ORDER BY valid_on DESC LIMIT 1
"""
RATES = """
SELECT DISTINCT ON (currency) currency, valid_on, rate, recorded_by FROM exchange_rate
ORDER BY currency, valid_on DESC
"""
SAVE = """
INSERT INTO exchange_rate (currency, valid_on, rate, recorded_by)
VALUES (:currency, :valid_on, :rate, :by)
ON CONFLICT (tenant_id, currency, valid_on) DO UPDATE
SET rate = excluded.rate, recorded_by = excluded.recorded_by, recorded_at = now()
"""
ORIGINALS = """
SELECT id, original_currency, original_amount, amount FROM open_item
WHERE id = ANY(:ids) AND original_currency IS NOT NULL
"""


@dataclass(frozen=True, slots=True)
class Settled:
    """``carried``: what leaves the debt; ``paid``: what the credit spends; their difference is the
    rate's: positive, the debt grew."""

    carried: Decimal
    paid: Decimal

    @property
    def difference(self) -> Decimal:
        return self.paid - self.carried


def settle(
    open_amount: Decimal, available: Decimal, carried_rate: Decimal, rate: Decimal
) -> Settled:
    """How much of a debt carried at one rate a credit settles at another.

    Rates are units of the balance's currency for one of the document's.
    """
    whole = round_money(open_amount * rate / carried_rate)
    if available >= whole:
        return Settled(open_amount, whole)
    return Settled(min(open_amount, round_money(available * carried_rate / rate)), available)


async def rate_of(currency: str, balance_currency: str, on: date) -> Decimal:
    """Units of the balance's currency for one of ``currency``. Raises RATE_MISSING."""
    if currency == balance_currency:
        return Decimal(1)
    return await _home_rate(currency, on) / await _home_rate(balance_currency, on)


async def _home_rate(currency: str, on: date) -> Decimal:
    if currency == current_tenant().currency:
        return Decimal(1)
    found = await db.value(RATE, currency=currency, on=on)
    if found is None:
        raise Refusal("RATE_MISSING", status=422, currency=currency, on=on)
    return found


async def rates() -> list[db.Row]:
    """The latest of each currency."""
    return await db.rows(RATES)


async def save_rate(actor: Actor, currency: str, valid_on: date, rate: Decimal) -> None:
    """Raises FORBIDDEN, AMOUNT_BAD, UNKNOWN_CURRENCY."""
    actor.require("payments.record")
    if not rate.is_finite() or not 0 < rate < 10**9:
        raise Refusal("AMOUNT_BAD", status=422)
    code = currency.strip().upper()
    if len(code) != 3 or not code.isalpha() or code == current_tenant().currency:
        raise Refusal("UNKNOWN_CURRENCY", status=422, currency=currency)
    await db.execute(SAVE, currency=code, valid_on=valid_on, rate=round(rate, 6), by=actor.name)
    await audit.note(
        actor, "rates.save", "exchange_rate", None, after={"currency": code, "rate": str(rate)}
    )


async def spend(credit: OpenItem, wishes: Sequence[tuple[OpenItem, Decimal | None]]) -> list[Share]:
    """Spends a credit on debts in their order, each up to its wish (None: all it takes).

    Differences of exchange are posted on the way; debts in the balance's own currency have none.
    """
    ids = [credit.id, *(item.id for item, _ in wishes)]
    originals = {row["id"]: row for row in await db.rows(ORIGINALS, ids=ids)}
    shares: list[Share] = []
    for item, wish in wishes:
        left = credit.open_amount - spent(shares, credit.id)
        available = left if wish is None else min(left, wish)
        if available <= 0:
            continue
        original = originals.get(item.id)
        if original is None:
            shares.append(Share(item.id, credit.id, min(available, item.open_amount)))
            continue
        carried_rate = original["amount"] / original["original_amount"]
        rate = await _settling_rate(credit, originals.get(credit.id), original["original_currency"])
        settled = settle(item.open_amount, available, carried_rate, rate)
        shares += await _with_difference(credit, item, settled)
    return shares


async def _settling_rate(credit: OpenItem, original: db.Row | None, currency: str) -> Decimal:
    """Money in the document's own currency has its own rate; other money that of its day."""
    if original is not None and original["original_currency"] == currency:
        return original["amount"] / original["original_amount"]
    return await rate_of(currency, credit.currency, credit.issued_on)


async def _with_difference(credit: OpenItem, debit: OpenItem, settled: Settled) -> list[Share]:
    difference = settled.difference
    if not difference:
        return [Share(debit.id, credit.id, settled.paid)]
    posted = await _post_difference(debit, abs(difference), difference > 0, credit.issued_on)
    if difference > 0:
        return [Share(debit.id, credit.id, settled.carried), Share(posted, credit.id, difference)]
    return [Share(debit.id, credit.id, settled.paid), Share(debit.id, posted, -difference)]


async def _post_difference(debit: OpenItem, amount: Decimal, grew: bool, on: date) -> UUID:
    number, document = await next_number("exchange", "FX"), uuid7()
    on = max(on, debit.issued_on)
    entry = two_sided(
        "exchange",
        on,
        debit.currency,
        amount,
        debit=RECEIVABLE if grew else EXCHANGE,
        credit=EXCHANGE if grew else RECEIVABLE,
        party_id=debit.party_id,
        source_id=debit.document_id,
        memo=f"{number} {debit.number}",
    )
    await post_entries([entry])
    side = "debit" if grew else "credit"
    item = NewItem(
        debit.party_id, "exchange", side, document, number, on, on, debit.currency, amount, entry.id
    )
    await post_items([item])
    return item.id


def spent(shares: Sequence[Share], credit_id: UUID) -> Decimal:
    return sum((share.amount for share in shares if share.credit_item_id == credit_id), ZERO)

"""What a credit is spent on: the oldest debts, named ones, those its reference speaks of."""

import re
from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from uuid import UUID

from dilo.kit import db
from dilo.kit.errors import NotFound, Refusal
from dilo.kit.money import ZERO
from dilo.receivables.actions import allocate
from dilo.receivables.exchange import spend, spent
from dilo.receivables.queries import ITEM, ITEM_OF_DOCUMENT, OpenItem, open_items_of

OF_ORDERS = """
SELECT v.id FROM invoice v JOIN sales_order o ON o.id = v.order_id
WHERE v.party_id = :party_id AND lower(o.number) = ANY(CAST(:words AS text[]))
"""
ADVANCES_OF_ORDER = f"""{ITEM} JOIN payment y ON y.id = i.document_id
WHERE y.order_id = :order_id AND i.side = 'credit' AND i.open_amount > 0
ORDER BY i.issued_on, i.id
"""
WORD = re.compile(r"[\w][\w/.-]*[\w]", re.UNICODE)


def words_of(text: str) -> list[str]:
    """What may be a document's number in a payment's purpose, lower-cased, each once."""
    return list(dict.fromkeys(word.lower() for word in WORD.findall(text)[:200]))


async def allocate_oldest_first(credit: OpenItem, on: date) -> Decimal:
    """Spends a credit on the party's oldest debts; the balance row must be locked. Returns the
    rest."""
    debits = await open_items_of(credit.party_id, credit.currency, "debit")
    shares = await spend(credit, [(item, None) for item in debits])
    await allocate(shares, on)
    return credit.open_amount - spent(shares, credit.id)


async def allocate_by_reference(
    credit: OpenItem, reference: str, on: date, *, orders: bool = False, rest: bool = True
) -> Decimal:
    """First the documents (with ``orders``, those of the orders) the reference names, then the
    oldest debts unless the ``rest`` is to stay an advance. Returns what is left."""
    words = words_of(reference)
    debits = await open_items_of(credit.party_id, credit.currency, "debit")
    if orders:
        found = await db.rows(OF_ORDERS, party_id=credit.party_id, words=words)
        meant = {row["id"] for row in found}
        named = [item for item in debits if item.document_id in meant]
    else:
        named = [item for item in debits if item.number.lower() in words]
    others = [item for item in debits if item not in named] if rest else []
    shares = await spend(credit, [(item, None) for item in (*named, *others)])
    await allocate(shares, on)
    return credit.open_amount - spent(shares, credit.id)


async def allocate_chosen(
    credit: OpenItem, chosen: Sequence[tuple[UUID, Decimal]], on: date
) -> None:
    """Spends a credit on named debts. Raises NOT_FOUND, ALLOCATION_TOO_MUCH with the figures."""
    debits = {i.id: i for i in await open_items_of(credit.party_id, credit.currency, "debit")}
    total = sum((amount for _, amount in chosen), ZERO)
    if total > credit.open_amount:
        raise _too_much(credit, total)
    for item_id, amount in chosen:
        if item_id not in debits:
            raise NotFound
        item = debits[item_id]
        if amount <= ZERO or (amount > item.open_amount and item.original_currency is None):
            raise _too_much(item, amount)
    await allocate(await spend(credit, [(debits[i], amount) for i, amount in chosen]), on)


async def allocate_preferred(
    credit: OpenItem, wishes: Sequence[tuple[UUID, Decimal]], on: date
) -> Decimal:
    """The wished debts as far as they are still open, then the oldest. Returns the rest.

    For money that comes later than it was promised: meanwhile a debt may have been paid.
    """
    debits = await open_items_of(credit.party_id, credit.currency, "debit")
    by_id = {item.id: item for item in debits}
    first: list[tuple[OpenItem, Decimal | None]] = [
        (by_id[item_id], amount) for item_id, amount in dict(wishes).items() if item_id in by_id
    ]
    meant = {item.id for item, _ in first}
    shares = await spend(credit, [*first, *((i, None) for i in debits if i.id not in meant)])
    await allocate(shares, on)
    return credit.open_amount - spent(shares, credit.id)


async def allocate_advances(order_id: UUID, invoice_id: UUID, on: date) -> None:
    """What was paid for an order before goes to the invoice that bills it now."""
    for credit in await db.rows_as(OpenItem, ADVANCES_OF_ORDER, order_id=order_id):
        debit = await db.one_or_none_as(OpenItem, ITEM_OF_DOCUMENT, document_id=invoice_id)
        if debit is None or not debit.open_amount:
            return
        if (credit.party_id, credit.currency) == (debit.party_id, debit.currency):
            await allocate(await spend(credit, [(debit, None)]), on)


def _too_much(item: OpenItem, asked: Decimal) -> Refusal:
    return Refusal(
        "ALLOCATION_TOO_MUCH",
        number=item.number,
        open_amount=item.open_amount,
        asked_amount=asked,
    )

"""What each figure of a party's exposure is made of: the documents, adding up to it to the cent."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from uuid import UUID

from dilo.kit import db
from dilo.parties.queries import Party

RECEIVABLE = """
SELECT i.kind, i.document_id AS id, i.number, i.issued_on AS on_day, i.due_on,
  i.open_amount AS amount
FROM open_item i
WHERE i.party_id = :party_id AND i.currency = :currency AND i.side = 'debit' AND i.open_amount > 0
ORDER BY i.due_on, i.number
"""
CREDIT = RECEIVABLE.replace("'debit'", "'credit'")
SHIPPED = """
SELECT 'order' AS kind, o.id, o.number, o.created_at::date AS on_day, NULL::date AS due_on,
  o.shipped_amount - o.invoiced_amount AS amount
FROM sales_order o
WHERE o.party_id = :party_id AND o.currency = :currency AND o.shipped_amount <> o.invoiced_amount
ORDER BY o.created_at
"""
CONFIRMED = """
SELECT 'order' AS kind, o.id, o.number, o.created_at::date AS on_day, o.ship_on AS due_on,
  o.total - o.shipped_amount AS amount
FROM sales_order o
WHERE o.party_id = :party_id AND o.currency = :currency
  AND o.state IN ('confirmed', 'partially_shipped') AND o.total <> o.shipped_amount
ORDER BY o.created_at
"""
DEPOSIT = """
SELECT s.kind, s.id, coalesce(s.note, '') AS number, s.valid_from AS on_day, s.valid_to AS due_on,
  s.amount
FROM credit_security s WHERE s.party_id = :party_id AND s.released_at IS NULL
  AND s.valid_from <= :on AND (s.valid_to IS NULL OR s.valid_to >= :on)
UNION ALL
SELECT 'deposit', c.id, '', NULL, NULL, c.deposit_amount FROM credit_policy c
WHERE c.party_id = :party_id AND c.deposit_amount > 0
ORDER BY 4
"""
PARTS = {
    "receivable": RECEIVABLE,
    "shipped": SHIPPED,
    "confirmed": CONFIRMED,
    "credit": CREDIT,
    "deposit": DEPOSIT,
}


@dataclass(frozen=True, slots=True)
class Made:
    """A document a figure is made of."""

    kind: str
    id: UUID
    number: str
    on_day: date | None
    due_on: date | None
    amount: Decimal


async def made_of(party: Party, part: str, on: date) -> list[Made]:
    """``part``: a name of PARTS. Amounts are positive; credit and deposit lower the exposure."""
    params = {"on": on} if part == "deposit" else {"currency": party.currency}
    return await db.rows_as(Made, PARTS[part], party_id=party.id, **params)


def figure_of(party: Party, part: str) -> Decimal:
    """The figure itself, as the card of the staff shows it."""
    return {
        "receivable": party.receivable,
        "shipped": party.shipped,
        "confirmed": party.confirmed,
        "credit": party.credit,
        "deposit": party.secured,
    }[part]

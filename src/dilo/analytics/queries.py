"""Balances as of a date, from open items and the allocations dated by then."""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from dilo.kit import db

# What a party owed on a day: documents issued by then, less what had been allocated by then.
# A payment's own item counts whole, so allocations between two items of a party cancel out.
BALANCES = """
SELECT p.code, p.name, b.balance FROM (
  SELECT i.party_id, sum(CASE i.side WHEN 'debit' THEN i.amount ELSE -i.amount END) AS balance
  FROM open_item i WHERE i.issued_on <= :on AND i.currency = :currency
    AND (CAST(:known AS timestamptz) IS NULL OR i.created_at <= :known) GROUP BY i.party_id) b
JOIN party p ON p.id = b.party_id ORDER BY p.code
"""
RECEIVABLES = """
SELECT p.code, p.name, b.balance FROM (
  SELECT i.party_id, sum(CASE i.side WHEN 'debit' THEN 1 ELSE -1 END
    * (i.amount - coalesce(a.amount, 0))) AS balance
  FROM open_item i
  LEFT JOIN (SELECT item_id, sum(amount) AS amount FROM (
      SELECT debit_item_id AS item_id, amount FROM allocation
      WHERE allocated_on <= :on AND (CAST(:known AS timestamptz) IS NULL OR created_at <= :known)
      UNION ALL SELECT credit_item_id, amount FROM allocation
      WHERE allocated_on <= :on AND (CAST(:known AS timestamptz) IS NULL OR created_at <= :known)) s
    GROUP BY item_id) a ON a.item_id = i.id
  WHERE i.issued_on <= :on AND i.currency = :currency
    AND (CAST(:known AS timestamptz) IS NULL OR i.created_at <= :known) GROUP BY i.party_id) b
JOIN party p ON p.id = b.party_id WHERE b.balance <> 0 ORDER BY p.code
"""
CHOICES = """
SELECT array(SELECT DISTINCT segment FROM party WHERE segment <> '' ORDER BY 1) AS segments,
  array(SELECT DISTINCT branch FROM party WHERE branch <> '' ORDER BY 1) AS branches,
  array(SELECT DISTINCT business_line FROM category WHERE business_line <> '' ORDER BY 1)
    AS business_lines,
  array(SELECT DISTINCT currency::text FROM party ORDER BY 1) AS currencies
"""
OWNERS = """
SELECT i.id, i.name FROM identity i JOIN membership m ON m.identity_id = i.id ORDER BY i.name
"""


@dataclass(frozen=True, slots=True)
class Balance:
    code: str
    name: str
    balance: Decimal


async def balances(on: date, currency: str, known: datetime | None = None) -> list[Balance]:
    """Every party that ever had a document, zero balances too."""
    return await db.rows_as(Balance, BALANCES, on=on, currency=currency, known=known)


async def receivables(on: date, currency: str, known: datetime | None = None) -> list[Balance]:
    """Parties whose open items of that day do not cancel out."""
    return await db.rows_as(Balance, RECEIVABLES, on=on, currency=currency, known=known)


async def choices() -> dict[str, list[tuple[str, str]]]:
    """What the filters offer: values as they are used."""
    found = await db.one(CHOICES)
    owners = [(str(row["id"]), row["name"]) for row in await db.rows(OWNERS)]
    return {name: [(v, v) for v in values] for name, values in found.items()} | {"owners": owners}

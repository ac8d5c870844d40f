"""Bills with what is still owed on them."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from uuid import UUID

from dilo.kit import db
from dilo.kit.paging import Page, Paging

BILL = """
SELECT b.id, b.number, b.party_id, p.name AS party_name, b.issued_on, b.due_on, b.currency,
  b.total, b.account, b.branch, b.business_line, b.memo,
  b.total - coalesce(y.paid, 0) AS open_amount
FROM bill b JOIN party p ON p.id = b.party_id
LEFT JOIN LATERAL (SELECT sum(amount) AS paid FROM bill_payment y WHERE y.bill_id = b.id) y ON true
"""
PAGE = f"""
SELECT t.*, count(*) OVER () AS total_rows FROM ({BILL}
  WHERE (CAST(:party_id AS uuid) IS NULL OR b.party_id = :party_id)
    AND (:search = '' OR strpos(lower(b.number), :search) > 0 OR strpos(p.search, :search) > 0)) t
WHERE NOT :open_only OR t.open_amount > 0
"""
SORTS = {
    "issued": "t.issued_on",
    "due": "t.due_on",
    "number": "t.number",
    "total": "t.total",
    "open": "t.open_amount",
}
TOTALS = """
SELECT coalesce(sum(s.open_amount), 0) AS owed,
  coalesce(sum(s.open_amount) FILTER (WHERE s.due_on < :on), 0) AS overdue
FROM (SELECT b.due_on, b.total - coalesce(sum(y.amount), 0) AS open_amount
      FROM bill b LEFT JOIN bill_payment y ON y.bill_id = b.id
      WHERE b.currency = :currency GROUP BY b.tenant_id, b.id) s
"""
PAYMENTS = """
SELECT y.id, y.method, y.amount, y.paid_on, y.reverses_id, y.recorded_by,
  EXISTS (SELECT 1 FROM bill_payment r WHERE r.reverses_id = y.id) AS reversed
FROM bill_payment y WHERE y.bill_id = :id ORDER BY y.created_at
"""


@dataclass(frozen=True, slots=True)
class Bill:
    id: UUID
    number: str
    party_id: UUID
    party_name: str
    issued_on: date
    due_on: date
    currency: str
    total: Decimal
    account: str
    branch: str | None
    business_line: str | None
    memo: str | None
    open_amount: Decimal


async def bill(bill_id: UUID) -> Bill:
    return await db.one_as(Bill, f"{BILL} WHERE b.id = :id", id=bill_id)


async def bills(
    paging: Paging, *, party_id: UUID | None = None, search: str = "", open_only: bool = False
) -> Page[Bill]:
    order = paging.order_by(SORTS, "due") if paging.sort else "t.due_on DESC"
    found = await db.rows(
        f"{PAGE} ORDER BY {order}, t.id DESC LIMIT :size OFFSET :offset",
        party_id=party_id,
        search=search.lower().strip(),
        open_only=open_only,
        size=paging.size,
        offset=paging.offset,
    )
    return db.page_of(Bill, found, paging)


async def totals(currency: str, on: date) -> db.Row:
    """``owed`` and of it ``overdue``."""
    return await db.one(TOTALS, currency=currency, on=on)


async def payments_of(bill_id: UUID) -> list[db.Row]:
    return await db.rows(PAYMENTS, id=bill_id)

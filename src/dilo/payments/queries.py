"""Payments and the credits still to be spent."""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from uuid import UUID

from dilo.kit import db
from dilo.kit.paging import Page, Paging

PAYMENT = """
SELECT y.id, y.number, y.party_id, p.name AS party_name, p.code AS party_code, y.method, y.amount,
  y.currency, y.received_on, y.reference, y.direction, y.original_currency, y.original_amount,
  y.reverses_id, y.recorded_by, y.created_at,
  coalesce(i.open_amount, 0) AS open_amount, i.id AS item_id,
  (SELECT r.id FROM payment r WHERE r.tenant_id = y.tenant_id AND r.reverses_id = y.id)
    AS reversed_by_id
FROM payment y JOIN party p ON p.id = y.party_id
LEFT JOIN open_item i ON i.document_id = y.id
  AND i.side = CASE y.direction WHEN 'in' THEN 'credit' ELSE 'debit' END
"""
PAGE = f"""
SELECT t.*, count(*) OVER () AS total_rows FROM ({PAYMENT}
  WHERE (CAST(:party_id AS uuid) IS NULL OR y.party_id = :party_id)
    AND (:search = '' OR strpos(lower(y.number || ' ' || coalesce(y.reference, '')), :search) > 0
         OR strpos(p.search, :search) > 0)
    AND (:method = '' OR y.method = :method)
    AND (NOT :unallocated OR i.open_amount > 0)
    AND (CAST(:since AS date) IS NULL OR y.received_on >= :since)
    AND (CAST(:until AS date) IS NULL OR y.received_on <= :until)) t
"""
SORTS = {
    "received": "t.received_on",
    "number": "t.number",
    "amount": "t.amount",
    "party": "t.party_name",
    "open": "t.open_amount",
}


@dataclass(frozen=True, slots=True)
class Payment:
    id: UUID
    number: str
    party_id: UUID
    party_name: str
    party_code: str
    method: str
    amount: Decimal
    currency: str
    received_on: date
    reference: str | None
    direction: str
    original_currency: str | None
    original_amount: Decimal | None
    reverses_id: UUID | None
    recorded_by: str | None
    created_at: datetime
    open_amount: Decimal
    item_id: UUID | None
    reversed_by_id: UUID | None


async def payment(payment_id: UUID) -> Payment:
    return await db.one_as(Payment, f"{PAYMENT} WHERE y.id = :id", id=payment_id)


async def payments(
    paging: Paging,
    *,
    party_id: UUID | None = None,
    search: str = "",
    method: str = "",
    unallocated: bool = False,
    since: date | None = None,
    until: date | None = None,
) -> Page[Payment]:
    order = paging.order_by(SORTS, "received") if paging.sort else "t.received_on DESC"
    found = await db.rows(
        f"{PAGE} ORDER BY {order}, t.id DESC LIMIT :size OFFSET :offset",
        party_id=party_id,
        search=search.lower().strip(),
        method=method,
        unallocated=unallocated,
        since=since,
        until=until,
        size=paging.size,
        offset=paging.offset,
    )
    return db.page_of(Payment, found, paging)

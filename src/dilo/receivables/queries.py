"""Reads of debt: open items, aging, the documents behind a balance."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from uuid import UUID

from dilo.kit import db
from dilo.kit.paging import Page, Paging

ITEM = """
SELECT i.id, i.party_id, i.kind, i.side, i.document_id, i.number, i.issued_on, i.due_on,
  i.currency, i.amount, i.open_amount, i.original_currency, i.original_amount
FROM open_item i
"""
OPEN_OF_PARTY = f"""{ITEM}
WHERE i.party_id = :party_id AND i.currency = :currency AND i.side = :side AND i.open_amount > 0
ORDER BY i.due_on, i.issued_on, i.id
"""
ITEM_BY_ID = f"{ITEM} WHERE i.id = :id"
ITEM_OF_DOCUMENT = f"{ITEM} WHERE i.document_id = :document_id"
AGING_SUMS = """
  coalesce(sum(i.open_amount) FILTER (WHERE i.side = 'debit' AND i.due_on >= :on), 0) AS not_due,
  coalesce(sum(i.open_amount) FILTER (WHERE i.side = 'debit' AND i.due_on < :on
    AND i.due_on >= :on - 30), 0) AS late_30,
  coalesce(sum(i.open_amount) FILTER (WHERE i.side = 'debit' AND i.due_on < :on - 30
    AND i.due_on >= :on - 60), 0) AS late_60,
  coalesce(sum(i.open_amount) FILTER (WHERE i.side = 'debit' AND i.due_on < :on - 60
    AND i.due_on >= :on - 90), 0) AS late_90,
  coalesce(sum(i.open_amount) FILTER (WHERE i.side = 'debit' AND i.due_on < :on - 90), 0)
    AS later,
  coalesce(sum(i.open_amount) FILTER (WHERE i.side = 'credit'), 0) AS credit,
  coalesce(max(:on - i.due_on) FILTER (WHERE i.side = 'debit' AND i.due_on < :on), 0) AS oldest
"""
AGING_OF_PARTY = f"""
SELECT {AGING_SUMS} FROM open_item i
WHERE i.party_id = :party_id AND i.currency = :currency AND i.open_amount > 0
"""
AGING = f"""
WITH aged AS (
  SELECT i.party_id, {AGING_SUMS} FROM open_item i
  WHERE i.open_amount > 0 AND i.currency = :currency GROUP BY i.party_id)
SELECT a.*, p.code, p.name, o.name AS owner, count(*) OVER () AS total_rows
FROM aged a JOIN party p ON p.id = a.party_id
LEFT JOIN identity o ON o.id = p.owner_id
WHERE (:search = '' OR strpos(p.search, :search) > 0)
  AND (CAST(:owner_id AS uuid) IS NULL OR p.owner_id = :owner_id)
  AND (NOT :overdue_only OR a.late_30 + a.late_60 + a.late_90 + a.later > 0)
"""
# Sides are told apart once by grouping, not in every sum: one pass of the open items.
AGING_TOTAL = """
WITH sided AS (
  SELECT i.side, sum(i.open_amount) AS whole, min(i.due_on) AS oldest_due,
    sum(i.open_amount) FILTER (WHERE i.due_on >= :on) AS not_due,
    sum(i.open_amount) FILTER (WHERE i.due_on < :on AND i.due_on >= :day_30) AS late_30,
    sum(i.open_amount) FILTER (WHERE i.due_on < :day_30 AND i.due_on >= :day_60) AS late_60,
    sum(i.open_amount) FILTER (WHERE i.due_on < :day_60 AND i.due_on >= :day_90) AS late_90,
    sum(i.open_amount) FILTER (WHERE i.due_on < :day_90) AS later
  FROM open_item i WHERE i.open_amount > 0 AND i.currency = :currency GROUP BY i.side)
SELECT coalesce(max(not_due) FILTER (WHERE side = 'debit'), 0) AS not_due,
  coalesce(max(late_30) FILTER (WHERE side = 'debit'), 0) AS late_30,
  coalesce(max(late_60) FILTER (WHERE side = 'debit'), 0) AS late_60,
  coalesce(max(late_90) FILTER (WHERE side = 'debit'), 0) AS late_90,
  coalesce(max(later) FILTER (WHERE side = 'debit'), 0) AS later,
  coalesce(max(whole) FILTER (WHERE side = 'credit'), 0) AS credit,
  coalesce(greatest(:on - min(oldest_due) FILTER (WHERE side = 'debit'), 0), 0) AS oldest
FROM sided
"""
AGING_SORTS = {
    "name": "p.name",
    "debt": "a.not_due + a.late_30 + a.late_60 + a.late_90 + a.later",
    "overdue": "a.late_30 + a.late_60 + a.late_90 + a.later",
    "oldest": "a.oldest",
}
BLOCKING = """
SELECT i.number, i.document_id, i.due_on, i.open_amount, :on - i.due_on AS days_late,
  sum(i.open_amount) OVER () AS all_amount, count(*) OVER () AS all_count
FROM open_item i
WHERE i.party_id = :party_id AND i.currency = :currency AND i.side = 'debit'
  AND i.open_amount > :tolerance AND i.due_on < :on - CAST(:grace_days AS int)
  AND NOT (coalesce((SELECT c.disputes_pause_depth FROM dunning_policy c WHERE c.is_default), true)
    AND EXISTS (SELECT 1 FROM dunning_pause z WHERE z.open_item_id = i.id AND z.why = 'dispute'
      AND z.ended_on IS NULL))
ORDER BY i.due_on, i.number LIMIT 20
"""
INVOICES_OF_PARTY = """
SELECT v.id, v.number, v.kind, v.party_id, p.name AS party_name, v.order_id, v.issued_on, v.due_on,
  v.currency, v.total, coalesce(i.open_amount, 0) AS open_amount, count(*) OVER () AS total_rows
FROM invoice v JOIN party p ON p.id = v.party_id
LEFT JOIN open_item i ON i.document_id = v.id
WHERE (CAST(:party_id AS uuid) IS NULL OR v.party_id = :party_id)
  AND (CAST(:order_id AS uuid) IS NULL OR v.order_id = :order_id)
  AND (:open_only = false OR i.open_amount > 0)
  AND (CAST(:due_before AS date) IS NULL
    OR i.open_amount > 0 AND i.side = 'debit' AND v.due_on < :due_before)
  AND (CAST(:since AS date) IS NULL OR v.issued_on >= :since)
  AND (CAST(:until AS date) IS NULL OR v.issued_on <= :until)
  AND (:search = '' OR strpos(lower(v.number), :search) > 0 OR strpos(p.search, :search) > 0)
"""
INVOICE_SORTS = {
    "issued": "v.issued_on",
    "due": "v.due_on",
    "number": "v.number",
    "total": "v.total",
    "open": "i.open_amount",
}
INVOICE = """
SELECT v.id, v.number, v.kind, v.party_id, p.name AS party_name, p.code AS party_code, v.order_id,
  v.issued_on, v.due_on, v.currency, v.total, v.posted_at, v.credits_invoice_id,
  v.original_currency, v.original_total,
  coalesce(i.open_amount, 0) AS open_amount, i.id AS item_id
FROM invoice v JOIN party p ON p.id = v.party_id
LEFT JOIN open_item i ON i.document_id = v.id
WHERE v.id = :id
"""
INVOICE_LINES = """
SELECT l.line_no, p.code, coalesce(l.description, p.name) AS name, p.unit, l.quantity, l.price,
  l.amount
FROM invoice_line l JOIN product p ON p.id = l.product_id
WHERE l.invoice_id = :id ORDER BY l.line_no
"""
ALLOCATIONS = """
SELECT a.id, a.amount, a.allocated_on, a.reverses_id, d.number AS debit_number,
  d.document_id AS debit_document, c.number AS credit_number, c.kind AS credit_kind,
  c.document_id AS credit_document
FROM allocation a
JOIN open_item d ON d.id = a.debit_item_id JOIN open_item c ON c.id = a.credit_item_id
WHERE a.debit_item_id = :item_id OR a.credit_item_id = :item_id
ORDER BY a.created_at
"""


@dataclass(frozen=True, slots=True)
class OpenItem:
    id: UUID
    party_id: UUID
    kind: str
    side: str
    document_id: UUID
    number: str
    issued_on: date
    due_on: date
    currency: str
    amount: Decimal
    open_amount: Decimal
    original_currency: str | None = None
    original_amount: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Aging:
    """Open debt by days past due; ``credit`` is advances and credit notes not yet allocated."""

    not_due: Decimal
    late_30: Decimal
    late_60: Decimal
    late_90: Decimal
    later: Decimal
    credit: Decimal
    oldest: int

    @property
    def amounts(self) -> list[Decimal]:
        return [self.not_due, self.late_30, self.late_60, self.late_90, self.later]

    @property
    def overdue(self) -> Decimal:
        return self.late_30 + self.late_60 + self.late_90 + self.later

    @property
    def debt(self) -> Decimal:
        return self.not_due + self.overdue


@dataclass(frozen=True, slots=True)
class AgingRow(Aging):
    party_id: UUID
    code: str
    name: str
    owner: str | None


@dataclass(frozen=True, slots=True)
class Blocking:
    number: str
    document_id: UUID
    due_on: date
    open_amount: Decimal
    days_late: int
    all_amount: Decimal
    all_count: int


@dataclass(frozen=True, slots=True)
class InvoiceRow:
    id: UUID
    number: str
    kind: str
    party_id: UUID
    party_name: str
    order_id: UUID | None
    issued_on: date
    due_on: date
    currency: str
    total: Decimal
    open_amount: Decimal


@dataclass(frozen=True, slots=True)
class Invoice(InvoiceRow):
    party_code: str
    posted_at: datetime
    credits_invoice_id: UUID | None
    original_currency: str | None
    original_total: Decimal | None
    item_id: UUID | None


async def open_items_of(party_id: UUID, currency: str, side: str) -> list[OpenItem]:
    return await db.rows_as(
        OpenItem, OPEN_OF_PARTY, party_id=party_id, currency=currency, side=side
    )


async def open_item(item_id: UUID) -> OpenItem:
    return await db.one_as(OpenItem, ITEM_BY_ID, id=item_id)


async def item_of_document(document_id: UUID) -> OpenItem:
    return await db.one_as(OpenItem, ITEM_OF_DOCUMENT, document_id=document_id)


async def aging_of(party_id: UUID, currency: str, on: date) -> Aging:
    return await db.one_as(Aging, AGING_OF_PARTY, party_id=party_id, currency=currency, on=on)


async def aging_total(currency: str, on: date) -> Aging:
    days = {f"day_{n}": on - timedelta(days=n) for n in (30, 60, 90)}
    return await db.one_as(Aging, AGING_TOTAL, currency=currency, on=on, **days)


async def aging(
    currency: str,
    on: date,
    paging: Paging,
    *,
    search: str = "",
    owner_id: UUID | None = None,
    overdue_only: bool = False,
) -> Page[AgingRow]:
    """Debtors a page at a time, the greatest overdue first unless asked otherwise."""
    order = paging.order_by(AGING_SORTS, "name") if paging.sort else "a.later DESC, p.name"
    found = await db.rows(
        f"{AGING} ORDER BY {order}, a.party_id LIMIT :size OFFSET :offset",
        currency=currency,
        on=on,
        search=search.lower().strip(),
        owner_id=owner_id,
        overdue_only=overdue_only,
        size=paging.size,
        offset=paging.offset,
    )
    return db.page_of(AgingRow, found, paging)


async def blocking_items(
    party_id: UUID, currency: str, on: date, grace_days: int, tolerance: Decimal
) -> list[Blocking]:
    """Debts past due and grace, above the tolerance: what stops shipments by credit depth."""
    return await db.rows_as(
        Blocking,
        BLOCKING,
        party_id=party_id,
        currency=currency,
        on=on,
        grace_days=grace_days,
        tolerance=tolerance,
    )


async def invoices(
    paging: Paging,
    *,
    party_id: UUID | None = None,
    order_id: UUID | None = None,
    open_only: bool = False,
    search: str = "",
    due_before: date | None = None,
    since: date | None = None,
    until: date | None = None,
) -> Page[InvoiceRow]:
    """``due_before``: only what is open and was due before that day."""
    order = paging.order_by(INVOICE_SORTS, "issued") if paging.sort else "v.issued_on DESC"
    found = await db.rows(
        f"{INVOICES_OF_PARTY} ORDER BY {order}, v.id DESC LIMIT :size OFFSET :offset",
        party_id=party_id,
        order_id=order_id,
        open_only=open_only,
        search=search.lower().strip(),
        due_before=due_before,
        since=since,
        until=until,
        size=paging.size,
        offset=paging.offset,
    )
    return db.page_of(InvoiceRow, found, paging)


async def invoice(invoice_id: UUID) -> Invoice:
    return await db.one_as(Invoice, INVOICE, id=invoice_id)


async def invoice_lines(invoice_id: UUID) -> list[db.Row]:
    return await db.rows(INVOICE_LINES, id=invoice_id)


async def allocations_of(item_id: UUID) -> list[db.Row]:
    return await db.rows(ALLOCATIONS, item_id=item_id)

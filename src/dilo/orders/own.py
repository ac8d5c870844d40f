"""A company's own orders as it looks at them: the list with its filters, the papers of one order,
what of each line is reserved and what is awaited."""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from uuid import UUID

from dilo.kit import db
from dilo.kit.paging import Page, Paging

LIST = """
SELECT t.*, count(*) OVER () AS total_rows FROM (
  SELECT o.id, o.number, o.state, o.door, o.currency, o.total, o.shipped_amount, o.created_at,
    o.ship_on, o.placed_by, o.comment, o.reference,
    (SELECT count(*) FROM sales_order_line l WHERE l.order_id = o.id) AS line_count,
    (SELECT coalesce(sum(v.total - i.open_amount), 0) FROM invoice v
     JOIN open_item i ON i.document_id = v.id WHERE v.order_id = o.id AND v.kind = 'invoice')
      AS paid_amount
  FROM sales_order o
  WHERE o.party_id = :party_id
    AND (:state = '' OR o.state = :state
      OR :state = 'open' AND o.state NOT IN ('closed', 'cancelled', 'shipped'))
    AND (:who = '' OR o.placed_by = :who)
    AND (CAST(:since AS date) IS NULL OR o.created_at >= :since)
    AND (CAST(:until AS date) IS NULL OR o.created_at < CAST(:until AS date) + 1)
    AND (:search = '' OR strpos(lower(o.number), :search) > 0
      OR strpos(lower(concat_ws(' ', o.reference, o.comment)), :search) > 0
      OR EXISTS (SELECT 1 FROM sales_order_line l JOIN product g ON g.id = l.product_id
        WHERE l.order_id = o.id AND strpos(g.search, :search) > 0))) t
"""
SORTS = {
    "created": "t.created_at",
    "number": "t.number",
    "total": "t.total",
    "state": "t.state",
    "who": "t.placed_by",
}
BUYERS = """
SELECT DISTINCT placed_by FROM sales_order WHERE party_id = :party_id ORDER BY 1 LIMIT 100
"""
PAPERS = """
SELECT v.id, v.number, v.kind, v.issued_on, v.due_on, v.total, v.currency, i.open_amount
FROM invoice v LEFT JOIN open_item i ON i.document_id = v.id
WHERE v.order_id = :order_id ORDER BY v.issued_on, v.number
"""
RESERVED = """
SELECT l.id, coalesce(r.quantity, 0) AS quantity FROM sales_order_line l
LEFT JOIN reservation r ON r.source_id = l.id WHERE l.order_id = :order_id
"""


@dataclass(frozen=True, slots=True)
class OwnOrder:
    id: UUID
    number: str
    state: str
    door: str
    currency: str
    total: Decimal
    shipped_amount: Decimal
    created_at: datetime
    ship_on: date | None
    placed_by: str
    comment: str | None
    reference: str | None
    line_count: int
    paid_amount: Decimal


async def own_orders(
    paging: Paging,
    party_id: UUID,
    *,
    search: str = "",
    state: str = "",
    who: str = "",
    since: date | None = None,
    until: date | None = None,
) -> Page[OwnOrder]:
    """``search``: a number, a word of the comment, a code or a name among the goods."""
    order = paging.order_by(SORTS, "created") if paging.sort else "t.created_at DESC"
    found = await db.rows(
        f"{LIST} ORDER BY {order}, t.id DESC LIMIT :size OFFSET :offset",
        party_id=party_id,
        search=search.lower().strip(),
        state=state,
        who=who,
        since=since,
        until=until,
        size=paging.size,
        offset=paging.offset,
    )
    return db.page_of(OwnOrder, found, paging)


async def buyers_of(party_id: UUID) -> list[str]:
    """Who has placed orders for a company."""
    return [row["placed_by"] for row in await db.rows(BUYERS, party_id=party_id)]


async def papers_of(order_id: UUID) -> list[db.Row]:
    """Invoices and credit notes of an order."""
    return await db.rows(PAPERS, order_id=order_id)


async def reserved_of(order_id: UUID) -> dict[UUID, Decimal]:
    """What is set aside for each line."""
    return {row["id"]: row["quantity"] for row in await db.rows(RESERVED, order_id=order_id)}

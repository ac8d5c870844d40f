"""Reads of orders: the page, the list, and the facts a decision is made of."""

from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import msgspec

from dilo.catalogue.rules import StockView
from dilo.kit import db
from dilo.kit.paging import Page, Paging
from dilo.orders.facts import Verdict
from dilo.orders.outward import outward

TERMS = """
SELECT p.id AS party_id, p.name AS party_name, p.currency, p.segment, p.city,
  p.closed_at IS NOT NULL AS closed, p.parent_id IS NOT NULL AS is_member,
  g.id AS agreement_id, g.minimum_order, coalesce(g.credit_days, c.depth_days, 0) AS credit_days,
  CASE WHEN c.id IS NULL THEN 0 ELSE c.limit_amount END + extra_limit(p.id, :on) AS limit_amount,
  coalesce(c.grace_days, 0) AS grace_days, coalesce(c.tolerance_amount, 0) AS tolerance_amount,
  coalesce(c.deposit_amount, 0) + secured_amount(p.id, :on) AS deposit_amount,
  coalesce(c.stop_shipments, false) AS stop_shipments, w.id AS warehouse_id,
  EXISTS (SELECT 1 FROM spending_limit WHERE party_id = p.id)
    OR EXISTS (SELECT 1 FROM approval_step WHERE party_id = p.id) AS has_buying_rules,
  coalesce(p.stock_view, (SELECT value ->> 'view' FROM setting WHERE name = 'stock_view'), 'exact')
    AS stock_view
FROM party p
LEFT JOIN credit_policy c ON c.party_id = p.id
LEFT JOIN LATERAL (
  SELECT id, minimum_order, credit_days FROM agreement a
  WHERE a.party_id = p.id AND a.valid_from <= :on AND (a.valid_to IS NULL OR a.valid_to >= :on)
  ORDER BY a.valid_from DESC, a.number LIMIT 1) g ON true
LEFT JOIN warehouse w ON w.closed_at IS NULL
  AND CASE WHEN CAST(:warehouse_id AS uuid) IS NULL THEN w.is_default ELSE w.id = :warehouse_id END
WHERE p.id = :party_id
"""
ASKER = """
SELECT u.identity_id FROM sales_order o
JOIN portal_user u ON u.identity_id = o.placed_by_id AND u.party_id = o.party_id WHERE o.id = :id
"""
HEAD = """
SELECT o.id, o.number, o.party_id, p.name AS party_name, p.code AS party_code, o.agreement_id,
  o.warehouse_id, w.name AS warehouse_name, o.state, o.door, o.currency, o.total,
  o.shipped_amount, o.invoiced_amount, o.ship_on, o.comment, o.placed_by,
  o.placed_by_id, o.version, o.created_at,
  o.submitted_at, o.confirmed_at, o.cancelled_at, o.cancel_reason, o.reference, o.delivery_method,
  o.delivery_to, o.shortage
FROM sales_order o JOIN party p ON p.id = o.party_id JOIN warehouse w ON w.id = o.warehouse_id
"""
LOCKED_HEAD = f"{HEAD} WHERE o.id = :id FOR UPDATE OF o"
LINES = """
SELECT l.id, l.line_no, l.product_id, p.code, p.name, p.kind, l.quantity, l.unit, l.price,
  l.price_source, l.amount, l.shipped_quantity, l.invoiced_quantity, l.returned_quantity,
  l.comment, f.floor, coalesce(s.on_hand - s.reserved, 0) AS available,
  coalesce(b.quantity, 0) AS waiting
FROM sales_order_line l
JOIN sales_order o ON o.id = l.order_id
JOIN product p ON p.id = l.product_id
LEFT JOIN price_floor f ON f.product_id = l.product_id AND f.currency = o.currency
LEFT JOIN stock_level s ON s.product_id = l.product_id AND s.warehouse_id = o.warehouse_id
LEFT JOIN back_order b ON b.source_id = l.id
WHERE l.order_id = :id ORDER BY l.line_no
"""
LIST = """
SELECT t.*, count(*) OVER () AS total_rows FROM (
  SELECT o.id, o.number, o.party_id, p.name AS party_name, p.code AS party_code, o.state, o.door,
    o.currency, o.total, o.shipped_amount, o.invoiced_amount, o.created_at, o.ship_on, o.placed_by,
    (SELECT count(*) FROM sales_order_line l WHERE l.tenant_id = o.tenant_id AND l.order_id = o.id)
      AS line_count,
    (SELECT coalesce(sum(v.total - i.open_amount), 0) FROM invoice v
       JOIN open_item i ON i.document_id = v.id
       WHERE v.order_id = o.id AND v.kind = 'invoice') AS paid_amount
  FROM sales_order o JOIN party p ON p.id = o.party_id
  WHERE (CAST(:party_id AS uuid) IS NULL OR o.party_id = :party_id)
    AND (:state = '' OR o.state = :state
         OR :state = 'open' AND o.state NOT IN ('closed', 'cancelled', 'shipped'))
    AND (:door = '' OR o.door = :door)
    AND (:search = '' OR strpos(lower(o.number), :search) > 0 OR strpos(p.search, :search) > 0)
    AND (CAST(:since AS date) IS NULL OR o.created_at >= :since)
    AND (CAST(:until AS date) IS NULL OR o.created_at < CAST(:until AS date) + 1)
  ORDER BY {order} LIMIT 20000) t LIMIT :size OFFSET :offset
"""
COUNTS = """
SELECT state, count(*) AS orders FROM sales_order
WHERE CAST(:party_id AS uuid) IS NULL OR party_id = :party_id GROUP BY state
"""
SORTS = {
    "created": "o.created_at",
    "number": "o.number",
    "party": "p.name",
    "total": "o.total",
    "state": "o.state",
}
LAST_EVALUATION = """
SELECT e.stage, e.verdicts, p.parent_id IS NOT NULL AS is_member, coalesce(p.stock_view,
  (SELECT value ->> 'view' FROM setting WHERE name = 'stock_view'), 'exact') AS stock_view
FROM evaluation e JOIN sales_order o ON o.id = e.order_id JOIN party p ON p.id = o.party_id
WHERE e.order_id = :id ORDER BY e.evaluated_at DESC, e.id DESC LIMIT 1
"""
AT_DOCK = """
SELECT verdicts FROM evaluation WHERE shipment_id = :id ORDER BY evaluated_at DESC, id DESC LIMIT 1
"""
OVERRIDES = """
SELECT v.id, v.gates, v.amount, v.reason, v.state, v.expires_at, v.requested_at, v.decided_at,
  v.used_at, v.requested_by, r.name AS requested_name, d.name AS decided_name
FROM credit_override v JOIN identity r ON r.id = v.requested_by
LEFT JOIN identity d ON d.id = v.decided_by
WHERE v.order_id = :id ORDER BY v.requested_at DESC
"""
STANDING_OVERRIDES = """
SELECT id, gates, amount FROM credit_override
WHERE order_id = :id AND state IN ('approved', 'used') AND expires_at > :now
"""
SHIPMENTS = """
SELECT s.id, s.number, s.state, s.total, s.created_at, s.dispatched_on, v.id AS invoice_id,
  v.number AS invoice_number
FROM shipment s LEFT JOIN invoice v ON v.shipment_id = s.id AND v.kind = 'invoice'
WHERE s.order_id = :id ORDER BY s.created_at
"""
RETURNS = """
SELECT r.id, r.number, r.total, r.reason, r.returned_on, r.credit_note_id, v.number AS note_number
FROM sales_return r LEFT JOIN invoice v ON v.id = r.credit_note_id
WHERE r.order_id = :id ORDER BY r.created_at
"""
PENDING_OVERRIDES = """
SELECT v.id, v.order_id, o.number, p.name AS party_name, v.gates, v.amount, v.reason,
  v.requested_at, v.expires_at, r.name AS requested_name, v.requested_by
FROM credit_override v JOIN sales_order o ON o.id = v.order_id JOIN party p ON p.id = o.party_id
JOIN identity r ON r.id = v.requested_by
WHERE v.state = 'requested' AND v.expires_at > :now ORDER BY v.requested_at LIMIT 100
"""


@dataclass(frozen=True, slots=True)
class Terms:
    """What a party may buy on: currency, agreement, credit policy, default warehouse."""

    party_id: UUID
    party_name: str
    currency: str
    segment: str | None
    city: str | None
    closed: bool
    agreement_id: UUID | None
    minimum_order: Decimal | None
    credit_days: int
    limit_amount: Decimal | None
    grace_days: int
    tolerance_amount: Decimal
    deposit_amount: Decimal
    stop_shipments: bool
    warehouse_id: UUID | None
    has_buying_rules: bool
    is_member: bool = False
    stock_view: StockView = "exact"


@dataclass(frozen=True, slots=True)
class OrderHead:
    id: UUID
    number: str
    party_id: UUID
    party_name: str
    party_code: str
    agreement_id: UUID | None
    warehouse_id: UUID
    warehouse_name: str
    state: str
    door: str
    currency: str
    total: Decimal
    shipped_amount: Decimal
    invoiced_amount: Decimal
    ship_on: date | None
    comment: str | None
    placed_by: str
    placed_by_id: UUID | None
    version: int
    created_at: datetime
    submitted_at: datetime | None
    confirmed_at: datetime | None
    cancelled_at: datetime | None
    cancel_reason: str | None
    reference: str | None
    delivery_method: str | None
    delivery_to: str | None
    shortage: str


@dataclass(frozen=True, slots=True)
class OrderLine:
    id: UUID
    line_no: int
    product_id: UUID
    code: str
    name: str
    kind: str
    quantity: Decimal
    unit: str
    price: Decimal
    price_source: dict[str, Any]
    amount: Decimal
    shipped_quantity: Decimal
    invoiced_quantity: Decimal
    returned_quantity: Decimal
    comment: str | None
    floor: Decimal | None
    available: Decimal
    waiting: Decimal

    @property
    def left(self) -> Decimal:
        return self.quantity - self.shipped_quantity

    @property
    def to_ship(self) -> Decimal:
        """What may leave now: what is left without what waits for goods."""
        return self.left - self.waiting

    @property
    def returnable(self) -> Decimal:
        return self.invoiced_quantity - self.returned_quantity


@dataclass(frozen=True, slots=True)
class OrderRow:
    id: UUID
    number: str
    party_id: UUID
    party_name: str
    party_code: str
    state: str
    door: str
    currency: str
    total: Decimal
    shipped_amount: Decimal
    invoiced_amount: Decimal
    created_at: datetime
    ship_on: date | None
    placed_by: str
    line_count: int
    paid_amount: Decimal

    @property
    def paid_share(self) -> int:
        return int(100 * self.paid_amount / self.total) if self.total else 0


@dataclass(frozen=True, slots=True)
class Order:
    """An order with all that its page shows."""

    head: OrderHead
    lines: list[OrderLine]
    verdicts: list[Verdict] = field(default_factory=list)
    stage: str | None = None
    overrides: list[db.Row] = field(default_factory=list)
    shipments: list[db.Row] = field(default_factory=list)
    returns: list[db.Row] = field(default_factory=list)


async def terms_of(party_id: UUID, on: date, warehouse_id: UUID | None = None) -> Terms:
    return await db.one_as(Terms, TERMS, party_id=party_id, on=on, warehouse_id=warehouse_id)


async def order_head(order_id: UUID) -> OrderHead:
    return await db.one_as(OrderHead, f"{HEAD} WHERE o.id = :id", id=order_id)


async def asker_or_none(order_id: UUID) -> UUID | None:
    """Who of the client's own people placed it, if he is one of them still."""
    return await db.value(ASKER, id=order_id)


async def order_of_number(number: str) -> OrderHead:
    return await db.one_as(OrderHead, f"{HEAD} WHERE o.number = :number", number=number)


async def locked_head(order_id: UUID) -> OrderHead:
    return await db.one_as(OrderHead, LOCKED_HEAD, id=order_id)


async def order_lines(order_id: UUID) -> list[OrderLine]:
    return await db.rows_as(OrderLine, LINES, id=order_id)


async def order(order_id: UUID, *, inside: bool = False) -> Order:
    """``inside``: for colleagues, who are told the stock to the piece."""
    head = await order_head(order_id)
    last = await db.one_or_none(LAST_EVALUATION, id=order_id)
    return Order(
        head=head,
        lines=await order_lines(order_id),
        verdicts=_told(last, inside) if last else [],
        stage=last["stage"] if last else None,
        overrides=await db.rows(OVERRIDES, id=order_id),
        shipments=await db.rows(SHIPMENTS, id=order_id),
        returns=await db.rows(RETURNS, id=order_id),
    )


async def last_verdicts(order_id: UUID, *, inside: bool = False) -> list[Verdict]:
    """``inside``: for colleagues, who are told the stock to the piece."""
    last = await db.one_or_none(LAST_EVALUATION, id=order_id)
    return _told(last, inside) if last else []


def _told(last: db.Row, inside: bool) -> list[Verdict]:
    verdicts = read_verdicts(last["verdicts"])
    return verdicts if inside else outward(verdicts, last["stock_view"], last["is_member"])


async def verdicts_at_dock(shipment_id: UUID) -> list[Verdict]:
    """What the gates said of a shipment last, as colleagues are told."""
    last = await db.one_or_none(AT_DOCK, id=shipment_id)
    return read_verdicts(last["verdicts"]) if last else []


async def pending_overrides(now: datetime) -> list[db.Row]:
    return await db.rows(PENDING_OVERRIDES, now=now)


async def orders(
    paging: Paging,
    *,
    party_id: UUID | None = None,
    state: str = "",
    door: str = "",
    search: str = "",
    since: date | None = None,
    until: date | None = None,
) -> Page[OrderRow]:
    order_by = paging.order_by(SORTS, "created") if paging.sort else "o.created_at DESC"
    found = await db.rows(
        LIST.format(order=f"{order_by}, o.id DESC"),
        party_id=party_id,
        state=state,
        door=door,
        search=search.lower().strip(),
        since=since,
        until=until,
        size=paging.size,
        offset=paging.offset,
    )
    return db.page_of(OrderRow, found, paging)


async def counts_by_state(party_id: UUID | None = None) -> dict[str, int]:
    return {row["state"]: row["orders"] for row in await db.rows(COUNTS, party_id=party_id)}


def read_verdicts(stored: list[Any]) -> list[Verdict]:
    """Verdicts as they were kept, their figures typed again by the unit that ends the name."""
    verdicts = msgspec.convert(stored, list[Verdict])
    for verdict in verdicts:
        for figures in (verdict.figures, *verdict.evidence, *(r.figures for r in verdict.remedies)):
            figures.update({name: _typed(name, value) for name, value in figures.items()})
    return verdicts


def _typed(name: str, value: Any) -> Any:
    if not isinstance(value, str):
        return value
    if name.endswith("_amount"):
        return Decimal(value).quantize(Decimal("0.01"))
    if name.endswith("_quantity") or name in ("price", "floor"):
        return Decimal(value)
    return date.fromisoformat(value) if name.endswith("_on") else value


async def order_of_shipment(shipment_id: UUID) -> UUID:
    return (await db.one("SELECT order_id FROM shipment WHERE id = :id", id=shipment_id))[
        "order_id"
    ]


async def order_of_override(override_id: UUID) -> UUID:
    row = await db.one("SELECT order_id FROM credit_override WHERE id = :id", id=override_id)
    return row["order_id"]

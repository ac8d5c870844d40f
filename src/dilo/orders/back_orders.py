"""Goods that are waited for: when they come, the most important and oldest order gets them."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from dilo.kit import db, i18n, outbox
from dilo.kit.errors import Refusal
from dilo.kit.paging import Page, Paging
from dilo.messaging.channels import Composed, Dropped, Ready
from dilo.orders.actions.decision import own_party
from dilo.orders.queries import locked_head, order_head
from dilo.stock.actions import lock_levels
from tenants import audit
from tenants.actors import Actor

KIND = "goods_came"
# One statement for all that came. The levels are locked before it, in product order.
ALLOCATE = """
WITH waiting AS MATERIALIZED (
  SELECT b.id, b.source_id, b.product_id, b.quantity, b.since, l.order_id
  FROM back_order b JOIN sales_order_line l ON l.id = b.source_id
  WHERE b.warehouse_id = :warehouse_id AND b.product_id = ANY(:products)
  ORDER BY b.source_id FOR UPDATE OF b),
queue AS (
  SELECT w.id, w.source_id, w.product_id, w.order_id, w.quantity, s.on_hand - s.reserved AS free,
    sum(w.quantity) OVER (PARTITION BY w.product_id ORDER BY p.priority, w.since, w.source_id)
      - w.quantity AS before
  FROM waiting w JOIN sales_order o ON o.id = w.order_id JOIN party p ON p.id = o.party_id
  JOIN stock_level s ON s.product_id = w.product_id AND s.warehouse_id = :warehouse_id),
given AS (
  SELECT id || '/' || quantity AS fact, source_id, product_id, order_id,
    least(quantity, free - before) AS quantity
  FROM queue WHERE before < free),
served AS (
  DELETE FROM back_order b USING given g
  WHERE b.source_id = g.source_id AND b.quantity = g.quantity),
lessened AS (
  UPDATE back_order b SET quantity = b.quantity - g.quantity FROM given g
  WHERE b.source_id = g.source_id AND b.quantity > g.quantity),
kept AS (
  INSERT INTO reservation AS r (source_id, product_id, warehouse_id, quantity)
  SELECT source_id, product_id, :warehouse_id, quantity FROM given
  ON CONFLICT (tenant_id, source_id) DO UPDATE SET quantity = r.quantity + excluded.quantity),
moved AS (
  UPDATE stock_level s SET reserved = s.reserved + g.quantity
  FROM (SELECT product_id, sum(quantity) AS quantity FROM given GROUP BY product_id) g
  WHERE s.warehouse_id = :warehouse_id AND s.product_id = g.product_id)
SELECT g.order_id, o.party_id, o.number, count(*) AS lines,
  md5(string_agg(g.fact, ',' ORDER BY g.fact)) AS fact
FROM given g JOIN sales_order o ON o.id = g.order_id
GROUP BY g.order_id, o.party_id, o.number ORDER BY o.number
"""
TOLD = """
SELECT o.number, o.state, (SELECT count(*) FROM back_order b
  JOIN sales_order_line l ON l.id = b.source_id WHERE l.order_id = o.id) AS waiting
FROM sales_order o WHERE o.id = :id
"""
LIST = """
SELECT b.source_id, b.quantity, b.since, o.id AS order_id, o.number, o.shortage, p.id AS party_id,
  p.name AS party_name, p.priority, g.id AS product_id, g.code, g.name, g.unit,
  w.name AS warehouse, l.quantity AS ordered, count(*) OVER () AS total_rows
FROM back_order b JOIN sales_order_line l ON l.id = b.source_id
JOIN sales_order o ON o.id = l.order_id JOIN party p ON p.id = o.party_id
JOIN product g ON g.id = b.product_id JOIN warehouse w ON w.id = b.warehouse_id
WHERE (CAST(:party_id AS uuid) IS NULL OR o.party_id = :party_id)
  AND (:search = '' OR strpos(g.search, :search) > 0 OR strpos(lower(o.number), :search) > 0
       OR strpos(p.search, :search) > 0)
ORDER BY {order} LIMIT :size OFFSET :offset
"""
SORTS = {
    "product": "g.code",
    "party": "p.name",
    "since": "b.since",
    "quantity": "b.quantity",
    "order": "o.number",
}
IN_PARTS = "UPDATE sales_order SET shortage = 'parts', version = version + 1 WHERE id = :id"


@dataclass(frozen=True, slots=True)
class Waiting:
    """A line, or the part of one, whose goods have not come yet."""

    source_id: UUID
    quantity: Decimal
    since: datetime
    order_id: UUID
    number: str
    shortage: str
    party_id: UUID
    party_name: str
    priority: int
    product_id: UUID
    code: str
    name: str
    unit: str
    warehouse: str
    ordered: Decimal


async def allocate(warehouse_id: UUID, products: list[UUID]) -> list[db.Row]:
    """Free goods go to those who wait. Returns the orders that got something; each is told."""
    await lock_levels(warehouse_id, products)
    served = await db.rows(ALLOCATE, warehouse_id=warehouse_id, products=products)
    for order in served:
        await _tell(order)
    return served


async def _tell(order: db.Row) -> None:
    """The sender falls back from the chat to the next channel by itself."""
    await outbox.put(
        "telegram",
        KIND,
        f"{KIND}:{order['order_id']}:{order['fact']}",
        {"order_id": str(order["order_id"])},
        party_id=order["party_id"],
    )


async def on_stock(payload: dict[str, Any]) -> None:
    await allocate(UUID(payload["warehouse_id"]), [UUID(one) for one in payload["products"]])


async def compose(
    payload: dict[str, Any],
    channel: str,  # noqa: ARG001
    party_id: UUID | None,  # noqa: ARG001
) -> Composed:
    """Nothing of an order that was cancelled or has left by then."""
    order = await db.one_or_none(TOLD, id=UUID(payload["order_id"]))
    if order is None or order["state"] not in ("confirmed", "partially_shipped"):
        return Dropped("DECIDED")
    key = "goods_came:part" if order["waiting"] else "goods_came:whole"
    text = i18n.say(key, number=order["number"], lines=order["waiting"])
    return Ready(text, i18n.say("goods_came:subject", number=order["number"]))


async def back_orders(
    paging: Paging, *, party_id: UUID | None = None, search: str = ""
) -> Page[Waiting]:
    """What is waited for; without a party, everybody's."""
    order = paging.order_by(SORTS, "since") if paging.sort else "p.priority, b.since"
    found = await db.rows(
        LIST.format(order=f"{order}, b.source_id"),
        party_id=party_id,
        search=search.lower().strip(),
        size=paging.size,
        offset=paging.offset,
    )
    return db.page_of(Waiting, found, paging)


async def ship_in_parts(actor: Actor, order_id: UUID) -> None:
    """The buyer, or staff for him, no longer wants everything at once.

    Raises FORBIDDEN, NOT_FOUND, WRONG_STATE.
    """
    actor.require("orders.edit")
    own_party(actor, (await order_head(order_id)).party_id)
    head = await locked_head(order_id)
    if head.shortage != "together" or head.state not in ("confirmed", "partially_shipped"):
        raise Refusal("WRONG_STATE", number=head.number, state=head.state)
    await db.execute(IN_PARTS, id=order_id)
    await audit.note(actor, "orders.in_parts", "sales_order", order_id)

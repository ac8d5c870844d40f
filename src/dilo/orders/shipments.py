"""All shipments as the warehouse and the dispatcher look for them."""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from uuid import UUID

import msgspec

from dilo.kit import db
from dilo.kit.paging import Page, Paging
from tenants.scope import current_tenant

STATES = tuple("planned held dispatched in_transit failed delivered returned cancelled".split())
MOVING = ["dispatched", "in_transit", "failed"]
MOST = 20_000
LIST = """
SELECT t.*, count(*) OVER () AS total_rows FROM (
  SELECT s.id, s.number, s.order_id, o.number AS order_number, s.party_id, p.name AS party_name,
    w.name AS warehouse, s.state, s.currency, s.total, s.created_at, s.dispatched_on,
    c.name AS carrier, s.tracking_number, s.expected_on, s.delivered_at,
    coalesce(s.expected_on < :on AND s.state = ANY(:moving), false) AS late
  FROM shipment s JOIN sales_order o ON o.id = s.order_id JOIN party p ON p.id = s.party_id
  JOIN warehouse w ON w.id = s.warehouse_id LEFT JOIN carrier c ON c.id = s.carrier_id
  WHERE (:state = '' OR s.state = :state
      OR :state = 'open' AND s.state NOT IN ('delivered', 'returned', 'cancelled')
      OR :state = 'late' AND s.state = ANY(:moving) AND s.expected_on < :on)
    AND (CAST(:carrier_id AS uuid) IS NULL OR s.carrier_id = :carrier_id)
    AND (CAST(:owner_id AS uuid) IS NULL OR p.owner_id = :owner_id)
    AND (CAST(:since AS date) IS NULL OR s.dispatched_on >= :since)
    AND (CAST(:until AS date) IS NULL OR s.dispatched_on <= :until)
    AND (:search = '' OR strpos(lower(s.number), :search) > 0
      OR strpos(lower(o.number), :search) > 0 OR strpos(p.search, :search) > 0
      OR strpos(lower(s.tracking_number), :search) > 0)
  ORDER BY {order}, s.id DESC LIMIT {most}) t LIMIT :size OFFSET :offset
"""
SORTS = {
    "created": "s.created_at",
    "number": "s.number",
    "party": "p.name",
    "carrier": "c.name",
    "dispatched": "s.dispatched_on",
    "expected": "s.expected_on",
    "total": "s.total",
}


class Wanted(msgspec.Struct, frozen=True):
    """``state``: one of STATES, or ``open``, or ``late`` (on the road past its day)."""

    search: str = ""
    state: str = ""
    carrier_id: UUID | None = None
    owner_id: UUID | None = None
    since: date | None = None
    until: date | None = None


@dataclass(frozen=True, slots=True)
class Listed:
    id: UUID
    number: str
    order_id: UUID
    order_number: str
    party_id: UUID
    party_name: str
    warehouse: str
    state: str
    currency: str
    total: Decimal
    created_at: datetime
    dispatched_on: date | None
    carrier: str | None
    tracking_number: str | None
    expected_on: date | None
    delivered_at: datetime | None
    late: bool


async def shipments(paging: Paging, wanted: Wanted) -> Page[Listed]:
    """The newest first unless another order is asked for."""
    order_by = paging.order_by(SORTS, "created") if paging.sort else "s.created_at DESC"
    found = await db.rows(
        LIST.format(order=order_by, most=MOST),
        **msgspec.structs.asdict(wanted) | {"search": wanted.search.lower().strip()},
        moving=MOVING,
        on=current_tenant().today(),
        size=paging.size,
        offset=paging.offset,
    )
    return db.page_of(Listed, found, paging)

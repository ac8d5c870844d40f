"""Changing stock. Levels are locked in product order; moves are append-only; nothing goes below
zero."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from uuid import UUID

from dilo.kit import db
from dilo.kit.errors import NotFound, Refusal
from dilo.kit.money import ZERO
from dilo.kit.outbox import tell
from tenants import audit
from tenants.actors import Actor

# ``awaited``: goods that have come are spoken for by those who wait, before they are given out.
# Of a level ``s``: what others wait for, who come before a new order.
AWAITED = """coalesce((SELECT sum(b.quantity) FROM back_order b
    WHERE b.product_id = s.product_id AND b.warehouse_id = s.warehouse_id), 0)"""
LOCK = f"""
SELECT s.product_id, s.on_hand, s.reserved, {AWAITED} AS awaited
FROM stock_level s WHERE s.warehouse_id = :warehouse_id AND s.product_id = ANY(:products)
ORDER BY s.product_id FOR UPDATE OF s
"""
RESERVE = """
WITH wanted AS (
  SELECT * FROM unnest(:sources::uuid[], :products::uuid[], :quantities::numeric[])
    AS w(source_id, product_id, quantity)),
kept AS (
  INSERT INTO reservation (source_id, product_id, warehouse_id, quantity)
  SELECT source_id, product_id, :warehouse_id, quantity FROM wanted)
UPDATE stock_level s SET reserved = s.reserved + w.quantity
FROM (SELECT product_id, sum(quantity) AS quantity FROM wanted GROUP BY product_id) w
WHERE s.warehouse_id = :warehouse_id AND s.product_id = w.product_id
  AND s.on_hand - s.reserved >= w.quantity
"""
# What is not on the shelf waits for it; the oldest of the most important party is served first.
WAIT = """
INSERT INTO back_order (source_id, product_id, warehouse_id, quantity)
SELECT source_id, product_id, :warehouse_id, quantity
FROM unnest(:sources::uuid[], :products::uuid[], :quantities::numeric[])
  AS w(source_id, product_id, quantity)
"""
STOP_WAITING = "DELETE FROM back_order WHERE source_id = ANY(:sources)"
WAITED_FOR = """
SELECT DISTINCT product_id FROM back_order
WHERE warehouse_id = :warehouse_id AND product_id = ANY(:products)
"""
RELEASED_GOODS = """
SELECT DISTINCT r.warehouse_id, r.product_id FROM reservation r
JOIN back_order b ON b.product_id = r.product_id AND b.warehouse_id = r.warehouse_id
WHERE r.source_id = ANY(:sources) AND b.source_id <> ALL(:sources)
"""
RELEASE = """
WITH freed AS (DELETE FROM reservation WHERE source_id = ANY(:sources)
               RETURNING product_id, warehouse_id, quantity)
UPDATE stock_level s SET reserved = s.reserved - f.quantity
FROM (SELECT product_id, warehouse_id, sum(quantity) AS quantity FROM freed
      GROUP BY product_id, warehouse_id) f
WHERE s.warehouse_id = f.warehouse_id AND s.product_id = f.product_id
"""
LESSEN = """
WITH gone AS (
  SELECT * FROM unnest(:sources::uuid[], :products::uuid[], :quantities::numeric[])
    AS g(source_id, product_id, quantity)),
emptied AS (
  DELETE FROM reservation r USING gone g
  WHERE r.source_id = g.source_id AND r.quantity = g.quantity),
lessened AS (
  UPDATE reservation r SET quantity = r.quantity - g.quantity FROM gone g
  WHERE r.source_id = g.source_id AND r.quantity > g.quantity),
moved AS (
  INSERT INTO stock_move (product_id, warehouse_id, quantity, reason, source_id)
  SELECT product_id, :warehouse_id, -quantity, 'shipment', :shipment_id FROM gone)
UPDATE stock_level s SET on_hand = s.on_hand - g.quantity, reserved = s.reserved - g.quantity
FROM (SELECT product_id, sum(quantity) AS quantity FROM gone GROUP BY product_id) g
WHERE s.warehouse_id = :warehouse_id AND s.product_id = g.product_id
"""
RECEIVE = """
WITH came AS (
  SELECT * FROM unnest(:products::uuid[], :quantities::numeric[]) AS c(product_id, quantity)),
moved AS (
  INSERT INTO stock_move (product_id, warehouse_id, quantity, reason, source_id)
  SELECT product_id, :warehouse_id, quantity, :reason, :source_id FROM came)
INSERT INTO stock_level AS s (product_id, warehouse_id, on_hand)
SELECT product_id, :warehouse_id, sum(quantity) FROM came GROUP BY product_id ORDER BY product_id
ON CONFLICT (tenant_id, product_id, warehouse_id) DO UPDATE SET on_hand = s.on_hand +
  excluded.on_hand
"""

WAREHOUSES = (
    "SELECT id, code, name, is_default FROM warehouse WHERE closed_at IS NULL ORDER BY name"
)
OPEN_OF_CODE = "SELECT id FROM warehouse WHERE code = :code AND closed_at IS NULL"
NEW_WAREHOUSE = """
INSERT INTO warehouse (code, name, is_default)
VALUES (:code, :name, NOT EXISTS (SELECT 1 FROM warehouse WHERE is_default)) RETURNING id
"""


Kept = Mapping[UUID, Decimal]


@dataclass(frozen=True, slots=True)
class Level:
    product_id: UUID
    on_hand: Decimal
    reserved: Decimal
    awaited: Decimal = ZERO

    @property
    def free(self) -> Decimal:
        return self.on_hand - self.reserved

    @property
    def available(self) -> Decimal:
        """For a new order: what is free and nobody waits for."""
        return max(self.free - max(self.awaited, ZERO), ZERO)


@dataclass(frozen=True, slots=True)
class Wanted:
    """``source_id`` is the order line the goods are for."""

    source_id: UUID
    product_id: UUID
    quantity: Decimal


async def lock_levels(
    warehouse_id: UUID, products: Iterable[UUID], kept: Kept | None = None
) -> dict[UUID, Level]:
    """``kept``: what was set aside for the asker until just now; nobody who waits comes before
    him for that."""
    found = await db.rows_as(Level, LOCK, warehouse_id=warehouse_id, products=sorted(set(products)))
    before = kept or {}
    return {
        level.product_id: replace(level, awaited=level.awaited - before.get(level.product_id, ZERO))
        for level in found
    }


async def reserve(warehouse_id: UUID, wanted: Sequence[Wanted]) -> None:
    """All or nothing. The levels must be locked. Raises STOCK_SHORT."""
    if not wanted:
        return
    touched = await db.execute(RESERVE, warehouse_id=warehouse_id, **_columns(wanted))
    if touched != len({one.product_id for one in wanted}):
        raise Refusal("STOCK_SHORT")


async def reserve_or_wait(
    warehouse_id: UUID, wanted: Sequence[Wanted], levels: Mapping[UUID, Level]
) -> None:
    """What is on the shelf is reserved, the rest waits. ``levels`` are those just locked."""
    now, later = split(wanted, levels)
    await reserve(warehouse_id, now)
    if later:
        await db.execute(WAIT, warehouse_id=warehouse_id, **_columns(later))


def split(
    wanted: Sequence[Wanted], levels: Mapping[UUID, Level]
) -> tuple[list[Wanted], list[Wanted]]:
    """What the shelf gives to each in turn, and what each has to wait for."""
    left = {product_id: level.available for product_id, level in levels.items()}
    now: list[Wanted] = []
    later: list[Wanted] = []
    for one in wanted:
        given = min(one.quantity, left.get(one.product_id, ZERO))
        left[one.product_id] = left.get(one.product_id, ZERO) - given
        if given:
            now.append(Wanted(one.source_id, one.product_id, given))
        if given < one.quantity:
            later.append(Wanted(one.source_id, one.product_id, one.quantity - given))
    return now, later


async def release(sources: Sequence[UUID]) -> int:
    """Frees what the order lines held or waited for; whoever waits for the same goods is told.

    Returns how many levels changed."""
    if not sources:
        return 0
    await db.execute(STOP_WAITING, sources=list(sources))
    freed = await db.rows(RELEASED_GOODS, sources=list(sources))
    changed = await db.execute(RELEASE, sources=list(sources))
    for warehouse_id in {row["warehouse_id"] for row in freed}:
        products = [row["product_id"] for row in freed if row["warehouse_id"] == warehouse_id]
        await _tell(warehouse_id, products)
    return changed


async def _tell(warehouse_id: UUID, products: Sequence[UUID]) -> None:
    await tell(
        "stock_came", warehouse_id=str(warehouse_id), products=[str(one) for one in products]
    )


async def ship(warehouse_id: UUID, shipment_id: UUID, gone: Sequence[Wanted]) -> None:
    """Reserved goods leave. Raises STOCK_SHORT where the shelf does not hold them."""
    if not gone:
        return
    levels = await lock_levels(warehouse_id, [one.product_id for one in gone])
    touched = await db.execute(
        LESSEN, warehouse_id=warehouse_id, shipment_id=shipment_id, **_columns(gone)
    )
    if touched != len({one.product_id for one in gone}) or len(levels) != touched:
        raise Refusal("STOCK_SHORT")


async def receive(
    warehouse_id: UUID,
    came: Sequence[tuple[UUID, Decimal]],
    reason: str,
    source_id: UUID | None = None,
) -> None:
    """Goods come in (opening, receipt, return) or are corrected (adjustment, may be negative)."""
    if not came:
        return
    ordered = sorted(came)
    await lock_levels(warehouse_id, [product_id for product_id, _ in ordered])
    await db.execute(
        RECEIVE,
        warehouse_id=warehouse_id,
        reason=reason,
        source_id=source_id,
        products=[product_id for product_id, _ in ordered],
        quantities=[quantity for _, quantity in ordered],
    )
    more = [product_id for product_id, quantity in ordered if quantity > 0]
    awaited = await db.rows(WAITED_FOR, warehouse_id=warehouse_id, products=more)
    if awaited:
        await _tell(warehouse_id, [row["product_id"] for row in awaited])


def _columns(wanted: Sequence[Wanted]) -> dict[str, list[UUID] | list[Decimal]]:
    return {
        "sources": [one.source_id for one in wanted],
        "products": [one.product_id for one in wanted],
        "quantities": [one.quantity for one in wanted],
    }


async def warehouses() -> list[db.Row]:
    return await db.rows(WAREHOUSES)


async def warehouse_of_code(code: str) -> UUID:
    """Raises NO_WAREHOUSE."""
    found = await db.value(OPEN_OF_CODE, code=code)
    if found is None:
        raise Refusal("NO_WAREHOUSE", status=422)
    return found


async def new_warehouse(code: str, name: str) -> UUID:
    """The first one is the default."""
    return await db.value(NEW_WAREHOUSE, code=code, name=name)


async def adjust(
    actor: Actor, warehouse_id: UUID, product_id: UUID, quantity: Decimal, reason: str
) -> None:
    """A person counts or receives. Raises FORBIDDEN, NOT_FOUND, QUANTITY_BAD, STOCK_SHORT."""
    actor.require("stock.edit")
    good = quantity.is_finite() and 0 < abs(quantity) < 10**9 and quantity == round(quantity, 4)
    if not good or (reason == "receipt" and quantity < 0):
        raise Refusal("QUANTITY_BAD", status=422, product="")
    if not await db.value("SELECT 1 FROM warehouse WHERE id = :id", id=warehouse_id):
        raise NotFound
    levels = await lock_levels(warehouse_id, [product_id])
    if quantity < 0 and (product_id not in levels or levels[product_id].free < -quantity):
        raise Refusal("STOCK_SHORT")
    await receive(warehouse_id, [(product_id, quantity)], reason, actor.id)
    await audit.note(
        actor, f"stock.{reason}", "product", product_id, after={"quantity": str(quantity)}
    )

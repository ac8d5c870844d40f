"""When money comes in, what was held tries the gates again, the oldest first."""

from dataclasses import dataclass, field
from uuid import UUID

from dilo.credit.queries import group_of
from dilo.kit import db
from dilo.kit.errors import Refusal
from dilo.orders.actions.dispatch import release_shipment
from dilo.orders.actions.draft import submit_order
from dilo.orders.commands import Dispatched, Placed
from dilo.orders.queries import terms_of
from dilo.receivables.actions import lock_balance
from dilo.stock.actions import lock_levels
from tenants.actors import SYSTEM
from tenants.scope import current_tenant

HELD_FIRST = """
SELECT id FROM sales_order WHERE party_id = :party_id AND state = 'on_hold'
ORDER BY id IS DISTINCT FROM :first, submitted_at, id LIMIT 100
"""
HELD_SHIPMENTS = """
SELECT id FROM shipment WHERE party_id = :party_id AND state = 'held'
ORDER BY order_id IS DISTINCT FROM :first, created_at, id LIMIT 100
"""
HELD_OF_ORDER = """
SELECT id FROM shipment WHERE order_id = :order_id AND state = 'held' ORDER BY created_at, id
"""
HELD_GOODS = """
SELECT o.warehouse_id, array_agg(DISTINCT l.product_id) AS products
FROM sales_order o JOIN sales_order_line l ON l.order_id = o.id
WHERE o.party_id = :party_id AND (o.state = 'on_hold' OR EXISTS (
  SELECT 1 FROM shipment s WHERE s.order_id = o.id AND s.state = 'held'))
GROUP BY o.warehouse_id ORDER BY o.warehouse_id
"""


@dataclass(frozen=True, slots=True)
class Released:
    """What tried again: some of it may be held still, with the reasons."""

    orders: list[Placed] = field(default_factory=list)
    shipments: list[Dispatched] = field(default_factory=list)


async def lock_for_release(party_id: UUID, currency: str) -> None:
    """Every lock a release needs, before the money takes its numbers: the party, its holding, the
    shelf of what is held. Whoever posts and releases in one transaction begins here."""
    await lock_balance(party_id, currency)
    group = await group_of(party_id, current_tenant().today())
    if group is not None and group.root_id != party_id:
        await lock_balance(group.root_id, currency)
    for row in await db.rows(HELD_GOODS, party_id=party_id):
        await lock_levels(row["warehouse_id"], row["products"])


async def release_of_order(order_id: UUID) -> list[Dispatched]:
    """Its shipments held at the dock try the gates again, the oldest first."""
    released = []
    for row in await db.rows(HELD_OF_ORDER, order_id=order_id):
        try:
            async with db.savepoint():
                released.append(await release_shipment(SYSTEM, row["id"]))
        except Refusal:
            continue
    return released


async def release_held(party_id: UUID, first: UUID | None = None) -> Released:
    """Orders on hold and shipments held at the dock, inside the transaction of the money; what the
    money was paid for (``first``, an order) before what waits longer. What cannot try again
    (cancelled meanwhile) is left alone: it never takes the payment with it."""
    released = Released()
    for row in await db.rows(HELD_SHIPMENTS, party_id=party_id, first=first):
        try:
            async with db.savepoint():
                released.shipments.append(await release_shipment(SYSTEM, row["id"]))
        except Refusal:
            continue
    for row in await db.rows(HELD_FIRST, party_id=party_id, first=first):
        try:
            async with db.savepoint():
                released.orders.append(await submit_order(SYSTEM, row["id"]))
        except Refusal:
            continue
    return released


async def reconsider_held(party_id: UUID) -> Released:
    """After money of any kind (a bank's payment, an advance spent, a bonus): its own transaction
    takes the locks in their order."""
    terms = await terms_of(party_id, current_tenant().today())
    await lock_for_release(party_id, terms.currency)
    return await release_held(party_id)

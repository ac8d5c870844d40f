"""A cart of 20 lines looked at and ordered, one buyer after another: prices promised, gates asked,
goods reserved, order written, cart emptied.

Floor: the rows of such an order by one statement over one connection, nothing decided.
"""

import time
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import asyncpg

from benchmarks.ground import analyze, fresh_tenant, run_in
from benchmarks.orders import FLOOR, PRODUCTS, SETUP
from dilo.kit import db
from dilo.orders import cart, cart_items
from dilo.orders.cart_items import Item
from dilo.run.database import database
from dilo.run.embedded import Servers
from tenants.actors import Actor
from tenants.scope import scope

LINES, SECONDS = 20, 10.0
BUYER = "INSERT INTO identity (email, name) VALUES ('buyer@bench.example', 'B') RETURNING id"
VERBS = frozenset({"orders.edit", "orders.submit"})


async def measure(servers: Servers, scale: float) -> dict[str, Any]:
    seconds = max(2.0, SECONDS * scale)
    async with database(most=4):
        tenant_id = await fresh_tenant(servers, "bench-checkout")
        await run_in(tenant_id, *SETUP)
        async with scope(tenant_id):
            buyer_id = await db.value(BUYER)
            parties = [row["id"] for row in await db.rows("SELECT id FROM party LIMIT 100")]
            goods = [row["id"] for row in await db.rows("SELECT id FROM product ORDER BY code")]
        await analyze(servers)
        floor = await _floor(servers, tenant_id, parties, goods, seconds)
        looks: list[float] = []
        count, started = 0, time.monotonic()
        while time.monotonic() - started < seconds:
            actor = Actor("portal", buyer_id, "B", VERBS, on_behalf_of=parties[count % 100])
            looks.append(await _ours(tenant_id, actor, _few(goods, count), count))
            count += 1
        ours = count / (time.monotonic() - started)
    looks.sort()
    return {
        "ours": ours,
        "floor": floor,
        "unit": "checkouts/s",
        "details": {
            "lines": LINES,
            "orders": count,
            "look_ms": round(1000 * looks[len(looks) // 2], 1),
            "checkout_ms": round(1000 / ours, 1),
        },
    }


def _few(goods: list[UUID], n: int) -> list[UUID]:
    at = n * LINES % (PRODUCTS - LINES)
    return goods[at : at + LINES]


async def _ours(tenant_id: UUID, actor: Actor, few: list[UUID], n: int) -> float:
    """Three requests of a browser, each its own transaction. Returns how long the look took."""
    async with scope(tenant_id):
        await cart_items.put_all(actor, [Item(one, Decimal(5)) for one in few])
    started = time.monotonic()
    async with scope(tenant_id):
        looked = await cart.look(actor)
    took = time.monotonic() - started
    async with scope(tenant_id):
        placed = await cart.check_out(actor, f"bench:{n}", "portal", digest=looked.digest)
        assert placed.state == "confirmed"
    return took


async def _floor(
    servers: Servers, tenant_id: UUID, parties: list[UUID], goods: list[UUID], seconds: float
) -> float:
    bare = await asyncpg.connect(servers.database_url)
    await bare.execute(f"SET app.tenant_id = '{tenant_id}'")
    warehouse = await bare.fetchval("SELECT id FROM warehouse")
    count, started = 0, time.monotonic()
    while time.monotonic() - started < seconds:
        few = _few(goods, count)
        lines = [uuid4() for _ in few]
        await bare.execute(FLOOR, uuid4(), parties[count % 100], warehouse, lines, few)
        count += 1
    await bare.close()
    return count / (time.monotonic() - started)

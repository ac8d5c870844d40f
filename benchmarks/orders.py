"""A 5-line order accepted over HTTP with prices, stock and credit, 16 clients.

Floor: the same rows (order, lines, evaluation, audit, reservations, levels, balance, number) by one
SQL transaction over 16 connections, nothing decided.
"""

import asyncio
import random
import time
from typing import Any
from uuid import uuid4

import aiohttp
import asyncpg

from benchmarks.ground import analyze, fresh_tenant, run_in, web_server
from dilo.run.database import database
from dilo.run.embedded import Servers
from tenants.keys import add_key
from tenants.scope import scope

CLIENTS, PARTIES, PRODUCTS, SECONDS = 16, 500, 2000, 12.0
SETUP = (
    "INSERT INTO warehouse (code, name, is_default) VALUES ('W', 'W', true)",
    f"""INSERT INTO product (code, name) SELECT 'P' || n, 'Product ' || n
        FROM generate_series(1, {PRODUCTS}) n""",
    "INSERT INTO price_list (code, name, currency) VALUES ('BASE', 'Base', 'UAH')",
    "INSERT INTO price_assignment (price_list_id, scope) SELECT id, 'base' FROM price_list",
    """INSERT INTO price_item (price_list_id, product_id, min_quantity, price)
       SELECT l.id, p.id, m, 10 FROM price_list l, product p, (VALUES (1), (10)) AS b(m)""",
    """INSERT INTO stock_move (product_id, warehouse_id, quantity, reason)
       SELECT p.id, w.id, 100000000, 'opening' FROM product p, warehouse w""",
    """INSERT INTO stock_level (product_id, warehouse_id, on_hand)
       SELECT p.id, w.id, 100000000 FROM product p, warehouse w""",
    f"""INSERT INTO party (code, name, currency) SELECT 'C' || n, 'Party ' || n, 'UAH'
        FROM generate_series(1, {PARTIES}) n""",
    """INSERT INTO credit_policy (party_id, limit_amount, depth_days)
       SELECT id, 1000000000, 14 FROM party""",
    "INSERT INTO party_balance (party_id, currency) SELECT id, 'UAH' FROM party",
)
FLOOR = """
WITH numbered AS (INSERT INTO number_series AS s (series, last_number) VALUES ('floor', 1)
  ON CONFLICT (tenant_id, series) DO UPDATE SET last_number = s.last_number + 1
  RETURNING last_number),
o AS (INSERT INTO sales_order (id, number, party_id, warehouse_id, state, door, currency, total,
    placed_by, key, submitted_at, confirmed_at)
  SELECT $1, 'F-' || last_number, $2, $3, 'confirmed', 'api', 'UAH', 250, 'floor',
    gen_random_uuid()::text, now(),
    now() FROM numbered RETURNING id),
l AS (INSERT INTO sales_order_line (id, order_id, line_no, product_id, quantity, unit, price,
  amount)
  SELECT i, $1, n, p, 5, 'pcs', 10, 50
  FROM unnest($4::uuid[], $5::uuid[]) WITH ORDINALITY AS u(i, p, n)),
e AS (INSERT INTO evaluation (order_id, stage, passed, verdicts)
  VALUES ($1, 'confirmation', true, '[]')),
a AS (INSERT INTO audit_event (actor_kind, actor_name, verb, subject_kind, subject_id)
  VALUES ('api', 'floor', 'orders.place', 'sales_order', $1)),
r AS (INSERT INTO reservation (source_id, product_id, warehouse_id, quantity)
  SELECT i, p, $3, 5 FROM unnest($4::uuid[], $5::uuid[]) AS u(i, p)),
b AS (UPDATE party_balance SET confirmed = confirmed + 250 WHERE party_id = $2)
UPDATE stock_level SET reserved = reserved + 5 WHERE product_id = ANY($5) AND warehouse_id = $3
"""


async def measure(servers: Servers, scale: float) -> dict[str, Any]:
    async with database(most=4):
        tenant_id = await fresh_tenant(servers, "bench-orders")
        await run_in(tenant_id, *SETUP)
        async with scope(tenant_id):
            key = await add_key("bench", ["orders.submit"])
    await analyze(servers)
    seconds = max(2.0, SECONDS * scale)
    floor = await _floor(servers, tenant_id, seconds)
    async with web_server() as port:
        await _ours(port, key, 2.0)
        ours, statuses, slow = await _ours(port, key, seconds)
    return {
        "ours": ours,
        "floor": floor,
        "unit": "orders/s",
        "details": {"statuses": statuses, "p95_ms": slow, "clients": CLIENTS},
    }


async def _ours(port: int, key: str, seconds: float) -> tuple[float, dict[int, int], float]:
    statuses: dict[int, int] = {}
    took: list[float] = []
    ends = time.monotonic() + seconds
    headers = {"authorization": f"Bearer {key}", "host": "bench-orders.localhost"}

    async def client() -> None:
        async with aiohttp.ClientSession(headers=headers) as session:
            while time.monotonic() < ends:
                lines = [
                    {"product": f"P{n}", "quantity": "5"}
                    for n in random.sample(range(1, PRODUCTS + 1), 5)
                ]
                body = {"party": f"C{random.randint(1, PARTIES)}", "lines": lines}
                began = time.monotonic()
                async with session.post(
                    f"http://127.0.0.1:{port}/api/orders",
                    json=body,
                    headers={"idempotency-key": uuid4().hex},
                ) as answer:
                    await answer.read()
                    statuses[answer.status] = statuses.get(answer.status, 0) + 1
                took.append(time.monotonic() - began)

    started = time.monotonic()
    await asyncio.gather(*(client() for _ in range(CLIENTS)))
    rate = statuses.get(201, 0) / (time.monotonic() - started)
    took.sort()
    return rate, statuses, round(1000 * took[int(len(took) * 0.95)], 1)


async def _floor(servers: Servers, tenant_id: Any, seconds: float) -> float:
    pool = await asyncpg.create_pool(servers.database_url, min_size=CLIENTS, max_size=CLIENTS)
    set_tenant = f"SET LOCAL app.tenant_id = '{tenant_id}'"
    async with pool.acquire() as one, one.transaction():
        await one.execute(set_tenant)
        products = [r["id"] for r in await one.fetch("SELECT id FROM product")]
        parties = [r["id"] for r in await one.fetch("SELECT id FROM party")]
        warehouse = await one.fetchval("SELECT id FROM warehouse")
    ends, done = time.monotonic() + seconds, 0

    async def client() -> None:
        nonlocal done
        async with pool.acquire() as connection:
            while time.monotonic() < ends:
                async with connection.transaction():
                    await connection.execute(set_tenant)
                    await connection.execute(
                        FLOOR,
                        uuid4(),
                        random.choice(parties),
                        warehouse,
                        [uuid4() for _ in range(5)],
                        sorted(random.sample(products, 5)),
                    )
                done += 1

    started = time.monotonic()
    await asyncio.gather(*(client() for _ in range(CLIENTS)), return_exceptions=False)
    rate = done / (time.monotonic() - started)
    await pool.close()
    return rate

"""500 pasted lines decided one by one: 100,000 products, codes in any case, barcodes, the buyer's
own articles, and one line in twenty that nobody knows and needs its nearest.

Ours: ``quick.review`` under row security: found, merged, own prices, stock, substitutes, nearest.
Floor: bare SQL of the same 500 codes, their stock and winning price, no policy, nothing decided.
"""

import time
from collections.abc import Awaitable, Callable
from decimal import Decimal
from statistics import median
from typing import Any
from uuid import UUID, uuid4

import asyncpg

from benchmarks.ground import analyze, fresh_tenant
from dilo.kit import db
from dilo.orders import quick
from dilo.orders.quick import Asked
from dilo.run.database import database
from dilo.run.embedded import Servers
from tenants.actors import Actor
from tenants.scope import scope

PRODUCTS, LINES, UNKNOWN_EVERY, ROUNDS = 100_000, 500, 20, 9
FILL = """
INSERT INTO warehouse (code, name, is_default) VALUES ('W', 'W', true);
INSERT INTO product (code, name)
SELECT 'P-' || lpad(n::text, 6, '0'), (ARRAY['Лампа','Кабель','Розетка','Вимикач'])[1 + n % 4]
  || ' ' || n % 97 || ' Вт тип ' || n % 1009 FROM generate_series(1, {products}) n;
INSERT INTO stock_level (product_id, warehouse_id, on_hand, reserved)
SELECT p.id, w.id, 50, 3 FROM product p, warehouse w;
INSERT INTO party (code, name, currency) VALUES ('Y', 'Y', 'UAH');
INSERT INTO party_item_code (party_id, product_id, code)
SELECT y.id, p.id, 'MY-' || p.code FROM product p, party y ORDER BY p.code LIMIT 1000;
INSERT INTO price_list (code, name, currency) VALUES ('BASE', 'Base', 'UAH');
INSERT INTO price_assignment (price_list_id, scope) SELECT id, 'base' FROM price_list;
INSERT INTO price_item (price_list_id, product_id, price)
SELECT l.id, p.id, 100 FROM price_list l, product p;
"""
BARE = """
SELECT p.id, p.code, p.name, s.on_hand - s.reserved, w.price FROM product p
LEFT JOIN stock_level s ON s.tenant_id = p.tenant_id AND s.product_id = p.id
LEFT JOIN LATERAL (
  SELECT i.price FROM price_assignment a
  JOIN price_item i ON i.tenant_id = a.tenant_id AND i.price_list_id = a.price_list_id
  WHERE a.tenant_id = $1 AND a.scope = 'base' AND i.product_id = p.id AND i.min_quantity <= 1
  ORDER BY a.rank, i.min_quantity DESC LIMIT 1) w ON true
WHERE p.tenant_id = $1 AND p.code = ANY($2)
"""


async def measure(servers: Servers, scale: float) -> dict[str, Any]:
    products = max(2 * LINES, int(PRODUCTS * scale))
    async with database(most=4):
        tenant_id = await fresh_tenant(servers, "bench-quick")
        bare = await asyncpg.connect(servers.superuser_url.rsplit("/", 1)[0] + "/dilo")
        async with bare.transaction():
            await bare.execute(f"SET LOCAL app.tenant_id = '{tenant_id}'")
            await bare.execute(FILL.format(products=products))
        await analyze(servers)
        async with scope(tenant_id):
            party_id = await db.value("SELECT id FROM party")
        verbs = frozenset({"orders.edit"})
        actor = Actor("portal", uuid4(), "bench", verbs, on_behalf_of=party_id)
        codes = [f"P-{1 + n * 7919 % products:06}" for n in range(LINES)]
        floor = await _timed(lambda: bare.fetch(BARE, tenant_id, codes))
        await bare.close()
        known = await _timed(lambda: _review(tenant_id, actor, codes, 0))
        ours = await _timed(lambda: _review(tenant_id, actor, codes, UNKNOWN_EVERY))
    return {
        "ours": 1 / ours,
        "floor": 1 / floor,
        "unit": "reviews/s",
        "details": {
            "products": products,
            "lines": LINES,
            "review_ms": round(1000 * ours, 1),
            "all_known_ms": round(1000 * known, 1),
            "floor_ms": round(1000 * floor, 1),
        },
    }


async def _review(tenant_id: UUID, actor: Actor, codes: list[str], unknown_every: int) -> None:
    asked = [
        Asked(
            n,
            f"X{code[2:5]}9/{n}" if unknown_every and n % unknown_every == 0 else code,
            Decimal(2),
        )
        for n, code in enumerate(codes, 1)
    ]
    async with scope(tenant_id):
        found = await quick.review(actor, asked)
    assert len(found.lines) == len(codes)


async def _timed(turn: Callable[[], Awaitable[Any]]) -> float:
    times: list[float] = []
    for _ in range(ROUNDS):
        started = time.monotonic()
        await turn()
        times.append(time.monotonic() - started)
    return median(times)

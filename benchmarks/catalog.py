"""A page of 50 products at own prices: 100,000 products, 4,000 companies, a list of its own each.

Ours: what the portal asks for a page, under row security: counts, the page with its stock and
pictures, prices with breaks. Floor: bare SQL of the same 50 rows, their stock and winning price,
no policy in the way.
"""

import time
from collections.abc import Awaitable, Callable
from statistics import median
from typing import Any
from uuid import UUID

import asyncpg

from benchmarks.ground import analyze, fresh_tenant
from dilo.catalogue import queries as goods
from dilo.kit import db
from dilo.kit.paging import Paging
from dilo.pricing import queries as pricing
from dilo.pricing import showcase
from dilo.pricing.queries import Buyer
from dilo.pricing.showcase import Wish
from dilo.run.database import database
from dilo.run.embedded import Servers
from tenants.scope import scope

PRODUCTS, LISTS, ITEMS, ROUNDS = 100_000, 4_000, 400, 15
WORDS = ",".join(
    f"'{word}'"
    for word in "Лампа Кабель Розетка Вимикач Світильник Провід Щит Автомат Клема Дюбель".split()
)
FILL = f"""
INSERT INTO category (code, name)
SELECT 'c' || n, 'Category ' || n FROM generate_series(1, 200) AS n;
INSERT INTO warehouse (code, name, is_default) VALUES ('W', 'W', true);
INSERT INTO product (code, name, category_id, popularity)
SELECT 'P-' || lpad(n::text, 6, '0'),
  (ARRAY[{WORDS}])[1 + n % 10] || ' ' || n % 97 || ' Вт тип ' || n % 1009,
  c.id, n % 500
FROM generate_series(1, {{products}}) AS n JOIN category c ON c.code = 'c' || (1 + n % 200);
INSERT INTO product_attribute (product_id, name, value, number)
SELECT id, a.name, a.value, NULL FROM (SELECT id, row_number() OVER () AS n FROM product) p,
  LATERAL (VALUES ('Colour', 'colour ' || n % 7), ('Power', n % 11 || ' W'),
    ('Brand', 'brand ' || n % 23))
    AS a(name, value);
INSERT INTO stock_level (product_id, warehouse_id, on_hand, reserved)
SELECT p.id, w.id, 50, 3 FROM product p, warehouse w;
INSERT INTO party (code, name, currency)
SELECT 'Y-' || n, 'Company ' || n, 'UAH' FROM generate_series(1, {{lists}}) AS n;
INSERT INTO price_list (code, name, currency) VALUES ('BASE', 'Base', 'UAH');
INSERT INTO price_assignment (price_list_id, scope) SELECT id, 'base' FROM price_list;
INSERT INTO price_item (price_list_id, product_id, price)
SELECT l.id, p.id, 100 FROM price_list l, product p;
INSERT INTO price_list (code, name, currency)
SELECT 'L-' || n, 'List ' || n, 'UAH' FROM generate_series(1, {{lists}}) AS n;
INSERT INTO price_assignment (price_list_id, scope, party_id)
SELECT l.id, 'party', y.id FROM price_list l JOIN party y ON y.code = 'Y-' || substr(l.code, 3)
WHERE l.code LIKE 'L-%';
INSERT INTO price_item (price_list_id, product_id, min_quantity, price)
SELECT l.id, p.id, b.least, b.price
FROM (SELECT id, row_number() OVER () AS n FROM price_list WHERE code LIKE 'L-%') l
JOIN LATERAL generate_series(0, {{items}} / 2 - 1) AS g(k) ON true
JOIN (SELECT id, row_number() OVER (ORDER BY code) AS n FROM product) p
  ON p.n = 1 + (l.n * 37 + g.k * 211) % {{products}},
  (VALUES (1, 90), (10, 80)) AS b(least, price)
ON CONFLICT DO NOTHING;
"""
BARE = """
SELECT p.id, p.code, p.name, s.on_hand - s.reserved, w.price
FROM (SELECT * FROM product WHERE tenant_id = $1 AND retired_at IS NULL
  ORDER BY name, id LIMIT 50) p
LEFT JOIN stock_level s ON s.tenant_id = p.tenant_id AND s.product_id = p.id
LEFT JOIN LATERAL (
  SELECT i.price FROM price_assignment a
  JOIN price_item i ON i.tenant_id = a.tenant_id AND i.price_list_id = a.price_list_id
  WHERE a.tenant_id = $1 AND (a.scope = 'base' OR a.party_id = $2) AND i.product_id = p.id
    AND i.min_quantity <= 1 ORDER BY a.rank, i.min_quantity DESC LIMIT 1) w ON true
ORDER BY p.name, p.id
"""


async def measure(servers: Servers, scale: float) -> dict[str, Any]:
    products, lists = max(1000, int(PRODUCTS * scale)), max(40, int(LISTS * scale))
    async with database(most=4):
        tenant_id = await fresh_tenant(servers, "bench-catalog")
        await _fill(servers, tenant_id, products, lists)
        await analyze(servers)
        async with scope(tenant_id):
            party = await db.value("SELECT id FROM party WHERE code = 'Y-7'")
        buyer = Buyer(party, "UAH")
        connection = await asyncpg.connect(servers.superuser_url.rsplit("/", 1)[0] + "/dilo")
        floor = await _timed(lambda: connection.fetch(BARE, tenant_id, party))
        await connection.close()
        first = await _timed(lambda: _page(tenant_id, buyer, Wish(), ""))
        others = {
            "in_category_ms": lambda: _page(tenant_id, buyer, Wish(category="c7"), "name"),
            "cheapest_first_ms": lambda: _page(tenant_id, buyer, Wish(category="c7"), "price"),
            "facets_ms": lambda: _page(
                tenant_id, buyer, Wish(category="c7", attributes={"Colour": ["colour 1"]}), "name"
            ),
            "search_ms": lambda: _page(tenant_id, buyer, Wish(search="rozetka 25"), ""),
            "prices_ms": lambda: _prices(tenant_id, buyer),
            "suggest_ms": lambda: _suggest(tenant_id, "hjptnrf 25"),
            "suggest_typo_ms": lambda: _suggest(tenant_id, "розтека 25"),
            "suggest_code_ms": lambda: _suggest(tenant_id, "p-0042"),
        }
        figures = {name: round(1000 * await _timed(turn), 1) for name, turn in others.items()}
    return {
        "ours": 1 / first,
        "floor": 1 / floor,
        "unit": "pages/s",
        "details": {
            "products": products,
            "lists": lists,
            "page_ms": round(1000 * first, 1),
            "floor_ms": round(1000 * floor, 1),
            **figures,
        },
    }


async def _fill(servers: Servers, tenant_id: UUID, products: int, lists: int) -> None:
    """As superuser and without foreign-key checks: it is the reading that is measured."""
    connection = await asyncpg.connect(servers.superuser_url.rsplit("/", 1)[0] + "/dilo")
    async with connection.transaction():
        await connection.execute(f"SET LOCAL app.tenant_id = '{tenant_id}'")
        head, tail = FILL.split("INSERT INTO product_attribute", 1)
        figures = {"products": products, "lists": lists, "items": ITEMS}
        mine = f"tenant_id = '{tenant_id}'"
        await connection.execute(head.format(**figures))
        await connection.execute("SET LOCAL session_replication_role = replica")
        await connection.execute(("INSERT INTO product_attribute" + tail).format(**figures))
        assert await connection.fetchval(f"SELECT count(*) FROM product WHERE {mine}") == products
    await connection.close()


async def _page(tenant_id: UUID, buyer: Buyer, wish: Wish, sort: str) -> None:
    async with scope(tenant_id):
        counts = await showcase.counts_for(buyer, wish)
        page = await showcase.goods_for(buyer, wish, Paging(1, 50, sort), counts)
        assert page.rows
        await pricing.offers(buyer, [row.id for row in page.rows])


async def _prices(tenant_id: UUID, buyer: Buyer) -> None:
    async with scope(tenant_id):
        ids = [row["id"] for row in await db.rows("SELECT id FROM product ORDER BY name LIMIT 50")]
        assert len(await pricing.offers(buyer, ids)) == 50


async def _suggest(tenant_id: UUID, typed: str) -> None:
    async with scope(tenant_id):
        assert await goods.products_like(typed, 8)


async def _timed(turn: Callable[[], Awaitable[Any]]) -> float:
    times: list[float] = []
    for _ in range(ROUNDS):
        started = time.monotonic()
        await turn()
        times.append(time.monotonic() - started)
    return median(times)

"""The shop in a browser: TTFB and LCP of home, category and product at 100,000 goods.

Floor: a page of the very same bytes from a bare server, its style sheets left out.
"""

import asyncio
import http.server
import threading
from statistics import median
from typing import Any

import httpx
from playwright.async_api import Page, async_playwright

from benchmarks.ground import analyze, fresh_tenant, web_server
from dilo.kit import db
from dilo.run.database import database
from dilo.run.embedded import Servers
from tenants.scope import scope

GOODS, RUNS, HOST = 100_000, 7, "bench-shop.localhost"
CHROMIUM = "/usr/bin/chromium"
FILL = """
WITH c AS (
  INSERT INTO category (code, name) SELECT 'C' || n, 'Розділ ' || n FROM generate_series(1, 40) n
  RETURNING id, code),
w AS (INSERT INTO warehouse (code, name, is_default) VALUES ('W', 'W', true) RETURNING id),
l AS (INSERT INTO price_list (code, name, currency) VALUES ('B', 'B', 'UAH') RETURNING id),
a AS (INSERT INTO price_assignment (price_list_id, scope) SELECT id, 'base' FROM l),
p AS (
  INSERT INTO product (code, name, category_id)
  SELECT 'G-' || n, 'Лампа LED ' || n || ' Вт', c.id FROM generate_series(1, CAST(:goods AS int)) n
  JOIN c ON c.code = 'C' || (1 + n % 40) RETURNING id),
s AS (
  INSERT INTO stock_level (product_id, warehouse_id, on_hand) SELECT p.id, w.id, 9 FROM p, w)
INSERT INTO price_item (price_list_id, product_id, price) SELECT l.id, p.id, 99 FROM p, l
"""
OPEN = """
INSERT INTO setting (name, value, changed_by) VALUES ('shop', '{"is_open": "on"}', 'bench')
"""
SEEN = """
() => new Promise(done => {
  new PerformanceObserver(list => {
    const nav = performance.getEntriesByType("navigation")[0];
    done({lcp: list.getEntries().at(-1).startTime, ttfb: nav.responseStart});
  }).observe({type: "largest-contentful-paint", buffered: true});
})
"""


async def measure(servers: Servers, scale: float) -> dict[str, Any]:
    goods = max(400, int(GOODS * scale))
    async with database(most=4):
        tenant_id = await fresh_tenant(servers, "bench-shop")
        async with scope(tenant_id):
            await db.execute(FILL, goods=goods)
            await db.execute(OPEN)
            slug = await db.value("SELECT slug FROM shop_slug WHERE kind = 'product' LIMIT 1")
        await analyze(servers)
    figures: dict[str, Any] = {"goods": goods}
    async with web_server(1) as port, async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=CHROMIUM,
            args=["--no-sandbox", "--host-resolver-rules=MAP *.localhost 127.0.0.1"],
        )
        page = await browser.new_page()
        for name, path in (
            ("home", "/uk"),
            ("category", "/uk/c/rozdil-7"),
            ("product", f"/uk/p/{slug}"),
        ):
            figures |= await _beside_floor(page, name, port, path)
        await browser.close()
    return {
        "ours": 1000 / figures["category_ttfb_ms"],
        "floor": 1000 / figures["category_floor_ttfb_ms"],
        "unit": "pages/s",
        "details": figures,
    }


async def _beside_floor(page: Page, name: str, port: int, path: str) -> dict[str, float]:
    async with httpx.AsyncClient(headers={"host": HOST}) as client:
        body = (await client.get(f"http://127.0.0.1:{port}{path}")).content
    floor = await asyncio.to_thread(_serve, body)
    ours = await _seen(page, f"http://{HOST}:{port}{path}")
    bare = await _seen(page, f"http://127.0.0.1:{floor.server_port}/")
    floor.shutdown()
    return {
        f"{name}_kb": round(len(body) / 1024, 1),
        f"{name}_ttfb_ms": ours["ttfb"],
        f"{name}_floor_ttfb_ms": bare["ttfb"],
        f"{name}_lcp_ms": ours["lcp"],
        f"{name}_floor_lcp_ms": bare["lcp"],
    }


async def _seen(page: Page, url: str) -> dict[str, float]:
    found: list[dict[str, float]] = []
    for _ in range(RUNS):
        await page.goto(url)
        found.append(await page.evaluate(SEEN))
    return {key: round(median(one[key] for one in found), 1) for key in ("ttfb", "lcp")}


def _serve(body: bytes) -> http.server.ThreadingHTTPServer:
    class Same(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("content-type", "text/html; charset=utf-8")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            """Nothing to say."""

    made = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Same)
    threading.Thread(target=made.serve_forever, daemon=True).start()
    return made

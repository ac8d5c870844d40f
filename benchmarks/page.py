"""A report's page in the office with 100,000 open invoices: first byte, by a web server of ours.

Floor: the bare query of the same page of rows with the same totals.
"""

import time
from statistics import median
from typing import Any

import asyncpg
import httpx

from benchmarks.card import sign_in
from benchmarks.ground import analyze, fresh_tenant, web_server
from benchmarks.many_items import fill
from dilo.run.database import database
from dilo.run.embedded import Servers

INVOICES, ROUNDS = 100_000, 15
PAGES = ("open-documents", "aged-debt", "debt-by-manager", "balances", "payment-delays")
BARE = """
SELECT i.number, p.code, p.name, i.issued_on, i.due_on, i.amount, i.open_amount,
  count(*) OVER (), sum(i.amount) OVER (), sum(i.open_amount) OVER ()
FROM open_item i JOIN party p ON p.tenant_id = i.tenant_id AND p.id = i.party_id
WHERE i.tenant_id = $1 AND i.open_amount > 0 ORDER BY i.due_on, i.number LIMIT 50
"""


async def measure(servers: Servers, scale: float) -> dict[str, Any]:
    parties = max(50, int(INVOICES * scale) // 10)
    async with database(most=4):
        tenant_id = await fresh_tenant(servers, "bench-page")
        await fill(servers, tenant_id, parties, 10)
        await analyze(servers)
    connection = await asyncpg.connect(servers.superuser_url.rsplit("/", 1)[0] + "/dilo")
    floor = await _timed(lambda: connection.fetch(BARE, tenant_id))
    await connection.close()
    async with web_server(1) as port:
        headers = await sign_in(port, "bench-page.localhost")
        base = f"http://127.0.0.1:{port}"
        client = httpx.AsyncClient(timeout=60, base_url=base, headers=headers)
        first = {name: await _first_byte(client, f"/office/reports/{name}") for name in PAGES}
    ours = first["open-documents"]
    return {
        "ours": 1 / ours,
        "floor": 1 / floor,
        "unit": "pages/s",
        "details": {
            "invoices": parties * 10,
            "floor_ms": round(1000 * floor, 1),
            **{f"{name}_ms": round(1000 * seconds, 1) for name, seconds in first.items()},
        },
    }


async def _timed(turn: Any) -> float:
    times: list[float] = []
    for _ in range(ROUNDS):
        started = time.monotonic()
        await turn()
        times.append(time.monotonic() - started)
    return median(times)


async def _first_byte(client: httpx.AsyncClient, url: str) -> float:
    async def ask() -> None:
        async with client.stream("GET", url) as answer:
            assert answer.status_code == 200, answer.status_code
            async for _ in answer.aiter_raw(1):
                break

    return await _timed(ask)

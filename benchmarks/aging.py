"""Receivables by age over 1,000,000 open items: the totals and the first page of debtors.

Floor: the bare aggregate over the same rows, without row security, by the same server.
"""

import time
from statistics import median
from typing import Any

import asyncpg

from benchmarks.ground import analyze, fresh_tenant
from benchmarks.many_items import fill
from dilo.receivables.queries import aging_total
from dilo.run.database import database
from dilo.run.embedded import Servers
from tenants.scope import scope

PARTIES, EACH, ROUNDS = 100_000, 10, 7
BARE = """
SELECT sum(open_amount) FILTER (WHERE due_on >= current_date),
  sum(open_amount) FILTER (WHERE due_on < current_date AND due_on >= current_date - 30),
  sum(open_amount) FILTER (WHERE due_on < current_date - 30 AND due_on >= current_date - 60),
  sum(open_amount) FILTER (WHERE due_on < current_date - 60 AND due_on >= current_date - 90),
  sum(open_amount) FILTER (WHERE due_on < current_date - 90), max(current_date - due_on)
FROM open_item WHERE tenant_id = $1 AND open_amount > 0 AND currency = 'UAH' AND side = 'debit'
"""


async def measure(servers: Servers, scale: float) -> dict[str, Any]:
    parties = max(1000, int(PARTIES * scale))
    async with database(most=4):
        tenant_id = await fresh_tenant(servers, "bench-aging")
        await fill(servers, tenant_id, parties, EACH)
        await analyze(servers)
        connection = await asyncpg.connect(servers.superuser_url.rsplit("/", 1)[0] + "/dilo")
        ours: list[float] = []
        floor: list[float] = []
        for _ in range(ROUNDS):  # in turns, so that both meet the same machine
            async with scope(tenant_id) as tenant:
                started = time.monotonic()
                await aging_total("UAH", tenant.today())
                ours.append(time.monotonic() - started)
            started = time.monotonic()
            await connection.fetch(BARE, tenant_id)
            floor.append(time.monotonic() - started)
        await connection.close()
    rows = parties * EACH
    return {
        "ours": rows / median(ours),
        "floor": rows / median(floor),
        "unit": "items/s",
        "details": {
            "open_items": rows,
            "ours_ms": round(1000 * median(ours), 1),
            "floor_ms": round(1000 * median(floor), 1),
        },
    }

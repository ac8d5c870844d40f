"""Measuring a report beside the bare SQL of its rows, in turns, by the same server."""

import time
from collections.abc import Awaitable, Callable
from statistics import median
from typing import Any
from uuid import UUID

import asyncpg

from dilo.analytics import asked as asking
from dilo.analytics.report import run
from dilo.analytics.reports import report_of
from dilo.kit.paging import Paging
from dilo.run.embedded import Servers
from tenants.scope import scope

ROUNDS = 5
Turn = Callable[[], Awaitable[Any]]


async def in_turns(
    servers: Servers, tenant_id: UUID, ours: Turn, bare: str, rows: int, **details: Any
) -> dict[str, Any]:
    """``ours`` runs inside the tenant's scope; ``bare`` takes the tenant as $1, no row security."""
    connection = await asyncpg.connect(servers.superuser_url.rsplit("/", 1)[0] + "/dilo")
    times: list[float] = []
    floor: list[float] = []
    for _ in range(ROUNDS):
        async with scope(tenant_id):
            started = time.monotonic()
            await ours()
            times.append(time.monotonic() - started)
        started = time.monotonic()
        await connection.fetch(bare, tenant_id)
        floor.append(time.monotonic() - started)
    await connection.close()
    return {
        "ours": rows / median(times),
        "floor": rows / median(floor),
        "unit": "rows/s",
        "details": details
        | {
            "rows": rows,
            "ours_ms": round(1000 * median(times), 1),
            "floor_ms": round(1000 * median(floor), 1),
        },
    }


def report(name: str, **query: str) -> Turn:
    """A page of fifty with the totals of all."""

    async def ask() -> None:
        from tenants.scope import current_tenant

        await run(report_of(name), asking.read(query, current_tenant()), Paging(1, 50))

    return ask

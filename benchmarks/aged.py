"""Debt by period: 1,000,000 open items among 5,000,000 closed ones. The cost must follow the open.

Floor: the bare aggregate over the open items. ``alone_ms`` is the same report before the closed
ones were there.
"""

import time
from typing import Any

from benchmarks.ground import analyze, fresh_tenant
from benchmarks.many_items import fill
from benchmarks.reporting import in_turns, report
from benchmarks.trade import close
from dilo.run.database import database
from dilo.run.embedded import Servers
from tenants.scope import scope

PARTIES, OPEN_EACH, CLOSED_EACH = 100_000, 10, 50
BARE = """
SELECT party_id, sum(open_amount) FILTER (WHERE due_on >= current_date),
  sum(open_amount) FILTER (WHERE current_date - due_on BETWEEN 1 AND 30),
  sum(open_amount) FILTER (WHERE current_date - due_on BETWEEN 31 AND 60),
  sum(open_amount) FILTER (WHERE current_date - due_on BETWEEN 61 AND 90),
  sum(open_amount) FILTER (WHERE current_date - due_on > 90), sum(open_amount)
FROM open_item WHERE tenant_id = $1 AND open_amount > 0 AND currency = 'UAH'
GROUP BY party_id ORDER BY 7 DESC LIMIT 50
"""


async def measure(servers: Servers, scale: float) -> dict[str, Any]:
    parties = max(500, int(PARTIES * scale))
    async with database(most=4):
        tenant_id = await fresh_tenant(servers, "bench-aged")
        await fill(servers, tenant_id, parties, OPEN_EACH)
        await analyze(servers)
        ask = report("aged-debt")
        async with scope(tenant_id):
            await ask()
            started = time.monotonic()
            await ask()
            alone = time.monotonic() - started
        await close(servers, tenant_id, CLOSED_EACH)
        await analyze(servers)
        return await in_turns(
            servers,
            tenant_id,
            ask,
            BARE,
            parties * OPEN_EACH,
            closed=parties * CLOSED_EACH,
            alone_ms=round(1000 * alone, 1),
        )

"""Sales profitability by client over 2,000,000 invoice lines. Floor: the bare grouping."""

from typing import Any

from benchmarks.ground import analyze, fresh_tenant
from benchmarks.many_items import fill
from benchmarks.reporting import in_turns, report
from benchmarks.trade import sell
from dilo.run.database import database
from dilo.run.embedded import Servers

INVOICES, EACH = 100_000, 20
BARE = """
SELECT v.party_id, sum(l.quantity), sum(l.amount), sum(l.cost_amount), sum(l.list_amount),
  sum(l.amount - l.cost_amount)
FROM invoice v JOIN invoice_line l ON l.tenant_id = v.tenant_id AND l.invoice_id = v.id
WHERE v.tenant_id = $1 AND v.currency = 'UAH' GROUP BY v.party_id ORDER BY 3 DESC LIMIT 50
"""


async def measure(servers: Servers, scale: float) -> dict[str, Any]:
    invoices = max(500, int(INVOICES * scale))
    async with database(most=4):
        tenant_id = await fresh_tenant(servers, "bench-profit")
        await fill(servers, tenant_id, 3000, 0)
        await sell(servers, tenant_id, 3000, 3000, invoices, EACH)
        await analyze(servers)
        ask = report("profitability", since="2000-01-01")
        return await in_turns(servers, tenant_id, ask, BARE, invoices * EACH)

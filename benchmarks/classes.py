"""ABC and XYZ of clients over 2,000,000 invoice lines. Floor: the grouping it starts from."""

from typing import Any

from benchmarks.ground import analyze, fresh_tenant
from benchmarks.many_items import fill
from benchmarks.reporting import in_turns
from benchmarks.trade import sell
from dilo.classes.queries import Settings, matrix
from dilo.run.database import database
from dilo.run.embedded import Servers
from tenants.scope import current_tenant

INVOICES, EACH = 100_000, 20
MONTHS = 24
BARE = """
SELECT v.party_id, date_trunc('month', v.issued_on), sum(l.amount)
FROM invoice v JOIN invoice_line l ON l.tenant_id = v.tenant_id AND l.invoice_id = v.id
WHERE v.tenant_id = $1 AND v.currency = 'UAH'
  AND v.issued_on >= date_trunc('month', current_date) - interval '24 months'
  AND v.issued_on < date_trunc('month', current_date)
GROUP BY 1, 2
"""


async def measure(servers: Servers, scale: float) -> dict[str, Any]:
    invoices = max(500, int(INVOICES * scale))
    async with database(most=4):
        tenant_id = await fresh_tenant(servers, "bench-classes")
        await fill(servers, tenant_id, 3000, 0)
        await sell(servers, tenant_id, 3000, 3000, invoices, EACH)
        await analyze(servers)

        async def ask() -> None:
            await matrix("clients", Settings(periods=MONTHS), "UAH", current_tenant().today())

        return await in_turns(servers, tenant_id, ask, BARE, invoices * EACH)

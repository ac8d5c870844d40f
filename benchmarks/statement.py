"""A statement of a party with 50,000 lines: the running balance of all, a page of it shown.

Floor: the bare window over the same lines with the same totals.
"""

from typing import Any

from benchmarks.ground import analyze, fresh_tenant
from benchmarks.many_items import fill
from benchmarks.reporting import in_turns, report
from benchmarks.trade import keep_books
from dilo.run.database import database
from dilo.run.embedded import Servers

ENTRIES = 50_000
BARE = """
SELECT t.*, count(*) OVER (), sum(t.debit) OVER (), sum(t.credit) OVER () FROM (
  SELECT e.number, e.kind, e.memo, l.effective_on, l.debit, l.credit,
    sum(l.debit - l.credit) OVER (ORDER BY l.effective_on, e.number) AS balance
  FROM journal_line l JOIN journal_entry e ON e.tenant_id = l.tenant_id AND e.id = l.entry_id
  WHERE l.tenant_id = $1 AND l.account = '1100') t
ORDER BY t.effective_on, t.number LIMIT 50
"""


async def measure(servers: Servers, scale: float) -> dict[str, Any]:
    entries = max(500, int(ENTRIES * scale))
    async with database(most=4):
        tenant_id = await fresh_tenant(servers, "bench-statement")
        await fill(servers, tenant_id, 10, 0)
        await keep_books(servers, tenant_id, entries)
        await analyze(servers)
        ask = report("statement", party="C0000001", since="2000-01-01")
        return await in_turns(servers, tenant_id, ask, BARE, entries)

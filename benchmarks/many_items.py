"""Many parties with open items, made by SQL under the triggers' eyes but in one pass."""

from uuid import UUID

import asyncpg

from dilo.run.embedded import Servers

PARTIES = """
INSERT INTO party (tenant_id, code, name, currency, city)
SELECT $1, 'C' || lpad(n::text, 7, '0'), 'Party ' || n, 'UAH', 'Kyiv' FROM generate_series(1,
  $2::int) n
"""
POLICIES = """
INSERT INTO credit_policy (tenant_id, party_id, limit_amount, depth_days)
SELECT tenant_id, id, 100000, 14 FROM party WHERE tenant_id = $1
"""
ITEMS = """
INSERT INTO open_item (tenant_id, party_id, kind, side, document_id, number, issued_on, due_on,
  currency, amount, open_amount)
SELECT $1, p.id, 'invoice', 'debit', gen_random_uuid(), 'I' || p.code || n,
  current_date - 120 + (n * 17 + length(p.code)) % 130,
  current_date - 106 + (n * 17 + length(p.code)) % 130, 'UAH', 100 + n, 100 + n
FROM party p, generate_series(1, $2::int) n WHERE p.tenant_id = $1
"""


async def fill(servers: Servers, tenant_id: UUID, parties: int, items_each: int) -> None:
    connection = await asyncpg.connect(servers.superuser_url.rsplit("/", 1)[0] + "/dilo")
    try:
        async with connection.transaction():
            await connection.execute(f"SET LOCAL app.tenant_id = '{tenant_id}'")
            await connection.execute(PARTIES, tenant_id, parties)
            await connection.execute(POLICIES, tenant_id)
            await connection.execute(ITEMS, tenant_id, items_each)
    finally:
        await connection.close()

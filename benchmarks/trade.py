"""Two years of trade made by SQL, triggers off: invoices with lines, a journal for one party."""

from uuid import UUID

import asyncpg

from dilo.run.embedded import Servers

PRODUCTS = """
INSERT INTO product (tenant_id, code, name, cost)
SELECT $1, 'P' || lpad(n::text, 6, '0'), 'Product ' || n, 5 + n % 40
FROM generate_series(1, $2::int) n
"""
INVOICES = """
INSERT INTO invoice (tenant_id, number, kind, party_id, issued_on, due_on, currency, total, branch)
SELECT $1, 'INV-' || n, CASE WHEN n % 40 = 0 THEN 'credit_note' ELSE 'invoice' END, p.id,
  current_date - (n * 7919 % 700)::int, current_date - (n * 7919 % 700)::int + 14, 'UAH', 1000,
  CASE n % 3 WHEN 0 THEN 'Kyiv' ELSE 'Lviv' END
FROM generate_series(1, $2::int) n
JOIN (SELECT id, row_number() OVER (ORDER BY id) AS k FROM party WHERE tenant_id = $1) p
  ON p.k = 1 + (n * 104729::bigint) % $3::int
"""
LINES = """
INSERT INTO invoice_line (tenant_id, invoice_id, line_no, product_id, quantity, price, amount,
  cost_amount, list_amount)
SELECT $1, v.id, g.n, p.id, 1 + (v.k * g.n) % 9, 10 + (v.k + g.n) % 50,
  (1 + (v.k * g.n) % 9) * (10 + (v.k + g.n) % 50), (1 + (v.k * g.n) % 9) * 9,
  (1 + (v.k * g.n) % 9) * (12 + (v.k + g.n) % 50)
FROM (SELECT id, row_number() OVER (ORDER BY id) AS k FROM invoice WHERE tenant_id = $1) v
CROSS JOIN generate_series(1, $2::int) AS g(n)
JOIN (SELECT id, row_number() OVER (ORDER BY id) AS k FROM product WHERE tenant_id = $1) p
  ON p.k = 1 + (v.k * 31 + g.n * 17) % $3::int
"""
CLOSED = """
INSERT INTO open_item (tenant_id, party_id, kind, side, document_id, number, issued_on, due_on,
  currency, amount, open_amount)
SELECT $1, p.id, 'invoice', 'debit', gen_random_uuid(), 'C' || p.code || n,
  current_date - 200 - (n * 13) % 500, current_date - 186 - (n * 13) % 500, 'UAH', 100 + n, 0
FROM party p, generate_series(1, $2::int) n WHERE p.tenant_id = $1
"""
ENTRIES = """
INSERT INTO journal_entry (tenant_id, number, kind, effective_on, currency, memo)
SELECT $1, n, CASE WHEN n % 2 = 0 THEN 'payment' ELSE 'invoice' END,
  current_date - ($2::int - n) % 700, 'UAH', 'DOC-' || n FROM generate_series(1, $2::int) n
"""
ENTRY_LINES = """
INSERT INTO journal_line (tenant_id, entry_id, account, effective_on, currency, debit, credit,
  party_id)
SELECT $1, e.id, x.account, e.effective_on, 'UAH',
  CASE WHEN (e.kind = 'invoice') = (x.account = '1100') THEN 100 ELSE 0 END,
  CASE WHEN (e.kind = 'invoice') = (x.account = '1100') THEN 0 ELSE 100 END, p.id
FROM journal_entry e CROSS JOIN (VALUES ('1100'), ('4000')) AS x(account)
CROSS JOIN (SELECT id FROM party WHERE tenant_id = $1 ORDER BY code LIMIT 1) p
WHERE e.tenant_id = $1
"""


async def _run(servers: Servers, tenant_id: UUID, *steps: tuple[object, ...]) -> None:
    connection = await asyncpg.connect(servers.superuser_url.rsplit("/", 1)[0] + "/dilo")
    try:
        async with connection.transaction():
            await connection.execute(f"SET LOCAL app.tenant_id = '{tenant_id}'")
            await connection.execute("SET LOCAL session_replication_role = replica")
            for sql, *values in steps:
                await connection.execute(str(sql), tenant_id, *values)
    finally:
        await connection.close()


async def sell(
    servers: Servers, tenant_id: UUID, parties: int, products: int, invoices: int, each: int
) -> None:
    """The tenant has its ``parties`` already."""
    await _run(
        servers,
        tenant_id,
        (PRODUCTS, products),
        (INVOICES, invoices, parties),
        (LINES, each, products),
    )


async def close(servers: Servers, tenant_id: UUID, items_each: int) -> None:
    """Items paid long ago, beside those that are open."""
    await _run(servers, tenant_id, (CLOSED, items_each))


async def keep_books(servers: Servers, tenant_id: UUID, entries: int) -> None:
    """A journal of one party."""
    await _run(servers, tenant_id, (ENTRIES, entries), (ENTRY_LINES,))

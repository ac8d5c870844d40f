"""The PostgreSQL catalogue itself: a table without its policy fails here by itself."""

import asyncpg
import pytest
from town import Cast

from dilo.run.embedded import Servers

# Piccolo's own, and three with policies of their own.
ALLOWED = {"migration", "tenant", "host", "bot_holder"}
DEFINERS = {
    "tenant_of_host",
    "tenant_ids",
    "keep_balance_of_items",
    "keep_open_amounts",
    "seal_entries",
    "tenant_of_stripe_account",
    "hold_bot",
    "let_bot_go",
}
TABLES = """
SELECT c.oid, c.relname AS name, c.relrowsecurity AS on, c.relforcerowsecurity AS forced
FROM pg_class c WHERE c.relkind IN ('r', 'p') AND c.relnamespace = 'public'::regnamespace
"""
UNGUARDED = f"""
WITH tables AS ({TABLES})
SELECT name || ': no row security' FROM tables WHERE NOT "on" AND name <> 'migration'
UNION ALL SELECT name || ': not forced' FROM tables WHERE NOT forced AND name <> ALL($1::text[])
UNION ALL SELECT name || ': no policy with USING and WITH CHECK on the tenant' FROM tables t
  WHERE name <> ALL($1::text[]) AND NOT EXISTS (
    SELECT 1 FROM pg_policy p WHERE p.polrelid = t.oid AND p.polcmd = '*'
      AND pg_get_expr(p.polqual, p.polrelid) LIKE '%tenant_id = ( SELECT current_tenant_id()%'
      AND pg_get_expr(p.polwithcheck, p.polrelid) LIKE '%tenant_id = ( SELECT current_tenant_id()%')
UNION ALL SELECT name || ': tenant_id is not its first column' FROM tables t
  WHERE name <> ALL($1::text[]) AND NOT EXISTS (
    SELECT 1 FROM pg_attribute a WHERE a.attrelid = t.oid AND a.attname = 'tenant_id'
      AND a.attnum = 1 AND a.attnotnull)
UNION ALL SELECT t.name || ': key ' || i.indexrelid::regclass || ' is not led by tenant_id'
  FROM tables t JOIN pg_index i ON i.indrelid = t.oid AND i.indisunique
  WHERE t.name <> ALL($1::text[]) AND i.indkey[0] <> 1
UNION ALL SELECT t.name || ': ' || k.conname || ' crosses tenants'
  FROM tables t JOIN pg_constraint k ON k.conrelid = t.oid AND k.contype = 'f'
  WHERE t.name <> ALL($1::text[]) AND k.confrelid <> 'tenant'::regclass AND k.conkey[1] <> 1
UNION ALL SELECT c.relname || ': a view that does not ask as its caller' FROM pg_class c
  WHERE c.relkind IN ('v', 'm') AND c.relnamespace = 'public'::regnamespace
    AND NOT coalesce('security_invoker=true' = ANY(c.reloptions), false)
UNION ALL SELECT p.proname || ': runs as its owner' FROM pg_proc p
  WHERE p.prosecdef AND p.pronamespace = 'public'::regnamespace
    AND (p.proname <> ALL($2::text[]) OR NOT coalesce(p.proconfig::text LIKE '%search_path=%', false))
UNION ALL SELECT name || ': the app may truncate' FROM tables
  WHERE has_table_privilege('dilo_app', oid, 'TRUNCATE, TRIGGER, REFERENCES')
UNION ALL SELECT relname || ': owned by the app' FROM pg_class
  WHERE relowner = 'dilo_app'::regrole
UNION ALL SELECT rolname || ': stands above row security' FROM pg_roles
  WHERE rolname LIKE 'dilo%' AND (rolsuper OR rolbypassrls)
"""


async def faults(connection: asyncpg.Connection) -> list[str]:
    return [row[0] for row in await connection.fetch(UNGUARDED, list(ALLOWED), list(DEFINERS))]


async def test_every_table_is_guarded(town: Cast, servers: Servers) -> None:
    connection = await asyncpg.connect(servers.superuser_url)
    assert await faults(connection) == []
    assert len(await connection.fetch(TABLES)) > 40
    await connection.close()


@pytest.mark.parametrize(
    ("ddl", "named"),
    [
        ("CREATE TABLE leak (id uuid PRIMARY KEY)", "leak: no row security"),
        (
            "CREATE TABLE leak (tenant_id uuid NOT NULL, id uuid, PRIMARY KEY (id));"
            "SELECT tenant_table('leak')",
            "leak: key leak_pkey is not led by tenant_id",
        ),
        (
            "CREATE TABLE leak (tenant_id uuid NOT NULL, id uuid); ALTER TABLE leak ENABLE ROW LEVEL SECURITY",
            "leak: not forced",
        ),
        ("CREATE VIEW leak AS SELECT * FROM party", "leak: a view that does not ask as its caller"),
        (
            "CREATE FUNCTION leak() RETURNS int LANGUAGE sql SECURITY DEFINER AS 'SELECT 1'",
            "leak: runs as its owner",
        ),
        ("GRANT TRUNCATE ON party TO dilo_app", "party: the app may truncate"),
    ],
)
async def test_a_hole_is_found(town: Cast, servers: Servers, ddl: str, named: str) -> None:
    connection = await asyncpg.connect(servers.superuser_url)
    transaction = connection.transaction()
    await transaction.start()
    await connection.execute(ddl)
    found = await faults(connection)
    await transaction.rollback()
    await connection.close()
    assert named in found

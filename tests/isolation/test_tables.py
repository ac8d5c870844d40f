"""On every table: another tenant's rows are not read, changed, deleted, inserted or referred to."""

from typing import Any
from uuid import uuid4

import asyncpg
from town import Cast

from dilo.kit import db
from dilo.run.embedded import Servers
from tenants.scope import scope

ALLOWED = {"migration", "tenant"}
TABLES = """
SELECT relname AS name FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace
ORDER BY relname
"""
COLUMNS = """
SELECT a.attname AS name, format_type(a.atttypid, NULL) AS kind
FROM pg_attribute a LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
WHERE a.attrelid = $1::regclass AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''
  AND a.attnotnull AND (d.oid IS NULL OR a.attname = 'tenant_id')
"""
CHECKS = """
SELECT pg_get_constraintdef(oid) AS text FROM pg_constraint
WHERE conrelid = $1::regclass AND contype = 'c'
"""
VALUES: dict[str, Any] = {
    "uuid": "gen_random_uuid()",
    "text": "'x'",
    "character": "'UAH'",
    "integer": "1",
    "bigint": "1",
    "smallint": "1",
    "numeric": "1",
    "boolean": "true",
    "date": "current_date",
    "jsonb": "'{}'",
    "timestamp with time zone": "now()",
    "bytea": "sha256('')",
    "text[]": "'{}'",
}


def first_allowed(column: str, checks: list[str]) -> str | None:
    """A value from ``column IN (...)``, which PostgreSQL prints as ``= ANY (ARRAY['a'::text ...])``."""
    for text in checks:
        if f"({column} = ANY" in text and "'" in text:
            return "'" + text.split("'")[1] + "'"
    return None


async def plant(connection: asyncpg.Connection, table: str, tenant_id: Any) -> None:
    """One row of the tenant, whatever the table: foreign keys are off, checks are obeyed."""
    checks = [row["text"] for row in await connection.fetch(CHECKS, table)]
    columns, values = [], []
    for row in await connection.fetch(COLUMNS, table):
        columns.append(row["name"])
        value = first_allowed(row["name"], checks) or VALUES[row["kind"]]
        values.append(f"'{tenant_id}'" if row["name"] == "tenant_id" else value)
    extra = {"journal_line": ", debit", "credit_check": ", cap_amount", "credit_override": ""}.get(
        table, ""
    )
    numbers = ", 1" if extra else ""
    try:
        async with connection.transaction():
            await connection.execute(
                f"INSERT INTO {table} ({', '.join(columns)}{extra})"
                f" VALUES ({', '.join(values)}{numbers})"
            )
    except asyncpg.UniqueViolationError:
        pass  # the town already has such a row


async def test_another_tenants_rows_are_out_of_reach(
    town: Cast, rival: Cast, servers: Servers
) -> None:
    owner = await asyncpg.connect(servers.superuser_url)
    tables = [r["name"] for r in await owner.fetch(TABLES) if r["name"] not in ALLOWED]
    await owner.execute("SET session_replication_role = replica")
    for table in tables:
        await plant(owner, table, town.tenant.id)
        count = await owner.fetchval(
            f"SELECT count(*) FROM {table} WHERE tenant_id = $1", town.tenant.id
        )
        assert count, f"{table} stayed empty: the test would prove nothing"
    before = await _digest(owner, tables, town)
    for table in tables:
        await _attack(table, town, rival)
    assert await _digest(owner, tables, town) == before
    await owner.close()


async def _attack(table: str, town: Cast, rival: Cast) -> None:
    async with scope(rival.tenant):
        seen = await db.value(
            f"SELECT count(*) FROM {table} WHERE tenant_id = :t", t=town.tenant.id
        )
        assert seen == 0, f"{table} is read across tenants"
    for sql in (
        f"UPDATE {table} SET tenant_id = tenant_id WHERE tenant_id = :t",
        f"DELETE FROM {table} WHERE tenant_id = :t",
    ):
        try:
            async with scope(rival.tenant):
                assert await db.execute(sql, t=town.tenant.id) == 0, f"{table}: {sql}"
        except asyncpg.InsufficientPrivilegeError:
            pass
    try:
        async with scope(rival.tenant):
            await db.execute(f"INSERT INTO {table} (tenant_id) VALUES (:t)", t=town.tenant.id)
    except (
        asyncpg.InsufficientPrivilegeError,
        asyncpg.NotNullViolationError,
        asyncpg.CheckViolationError,
    ):
        return
    raise AssertionError(f"{table} takes a row for another tenant")


async def _digest(owner: asyncpg.Connection, tables: list[str], town: Cast) -> list[str]:
    return [
        await owner.fetchval(
            f"SELECT md5(coalesce(string_agg(t::text, '|' ORDER BY t::text), '')) FROM {table} t"
            " WHERE tenant_id = $1",
            town.tenant.id,
        )
        for table in tables
    ]


async def test_a_reference_to_another_tenants_row_is_refused(town: Cast, rival: Cast) -> None:
    stolen = town.parties["D-1"]
    for sql in (
        "INSERT INTO contact (party_id, name) VALUES (:id, 'x')",
        "INSERT INTO credit_policy (party_id) VALUES (:id)",
        "INSERT INTO party_balance (party_id, currency) VALUES (:id, 'UAH')",
    ):
        try:
            async with scope(rival.tenant):
                await db.execute(sql, id=stolen)
        except asyncpg.ForeignKeyViolationError:
            continue
        raise AssertionError(sql)


async def test_without_a_tenant_there_are_no_rows(town: Cast) -> None:
    async with db.transaction():
        for table in ("party", "invoice", "tenant", "identity", "outbox"):
            assert await db.value(f"SELECT count(*) FROM {table}") == 0


async def test_the_same_key_lives_in_two_tenants(town: Cast, rival: Cast) -> None:
    for cast in (town, rival):
        async with scope(cast.tenant):
            await db.execute("INSERT INTO party (code, name, currency) VALUES ('SAME', 'x', 'UAH')")
            assert await db.value("SELECT count(*) FROM party WHERE code = 'SAME'") == 1


async def test_an_unknown_tenant_is_nobody(town: Cast) -> None:
    try:
        async with scope(uuid4()):
            raise AssertionError("a scope of nobody")
    except Exception as error:
        assert "NOT_FOUND" in str(error)

"""Sales history into posted documents. Floor: COPY of the same rows into the same tables.

COPY cannot run under row security, so the floor runs as superuser with triggers on.
"""

import time
from pathlib import Path
from typing import Any

import asyncpg

from benchmarks.ground import fresh_tenant
from dilo.imports.jobs import new_job, run_job, take_job
from dilo.run.database import database
from dilo.run.embedded import Servers
from tenants.actors import SYSTEM
from tenants.scope import scope

FILE = Path(__file__).resolve().parents[2] / "shared" / "data" / "online_retail.csv.gz"
TABLES = (
    "party",
    "product",
    "journal_entry",
    "journal_line",
    "invoice",
    "invoice_line",
    "open_item",
)
COLUMNS = """
SELECT attname FROM pg_attribute WHERE attrelid = $1::regclass AND attnum > 0 AND NOT attisdropped
  AND attgenerated = '' ORDER BY attnum
"""


async def measure(servers: Servers, _scale: float) -> dict[str, Any]:
    if not FILE.exists():
        raise SystemExit(f"{FILE} is not here: this benchmark needs it")
    async with database(most=4):
        tenant_id = await fresh_tenant(servers, "bench-import", "GBP")
        async with scope(tenant_id):
            job_id = await new_job(SYSTEM, "sales-history", FILE, FILE.name, state="queued")
        token = await take_job(tenant_id, job_id)
        started = time.monotonic()
        job = await run_job(tenant_id, job_id, token)
        ours = time.monotonic() - started
        other = await fresh_tenant(servers, "bench-import-floor", "GBP")
    floor = await _floor(servers, tenant_id, other)
    return {
        "ours": job.total_rows / ours,
        "floor": job.total_rows / floor,
        "unit": "rows/s",
        "details": {
            "rows": job.total_rows,
            "documents": job.inserted,
            "ours_s": round(ours, 1),
            "floor_s": round(floor, 1),
        },
    }


async def _floor(servers: Servers, source: Any, target: Any) -> float:
    connection = await asyncpg.connect(servers.superuser_url.rsplit("/", 1)[0] + "/dilo")
    rows: dict[str, tuple[list[str], list[Any]]] = {}
    for table in TABLES:
        columns = [r["attname"] for r in await connection.fetch(COLUMNS, table)]
        found = await connection.fetch(
            f"SELECT {', '.join(columns)} FROM {table} WHERE tenant_id = $1", source
        )
        rows[table] = columns, [(target, *tuple(row)[1:]) for row in found]
    started = time.monotonic()
    async with connection.transaction():
        await connection.execute(f"SET LOCAL app.tenant_id = '{target}'")
        for table in TABLES:
            columns, records = rows[table]
            if table == "invoice":
                records = [_without(columns, record, "import_id") for record in records]
            await connection.copy_records_to_table(table, columns=columns, records=records)
    took = time.monotonic() - started
    await connection.close()
    return took


def _without(columns: list[str], record: Any, name: str) -> Any:
    at = columns.index(name)
    return (*record[:at], None, *record[at + 1 :])

"""Planning warnings for 100,000 debtors. Floor: INSERT ... SELECT of as many outbox rows and
notices."""

import time
from typing import Any

from benchmarks.ground import analyze, fresh_tenant, run_in
from benchmarks.many_items import fill
from dilo.dunning.actions import plan_run
from dilo.kit import db
from dilo.run.database import database
from dilo.run.embedded import Servers
from tenants.actors import SYSTEM
from tenants.scope import scope

PARTIES = 100_000
POLICY = (
    "INSERT INTO dunning_policy (name, is_default) VALUES ('P', true)",
    """INSERT INTO dunning_level (policy_id, position, offset_days, tone)
       SELECT id, 1, 1, 'due' FROM dunning_policy""",
    "UPDATE dunning_policy SET catch_up_days = 365",
    """INSERT INTO contact_channel (party_id, channel, address)
       SELECT id, 'sms', '+38067' || right(code, 7) FROM party""",
)
OUTBOX = """
INSERT INTO outbox (channel, kind, dedupe_key, payload, party_id)
SELECT 'sms', 'floor', 'floor:' || p.id, jsonb_build_object('notice_id', p.id), p.id FROM party p
"""
RUN = """
INSERT INTO dunning_run (policy_id, business_date, started_by)
SELECT id, current_date, 'floor' FROM dunning_policy RETURNING id
"""
NOTICES = """
INSERT INTO dunning_notice (id, run_id, party_id, level_id, business_date, currency, amount)
SELECT p.id, :run_id, p.id, l.id, current_date - 1, 'UAH', 1 FROM party p, dunning_level l
"""
ITEMS = """
INSERT INTO dunning_notice_item (notice_id, open_item_id, level_id, due_on)
SELECT i.party_id, i.id, l.id, i.due_on - 1000 FROM open_item i, dunning_level l
"""


async def measure(servers: Servers, scale: float) -> dict[str, Any]:
    parties = max(1000, int(PARTIES * scale))
    async with database(most=4):
        tenant_id = await fresh_tenant(servers, "bench-sweep")
        await fill(servers, tenant_id, parties, 1)
        await run_in(tenant_id, *POLICY)
        await run_in(tenant_id, "SELECT 1")
        await analyze(servers)
        async with scope(tenant_id):
            started = time.monotonic()
            planned = await plan_run(SYSTEM)
            ours = time.monotonic() - started
        await analyze(servers)
        async with scope(tenant_id):
            started = time.monotonic()
            run_id = await db.value(RUN)
            await db.execute(NOTICES, run_id=run_id)
            await db.execute(ITEMS)
            await db.execute(OUTBOX)
            floor = time.monotonic() - started
    return {
        "ours": planned / ours,
        "floor": parties / floor,
        "unit": "debtors/s",
        "details": {"planned": planned, "ours_s": round(ours, 2), "floor_s": round(floor, 2)},
    }

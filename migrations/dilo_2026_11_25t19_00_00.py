"""Goods that came back spoiled go on no shelf; an index for the number of approvals that wait."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager
from piccolo.engine import engine_finder

ID = "2026-11-25T19:00:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "Spoiled returns"

SPOILED = """
ALTER TABLE sales_return_line ADD COLUMN restocked boolean NOT NULL DEFAULT true;
ALTER TABLE claim_line ADD COLUMN spoiled boolean NOT NULL DEFAULT false;
CREATE INDEX approval_waiting ON approval_request (tenant_id) WHERE state = 'waiting';
"""


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id=ID, app_name="dilo", description=DESCRIPTION)

    async def run() -> None:
        await engine_finder().current_transaction.get().connection.execute(SPOILED)

    manager.add_raw(run)
    return manager

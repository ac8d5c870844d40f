"""A level of warnings that has been used is retired, not deleted: notices point at it."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager
from piccolo.engine import engine_finder

ID = "2026-11-24T07:45:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "Levels of warnings are retired; receipts find their message"

RETIRE = """
ALTER TABLE dunning_level ADD COLUMN retired_at timestamptz;
ALTER TABLE dunning_level DROP CONSTRAINT dunning_level_tenant_id_policy_id_position_key;
CREATE INDEX outbox_trouble ON outbox (tenant_id, created_at DESC)
  WHERE state IN ('unknown', 'dead', 'expired');
"""


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id=ID, app_name="dilo", description=DESCRIPTION)

    async def run() -> None:
        await engine_finder().current_transaction.get().connection.execute(RETIRE)

    manager.add_raw(run)
    return manager

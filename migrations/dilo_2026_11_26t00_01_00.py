"""The list of all shipments reads the newest first."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager
from piccolo.engine import engine_finder

ID = "2026-11-26T00:01:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "Shipments by age"

SCHEMA = "CREATE INDEX ON shipment (tenant_id, created_at DESC, id DESC);"


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id=ID, app_name="dilo", description=DESCRIPTION)

    async def run() -> None:
        await engine_finder().current_transaction.get().connection.execute(SCHEMA)

    manager.add_raw(run)
    return manager

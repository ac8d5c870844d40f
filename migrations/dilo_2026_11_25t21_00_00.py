"""When a number last wrote something else than STOP: then a colleague may answer it."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager
from piccolo.engine import engine_finder

ID = "2026-11-25T21:00:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "Numbers know when they last wrote"

WROTE = "ALTER TABLE sms_number ADD COLUMN wrote_at timestamptz"


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id=ID, app_name="dilo", description=DESCRIPTION)

    async def run() -> None:
        await engine_finder().current_transaction.get().connection.execute(WROTE)

    manager.add_raw(run)
    return manager

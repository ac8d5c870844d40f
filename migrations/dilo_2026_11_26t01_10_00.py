"""Keys of sent drafts are forgotten after a while."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager
from piccolo.engine import engine_finder

ID = "2026-11-26T01:10:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "Old keys of sent drafts may go"

FORGET = "GRANT DELETE ON sent_draft TO dilo_app"


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id=ID, app_name="dilo", description=DESCRIPTION)

    async def run() -> None:
        await engine_finder().current_transaction.get().connection.execute(FORGET)

    manager.add_raw(run)
    return manager

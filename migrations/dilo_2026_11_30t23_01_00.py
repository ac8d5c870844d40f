"""What a text not understood has taught is remembered, so that it can be taken back."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager
from piccolo.engine import engine_finder

ID = "2026-11-30T23:01:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "The name a text has taught"

# No foreign key: a name may be forgotten on the product's page, and the text stays taught.
TAUGHT = "ALTER TABLE unresolved_text ADD COLUMN alias_id uuid"


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id=ID, app_name="dilo", description=DESCRIPTION)

    async def run() -> None:
        await engine_finder().current_transaction.get().connection.execute(TAUGHT)

    manager.add_raw(run)
    return manager

"""A webhook's new secret whose answer got lost: believed beside the old one until it is seen."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager
from piccolo.engine import engine_finder

ID = "2026-12-01T11:01:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "A secret Telegram may have taken"

UNSURE = "ALTER TABLE telegram_bot ADD COLUMN secret_hash_unsure bytea"


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id=ID, app_name="dilo", description=DESCRIPTION)

    async def run() -> None:
        await engine_finder().current_transaction.get().connection.execute(UNSURE)

    manager.add_raw(run)
    return manager

"""A tier granted by the rule keeps the turnover that earned it; one granted by people has none."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager
from piccolo.engine import engine_finder

ID = "2026-11-26T00:02:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "Tiers by turnover"

SCHEMA = "ALTER TABLE dealer_tier_grant ADD COLUMN turnover_amount numeric(18,2);"


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id=ID, app_name="dilo", description=DESCRIPTION)

    async def run() -> None:
        await engine_finder().current_transaction.get().connection.execute(SCHEMA)

    manager.add_raw(run)
    return manager

"""A gateway that does not report is asked what became of a message: when next, how often so far."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager
from piccolo.engine import engine_finder

ID = "2026-11-30T21:01:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "States of texts are asked for"

ASK = """
ALTER TABLE sms_charge ADD COLUMN asked smallint NOT NULL DEFAULT 0, ADD COLUMN ask_at timestamptz;
CREATE INDEX sms_charge_asked ON sms_charge (tenant_id, account_id, ask_at)
WHERE ask_at IS NOT NULL;
"""


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id=ID, app_name="dilo", description=DESCRIPTION)

    async def run() -> None:
        await engine_finder().current_transaction.get().connection.execute(ASK)

    manager.add_raw(run)
    return manager

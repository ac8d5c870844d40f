"""A word may follow a mark; drafts of chats that nobody touches are found at once."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager
from piccolo.engine import engine_finder

ID = "2026-11-25T13:00:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "Comments to ratings, an index of chat drafts"

CHATS = """
GRANT UPDATE (comment) ON rating TO dilo_app;
CREATE INDEX chat_drafts ON sales_order (tenant_id, created_at)
  WHERE state = 'draft' AND door IN ('telegram', 'sms');
"""


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id=ID, app_name="dilo", description=DESCRIPTION)

    async def run() -> None:
        await engine_finder().current_transaction.get().connection.execute(CHATS)

    manager.add_raw(run)
    return manager

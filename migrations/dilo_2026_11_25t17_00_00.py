"""Drafts kept on a device without a network: the key of each one sent, so none counts twice."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager
from piccolo.engine import engine_finder

ID = "2026-11-25T17:00:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "Keys of drafts that have been sent"

SENT = """
CREATE TABLE sent_draft (
  tenant_id uuid NOT NULL DEFAULT current_setting('app.tenant_id')::uuid,
  identity_id uuid NOT NULL,
  key text NOT NULL CHECK (length(key) BETWEEN 1 AND 64),
  at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (tenant_id, identity_id, key),
  FOREIGN KEY (tenant_id, identity_id) REFERENCES identity (tenant_id, id)
);
SELECT tenant_table('sent_draft', 'SELECT', 'INSERT');
"""


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id=ID, app_name="dilo", description=DESCRIPTION)

    async def run() -> None:
        await engine_finder().current_transaction.get().connection.execute(SENT)

    manager.add_raw(run)
    return manager

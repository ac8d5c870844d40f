"""A task knows the form it was posted by, so that a form posted twice makes one, and who gave it."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager
from piccolo.engine import engine_finder

ID = "2026-12-01T12:01:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "Key and giver of a task"

# Who gave earlier tasks is known by name only: taken where one person bears it.
SQL = """
ALTER TABLE task ADD COLUMN key bytea, ADD COLUMN made_by_id uuid,
  ADD FOREIGN KEY (tenant_id, made_by_id) REFERENCES identity (tenant_id, id);
CREATE UNIQUE INDEX task_key ON task (tenant_id, key) WHERE key IS NOT NULL;
CREATE INDEX task_given ON task (tenant_id, made_by_id, due_at);
CREATE INDEX task_due ON task (tenant_id, due_at, id);

DO $$ DECLARE one uuid;
BEGIN
  FOR one IN SELECT id FROM tenant LOOP
    PERFORM set_config('app.tenant_id', one::text, true);
    UPDATE task t SET made_by_id = known.id FROM (
      SELECT i.name, min(i.id::text)::uuid AS id FROM identity i
      JOIN membership m ON m.identity_id = i.id GROUP BY i.name HAVING count(*) = 1) known
    WHERE known.name = t.made_by;
  END LOOP;
  PERFORM set_config('app.tenant_id', '', true);
END $$;
"""


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id=ID, app_name="dilo", description=DESCRIPTION)

    async def run() -> None:
        await engine_finder().current_transaction.get().connection.execute(SQL)

    manager.add_raw(run)
    return manager

"""The tenant of a statement is asked once, not for every row.

``tenant_id = current_tenant_id()`` reads the setting again for each row of a long scan. As a scalar
subquery it is an InitPlan: one reading a statement, still usable by every index.
"""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager
from piccolo.engine import engine_finder

ID = "2026-11-24T08:45:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "Row security asks for the tenant once a statement"

ONCE = """
CREATE OR REPLACE FUNCTION tenant_table(name regclass,
  VARIADIC verbs text[] DEFAULT ARRAY['SELECT','INSERT','UPDATE','DELETE'])
RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', name);
  EXECUTE format('ALTER TABLE %s FORCE ROW LEVEL SECURITY', name);
  EXECUTE format('CREATE POLICY tenant_only ON %s USING (tenant_id = (SELECT current_tenant_id()))
                  WITH CHECK (tenant_id = (SELECT current_tenant_id()))', name);
  EXECUTE format('GRANT %s ON %s TO dilo_app', array_to_string(verbs, ', '), name);
END $$;

DO $$
DECLARE guarded regclass;
BEGIN
  FOR guarded IN SELECT polrelid FROM pg_policy WHERE polname = 'tenant_only' ORDER BY 1 LOOP
    EXECUTE format('ALTER POLICY tenant_only ON %s
      USING (tenant_id = (SELECT current_tenant_id()))
      WITH CHECK (tenant_id = (SELECT current_tenant_id()))', guarded);
  END LOOP;
END $$;
"""


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id=ID, app_name="dilo", description=DESCRIPTION)

    async def run() -> None:
        await engine_finder().current_transaction.get().connection.execute(ONCE)

    manager.add_raw(run)
    return manager

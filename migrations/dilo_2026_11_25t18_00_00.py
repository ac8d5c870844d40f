"""The axes of a series in the place of families: what is a variant is said by the series alone."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager
from piccolo.engine import engine_finder

ID = "2026-11-25T18:00:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "Axes of a series; product_family, which nothing ever wrote, goes"

# A family beside product.series would have been a second word for the same goods.
FAMILIES = """
ALTER TABLE product DROP CONSTRAINT IF EXISTS product_family_fk;
DROP INDEX IF EXISTS product_of_family;
ALTER TABLE product DROP COLUMN IF EXISTS family_id;
DROP TABLE IF EXISTS product_family;
"""
# Which attributes are the rows and the columns of the grid; without a row they are guessed.
SERIES = """
CREATE TABLE series_axes (
  tenant_id uuid NOT NULL DEFAULT current_setting('app.tenant_id')::uuid,
  series text NOT NULL CHECK (series <> ''),
  row_axis text NOT NULL CHECK (row_axis <> ''),
  column_axis text NOT NULL DEFAULT '' CHECK (column_axis <> row_axis),
  changed_by text NOT NULL,
  changed_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (tenant_id, series)
);
SELECT tenant_table('series_axes');
"""


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id=ID, app_name="dilo", description=DESCRIPTION)

    async def run() -> None:
        for script in (FAMILIES, SERIES):
            await engine_finder().current_transaction.get().connection.execute(script)

    manager.add_raw(run)
    return manager

"""Classes of clients and goods, segments by rule, what followed from them and how to take it back."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager
from piccolo.engine import engine_finder

ID = "2026-11-24T14:00:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "ABC and XYZ classes, segments by rule"

CLASSES = """
ALTER TABLE party ADD COLUMN IF NOT EXISTS class_code text;
ALTER TABLE party ADD COLUMN IF NOT EXISTS segment_by_hand boolean NOT NULL DEFAULT false;
ALTER TABLE party ADD COLUMN IF NOT EXISTS priority smallint NOT NULL DEFAULT 5
  CHECK (priority BETWEEN 1 AND 9);
ALTER TABLE product ADD COLUMN IF NOT EXISTS class_code text;
CREATE TABLE segment_rule (
  tenant_id uuid NOT NULL DEFAULT current_setting('app.tenant_id')::uuid,
  id uuid NOT NULL DEFAULT uuidv7(),
  position smallint NOT NULL,
  segment text NOT NULL CHECK (segment <> ''),
  classes text[] NOT NULL DEFAULT '{}',
  min_total numeric(18,2),
  price_list_id uuid,
  limit_amount numeric(18,2) CHECK (limit_amount >= 0),
  depth_days integer CHECK (depth_days BETWEEN 0 AND 3650),
  priority smallint CHECK (priority BETWEEN 1 AND 9),
  owner_id uuid,
  PRIMARY KEY (tenant_id, id),
  UNIQUE (tenant_id, position) DEFERRABLE INITIALLY DEFERRED,
  FOREIGN KEY (tenant_id, price_list_id) REFERENCES price_list (tenant_id, id),
  FOREIGN KEY (tenant_id, owner_id) REFERENCES identity (tenant_id, id)
);
SELECT tenant_table('segment_rule');
CREATE TABLE class_run (
  tenant_id uuid NOT NULL DEFAULT current_setting('app.tenant_id')::uuid,
  id uuid NOT NULL DEFAULT uuidv7(),
  subject text NOT NULL CHECK (subject IN ('clients','goods')),
  settings jsonb NOT NULL,
  since date NOT NULL,
  until date NOT NULL,
  changed integer NOT NULL DEFAULT 0,
  applied_by text NOT NULL,
  applied_at timestamptz NOT NULL DEFAULT now(),
  reversed_at timestamptz,
  PRIMARY KEY (tenant_id, id)
);
SELECT tenant_table('class_run', 'SELECT', 'INSERT', 'UPDATE');
CREATE TABLE class_change (
  tenant_id uuid NOT NULL DEFAULT current_setting('app.tenant_id')::uuid,
  id uuid NOT NULL DEFAULT uuidv7(),
  run_id uuid NOT NULL,
  subject_id uuid NOT NULL,
  was jsonb NOT NULL,
  became jsonb NOT NULL,
  why jsonb NOT NULL,
  PRIMARY KEY (tenant_id, id),
  UNIQUE (tenant_id, run_id, subject_id),
  FOREIGN KEY (tenant_id, run_id) REFERENCES class_run (tenant_id, id)
);
CREATE INDEX ON class_change (tenant_id, subject_id);
SELECT tenant_table('class_change', 'SELECT', 'INSERT');
SELECT append_only('class_change');
"""


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id=ID, app_name="dilo", description=DESCRIPTION)

    async def run() -> None:
        await engine_finder().current_transaction.get().connection.execute(CLASSES)

    manager.add_raw(run)
    return manager

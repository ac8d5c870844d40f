"""Debt messages that keep measure: caps, forecasts, digests; colleagues' news, tasks, calls."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager
from piccolo.engine import engine_finder

ID = "2026-11-25T16:00:00:000000"
VERSION = "1.38.0"
DESCRIPTION = (
    "Frequency caps, stop forecasts, debt digests, staff wishes, tasks, calls, stock alarms"
)

DEBT = """
ALTER TABLE dunning_policy
  ADD COLUMN most_a_day integer CHECK (most_a_day BETWEEN 1 AND 100),
  ADD COLUMN most_a_week integer CHECK (most_a_week BETWEEN 1 AND 500),
  ADD COLUMN forecast_days integer NOT NULL DEFAULT 0 CHECK (forecast_days BETWEEN 0 AND 14),
  ADD COLUMN promise_days integer NOT NULL DEFAULT 60 CHECK (promise_days BETWEEN 1 AND 365);
ALTER TABLE outbox ADD COLUMN read_at timestamptz;
CREATE INDEX outbox_told_lately ON outbox (tenant_id, party_id, sent_at)
  WHERE party_id IS NOT NULL AND sent_at IS NOT NULL;

-- A party that asked for a weekly summary, and on which day (ISO: 1 is Monday).
CREATE TABLE debt_digest (
  tenant_id uuid NOT NULL DEFAULT current_setting('app.tenant_id')::uuid,
  party_id uuid NOT NULL,
  weekday smallint NOT NULL CHECK (weekday BETWEEN 1 AND 7),
  chosen_by text NOT NULL,
  chosen_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (tenant_id, party_id),
  FOREIGN KEY (tenant_id, party_id) REFERENCES party (tenant_id, id)
);
SELECT tenant_table('debt_digest');
"""

STAFF = """
CREATE TABLE staff_wish (
  tenant_id uuid NOT NULL DEFAULT current_setting('app.tenant_id')::uuid,
  identity_id uuid NOT NULL,
  kind text NOT NULL,
  reach text NOT NULL CHECK (reach IN ('off','mine','all')),
  hour smallint NOT NULL DEFAULT 9 CHECK (hour BETWEEN 0 AND 23),
  PRIMARY KEY (tenant_id, identity_id, kind),
  FOREIGN KEY (tenant_id, identity_id) REFERENCES identity (tenant_id, id) ON DELETE CASCADE
);
SELECT tenant_table('staff_wish');

CREATE TABLE task (
  tenant_id uuid NOT NULL DEFAULT current_setting('app.tenant_id')::uuid,
  id uuid NOT NULL DEFAULT uuidv7(),
  title text NOT NULL CHECK (title <> '' AND length(title) <= 300),
  due_at timestamptz NOT NULL,
  assignee_id uuid NOT NULL,
  party_id uuid,
  made_by text NOT NULL,
  made_at timestamptz NOT NULL DEFAULT now(),
  done_at timestamptz,
  PRIMARY KEY (tenant_id, id),
  FOREIGN KEY (tenant_id, assignee_id) REFERENCES identity (tenant_id, id),
  FOREIGN KEY (tenant_id, party_id) REFERENCES party (tenant_id, id)
);
CREATE INDEX task_to_do ON task (tenant_id, assignee_id, due_at) WHERE done_at IS NULL;
CREATE INDEX task_of_party ON task (tenant_id, party_id) WHERE party_id IS NOT NULL;
SELECT tenant_table('task', 'SELECT', 'INSERT', 'UPDATE');

CREATE TABLE call (
  tenant_id uuid NOT NULL DEFAULT current_setting('app.tenant_id')::uuid,
  id uuid NOT NULL DEFAULT uuidv7(),
  external_id text NOT NULL CHECK (external_id <> ''),
  phone text NOT NULL,
  missed boolean NOT NULL,
  called_at timestamptz NOT NULL,
  party_id uuid,
  task_id uuid,
  noted_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (tenant_id, id),
  UNIQUE (tenant_id, external_id),
  FOREIGN KEY (tenant_id, party_id) REFERENCES party (tenant_id, id),
  FOREIGN KEY (tenant_id, task_id) REFERENCES task (tenant_id, id)
);
CREATE INDEX ON call (tenant_id, party_id, called_at DESC);
SELECT tenant_table('call', 'SELECT', 'INSERT', 'UPDATE');
"""

# The shelf itself says when it falls below the mark: once, until it is full again.
ALARMS = """
CREATE TABLE stock_alarm (
  tenant_id uuid NOT NULL DEFAULT current_setting('app.tenant_id')::uuid,
  product_id uuid NOT NULL,
  least_quantity numeric(18,4) NOT NULL CHECK (least_quantity > 0),
  low_since timestamptz,
  PRIMARY KEY (tenant_id, product_id),
  FOREIGN KEY (tenant_id, product_id) REFERENCES product (tenant_id, id)
);
SELECT tenant_table('stock_alarm');

CREATE FUNCTION notice_low_stock(products uuid[]) RETURNS void LANGUAGE sql AS $$
  WITH now_is AS (
    SELECT a.product_id, a.low_since, a.least_quantity,
      coalesce(sum(s.on_hand - s.reserved), 0) AS free
    FROM stock_alarm a LEFT JOIN stock_level s ON s.product_id = a.product_id
    WHERE a.product_id = ANY(products) GROUP BY a.product_id, a.low_since, a.least_quantity),
  turned AS (
    UPDATE stock_alarm a
    SET low_since = CASE WHEN n.free < n.least_quantity THEN clock_timestamp() END
    FROM now_is n WHERE n.product_id = a.product_id
      AND (n.free < n.least_quantity) <> (a.low_since IS NOT NULL)
    RETURNING a.product_id, a.low_since, n.free)
  INSERT INTO outbox (channel, kind, dedupe_key, payload, priority)
  SELECT 'event', 'stock_low', 'stock_low:' || product_id || ':' || low_since,
    jsonb_build_object('product_id', product_id, 'free', free::text, 'since', low_since), 4
  FROM turned WHERE low_since IS NOT NULL
  ON CONFLICT (tenant_id, channel, dedupe_key) DO NOTHING
$$;
CREATE FUNCTION watch_stock() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE watched uuid[];
BEGIN
  SELECT array_agg(DISTINCT c.product_id) INTO watched
  FROM changed c JOIN stock_alarm a ON a.product_id = c.product_id;
  IF watched IS NOT NULL THEN PERFORM notice_low_stock(watched); END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER watch_stock_changed AFTER UPDATE ON stock_level
  REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION watch_stock();
CREATE TRIGGER watch_stock_new AFTER INSERT ON stock_level
  REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION watch_stock();
"""


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id=ID, app_name="dilo", description=DESCRIPTION)

    async def run() -> None:
        for script in (DEBT, STAFF, ALARMS):
            await engine_finder().current_transaction.get().connection.execute(script)

    manager.add_raw(run)
    return manager

"""What reports need: saved views and schedules, issued statements, bills of suppliers, commission, discounts."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager
from piccolo.engine import engine_finder

ID = "2026-11-24T12:30:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "Reports: views, schedules, statements; payables; discounts and commission"

SALES = """
CREATE INDEX IF NOT EXISTS allocation_by_day ON allocation (tenant_id, allocated_on)
  INCLUDE (debit_item_id, credit_item_id, amount);
ALTER TABLE membership ADD COLUMN IF NOT EXISTS commission_percent numeric(5,2) NOT NULL DEFAULT 0
  CHECK (commission_percent BETWEEN 0 AND 100);
-- What the line would have cost by the base list; how much of the difference a promotion gave away.
ALTER TABLE invoice_line ADD COLUMN IF NOT EXISTS list_amount numeric(18,2);
ALTER TABLE invoice_line ADD COLUMN IF NOT EXISTS promotion_amount numeric(18,2) NOT NULL DEFAULT 0;
ALTER TABLE price_list ADD COLUMN IF NOT EXISTS is_promotion boolean NOT NULL DEFAULT false;
"""

VIEWS = """
CREATE TABLE report_view (
  tenant_id uuid NOT NULL DEFAULT current_setting('app.tenant_id')::uuid,
  id uuid NOT NULL DEFAULT uuidv7(),
  report text NOT NULL,
  name text NOT NULL CHECK (name <> ''),
  query jsonb NOT NULL DEFAULT '{}',
  owner_id uuid NOT NULL,
  shared_roles text[] NOT NULL DEFAULT '{}',
  created_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (tenant_id, id),
  UNIQUE (tenant_id, owner_id, report, name),
  FOREIGN KEY (tenant_id, owner_id) REFERENCES identity (tenant_id, id)
);
SELECT tenant_table('report_view');
CREATE TABLE report_schedule (
  tenant_id uuid NOT NULL DEFAULT current_setting('app.tenant_id')::uuid,
  id uuid NOT NULL DEFAULT uuidv7(),
  view_id uuid NOT NULL,
  every text NOT NULL CHECK (every IN ('day','week','month')),
  hour smallint NOT NULL CHECK (hour BETWEEN 0 AND 23),
  file_kind text NOT NULL CHECK (file_kind IN ('xlsx','csv','pdf')),
  channel text NOT NULL CHECK (channel IN ('email','telegram')),
  address text NOT NULL,
  identity_id uuid NOT NULL,
  next_at timestamptz NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (tenant_id, id),
  FOREIGN KEY (tenant_id, view_id) REFERENCES report_view (tenant_id, id) ON DELETE CASCADE,
  FOREIGN KEY (tenant_id, identity_id) REFERENCES identity (tenant_id, id)
);
CREATE INDEX ON report_schedule (tenant_id, next_at);
SELECT tenant_table('report_schedule');
-- A statement as it left the house: knowledge is the journal's number, the digest covers every row.
CREATE TABLE issued_statement (
  tenant_id uuid NOT NULL DEFAULT current_setting('app.tenant_id')::uuid,
  id uuid NOT NULL DEFAULT uuidv7(),
  party_id uuid NOT NULL,
  currency char(3) NOT NULL,
  since date NOT NULL,
  until date NOT NULL,
  known_number bigint NOT NULL,
  opening numeric(18,2) NOT NULL,
  closing numeric(18,2) NOT NULL,
  digest bytea NOT NULL CHECK (length(digest) = 32),
  issued_by text NOT NULL,
  issued_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (tenant_id, id),
  UNIQUE (tenant_id, digest),
  FOREIGN KEY (tenant_id, party_id) REFERENCES party (tenant_id, id)
);
SELECT tenant_table('issued_statement', 'SELECT', 'INSERT');
SELECT append_only('issued_statement');
"""

PAYABLES = """
CREATE TABLE bill (
  tenant_id uuid NOT NULL DEFAULT current_setting('app.tenant_id')::uuid,
  id uuid NOT NULL DEFAULT uuidv7(),
  number text NOT NULL CHECK (number <> ''),
  party_id uuid NOT NULL,
  issued_on date NOT NULL,
  due_on date NOT NULL,
  currency char(3) NOT NULL,
  total numeric(18,2) NOT NULL CHECK (total > 0),
  account text NOT NULL,
  branch text,
  business_line text,
  memo text,
  entry_id uuid NOT NULL,
  key text NOT NULL,
  recorded_by text NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (tenant_id, id),
  UNIQUE (tenant_id, key),
  UNIQUE (tenant_id, party_id, number),
  CHECK (due_on >= issued_on),
  FOREIGN KEY (tenant_id, party_id) REFERENCES party (tenant_id, id),
  FOREIGN KEY (tenant_id, entry_id) REFERENCES journal_entry (tenant_id, id)
);
CREATE INDEX ON bill (tenant_id, issued_on DESC, id);
SELECT tenant_table('bill', 'SELECT', 'INSERT');
SELECT append_only('bill');
CREATE TABLE bill_payment (
  tenant_id uuid NOT NULL DEFAULT current_setting('app.tenant_id')::uuid,
  id uuid NOT NULL DEFAULT uuidv7(),
  bill_id uuid NOT NULL,
  method text NOT NULL CHECK (method IN ('bank','cash','offset')),
  amount numeric(18,2) NOT NULL CHECK (amount <> 0),
  paid_on date NOT NULL,
  entry_id uuid NOT NULL,
  reverses_id uuid,
  key text NOT NULL,
  recorded_by text NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (tenant_id, id),
  UNIQUE (tenant_id, key),
  CHECK ((amount < 0) = (reverses_id IS NOT NULL)),
  FOREIGN KEY (tenant_id, bill_id) REFERENCES bill (tenant_id, id),
  FOREIGN KEY (tenant_id, entry_id) REFERENCES journal_entry (tenant_id, id),
  FOREIGN KEY (tenant_id, reverses_id) REFERENCES bill_payment (tenant_id, id)
);
CREATE UNIQUE INDEX ON bill_payment (tenant_id, reverses_id) WHERE reverses_id IS NOT NULL;
CREATE INDEX ON bill_payment (tenant_id, bill_id, paid_on) INCLUDE (amount);
SELECT tenant_table('bill_payment', 'SELECT', 'INSERT');
SELECT append_only('bill_payment');
-- What is paid on a bill never passes its total, whoever writes.
CREATE FUNCTION bill_is_not_overpaid() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF EXISTS (
    SELECT 1 FROM (SELECT DISTINCT bill_id FROM paid) n JOIN bill b ON b.tenant_id = current_tenant_id() AND b.id = n.bill_id
    WHERE (SELECT sum(y.amount) FROM bill_payment y WHERE y.tenant_id = b.tenant_id AND y.bill_id = b.id)
      NOT BETWEEN 0 AND b.total) THEN
    RAISE EXCEPTION 'more is paid than the bill says' USING ERRCODE = 'check_violation';
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER bill_is_not_overpaid AFTER INSERT ON bill_payment REFERENCING NEW TABLE AS paid
  FOR EACH STATEMENT EXECUTE FUNCTION bill_is_not_overpaid();
"""


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id=ID, app_name="dilo", description=DESCRIPTION)

    async def run() -> None:
        for script in (SALES, VIEWS, PAYABLES):
            await engine_finder().current_transaction.get().connection.execute(script)

    manager.add_raw(run)
    return manager

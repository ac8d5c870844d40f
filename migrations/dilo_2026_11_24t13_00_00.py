"""Money: exchange differences, write-offs, refunds, bank statements, settings, accounts they post to."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager
from piccolo.engine import engine_finder

ID = "2026-11-24T13:00:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "Exchange rates, write-offs, refunds, bank statements, tenant settings"

ACCOUNTS = """
CREATE OR REPLACE FUNCTION open_books() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE before text := current_setting('app.tenant_id', true);
BEGIN
  PERFORM set_config('app.tenant_id', NEW.id::text, true);
  INSERT INTO ledger_account (code, name, kind) VALUES
    ('1000', 'Cash', 'asset'), ('1010', 'Bank', 'asset'), ('1100', 'Trade receivables', 'asset'),
    ('1200', 'Inventory', 'asset'), ('2000', 'Trade payables', 'liability'),
    ('3000', 'Equity', 'equity'), ('4000', 'Sales', 'income'), ('4010', 'Sales returns', 'income'),
    ('4100', 'Late fees and interest', 'income'), ('4900', 'Exchange differences', 'income'),
    ('5000', 'Cost of sales', 'expense'), ('5100', 'Operating expenses', 'expense'),
    ('6000', 'Receivables written off', 'expense');
  PERFORM set_config('app.tenant_id', coalesce(before, ''), true);
  RETURN NULL;
END $$;
DO $$
DECLARE one uuid; before text := current_setting('app.tenant_id', true);
BEGIN
  FOR one IN SELECT id FROM tenant LOOP
    PERFORM set_config('app.tenant_id', one::text, true);
    INSERT INTO ledger_account (code, name, kind) VALUES
      ('4100', 'Late fees and interest', 'income'), ('4900', 'Exchange differences', 'income'),
      ('5100', 'Operating expenses', 'expense') ON CONFLICT DO NOTHING;
  END LOOP;
  PERFORM set_config('app.tenant_id', coalesce(before, ''), true);
END $$;
CREATE TABLE setting (
  tenant_id uuid NOT NULL DEFAULT current_setting('app.tenant_id')::uuid,
  name text NOT NULL,
  value jsonb NOT NULL,
  changed_by text NOT NULL,
  changed_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (tenant_id, name)
);
SELECT tenant_table('setting');
"""

ITEMS = """
ALTER TABLE open_item DROP CONSTRAINT open_item_kind_check;
ALTER TABLE open_item ADD CONSTRAINT open_item_kind_check CHECK (kind IN
  ('invoice','credit_note','payment','opening','refund','exchange','fee','write_off')) NOT VALID;
ALTER TABLE open_item VALIDATE CONSTRAINT open_item_kind_check;
-- What the document itself says where its currency is not the balance's.
ALTER TABLE open_item ADD COLUMN original_currency char(3);
ALTER TABLE open_item ADD COLUMN original_amount numeric(18,2) CHECK (original_amount > 0);
ALTER TABLE invoice ADD COLUMN original_currency char(3);
ALTER TABLE invoice ADD COLUMN original_total numeric(18,2);
ALTER TABLE payment ADD COLUMN original_currency char(3);
ALTER TABLE payment ADD COLUMN original_amount numeric(18,2);
ALTER TABLE payment ADD COLUMN direction text NOT NULL DEFAULT 'in' CHECK (direction IN ('in','out'));
-- Units of the company's currency for one of the foreign one, from that day on.
CREATE TABLE exchange_rate (
  tenant_id uuid NOT NULL DEFAULT current_setting('app.tenant_id')::uuid,
  currency char(3) NOT NULL,
  valid_on date NOT NULL,
  rate numeric(18,6) NOT NULL CHECK (rate > 0),
  recorded_by text NOT NULL,
  recorded_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (tenant_id, currency, valid_on)
);
SELECT tenant_table('exchange_rate');
CREATE TABLE write_off (
  tenant_id uuid NOT NULL DEFAULT current_setting('app.tenant_id')::uuid,
  id uuid NOT NULL DEFAULT uuidv7(),
  party_id uuid NOT NULL,
  open_item_id uuid NOT NULL,
  amount numeric(18,2) NOT NULL CHECK (amount > 0),
  reason text NOT NULL CHECK (reason <> ''),
  state text NOT NULL DEFAULT 'requested' CHECK (state IN ('requested','posted','refused')),
  requested_by uuid NOT NULL,
  requested_at timestamptz NOT NULL DEFAULT now(),
  decided_by uuid,
  decided_at timestamptz,
  PRIMARY KEY (tenant_id, id),
  FOREIGN KEY (tenant_id, party_id) REFERENCES party (tenant_id, id),
  FOREIGN KEY (tenant_id, open_item_id) REFERENCES open_item (tenant_id, id),
  FOREIGN KEY (tenant_id, requested_by) REFERENCES identity (tenant_id, id),
  FOREIGN KEY (tenant_id, decided_by) REFERENCES identity (tenant_id, id),
  CHECK (decided_by <> requested_by),
  CHECK (state = 'requested' OR decided_by IS NOT NULL)
);
CREATE UNIQUE INDEX one_write_off_asked ON write_off (tenant_id, open_item_id) WHERE state = 'requested';
SELECT tenant_table('write_off', 'SELECT', 'INSERT', 'UPDATE');
"""

BANKING = """
CREATE TABLE bank_statement (
  tenant_id uuid NOT NULL DEFAULT current_setting('app.tenant_id')::uuid,
  id uuid NOT NULL DEFAULT uuidv7(),
  account text NOT NULL,
  format text NOT NULL CHECK (format IN ('camt','mt940','csv')),
  file_name text NOT NULL,
  file_sha256 bytea NOT NULL,
  opening numeric(18,2),
  closing numeric(18,2),
  lines integer NOT NULL DEFAULT 0,
  imported_by text NOT NULL,
  imported_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (tenant_id, id),
  UNIQUE (tenant_id, file_sha256)
);
SELECT tenant_table('bank_statement', 'SELECT', 'INSERT', 'UPDATE');
-- amount: positive came, negative went. key: the bank's own reference, or a digest of the line.
CREATE TABLE bank_line (
  tenant_id uuid NOT NULL DEFAULT current_setting('app.tenant_id')::uuid,
  id uuid NOT NULL DEFAULT uuidv7(),
  statement_id uuid NOT NULL,
  account text NOT NULL,
  key text NOT NULL,
  booked_on date NOT NULL,
  amount numeric(18,2) NOT NULL CHECK (amount <> 0),
  currency char(3) NOT NULL,
  counterparty text NOT NULL DEFAULT '',
  counterparty_account text NOT NULL DEFAULT '',
  counterparty_tax_id text NOT NULL DEFAULT '',
  text text NOT NULL DEFAULT '',
  state text NOT NULL DEFAULT 'review' CHECK (state IN ('review','posted','ignored')),
  party_id uuid,
  why text NOT NULL DEFAULT '',
  score smallint NOT NULL DEFAULT 0,
  numbers text[] NOT NULL DEFAULT '{}',
  payment_id uuid,
  decided_by text,
  decided_at timestamptz,
  PRIMARY KEY (tenant_id, id),
  UNIQUE (tenant_id, account, key),
  FOREIGN KEY (tenant_id, statement_id) REFERENCES bank_statement (tenant_id, id),
  FOREIGN KEY (tenant_id, party_id) REFERENCES party (tenant_id, id),
  FOREIGN KEY (tenant_id, payment_id) REFERENCES payment (tenant_id, id),
  CHECK ((state = 'posted') = (payment_id IS NOT NULL))
);
CREATE INDEX ON bank_line (tenant_id, state, booked_on DESC, id);
CREATE INDEX ON bank_line (tenant_id, statement_id);
SELECT tenant_table('bank_line', 'SELECT', 'INSERT', 'UPDATE');
-- Whose account it is, learnt from what people confirmed.
CREATE TABLE bank_account (
  tenant_id uuid NOT NULL DEFAULT current_setting('app.tenant_id')::uuid,
  account text NOT NULL,
  party_id uuid NOT NULL,
  learnt_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (tenant_id, account),
  FOREIGN KEY (tenant_id, party_id) REFERENCES party (tenant_id, id)
);
SELECT tenant_table('bank_account');
"""


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id=ID, app_name="dilo", description=DESCRIPTION)

    async def run() -> None:
        for script in (ACCOUNTS, ITEMS, BANKING):
            await engine_finder().current_transaction.get().connection.execute(script)

    manager.add_raw(run)
    return manager

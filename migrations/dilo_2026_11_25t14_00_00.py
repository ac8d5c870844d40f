"""SMS of each company: its gateways, budget, evidence of cost, numbers that write and that stop."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager
from piccolo.engine import engine_finder

ID = "2026-11-25T14:00:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "SMS gateways, budgets and numbers of a company"

GATEWAYS = """
-- settings: what may be read; secrets_sealed: passwords and tokens as one sealed JSON object.
CREATE TABLE sms_account (
  tenant_id uuid NOT NULL DEFAULT current_setting('app.tenant_id')::uuid,
  id uuid NOT NULL DEFAULT uuidv7(),
  kind text NOT NULL CHECK (kind IN ('smpp','twilio','turbosms','generic')),
  name text NOT NULL CHECK (name <> ''),
  sender text NOT NULL CHECK (sender ~ '^([A-Za-z0-9 ._-]{1,11}|[+]?[0-9]{3,15})$'),
  settings jsonb NOT NULL DEFAULT '{}',
  secrets_sealed text NOT NULL,
  price numeric(12,4) NOT NULL DEFAULT 0 CHECK (price >= 0),
  per_second integer NOT NULL DEFAULT 10 CHECK (per_second BETWEEN 1 AND 1000),
  outstanding integer NOT NULL DEFAULT 10 CHECK (outstanding BETWEEN 1 AND 500),
  latin boolean NOT NULL DEFAULT false,
  position integer NOT NULL DEFAULT 1,
  active boolean NOT NULL DEFAULT true,
  balance text,
  last_error text,
  failed_at timestamptz,
  sent_at timestamptz,
  created_at timestamptz NOT NULL DEFAULT now(),
  changed_at timestamptz NOT NULL DEFAULT now(),
  removed_at timestamptz,
  PRIMARY KEY (tenant_id, id)
);
CREATE INDEX ON sms_account (tenant_id, position) WHERE removed_at IS NULL;
SELECT tenant_table('sms_account');

-- One row a company: what it lets SMS cost, in its own currency. stop_covers: what STOP silences.
CREATE TABLE sms_policy (
  tenant_id uuid NOT NULL DEFAULT current_setting('app.tenant_id')::uuid,
  id uuid NOT NULL DEFAULT uuidv7(),
  daily_amount numeric(18,2) CHECK (daily_amount >= 0),
  monthly_amount numeric(18,2) CHECK (monthly_amount >= 0),
  stop_covers text NOT NULL DEFAULT 'all' CHECK (stop_covers IN ('all','marketing')),
  changed_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (tenant_id, id),
  UNIQUE (tenant_id)
);
SELECT tenant_table('sms_policy');

-- What is spent of a day or a month, reserved before it is sent: one row is locked by all senders.
CREATE TABLE sms_budget (
  tenant_id uuid NOT NULL DEFAULT current_setting('app.tenant_id')::uuid,
  id uuid NOT NULL DEFAULT uuidv7(),
  period text NOT NULL CHECK (period IN ('day','month')),
  began_on date NOT NULL,
  spent numeric(18,4) NOT NULL DEFAULT 0,
  warned_at timestamptz,
  PRIMARY KEY (tenant_id, id),
  UNIQUE (tenant_id, period, began_on)
);
SELECT tenant_table('sms_budget');

-- What a try cost. amount is reserved at first; released where it certainly did not leave.
CREATE TABLE sms_charge (
  tenant_id uuid NOT NULL DEFAULT current_setting('app.tenant_id')::uuid,
  id uuid NOT NULL DEFAULT uuidv7(),
  outbox_id uuid NOT NULL,
  attempt integer NOT NULL,
  account_id uuid,
  kind text NOT NULL,
  encoding text NOT NULL CHECK (encoding IN ('gsm','ucs2')),
  segments integer NOT NULL CHECK (segments > 0),
  amount numeric(18,4) NOT NULL,
  state text NOT NULL DEFAULT 'reserved' CHECK (state IN ('reserved','spent','released')),
  spent_on date NOT NULL,
  at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (tenant_id, id),
  FOREIGN KEY (tenant_id, outbox_id) REFERENCES outbox (tenant_id, id),
  FOREIGN KEY (tenant_id, account_id) REFERENCES sms_account (tenant_id, id)
);
CREATE INDEX ON sms_charge (tenant_id, outbox_id);
CREATE INDEX ON sms_charge (tenant_id, spent_on);
SELECT tenant_table('sms_charge', 'SELECT', 'INSERT', 'UPDATE');
"""

NUMBERS = """
-- A number that wrote to us: its silence, its pace, when a stranger was last answered.
CREATE TABLE sms_number (
  tenant_id uuid NOT NULL DEFAULT current_setting('app.tenant_id')::uuid,
  id uuid NOT NULL DEFAULT uuidv7(),
  phone text NOT NULL CHECK (phone <> ''),
  stopped_at timestamptz,
  stranger_told_at timestamptz,
  window_began_at timestamptz NOT NULL DEFAULT now(),
  heard integer NOT NULL DEFAULT 0,
  last_text text NOT NULL DEFAULT '',
  same integer NOT NULL DEFAULT 0,
  chosen_party_id uuid,
  PRIMARY KEY (tenant_id, id),
  UNIQUE (tenant_id, phone),
  FOREIGN KEY (tenant_id, chosen_party_id) REFERENCES party (tenant_id, id)
);
SELECT tenant_table('sms_number');

-- Parts of a long message until the last of them has come.
CREATE TABLE sms_part (
  tenant_id uuid NOT NULL DEFAULT current_setting('app.tenant_id')::uuid,
  id uuid NOT NULL DEFAULT uuidv7(),
  account_id uuid NOT NULL,
  phone text NOT NULL,
  reference integer NOT NULL,
  total integer NOT NULL CHECK (total BETWEEN 1 AND 255),
  number integer NOT NULL CHECK (number BETWEEN 1 AND 255),
  text text NOT NULL,
  received_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (tenant_id, id),
  UNIQUE (tenant_id, account_id, phone, reference, total, number),
  FOREIGN KEY (tenant_id, account_id) REFERENCES sms_account (tenant_id, id)
);
SELECT tenant_table('sms_part');

-- Where there are no buttons: numbered answers to the question asked last, one an address.
CREATE TABLE numbered_question (
  tenant_id uuid NOT NULL DEFAULT current_setting('app.tenant_id')::uuid,
  id uuid NOT NULL DEFAULT uuidv7(),
  channel text NOT NULL,
  address text NOT NULL,
  about text NOT NULL,
  options jsonb NOT NULL,
  rest jsonb NOT NULL DEFAULT '{}',
  expires_at timestamptz NOT NULL,
  PRIMARY KEY (tenant_id, id),
  UNIQUE (tenant_id, channel, address)
);
SELECT tenant_table('numbered_question');
"""


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id=ID, app_name="dilo", description=DESCRIPTION)

    async def run() -> None:
        for script in (GATEWAYS, NUMBERS):
            await engine_finder().current_transaction.get().connection.execute(script)

    manager.add_raw(run)
    return manager

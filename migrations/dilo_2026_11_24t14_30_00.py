"""Collections: pauses, promises, disputes, holidays, fees and interest, texts, worklist, reconciliation."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager
from piccolo.engine import engine_finder

ID = "2026-11-24T14:30:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "Promises, disputes, fees, letter texts, collector's worklist, reconciliation acts"

# A plan cached by a connection while the tables were empty would be kept when they are large.
PLANS = """
ALTER FUNCTION keep_open_amounts() SET plan_cache_mode = force_custom_plan;
ALTER FUNCTION keep_balance_of_items() SET plan_cache_mode = force_custom_plan;
ALTER FUNCTION bill_is_not_overpaid() SET plan_cache_mode = force_custom_plan;
"""

PAUSES = """
CREATE TABLE promise (
  tenant_id uuid NOT NULL DEFAULT current_setting('app.tenant_id')::uuid,
  id uuid NOT NULL DEFAULT uuidv7(),
  party_id uuid NOT NULL,
  amount numeric(18,2) NOT NULL CHECK (amount > 0),
  currency char(3) NOT NULL,
  promised_on date NOT NULL,
  made_on date NOT NULL,
  door text NOT NULL CHECK (door IN ('office','portal','telegram')),
  note text,
  state text NOT NULL DEFAULT 'open' CHECK (state IN ('open','kept','partly','broken','withdrawn')),
  paid_amount numeric(18,2) NOT NULL DEFAULT 0,
  recorded_by text NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  decided_on date,
  PRIMARY KEY (tenant_id, id),
  FOREIGN KEY (tenant_id, party_id) REFERENCES party (tenant_id, id),
  CHECK ((state = 'open') = (decided_on IS NULL))
);
CREATE UNIQUE INDEX one_open_promise ON promise (tenant_id, party_id) WHERE state = 'open';
CREATE INDEX ON promise (tenant_id, party_id, created_at DESC);
SELECT tenant_table('promise', 'SELECT', 'INSERT', 'UPDATE');
CREATE TABLE dispute (
  tenant_id uuid NOT NULL DEFAULT current_setting('app.tenant_id')::uuid,
  id uuid NOT NULL DEFAULT uuidv7(),
  party_id uuid NOT NULL,
  open_item_id uuid NOT NULL,
  reason text NOT NULL CHECK (reason <> ''),
  door text NOT NULL CHECK (door IN ('office','portal','telegram')),
  state text NOT NULL DEFAULT 'open' CHECK (state IN ('open','accepted','rejected','withdrawn')),
  answer text,
  opened_by text NOT NULL,
  opened_at timestamptz NOT NULL DEFAULT now(),
  decided_by text,
  decided_on date,
  PRIMARY KEY (tenant_id, id),
  FOREIGN KEY (tenant_id, party_id) REFERENCES party (tenant_id, id),
  FOREIGN KEY (tenant_id, open_item_id) REFERENCES open_item (tenant_id, id),
  CHECK ((state = 'open') = (decided_on IS NULL))
);
CREATE UNIQUE INDEX one_open_dispute ON dispute (tenant_id, open_item_id) WHERE state = 'open';
CREATE INDEX ON dispute (tenant_id, party_id, opened_at DESC);
SELECT tenant_table('dispute', 'SELECT', 'INSERT', 'UPDATE');
-- While a pause is open its item is not dunned; when it ends, the level it has reached is told then.
CREATE TABLE dunning_pause (
  tenant_id uuid NOT NULL DEFAULT current_setting('app.tenant_id')::uuid,
  id uuid NOT NULL DEFAULT uuidv7(),
  open_item_id uuid NOT NULL,
  why text NOT NULL CHECK (why IN ('promise','dispute')),
  source_id uuid NOT NULL,
  began_on date NOT NULL,
  ended_on date,
  PRIMARY KEY (tenant_id, id),
  UNIQUE (tenant_id, source_id, open_item_id),
  FOREIGN KEY (tenant_id, open_item_id) REFERENCES open_item (tenant_id, id)
);
CREATE INDEX pause_open ON dunning_pause (tenant_id, open_item_id) WHERE ended_on IS NULL;
CREATE INDEX pause_ended ON dunning_pause (tenant_id, ended_on) WHERE ended_on IS NOT NULL;
SELECT tenant_table('dunning_pause', 'SELECT', 'INSERT', 'UPDATE');
"""

LETTERS = """
ALTER TABLE dunning_policy ADD COLUMN working_days_only boolean NOT NULL DEFAULT false;
ALTER TABLE dunning_policy ADD COLUMN interest_percent numeric(6,3) NOT NULL DEFAULT 0
  CHECK (interest_percent BETWEEN 0 AND 1000);
ALTER TABLE dunning_policy ADD COLUMN disputes_pause_depth boolean NOT NULL DEFAULT true;
ALTER TABLE dunning_level ADD COLUMN fee_amount numeric(18,2) NOT NULL DEFAULT 0 CHECK (fee_amount >= 0);
CREATE TABLE holiday (
  tenant_id uuid NOT NULL DEFAULT current_setting('app.tenant_id')::uuid,
  day date NOT NULL,
  name text NOT NULL DEFAULT '',
  PRIMARY KEY (tenant_id, day)
);
SELECT tenant_table('holiday');
CREATE TABLE dunning_text (
  tenant_id uuid NOT NULL DEFAULT current_setting('app.tenant_id')::uuid,
  id uuid NOT NULL DEFAULT uuidv7(),
  language text NOT NULL CHECK (language IN ('uk','en','ru')),
  channel text NOT NULL CHECK (channel IN ('telegram','sms','email')),
  tone text NOT NULL CHECK (tone IN ('friendly','due','firm','final')),
  body text NOT NULL,
  changed_by text NOT NULL,
  changed_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (tenant_id, id),
  UNIQUE (tenant_id, language, channel, tone)
);
SELECT tenant_table('dunning_text');
-- A charge is made once: a fee by level and item, interest by item and month.
CREATE TABLE late_charge (
  tenant_id uuid NOT NULL DEFAULT current_setting('app.tenant_id')::uuid,
  id uuid NOT NULL DEFAULT uuidv7(),
  open_item_id uuid NOT NULL,
  kind text NOT NULL CHECK (kind IN ('fee','interest')),
  fact text NOT NULL,
  amount numeric(18,2) NOT NULL CHECK (amount > 0),
  charged_on date NOT NULL,
  charge_item_id uuid NOT NULL,
  PRIMARY KEY (tenant_id, id),
  UNIQUE (tenant_id, open_item_id, kind, fact),
  FOREIGN KEY (tenant_id, open_item_id) REFERENCES open_item (tenant_id, id),
  FOREIGN KEY (tenant_id, charge_item_id) REFERENCES open_item (tenant_id, id)
);
SELECT tenant_table('late_charge', 'SELECT', 'INSERT');
SELECT append_only('late_charge');
"""

WORK = """
CREATE TABLE collection_note (
  tenant_id uuid NOT NULL DEFAULT current_setting('app.tenant_id')::uuid,
  id uuid NOT NULL DEFAULT uuidv7(),
  party_id uuid NOT NULL,
  kind text NOT NULL CHECK (kind IN ('call','note','visit','letter')),
  text text NOT NULL CHECK (text <> ''),
  next_on date,
  written_by text NOT NULL,
  written_by_id uuid,
  written_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (tenant_id, id),
  FOREIGN KEY (tenant_id, party_id) REFERENCES party (tenant_id, id)
);
CREATE INDEX ON collection_note (tenant_id, party_id, written_at DESC);
SELECT tenant_table('collection_note', 'SELECT', 'INSERT');
CREATE TABLE reconciliation (
  tenant_id uuid NOT NULL DEFAULT current_setting('app.tenant_id')::uuid,
  id uuid NOT NULL DEFAULT uuidv7(),
  party_id uuid NOT NULL,
  statement_id uuid NOT NULL,
  state text NOT NULL DEFAULT 'sent' CHECK (state IN ('sent','agreed','disputed','withdrawn')),
  sent_by text NOT NULL,
  sent_at timestamptz NOT NULL DEFAULT now(),
  answered_by text,
  answered_at timestamptz,
  PRIMARY KEY (tenant_id, id),
  FOREIGN KEY (tenant_id, party_id) REFERENCES party (tenant_id, id),
  FOREIGN KEY (tenant_id, statement_id) REFERENCES issued_statement (tenant_id, id)
);
CREATE INDEX ON reconciliation (tenant_id, party_id, sent_at DESC);
SELECT tenant_table('reconciliation', 'SELECT', 'INSERT', 'UPDATE');
CREATE TABLE reconciliation_line (
  tenant_id uuid NOT NULL DEFAULT current_setting('app.tenant_id')::uuid,
  id uuid NOT NULL DEFAULT uuidv7(),
  reconciliation_id uuid NOT NULL,
  entry_number bigint NOT NULL,
  kind text NOT NULL,
  memo text NOT NULL,
  effective_on date NOT NULL,
  debit numeric(18,2) NOT NULL,
  credit numeric(18,2) NOT NULL,
  open_item_id uuid,
  state text NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting','agreed','disputed')),
  comment text,
  PRIMARY KEY (tenant_id, id),
  UNIQUE (tenant_id, reconciliation_id, entry_number),
  FOREIGN KEY (tenant_id, reconciliation_id) REFERENCES reconciliation (tenant_id, id),
  FOREIGN KEY (tenant_id, open_item_id) REFERENCES open_item (tenant_id, id)
);
SELECT tenant_table('reconciliation_line', 'SELECT', 'INSERT', 'UPDATE');
"""


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id=ID, app_name="dilo", description=DESCRIPTION)

    async def run() -> None:
        for script in (PLANS, PAUSES, LETTERS, WORK):
            await engine_finder().current_transaction.get().connection.execute(script)

    manager.add_raw(run)
    return manager

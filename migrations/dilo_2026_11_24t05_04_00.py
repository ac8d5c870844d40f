"""What we say to people, when we warn debtors, and files that come in."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager
from piccolo.engine import engine_finder

ID = "2026-11-24T05:04:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "Messaging, debt warnings, imports"

MESSAGING = """
CREATE TABLE telegram_bot (
  tenant_id uuid NOT NULL DEFAULT current_setting('app.tenant_id')::uuid,
  id uuid NOT NULL DEFAULT uuidv7(),
  token text NOT NULL,
  username text,
  secret text NOT NULL,
  offset_id bigint NOT NULL DEFAULT 0,
  state text NOT NULL DEFAULT 'new' CHECK (state IN ('new','live','failed','removed')),
  last_error text,
  paused_until timestamptz,
  created_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (tenant_id, id)
);
CREATE UNIQUE INDEX one_bot ON telegram_bot (tenant_id) WHERE state <> 'removed';
SELECT tenant_table('telegram_bot');

-- One-time code behind /start: binds a chat to a portal user once.
CREATE TABLE link_code (
  tenant_id uuid NOT NULL DEFAULT current_setting('app.tenant_id')::uuid,
  id uuid NOT NULL DEFAULT uuidv7(),
  code_hash bytea NOT NULL,
  identity_id uuid NOT NULL,
  party_id uuid NOT NULL,
  expires_at timestamptz NOT NULL,
  used_at timestamptz,
  created_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (tenant_id, id),
  UNIQUE (tenant_id, code_hash),
  FOREIGN KEY (tenant_id, identity_id) REFERENCES identity (tenant_id, id),
  FOREIGN KEY (tenant_id, party_id) REFERENCES party (tenant_id, id)
);
SELECT tenant_table('link_code');

-- Evidence: every attempt to reach somebody, whatever came of it.
CREATE TABLE delivery_attempt (
  tenant_id uuid NOT NULL DEFAULT current_setting('app.tenant_id')::uuid,
  id uuid NOT NULL DEFAULT uuidv7(),
  outbox_id uuid NOT NULL,
  attempt integer NOT NULL,
  channel text NOT NULL,
  address text,
  outcome text NOT NULL,
  provider_id text,
  detail text,
  body text,
  at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (tenant_id, id),
  FOREIGN KEY (tenant_id, outbox_id) REFERENCES outbox (tenant_id, id)
);
CREATE INDEX ON delivery_attempt (tenant_id, outbox_id, at);
SELECT tenant_table('delivery_attempt', 'SELECT', 'INSERT');
SELECT append_only('delivery_attempt');
"""

DUNNING = """
CREATE TABLE dunning_policy (
  tenant_id uuid NOT NULL DEFAULT current_setting('app.tenant_id')::uuid,
  id uuid NOT NULL DEFAULT uuidv7(),
  name text NOT NULL,
  is_default boolean NOT NULL DEFAULT false,
  tolerance_amount numeric(18,2) NOT NULL DEFAULT 0 CHECK (tolerance_amount >= 0),
  channels text[] NOT NULL DEFAULT '{telegram,sms,email}',
  quiet_from time,
  quiet_to time,
  catch_up_days integer NOT NULL DEFAULT 7 CHECK (catch_up_days BETWEEN 0 AND 365),
  resend_unknown boolean NOT NULL DEFAULT false,
  active boolean NOT NULL DEFAULT true,
  PRIMARY KEY (tenant_id, id),
  UNIQUE (tenant_id, name),
  CHECK (channels <@ '{telegram,sms,email}'::text[])
);
CREATE UNIQUE INDEX one_default_policy ON dunning_policy (tenant_id) WHERE is_default;
SELECT tenant_table('dunning_policy');

-- offset_days: days past due; negative is before due.
CREATE TABLE dunning_level (
  tenant_id uuid NOT NULL DEFAULT current_setting('app.tenant_id')::uuid,
  id uuid NOT NULL DEFAULT uuidv7(),
  policy_id uuid NOT NULL,
  position smallint NOT NULL,
  offset_days integer NOT NULL CHECK (offset_days BETWEEN -365 AND 3650),
  tone text NOT NULL CHECK (tone IN ('friendly','due','firm','final')),
  PRIMARY KEY (tenant_id, id),
  UNIQUE (tenant_id, policy_id, position),
  UNIQUE (tenant_id, policy_id, offset_days),
  FOREIGN KEY (tenant_id, policy_id) REFERENCES dunning_policy (tenant_id, id)
);
SELECT tenant_table('dunning_level');

CREATE TABLE dunning_run (
  tenant_id uuid NOT NULL DEFAULT current_setting('app.tenant_id')::uuid,
  id uuid NOT NULL DEFAULT uuidv7(),
  policy_id uuid NOT NULL,
  business_date date NOT NULL,
  planned integer NOT NULL DEFAULT 0,
  started_by text NOT NULL,
  started_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (tenant_id, id),
  FOREIGN KEY (tenant_id, policy_id) REFERENCES dunning_policy (tenant_id, id)
);
CREATE INDEX ON dunning_run (tenant_id, started_at DESC);
SELECT tenant_table('dunning_run', 'SELECT', 'INSERT', 'UPDATE');

CREATE TABLE dunning_notice (
  tenant_id uuid NOT NULL DEFAULT current_setting('app.tenant_id')::uuid,
  id uuid NOT NULL DEFAULT uuidv7(),
  run_id uuid NOT NULL,
  party_id uuid NOT NULL,
  level_id uuid NOT NULL,
  business_date date NOT NULL,
  currency char(3) NOT NULL,
  amount numeric(18,2) NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (tenant_id, id),
  FOREIGN KEY (tenant_id, run_id) REFERENCES dunning_run (tenant_id, id),
  FOREIGN KEY (tenant_id, party_id) REFERENCES party (tenant_id, id),
  FOREIGN KEY (tenant_id, level_id) REFERENCES dunning_level (tenant_id, id)
);
CREATE INDEX ON dunning_notice (tenant_id, party_id, created_at DESC);
CREATE INDEX ON dunning_notice (tenant_id, run_id);
SELECT tenant_table('dunning_notice', 'SELECT', 'INSERT');

-- A level is reached once per item and due date: the unique key is the business fact.
CREATE TABLE dunning_notice_item (
  tenant_id uuid NOT NULL DEFAULT current_setting('app.tenant_id')::uuid,
  id uuid NOT NULL DEFAULT uuidv7(),
  notice_id uuid NOT NULL,
  open_item_id uuid NOT NULL,
  level_id uuid NOT NULL,
  due_on date NOT NULL,
  PRIMARY KEY (tenant_id, id),
  UNIQUE (tenant_id, open_item_id, level_id, due_on),
  FOREIGN KEY (tenant_id, open_item_id) REFERENCES open_item (tenant_id, id),
  FOREIGN KEY (tenant_id, level_id) REFERENCES dunning_level (tenant_id, id)
);
ALTER TABLE dunning_notice_item ADD FOREIGN KEY (tenant_id, notice_id)
  REFERENCES dunning_notice (tenant_id, id) DEFERRABLE INITIALLY DEFERRED;
CREATE INDEX ON dunning_notice_item (tenant_id, notice_id);
SELECT tenant_table('dunning_notice_item', 'SELECT', 'INSERT');
"""

IMPORTS = """
CREATE TABLE import_job (
  tenant_id uuid NOT NULL DEFAULT current_setting('app.tenant_id')::uuid,
  id uuid NOT NULL DEFAULT uuidv7(),
  kind text NOT NULL CHECK (kind IN ('parties','products','prices','stock','sales-history')),
  file_name text NOT NULL,
  file_key text NOT NULL,
  file_sha256 bytea NOT NULL,
  mapping jsonb NOT NULL DEFAULT '{}',
  options jsonb NOT NULL DEFAULT '{}',
  dry_run boolean NOT NULL DEFAULT false,
  state text NOT NULL DEFAULT 'uploaded' CHECK (state IN
    ('uploaded','queued','running','done','failed','cancelled')),
  total_rows bigint NOT NULL DEFAULT 0,
  done_rows bigint NOT NULL DEFAULT 0,
  inserted bigint NOT NULL DEFAULT 0,
  updated bigint NOT NULL DEFAULT 0,
  unchanged bigint NOT NULL DEFAULT 0,
  failed bigint NOT NULL DEFAULT 0,
  error text,
  lease_until timestamptz,
  lease_token uuid,
  started_by text NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  started_at timestamptz,
  finished_at timestamptz,
  PRIMARY KEY (tenant_id, id)
);
CREATE INDEX ON import_job (tenant_id, created_at DESC);
SELECT tenant_table('import_job', 'SELECT', 'INSERT', 'UPDATE');

CREATE TABLE import_error (
  tenant_id uuid NOT NULL DEFAULT current_setting('app.tenant_id')::uuid,
  id uuid NOT NULL DEFAULT uuidv7(),
  job_id uuid NOT NULL,
  line_no bigint NOT NULL,
  column_name text,
  value text,
  reason text NOT NULL,
  PRIMARY KEY (tenant_id, id),
  FOREIGN KEY (tenant_id, job_id) REFERENCES import_job (tenant_id, id)
);
CREATE INDEX ON import_error (tenant_id, job_id, line_no);
SELECT tenant_table('import_error', 'SELECT', 'INSERT', 'DELETE');
"""


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id=ID, app_name="dilo", description=DESCRIPTION)

    async def run() -> None:
        for script in (MESSAGING, DUNNING, IMPORTS):
            await engine_finder().current_transaction.get().connection.execute(script)

    manager.add_raw(run)
    return manager

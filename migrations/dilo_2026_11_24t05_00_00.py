"""The ground: tenants, hosts, identities, sessions, audit, outbox; row security for all that follows."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager
from piccolo.engine import engine_finder

ID = "2026-11-24T05:00:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "The ground: tenants, sign-in, audit, outbox and row security"

FUNCTIONS = """
CREATE EXTENSION IF NOT EXISTS pg_trgm;
CREATE EXTENSION IF NOT EXISTS btree_gist;
CREATE EXTENSION IF NOT EXISTS unaccent;

-- nullif: after a transaction-local setting ends its value is '', not NULL; both must mean "no tenant".
CREATE FUNCTION current_tenant_id() RETURNS uuid LANGUAGE sql STABLE PARALLEL SAFE
  RETURN nullif(current_setting('app.tenant_id', true), '')::uuid;

-- Every tenant table goes through here: row security forced on the owner too, one policy, grants.
CREATE FUNCTION tenant_table(name regclass, VARIADIC verbs text[] DEFAULT ARRAY['SELECT','INSERT','UPDATE','DELETE'])
RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', name);
  EXECUTE format('ALTER TABLE %s FORCE ROW LEVEL SECURITY', name);
  EXECUTE format('CREATE POLICY tenant_only ON %s USING (tenant_id = current_tenant_id())
                  WITH CHECK (tenant_id = current_tenant_id())', name);
  EXECUTE format('GRANT %s ON %s TO dilo_app', array_to_string(verbs, ', '), name);
END $$;

CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'posted rows of % are never changed; post a counter-entry', TG_TABLE_NAME
    USING ERRCODE = 'restrict_violation';
END $$;

-- Append-only: no grant to change, and a trigger that refuses whoever has one.
CREATE FUNCTION append_only(name regclass) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  EXECUTE format('REVOKE UPDATE, DELETE, TRUNCATE ON %s FROM dilo_app', name);
  EXECUTE format('CREATE TRIGGER refuse_change BEFORE UPDATE OR DELETE ON %s
                  FOR EACH ROW EXECUTE FUNCTION refuse_change()', name);
END $$;
"""

PLATFORM = """
CREATE TABLE tenant (
  id uuid PRIMARY KEY DEFAULT uuidv7(),
  slug text NOT NULL UNIQUE CHECK (slug ~ '^[a-z0-9][a-z0-9-]{1,39}$'),
  name text NOT NULL,
  currency char(3) NOT NULL,
  language text NOT NULL,
  time_zone text NOT NULL,
  accent text NOT NULL DEFAULT 'blue',
  created_at timestamptz NOT NULL DEFAULT now()
);
-- The directory of tenants is itself a secret: the app reads only its own row, or one host at a time.
ALTER TABLE tenant ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_row ON tenant TO dilo_app USING (id = current_tenant_id())
  WITH CHECK (id = current_tenant_id());
GRANT SELECT, UPDATE (name, language, time_zone, accent) ON tenant TO dilo_app;

CREATE TABLE host (
  name text PRIMARY KEY CHECK (name = lower(name)),
  tenant_id uuid NOT NULL REFERENCES tenant (id)
);
ALTER TABLE host ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_rows ON host TO dilo_app USING (tenant_id = current_tenant_id());
GRANT SELECT ON host TO dilo_app;

CREATE FUNCTION tenant_of_host(host_name text) RETURNS SETOF tenant
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp
BEGIN ATOMIC
  SELECT t.* FROM host h JOIN tenant t ON t.id = h.tenant_id WHERE h.name = host_name;
END;

CREATE FUNCTION tenant_ids() RETURNS SETOF uuid
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp
BEGIN ATOMIC SELECT id FROM tenant ORDER BY id; END;

CREATE TABLE identity (
  tenant_id uuid NOT NULL DEFAULT current_setting('app.tenant_id')::uuid REFERENCES tenant (id),
  id uuid NOT NULL DEFAULT uuidv7(),
  email text NOT NULL CHECK (email = lower(email)),
  name text NOT NULL,
  language text,
  theme text NOT NULL DEFAULT 'auto',
  password_hash text,
  disabled_at timestamptz,
  created_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (tenant_id, id),
  UNIQUE (tenant_id, email)
);
SELECT tenant_table('identity');

CREATE TABLE membership (
  tenant_id uuid NOT NULL DEFAULT current_setting('app.tenant_id')::uuid REFERENCES tenant (id),
  id uuid NOT NULL DEFAULT uuidv7(),
  identity_id uuid NOT NULL,
  role text NOT NULL CHECK (role IN ('owner','manager','sales','warehouse','accountant')),
  created_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (tenant_id, id),
  UNIQUE (tenant_id, identity_id),
  FOREIGN KEY (tenant_id, identity_id) REFERENCES identity (tenant_id, id)
);
SELECT tenant_table('membership');

CREATE TABLE session (
  tenant_id uuid NOT NULL DEFAULT current_setting('app.tenant_id')::uuid,
  id uuid NOT NULL DEFAULT uuidv7(),
  door text NOT NULL CHECK (door IN ('office','portal')),
  identity_id uuid NOT NULL,
  token_hash bytea NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  expires_at timestamptz NOT NULL,
  user_agent text,
  PRIMARY KEY (tenant_id, id),
  UNIQUE (tenant_id, token_hash),
  FOREIGN KEY (tenant_id, identity_id) REFERENCES identity (tenant_id, id) ON DELETE CASCADE
);
SELECT tenant_table('session');

CREATE TABLE api_key (
  tenant_id uuid NOT NULL DEFAULT current_setting('app.tenant_id')::uuid REFERENCES tenant (id),
  id uuid NOT NULL DEFAULT uuidv7(),
  name text NOT NULL,
  prefix text NOT NULL,
  key_hash bytea NOT NULL,
  verbs text[] NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  revoked_at timestamptz,
  PRIMARY KEY (tenant_id, id),
  UNIQUE (tenant_id, key_hash)
);
SELECT tenant_table('api_key');

CREATE TABLE throttle (
  tenant_id uuid NOT NULL DEFAULT current_setting('app.tenant_id')::uuid,
  key text NOT NULL,
  window_started_at timestamptz NOT NULL DEFAULT now(),
  hits integer NOT NULL DEFAULT 1,
  PRIMARY KEY (tenant_id, key)
);
SELECT tenant_table('throttle');

CREATE TABLE number_series (
  tenant_id uuid NOT NULL DEFAULT current_setting('app.tenant_id')::uuid,
  series text NOT NULL,
  last_number bigint NOT NULL DEFAULT 0,
  PRIMARY KEY (tenant_id, series)
);
SELECT tenant_table('number_series', 'SELECT', 'INSERT', 'UPDATE');

CREATE TABLE audit_event (
  tenant_id uuid NOT NULL DEFAULT current_setting('app.tenant_id')::uuid,
  id uuid NOT NULL DEFAULT uuidv7(),
  at timestamptz NOT NULL DEFAULT now(),
  actor_kind text NOT NULL,
  actor_id uuid,
  actor_name text NOT NULL,
  verb text NOT NULL,
  subject_kind text NOT NULL,
  subject_id uuid,
  before jsonb,
  after jsonb,
  PRIMARY KEY (tenant_id, id)
);
CREATE INDEX ON audit_event (tenant_id, subject_id, at DESC);
SELECT tenant_table('audit_event', 'SELECT', 'INSERT');
SELECT append_only('audit_event');
"""

OUTBOX = """
CREATE TABLE outbox (
  tenant_id uuid NOT NULL DEFAULT current_setting('app.tenant_id')::uuid,
  id uuid NOT NULL DEFAULT uuidv7(),
  channel text NOT NULL CHECK (channel IN ('event','telegram','sms','email')),
  kind text NOT NULL,
  dedupe_key text NOT NULL,
  payload jsonb NOT NULL DEFAULT '{}',
  party_id uuid,
  state text NOT NULL DEFAULT 'queued' CHECK (state IN
    ('queued','sending','sent','delivered','unknown','dead','cancelled','suppressed','expired','fallen_back')),
  reason text,
  attempts integer NOT NULL DEFAULT 0,
  priority smallint NOT NULL DEFAULT 5,
  not_before timestamptz NOT NULL DEFAULT now(),
  expires_at timestamptz,
  lease_until timestamptz,
  lease_token uuid,
  address text,
  provider_id text,
  last_error text,
  created_at timestamptz NOT NULL DEFAULT now(),
  sent_at timestamptz,
  delivered_at timestamptz,
  PRIMARY KEY (tenant_id, id),
  UNIQUE (tenant_id, channel, dedupe_key)
);
CREATE INDEX outbox_due ON outbox (tenant_id, priority, not_before) WHERE state = 'queued';
CREATE INDEX outbox_leased ON outbox (tenant_id, lease_until) WHERE state = 'sending';
CREATE INDEX outbox_provider ON outbox (tenant_id, provider_id) WHERE provider_id IS NOT NULL;
CREATE INDEX outbox_party ON outbox (tenant_id, party_id, created_at DESC) WHERE party_id IS NOT NULL;
SELECT tenant_table('outbox', 'SELECT', 'INSERT', 'UPDATE');

-- What came from outside, once: Telegram update_id, SMPP receipt, Stripe event.
CREATE TABLE inbox (
  tenant_id uuid NOT NULL DEFAULT current_setting('app.tenant_id')::uuid,
  id uuid NOT NULL DEFAULT uuidv7(),
  source text NOT NULL,
  external_id text NOT NULL,
  payload jsonb NOT NULL DEFAULT '{}',
  received_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (tenant_id, id),
  UNIQUE (tenant_id, source, external_id)
);
SELECT tenant_table('inbox', 'SELECT', 'INSERT', 'UPDATE');
"""


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id=ID, app_name="dilo", description=DESCRIPTION)

    async def run() -> None:
        for script in (FUNCTIONS, PLATFORM, OUTBOX):
            await engine_finder().current_transaction.get().connection.execute(script)

    manager.add_raw(run)
    return manager

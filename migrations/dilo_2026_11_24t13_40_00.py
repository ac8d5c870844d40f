"""Credit control: checks by component and gate, securities, temporary limits, a holding's limit, staff chats."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager
from piccolo.engine import engine_finder

ID = "2026-11-24T13:40:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "Credit checks, securities, temporary limits, group limit, staff chats"

CREDIT = """
-- What is checked, for whom, and what a breach does at each gate. The narrowest scope wins: party, segment, tenant.
CREATE TABLE credit_check (
  tenant_id uuid NOT NULL DEFAULT current_setting('app.tenant_id')::uuid,
  id uuid NOT NULL DEFAULT uuidv7(),
  scope text NOT NULL CHECK (scope IN ('tenant','segment','party')),
  scope_value text NOT NULL DEFAULT '',
  party_id uuid,
  component text NOT NULL CHECK (component IN
    ('exposure','depth','group','receivable','overdue','shipped','confirmed')),
  cap_amount numeric(18,2) CHECK (cap_amount >= 0),
  at_order text NOT NULL CHECK (at_order IN ('ignore','warn','block')),
  at_dispatch text NOT NULL CHECK (at_dispatch IN ('ignore','warn','block')),
  changed_by text NOT NULL,
  changed_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (tenant_id, id),
  FOREIGN KEY (tenant_id, party_id) REFERENCES party (tenant_id, id),
  CHECK ((scope = 'party') = (party_id IS NOT NULL)),
  CHECK ((scope = 'segment') = (scope_value <> '')),
  CHECK ((component IN ('receivable','overdue','shipped','confirmed')) = (cap_amount IS NOT NULL))
);
CREATE UNIQUE INDEX one_check ON credit_check
  (tenant_id, component, scope, scope_value, coalesce(party_id, '00000000-0000-0000-0000-000000000000'));
SELECT tenant_table('credit_check');
-- Deposits, guarantees, insurance: what stands behind the debt, from a day to a day.
CREATE TABLE credit_security (
  tenant_id uuid NOT NULL DEFAULT current_setting('app.tenant_id')::uuid,
  id uuid NOT NULL DEFAULT uuidv7(),
  party_id uuid NOT NULL,
  kind text NOT NULL CHECK (kind IN ('deposit','guarantee','insurance')),
  amount numeric(18,2) NOT NULL CHECK (amount > 0),
  valid_from date NOT NULL,
  valid_to date,
  note text,
  released_at timestamptz,
  recorded_by text NOT NULL,
  recorded_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (tenant_id, id),
  FOREIGN KEY (tenant_id, party_id) REFERENCES party (tenant_id, id),
  CHECK (valid_to >= valid_from)
);
CREATE INDEX ON credit_security (tenant_id, party_id) WHERE released_at IS NULL;
SELECT tenant_table('credit_security', 'SELECT', 'INSERT', 'UPDATE');
CREATE TABLE temporary_limit (
  tenant_id uuid NOT NULL DEFAULT current_setting('app.tenant_id')::uuid,
  id uuid NOT NULL DEFAULT uuidv7(),
  party_id uuid NOT NULL,
  amount numeric(18,2) NOT NULL CHECK (amount > 0),
  valid_from date NOT NULL,
  valid_to date NOT NULL,
  reason text NOT NULL CHECK (reason <> ''),
  ended_at timestamptz,
  recorded_by text NOT NULL,
  recorded_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (tenant_id, id),
  FOREIGN KEY (tenant_id, party_id) REFERENCES party (tenant_id, id),
  CHECK (valid_to >= valid_from)
);
CREATE INDEX ON temporary_limit (tenant_id, party_id) WHERE ended_at IS NULL;
SELECT tenant_table('temporary_limit', 'SELECT', 'INSERT', 'UPDATE');
ALTER TABLE credit_policy ADD COLUMN covers_children boolean NOT NULL DEFAULT false;
CREATE INDEX party_by_parent ON party (tenant_id, parent_id) WHERE parent_id IS NOT NULL;
CREATE FUNCTION secured_amount(party uuid, day date) RETURNS numeric LANGUAGE sql STABLE
RETURN coalesce((SELECT sum(s.amount) FROM credit_security s
  WHERE s.tenant_id = current_tenant_id() AND s.party_id = party AND s.released_at IS NULL
    AND s.valid_from <= day AND (s.valid_to IS NULL OR s.valid_to >= day)), 0);
CREATE FUNCTION extra_limit(party uuid, day date) RETURNS numeric LANGUAGE sql STABLE
RETURN coalesce((SELECT sum(t.amount) FROM temporary_limit t
  WHERE t.tenant_id = current_tenant_id() AND t.party_id = party AND t.ended_at IS NULL
    AND day BETWEEN t.valid_from AND t.valid_to), 0);
"""

STAFF = """
CREATE TABLE staff_chat (
  tenant_id uuid NOT NULL DEFAULT current_setting('app.tenant_id')::uuid,
  id uuid NOT NULL DEFAULT uuidv7(),
  identity_id uuid NOT NULL,
  chat_id text,
  code_hash bytea,
  code_expires_at timestamptz,
  linked_at timestamptz,
  PRIMARY KEY (tenant_id, id),
  UNIQUE (tenant_id, identity_id),
  FOREIGN KEY (tenant_id, identity_id) REFERENCES identity (tenant_id, id) ON DELETE CASCADE
);
CREATE UNIQUE INDEX one_person_a_chat ON staff_chat (tenant_id, chat_id) WHERE chat_id IS NOT NULL;
SELECT tenant_table('staff_chat');
"""


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id=ID, app_name="dilo", description=DESCRIPTION)

    async def run() -> None:
        for script in (CREDIT, STAFF):
            await engine_finder().current_transaction.get().connection.execute(script)

    manager.add_raw(run)
    return manager

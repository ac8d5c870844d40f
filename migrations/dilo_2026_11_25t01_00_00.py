"""Company accounts: divisions, addresses, limits, approval chains, invitations, ways to sign in."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager
from piccolo.engine import engine_finder

ID = "2026-11-25T01:00:00:000000"
VERSION = "1.38.0"
DESCRIPTION = (
    "Divisions, delivery addresses, spending limits, approvals, invitations, sign-in tickets"
)

# A key that carries the company too: what belongs to one company cannot point at another's.
COMPANY = """
CREATE TABLE division (
  tenant_id uuid NOT NULL DEFAULT current_setting('app.tenant_id')::uuid,
  id uuid NOT NULL DEFAULT uuidv7(),
  party_id uuid NOT NULL,
  parent_id uuid,
  name text NOT NULL CHECK (name <> ''),
  created_at timestamptz NOT NULL DEFAULT now(),
  retired_at timestamptz,
  PRIMARY KEY (tenant_id, id),
  UNIQUE (tenant_id, party_id, id),
  FOREIGN KEY (tenant_id, party_id) REFERENCES party (tenant_id, id),
  FOREIGN KEY (tenant_id, party_id, parent_id) REFERENCES division (tenant_id, party_id, id),
  CHECK (parent_id <> id)
);
CREATE UNIQUE INDEX one_name ON division (tenant_id, party_id, name) WHERE retired_at IS NULL;
SELECT tenant_table('division', 'SELECT', 'INSERT', 'UPDATE');

ALTER TABLE portal_user ADD COLUMN division_id uuid, ADD COLUMN disabled_at timestamptz,
  ADD UNIQUE (tenant_id, party_id, id),
  ADD FOREIGN KEY (tenant_id, party_id, division_id) REFERENCES division (tenant_id, party_id, id);

CREATE TABLE delivery_address (
  tenant_id uuid NOT NULL DEFAULT current_setting('app.tenant_id')::uuid,
  id uuid NOT NULL DEFAULT uuidv7(),
  party_id uuid NOT NULL,
  division_id uuid,
  label text NOT NULL CHECK (label <> ''),
  recipient text,
  phone text,
  country text,
  city text NOT NULL CHECK (city <> ''),
  street text NOT NULL CHECK (street <> ''),
  postcode text,
  note text,
  is_default boolean NOT NULL DEFAULT false,
  created_at timestamptz NOT NULL DEFAULT now(),
  retired_at timestamptz,
  PRIMARY KEY (tenant_id, id),
  UNIQUE (tenant_id, party_id, id),
  FOREIGN KEY (tenant_id, party_id) REFERENCES party (tenant_id, id),
  FOREIGN KEY (tenant_id, party_id, division_id) REFERENCES division (tenant_id, party_id, id)
);
CREATE UNIQUE INDEX one_default_address ON delivery_address (tenant_id, party_id, division_id)
  NULLS NOT DISTINCT WHERE is_default AND retired_at IS NULL;
CREATE INDEX ON delivery_address (tenant_id, party_id, label);
SELECT tenant_table('delivery_address', 'SELECT', 'INSERT', 'UPDATE');
"""

# A limit without a user and a division is everybody's own, where he has none of his own.
RULES = """
CREATE TABLE spending_limit (
  tenant_id uuid NOT NULL DEFAULT current_setting('app.tenant_id')::uuid,
  id uuid NOT NULL DEFAULT uuidv7(),
  party_id uuid NOT NULL,
  seat_id uuid,
  division_id uuid,
  period text NOT NULL CHECK (period IN ('order','day','week','month','quarter','year')),
  amount numeric(18,2) NOT NULL CHECK (amount >= 0),
  changed_by text NOT NULL,
  changed_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (tenant_id, id),
  FOREIGN KEY (tenant_id, party_id) REFERENCES party (tenant_id, id),
  FOREIGN KEY (tenant_id, party_id, seat_id) REFERENCES portal_user (tenant_id, party_id, id),
  FOREIGN KEY (tenant_id, party_id, division_id) REFERENCES division (tenant_id, party_id, id),
  CHECK (seat_id IS NULL OR division_id IS NULL)
);
CREATE UNIQUE INDEX one_limit_a_period ON spending_limit
  (tenant_id, party_id, seat_id, division_id, period) NULLS NOT DISTINCT;
SELECT tenant_table('spending_limit');
CREATE TABLE approval_step (
  tenant_id uuid NOT NULL DEFAULT current_setting('app.tenant_id')::uuid,
  id uuid NOT NULL DEFAULT uuidv7(),
  party_id uuid NOT NULL,
  from_amount numeric(18,2) NOT NULL CHECK (from_amount >= 0),
  role text NOT NULL DEFAULT 'approver' CHECK (role IN ('approver','admin')),
  seat_id uuid,
  PRIMARY KEY (tenant_id, id),
  UNIQUE (tenant_id, party_id, from_amount),
  FOREIGN KEY (tenant_id, party_id) REFERENCES party (tenant_id, id),
  FOREIGN KEY (tenant_id, party_id, seat_id) REFERENCES portal_user (tenant_id, party_id, id)
);
SELECT tenant_table('approval_step');
CREATE TABLE buyer_policy (
  tenant_id uuid NOT NULL DEFAULT current_setting('app.tenant_id')::uuid,
  party_id uuid NOT NULL,
  admins_stand_in boolean NOT NULL DEFAULT true,
  PRIMARY KEY (tenant_id, party_id),
  FOREIGN KEY (tenant_id, party_id) REFERENCES party (tenant_id, id)
);
SELECT tenant_table('buyer_policy', 'SELECT', 'INSERT', 'UPDATE');
CREATE INDEX ON sales_order (tenant_id, party_id, submitted_at);
"""

# A request keeps the steps it was asked by: a chain changed meanwhile is for the next order.
REQUESTS = """
CREATE TABLE approval_request (
  tenant_id uuid NOT NULL DEFAULT current_setting('app.tenant_id')::uuid,
  id uuid NOT NULL DEFAULT uuidv7(),
  party_id uuid NOT NULL,
  order_id uuid NOT NULL,
  requested_by uuid NOT NULL,
  amount numeric(18,2) NOT NULL,
  reasons jsonb NOT NULL DEFAULT '[]',
  state text NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting','approved','refused','withdrawn')),
  created_at timestamptz NOT NULL DEFAULT now(),
  decided_at timestamptz,
  PRIMARY KEY (tenant_id, id),
  FOREIGN KEY (tenant_id, party_id) REFERENCES party (tenant_id, id),
  FOREIGN KEY (tenant_id, order_id) REFERENCES sales_order (tenant_id, id),
  FOREIGN KEY (tenant_id, requested_by) REFERENCES identity (tenant_id, id)
);
CREATE UNIQUE INDEX one_open_request ON approval_request (tenant_id, order_id)
  WHERE state IN ('waiting','approved');
CREATE INDEX ON approval_request (tenant_id, party_id, created_at DESC);
CREATE INDEX ON approval_request (tenant_id, order_id);
SELECT tenant_table('approval_request', 'SELECT', 'INSERT', 'UPDATE');
CREATE TABLE approval_turn (
  tenant_id uuid NOT NULL DEFAULT current_setting('app.tenant_id')::uuid,
  id uuid NOT NULL DEFAULT uuidv7(),
  request_id uuid NOT NULL,
  position integer NOT NULL,
  role text NOT NULL CHECK (role IN ('approver','admin')),
  seat_id uuid,
  state text NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting','approved','refused')),
  decided_by uuid,
  decided_name text,
  comment text,
  decided_at timestamptz,
  PRIMARY KEY (tenant_id, id),
  UNIQUE (tenant_id, request_id, position),
  FOREIGN KEY (tenant_id, request_id) REFERENCES approval_request (tenant_id, id),
  FOREIGN KEY (tenant_id, seat_id) REFERENCES portal_user (tenant_id, id)
);
SELECT tenant_table('approval_turn', 'SELECT', 'INSERT', 'UPDATE');
"""

# Codes are made when the letter leaves, so no row ever holds one that still opens something.
DOORS = """
CREATE TABLE invitation (
  tenant_id uuid NOT NULL DEFAULT current_setting('app.tenant_id')::uuid,
  id uuid NOT NULL DEFAULT uuidv7(),
  party_id uuid NOT NULL,
  email text NOT NULL CHECK (email = lower(email)),
  name text NOT NULL,
  role text NOT NULL CHECK (role IN ('admin','buyer','approver','accountant','viewer')),
  division_id uuid,
  code_hash bytea,
  invited_by text NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  sent_times integer NOT NULL DEFAULT 0,
  expires_at timestamptz NOT NULL,
  accepted_at timestamptz,
  revoked_at timestamptz,
  PRIMARY KEY (tenant_id, id),
  UNIQUE (tenant_id, code_hash),
  FOREIGN KEY (tenant_id, party_id) REFERENCES party (tenant_id, id),
  FOREIGN KEY (tenant_id, party_id, division_id) REFERENCES division (tenant_id, party_id, id)
);
CREATE UNIQUE INDEX one_open_invitation ON invitation (tenant_id, party_id, email)
  WHERE accepted_at IS NULL AND revoked_at IS NULL;
SELECT tenant_table('invitation', 'SELECT', 'INSERT', 'UPDATE');
CREATE TABLE sign_in_ticket (
  tenant_id uuid NOT NULL DEFAULT current_setting('app.tenant_id')::uuid,
  id uuid NOT NULL DEFAULT uuidv7(),
  kind text NOT NULL CHECK (kind IN ('link','telegram','reset')),
  identity_id uuid,
  code_hash bytea,
  browser_hash bytea,
  address text,
  user_agent text,
  created_at timestamptz NOT NULL DEFAULT now(),
  expires_at timestamptz NOT NULL,
  confirmed_at timestamptz,
  used_at timestamptz,
  PRIMARY KEY (tenant_id, id),
  UNIQUE (tenant_id, code_hash),
  FOREIGN KEY (tenant_id, identity_id) REFERENCES identity (tenant_id, id) ON DELETE CASCADE
);
CREATE INDEX ON sign_in_ticket (tenant_id, expires_at);
SELECT tenant_table('sign_in_ticket');
ALTER TABLE session ADD COLUMN party_id uuid, ADD COLUMN seen_at timestamptz,
  ADD COLUMN address text, ADD COLUMN staff_id uuid,
  ADD FOREIGN KEY (tenant_id, staff_id) REFERENCES identity (tenant_id, id) ON DELETE CASCADE;
CREATE INDEX ON session (tenant_id, identity_id);
"""


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id=ID, app_name="dilo", description=DESCRIPTION)

    async def run() -> None:
        for script in (COMPANY, RULES, REQUESTS, DOORS):
            await engine_finder().current_transaction.get().connection.execute(script)

    manager.add_raw(run)
    return manager

"""Orders in a person's own words: names people use, what was not understood, codes to confirm by."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager
from piccolo.engine import engine_finder

ID = "2026-11-25T12:00:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "Names people use, texts not understood, confirmation by code"

SPOKEN = """
-- What people call an article; taught from what was not understood. key: code_key() of the phrase.
CREATE TABLE product_alias (
  tenant_id uuid NOT NULL DEFAULT current_setting('app.tenant_id')::uuid,
  id uuid NOT NULL DEFAULT uuidv7(),
  product_id uuid NOT NULL,
  phrase text NOT NULL CHECK (phrase <> ''),
  key text NOT NULL CHECK (key <> ''),
  taught_by text NOT NULL,
  taught_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (tenant_id, id),
  UNIQUE (tenant_id, product_id, key),
  FOREIGN KEY (tenant_id, product_id) REFERENCES product (tenant_id, id) ON DELETE CASCADE
);
CREATE INDEX product_alias_by_key ON product_alias (tenant_id, key);
SELECT tenant_table('product_alias');
"""

CONVERSATIONS = """
-- Lines of orders nobody could read, counted: the list staff teach from.
CREATE TABLE unresolved_text (
  tenant_id uuid NOT NULL DEFAULT current_setting('app.tenant_id')::uuid,
  id uuid NOT NULL DEFAULT uuidv7(),
  text text NOT NULL CHECK (text <> ''),
  channel text NOT NULL,
  party_id uuid,
  times integer NOT NULL DEFAULT 1,
  state text NOT NULL DEFAULT 'open' CHECK (state IN ('open','taught','ignored')),
  product_id uuid,
  settled_by text,
  first_at timestamptz NOT NULL DEFAULT now(),
  last_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (tenant_id, id),
  UNIQUE (tenant_id, text),
  FOREIGN KEY (tenant_id, party_id) REFERENCES party (tenant_id, id),
  FOREIGN KEY (tenant_id, product_id) REFERENCES product (tenant_id, id)
);
CREATE INDEX ON unresolved_text (tenant_id, state, times DESC);
SELECT tenant_table('unresolved_text');

-- Where there are no buttons, a draft is confirmed by sending its code back: one draft an address.
CREATE TABLE order_confirmation (
  tenant_id uuid NOT NULL DEFAULT current_setting('app.tenant_id')::uuid,
  id uuid NOT NULL DEFAULT uuidv7(),
  channel text NOT NULL,
  address text NOT NULL,
  order_id uuid NOT NULL,
  version integer NOT NULL,
  code text NOT NULL,
  tries integer NOT NULL DEFAULT 0,
  expires_at timestamptz NOT NULL,
  PRIMARY KEY (tenant_id, id),
  UNIQUE (tenant_id, channel, address),
  FOREIGN KEY (tenant_id, order_id) REFERENCES sales_order (tenant_id, id)
);
SELECT tenant_table('order_confirmation');
"""


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id=ID, app_name="dilo", description=DESCRIPTION)

    async def run() -> None:
        for script in (SPOKEN, CONVERSATIONS):
            await engine_finder().current_transaction.get().connection.execute(script)

    manager.add_raw(run)
    return manager

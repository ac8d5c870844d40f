"""Who we trade with, what we sell, at what price, and what is on the shelf."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager
from piccolo.engine import engine_finder

ID = "2026-11-24T05:01:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "Parties, catalogue, prices and stock"

PARTIES = """
CREATE TABLE party (
  tenant_id uuid NOT NULL DEFAULT current_setting('app.tenant_id')::uuid,
  id uuid NOT NULL DEFAULT uuidv7(),
  code text NOT NULL CHECK (code <> ''),
  name text NOT NULL CHECK (name <> ''),
  kind text NOT NULL DEFAULT 'organisation' CHECK (kind IN ('organisation','person')),
  roles text[] NOT NULL DEFAULT '{customer}',
  tax_id text,
  country text,
  city text,
  address text,
  segment text,
  parent_id uuid,
  owner_id uuid,
  language text,
  currency char(3) NOT NULL,
  note text,
  closed_at timestamptz,
  created_at timestamptz NOT NULL DEFAULT now(),
  search text GENERATED ALWAYS AS (lower(code || ' ' || name || ' ' || coalesce(tax_id, ''))) STORED,
  PRIMARY KEY (tenant_id, id),
  UNIQUE (tenant_id, code),
  FOREIGN KEY (tenant_id, parent_id) REFERENCES party (tenant_id, id),
  FOREIGN KEY (tenant_id, owner_id) REFERENCES identity (tenant_id, id),
  CHECK (roles <@ '{customer,supplier,dealer,competitor,carrier,outsourcer,agent}'::text[])
);
CREATE INDEX party_by_name ON party (tenant_id, name, id);
CREATE INDEX party_by_owner ON party (tenant_id, owner_id);
SELECT tenant_table('party');

CREATE TABLE contact (
  tenant_id uuid NOT NULL DEFAULT current_setting('app.tenant_id')::uuid,
  id uuid NOT NULL DEFAULT uuidv7(),
  party_id uuid NOT NULL,
  name text NOT NULL,
  position text,
  language text,
  is_primary boolean NOT NULL DEFAULT false,
  created_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (tenant_id, id),
  FOREIGN KEY (tenant_id, party_id) REFERENCES party (tenant_id, id)
);
CREATE INDEX ON contact (tenant_id, party_id);
SELECT tenant_table('contact');

-- A way to reach somebody. telegram addresses are chat ids; phones are E.164.
CREATE TABLE contact_channel (
  tenant_id uuid NOT NULL DEFAULT current_setting('app.tenant_id')::uuid,
  id uuid NOT NULL DEFAULT uuidv7(),
  party_id uuid NOT NULL,
  contact_id uuid,
  channel text NOT NULL CHECK (channel IN ('telegram','sms','email')),
  address text NOT NULL,
  digits text GENERATED ALWAYS AS (reverse(regexp_replace(address, '\\D', '', 'g'))) STORED,
  identity_id uuid,
  opted_out_at timestamptz,
  dead_at timestamptz,
  dead_reason text,
  created_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (tenant_id, id),
  UNIQUE (tenant_id, party_id, channel, address),
  FOREIGN KEY (tenant_id, party_id) REFERENCES party (tenant_id, id),
  FOREIGN KEY (tenant_id, contact_id) REFERENCES contact (tenant_id, id),
  FOREIGN KEY (tenant_id, identity_id) REFERENCES identity (tenant_id, id)
);
CREATE INDEX ON contact_channel (tenant_id, digits text_pattern_ops) WHERE channel = 'sms';
CREATE INDEX ON contact_channel (tenant_id, channel, address);
SELECT tenant_table('contact_channel');

-- Credit limit (размер кредита) caps exposure; depth (глубина кредита) is days from shipment to due.
CREATE TABLE credit_policy (
  tenant_id uuid NOT NULL DEFAULT current_setting('app.tenant_id')::uuid,
  id uuid NOT NULL DEFAULT uuidv7(),
  party_id uuid NOT NULL,
  limit_amount numeric(18,2) CHECK (limit_amount >= 0),
  depth_days integer CHECK (depth_days BETWEEN 0 AND 3650),
  grace_days integer NOT NULL DEFAULT 0 CHECK (grace_days BETWEEN 0 AND 365),
  tolerance_amount numeric(18,2) NOT NULL DEFAULT 0 CHECK (tolerance_amount >= 0),
  deposit_amount numeric(18,2) NOT NULL DEFAULT 0 CHECK (deposit_amount >= 0),
  stop_shipments boolean NOT NULL DEFAULT false,
  updated_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (tenant_id, id),
  UNIQUE (tenant_id, party_id),
  FOREIGN KEY (tenant_id, party_id) REFERENCES party (tenant_id, id)
);
SELECT tenant_table('credit_policy');

CREATE TABLE agreement (
  tenant_id uuid NOT NULL DEFAULT current_setting('app.tenant_id')::uuid,
  id uuid NOT NULL DEFAULT uuidv7(),
  party_id uuid NOT NULL,
  number text NOT NULL,
  valid_from date NOT NULL,
  valid_to date,
  currency char(3) NOT NULL,
  credit_days integer CHECK (credit_days BETWEEN 0 AND 3650),
  minimum_order numeric(18,2) CHECK (minimum_order >= 0),
  note text,
  PRIMARY KEY (tenant_id, id),
  UNIQUE (tenant_id, party_id, number),
  FOREIGN KEY (tenant_id, party_id) REFERENCES party (tenant_id, id),
  CHECK (valid_to >= valid_from)
);
SELECT tenant_table('agreement');

CREATE TABLE portal_user (
  tenant_id uuid NOT NULL DEFAULT current_setting('app.tenant_id')::uuid,
  id uuid NOT NULL DEFAULT uuidv7(),
  identity_id uuid NOT NULL,
  party_id uuid NOT NULL,
  role text NOT NULL DEFAULT 'buyer' CHECK (role IN ('admin','buyer','approver','accountant','viewer')),
  created_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (tenant_id, id),
  UNIQUE (tenant_id, identity_id, party_id),
  FOREIGN KEY (tenant_id, identity_id) REFERENCES identity (tenant_id, id),
  FOREIGN KEY (tenant_id, party_id) REFERENCES party (tenant_id, id)
);
SELECT tenant_table('portal_user');
"""

CATALOGUE = """
CREATE TABLE category (
  tenant_id uuid NOT NULL DEFAULT current_setting('app.tenant_id')::uuid,
  id uuid NOT NULL DEFAULT uuidv7(),
  code text NOT NULL,
  name text NOT NULL,
  parent_id uuid,
  PRIMARY KEY (tenant_id, id),
  UNIQUE (tenant_id, code),
  FOREIGN KEY (tenant_id, parent_id) REFERENCES category (tenant_id, id)
);
SELECT tenant_table('category');

CREATE TABLE product (
  tenant_id uuid NOT NULL DEFAULT current_setting('app.tenant_id')::uuid,
  id uuid NOT NULL DEFAULT uuidv7(),
  code text NOT NULL CHECK (code <> ''),
  name text NOT NULL CHECK (name <> ''),
  kind text NOT NULL DEFAULT 'goods' CHECK (kind IN ('goods','service')),
  category_id uuid,
  unit text NOT NULL DEFAULT 'pcs',
  pack_size numeric(18,4) NOT NULL DEFAULT 1 CHECK (pack_size > 0),
  description text,
  retired_at timestamptz,
  created_at timestamptz NOT NULL DEFAULT now(),
  search text GENERATED ALWAYS AS (lower(code || ' ' || name)) STORED,
  PRIMARY KEY (tenant_id, id),
  UNIQUE (tenant_id, code),
  FOREIGN KEY (tenant_id, category_id) REFERENCES category (tenant_id, id)
);
CREATE INDEX product_by_name ON product (tenant_id, name, id);
CREATE INDEX ON product (tenant_id, category_id);
SELECT tenant_table('product');

CREATE TABLE barcode (
  tenant_id uuid NOT NULL DEFAULT current_setting('app.tenant_id')::uuid,
  id uuid NOT NULL DEFAULT uuidv7(),
  product_id uuid NOT NULL,
  code text NOT NULL,
  PRIMARY KEY (tenant_id, id),
  UNIQUE (tenant_id, code),
  FOREIGN KEY (tenant_id, product_id) REFERENCES product (tenant_id, id)
);
CREATE INDEX ON barcode (tenant_id, product_id);
SELECT tenant_table('barcode');
"""

PRICING = """
CREATE TABLE price_list (
  tenant_id uuid NOT NULL DEFAULT current_setting('app.tenant_id')::uuid,
  id uuid NOT NULL DEFAULT uuidv7(),
  code text NOT NULL,
  name text NOT NULL,
  currency char(3) NOT NULL,
  valid_from timestamptz,
  valid_to timestamptz,
  created_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (tenant_id, id),
  UNIQUE (tenant_id, code),
  CHECK (valid_to > valid_from)
);
SELECT tenant_table('price_list');

CREATE TABLE price_item (
  tenant_id uuid NOT NULL DEFAULT current_setting('app.tenant_id')::uuid,
  id uuid NOT NULL DEFAULT uuidv7(),
  price_list_id uuid NOT NULL,
  product_id uuid NOT NULL,
  min_quantity numeric(18,4) NOT NULL DEFAULT 1 CHECK (min_quantity > 0),
  price numeric(18,4) NOT NULL CHECK (price >= 0),
  PRIMARY KEY (tenant_id, id),
  UNIQUE (tenant_id, product_id, price_list_id, min_quantity),
  FOREIGN KEY (tenant_id, price_list_id) REFERENCES price_list (tenant_id, id),
  FOREIGN KEY (tenant_id, product_id) REFERENCES product (tenant_id, id)
);
CREATE INDEX ON price_item (tenant_id, price_list_id, product_id);
SELECT tenant_table('price_item');

-- Who a list is for. rank is the documented order: 1 agreement, 2 party, 3 segment, 4 region, 5 base; the lowest wins.
CREATE TABLE price_assignment (
  tenant_id uuid NOT NULL DEFAULT current_setting('app.tenant_id')::uuid,
  id uuid NOT NULL DEFAULT uuidv7(),
  price_list_id uuid NOT NULL,
  scope text NOT NULL CHECK (scope IN ('agreement','party','segment','region','base')),
  rank smallint GENERATED ALWAYS AS (CASE scope WHEN 'agreement' THEN 1 WHEN 'party' THEN 2
    WHEN 'segment' THEN 3 WHEN 'region' THEN 4 ELSE 5 END) STORED,
  party_id uuid,
  agreement_id uuid,
  scope_value text,
  PRIMARY KEY (tenant_id, id),
  FOREIGN KEY (tenant_id, price_list_id) REFERENCES price_list (tenant_id, id),
  FOREIGN KEY (tenant_id, party_id) REFERENCES party (tenant_id, id),
  FOREIGN KEY (tenant_id, agreement_id) REFERENCES agreement (tenant_id, id),
  UNIQUE NULLS NOT DISTINCT (tenant_id, scope, party_id, agreement_id, scope_value, price_list_id)
);
CREATE INDEX ON price_assignment (tenant_id, party_id);
SELECT tenant_table('price_assignment');

CREATE TABLE price_floor (
  tenant_id uuid NOT NULL DEFAULT current_setting('app.tenant_id')::uuid,
  id uuid NOT NULL DEFAULT uuidv7(),
  product_id uuid NOT NULL,
  currency char(3) NOT NULL,
  floor numeric(18,4) NOT NULL CHECK (floor >= 0),
  PRIMARY KEY (tenant_id, id),
  UNIQUE (tenant_id, product_id, currency),
  FOREIGN KEY (tenant_id, product_id) REFERENCES product (tenant_id, id)
);
SELECT tenant_table('price_floor');
"""

STOCK = """
CREATE TABLE warehouse (
  tenant_id uuid NOT NULL DEFAULT current_setting('app.tenant_id')::uuid,
  id uuid NOT NULL DEFAULT uuidv7(),
  code text NOT NULL,
  name text NOT NULL,
  is_default boolean NOT NULL DEFAULT false,
  closed_at timestamptz,
  PRIMARY KEY (tenant_id, id),
  UNIQUE (tenant_id, code)
);
CREATE UNIQUE INDEX one_default_warehouse ON warehouse (tenant_id) WHERE is_default;
SELECT tenant_table('warehouse');

CREATE TABLE stock_level (
  tenant_id uuid NOT NULL DEFAULT current_setting('app.tenant_id')::uuid,
  product_id uuid NOT NULL,
  warehouse_id uuid NOT NULL,
  on_hand numeric(18,4) NOT NULL DEFAULT 0 CHECK (on_hand >= 0),
  reserved numeric(18,4) NOT NULL DEFAULT 0 CHECK (reserved >= 0),
  PRIMARY KEY (tenant_id, product_id, warehouse_id),
  CONSTRAINT reserved_is_on_hand CHECK (reserved <= on_hand),
  FOREIGN KEY (tenant_id, product_id) REFERENCES product (tenant_id, id),
  FOREIGN KEY (tenant_id, warehouse_id) REFERENCES warehouse (tenant_id, id)
) WITH (fillfactor = 80);
SELECT tenant_table('stock_level', 'SELECT', 'INSERT', 'UPDATE');

CREATE TABLE stock_move (
  tenant_id uuid NOT NULL DEFAULT current_setting('app.tenant_id')::uuid,
  id uuid NOT NULL DEFAULT uuidv7(),
  product_id uuid NOT NULL,
  warehouse_id uuid NOT NULL,
  quantity numeric(18,4) NOT NULL CHECK (quantity <> 0),
  reason text NOT NULL CHECK (reason IN ('opening','receipt','shipment','return','adjustment')),
  source_id uuid,
  key text,
  moved_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (tenant_id, id),
  UNIQUE (tenant_id, key),
  FOREIGN KEY (tenant_id, product_id) REFERENCES product (tenant_id, id),
  FOREIGN KEY (tenant_id, warehouse_id) REFERENCES warehouse (tenant_id, id)
);
CREATE INDEX ON stock_move (tenant_id, product_id, warehouse_id, moved_at DESC);
SELECT tenant_table('stock_move', 'SELECT', 'INSERT');
SELECT append_only('stock_move');

-- source_id is the order line the goods wait for; the row goes when they leave or are freed.
CREATE TABLE reservation (
  tenant_id uuid NOT NULL DEFAULT current_setting('app.tenant_id')::uuid,
  id uuid NOT NULL DEFAULT uuidv7(),
  source_id uuid NOT NULL,
  product_id uuid NOT NULL,
  warehouse_id uuid NOT NULL,
  quantity numeric(18,4) NOT NULL CHECK (quantity > 0),
  reserved_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (tenant_id, id),
  UNIQUE (tenant_id, source_id),
  FOREIGN KEY (tenant_id, product_id, warehouse_id)
    REFERENCES stock_level (tenant_id, product_id, warehouse_id)
);
CREATE INDEX ON reservation (tenant_id, product_id, warehouse_id);
SELECT tenant_table('reservation');
"""


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id=ID, app_name="dilo", description=DESCRIPTION)

    async def run() -> None:
        for script in (PARTIES, CATALOGUE, PRICING, STOCK):
            await engine_finder().current_transaction.get().connection.execute(script)

    manager.add_raw(run)
    return manager

"""Ordering: back-orders, delivery terms, price promises, order templates, product families."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager
from piccolo.engine import engine_finder

ID = "2026-11-25T03:00:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "Back-orders, delivery terms, price promises, order templates, product families"

ORDERS = """
ALTER TABLE sales_order DROP CONSTRAINT sales_order_door_check;
ALTER TABLE sales_order ADD CONSTRAINT sales_order_door_check
  CHECK (door IN ('office','portal','shop','telegram','sms','api','import')) NOT VALID;
ALTER TABLE sales_order ADD COLUMN IF NOT EXISTS reference text;
ALTER TABLE sales_order ADD COLUMN IF NOT EXISTS delivery_method text
  CHECK (delivery_method IN ('delivery','pickup'));
ALTER TABLE sales_order ADD COLUMN IF NOT EXISTS delivery_to text;
-- What the buyer chose for goods that are not on the shelf.
ALTER TABLE sales_order ADD COLUMN IF NOT EXISTS shortage text NOT NULL DEFAULT 'hold'
  CHECK (shortage IN ('hold','parts','together','leave_out'));
"""

# source_id is the order line that waits; with its reservation it makes up what is still to ship.
BACK_ORDERS = """
CREATE TABLE back_order (
  tenant_id uuid NOT NULL DEFAULT current_setting('app.tenant_id')::uuid,
  id uuid NOT NULL DEFAULT uuidv7(),
  source_id uuid NOT NULL,
  product_id uuid NOT NULL,
  warehouse_id uuid NOT NULL,
  quantity numeric(18,4) NOT NULL CHECK (quantity > 0),
  since timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (tenant_id, id),
  UNIQUE (tenant_id, source_id),
  FOREIGN KEY (tenant_id, source_id) REFERENCES sales_order_line (tenant_id, id),
  FOREIGN KEY (tenant_id, product_id) REFERENCES product (tenant_id, id),
  FOREIGN KEY (tenant_id, warehouse_id) REFERENCES warehouse (tenant_id, id)
);
CREATE INDEX ON back_order (tenant_id, product_id, warehouse_id, since);
SELECT tenant_table('back_order');
"""

CARTS = """
ALTER TABLE cart ADD COLUMN IF NOT EXISTS comment text CHECK (length(comment) <= 500);
ALTER TABLE cart ADD COLUMN IF NOT EXISTS removed_at timestamptz;
-- The price a buyer was shown, the list and the quantity it came from, and until when it holds.
CREATE TABLE price_promise (
  tenant_id uuid NOT NULL DEFAULT current_setting('app.tenant_id')::uuid,
  identity_id uuid NOT NULL,
  party_id uuid NOT NULL,
  product_id uuid NOT NULL,
  quantity numeric(18,4) NOT NULL CHECK (quantity > 0),
  currency char(3) NOT NULL,
  price numeric(18,4) NOT NULL CHECK (price >= 0),
  list_code text,
  scope text,
  min_quantity numeric(18,4),
  promised_at timestamptz NOT NULL,
  expires_at timestamptz NOT NULL CHECK (expires_at >= promised_at),
  PRIMARY KEY (tenant_id, identity_id, party_id, product_id),
  FOREIGN KEY (tenant_id, identity_id) REFERENCES identity (tenant_id, id),
  FOREIGN KEY (tenant_id, party_id) REFERENCES party (tenant_id, id),
  FOREIGN KEY (tenant_id, product_id) REFERENCES product (tenant_id, id)
);
SELECT tenant_table('price_promise');
CREATE TABLE order_template (
  tenant_id uuid NOT NULL DEFAULT current_setting('app.tenant_id')::uuid,
  id uuid NOT NULL DEFAULT uuidv7(),
  party_id uuid NOT NULL,
  owner_id uuid NOT NULL,
  name text NOT NULL CHECK (length(name) BETWEEN 1 AND 80),
  shared boolean NOT NULL DEFAULT false,
  created_at timestamptz NOT NULL DEFAULT now(),
  changed_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (tenant_id, id),
  UNIQUE (tenant_id, party_id, owner_id, name),
  FOREIGN KEY (tenant_id, party_id) REFERENCES party (tenant_id, id),
  FOREIGN KEY (tenant_id, owner_id) REFERENCES identity (tenant_id, id)
);
SELECT tenant_table('order_template');
CREATE TABLE order_template_line (
  tenant_id uuid NOT NULL DEFAULT current_setting('app.tenant_id')::uuid,
  template_id uuid NOT NULL,
  product_id uuid NOT NULL,
  quantity numeric(18,4) NOT NULL CHECK (quantity > 0),
  comment text CHECK (length(comment) <= 500),
  added_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (tenant_id, template_id, product_id),
  FOREIGN KEY (tenant_id, template_id) REFERENCES order_template (tenant_id, id) ON DELETE CASCADE,
  FOREIGN KEY (tenant_id, product_id) REFERENCES product (tenant_id, id)
);
SELECT tenant_table('order_template_line');
"""

# Goods that differ by one or two attributes (size, colour) and are ordered in one grid.
FAMILIES = """
CREATE TABLE product_family (
  tenant_id uuid NOT NULL DEFAULT current_setting('app.tenant_id')::uuid,
  id uuid NOT NULL DEFAULT uuidv7(),
  code text NOT NULL CHECK (code <> ''),
  name text NOT NULL CHECK (name <> ''),
  row_axis text NOT NULL CHECK (row_axis <> ''),
  column_axis text NOT NULL DEFAULT '',
  created_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (tenant_id, id),
  UNIQUE (tenant_id, code)
);
SELECT tenant_table('product_family');
ALTER TABLE product ADD COLUMN IF NOT EXISTS family_id uuid;
ALTER TABLE product ADD CONSTRAINT product_family_fk FOREIGN KEY (tenant_id, family_id)
  REFERENCES product_family (tenant_id, id);
CREATE INDEX product_of_family ON product (tenant_id, family_id) WHERE family_id IS NOT NULL;
"""


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id=ID, app_name="dilo", description=DESCRIPTION)

    async def run() -> None:
        for script in (ORDERS, BACK_ORDERS, CARTS, FAMILIES):
            await engine_finder().current_transaction.get().connection.execute(script)

    manager.add_raw(run)
    return manager

"""From order to cash: orders, verdicts, overrides, shipments, returns, carts."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager
from piccolo.engine import engine_finder

ID = "2026-11-24T05:03:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "Orders, shipments, returns, overrides"

ORDERS = """
CREATE TABLE sales_order (
  tenant_id uuid NOT NULL DEFAULT current_setting('app.tenant_id')::uuid,
  id uuid NOT NULL DEFAULT uuidv7(),
  number text NOT NULL,
  party_id uuid NOT NULL,
  agreement_id uuid,
  warehouse_id uuid NOT NULL,
  state text NOT NULL DEFAULT 'draft' CHECK (state IN ('draft','submitted','on_hold','confirmed',
    'partially_shipped','shipped','closed','cancelled')),
  door text NOT NULL CHECK (door IN ('office','portal','telegram','sms','api','import')),
  currency char(3) NOT NULL,
  total numeric(18,2) NOT NULL DEFAULT 0 CHECK (total >= 0),
  shipped_amount numeric(18,2) NOT NULL DEFAULT 0,
  invoiced_amount numeric(18,2) NOT NULL DEFAULT 0,
  ship_on date,
  comment text,
  placed_by text NOT NULL,
  placed_by_id uuid,
  key text,
  request_hash bytea,
  version integer NOT NULL DEFAULT 1,
  created_at timestamptz NOT NULL DEFAULT now(),
  submitted_at timestamptz,
  confirmed_at timestamptz,
  cancelled_at timestamptz,
  cancel_reason text,
  PRIMARY KEY (tenant_id, id),
  UNIQUE (tenant_id, number),
  UNIQUE (tenant_id, key),
  FOREIGN KEY (tenant_id, party_id) REFERENCES party (tenant_id, id),
  FOREIGN KEY (tenant_id, agreement_id) REFERENCES agreement (tenant_id, id),
  FOREIGN KEY (tenant_id, warehouse_id) REFERENCES warehouse (tenant_id, id)
);
CREATE INDEX ON sales_order (tenant_id, party_id, created_at DESC);
CREATE INDEX ON sales_order (tenant_id, created_at DESC, id);
CREATE INDEX ON sales_order (tenant_id, state, created_at DESC) WHERE state NOT IN ('closed','cancelled');
SELECT tenant_table('sales_order', 'SELECT', 'INSERT', 'UPDATE');

CREATE TABLE sales_order_line (
  tenant_id uuid NOT NULL DEFAULT current_setting('app.tenant_id')::uuid,
  id uuid NOT NULL DEFAULT uuidv7(),
  order_id uuid NOT NULL,
  line_no integer NOT NULL,
  product_id uuid NOT NULL,
  quantity numeric(18,4) NOT NULL CHECK (quantity > 0),
  unit text NOT NULL,
  price numeric(18,4) NOT NULL CHECK (price >= 0),
  price_source jsonb NOT NULL DEFAULT '{}',
  amount numeric(18,2) NOT NULL CHECK (amount >= 0),
  shipped_quantity numeric(18,4) NOT NULL DEFAULT 0,
  invoiced_quantity numeric(18,4) NOT NULL DEFAULT 0,
  returned_quantity numeric(18,4) NOT NULL DEFAULT 0,
  comment text,
  PRIMARY KEY (tenant_id, id),
  UNIQUE (tenant_id, order_id, line_no),
  FOREIGN KEY (tenant_id, order_id) REFERENCES sales_order (tenant_id, id),
  FOREIGN KEY (tenant_id, product_id) REFERENCES product (tenant_id, id),
  CHECK (shipped_quantity BETWEEN 0 AND quantity),
  CHECK (invoiced_quantity BETWEEN 0 AND shipped_quantity),
  CHECK (returned_quantity BETWEEN 0 AND shipped_quantity)
);
CREATE INDEX ON sales_order_line (tenant_id, product_id);
SELECT tenant_table('sales_order_line');

-- What the gates said, when, and at which door of the lifecycle: the evidence behind every hold and pass.
CREATE TABLE evaluation (
  tenant_id uuid NOT NULL DEFAULT current_setting('app.tenant_id')::uuid,
  id uuid NOT NULL DEFAULT uuidv7(),
  order_id uuid NOT NULL,
  stage text NOT NULL CHECK (stage IN ('confirmation','dispatch')),
  passed boolean NOT NULL,
  verdicts jsonb NOT NULL,
  shipment_id uuid,
  evaluated_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (tenant_id, id),
  FOREIGN KEY (tenant_id, order_id) REFERENCES sales_order (tenant_id, id)
);
CREATE INDEX ON evaluation (tenant_id, order_id, evaluated_at DESC);
SELECT tenant_table('evaluation', 'SELECT', 'INSERT');
SELECT append_only('evaluation');

CREATE TABLE credit_override (
  tenant_id uuid NOT NULL DEFAULT current_setting('app.tenant_id')::uuid,
  id uuid NOT NULL DEFAULT uuidv7(),
  order_id uuid NOT NULL,
  gates text[] NOT NULL,
  amount numeric(18,2) NOT NULL CHECK (amount > 0),
  reason text NOT NULL CHECK (reason <> ''),
  requested_by uuid NOT NULL,
  requested_at timestamptz NOT NULL DEFAULT now(),
  expires_at timestamptz NOT NULL,
  decided_by uuid,
  decided_at timestamptz,
  state text NOT NULL DEFAULT 'requested' CHECK (state IN ('requested','approved','refused','used','revoked')),
  used_at timestamptz,
  PRIMARY KEY (tenant_id, id),
  FOREIGN KEY (tenant_id, order_id) REFERENCES sales_order (tenant_id, id),
  FOREIGN KEY (tenant_id, requested_by) REFERENCES identity (tenant_id, id),
  FOREIGN KEY (tenant_id, decided_by) REFERENCES identity (tenant_id, id),
  CHECK (decided_by <> requested_by),
  CHECK (state NOT IN ('approved','refused','used') OR decided_by IS NOT NULL)
);
CREATE INDEX ON credit_override (tenant_id, order_id);
SELECT tenant_table('credit_override', 'SELECT', 'INSERT', 'UPDATE');

CREATE TABLE shipment (
  tenant_id uuid NOT NULL DEFAULT current_setting('app.tenant_id')::uuid,
  id uuid NOT NULL DEFAULT uuidv7(),
  number text NOT NULL,
  order_id uuid NOT NULL,
  party_id uuid NOT NULL,
  warehouse_id uuid NOT NULL,
  state text NOT NULL DEFAULT 'planned' CHECK (state IN ('planned','held','dispatched','delivered','cancelled')),
  currency char(3) NOT NULL,
  total numeric(18,2) NOT NULL DEFAULT 0,
  key text,
  created_at timestamptz NOT NULL DEFAULT now(),
  dispatched_at timestamptz,
  dispatched_on date,
  PRIMARY KEY (tenant_id, id),
  UNIQUE (tenant_id, number),
  UNIQUE (tenant_id, key),
  FOREIGN KEY (tenant_id, order_id) REFERENCES sales_order (tenant_id, id),
  FOREIGN KEY (tenant_id, party_id) REFERENCES party (tenant_id, id),
  FOREIGN KEY (tenant_id, warehouse_id) REFERENCES warehouse (tenant_id, id)
);
CREATE INDEX ON shipment (tenant_id, order_id);
SELECT tenant_table('shipment', 'SELECT', 'INSERT', 'UPDATE');

CREATE TABLE shipment_line (
  tenant_id uuid NOT NULL DEFAULT current_setting('app.tenant_id')::uuid,
  id uuid NOT NULL DEFAULT uuidv7(),
  shipment_id uuid NOT NULL,
  order_line_id uuid NOT NULL,
  product_id uuid NOT NULL,
  quantity numeric(18,4) NOT NULL CHECK (quantity > 0),
  amount numeric(18,2) NOT NULL,
  PRIMARY KEY (tenant_id, id),
  FOREIGN KEY (tenant_id, shipment_id) REFERENCES shipment (tenant_id, id),
  FOREIGN KEY (tenant_id, order_line_id) REFERENCES sales_order_line (tenant_id, id),
  FOREIGN KEY (tenant_id, product_id) REFERENCES product (tenant_id, id)
);
CREATE INDEX ON shipment_line (tenant_id, shipment_id);
SELECT tenant_table('shipment_line', 'SELECT', 'INSERT');

CREATE TABLE sales_return (
  tenant_id uuid NOT NULL DEFAULT current_setting('app.tenant_id')::uuid,
  id uuid NOT NULL DEFAULT uuidv7(),
  number text NOT NULL,
  order_id uuid NOT NULL,
  party_id uuid NOT NULL,
  warehouse_id uuid NOT NULL,
  credit_note_id uuid,
  reason text NOT NULL,
  total numeric(18,2) NOT NULL,
  key text,
  returned_on date NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (tenant_id, id),
  UNIQUE (tenant_id, number),
  UNIQUE (tenant_id, key),
  FOREIGN KEY (tenant_id, order_id) REFERENCES sales_order (tenant_id, id),
  FOREIGN KEY (tenant_id, party_id) REFERENCES party (tenant_id, id),
  FOREIGN KEY (tenant_id, warehouse_id) REFERENCES warehouse (tenant_id, id),
  FOREIGN KEY (tenant_id, credit_note_id) REFERENCES invoice (tenant_id, id)
);
SELECT tenant_table('sales_return', 'SELECT', 'INSERT');

CREATE TABLE sales_return_line (
  tenant_id uuid NOT NULL DEFAULT current_setting('app.tenant_id')::uuid,
  id uuid NOT NULL DEFAULT uuidv7(),
  return_id uuid NOT NULL,
  order_line_id uuid NOT NULL,
  product_id uuid NOT NULL,
  quantity numeric(18,4) NOT NULL CHECK (quantity > 0),
  amount numeric(18,2) NOT NULL,
  PRIMARY KEY (tenant_id, id),
  FOREIGN KEY (tenant_id, return_id) REFERENCES sales_return (tenant_id, id),
  FOREIGN KEY (tenant_id, order_line_id) REFERENCES sales_order_line (tenant_id, id),
  FOREIGN KEY (tenant_id, product_id) REFERENCES product (tenant_id, id)
);
SELECT tenant_table('sales_return_line', 'SELECT', 'INSERT');

CREATE TABLE cart (
  tenant_id uuid NOT NULL DEFAULT current_setting('app.tenant_id')::uuid,
  identity_id uuid NOT NULL,
  party_id uuid NOT NULL,
  product_id uuid NOT NULL,
  quantity numeric(18,4) NOT NULL CHECK (quantity > 0),
  added_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (tenant_id, identity_id, party_id, product_id),
  FOREIGN KEY (tenant_id, identity_id) REFERENCES identity (tenant_id, id),
  FOREIGN KEY (tenant_id, party_id) REFERENCES party (tenant_id, id),
  FOREIGN KEY (tenant_id, product_id) REFERENCES product (tenant_id, id)
);
SELECT tenant_table('cart');
"""


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id=ID, app_name="dilo", description=DESCRIPTION)

    async def run() -> None:
        for script in (ORDERS,):
            await engine_finder().current_transaction.get().connection.execute(script)

    manager.add_raw(run)
    return manager

"""Promotions and coupons: budgets, what each order line was given, who used which coupon."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager
from piccolo.engine import engine_finder

ID = "2026-11-25T05:00:00:000000"
VERSION = "1.38.0"
DESCRIPTION = (
    "Promotions with budgets, coupons, accruals line by line; the shop as a door of orders"
)

PROMOTIONS = """
CREATE TABLE promotion (
  tenant_id uuid NOT NULL DEFAULT current_setting('app.tenant_id')::uuid,
  id uuid NOT NULL DEFAULT uuidv7(),
  name text NOT NULL CHECK (name <> ''),
  kind text NOT NULL CHECK (kind IN ('percent','price')),
  value numeric(18,4) NOT NULL CHECK (value >= 0),
  category_id uuid,
  product_id uuid,
  segment text,
  starts_on date NOT NULL,
  ends_on date,
  budget_amount numeric(18,2) CHECK (budget_amount >= 0),
  at_budget text NOT NULL DEFAULT 'stop' CHECK (at_budget IN ('stop','warn')),
  spent_amount numeric(18,2) NOT NULL DEFAULT 0 CHECK (spent_amount >= 0),
  stackable boolean NOT NULL DEFAULT false,
  ended_at timestamptz,
  made_by text NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (tenant_id, id),
  FOREIGN KEY (tenant_id, category_id) REFERENCES category (tenant_id, id),
  FOREIGN KEY (tenant_id, product_id) REFERENCES product (tenant_id, id),
  CHECK (kind <> 'percent' OR value <= 100),
  CHECK (at_budget <> 'stop' OR budget_amount IS NULL OR spent_amount <= budget_amount)
);
CREATE INDEX ON promotion (tenant_id, starts_on) WHERE ended_at IS NULL;
SELECT tenant_table('promotion', 'SELECT', 'INSERT', 'UPDATE');
CREATE TABLE coupon (
  tenant_id uuid NOT NULL DEFAULT current_setting('app.tenant_id')::uuid,
  id uuid NOT NULL DEFAULT uuidv7(),
  code text NOT NULL CHECK (code <> ''),
  kind text NOT NULL CHECK (kind IN ('percent','amount','delivery')),
  value numeric(18,4) NOT NULL DEFAULT 0 CHECK (value >= 0),
  minimum_amount numeric(18,2) NOT NULL DEFAULT 0 CHECK (minimum_amount >= 0),
  starts_on date NOT NULL,
  ends_on date,
  most_uses integer CHECK (most_uses > 0),
  most_per_buyer integer CHECK (most_per_buyer > 0),
  uses integer NOT NULL DEFAULT 0 CHECK (uses >= 0),
  stackable boolean NOT NULL DEFAULT false,
  ended_at timestamptz,
  made_by text NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (tenant_id, id),
  UNIQUE (tenant_id, code),
  CHECK (kind <> 'percent' OR value <= 100),
  CHECK (most_uses IS NULL OR uses <= most_uses)
);
SELECT tenant_table('coupon', 'SELECT', 'INSERT', 'UPDATE');
CREATE TABLE coupon_use (
  tenant_id uuid NOT NULL DEFAULT current_setting('app.tenant_id')::uuid,
  id uuid NOT NULL DEFAULT uuidv7(),
  coupon_id uuid NOT NULL,
  order_id uuid NOT NULL,
  party_id uuid NOT NULL,
  used_at timestamptz NOT NULL DEFAULT now(),
  given_back_at timestamptz,
  PRIMARY KEY (tenant_id, id),
  FOREIGN KEY (tenant_id, coupon_id) REFERENCES coupon (tenant_id, id),
  FOREIGN KEY (tenant_id, order_id) REFERENCES sales_order (tenant_id, id),
  FOREIGN KEY (tenant_id, party_id) REFERENCES party (tenant_id, id)
);
CREATE UNIQUE INDEX one_coupon_of_an_order ON coupon_use (tenant_id, order_id)
  WHERE given_back_at IS NULL;
CREATE INDEX ON coupon_use (tenant_id, coupon_id, party_id);
SELECT tenant_table('coupon_use', 'SELECT', 'INSERT', 'UPDATE');
-- What was given away, line by line; taken back by a row of the opposite sign.
CREATE TABLE promotion_accrual (
  tenant_id uuid NOT NULL DEFAULT current_setting('app.tenant_id')::uuid,
  id uuid NOT NULL DEFAULT uuidv7(),
  promotion_id uuid,
  coupon_id uuid,
  order_id uuid NOT NULL,
  line_no integer NOT NULL,
  product_id uuid NOT NULL,
  amount numeric(18,2) NOT NULL CHECK (amount <> 0),
  accrued_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (tenant_id, id),
  FOREIGN KEY (tenant_id, promotion_id) REFERENCES promotion (tenant_id, id),
  FOREIGN KEY (tenant_id, coupon_id) REFERENCES coupon (tenant_id, id),
  FOREIGN KEY (tenant_id, order_id) REFERENCES sales_order (tenant_id, id),
  FOREIGN KEY (tenant_id, product_id) REFERENCES product (tenant_id, id),
  CHECK (promotion_id IS NULL OR coupon_id IS NULL)
);
CREATE INDEX ON promotion_accrual (tenant_id, order_id);
CREATE INDEX ON promotion_accrual (tenant_id, promotion_id, accrued_at);
CREATE INDEX ON promotion_accrual (tenant_id, coupon_id, accrued_at);
SELECT tenant_table('promotion_accrual', 'SELECT', 'INSERT');
SELECT append_only('promotion_accrual');
"""

# Doors come and go with what is built: the list lives in the commands of orders, not here.
DOORS = """
ALTER TABLE sales_order DROP CONSTRAINT IF EXISTS sales_order_door_check;
ALTER TABLE sales_order ADD CONSTRAINT sales_order_door_check CHECK (door ~ '^[a-z]{1,20}$');
"""


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id=ID, app_name="dilo", description=DESCRIPTION)

    async def run() -> None:
        for script in (PROMOTIONS, DOORS):
            await engine_finder().current_transaction.get().connection.execute(script)

    manager.add_raw(run)
    return manager

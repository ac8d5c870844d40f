"""A coupon in a person's cart; reviews by guests from the link of their order; safer letters."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager
from piccolo.engine import engine_finder

ID = "2026-11-25T20:00:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "Coupon of a cart, review of an order"

SCHEMA = """
CREATE TABLE cart_coupon (
  tenant_id uuid NOT NULL DEFAULT current_setting('app.tenant_id')::uuid,
  identity_id uuid NOT NULL,
  party_id uuid NOT NULL,
  code text NOT NULL CHECK (length(code) <= 40),
  PRIMARY KEY (tenant_id, identity_id, party_id),
  FOREIGN KEY (tenant_id, identity_id) REFERENCES identity (tenant_id, id),
  FOREIGN KEY (tenant_id, party_id) REFERENCES party (tenant_id, id)
);
SELECT tenant_table('cart_coupon');
ALTER TABLE review ADD COLUMN order_id uuid,
  ADD UNIQUE (tenant_id, product_id, order_id),
  ADD FOREIGN KEY (tenant_id, order_id) REFERENCES sales_order (tenant_id, id);
-- The link of a letter is made as the letter leaves: until then there is none to steal.
ALTER TABLE shop_registration ALTER COLUMN token_hash DROP NOT NULL;
ALTER TABLE data_request ALTER COLUMN token_hash DROP NOT NULL;
"""


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id=ID, app_name="dilo", description=DESCRIPTION)

    async def run() -> None:
        await engine_finder().current_transaction.get().connection.execute(SCHEMA)

    manager.add_raw(run)
    return manager

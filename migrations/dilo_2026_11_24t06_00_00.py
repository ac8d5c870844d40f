"""Every tenant opens its books with the same short chart of accounts."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager
from piccolo.engine import engine_finder

ID = "2026-11-24T06:00:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "Chart of accounts of a new tenant"

CHART = """
CREATE FUNCTION open_books() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE before text := current_setting('app.tenant_id', true);
BEGIN
  PERFORM set_config('app.tenant_id', NEW.id::text, true);
  INSERT INTO ledger_account (code, name, kind) VALUES
    ('1000', 'Cash', 'asset'), ('1010', 'Bank', 'asset'), ('1100', 'Trade receivables', 'asset'),
    ('1200', 'Inventory', 'asset'), ('2000', 'Trade payables', 'liability'),
    ('3000', 'Equity', 'equity'), ('4000', 'Sales', 'income'), ('4010', 'Sales returns', 'income'),
    ('5000', 'Cost of sales', 'expense'), ('6000', 'Receivables written off', 'expense');
  PERFORM set_config('app.tenant_id', coalesce(before, ''), true);
  RETURN NULL;
END $$;
CREATE TRIGGER open_books AFTER INSERT ON tenant FOR EACH ROW EXECUTE FUNCTION open_books();
"""


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id=ID, app_name="dilo", description=DESCRIPTION)

    async def run() -> None:
        await engine_finder().current_transaction.get().connection.execute(CHART)

    manager.add_raw(run)
    return manager

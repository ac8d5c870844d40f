"""A session opened in a chat ends with the chat's link; a bot speaks for one company."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager
from piccolo.engine import engine_finder

ID = "2026-11-25T23:00:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "Chat of a session, holder of a bot"

SCHEMA = """
ALTER TABLE session ADD COLUMN chat text;

-- Telegram gives a bot's updates to one address: two companies with one bot would take them from
-- each other. Who else holds one is nobody's to read; the app asks for it and lets it go.
CREATE TABLE bot_holder (
  number bigint PRIMARY KEY,
  tenant_id uuid NOT NULL REFERENCES tenant (id)
);
ALTER TABLE bot_holder ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_rows ON bot_holder TO dilo_app USING (tenant_id = current_tenant_id());
GRANT SELECT ON bot_holder TO dilo_app;

CREATE FUNCTION hold_bot(bot bigint) RETURNS boolean
LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp AS $$
  INSERT INTO bot_holder AS h (number, tenant_id) VALUES (bot, current_tenant_id())
  ON CONFLICT (number) DO UPDATE SET tenant_id = excluded.tenant_id
  WHERE h.tenant_id = excluded.tenant_id RETURNING true
$$;
CREATE FUNCTION let_bot_go(bot bigint) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp AS $$
  DELETE FROM bot_holder WHERE number = bot AND tenant_id = current_tenant_id()
$$;
REVOKE ALL ON FUNCTION hold_bot(bigint), let_bot_go(bigint) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION hold_bot(bigint), let_bot_go(bigint) TO dilo_app;

-- Those connected already: where two have one bot, the first of them keeps it.
DO $$
DECLARE one uuid;
BEGIN
  FOR one IN SELECT id FROM tenant ORDER BY id LOOP
    PERFORM set_config('app.tenant_id', one::text, true);
    INSERT INTO bot_holder (number, tenant_id) SELECT number, one FROM telegram_bot
    WHERE state NOT IN ('removed', 'candidate', 'failed') AND number IS NOT NULL
    ON CONFLICT DO NOTHING;
  END LOOP;
  PERFORM set_config('app.tenant_id', '', true);
END $$;
"""


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id=ID, app_name="dilo", description=DESCRIPTION)

    async def run() -> None:
        await engine_finder().current_transaction.get().connection.execute(SCHEMA)

    manager.add_raw(run)
    return manager

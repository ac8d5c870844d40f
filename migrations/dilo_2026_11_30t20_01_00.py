"""Sessions opened in a chat end with its link for good: linking it again revives none of them."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager
from piccolo.engine import engine_finder

ID = "2026-11-30T20:01:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "Parted chats end their sessions"

# By the database: a link goes by the chat's, the person's, the office's and the company's hand, and
# when a chat becomes another person's.
PART = """
CREATE INDEX session_chat ON session (tenant_id, chat) WHERE chat IS NOT NULL;
CREATE FUNCTION end_sessions_of_chat() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  DELETE FROM session WHERE tenant_id = old.tenant_id AND chat = old.address;
  RETURN NULL;
END $$;
CREATE TRIGGER chat_parted AFTER DELETE ON contact_channel FOR EACH ROW
WHEN (old.channel = 'telegram') EXECUTE FUNCTION end_sessions_of_chat();
CREATE TRIGGER chat_of_another AFTER UPDATE OF identity_id, address ON contact_channel FOR EACH ROW
WHEN (old.channel = 'telegram' AND (old.identity_id IS DISTINCT FROM new.identity_id
  OR old.address <> new.address)) EXECUTE FUNCTION end_sessions_of_chat();
"""


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id=ID, app_name="dilo", description=DESCRIPTION)

    async def run() -> None:
        await engine_finder().current_transaction.get().connection.execute(PART)

    manager.add_raw(run)
    return manager

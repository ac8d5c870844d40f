"""Bots with sealed tokens and a known state; chats of people and groups; phones confirmed."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager
from piccolo.engine import engine_finder

ID = "2026-11-25T08:00:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "Sealed bot tokens, chats of several companies, groups, confirmed phones, alarms"

# token and secret in clear are sealed by the first round of the worker, then emptied.
BOTS = """
ALTER TABLE telegram_bot ALTER COLUMN token DROP NOT NULL, ALTER COLUMN secret DROP NOT NULL,
  ADD COLUMN token_sealed text, ADD COLUMN secret_hash bytea, ADD COLUMN number bigint,
  ADD COLUMN updated_at timestamptz NOT NULL DEFAULT now(), ADD COLUMN checked_at timestamptz,
  ADD COLUMN last_update_at timestamptz, ADD COLUMN pending_updates integer,
  ADD COLUMN webhook_error text,
  DROP CONSTRAINT telegram_bot_state_check,
  ADD CHECK (state IN ('new','live','paused','failed','candidate','removed'));
DROP INDEX one_bot;
CREATE UNIQUE INDEX one_bot ON telegram_bot (tenant_id)
  WHERE state NOT IN ('removed', 'candidate');
"""

# A telegram row is a person's chat (identity or contact) or a company's group.
CHATS = """
ALTER TABLE contact_channel ADD COLUMN is_group boolean NOT NULL DEFAULT false,
  ADD COLUMN shows_money boolean NOT NULL DEFAULT false, ADD COLUMN title text,
  ADD COLUMN chosen_at timestamptz, ADD COLUMN last_active_at timestamptz,
  ADD COLUMN verified_at timestamptz, ADD COLUMN verified_by text;
CREATE INDEX ON contact_channel (tenant_id, identity_id) WHERE identity_id IS NOT NULL;
ALTER TABLE link_code ADD COLUMN kind text NOT NULL DEFAULT 'deep'
  CHECK (kind IN ('deep','digits','group')),
  ADD COLUMN asked_chat text, ADD COLUMN asked_name text;
CREATE INDEX ON link_code (tenant_id, identity_id);
CREATE INDEX alarms ON audit_event (tenant_id, at DESC) WHERE subject_kind = 'security';
"""


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id=ID, app_name="dilo", description=DESCRIPTION)

    async def run() -> None:
        for script in (BOTS, CHATS):
            await engine_finder().current_transaction.get().connection.execute(script)

    manager.add_raw(run)
    return manager

"""Whose word on news stands: the name of who gave the consent or took it back."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager
from piccolo.engine import engine_finder

ID = "2026-11-25T22:00:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "Who gave his consent to news or took it back"

CONSENT = """
ALTER TABLE contact_channel ADD COLUMN marketing_by text;
CREATE OR REPLACE FUNCTION silence_ends_consent() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NEW.opted_out_at IS NOT NULL AND OLD.opted_out_at IS NULL AND NEW.marketing_at IS NOT NULL THEN
    NEW.marketing_at := NULL;
    NEW.marketing_off_at := NEW.opted_out_at;
    NEW.marketing_off_source := 'stop';
    NEW.marketing_by := NULL;
  END IF;
  RETURN NEW;
END $$;
"""


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id=ID, app_name="dilo", description=DESCRIPTION)

    async def run() -> None:
        await engine_finder().current_transaction.get().connection.execute(CONSENT)

    manager.add_raw(run)
    return manager

"""Consent by address, templates of messages, campaigns with their recipients, counts of reading."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager
from piccolo.engine import engine_finder

ID = "2026-11-25T15:10:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "Consent, templates, campaigns, what chats understood"

CONSENT = """
ALTER TABLE contact_channel ADD COLUMN marketing_at timestamptz,
  ADD COLUMN marketing_source text, ADD COLUMN marketing_off_at timestamptz,
  ADD COLUMN marketing_off_source text;
-- Whoever asks for silence, by whatever door, has taken back his consent to news as well.
CREATE FUNCTION silence_ends_consent() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NEW.opted_out_at IS NOT NULL AND OLD.opted_out_at IS NULL AND NEW.marketing_at IS NOT NULL THEN
    NEW.marketing_at := NULL;
    NEW.marketing_off_at := NEW.opted_out_at;
    NEW.marketing_off_source := 'stop';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER silence_ends_consent BEFORE UPDATE OF opted_out_at ON contact_channel
FOR EACH ROW EXECUTE FUNCTION silence_ends_consent();
"""

PHRASES = """
CREATE TABLE phrase (
  tenant_id uuid NOT NULL DEFAULT current_setting('app.tenant_id')::uuid,
  id uuid NOT NULL DEFAULT uuidv7(),
  name text NOT NULL CHECK (name <> ''),
  language text NOT NULL CHECK (language IN ('uk','en','ru')),
  channel text NOT NULL DEFAULT '' CHECK (channel IN ('','telegram','sms','email')),
  body text NOT NULL CHECK (body <> ''),
  changed_by text NOT NULL,
  changed_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (tenant_id, id),
  UNIQUE (tenant_id, name, language, channel)
);
SELECT tenant_table('phrase');
"""

CAMPAIGNS = """
-- aim: whom (filters); texts: by language, with a subject and shorter words for SMS.
CREATE TABLE campaign (
  tenant_id uuid NOT NULL DEFAULT current_setting('app.tenant_id')::uuid,
  id uuid NOT NULL DEFAULT uuidv7(),
  name text NOT NULL CHECK (name <> ''),
  state text NOT NULL DEFAULT 'draft' CHECK (state IN
    ('draft','approval','running','paused','done','cancelled')),
  aim jsonb NOT NULL DEFAULT '{}',
  texts jsonb NOT NULL DEFAULT '{}',
  link_url text CHECK (link_url ~ '^https?://'),
  per_minute integer NOT NULL DEFAULT 600 CHECK (per_minute BETWEEN 1 AND 60000),
  starts_at timestamptz,
  created_by text NOT NULL,
  created_by_id uuid NOT NULL,
  approved_by text,
  approved_by_id uuid,
  created_at timestamptz NOT NULL DEFAULT now(),
  launched_at timestamptz,
  ended_at timestamptz,
  PRIMARY KEY (tenant_id, id),
  FOREIGN KEY (tenant_id, created_by_id) REFERENCES identity (tenant_id, id),
  FOREIGN KEY (tenant_id, approved_by_id) REFERENCES identity (tenant_id, id),
  CHECK (approved_by_id <> created_by_id)
);
CREATE INDEX ON campaign (tenant_id, created_at DESC);
SELECT tenant_table('campaign');

-- One row a company, also for whom nothing goes to, with the reason. The code opens the link and
-- the unsubscription; place is the turn in the queue.
CREATE TABLE campaign_recipient (
  tenant_id uuid NOT NULL DEFAULT current_setting('app.tenant_id')::uuid,
  id uuid NOT NULL DEFAULT uuidv7(),
  campaign_id uuid NOT NULL,
  party_id uuid NOT NULL,
  channel text,
  address text,
  language text,
  state text NOT NULL CHECK (state IN ('planned','queued','excluded')),
  reason text,
  place integer NOT NULL,
  code text NOT NULL,
  outbox_id uuid,
  clicked_at timestamptz,
  clicks integer NOT NULL DEFAULT 0,
  PRIMARY KEY (tenant_id, id),
  UNIQUE (tenant_id, campaign_id, party_id),
  UNIQUE (tenant_id, code),
  FOREIGN KEY (tenant_id, campaign_id) REFERENCES campaign (tenant_id, id),
  FOREIGN KEY (tenant_id, party_id) REFERENCES party (tenant_id, id),
  FOREIGN KEY (tenant_id, outbox_id) REFERENCES outbox (tenant_id, id),
  CHECK ((state = 'excluded') = (reason IS NOT NULL))
);
CREATE INDEX campaign_planned ON campaign_recipient (tenant_id, campaign_id, place)
  WHERE state = 'planned';
CREATE INDEX ON campaign_recipient (tenant_id, party_id);
CREATE INDEX ON campaign_recipient (tenant_id, outbox_id);
SELECT tenant_table('campaign_recipient', 'SELECT', 'INSERT', 'UPDATE');

-- A day and channel: lines of orders by words, by what became of them.
CREATE TABLE reading_count (
  tenant_id uuid NOT NULL DEFAULT current_setting('app.tenant_id')::uuid,
  day date NOT NULL,
  channel text NOT NULL,
  sure integer NOT NULL DEFAULT 0,
  asked integer NOT NULL DEFAULT 0,
  not_read integer NOT NULL DEFAULT 0,
  PRIMARY KEY (tenant_id, day, channel)
);
SELECT tenant_table('reading_count', 'SELECT', 'INSERT', 'UPDATE');
"""


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id=ID, app_name="dilo", description=DESCRIPTION)

    async def run() -> None:
        for script in (CONSENT, PHRASES, CAMPAIGNS):
            await engine_finder().current_transaction.get().connection.execute(script)

    manager.add_raw(run)
    return manager

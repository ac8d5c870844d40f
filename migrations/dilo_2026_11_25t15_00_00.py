"""Conversations: a thread for each address of each channel, what was said in, notes, what came."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager
from piccolo.engine import engine_finder

ID = "2026-11-25T15:00:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "Threads, messages in, words and counts of recognition"

THREADS = """
CREATE TABLE thread (
  tenant_id uuid NOT NULL DEFAULT current_setting('app.tenant_id')::uuid,
  id uuid NOT NULL DEFAULT uuidv7(),
  channel text NOT NULL CHECK (channel IN ('telegram','sms','email')),
  address text NOT NULL CHECK (address <> ''),
  name text NOT NULL DEFAULT '',
  party_id uuid,
  identity_id uuid,
  state text NOT NULL DEFAULT 'bot' CHECK (state IN ('bot','person','closed')),
  assignee_id uuid,
  unread integer NOT NULL DEFAULT 0 CHECK (unread >= 0),
  waiting_since timestamptz,
  last_text text NOT NULL DEFAULT '',
  last_at timestamptz NOT NULL DEFAULT now(),
  created_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (tenant_id, id),
  UNIQUE (tenant_id, channel, address),
  FOREIGN KEY (tenant_id, party_id) REFERENCES party (tenant_id, id),
  FOREIGN KEY (tenant_id, identity_id) REFERENCES identity (tenant_id, id),
  FOREIGN KEY (tenant_id, assignee_id) REFERENCES identity (tenant_id, id)
);
CREATE INDEX ON thread (tenant_id, last_at DESC);
CREATE INDEX thread_waiting ON thread (tenant_id, assignee_id, waiting_since)
  WHERE waiting_since IS NOT NULL;
CREATE INDEX ON thread (tenant_id, party_id);
SELECT tenant_table('thread', 'SELECT', 'INSERT', 'UPDATE');

-- What went out is the outbox's; here is what came in, what we note for ourselves, what was made.
CREATE TABLE thread_message (
  tenant_id uuid NOT NULL DEFAULT current_setting('app.tenant_id')::uuid,
  id uuid NOT NULL DEFAULT uuidv7(),
  thread_id uuid NOT NULL,
  kind text NOT NULL CHECK (kind IN ('in','note','made','moved')),
  text text NOT NULL DEFAULT '',
  media jsonb NOT NULL DEFAULT '[]',
  matter text CHECK (matter IN ('order','claim','rfq','task')),
  matter_id uuid,
  written_by text NOT NULL,
  written_by_id uuid,
  at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (tenant_id, id),
  FOREIGN KEY (tenant_id, thread_id) REFERENCES thread (tenant_id, id),
  CHECK ((kind = 'made') = (matter IS NOT NULL)),
  CHECK ((matter IS NULL) = (matter_id IS NULL))
);
CREATE INDEX ON thread_message (tenant_id, thread_id, at DESC);
SELECT tenant_table('thread_message', 'SELECT', 'INSERT');
SELECT append_only('thread_message');

-- A conversation reads what was sent to its address without a second row for each message.
CREATE INDEX outbox_address ON outbox
  (tenant_id, channel, (coalesce(payload ->> 'address', address)), created_at DESC)
  WHERE channel <> 'event';
"""


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id=ID, app_name="dilo", description=DESCRIPTION)

    async def run() -> None:
        await engine_finder().current_transaction.get().connection.execute(THREADS)

    manager.add_raw(run)
    return manager

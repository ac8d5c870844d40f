"""What a balance needs to be provable and cut: the chain of seals, closed periods, branch, business line, cost.

Existing entries are sealed here, tenant by tenant; the old version may go on posting meanwhile, the
trigger seals what it posts.
"""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager
from piccolo.engine import engine_finder

ID = "2026-11-24T10:00:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "Seals of the journal, closed periods, branch, business line and cost"

CUTS = """
ALTER TABLE party ADD COLUMN IF NOT EXISTS branch text;
ALTER TABLE category ADD COLUMN IF NOT EXISTS business_line text;
ALTER TABLE product ADD COLUMN IF NOT EXISTS cost numeric(18,4) CHECK (cost >= 0);
ALTER TABLE invoice ADD COLUMN IF NOT EXISTS branch text;
ALTER TABLE invoice_line ADD COLUMN IF NOT EXISTS business_line text;
ALTER TABLE invoice_line ADD COLUMN IF NOT EXISTS cost_amount numeric(18,2);
"""

SEALS = """
CREATE TABLE journal_seal (
  tenant_id uuid NOT NULL DEFAULT current_setting('app.tenant_id')::uuid,
  number bigint NOT NULL,
  entry_id uuid NOT NULL,
  hash bytea NOT NULL CHECK (length(hash) = 32),
  PRIMARY KEY (tenant_id, number),
  UNIQUE (tenant_id, entry_id),
  FOREIGN KEY (tenant_id, entry_id) REFERENCES journal_entry (tenant_id, id)
);
SELECT tenant_table('journal_seal', 'SELECT');
SELECT append_only('journal_seal');

-- What is sealed: every posted column, in a text no setting of the session can change.
CREATE FUNCTION entry_text(e journal_entry) RETURNS text LANGUAGE sql STABLE
RETURN concat_ws('|', e.number, e.id, e.kind, e.effective_on - date '2000-01-01',
  extract(epoch FROM e.posted_at), e.currency, e.source_id, coalesce(e.memo, '-'), coalesce(e.key, '-'));
CREATE FUNCTION line_text(l journal_line) RETURNS text LANGUAGE sql STABLE
RETURN concat_ws('|', l.id, l.account, l.effective_on - date '2000-01-01', l.currency, l.debit,
  l.credit, 'p', l.party_id, 'b', l.branch, 'l', l.business_line, 'd', l.deal_id, 'j', l.project_id);

-- Planned anew each time: a plan cached while the books were empty would read them whole for every entry.
CREATE FUNCTION seal_entries(entries uuid[]) RETURNS void LANGUAGE plpgsql
SECURITY DEFINER SET search_path = public, pg_temp SET plan_cache_mode = force_custom_plan AS $$
DECLARE
  one record; last bytea; numbers bigint[] := '{}'; ids uuid[] := '{}'; hashes bytea[] := '{}';
BEGIN
  FOR one IN
    SELECT e.number, e.id, entry_text(e) || E'\\n' || string_agg(line_text(l), E'\\n' ORDER BY l.id) AS content
    FROM journal_entry e JOIN journal_line l ON l.tenant_id = e.tenant_id AND l.entry_id = e.id
    WHERE e.tenant_id = current_tenant_id() AND e.id = ANY(entries)
    GROUP BY e.tenant_id, e.id, e.* ORDER BY e.number
  LOOP
    IF last IS NULL THEN
      SELECT s.hash INTO last FROM journal_seal s
      WHERE s.tenant_id = current_tenant_id() AND s.number < one.number ORDER BY s.number DESC LIMIT 1;
    END IF;
    last := sha256(coalesce(last, ''::bytea) || convert_to(one.content, 'UTF8'));
    numbers := numbers || one.number; ids := ids || one.id; hashes := hashes || last;
  END LOOP;
  INSERT INTO journal_seal (number, entry_id, hash) SELECT * FROM unnest(numbers, ids, hashes);
END $$;

CREATE FUNCTION seal_posted() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM seal_entries(ARRAY(SELECT DISTINCT entry_id FROM posted));
  RETURN NULL;
END $$;
LOCK TABLE journal_line IN SHARE ROW EXCLUSIVE MODE;
DO $$
DECLARE one uuid; before text := current_setting('app.tenant_id', true);
BEGIN
  FOR one IN SELECT id FROM tenant LOOP
    PERFORM set_config('app.tenant_id', one::text, true);
    PERFORM seal_entries(ARRAY(SELECT id FROM journal_entry WHERE tenant_id = one));
  END LOOP;
  PERFORM set_config('app.tenant_id', coalesce(before, ''), true);
END $$;
-- After entries_balance (triggers fire by name): what does not balance is never sealed.
CREATE TRIGGER seal_posted AFTER INSERT ON journal_line REFERENCING NEW TABLE AS posted
  FOR EACH STATEMENT EXECUTE FUNCTION seal_posted();
"""

CLOSED = """
CREATE TABLE closed_period (
  tenant_id uuid NOT NULL DEFAULT current_setting('app.tenant_id')::uuid,
  id uuid NOT NULL DEFAULT uuidv7(),
  closed_through date,
  closed_by text NOT NULL,
  reason text,
  at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (tenant_id, id)
);
SELECT tenant_table('closed_period', 'SELECT', 'INSERT');
SELECT append_only('closed_period');
CREATE FUNCTION closed_through() RETURNS date LANGUAGE sql STABLE
RETURN (SELECT c.closed_through FROM closed_period c WHERE c.tenant_id = current_tenant_id()
        ORDER BY c.id DESC LIMIT 1);
CREATE FUNCTION refuse_closed() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE shut date := closed_through();
BEGIN
  IF EXISTS (SELECT 1 FROM posted WHERE effective_on <= shut) THEN
    RAISE EXCEPTION 'the books are closed through %', shut USING ERRCODE = 'DL001';
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER refuse_closed AFTER INSERT ON journal_entry REFERENCING NEW TABLE AS posted
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_closed();
-- Allocations move no money between accounts, but they move debt between days.
CREATE FUNCTION refuse_closed_allocation() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE shut date := closed_through();
BEGIN
  IF EXISTS (SELECT 1 FROM allocated WHERE allocated_on <= shut) THEN
    RAISE EXCEPTION 'the books are closed through %', shut USING ERRCODE = 'DL001';
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER refuse_closed AFTER INSERT ON allocation REFERENCING NEW TABLE AS allocated
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_closed_allocation();
"""


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id=ID, app_name="dilo", description=DESCRIPTION)

    async def run() -> None:
        for script in (CUTS, SEALS, CLOSED):
            await engine_finder().current_transaction.get().connection.execute(script)

    manager.add_raw(run)
    return manager

"""The books: double-entry journal, open items, dated allocations, running balances, payments."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager
from piccolo.engine import engine_finder

ID = "2026-11-24T05:02:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "Journal, receivables and payments"

LEDGER = """
CREATE TABLE ledger_account (
  tenant_id uuid NOT NULL DEFAULT current_setting('app.tenant_id')::uuid,
  id uuid NOT NULL DEFAULT uuidv7(),
  code text NOT NULL,
  name text NOT NULL,
  kind text NOT NULL CHECK (kind IN ('asset','liability','equity','income','expense')),
  PRIMARY KEY (tenant_id, id),
  UNIQUE (tenant_id, code)
);
SELECT tenant_table('ledger_account', 'SELECT', 'INSERT');

CREATE TABLE journal_entry (
  tenant_id uuid NOT NULL DEFAULT current_setting('app.tenant_id')::uuid,
  id uuid NOT NULL DEFAULT uuidv7(),
  number bigint NOT NULL,
  kind text NOT NULL,
  effective_on date NOT NULL,
  posted_at timestamptz NOT NULL DEFAULT now(),
  currency char(3) NOT NULL,
  source_id uuid,
  memo text,
  key text,
  PRIMARY KEY (tenant_id, id),
  UNIQUE (tenant_id, number),
  UNIQUE (tenant_id, key)
);
CREATE INDEX ON journal_entry (tenant_id, source_id);
SELECT tenant_table('journal_entry', 'SELECT', 'INSERT');
SELECT append_only('journal_entry');

CREATE TABLE journal_line (
  tenant_id uuid NOT NULL DEFAULT current_setting('app.tenant_id')::uuid,
  id uuid NOT NULL DEFAULT uuidv7(),
  entry_id uuid NOT NULL,
  account text NOT NULL,
  effective_on date NOT NULL,
  currency char(3) NOT NULL,
  debit numeric(18,2) NOT NULL DEFAULT 0 CHECK (debit >= 0),
  credit numeric(18,2) NOT NULL DEFAULT 0 CHECK (credit >= 0),
  party_id uuid,
  branch text,
  business_line text,
  deal_id uuid,
  project_id uuid,
  PRIMARY KEY (tenant_id, id),
  FOREIGN KEY (tenant_id, entry_id) REFERENCES journal_entry (tenant_id, id),
  FOREIGN KEY (tenant_id, party_id) REFERENCES party (tenant_id, id),
  FOREIGN KEY (tenant_id, account) REFERENCES ledger_account (tenant_id, code),
  CHECK ((debit = 0) <> (credit = 0))
);
CREATE INDEX ON journal_line (tenant_id, entry_id);
CREATE INDEX ON journal_line (tenant_id, party_id, effective_on) WHERE party_id IS NOT NULL;
CREATE INDEX ON journal_line (tenant_id, account, effective_on);
SELECT tenant_table('journal_line', 'SELECT', 'INSERT');
SELECT append_only('journal_line');

CREATE FUNCTION entries_balance() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE off uuid;
BEGIN
  SELECT entry_id INTO off FROM posted GROUP BY entry_id HAVING sum(debit) <> sum(credit) LIMIT 1;
  IF off IS NOT NULL THEN
    RAISE EXCEPTION 'journal entry % does not balance', off USING ERRCODE = 'check_violation';
  END IF;
  RETURN NULL;
END $$;
-- All lines of an entry arrive in one statement, so the check is one pass over what was posted.
CREATE TRIGGER entries_balance AFTER INSERT ON journal_line REFERENCING NEW TABLE AS posted
  FOR EACH STATEMENT EXECUTE FUNCTION entries_balance();
"""

RECEIVABLES = """
CREATE TABLE invoice (
  tenant_id uuid NOT NULL DEFAULT current_setting('app.tenant_id')::uuid,
  id uuid NOT NULL DEFAULT uuidv7(),
  number text NOT NULL,
  kind text NOT NULL CHECK (kind IN ('invoice','credit_note')),
  party_id uuid NOT NULL,
  order_id uuid,
  shipment_id uuid,
  credits_invoice_id uuid,
  issued_on date NOT NULL,
  due_on date NOT NULL,
  currency char(3) NOT NULL,
  total numeric(18,2) NOT NULL CHECK (total >= 0),
  entry_id uuid,
  import_id uuid,
  posted_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (tenant_id, id),
  UNIQUE (tenant_id, number),
  FOREIGN KEY (tenant_id, party_id) REFERENCES party (tenant_id, id),
  FOREIGN KEY (tenant_id, credits_invoice_id) REFERENCES invoice (tenant_id, id),
  FOREIGN KEY (tenant_id, entry_id) REFERENCES journal_entry (tenant_id, id)
);
CREATE INDEX ON invoice (tenant_id, party_id, issued_on DESC, id);
CREATE INDEX ON invoice (tenant_id, order_id) WHERE order_id IS NOT NULL;
CREATE INDEX ON invoice (tenant_id, issued_on DESC, id);
SELECT tenant_table('invoice', 'SELECT', 'INSERT');
SELECT append_only('invoice');

CREATE TABLE invoice_line (
  tenant_id uuid NOT NULL DEFAULT current_setting('app.tenant_id')::uuid,
  id uuid NOT NULL DEFAULT uuidv7(),
  invoice_id uuid NOT NULL,
  line_no integer NOT NULL,
  product_id uuid NOT NULL,
  order_line_id uuid,
  description text,
  quantity numeric(18,4) NOT NULL CHECK (quantity > 0),
  price numeric(18,4) NOT NULL CHECK (price >= 0),
  amount numeric(18,2) NOT NULL,
  PRIMARY KEY (tenant_id, id),
  UNIQUE (tenant_id, invoice_id, line_no),
  FOREIGN KEY (tenant_id, invoice_id) REFERENCES invoice (tenant_id, id),
  FOREIGN KEY (tenant_id, product_id) REFERENCES product (tenant_id, id)
);
CREATE INDEX ON invoice_line (tenant_id, product_id);
SELECT tenant_table('invoice_line', 'SELECT', 'INSERT');
SELECT append_only('invoice_line');

-- side: debit = they owe us (invoice), credit = we owe them (credit note, payment not yet allocated = advance).
-- open_amount follows the allocations by trigger; the app role cannot write it.
CREATE TABLE open_item (
  tenant_id uuid NOT NULL DEFAULT current_setting('app.tenant_id')::uuid,
  id uuid NOT NULL DEFAULT uuidv7(),
  party_id uuid NOT NULL,
  kind text NOT NULL CHECK (kind IN ('invoice','credit_note','payment','opening','refund')),
  side text NOT NULL CHECK (side IN ('debit','credit')),
  document_id uuid NOT NULL,
  number text NOT NULL,
  issued_on date NOT NULL,
  due_on date NOT NULL,
  currency char(3) NOT NULL,
  amount numeric(18,2) NOT NULL CHECK (amount > 0),
  open_amount numeric(18,2) NOT NULL CHECK (open_amount >= 0),
  entry_id uuid,
  created_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (tenant_id, id),
  UNIQUE (tenant_id, document_id),
  CHECK (open_amount <= amount),
  FOREIGN KEY (tenant_id, party_id) REFERENCES party (tenant_id, id),
  FOREIGN KEY (tenant_id, entry_id) REFERENCES journal_entry (tenant_id, id)
);
CREATE INDEX open_item_open ON open_item (tenant_id, party_id, due_on)
  INCLUDE (side, currency, open_amount) WHERE open_amount > 0;
CREATE INDEX open_item_due ON open_item (tenant_id, due_on, party_id)
  INCLUDE (side, currency, open_amount) WHERE open_amount > 0;
CREATE INDEX open_item_party ON open_item (tenant_id, party_id, issued_on DESC);
SELECT tenant_table('open_item', 'SELECT', 'INSERT');
CREATE FUNCTION open_item_is_posted() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'UPDATE' AND to_jsonb(NEW) - 'open_amount' = to_jsonb(OLD) - 'open_amount' THEN
    RETURN NEW;
  END IF;
  RAISE EXCEPTION 'posted rows of open_item are never changed; post a counter-entry'
    USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER refuse_change BEFORE UPDATE OR DELETE ON open_item
  FOR EACH ROW EXECUTE FUNCTION open_item_is_posted();

-- Dated, append-only. A reversal is a counter-row with a negative amount that names what it reverses.
CREATE TABLE allocation (
  tenant_id uuid NOT NULL DEFAULT current_setting('app.tenant_id')::uuid,
  id uuid NOT NULL DEFAULT uuidv7(),
  debit_item_id uuid NOT NULL,
  credit_item_id uuid NOT NULL,
  amount numeric(18,2) NOT NULL CHECK (amount <> 0),
  allocated_on date NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  reverses_id uuid,
  key text,
  PRIMARY KEY (tenant_id, id),
  UNIQUE (tenant_id, key),
  FOREIGN KEY (tenant_id, debit_item_id) REFERENCES open_item (tenant_id, id),
  FOREIGN KEY (tenant_id, credit_item_id) REFERENCES open_item (tenant_id, id),
  FOREIGN KEY (tenant_id, reverses_id) REFERENCES allocation (tenant_id, id),
  CHECK ((amount < 0) = (reverses_id IS NOT NULL))
);
CREATE INDEX ON allocation (tenant_id, debit_item_id, allocated_on);
CREATE INDEX ON allocation (tenant_id, credit_item_id, allocated_on);
CREATE UNIQUE INDEX ON allocation (tenant_id, reverses_id) WHERE reverses_id IS NOT NULL;
SELECT tenant_table('allocation', 'SELECT', 'INSERT');
SELECT append_only('allocation');

-- One row per party and currency: what a card and a credit check read, and the lock they take.
CREATE TABLE party_balance (
  tenant_id uuid NOT NULL DEFAULT current_setting('app.tenant_id')::uuid,
  party_id uuid NOT NULL,
  currency char(3) NOT NULL,
  receivable numeric(18,2) NOT NULL DEFAULT 0 CHECK (receivable >= 0),
  credit numeric(18,2) NOT NULL DEFAULT 0 CHECK (credit >= 0),
  confirmed numeric(18,2) NOT NULL DEFAULT 0 CHECK (confirmed >= 0),
  shipped numeric(18,2) NOT NULL DEFAULT 0 CHECK (shipped >= 0),
  PRIMARY KEY (tenant_id, party_id, currency),
  FOREIGN KEY (tenant_id, party_id) REFERENCES party (tenant_id, id)
) WITH (fillfactor = 70);
SELECT tenant_table('party_balance', 'SELECT', 'INSERT');
GRANT UPDATE (confirmed, shipped) ON party_balance TO dilo_app;

-- The running figures are written by the database itself, under the same row security as everyone (FORCE).
CREATE FUNCTION keep_balance_of_items() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
  INSERT INTO party_balance AS b (party_id, currency, receivable, credit)
  SELECT party_id, currency, coalesce(sum(open_amount) FILTER (WHERE side = 'debit'), 0),
         coalesce(sum(open_amount) FILTER (WHERE side = 'credit'), 0)
  FROM opened GROUP BY party_id, currency ORDER BY party_id, currency
  ON CONFLICT (tenant_id, party_id, currency) DO UPDATE
  SET receivable = b.receivable + excluded.receivable, credit = b.credit + excluded.credit;
  RETURN NULL;
END $$;
CREATE TRIGGER keep_balance AFTER INSERT ON open_item REFERENCING NEW TABLE AS opened
  FOR EACH STATEMENT EXECUTE FUNCTION keep_balance_of_items();

CREATE FUNCTION keep_open_amounts() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
  PERFORM 1 FROM allocated a
    JOIN open_item d ON d.tenant_id = a.tenant_id AND d.id = a.debit_item_id
    JOIN open_item c ON c.tenant_id = a.tenant_id AND c.id = a.credit_item_id
   WHERE d.side <> 'debit' OR c.side <> 'credit' OR d.party_id <> c.party_id OR d.currency <> c.currency;
  IF FOUND THEN
    RAISE EXCEPTION 'an allocation joins a debit and a credit of one party in one currency'
      USING ERRCODE = 'check_violation';
  END IF;
  UPDATE party_balance b SET receivable = b.receivable - s.amount, credit = b.credit - s.amount
  FROM (SELECT d.party_id, d.currency, sum(a.amount) AS amount FROM allocated a
        JOIN open_item d ON d.tenant_id = a.tenant_id AND d.id = a.debit_item_id
        GROUP BY d.party_id, d.currency) s
  WHERE b.tenant_id = current_tenant_id() AND b.party_id = s.party_id AND b.currency = s.currency;
  UPDATE open_item i SET open_amount = i.open_amount - s.amount
  FROM (SELECT item_id, sum(amount) AS amount FROM
         (SELECT debit_item_id AS item_id, amount FROM allocated
          UNION ALL SELECT credit_item_id, amount FROM allocated) both_sides GROUP BY item_id) s
  WHERE i.tenant_id = current_tenant_id() AND i.id = s.item_id;
  RETURN NULL;
END $$;
CREATE TRIGGER keep_open_amounts AFTER INSERT ON allocation REFERENCING NEW TABLE AS allocated
  FOR EACH STATEMENT EXECUTE FUNCTION keep_open_amounts();
"""

PAYMENTS = """
CREATE TABLE payment (
  tenant_id uuid NOT NULL DEFAULT current_setting('app.tenant_id')::uuid,
  id uuid NOT NULL DEFAULT uuidv7(),
  number text NOT NULL,
  party_id uuid NOT NULL,
  method text NOT NULL CHECK (method IN ('bank','cash','card','offset')),
  amount numeric(18,2) NOT NULL CHECK (amount > 0),
  currency char(3) NOT NULL,
  received_on date NOT NULL,
  reference text,
  entry_id uuid,
  reverses_id uuid,
  key text,
  request_hash bytea,
  recorded_by text,
  created_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (tenant_id, id),
  UNIQUE (tenant_id, number),
  UNIQUE (tenant_id, key),
  FOREIGN KEY (tenant_id, party_id) REFERENCES party (tenant_id, id),
  FOREIGN KEY (tenant_id, entry_id) REFERENCES journal_entry (tenant_id, id),
  FOREIGN KEY (tenant_id, reverses_id) REFERENCES payment (tenant_id, id)
);
CREATE INDEX ON payment (tenant_id, party_id, received_on DESC);
CREATE INDEX ON payment (tenant_id, received_on DESC, id);
SELECT tenant_table('payment', 'SELECT', 'INSERT');
SELECT append_only('payment');
"""


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id=ID, app_name="dilo", description=DESCRIPTION)

    async def run() -> None:
        for script in (LEDGER, RECEIVABLES, PAYMENTS):
            await engine_finder().current_transaction.get().connection.execute(script)

    manager.add_raw(run)
    return manager

"""Card payments: each tenant's own account at the provider, what was asked, what came of it."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager
from piccolo.engine import engine_finder

ID = "2026-11-25T04:00:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "Stripe accounts, payment requests, attempts, refunds, disputes, quarantine"

# A trigger of its own beside open_books(): whoever replaces that function leaves these accounts be.
ACCOUNTS = """
CREATE FUNCTION open_card_books() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE before text := current_setting('app.tenant_id', true);
BEGIN
  PERFORM set_config('app.tenant_id', NEW.id::text, true);
  INSERT INTO ledger_account (code, name, kind) VALUES
    ('1020', 'Card payments in transit', 'asset'), ('5300', 'Fees of payment providers', 'expense')
  ON CONFLICT DO NOTHING;
  PERFORM set_config('app.tenant_id', coalesce(before, ''), true);
  RETURN NULL;
END $$;
CREATE TRIGGER open_card_books AFTER INSERT ON tenant
  FOR EACH ROW EXECUTE FUNCTION open_card_books();
DO $$
DECLARE one uuid; before text := current_setting('app.tenant_id', true);
BEGIN
  FOR one IN SELECT id FROM tenant LOOP
    PERFORM set_config('app.tenant_id', one::text, true);
    INSERT INTO ledger_account (code, name, kind) VALUES
      ('1020', 'Card payments in transit', 'asset'),
      ('5300', 'Fees of payment providers', 'expense') ON CONFLICT DO NOTHING;
  END LOOP;
  PERFORM set_config('app.tenant_id', coalesce(before, ''), true);
END $$;
ALTER TABLE payment DROP CONSTRAINT payment_method_check;
ALTER TABLE payment ADD CONSTRAINT payment_method_check
  CHECK (method IN ('bank','cash','card','offset','online')) NOT VALID;
ALTER TABLE payment VALIDATE CONSTRAINT payment_method_check;
-- Money paid for one order before it is invoiced: its advance waits for that order's invoices.
ALTER TABLE payment ADD COLUMN order_id uuid;
ALTER TABLE payment ADD CONSTRAINT payment_of_order
  FOREIGN KEY (tenant_id, order_id) REFERENCES sales_order (tenant_id, id) NOT VALID;
ALTER TABLE payment VALIDATE CONSTRAINT payment_of_order;
CREATE INDEX payment_order ON payment (tenant_id, order_id) WHERE order_id IS NOT NULL;
"""

ACCOUNT = """
-- way keys: the tenant's own secret key; connect: the platform's key acts for account_id.
-- Keys are sealed (dilo.kit.sealing): no dump of the database opens them.
CREATE TABLE stripe_account (
  tenant_id uuid NOT NULL DEFAULT current_setting('app.tenant_id')::uuid,
  id uuid NOT NULL DEFAULT uuidv7(),
  way text NOT NULL CHECK (way IN ('keys','connect')),
  account_id text NOT NULL CHECK (account_id <> ''),
  name text NOT NULL DEFAULT '',
  livemode boolean NOT NULL,
  sealed_key text,
  sealed_webhook text,
  former_webhook text,
  former_until timestamptz,
  shown_key text NOT NULL DEFAULT '',
  connected_by text NOT NULL,
  connected_at timestamptz NOT NULL DEFAULT now(),
  tested_at timestamptz NOT NULL DEFAULT now(),
  heard_at timestamptz,
  disconnected_at timestamptz,
  PRIMARY KEY (tenant_id, id),
  CHECK (way = 'keys' OR sealed_key IS NULL)
);
CREATE UNIQUE INDEX one_stripe_account ON stripe_account (tenant_id) WHERE disconnected_at IS NULL;
SELECT tenant_table('stripe_account', 'SELECT', 'INSERT', 'UPDATE');
-- The platform's one address for Connect must find whose event it is: only an id crosses. Row security
-- holds for its owner too, so it asks tenant after tenant.
CREATE FUNCTION tenant_of_stripe_account(account text) RETURNS uuid LANGUAGE plpgsql
SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE one uuid; before text := current_setting('app.tenant_id', true);
BEGIN
  FOR one IN SELECT id FROM tenant LOOP
    PERFORM set_config('app.tenant_id', one::text, true);
    IF EXISTS (SELECT 1 FROM stripe_account s WHERE s.account_id = account AND s.way = 'connect'
        AND s.disconnected_at IS NULL) THEN
      PERFORM set_config('app.tenant_id', coalesce(before, ''), true);
      RETURN one;
    END IF;
  END LOOP;
  PERFORM set_config('app.tenant_id', coalesce(before, ''), true);
  RETURN NULL;
END $$;
REVOKE ALL ON FUNCTION tenant_of_stripe_account(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION tenant_of_stripe_account(text) TO dilo_app;
"""

REQUESTS = """
-- wishes: [[open item, amount], ...], what the payer chose; empty: as the purpose says.
CREATE TABLE pay_request (
  tenant_id uuid NOT NULL DEFAULT current_setting('app.tenant_id')::uuid,
  id uuid NOT NULL DEFAULT uuidv7(),
  token text NOT NULL,
  party_id uuid NOT NULL,
  purpose text NOT NULL CHECK (purpose IN ('invoices','order','unblock','advance')),
  subject text NOT NULL DEFAULT '',
  amount numeric(18,2) NOT NULL CHECK (amount > 0),
  currency char(3) NOT NULL,
  wishes jsonb NOT NULL DEFAULT '[]',
  order_id uuid,
  shipment_id uuid,
  back text NOT NULL DEFAULT '',
  door text NOT NULL,
  key text NOT NULL,
  state text NOT NULL DEFAULT 'open' CHECK (state IN ('open','paid','cancelled')),
  payment_id uuid,
  outcome jsonb NOT NULL DEFAULT '{}',
  asked_by text NOT NULL,
  asked_at timestamptz NOT NULL DEFAULT now(),
  expires_at timestamptz NOT NULL,
  paid_at timestamptz,
  PRIMARY KEY (tenant_id, id),
  UNIQUE (tenant_id, token),
  UNIQUE (tenant_id, key),
  FOREIGN KEY (tenant_id, party_id) REFERENCES party (tenant_id, id),
  FOREIGN KEY (tenant_id, order_id) REFERENCES sales_order (tenant_id, id),
  FOREIGN KEY (tenant_id, shipment_id) REFERENCES shipment (tenant_id, id),
  FOREIGN KEY (tenant_id, payment_id) REFERENCES payment (tenant_id, id),
  CHECK ((state = 'paid') = (payment_id IS NOT NULL))
);
CREATE INDEX ON pay_request (tenant_id, party_id, asked_at DESC);
SELECT tenant_table('pay_request', 'SELECT', 'INSERT', 'UPDATE');
-- Written before the provider is called; its id is the idempotency key, its body is what a retry says.
CREATE TABLE pay_attempt (
  tenant_id uuid NOT NULL DEFAULT current_setting('app.tenant_id')::uuid,
  id uuid NOT NULL DEFAULT uuidv7(),
  pay_request_id uuid NOT NULL,
  account_id text NOT NULL,
  kind text NOT NULL CHECK (kind IN ('checkout','intent')),
  body jsonb NOT NULL,
  state text NOT NULL DEFAULT 'asked' CHECK (state IN ('asked','open','paid','failed','expired')),
  external_id text,
  intent_id text,
  address text,
  problem text,
  asked_at timestamptz NOT NULL DEFAULT now(),
  looked_at timestamptz,
  PRIMARY KEY (tenant_id, id),
  UNIQUE (tenant_id, external_id),
  FOREIGN KEY (tenant_id, pay_request_id) REFERENCES pay_request (tenant_id, id)
);
CREATE UNIQUE INDEX one_live_attempt ON pay_attempt (tenant_id, pay_request_id, kind)
  WHERE state IN ('asked','open');
CREATE INDEX pay_attempt_live ON pay_attempt (tenant_id, asked_at) WHERE state IN ('asked','open');
SELECT tenant_table('pay_attempt', 'SELECT', 'INSERT', 'UPDATE');
"""

MONEY = """
-- One for each payment intent that brought money: what it was posted as, what went back.
CREATE TABLE card_payment (
  tenant_id uuid NOT NULL DEFAULT current_setting('app.tenant_id')::uuid,
  id uuid NOT NULL DEFAULT uuidv7(),
  account_id text NOT NULL,
  intent_id text NOT NULL,
  charge_id text,
  party_id uuid NOT NULL,
  payment_id uuid NOT NULL,
  pay_request_id uuid,
  amount numeric(18,2) NOT NULL CHECK (amount > 0),
  currency char(3) NOT NULL,
  fee_amount numeric(18,2),
  taken_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (tenant_id, id),
  UNIQUE (tenant_id, intent_id),
  UNIQUE (tenant_id, payment_id),
  FOREIGN KEY (tenant_id, party_id) REFERENCES party (tenant_id, id),
  FOREIGN KEY (tenant_id, payment_id) REFERENCES payment (tenant_id, id),
  FOREIGN KEY (tenant_id, pay_request_id) REFERENCES pay_request (tenant_id, id)
);
CREATE INDEX ON card_payment (tenant_id, taken_at DESC);
SELECT tenant_table('card_payment', 'SELECT', 'INSERT', 'UPDATE');
-- Money back: asked here (its id is the idempotency key) or made at the provider and heard of.
CREATE TABLE card_refund (
  tenant_id uuid NOT NULL DEFAULT current_setting('app.tenant_id')::uuid,
  id uuid NOT NULL DEFAULT uuidv7(),
  card_payment_id uuid NOT NULL,
  amount numeric(18,2) NOT NULL CHECK (amount > 0),
  reason text NOT NULL DEFAULT '',
  state text NOT NULL DEFAULT 'asked' CHECK (state IN ('asked','posted','failed','taken_back')),
  external_id text,
  payment_id uuid,
  problem text,
  asked_by text NOT NULL,
  asked_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (tenant_id, id),
  UNIQUE (tenant_id, external_id),
  FOREIGN KEY (tenant_id, card_payment_id) REFERENCES card_payment (tenant_id, id),
  FOREIGN KEY (tenant_id, payment_id) REFERENCES payment (tenant_id, id)
);
CREATE INDEX ON card_refund (tenant_id, card_payment_id);
SELECT tenant_table('card_refund', 'SELECT', 'INSERT', 'UPDATE');
CREATE TABLE card_dispute (
  tenant_id uuid NOT NULL DEFAULT current_setting('app.tenant_id')::uuid,
  id uuid NOT NULL DEFAULT uuidv7(),
  card_payment_id uuid NOT NULL,
  external_id text NOT NULL,
  amount numeric(18,2) NOT NULL CHECK (amount > 0),
  fee_amount numeric(18,2) NOT NULL DEFAULT 0,
  reason text NOT NULL DEFAULT '',
  state text NOT NULL CHECK (state IN ('open','won','lost')),
  answer_by timestamptz,
  withdrawn_id uuid,
  returned_id uuid,
  opened_at timestamptz NOT NULL DEFAULT now(),
  closed_at timestamptz,
  PRIMARY KEY (tenant_id, id),
  UNIQUE (tenant_id, external_id),
  FOREIGN KEY (tenant_id, card_payment_id) REFERENCES card_payment (tenant_id, id),
  FOREIGN KEY (tenant_id, withdrawn_id) REFERENCES payment (tenant_id, id),
  FOREIGN KEY (tenant_id, returned_id) REFERENCES payment (tenant_id, id)
);
SELECT tenant_table('card_dispute', 'SELECT', 'INSERT', 'UPDATE');
-- Money that does not fit what was asked: nothing is posted until a person says what it is.
CREATE TABLE card_quarantine (
  tenant_id uuid NOT NULL DEFAULT current_setting('app.tenant_id')::uuid,
  id uuid NOT NULL DEFAULT uuidv7(),
  account_id text NOT NULL,
  intent_id text NOT NULL,
  charge_id text,
  pay_request_id uuid,
  reason text NOT NULL,
  amount numeric(18,2) NOT NULL,
  currency char(3) NOT NULL,
  asked_amount numeric(18,2),
  asked_currency char(3),
  payer text NOT NULL DEFAULT '',
  state text NOT NULL DEFAULT 'waiting'
    CHECK (state IN ('waiting','accepted','refunding','refunded','dismissed')),
  payment_id uuid,
  note text,
  decided_by text,
  decided_at timestamptz,
  found_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (tenant_id, id),
  UNIQUE (tenant_id, intent_id),
  FOREIGN KEY (tenant_id, pay_request_id) REFERENCES pay_request (tenant_id, id),
  FOREIGN KEY (tenant_id, payment_id) REFERENCES payment (tenant_id, id)
);
CREATE INDEX ON card_quarantine (tenant_id, found_at DESC);
SELECT tenant_table('card_quarantine', 'SELECT', 'INSERT', 'UPDATE');
"""


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id=ID, app_name="dilo", description=DESCRIPTION)

    async def run() -> None:
        connection = engine_finder().current_transaction.get().connection
        for script in (ACCOUNTS, ACCOUNT, REQUESTS, MONEY):
            await connection.execute(script)

    manager.add_raw(run)
    return manager

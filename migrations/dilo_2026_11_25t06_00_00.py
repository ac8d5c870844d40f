"""Dealers: tiers, territories, plans agreed, bonuses accrued as a liability, storefronts, registrations, news."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager
from piccolo.engine import engine_finder

ID = "2026-11-25T06:00:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "Dealers: tiers, plans, bonuses, storefronts, registrations, news, changes of prices"

# The chart of a new company comes from open_books(), which others extend too: a trigger of our own adds ours.
ACCOUNTS = """
CREATE FUNCTION open_bonus_books() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE before text := current_setting('app.tenant_id', true);
BEGIN
  PERFORM set_config('app.tenant_id', NEW.id::text, true);
  INSERT INTO ledger_account (code, name, kind) VALUES
    ('2200', 'Bonuses payable to dealers', 'liability'),
    ('5200', 'Dealer bonuses', 'expense') ON CONFLICT DO NOTHING;
  PERFORM set_config('app.tenant_id', coalesce(before, ''), true);
  RETURN NULL;
END $$;
CREATE TRIGGER open_bonus_books AFTER INSERT ON tenant FOR EACH ROW EXECUTE FUNCTION open_bonus_books();
DO $$
DECLARE one uuid; before text := current_setting('app.tenant_id', true);
BEGIN
  FOR one IN SELECT id FROM tenant LOOP
    PERFORM set_config('app.tenant_id', one::text, true);
    INSERT INTO ledger_account (code, name, kind) VALUES
      ('2200', 'Bonuses payable to dealers', 'liability'),
      ('5200', 'Dealer bonuses', 'expense') ON CONFLICT DO NOTHING;
  END LOOP;
  PERFORM set_config('app.tenant_id', coalesce(before, ''), true);
END $$;
"""

NETWORK = """
CREATE TABLE dealer_tier (
  tenant_id uuid NOT NULL DEFAULT current_setting('app.tenant_id')::uuid,
  id uuid NOT NULL DEFAULT uuidv7(),
  name text NOT NULL CHECK (name <> ''),
  threshold_amount numeric(18,2) NOT NULL DEFAULT 0 CHECK (threshold_amount >= 0),
  segment text,
  note text,
  retired_at timestamptz,
  PRIMARY KEY (tenant_id, id),
  UNIQUE (tenant_id, name)
);
SELECT tenant_table('dealer_tier');
-- A dealer's tier on a day is the last row that begins by then; no tier is a row too.
CREATE TABLE dealer_tier_grant (
  tenant_id uuid NOT NULL DEFAULT current_setting('app.tenant_id')::uuid,
  id uuid NOT NULL DEFAULT uuidv7(),
  party_id uuid NOT NULL,
  tier_id uuid,
  since date NOT NULL,
  reason text,
  granted_by text NOT NULL,
  granted_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (tenant_id, id),
  FOREIGN KEY (tenant_id, party_id) REFERENCES party (tenant_id, id),
  FOREIGN KEY (tenant_id, tier_id) REFERENCES dealer_tier (tenant_id, id)
);
CREATE INDEX ON dealer_tier_grant (tenant_id, party_id, since DESC, id DESC);
SELECT tenant_table('dealer_tier_grant', 'SELECT', 'INSERT');
SELECT append_only('dealer_tier_grant');
CREATE FUNCTION dealer_tier_on(dealer uuid, day date) RETURNS uuid LANGUAGE sql STABLE
RETURN (SELECT g.tier_id FROM dealer_tier_grant g
  WHERE g.tenant_id = current_tenant_id() AND g.party_id = dealer AND g.since <= day
  ORDER BY g.since DESC, g.id DESC LIMIT 1);

CREATE TABLE territory (
  tenant_id uuid NOT NULL DEFAULT current_setting('app.tenant_id')::uuid,
  id uuid NOT NULL DEFAULT uuidv7(),
  name text NOT NULL CHECK (name <> ''),
  manager_id uuid,
  PRIMARY KEY (tenant_id, id),
  UNIQUE (tenant_id, name),
  FOREIGN KEY (tenant_id, manager_id) REFERENCES identity (tenant_id, id)
);
SELECT tenant_table('territory');
CREATE TABLE territory_city (
  tenant_id uuid NOT NULL DEFAULT current_setting('app.tenant_id')::uuid,
  territory_id uuid NOT NULL,
  city text NOT NULL CHECK (city <> ''),
  city_key text GENERATED ALWAYS AS (lower(city)) STORED,
  PRIMARY KEY (tenant_id, territory_id, city),
  FOREIGN KEY (tenant_id, territory_id) REFERENCES territory (tenant_id, id) ON DELETE CASCADE
);
CREATE INDEX ON territory_city (tenant_id, city_key);
SELECT tenant_table('territory_city');
"""

PLANS = """
CREATE TABLE bonus_scheme (
  tenant_id uuid NOT NULL DEFAULT current_setting('app.tenant_id')::uuid,
  id uuid NOT NULL DEFAULT uuidv7(),
  name text NOT NULL CHECK (name <> ''),
  basis text NOT NULL DEFAULT 'turnover' CHECK (basis IN ('turnover','growth')),
  retired_at timestamptz,
  PRIMARY KEY (tenant_id, id),
  UNIQUE (tenant_id, name)
);
SELECT tenant_table('bonus_scheme');
CREATE TABLE bonus_step (
  tenant_id uuid NOT NULL DEFAULT current_setting('app.tenant_id')::uuid,
  scheme_id uuid NOT NULL,
  attainment numeric(7,2) NOT NULL CHECK (attainment > 0),
  bonus_percent numeric(6,3) NOT NULL CHECK (bonus_percent BETWEEN 0 AND 100),
  PRIMARY KEY (tenant_id, scheme_id, attainment),
  FOREIGN KEY (tenant_id, scheme_id) REFERENCES bonus_scheme (tenant_id, id) ON DELETE CASCADE
);
SELECT tenant_table('bonus_step');

CREATE TABLE dealer_plan (
  tenant_id uuid NOT NULL DEFAULT current_setting('app.tenant_id')::uuid,
  id uuid NOT NULL DEFAULT uuidv7(),
  party_id uuid NOT NULL,
  period text NOT NULL CHECK (period IN ('month','quarter','year')),
  since date NOT NULL,
  until date NOT NULL,
  currency char(3) NOT NULL,
  state text NOT NULL DEFAULT 'draft' CHECK (state IN ('draft','offered','agreed','running','closed','withdrawn')),
  version integer NOT NULL DEFAULT 1,
  note text,
  made_by text NOT NULL,
  made_at timestamptz NOT NULL DEFAULT now(),
  agreed_by text,
  agreed_by_id uuid,
  agreed_at timestamptz,
  agreed_version integer,
  accrued_through date,
  bonus_amount numeric(18,2),
  closed_by text,
  closed_at timestamptz,
  PRIMARY KEY (tenant_id, id),
  FOREIGN KEY (tenant_id, party_id) REFERENCES party (tenant_id, id),
  CHECK (until >= since),
  CHECK ((state = 'closed') = (closed_at IS NOT NULL))
);
CREATE UNIQUE INDEX one_plan_a_period ON dealer_plan (tenant_id, party_id, since, until) WHERE state <> 'withdrawn';
CREATE INDEX ON dealer_plan (tenant_id, state, until);
SELECT tenant_table('dealer_plan', 'SELECT', 'INSERT', 'UPDATE');
-- Neither category nor product: everything the dealer buys.
CREATE TABLE dealer_plan_line (
  tenant_id uuid NOT NULL DEFAULT current_setting('app.tenant_id')::uuid,
  id uuid NOT NULL DEFAULT uuidv7(),
  plan_id uuid NOT NULL,
  category_id uuid,
  product_id uuid,
  target_amount numeric(18,2) CHECK (target_amount > 0),
  target_quantity numeric(18,4) CHECK (target_quantity > 0),
  scheme_id uuid,
  dropped_at timestamptz,
  PRIMARY KEY (tenant_id, id),
  FOREIGN KEY (tenant_id, plan_id) REFERENCES dealer_plan (tenant_id, id),
  FOREIGN KEY (tenant_id, category_id) REFERENCES category (tenant_id, id),
  FOREIGN KEY (tenant_id, product_id) REFERENCES product (tenant_id, id),
  FOREIGN KEY (tenant_id, scheme_id) REFERENCES bonus_scheme (tenant_id, id),
  CHECK (category_id IS NULL OR product_id IS NULL)
);
CREATE UNIQUE INDEX one_line_a_subject ON dealer_plan_line (tenant_id, plan_id, category_id, product_id)
  NULLS NOT DISTINCT WHERE dropped_at IS NULL;
SELECT tenant_table('dealer_plan_line', 'SELECT', 'INSERT', 'UPDATE');
CREATE TABLE dealer_plan_change (
  tenant_id uuid NOT NULL DEFAULT current_setting('app.tenant_id')::uuid,
  id uuid NOT NULL DEFAULT uuidv7(),
  plan_id uuid NOT NULL,
  version integer NOT NULL,
  verb text NOT NULL,
  lines jsonb NOT NULL DEFAULT '[]',
  note text,
  changed_by text NOT NULL,
  changed_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (tenant_id, id),
  FOREIGN KEY (tenant_id, plan_id) REFERENCES dealer_plan (tenant_id, id)
);
CREATE INDEX ON dealer_plan_change (tenant_id, plan_id, id DESC);
SELECT tenant_table('dealer_plan_change', 'SELECT', 'INSERT');
SELECT append_only('dealer_plan_change');
"""

BONUSES = """
-- What a day added to the liability: what is earned by that day less all that was accrued before.
CREATE TABLE bonus_accrual (
  tenant_id uuid NOT NULL DEFAULT current_setting('app.tenant_id')::uuid,
  id uuid NOT NULL DEFAULT uuidv7(),
  plan_id uuid NOT NULL,
  line_id uuid NOT NULL,
  party_id uuid NOT NULL,
  currency char(3) NOT NULL,
  accrued_on date NOT NULL,
  fact_amount numeric(18,2) NOT NULL,
  attainment numeric(12,2) NOT NULL,
  bonus_percent numeric(6,3) NOT NULL,
  earned_amount numeric(18,2) NOT NULL,
  amount numeric(18,2) NOT NULL CHECK (amount <> 0),
  entry_id uuid NOT NULL,
  posted_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (tenant_id, id),
  UNIQUE (tenant_id, line_id, accrued_on),
  FOREIGN KEY (tenant_id, plan_id) REFERENCES dealer_plan (tenant_id, id),
  FOREIGN KEY (tenant_id, line_id) REFERENCES dealer_plan_line (tenant_id, id),
  FOREIGN KEY (tenant_id, party_id) REFERENCES party (tenant_id, id),
  FOREIGN KEY (tenant_id, entry_id) REFERENCES journal_entry (tenant_id, id)
);
CREATE INDEX ON bonus_accrual (tenant_id, plan_id, accrued_on);
CREATE INDEX ON bonus_accrual (tenant_id, party_id, accrued_on);
SELECT tenant_table('bonus_accrual', 'SELECT', 'INSERT');
SELECT append_only('bonus_accrual');
-- kind: left as the dealer's credit, or netted against his debt; netting names who agreed to it.
CREATE TABLE bonus_payout (
  tenant_id uuid NOT NULL DEFAULT current_setting('app.tenant_id')::uuid,
  id uuid NOT NULL DEFAULT uuidv7(),
  plan_id uuid NOT NULL,
  party_id uuid NOT NULL,
  currency char(3) NOT NULL,
  kind text NOT NULL CHECK (kind IN ('credit_note','netting')),
  amount numeric(18,2) NOT NULL CHECK (amount > 0),
  document_id uuid NOT NULL,
  agreed_by text,
  made_by text NOT NULL,
  made_on date NOT NULL,
  key text NOT NULL,
  made_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (tenant_id, id),
  UNIQUE (tenant_id, key),
  FOREIGN KEY (tenant_id, plan_id) REFERENCES dealer_plan (tenant_id, id),
  FOREIGN KEY (tenant_id, party_id) REFERENCES party (tenant_id, id),
  FOREIGN KEY (tenant_id, document_id) REFERENCES invoice (tenant_id, id)
);
CREATE INDEX ON bonus_payout (tenant_id, plan_id);
SELECT tenant_table('bonus_payout', 'SELECT', 'INSERT');
SELECT append_only('bonus_payout');
"""

STOREFRONTS = """
CREATE TABLE dealer_storefront (
  tenant_id uuid NOT NULL DEFAULT current_setting('app.tenant_id')::uuid,
  id uuid NOT NULL DEFAULT uuidv7(),
  party_id uuid NOT NULL,
  slug text NOT NULL CHECK (slug ~ '^[a-z0-9][a-z0-9-]{0,39}$'),
  title text NOT NULL CHECK (title <> ''),
  about text,
  phone text,
  logo_key text,
  markup_percent numeric(7,2) NOT NULL DEFAULT 0 CHECK (markup_percent BETWEEN 0 AND 1000),
  rounding numeric(18,2) NOT NULL DEFAULT 0.01 CHECK (rounding > 0),
  orders_at_once boolean NOT NULL DEFAULT true,
  published_at timestamptz,
  made_by_id uuid,
  changed_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (tenant_id, id),
  UNIQUE (tenant_id, party_id),
  UNIQUE (tenant_id, slug),
  FOREIGN KEY (tenant_id, party_id) REFERENCES party (tenant_id, id)
);
SELECT tenant_table('dealer_storefront', 'SELECT', 'INSERT', 'UPDATE');
CREATE TABLE dealer_markup (
  tenant_id uuid NOT NULL DEFAULT current_setting('app.tenant_id')::uuid,
  storefront_id uuid NOT NULL,
  category_id uuid NOT NULL,
  markup_percent numeric(7,2) CHECK (markup_percent BETWEEN 0 AND 1000),
  hidden boolean NOT NULL DEFAULT false,
  PRIMARY KEY (tenant_id, storefront_id, category_id),
  FOREIGN KEY (tenant_id, storefront_id) REFERENCES dealer_storefront (tenant_id, id),
  FOREIGN KEY (tenant_id, category_id) REFERENCES category (tenant_id, id)
);
SELECT tenant_table('dealer_markup');
CREATE TABLE dealer_sale (
  tenant_id uuid NOT NULL DEFAULT current_setting('app.tenant_id')::uuid,
  id uuid NOT NULL DEFAULT uuidv7(),
  storefront_id uuid NOT NULL,
  party_id uuid NOT NULL,
  number text NOT NULL,
  customer_name text NOT NULL CHECK (customer_name <> ''),
  customer_phone text NOT NULL CHECK (customer_phone <> ''),
  address text,
  comment text,
  state text NOT NULL DEFAULT 'new' CHECK (state IN ('new','ordered','refused','cancelled')),
  currency char(3) NOT NULL,
  total numeric(18,2) NOT NULL CHECK (total >= 0),
  order_id uuid,
  refusal jsonb,
  token_hash bytea NOT NULL,
  key text NOT NULL,
  placed_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (tenant_id, id),
  UNIQUE (tenant_id, number),
  UNIQUE (tenant_id, key),
  UNIQUE (tenant_id, token_hash),
  FOREIGN KEY (tenant_id, storefront_id) REFERENCES dealer_storefront (tenant_id, id),
  FOREIGN KEY (tenant_id, party_id) REFERENCES party (tenant_id, id),
  FOREIGN KEY (tenant_id, order_id) REFERENCES sales_order (tenant_id, id)
);
CREATE INDEX ON dealer_sale (tenant_id, party_id, placed_at DESC);
CREATE UNIQUE INDEX one_sale_an_order ON dealer_sale (tenant_id, order_id) WHERE order_id IS NOT NULL;
SELECT tenant_table('dealer_sale', 'SELECT', 'INSERT', 'UPDATE');
CREATE TABLE dealer_sale_line (
  tenant_id uuid NOT NULL DEFAULT current_setting('app.tenant_id')::uuid,
  id uuid NOT NULL DEFAULT uuidv7(),
  sale_id uuid NOT NULL,
  line_no integer NOT NULL,
  product_id uuid NOT NULL,
  name text NOT NULL,
  quantity numeric(18,4) NOT NULL CHECK (quantity > 0),
  price numeric(18,2) NOT NULL CHECK (price >= 0),
  amount numeric(18,2) NOT NULL CHECK (amount >= 0),
  PRIMARY KEY (tenant_id, id),
  UNIQUE (tenant_id, sale_id, line_no),
  FOREIGN KEY (tenant_id, sale_id) REFERENCES dealer_sale (tenant_id, id),
  FOREIGN KEY (tenant_id, product_id) REFERENCES product (tenant_id, id)
);
SELECT tenant_table('dealer_sale_line', 'SELECT', 'INSERT');
"""

DEALS = """
CREATE TABLE deal_registration (
  tenant_id uuid NOT NULL DEFAULT current_setting('app.tenant_id')::uuid,
  id uuid NOT NULL DEFAULT uuidv7(),
  number text NOT NULL,
  party_id uuid NOT NULL,
  customer_name text NOT NULL CHECK (customer_name <> ''),
  customer_tax_id text,
  project text,
  products text,
  expected_amount numeric(18,2) NOT NULL CHECK (expected_amount > 0),
  currency char(3) NOT NULL,
  wanted_until date NOT NULL,
  state text NOT NULL DEFAULT 'submitted' CHECK (state IN ('submitted','accepted','refused','won','lost','expired','withdrawn')),
  protected_until date,
  price_list_id uuid,
  answer text,
  made_by text NOT NULL,
  made_at timestamptz NOT NULL DEFAULT now(),
  decided_by text,
  decided_at timestamptz,
  PRIMARY KEY (tenant_id, id),
  UNIQUE (tenant_id, number),
  FOREIGN KEY (tenant_id, party_id) REFERENCES party (tenant_id, id),
  FOREIGN KEY (tenant_id, price_list_id) REFERENCES price_list (tenant_id, id)
);
CREATE INDEX ON deal_registration (tenant_id, party_id, made_at DESC);
CREATE INDEX ON deal_registration (tenant_id, state) WHERE state IN ('submitted','accepted');
SELECT tenant_table('deal_registration', 'SELECT', 'INSERT', 'UPDATE');
"""

NEWS = """
CREATE TABLE dealer_news (
  tenant_id uuid NOT NULL DEFAULT current_setting('app.tenant_id')::uuid,
  id uuid NOT NULL DEFAULT uuidv7(),
  kind text NOT NULL CHECK (kind IN ('news','document','prices')),
  audience text NOT NULL CHECK (audience IN ('all','tier','territory','named')),
  tier_id uuid,
  territory_id uuid,
  party_ids uuid[] NOT NULL DEFAULT '{}',
  titles jsonb NOT NULL DEFAULT '{}',
  bodies jsonb NOT NULL DEFAULT '{}',
  file_key text,
  file_name text,
  price_list_id uuid,
  since date,
  until date,
  published_by text NOT NULL,
  published_at timestamptz NOT NULL DEFAULT now(),
  withdrawn_at timestamptz,
  PRIMARY KEY (tenant_id, id),
  FOREIGN KEY (tenant_id, tier_id) REFERENCES dealer_tier (tenant_id, id),
  FOREIGN KEY (tenant_id, territory_id) REFERENCES territory (tenant_id, id),
  FOREIGN KEY (tenant_id, price_list_id) REFERENCES price_list (tenant_id, id)
);
CREATE INDEX ON dealer_news (tenant_id, published_at DESC);
SELECT tenant_table('dealer_news', 'SELECT', 'INSERT', 'UPDATE');
CREATE TABLE dealer_news_read (
  tenant_id uuid NOT NULL DEFAULT current_setting('app.tenant_id')::uuid,
  news_id uuid NOT NULL,
  party_id uuid NOT NULL,
  identity_id uuid NOT NULL,
  read_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (tenant_id, news_id, party_id, identity_id),
  FOREIGN KEY (tenant_id, news_id) REFERENCES dealer_news (tenant_id, id),
  FOREIGN KEY (tenant_id, party_id) REFERENCES party (tenant_id, id),
  FOREIGN KEY (tenant_id, identity_id) REFERENCES identity (tenant_id, id)
);
SELECT tenant_table('dealer_news_read', 'SELECT', 'INSERT');

-- What a list's price was before it changed: written by the database, whoever changes it.
CREATE TABLE price_change (
  tenant_id uuid NOT NULL DEFAULT current_setting('app.tenant_id')::uuid,
  id uuid NOT NULL DEFAULT uuidv7(),
  price_list_id uuid NOT NULL,
  product_id uuid NOT NULL,
  min_quantity numeric(18,4) NOT NULL,
  old_price numeric(18,4) NOT NULL,
  new_price numeric(18,4),
  changed_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (tenant_id, id),
  FOREIGN KEY (tenant_id, price_list_id) REFERENCES price_list (tenant_id, id),
  FOREIGN KEY (tenant_id, product_id) REFERENCES product (tenant_id, id)
);
CREATE INDEX ON price_change (tenant_id, price_list_id, changed_at);
SELECT tenant_table('price_change', 'SELECT', 'INSERT');
SELECT append_only('price_change');
CREATE FUNCTION note_price_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO price_change (tenant_id, price_list_id, product_id, min_quantity, old_price, new_price)
  SELECT b.tenant_id, b.price_list_id, b.product_id, b.min_quantity, b.price, a.price
  FROM before_change b JOIN after_change a ON a.tenant_id = b.tenant_id AND a.id = b.id
  WHERE a.price <> b.price;
  RETURN NULL;
END $$;
CREATE TRIGGER note_price_change AFTER UPDATE ON price_item
  REFERENCING OLD TABLE AS before_change NEW TABLE AS after_change
  FOR EACH STATEMENT EXECUTE FUNCTION note_price_change();
CREATE FUNCTION note_price_gone() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO price_change (tenant_id, price_list_id, product_id, min_quantity, old_price)
  SELECT tenant_id, price_list_id, product_id, min_quantity, price FROM before_change;
  RETURN NULL;
END $$;
CREATE TRIGGER note_price_gone AFTER DELETE ON price_item
  REFERENCING OLD TABLE AS before_change
  FOR EACH STATEMENT EXECUTE FUNCTION note_price_gone();
"""


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id=ID, app_name="dilo", description=DESCRIPTION)

    async def run() -> None:
        for script in (ACCOUNTS, NETWORK, PLANS, BONUSES, STOREFRONTS, DEALS, NEWS):
            await engine_finder().current_transaction.get().connection.execute(script)

    manager.add_raw(run)
    return manager

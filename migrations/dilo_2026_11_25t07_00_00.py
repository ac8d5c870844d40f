"""Talks and files about a matter; quotations; carriers and the road of a shipment; ratings; claims."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager
from piccolo.engine import engine_finder

ID = "2026-11-25T07:00:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "Quotations, tracking, ratings, claims, talks and attachments"

# A matter is an order, an enquiry, a claim or a shipment; its party is the one that may read of it.
TALKS = """
CREATE TABLE remark (
  tenant_id uuid NOT NULL DEFAULT current_setting('app.tenant_id')::uuid,
  id uuid NOT NULL DEFAULT uuidv7(),
  matter text NOT NULL CHECK (matter IN ('order','rfq','claim')),
  matter_id uuid NOT NULL,
  party_id uuid NOT NULL,
  text text NOT NULL CHECK (text <> ''),
  from_client boolean NOT NULL,
  internal boolean NOT NULL DEFAULT false,
  written_by text NOT NULL,
  written_by_id uuid,
  written_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (tenant_id, id),
  FOREIGN KEY (tenant_id, party_id) REFERENCES party (tenant_id, id),
  CHECK (NOT (from_client AND internal))
);
CREATE INDEX ON remark (tenant_id, matter_id, written_at);
SELECT tenant_table('remark', 'SELECT', 'INSERT');
SELECT append_only('remark');
CREATE TABLE attachment (
  tenant_id uuid NOT NULL DEFAULT current_setting('app.tenant_id')::uuid,
  id uuid NOT NULL DEFAULT uuidv7(),
  matter text NOT NULL CHECK (matter IN ('order','rfq','claim','shipment')),
  matter_id uuid NOT NULL,
  party_id uuid NOT NULL,
  name text NOT NULL CHECK (name <> ''),
  media_type text NOT NULL,
  byte_count integer NOT NULL CHECK (byte_count > 0),
  file_key text NOT NULL,
  internal boolean NOT NULL DEFAULT false,
  brought_by text NOT NULL,
  brought_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (tenant_id, id),
  FOREIGN KEY (tenant_id, party_id) REFERENCES party (tenant_id, id)
);
CREATE INDEX ON attachment (tenant_id, matter_id, brought_at);
SELECT tenant_table('attachment', 'SELECT', 'INSERT');
SELECT append_only('attachment');
"""

QUOTES = """
CREATE TABLE rfq (
  tenant_id uuid NOT NULL DEFAULT current_setting('app.tenant_id')::uuid,
  id uuid NOT NULL DEFAULT uuidv7(),
  number text NOT NULL,
  party_id uuid NOT NULL,
  state text NOT NULL DEFAULT 'draft' CHECK (state IN
    ('draft','submitted','in_review','needs_info','quoted','closed','declined','cancelled')),
  door text NOT NULL CHECK (door IN ('office','portal','telegram','sms','api')),
  currency char(3) NOT NULL,
  comment text,
  wanted_on date,
  asked_by text NOT NULL,
  asked_by_id uuid,
  owner_id uuid,
  why text,
  key text,
  created_at timestamptz NOT NULL DEFAULT now(),
  submitted_at timestamptz,
  waiting_since timestamptz,
  closed_at timestamptz,
  PRIMARY KEY (tenant_id, id),
  UNIQUE (tenant_id, number),
  UNIQUE (tenant_id, key),
  FOREIGN KEY (tenant_id, party_id) REFERENCES party (tenant_id, id),
  FOREIGN KEY (tenant_id, asked_by_id) REFERENCES identity (tenant_id, id),
  FOREIGN KEY (tenant_id, owner_id) REFERENCES identity (tenant_id, id)
);
CREATE INDEX ON rfq (tenant_id, party_id, created_at DESC);
CREATE INDEX ON rfq (tenant_id, state, waiting_since);
SELECT tenant_table('rfq', 'SELECT', 'INSERT', 'UPDATE');
-- What is asked for: a product of ours, or words about something we may not have.
CREATE TABLE rfq_line (
  tenant_id uuid NOT NULL DEFAULT current_setting('app.tenant_id')::uuid,
  id uuid NOT NULL DEFAULT uuidv7(),
  rfq_id uuid NOT NULL,
  line_no integer NOT NULL,
  product_id uuid,
  text text,
  quantity numeric(18,4) NOT NULL CHECK (quantity > 0),
  wanted_price numeric(18,4) CHECK (wanted_price >= 0),
  wanted_on date,
  comment text,
  PRIMARY KEY (tenant_id, id),
  UNIQUE (tenant_id, rfq_id, line_no),
  FOREIGN KEY (tenant_id, rfq_id) REFERENCES rfq (tenant_id, id),
  FOREIGN KEY (tenant_id, product_id) REFERENCES product (tenant_id, id),
  CHECK (product_id IS NOT NULL OR text <> '')
);
SELECT tenant_table('rfq_line');
CREATE TABLE quote (
  tenant_id uuid NOT NULL DEFAULT current_setting('app.tenant_id')::uuid,
  id uuid NOT NULL DEFAULT uuidv7(),
  rfq_id uuid NOT NULL,
  version integer NOT NULL CHECK (version > 0),
  state text NOT NULL DEFAULT 'draft' CHECK (state IN
    ('draft','approval','sent','accepted','countered','rejected','expired','withdrawn')),
  valid_until date NOT NULL,
  delivery_terms text,
  payment_terms text,
  comment text,
  allow_partial boolean NOT NULL DEFAULT false,
  total numeric(18,2) NOT NULL CHECK (total >= 0),
  list_total numeric(18,2) NOT NULL CHECK (list_total >= 0),
  prepared_by text NOT NULL,
  prepared_by_id uuid,
  approved_by text,
  approved_by_id uuid,
  approved_floor boolean NOT NULL DEFAULT false,
  answer text,
  answered_by text,
  order_id uuid,
  created_at timestamptz NOT NULL DEFAULT now(),
  sent_at timestamptz,
  answered_at timestamptz,
  PRIMARY KEY (tenant_id, id),
  UNIQUE (tenant_id, rfq_id, version),
  UNIQUE (tenant_id, order_id),
  FOREIGN KEY (tenant_id, rfq_id) REFERENCES rfq (tenant_id, id),
  FOREIGN KEY (tenant_id, prepared_by_id) REFERENCES identity (tenant_id, id),
  FOREIGN KEY (tenant_id, approved_by_id) REFERENCES identity (tenant_id, id),
  FOREIGN KEY (tenant_id, order_id) REFERENCES sales_order (tenant_id, id),
  CHECK ((state = 'accepted') = (order_id IS NOT NULL)),
  CHECK (approved_by_id <> prepared_by_id)
);
CREATE UNIQUE INDEX one_quote_stands ON quote (tenant_id, rfq_id) WHERE state = 'sent';
CREATE UNIQUE INDEX one_quote_prepared ON quote (tenant_id, rfq_id) WHERE state IN ('draft','approval');
CREATE UNIQUE INDEX one_quote_accepted ON quote (tenant_id, rfq_id) WHERE state = 'accepted';
CREATE INDEX ON quote (tenant_id, valid_until) WHERE state = 'sent';
SELECT tenant_table('quote', 'SELECT', 'INSERT', 'UPDATE');
CREATE TABLE quote_line (
  tenant_id uuid NOT NULL DEFAULT current_setting('app.tenant_id')::uuid,
  id uuid NOT NULL DEFAULT uuidv7(),
  quote_id uuid NOT NULL,
  line_no integer NOT NULL,
  rfq_line_id uuid,
  product_id uuid NOT NULL,
  quantity numeric(18,4) NOT NULL CHECK (quantity > 0),
  price numeric(18,4) NOT NULL CHECK (price >= 0),
  list_price numeric(18,4),
  floor numeric(18,4),
  cost numeric(18,4),
  amount numeric(18,2) NOT NULL CHECK (amount >= 0),
  comment text,
  counter_quantity numeric(18,4) CHECK (counter_quantity >= 0),
  counter_price numeric(18,4) CHECK (counter_price >= 0),
  PRIMARY KEY (tenant_id, id),
  UNIQUE (tenant_id, quote_id, line_no),
  FOREIGN KEY (tenant_id, quote_id) REFERENCES quote (tenant_id, id),
  FOREIGN KEY (tenant_id, rfq_line_id) REFERENCES rfq_line (tenant_id, id),
  FOREIGN KEY (tenant_id, product_id) REFERENCES product (tenant_id, id)
);
SELECT tenant_table('quote_line');
"""

ROADS = """
CREATE TABLE carrier (
  tenant_id uuid NOT NULL DEFAULT current_setting('app.tenant_id')::uuid,
  id uuid NOT NULL DEFAULT uuidv7(),
  name text NOT NULL CHECK (name <> ''),
  url_pattern text CHECK (url_pattern LIKE 'https://%'),
  closed_at timestamptz,
  PRIMARY KEY (tenant_id, id),
  UNIQUE (tenant_id, name)
);
SELECT tenant_table('carrier', 'SELECT', 'INSERT', 'UPDATE');
ALTER TABLE shipment DROP CONSTRAINT shipment_state_check;
ALTER TABLE shipment ADD CONSTRAINT shipment_state_check CHECK (state IN ('planned','held',
  'dispatched','in_transit','delivered','failed','returned','cancelled'));
ALTER TABLE shipment ADD COLUMN carrier_id uuid, ADD COLUMN tracking_number text,
  ADD COLUMN expected_on date, ADD COLUMN delivered_at timestamptz, ADD COLUMN received_by text;
ALTER TABLE shipment ADD FOREIGN KEY (tenant_id, carrier_id) REFERENCES carrier (tenant_id, id);
CREATE INDEX ON shipment (tenant_id, party_id, created_at DESC);
CREATE TABLE shipment_event (
  tenant_id uuid NOT NULL DEFAULT current_setting('app.tenant_id')::uuid,
  id uuid NOT NULL DEFAULT uuidv7(),
  shipment_id uuid NOT NULL,
  state text NOT NULL CHECK (state IN ('dispatched','in_transit','delivered','failed','returned')),
  happened_at timestamptz NOT NULL,
  place text,
  note text,
  recorded_by text NOT NULL,
  recorded_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (tenant_id, id),
  FOREIGN KEY (tenant_id, shipment_id) REFERENCES shipment (tenant_id, id)
);
CREATE INDEX ON shipment_event (tenant_id, shipment_id, happened_at);
SELECT tenant_table('shipment_event', 'SELECT', 'INSERT');
SELECT append_only('shipment_event');
CREATE TABLE rating (
  tenant_id uuid NOT NULL DEFAULT current_setting('app.tenant_id')::uuid,
  id uuid NOT NULL DEFAULT uuidv7(),
  shipment_id uuid NOT NULL,
  party_id uuid NOT NULL,
  score smallint NOT NULL CHECK (score BETWEEN 1 AND 5),
  comment text,
  door text NOT NULL CHECK (door IN ('office','portal','telegram','sms','api')),
  rated_by text NOT NULL,
  rated_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (tenant_id, id),
  UNIQUE (tenant_id, shipment_id),
  FOREIGN KEY (tenant_id, shipment_id) REFERENCES shipment (tenant_id, id),
  FOREIGN KEY (tenant_id, party_id) REFERENCES party (tenant_id, id)
);
CREATE INDEX ON rating (tenant_id, party_id, rated_at DESC);
SELECT tenant_table('rating', 'SELECT', 'INSERT');
"""

CLAIMS = """
CREATE TABLE claim (
  tenant_id uuid NOT NULL DEFAULT current_setting('app.tenant_id')::uuid,
  id uuid NOT NULL DEFAULT uuidv7(),
  number text NOT NULL,
  party_id uuid NOT NULL,
  order_id uuid NOT NULL,
  state text NOT NULL DEFAULT 'requested' CHECK (state IN ('requested','approved','refused',
    'awaiting_goods','received','replace','repair','refund','return_to_customer','closed','cancelled')),
  reason text NOT NULL CHECK (reason IN ('damaged','defective','wrong_goods','shortage','not_needed','other')),
  wanted text NOT NULL CHECK (wanted IN ('refund','replace','repair')),
  text text NOT NULL DEFAULT '',
  door text NOT NULL CHECK (door IN ('office','portal','telegram','sms','api')),
  asked_by text NOT NULL,
  asked_by_id uuid,
  owner_id uuid,
  answer text,
  outcome text CHECK (outcome IN ('replace','repair','refund','return_to_customer')),
  return_id uuid,
  replacement_order_id uuid,
  key text,
  created_at timestamptz NOT NULL DEFAULT now(),
  waiting_since timestamptz NOT NULL DEFAULT now(),
  closed_at timestamptz,
  PRIMARY KEY (tenant_id, id),
  UNIQUE (tenant_id, number),
  UNIQUE (tenant_id, key),
  FOREIGN KEY (tenant_id, party_id) REFERENCES party (tenant_id, id),
  FOREIGN KEY (tenant_id, order_id) REFERENCES sales_order (tenant_id, id),
  FOREIGN KEY (tenant_id, asked_by_id) REFERENCES identity (tenant_id, id),
  FOREIGN KEY (tenant_id, owner_id) REFERENCES identity (tenant_id, id),
  FOREIGN KEY (tenant_id, return_id) REFERENCES sales_return (tenant_id, id),
  FOREIGN KEY (tenant_id, replacement_order_id) REFERENCES sales_order (tenant_id, id)
);
CREATE INDEX ON claim (tenant_id, order_id);
CREATE INDEX ON claim (tenant_id, party_id, created_at DESC);
CREATE INDEX ON claim (tenant_id, state, waiting_since);
SELECT tenant_table('claim', 'SELECT', 'INSERT', 'UPDATE');
CREATE TABLE claim_line (
  tenant_id uuid NOT NULL DEFAULT current_setting('app.tenant_id')::uuid,
  id uuid NOT NULL DEFAULT uuidv7(),
  claim_id uuid NOT NULL,
  order_line_id uuid NOT NULL,
  quantity numeric(18,4) NOT NULL CHECK (quantity > 0),
  received_quantity numeric(18,4) CHECK (received_quantity >= 0),
  accepted_quantity numeric(18,4) CHECK (accepted_quantity BETWEEN 0 AND quantity),
  verdict text,
  PRIMARY KEY (tenant_id, id),
  UNIQUE (tenant_id, claim_id, order_line_id),
  FOREIGN KEY (tenant_id, claim_id) REFERENCES claim (tenant_id, id),
  FOREIGN KEY (tenant_id, order_line_id) REFERENCES sales_order_line (tenant_id, id)
);
CREATE INDEX ON claim_line (tenant_id, order_line_id);
SELECT tenant_table('claim_line', 'SELECT', 'INSERT', 'UPDATE');
"""


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id=ID, app_name="dilo", description=DESCRIPTION)

    async def run() -> None:
        for script in (TALKS, QUOTES, ROADS, CLAIMS):
            await engine_finder().current_transaction.get().connection.execute(script)

    manager.add_raw(run)
    return manager

"""The shop: addresses of goods, pages, banners, menu, guests, their orders, reviews, privacy."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager
from piccolo.engine import engine_finder

ID = "2026-11-25T05:10:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "Storefront: slugs, content, guests and their carts, shop orders, reviews, privacy"

# Letters by the Ukrainian passport rules, those only Russian has as it writes them.
SLUGS = """
CREATE FUNCTION slug_of(words text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT coalesce(nullif(left(trim(BOTH '-' FROM regexp_replace(
    translate(
      replace(replace(replace(replace(replace(replace(replace(replace(replace(lower(words),
        'щ', 'shch'), 'ш', 'sh'), 'ч', 'ch'), 'ж', 'zh'), 'х', 'kh'), 'ц', 'ts'), 'ю', 'iu'),
        'я', 'ia'), 'є', 'ie'),
      'абвгґдезиіїйклмнопрстуфыэёьъ''’', 'abvhgdezyiiiklmnoprstufyee'),
    '[^a-z0-9]+', '-', 'g')), 90), ''), 'x')
$$;
CREATE TABLE shop_slug (
  tenant_id uuid NOT NULL DEFAULT current_setting('app.tenant_id')::uuid,
  kind text NOT NULL CHECK (kind IN ('product','category')),
  slug text NOT NULL,
  subject_id uuid NOT NULL,
  is_current boolean NOT NULL DEFAULT true,
  PRIMARY KEY (tenant_id, kind, slug)
);
CREATE UNIQUE INDEX one_current_slug ON shop_slug (tenant_id, kind, subject_id) WHERE is_current;
SELECT tenant_table('shop_slug');
-- A taken address gets the end of the id behind it: every product and category has one of its own.
CREATE FUNCTION give_slug(what text, id uuid, words text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE wanted text := slug_of(words);
BEGIN
  UPDATE shop_slug SET is_current = false
  WHERE kind = what AND subject_id = id AND is_current AND slug <> wanted;
  INSERT INTO shop_slug AS s (kind, slug, subject_id) VALUES (what, wanted, id)
  ON CONFLICT (tenant_id, kind, slug) DO UPDATE SET is_current = true
  WHERE s.subject_id = excluded.subject_id;
  IF NOT FOUND THEN
    INSERT INTO shop_slug (kind, slug, subject_id)
    VALUES (what, wanted || '-' || right(id::text, 6), id)
    ON CONFLICT (tenant_id, kind, slug) DO UPDATE SET is_current = true;
  END IF;
END $$;
CREATE FUNCTION keep_product_slug() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN PERFORM give_slug('product', NEW.id, NEW.name || ' ' || NEW.code); RETURN NULL; END $$;
CREATE FUNCTION keep_category_slug() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN PERFORM give_slug('category', NEW.id, NEW.name); RETURN NULL; END $$;
CREATE FUNCTION keep_new_product_slugs() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO shop_slug (kind, slug, subject_id)
  SELECT 'product', slug_of(name || ' ' || code), id FROM fresh ON CONFLICT DO NOTHING;
  INSERT INTO shop_slug (kind, slug, subject_id)
  SELECT 'product', slug_of(name || ' ' || code) || '-' || right(id::text, 6), id FROM fresh f
  WHERE NOT EXISTS (SELECT 1 FROM shop_slug s WHERE s.kind = 'product' AND s.subject_id = f.id
                    AND s.is_current)
  ON CONFLICT DO NOTHING;
  RETURN NULL;
END $$;
CREATE TRIGGER slugs_of_new_products AFTER INSERT ON product
  REFERENCING NEW TABLE AS fresh FOR EACH STATEMENT EXECUTE FUNCTION keep_new_product_slugs();
CREATE TRIGGER slug_of_product AFTER UPDATE OF name, code ON product FOR EACH ROW
  WHEN (OLD.name IS DISTINCT FROM NEW.name OR OLD.code IS DISTINCT FROM NEW.code)
  EXECUTE FUNCTION keep_product_slug();
CREATE TRIGGER slug_of_category AFTER INSERT OR UPDATE OF name ON category FOR EACH ROW
  EXECUTE FUNCTION keep_category_slug();
DO $$
DECLARE one uuid; before text := current_setting('app.tenant_id', true);
BEGIN
  FOR one IN SELECT id FROM tenant LOOP
    PERFORM set_config('app.tenant_id', one::text, true);
    PERFORM give_slug('product', id, name || ' ' || code) FROM product;
    PERFORM give_slug('category', id, name) FROM category;
  END LOOP;
  PERFORM set_config('app.tenant_id', coalesce(before, ''), true);
END $$;
"""

CONTENT = """
-- title, summary and body are {uk, en, ru}.
CREATE TABLE shop_page (
  tenant_id uuid NOT NULL DEFAULT current_setting('app.tenant_id')::uuid,
  id uuid NOT NULL DEFAULT uuidv7(),
  slug text NOT NULL CHECK (slug <> ''),
  title jsonb NOT NULL DEFAULT '{}',
  body jsonb NOT NULL DEFAULT '{}',
  is_published boolean NOT NULL DEFAULT false,
  changed_by text NOT NULL,
  changed_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (tenant_id, id),
  UNIQUE (tenant_id, slug)
);
SELECT tenant_table('shop_page');
CREATE TABLE shop_banner (
  tenant_id uuid NOT NULL DEFAULT current_setting('app.tenant_id')::uuid,
  id uuid NOT NULL DEFAULT uuidv7(),
  title text NOT NULL CHECK (title <> ''),
  words text,
  href text,
  picture_key text,
  language text CHECK (language IN ('uk','en','ru')),
  starts_on date,
  ends_on date,
  position integer NOT NULL DEFAULT 0,
  PRIMARY KEY (tenant_id, id)
);
SELECT tenant_table('shop_banner');
CREATE TABLE shop_menu_item (
  tenant_id uuid NOT NULL DEFAULT current_setting('app.tenant_id')::uuid,
  id uuid NOT NULL DEFAULT uuidv7(),
  place text NOT NULL CHECK (place IN ('top','bottom')),
  label jsonb NOT NULL DEFAULT '{}',
  href text NOT NULL,
  position integer NOT NULL DEFAULT 0,
  PRIMARY KEY (tenant_id, id)
);
SELECT tenant_table('shop_menu_item');
CREATE TABLE shop_picture (
  tenant_id uuid NOT NULL DEFAULT current_setting('app.tenant_id')::uuid,
  id uuid NOT NULL DEFAULT uuidv7(),
  key text NOT NULL CHECK (key <> ''),
  kind text NOT NULL,
  width integer NOT NULL,
  height integer NOT NULL,
  bytes bytea NOT NULL,
  PRIMARY KEY (tenant_id, id),
  UNIQUE (tenant_id, key)
);
SELECT tenant_table('shop_picture', 'SELECT', 'INSERT', 'DELETE');
"""

GUESTS = """
-- Who has no name yet: a cookie's token, hashed.
CREATE TABLE guest (
  tenant_id uuid NOT NULL DEFAULT current_setting('app.tenant_id')::uuid,
  id uuid NOT NULL DEFAULT uuidv7(),
  token_hash bytea NOT NULL,
  coupon text,
  seen_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (tenant_id, id),
  UNIQUE (tenant_id, token_hash)
);
SELECT tenant_table('guest');
CREATE TABLE guest_line (
  tenant_id uuid NOT NULL DEFAULT current_setting('app.tenant_id')::uuid,
  id uuid NOT NULL DEFAULT uuidv7(),
  guest_id uuid NOT NULL,
  kind text NOT NULL CHECK (kind IN ('cart','wish')),
  product_id uuid NOT NULL,
  quantity numeric(18,4) NOT NULL DEFAULT 1 CHECK (quantity > 0),
  added_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (tenant_id, id),
  UNIQUE (tenant_id, guest_id, kind, product_id),
  FOREIGN KEY (tenant_id, guest_id) REFERENCES guest (tenant_id, id) ON DELETE CASCADE,
  FOREIGN KEY (tenant_id, product_id) REFERENCES product (tenant_id, id) ON DELETE CASCADE
);
SELECT tenant_table('guest_line');
CREATE TABLE shop_order (
  tenant_id uuid NOT NULL DEFAULT current_setting('app.tenant_id')::uuid,
  id uuid NOT NULL DEFAULT uuidv7(),
  order_id uuid NOT NULL,
  party_id uuid NOT NULL,
  token_hash bytea NOT NULL,
  payment text NOT NULL CHECK (payment IN ('card','invoice')),
  delivery text NOT NULL CHECK (delivery IN ('pickup','delivery')),
  name text NOT NULL,
  email text NOT NULL,
  phone text NOT NULL,
  address text,
  language text NOT NULL,
  consented_at timestamptz NOT NULL DEFAULT now(),
  pay_until timestamptz NOT NULL,
  PRIMARY KEY (tenant_id, id),
  UNIQUE (tenant_id, order_id),
  UNIQUE (tenant_id, token_hash),
  FOREIGN KEY (tenant_id, order_id) REFERENCES sales_order (tenant_id, id),
  FOREIGN KEY (tenant_id, party_id) REFERENCES party (tenant_id, id)
);
CREATE INDEX ON shop_order (tenant_id, pay_until);
CREATE INDEX ON shop_order (tenant_id, email);
SELECT tenant_table('shop_order', 'SELECT', 'INSERT', 'UPDATE');
CREATE TABLE shop_registration (
  tenant_id uuid NOT NULL DEFAULT current_setting('app.tenant_id')::uuid,
  id uuid NOT NULL DEFAULT uuidv7(),
  email text NOT NULL,
  name text NOT NULL,
  password_hash text NOT NULL,
  token_hash bytea NOT NULL,
  expires_at timestamptz NOT NULL,
  used_at timestamptz,
  PRIMARY KEY (tenant_id, id),
  UNIQUE (tenant_id, token_hash)
);
SELECT tenant_table('shop_registration');
CREATE TABLE review (
  tenant_id uuid NOT NULL DEFAULT current_setting('app.tenant_id')::uuid,
  id uuid NOT NULL DEFAULT uuidv7(),
  product_id uuid NOT NULL,
  identity_id uuid,
  author text NOT NULL,
  stars smallint NOT NULL CHECK (stars BETWEEN 1 AND 5),
  words text NOT NULL DEFAULT '',
  bought boolean NOT NULL DEFAULT false,
  state text NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting','published','rejected')),
  answer text,
  answered_by text,
  decided_by text,
  written_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (tenant_id, id),
  UNIQUE (tenant_id, product_id, identity_id),
  FOREIGN KEY (tenant_id, product_id) REFERENCES product (tenant_id, id) ON DELETE CASCADE,
  FOREIGN KEY (tenant_id, identity_id) REFERENCES identity (tenant_id, id)
);
CREATE INDEX ON review (tenant_id, product_id, written_at DESC) WHERE state = 'published';
CREATE INDEX ON review (tenant_id, state, written_at);
SELECT tenant_table('review');
-- What a visitor agreed to, when, to which words: proof, so never changed.
CREATE TABLE cookie_consent (
  tenant_id uuid NOT NULL DEFAULT current_setting('app.tenant_id')::uuid,
  id uuid NOT NULL DEFAULT uuidv7(),
  choice text NOT NULL CHECK (choice IN ('necessary','all')),
  language text NOT NULL,
  words_digest text NOT NULL,
  given_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (tenant_id, id)
);
SELECT tenant_table('cookie_consent', 'SELECT', 'INSERT');
SELECT append_only('cookie_consent');
CREATE TABLE data_request (
  tenant_id uuid NOT NULL DEFAULT current_setting('app.tenant_id')::uuid,
  id uuid NOT NULL DEFAULT uuidv7(),
  kind text NOT NULL CHECK (kind IN ('export','erasure')),
  email text NOT NULL,
  token_hash bytea NOT NULL,
  language text NOT NULL,
  state text NOT NULL DEFAULT 'asked' CHECK (state IN ('asked','confirmed','done','refused')),
  asked_at timestamptz NOT NULL DEFAULT now(),
  expires_at timestamptz NOT NULL,
  confirmed_at timestamptz,
  done_at timestamptz,
  done_by text,
  note text,
  PRIMARY KEY (tenant_id, id),
  UNIQUE (tenant_id, token_hash)
);
CREATE INDEX ON data_request (tenant_id, state, asked_at);
SELECT tenant_table('data_request', 'SELECT', 'INSERT', 'UPDATE');
"""


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id=ID, app_name="dilo", description=DESCRIPTION)

    async def run() -> None:
        for script in (SLUGS, CONTENT, GUESTS):
            await engine_finder().current_transaction.get().connection.execute(script)

    manager.add_raw(run)
    return manager

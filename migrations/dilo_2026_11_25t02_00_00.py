"""The catalogue as a buyer sees it: facets, series, relatives, media, own codes, who sees what."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager
from piccolo.engine import engine_finder

ID = "2026-11-25T02:00:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "Product attributes, relations, media, customers' own codes, visibility, marks"

GOODS = """
-- Products of one series are variants of each other; what differs between them are their attributes.
ALTER TABLE product ADD COLUMN series text;
ALTER TABLE product ADD COLUMN popularity integer NOT NULL DEFAULT 0;
CREATE INDEX product_by_series ON product (tenant_id, series) WHERE series IS NOT NULL;
-- A facet. number is there when the value is one, for ranges and for sorting 2,5 before 10.
CREATE TABLE product_attribute (
  tenant_id uuid NOT NULL DEFAULT current_setting('app.tenant_id')::uuid,
  id uuid NOT NULL DEFAULT uuidv7(),
  product_id uuid NOT NULL,
  name text NOT NULL CHECK (name <> ''),
  value text NOT NULL CHECK (value <> ''),
  number numeric(18,4),
  position smallint NOT NULL DEFAULT 0,
  PRIMARY KEY (tenant_id, id),
  UNIQUE (tenant_id, product_id, name, value),
  FOREIGN KEY (tenant_id, product_id) REFERENCES product (tenant_id, id) ON DELETE CASCADE
);
CREATE INDEX product_attribute_by_value ON product_attribute (tenant_id, name, value, product_id);
SELECT tenant_table('product_attribute');
CREATE TABLE product_relation (
  tenant_id uuid NOT NULL DEFAULT current_setting('app.tenant_id')::uuid,
  id uuid NOT NULL DEFAULT uuidv7(),
  product_id uuid NOT NULL,
  other_id uuid NOT NULL,
  kind text NOT NULL CHECK (kind IN ('substitute','accessory')),
  PRIMARY KEY (tenant_id, id),
  UNIQUE (tenant_id, product_id, kind, other_id),
  FOREIGN KEY (tenant_id, product_id) REFERENCES product (tenant_id, id) ON DELETE CASCADE,
  FOREIGN KEY (tenant_id, other_id) REFERENCES product (tenant_id, id) ON DELETE CASCADE,
  CHECK (other_id <> product_id)
);
CREATE INDEX ON product_relation (tenant_id, other_id);
SELECT tenant_table('product_relation');
-- key names the files in the tenant's folder and is what their address holds: 128 random bits.
CREATE TABLE product_media (
  tenant_id uuid NOT NULL DEFAULT current_setting('app.tenant_id')::uuid,
  id uuid NOT NULL DEFAULT uuidv7(),
  product_id uuid NOT NULL,
  kind text NOT NULL CHECK (kind IN ('picture','document')),
  key text NOT NULL CHECK (key <> ''),
  name text NOT NULL,
  alt jsonb NOT NULL DEFAULT '{}',
  width integer NOT NULL DEFAULT 0,
  height integer NOT NULL DEFAULT 0,
  size_bytes bigint NOT NULL DEFAULT 0,
  position smallint NOT NULL DEFAULT 0,
  created_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (tenant_id, id),
  UNIQUE (tenant_id, key),
  FOREIGN KEY (tenant_id, product_id) REFERENCES product (tenant_id, id) ON DELETE CASCADE
);
CREATE INDEX ON product_media (tenant_id, product_id, kind, position);
SELECT tenant_table('product_media');
-- The customer's own article for our product.
CREATE TABLE party_item_code (
  tenant_id uuid NOT NULL DEFAULT current_setting('app.tenant_id')::uuid,
  id uuid NOT NULL DEFAULT uuidv7(),
  party_id uuid NOT NULL,
  product_id uuid NOT NULL,
  code text NOT NULL CHECK (code <> ''),
  folded text GENERATED ALWAYS AS (lower(code)) STORED,
  PRIMARY KEY (tenant_id, id),
  UNIQUE (tenant_id, party_id, folded),
  FOREIGN KEY (tenant_id, party_id) REFERENCES party (tenant_id, id) ON DELETE CASCADE,
  FOREIGN KEY (tenant_id, product_id) REFERENCES product (tenant_id, id) ON DELETE CASCADE
);
CREATE INDEX ON party_item_code (tenant_id, product_id);
SELECT tenant_table('party_item_code');
-- What a person keeps at hand: favourites, and what he is comparing.
CREATE TABLE product_mark (
  tenant_id uuid NOT NULL DEFAULT current_setting('app.tenant_id')::uuid,
  id uuid NOT NULL DEFAULT uuidv7(),
  identity_id uuid NOT NULL,
  product_id uuid NOT NULL,
  kind text NOT NULL CHECK (kind IN ('favourite','compare')),
  marked_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (tenant_id, id),
  UNIQUE (tenant_id, identity_id, kind, product_id),
  FOREIGN KEY (tenant_id, identity_id) REFERENCES identity (tenant_id, id) ON DELETE CASCADE,
  FOREIGN KEY (tenant_id, product_id) REFERENCES product (tenant_id, id) ON DELETE CASCADE
);
CREATE INDEX ON product_mark (tenant_id, product_id);
SELECT tenant_table('product_mark');
ALTER TABLE party ADD COLUMN stock_view text
  CHECK (stock_view IN ('exact','range','yes_no','hidden'));
"""

TREE = """
-- path: the category and those above it, the root first. A ring is refused.
ALTER TABLE category ADD COLUMN path uuid[] NOT NULL DEFAULT '{}';
CREATE FUNCTION keep_category_path() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE above uuid[] := '{}';
BEGIN
  IF NEW.parent_id IS NOT NULL THEN
    SELECT path INTO above FROM category WHERE tenant_id = NEW.tenant_id AND id = NEW.parent_id;
    IF NEW.id = NEW.parent_id OR NEW.id = ANY(above) THEN
      RAISE EXCEPTION 'a category inside itself' USING ERRCODE = 'check_violation';
    END IF;
  END IF;
  NEW.path := coalesce(above, '{}') || NEW.id;
  RETURN NEW;
END $$;
CREATE TRIGGER keep_path BEFORE INSERT OR UPDATE OF parent_id ON category
  FOR EACH ROW EXECUTE FUNCTION keep_category_path();
CREATE FUNCTION keep_paths_below() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  UPDATE category SET parent_id = parent_id WHERE tenant_id = NEW.tenant_id AND parent_id = NEW.id;
  RETURN NULL;
END $$;
CREATE TRIGGER keep_paths_below AFTER UPDATE OF parent_id ON category
  FOR EACH ROW WHEN (OLD.path IS DISTINCT FROM NEW.path) EXECUTE FUNCTION keep_paths_below();
DO $$
DECLARE one uuid; before text := current_setting('app.tenant_id', true);
BEGIN
  FOR one IN SELECT id FROM tenant LOOP
    PERFORM set_config('app.tenant_id', one::text, true);
    UPDATE category SET parent_id = parent_id WHERE parent_id IS NULL;
  END LOOP;
  PERFORM set_config('app.tenant_id', coalesce(before, ''), true);
END $$;
"""

SHELF = """
-- Who sees what. The narrowest rule wins: party, segment, all; within one: product, the nearest category, everything.
CREATE TABLE visibility_rule (
  tenant_id uuid NOT NULL DEFAULT current_setting('app.tenant_id')::uuid,
  id uuid NOT NULL DEFAULT uuidv7(),
  scope text NOT NULL CHECK (scope IN ('all','segment','party')),
  segment text NOT NULL DEFAULT '',
  party_id uuid,
  category_id uuid,
  product_id uuid,
  shown boolean NOT NULL DEFAULT false,
  changed_by text NOT NULL,
  changed_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (tenant_id, id),
  UNIQUE NULLS NOT DISTINCT (tenant_id, scope, segment, party_id, category_id, product_id),
  FOREIGN KEY (tenant_id, party_id) REFERENCES party (tenant_id, id) ON DELETE CASCADE,
  FOREIGN KEY (tenant_id, category_id) REFERENCES category (tenant_id, id) ON DELETE CASCADE,
  FOREIGN KEY (tenant_id, product_id) REFERENCES product (tenant_id, id) ON DELETE CASCADE,
  CHECK ((scope = 'party') = (party_id IS NOT NULL)),
  CHECK ((scope = 'segment') = (segment <> '')),
  CHECK (category_id IS NULL OR product_id IS NULL)
);
SELECT tenant_table('visibility_rule');
-- Everything a viewer's rules come to, few rows however large the catalogue: categories hidden from him (the
-- zero id stands for goods of no category), products hidden or shown against their category. No viewer, no rules: staff.
CREATE FUNCTION shelf_of(viewer uuid) RETURNS TABLE (mark text, id uuid)
LANGUAGE sql STABLE ROWS 20 AS $$
WITH mine AS MATERIALIZED (
  SELECT r.category_id, r.product_id, r.shown,
    CASE r.scope WHEN 'party' THEN 1 WHEN 'segment' THEN 2 ELSE 3 END AS width
  FROM visibility_rule r
  WHERE viewer IS NOT NULL AND (r.scope = 'all' OR r.party_id = viewer
    OR r.scope = 'segment' AND r.segment = (SELECT p.segment FROM party p WHERE p.id = viewer))),
shelves AS (
  SELECT c.id, c.path FROM category c WHERE EXISTS (SELECT FROM mine)
  UNION ALL SELECT '00000000-0000-0000-0000-000000000000'::uuid, '{}'::uuid[]
    WHERE EXISTS (SELECT FROM mine)),
judged AS (
  SELECT s.id, coalesce(w.shown, true) AS shown, coalesce(w.width, 9) AS width FROM shelves s
  LEFT JOIN LATERAL (SELECT m.shown, m.width FROM mine m
    WHERE m.product_id IS NULL AND (m.category_id IS NULL OR m.category_id = ANY(s.path))
    ORDER BY m.width, coalesce(array_position(s.path, m.category_id), 0) DESC LIMIT 1) w ON true),
singled AS (
  SELECT DISTINCT ON (m.product_id) m.product_id, m.shown, m.width, p.category_id
  FROM mine m JOIN product p ON p.id = m.product_id ORDER BY m.product_id, m.width)
SELECT 'category', j.id FROM judged j WHERE NOT j.shown
UNION ALL
SELECT CASE WHEN s.shown THEN 'shown' ELSE 'hidden' END, s.product_id FROM singled s
  JOIN judged j ON j.id = coalesce(s.category_id, '00000000-0000-0000-0000-000000000000')
WHERE s.width <= j.width AND s.shown IS DISTINCT FROM j.shown
$$;
"""


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id=ID, app_name="dilo", description=DESCRIPTION)

    async def run() -> None:
        for script in (GOODS, TREE, SHELF):
            await engine_finder().current_transaction.get().connection.execute(script)

    manager.add_raw(run)
    return manager

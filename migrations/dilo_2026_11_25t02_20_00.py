"""A viewer's shelf keeps its plan: inlined into every question, planning it cost more than asking.

A code with figures in it is found at once: its short parts would be sought among all names.
"""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager
from piccolo.engine import engine_finder

ID = "2026-11-25T02:20:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "shelf_of() keeps its plan"

SHELF = """
CREATE OR REPLACE FUNCTION shelf_of(viewer uuid) RETURNS TABLE (mark text, id uuid)
LANGUAGE plpgsql STABLE ROWS 20 AS $$
#variable_conflict use_column
BEGIN
IF viewer IS NULL OR NOT EXISTS (SELECT FROM visibility_rule) THEN
  RETURN;
END IF;
RETURN QUERY
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
WHERE s.width <= j.width AND s.shown IS DISTINCT FROM j.shown;
END $$;
"""

SEARCH = """
-- Products meant by what was typed, better first: 5 the very code, barcode or the viewer's own article,
-- 4 a code that begins so, 3 a name that begins so, 2 all words found, below 1 words nearly so.
-- The first reading that finds anything is the one that was meant; a code with figures is not sought among names too. Bounds are made before the join: a
-- condition that calls a function (word || '~') is taken for one that leaks, and the index is not used.
CREATE OR REPLACE FUNCTION search_products(given text, viewer uuid) RETURNS TABLE (product_id uuid, rank real)
LANGUAGE plpgsql STABLE ROWS 50 AS $$
#variable_conflict use_column
DECLARE
  reading text; asked text[]; squeezed text; readings text[];
BEGIN
  given := trim(left(given, 100));
  readings := search_readings(given);
  RETURN QUERY
    SELECT b.product_id, 5::real FROM barcode b WHERE b.code = given
    UNION SELECT c.product_id, 5::real FROM party_item_code c
      WHERE c.party_id = viewer AND c.folded = lower(given);
  IF FOUND THEN RETURN; END IF;
  FOREACH reading IN ARRAY readings LOOP
    asked := search_words(reading);
    squeezed := search_code(reading);
    CONTINUE WHEN squeezed = '';
    IF squeezed ~ '[0-9]' THEN
      RETURN QUERY
        SELECT p.product_id, (CASE WHEN p.word = squeezed THEN 5 ELSE 4 END)::real
        FROM product_word p
        WHERE p.place = 0 AND p.word >= squeezed AND p.word < squeezed || '~';
      IF FOUND THEN RETURN; END IF;
    END IF;
    RETURN QUERY
      WITH wanted AS MATERIALIZED (
        SELECT word, word || CASE WHEN length(word) > 1 THEN '~' ELSE '!' END AS upto, min(n) AS n
        FROM unnest(asked[1:8]) WITH ORDINALITY a(word, n) GROUP BY 1),
      hits AS (
        SELECT w.n, p.product_id, min(p.place) AS place, bool_or(p.word = w.word) AS whole
        FROM wanted w JOIN product_word p ON p.word >= w.word AND p.word < w.upto
        GROUP BY 1, 2),
      named AS (
        SELECT h.product_id, (2 + bool_or(h.n = 1 AND h.place = 2)::int
          + 0.9 * count(*) FILTER (WHERE h.whole) / count(*) - 0.001 * min(h.place))::real AS rank
        FROM hits h GROUP BY 1 HAVING count(*) = (SELECT count(*) FROM wanted)),
      coded AS (
        SELECT p.product_id, (CASE WHEN p.word = squeezed THEN 5 ELSE 4 END)::real AS rank
        FROM product_word p
        WHERE p.place = 0 AND p.word >= squeezed AND p.word < squeezed || '~')
      SELECT t.product_id, max(t.rank) FROM (TABLE named UNION ALL TABLE coded) t GROUP BY 1;
    IF FOUND THEN RETURN; END IF;
  END LOOP;
  RETURN QUERY
    WITH typed AS MATERIALIZED (
      SELECT r.n AS reading, w.n, w.word,
        w.word || CASE WHEN length(w.word) > 1 THEN '~' ELSE '!' END AS upto, show_trgm(w.word) AS grams
      FROM unnest(readings) WITH ORDINALITY r(text, n),
        unnest((search_words(r.text))[1:6]) WITH ORDINALITY w(word, n)),
    known AS (
      SELECT t.reading, t.n, p.word, p.product_id, 1.0::real AS nearness
      FROM typed t JOIN product_word p ON p.word >= t.word AND p.word < t.upto),
    near AS (
      SELECT t.reading, t.n, c.word, c.nearness FROM typed t
      CROSS JOIN LATERAL (
        SELECT g.word, similarity(g.word, t.word) AS nearness
        FROM unnest(t.grams) AS asked_gram(gram) JOIN word_gram g ON g.gram = asked_gram.gram
        GROUP BY g.word
        HAVING similarity(g.word, t.word) >= 0.3 ORDER BY 2 DESC, 1 LIMIT 6) c
      WHERE length(t.word) > 3 AND NOT EXISTS (
        SELECT FROM known k WHERE k.reading = t.reading AND k.n = t.n)),
    hits AS (
      SELECT reading, n, k.product_id, max(nearness) AS nearness FROM known k GROUP BY 1, 2, 3
      UNION ALL
      SELECT r.reading, r.n, p.product_id, max(r.nearness) FROM near r
      JOIN product_word p ON p.word = r.word GROUP BY 1, 2, 3),
    scored AS (
      SELECT h.reading, h.product_id, sum(h.nearness * length(t.word)) / (
        SELECT sum(length(t.word)) FROM typed t WHERE t.reading = h.reading) AS score
      FROM hits h JOIN typed t ON t.reading = h.reading AND t.n = h.n
      GROUP BY 1, 2 HAVING max(length(t.word)) > 2),
    best AS (SELECT max(score) AS score FROM scored)
    SELECT s.product_id, (0.9 * max(s.score))::real FROM scored s, best b
    WHERE s.score > 0.3 AND s.score >= 0.75 * b.score GROUP BY 1;
END $$;
"""


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id=ID, app_name="dilo", description=DESCRIPTION)

    async def run() -> None:
        for script in (SHELF, SEARCH):
            await engine_finder().current_transaction.get().connection.execute(script)

    manager.add_raw(run)
    return manager

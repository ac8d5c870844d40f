"""Search that forgives: both alphabets, the wrong keyboard layout, typos; fast under row security.

LIKE, trigram and text-search operators are not leakproof, so under a policy PostgreSQL will not
use an index for them. Equality and ranges of text are. So words are kept in a table of their own,
folded, and found by ranges of a btree led by the tenant; typos by equality of trigrams of the words
of names, of which there are thousands where there are a hundred thousand products.
"""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager
from piccolo.engine import engine_finder

ID = "2026-11-25T02:10:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "Words of products, their trigrams, search_products()"

CYRILLIC = {
    "а": "a", "б": "b", "в": "v", "г": "g", "ґ": "g", "д": "d", "е": "e", "ё": "e", "є": "e",
    "э": "e", "ж": "z", "з": "z", "и": "i", "і": "i", "ї": "i", "й": "i", "ы": "i", "к": "k",
    "л": "l", "м": "m", "н": "n", "о": "o", "п": "p", "р": "r", "с": "s", "т": "t", "у": "u",
    "ф": "f", "х": "g", "ц": "q", "ч": "q", "ш": "s", "щ": "s", "ю": "u", "я": "a",
}  # fmt: skip
ACCENTS = dict(
    pair
    for letter, variants in {
        "a": "äàáâãåăą", "c": "çćč", "d": "ďđ", "e": "éèêëęěė", "g": "ğ", "i": "íìîïıį", "l": "łľ",
        "n": "ñńň", "o": "óòôöõøő", "r": "řŕ", "s": "śşšș", "t": "ťțţ", "u": "úùûüűůų", "y": "ýÿ",
        "z": "źżž",
    }.items()
    for pair in zip(variants, letter * len(variants), strict=True)
)  # fmt: skip
LETTERS = CYRILLIC | ACCENTS | {"q": "k"}
SILENT = "ьъ''ʼ’`´"
# The same keys in two layouts: Latin, Ukrainian, Russian.
KEYS = "qwertyuiop[]asdfghjkl;'zxcvbnm,.`"
UKRAINIAN = "йцукенгшщзхїфівапролджєячсмитьбю'"
RUSSIAN = "йцукенгшщзхъфывапролджэячсмитьбюё"
# Cyrillic letters people type in codes because they look Latin.
ALIKE = ("авекмнорстхі", "abekmhopctxi")


def quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


FOLD = f"""
-- One spelling for all of them: rozetka, розетка, розєтка are "rozitka"; світильник and светильник "svitilnik"; 3х2,5 is 3x2.5.
CREATE FUNCTION search_fold(given text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
SELECT regexp_replace(regexp_replace(regexp_replace(replace(translate(
  regexp_replace(regexp_replace(regexp_replace(regexp_replace(regexp_replace(translate(
    regexp_replace(regexp_replace(lower(left(given, 600)), '(\\d)\\s*[xх×*]\\s*(?=\\d)', '\\1x', 'g'),
      '(\\d),(?=\\d)', '\\1.', 'g'),
    {quoted("".join(LETTERS) + SILENT)}, {quoted("".join(LETTERS.values()))}),
    'shch|sch|sh', 's', 'g'), 'tch|ch|t[sz]', 'q', 'g'), 'zh', 'z', 'g'), 'kh', 'g', 'g'), 'ph', 'f', 'g'),
  'whyjce', 'vgiiki'), 'ks', 'x'),
  'i(?=[aeiou])', '', 'g'), '([a-z])\\1+', '\\1', 'g'), '(\\d)(?=[a-wyz])', '\\1 ', 'g')
$$;
CREATE FUNCTION search_words(given text) RETURNS text[] LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
SELECT coalesce(array_agg(w ORDER BY n), '{{}}') FROM (
  SELECT left(trim(both '.' from word), 40) AS w, n
  FROM regexp_split_to_table(search_fold(given), '[^a-z0-9.]+') WITH ORDINALITY AS s(word, n)) t
WHERE w <> ''
$$;
CREATE FUNCTION search_code(given text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
SELECT left(regexp_replace(search_fold(given), '[^a-z0-9]', '', 'g'), 60)
$$;
-- What may have been meant: as typed, letters that look alike, the other keyboard layouts.
CREATE FUNCTION search_readings(given text) RETURNS text[] LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
SELECT array_agg(r ORDER BY n) FROM (
  SELECT DISTINCT ON (r) r, n FROM unnest(ARRAY[lower(given),
    translate(lower(given), {quoted(ALIKE[0])}, {quoted(ALIKE[1])}),
    translate(lower(given), {quoted(KEYS)}, {quoted(UKRAINIAN)}),
    translate(lower(given), {quoted(KEYS)}, {quoted(RUSSIAN)}),
    translate(lower(given), {quoted(UKRAINIAN)}, {quoted(KEYS)}),
    translate(lower(given), {quoted(RUSSIAN)}, {quoted(KEYS)})]) WITH ORDINALITY AS s(r, n)
  ORDER BY r, n) t
$$;
"""

WORDS = """
-- place: 0 the whole code squeezed, 1 a part of the code, 2 and on the words of the name in their order.
CREATE TABLE product_word (
  tenant_id uuid NOT NULL DEFAULT current_setting('app.tenant_id')::uuid,
  word text COLLATE "C" NOT NULL,
  product_id uuid NOT NULL,
  place smallint NOT NULL,
  PRIMARY KEY (tenant_id, word, product_id)
);
SELECT tenant_table('product_word', 'SELECT', 'INSERT', 'DELETE');
-- Trigrams of the words of names: who is near to a misspelt one.
CREATE TABLE word_gram (
  tenant_id uuid NOT NULL DEFAULT current_setting('app.tenant_id')::uuid,
  gram text COLLATE "C" NOT NULL,
  word text COLLATE "C" NOT NULL,
  PRIMARY KEY (tenant_id, gram, word)
);
SELECT tenant_table('word_gram', 'SELECT', 'INSERT');
CREATE FUNCTION words_of_product(code text, name text) RETURNS TABLE (word text, place smallint)
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
SELECT w, min(p)::smallint FROM (
  SELECT search_code(code) AS w, 0 AS p
  UNION ALL SELECT unnest(search_words(code)), 1
  UNION ALL SELECT s.w, 1 + least(n, 30)::int FROM unnest(search_words(name)) WITH ORDINALITY s(w, n)) t
WHERE w <> '' GROUP BY w
$$;
CREATE FUNCTION learn_words() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  WITH written AS (
    INSERT INTO product_word (word, product_id, place)
    SELECT w.word, f.id, w.place FROM fresh f, words_of_product(f.code, f.name) w
    ON CONFLICT DO NOTHING RETURNING word, place)
  INSERT INTO word_gram (gram, word)
  SELECT unnest(show_trgm(word)), word FROM (
    SELECT DISTINCT word FROM written WHERE place > 1 AND word ~ '[a-z]{3}'
      AND NOT EXISTS (SELECT FROM word_gram g WHERE g.gram = '  ' || left(written.word, 1)
        AND g.word = written.word)) fresh_words
  ORDER BY 2, 1 ON CONFLICT DO NOTHING;
  RETURN NULL;
END $$;
CREATE FUNCTION learn_renamed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  DELETE FROM product_word w USING fresh f JOIN stale s ON s.id = f.id
  WHERE w.product_id = f.id AND (f.code, f.name) IS DISTINCT FROM (s.code, s.name)
    AND w.word IN (SELECT o.word FROM words_of_product(s.code, s.name) o);
  WITH written AS (
    INSERT INTO product_word (word, product_id, place)
    SELECT w.word, f.id, w.place FROM fresh f JOIN stale s ON s.id = f.id,
      words_of_product(f.code, f.name) w
    WHERE (f.code, f.name) IS DISTINCT FROM (s.code, s.name)
    ON CONFLICT DO NOTHING RETURNING word, place)
  INSERT INTO word_gram (gram, word)
  SELECT unnest(show_trgm(word)), word FROM (
    SELECT DISTINCT word FROM written WHERE place > 1 AND word ~ '[a-z]{3}') fresh_words
  ORDER BY 2, 1 ON CONFLICT DO NOTHING;
  RETURN NULL;
END $$;
CREATE TRIGGER learn_words AFTER INSERT ON product REFERENCING NEW TABLE AS fresh
  FOR EACH STATEMENT EXECUTE FUNCTION learn_words();
CREATE TRIGGER learn_renamed AFTER UPDATE ON product
  REFERENCING NEW TABLE AS fresh OLD TABLE AS stale
  FOR EACH STATEMENT EXECUTE FUNCTION learn_renamed();
DO $$
DECLARE one uuid; before text := current_setting('app.tenant_id', true);
BEGIN
  FOR one IN SELECT id FROM tenant LOOP
    PERFORM set_config('app.tenant_id', one::text, true);
    INSERT INTO product_word (word, product_id, place)
    SELECT w.word, p.id, w.place FROM product p, words_of_product(p.code, p.name) w;
    INSERT INTO word_gram (gram, word)
    SELECT unnest(show_trgm(word)), word FROM (
      SELECT DISTINCT word FROM product_word WHERE place > 1 AND word ~ '[a-z]{3}') t;
  END LOOP;
  PERFORM set_config('app.tenant_id', coalesce(before, ''), true);
END $$;
"""

SEARCH = """
-- Products meant by what was typed, better first: 5 the very code, barcode or the viewer's own article,
-- 4 a code that begins so, 3 a name that begins so, 2 all words found, below 1 words nearly so.
-- The first reading that finds anything is the one that was meant. Bounds are made before the join: a
-- condition that calls a function (word || '~') is taken for one that leaks, and the index is not used.
CREATE FUNCTION search_products(given text, viewer uuid) RETURNS TABLE (product_id uuid, rank real)
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
        for script in (FOLD, WORDS, SEARCH):
            await engine_finder().current_transaction.get().connection.execute(script)

    manager.add_raw(run)
    return manager

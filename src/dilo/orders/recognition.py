"""What a customer may mean by his words: one query finds the articles, the pure reader decides."""

from dataclasses import dataclass
from uuid import UUID

from dilo.catalogue.shelf import VISIBLE
from dilo.kit import db
from dilo.orders.spoken.matching import Line, understood
from dilo.orders.spoken.reading import Phrase, grams, phrases
from dilo.orders.spoken.shapes import Item

CANDIDATES_MOST = 60
HISTORY_DAYS = 180
# By code, barcode, own article or a name people use; and by the words of each phrase.
CANDIDATES = f"""
WITH coded AS (
  SELECT w.product_id FROM product_word w
  WHERE w.place = 0 AND w.word = ANY(
    SELECT search_code(g) COLLATE "C" FROM unnest(CAST(:grams AS text[])) g)
  UNION SELECT product_id FROM barcode WHERE code = ANY(:grams)
  UNION SELECT product_id FROM product_alias WHERE key = ANY(:grams)
  UNION SELECT product_id FROM party_item_code WHERE party_id = :viewer
    AND regexp_replace(folded, '[\\W_]', '', 'g') = ANY(:grams)),
named AS (
  SELECT s.product_id, row_number() OVER (PARTITION BY q.n) > :most AS over
  FROM unnest(CAST(:names AS text[])) WITH ORDINALITY AS q(name, n)
  CROSS JOIN LATERAL (
    SELECT product_id FROM search_products(q.name, :viewer)
    ORDER BY rank DESC, product_id LIMIT :most + 1) s),
found AS (
  SELECT product_id, bool_or(over) AS over
  FROM (SELECT product_id, false AS over FROM coded UNION ALL TABLE named) t GROUP BY product_id)
SELECT p.id, p.code, p.name, p.unit, f.over,
  ARRAY(SELECT b.code FROM barcode b WHERE b.product_id = p.id
    UNION SELECT a.phrase FROM product_alias a WHERE a.product_id = p.id
    UNION SELECT c.code FROM party_item_code c
      WHERE c.product_id = p.id AND c.party_id = :viewer) AS aliases,
  (SELECT count(*) FROM invoice_line l JOIN invoice v ON v.id = l.invoice_id
   WHERE l.product_id = p.id AND v.party_id = :viewer AND v.kind = 'invoice'
     AND v.issued_on > CAST(:on AS date) - CAST(:days AS int))::int AS times
FROM found f JOIN product p ON p.id = f.product_id AND p.retired_at IS NULL
WHERE {VISIBLE}
ORDER BY p.id
"""


@dataclass(frozen=True, slots=True)
class _Candidate:
    id: UUID
    code: str
    name: str
    unit: str
    over: bool
    aliases: list[str]
    times: int


async def recognised(party_id: UUID, message: str, on: object) -> list[Line]:
    """Every line of the message: sure, asked or unknown. ``Item.id`` is a product's id as text."""
    found = phrases(message)
    names = [name for phrase in found if (name := _name_of(phrase))]
    rows = await db.rows_as(
        _Candidate,
        CANDIDATES,
        viewer=party_id,
        grams=grams(found),
        names=names,
        most=CANDIDATES_MOST,
        on=on,
        days=HISTORY_DAYS,
    )
    items = [
        Item(str(row.id), row.code, row.name, row.unit, tuple(row.aliases), row.times)
        for row in rows
    ]
    return understood(found, items, whole=not any(row.over for row in rows))


def _name_of(phrase: Phrase) -> str:
    """What the search is asked: the phrase without its quantities."""
    return " ".join(t.text for t in phrase.tokens if t.kind in ("word", "size", "measure"))

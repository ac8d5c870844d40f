"""How often each product is bought, by everybody, in the last half-year: an order of the shelf."""

from datetime import date

from dilo.kit import db

COUNT = """
UPDATE product p SET popularity = coalesce(s.times, 0)
FROM product q LEFT JOIN (
  SELECT l.product_id, count(*)::int AS times FROM invoice v JOIN invoice_line l
    ON l.invoice_id = v.id
  WHERE v.kind = 'invoice' AND v.issued_on > CAST(:on AS date) - 180 GROUP BY l.product_id) s
  ON s.product_id = q.id
WHERE q.id = p.id AND p.popularity <> coalesce(s.times, 0)
"""


async def count_popularity(on: date) -> int:
    """Touches only the products whose figure changed; returns how many."""
    return await db.execute(COUNT, on=on)

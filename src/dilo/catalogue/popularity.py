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


COUNTED = """
INSERT INTO setting (name, value, changed_by) VALUES ('popularity', :value, 'worker')
ON CONFLICT (tenant_id, name) DO UPDATE SET value = excluded.value, changed_at = now()
WHERE setting.value <> excluded.value RETURNING name
"""


async def count_popularity_daily(on: date) -> int:
    """The first time of a day; the planning passes after it do nothing."""
    first = await db.value(COUNTED, value={"on": on.isoformat()})
    return await count_popularity(on) if first else 0


async def count_popularity(on: date) -> int:
    """Touches only the products whose figure changed; returns how many."""
    return await db.execute(COUNT, on=on)

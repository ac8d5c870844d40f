"""A viewer's shelf keeps its plan: inlined into every question, planning it cost more than asking."""

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


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id=ID, app_name="dilo", description=DESCRIPTION)

    async def run() -> None:
        await engine_finder().current_transaction.get().connection.execute(SHELF)

    manager.add_raw(run)
    return manager

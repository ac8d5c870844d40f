"""Sixty-four buyers at once against a real server: nobody errs, nothing is sold twice.

Five seconds of it; the whole minute with its figures is ``bin/bench buyers``.
"""

from decimal import Decimal as D

from browser.conftest import Street  # type: ignore[import-not-found]
from town import add_party, add_product

from benchmarks.buyers import crowd, sessions_in
from dilo.books.queries import broken
from dilo.kit import db
from tenants.scope import scope

SEATS = """
WITH made AS (
  INSERT INTO identity (email, name) SELECT 'crowd-' || n || '@example.com', 'Buyer ' || n
  FROM generate_series(1, 64) n RETURNING id)
INSERT INTO portal_user (identity_id, party_id, role)
SELECT m.id, (CAST(:parties AS uuid[]))[1 + m.n % 16], 'buyer'
FROM (SELECT id, row_number() OVER () AS n FROM made) m RETURNING identity_id
"""
SOLD = """
SELECT sum(reserved) AS reserved, sum(on_hand) AS on_hand FROM stock_level WHERE product_id = :p
"""


async def test_sixty_four_buyers_browse_and_order_and_nothing_is_sold_twice(street: Street) -> None:
    town = street.town
    async with scope(town.tenant):
        scarce = await add_product(town, "SCARCE", "Остання партія", D(10), on_hand=30)
        parties = [
            await add_party(town, f"CROWD-{n}", "Юрба", limit=D(10_000_000), depth=14)
            for n in range(16)
        ]
        users = [row["identity_id"] for row in await db.rows(SEATS, parties=parties)]
    sessions = await sessions_in(town.tenant.id, users)
    wish = {"scarce": "SCARCE 3", "ample": "LAMP-1 1"}
    found = await crowd(street.port, town.host, sessions, 5, **wish)
    assert not found.errors
    assert len(found.placed) > 10
    async with scope(town.tenant):
        sold = await db.one(SOLD, p=scarce)
        assert 0 < sold["reserved"] <= sold["on_hand"] == D(30)
        assert await broken() == []

"""When money comes in, held orders of that party try the gates again, the oldest first."""

from uuid import UUID

from dilo.kit import db
from dilo.orders.actions.draft import submit_order
from dilo.orders.commands import Placed
from tenants.actors import SYSTEM

HELD = """
SELECT id FROM sales_order WHERE party_id = :party_id AND state = 'on_hold'
ORDER BY submitted_at, id LIMIT 100
"""


async def reconsider_held(party_id: UUID) -> list[Placed]:
    held = await db.rows(HELD, party_id=party_id)
    return [await submit_order(SYSTEM, row["id"]) for row in held]

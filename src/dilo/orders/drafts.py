"""A draft typed without a network comes when the network does; sent twice, it counts once."""

import re
from datetime import timedelta

from dilo.kit import clock, db
from tenants.actors import Actor

KEY = re.compile(r"[0-9a-zA-Z-]{8,64}")
KEPT = timedelta(days=90)  # no device keeps a draft that long unsent
TAKE = """
WITH old AS (DELETE FROM sent_draft WHERE identity_id = :who AND at < :since)
INSERT INTO sent_draft (identity_id, key) VALUES (:who, :key)
ON CONFLICT DO NOTHING RETURNING key
"""


async def first_time(actor: Actor, key: str) -> bool:
    """Takes the key in the caller's transaction; a form without one is not a draft."""
    if not KEY.fullmatch(key):
        return True
    since = clock.now() - KEPT
    return await db.value(TAKE, who=actor.id, key=key, since=since) is not None

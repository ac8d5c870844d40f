"""A draft typed without a network comes when the network does; sent twice, it counts once."""

import re

from dilo.kit import db
from tenants.actors import Actor

KEY = re.compile(r"[0-9a-zA-Z-]{8,64}")
TAKE = """
INSERT INTO sent_draft (identity_id, key) VALUES (:who, :key)
ON CONFLICT DO NOTHING RETURNING key
"""


async def first_time(actor: Actor, key: str) -> bool:
    """Takes the key in the caller's transaction; a form without one is not a draft."""
    if not KEY.fullmatch(key):
        return True
    return await db.value(TAKE, who=actor.id, key=key) is not None

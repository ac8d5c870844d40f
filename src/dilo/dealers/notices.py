"""What dealers are told in their chat or mail: a key with its figures, once for a fact."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import msgspec

from dilo.kit import db, outbox

KIND = "dealer_notice"
CHANNELS = ("telegram", "email")
PUT = """
INSERT INTO outbox (channel, kind, dedupe_key, payload, party_id)
SELECT :channel, :kind, 'dealer:' || :fact || ':' || d, :payload, d
FROM unnest(CAST(:parties AS uuid[])) AS d
ON CONFLICT (tenant_id, channel, dedupe_key) DO NOTHING
"""


async def tell_all(parties: Sequence[UUID], fact: str, key: str, **figures: Any) -> None:
    """``fact`` makes a repeat the same message; it goes by the first channel that answers."""
    if not parties:
        return
    outbox.touch()
    await db.execute(
        PUT,
        channel=CHANNELS[0],
        kind=KIND,
        fact=fact,
        payload={
            "key": key,
            "figures": msgspec.to_builtins(figures),
            "channels": list(CHANNELS),
        },
        parties=list(parties),
    )


async def tell(party_id: UUID, fact: str, key: str, **figures: Any) -> None:
    await tell_all([party_id], fact, key, **figures)

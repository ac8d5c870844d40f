"""What came from outside, once: the same external id is taken a second time by nobody."""

from typing import Any

from dilo.kit import db

TAKE = """
INSERT INTO inbox (source, external_id, payload) VALUES (:source, :external_id, :payload)
ON CONFLICT (tenant_id, source, external_id) DO NOTHING RETURNING id
"""
KNOWN = "SELECT 1 FROM inbox WHERE source = :source AND external_id = :external_id"


async def take(source: str, external_id: str, payload: dict[str, Any]) -> bool:
    """True for the first time. The row commits with whatever the message caused."""
    return await db.value(TAKE, source=source, external_id=external_id, payload=payload) is not None


async def known(source: str, external_id: str) -> bool:
    return await db.value(KNOWN, source=source, external_id=external_id) is not None

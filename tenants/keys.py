"""API keys: shown once, stored hashed, each with its own verbs."""

import hashlib
import secrets
from dataclasses import dataclass
from uuid import UUID

from dilo.kit import db

ADD = """
INSERT INTO api_key (name, prefix, key_hash, verbs) VALUES (:name, :prefix, :key_hash, :verbs)
"""
OWNER = """
SELECT id, name, verbs FROM api_key WHERE key_hash = :key_hash AND revoked_at IS NULL
"""


@dataclass(frozen=True, slots=True)
class ApiKey:
    id: UUID
    name: str
    verbs: list[str]


def _hash(key: str) -> bytes:
    return hashlib.sha256(key.encode()).digest()


async def add_key(name: str, verbs: list[str]) -> str:
    """Returns the key: the only time it is seen."""
    key = f"dilo_{secrets.token_urlsafe(32)}"
    await db.execute(ADD, name=name, prefix=key[:9], key_hash=_hash(key), verbs=sorted(verbs))
    return key


async def key_owner(key: str) -> ApiKey | None:
    return await db.one_or_none_as(ApiKey, OWNER, key_hash=_hash(key[:200]))

"""Passwords, sessions and the throttle of sign-in. Tokens are stored hashed; a session is one
tenant's."""

import asyncio
import hashlib
import secrets
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from uuid import UUID

from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher

from dilo.kit import clock, db
from dilo.kit.errors import Refusal
from tenants.scope import Tenant, scope

SESSION_DAYS = 30
ATTEMPTS_MAX = 8
ATTEMPT_WINDOW = timedelta(minutes=15)

BY_EMAIL = """
SELECT i.id, i.name, i.password_hash, m.role FROM identity i
LEFT JOIN membership m ON m.tenant_id = i.tenant_id AND m.identity_id = i.id
WHERE i.email = :email AND i.disabled_at IS NULL
"""
OPEN = """
INSERT INTO session (door, identity_id, token_hash, expires_at, user_agent)
VALUES (:door, :identity_id, :token_hash, :expires_at, :user_agent)
"""
PRINCIPAL = """
SELECT i.id, i.name, i.email, i.language, i.theme, m.role FROM session s
JOIN identity i ON i.tenant_id = s.tenant_id AND i.id = s.identity_id AND i.disabled_at IS NULL
LEFT JOIN membership m ON m.tenant_id = i.tenant_id AND m.identity_id = i.id
WHERE s.token_hash = :token_hash AND s.door = :door AND s.expires_at > :now
"""
CLOSE = "DELETE FROM session WHERE token_hash = :token_hash"
CLOSE_OTHERS = "DELETE FROM session WHERE identity_id = :identity_id AND token_hash <> :token_hash"
HIT = """
INSERT INTO throttle AS t (key, window_started_at, hits) VALUES (:key, :now, 1)
ON CONFLICT (tenant_id, key) DO UPDATE SET
  hits = CASE WHEN t.window_started_at < :window_start THEN 1 ELSE t.hits + 1 END,
  window_started_at = CASE WHEN t.window_started_at < :window_start THEN :now
                      ELSE t.window_started_at END
RETURNING hits
"""
RELIEVE = "DELETE FROM throttle WHERE key = ANY(:keys)"


@dataclass(frozen=True, slots=True)
class Principal:
    """Who a session belongs to; ``role`` is the staff role, None for an outsider."""

    id: UUID
    name: str
    email: str
    language: str | None
    theme: str
    role: str | None


@cache
def _hasher() -> PasswordHash:
    return PasswordHash((Argon2Hasher(),))


@cache
def _nobodys_hash() -> str:
    return _hasher().hash(secrets.token_hex(16))


_hashing = asyncio.Semaphore(2)  # argon2id takes 64 MiB and 100 ms each


async def hash_password(password: str) -> str:
    async with _hashing:
        return await asyncio.to_thread(_hasher().hash, password)


async def _verify(password: str, password_hash: str | None) -> bool:
    """Takes as long for somebody unknown as for a wrong password."""
    async with _hashing:
        good = await asyncio.to_thread(
            _hasher().verify, password, password_hash or await asyncio.to_thread(_nobodys_hash)
        )
    return good and password_hash is not None


def token_hash(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()


async def throttled(tenant: Tenant, keys: list[str], most: int = ATTEMPTS_MAX) -> None:
    """Counts a try against every key, in a transaction of its own. Raises TOO_MANY_ATTEMPTS
    (429)."""
    now = clock.now()
    async with scope(tenant):
        hits = [
            await db.value(HIT, key=key, now=now, window_start=now - ATTEMPT_WINDOW) for key in keys
        ]
    if max(hits) > most:
        raise Refusal("TOO_MANY_ATTEMPTS", status=429, minutes=15)


async def sign_in(
    tenant: Tenant, door: str, email: str, password: str, *, address: str, user_agent: str
) -> str:
    """Returns the session token. Raises SIGN_IN_FAILED (401), the same for every reason."""
    email = email.strip().lower()[:254]
    keys = [f"sign-in:{email}", f"sign-in-from:{address}:{email}"]
    await throttled(tenant, keys)
    async with scope(tenant):
        found = await db.one_or_none(BY_EMAIL, email=email)
    good = await _verify(password[:1024], found["password_hash"] if found else None)
    if not good or found is None or (door == "office" and found["role"] is None):
        raise Refusal("SIGN_IN_FAILED", status=401)
    async with scope(tenant):
        await db.execute(RELIEVE, keys=keys)
        return await open_session(door, found["id"], user_agent)


async def open_session(door: str, identity_id: UUID, user_agent: str) -> str:
    token = secrets.token_urlsafe(32)
    await db.execute(
        OPEN,
        door=door,
        identity_id=identity_id,
        token_hash=token_hash(token),
        expires_at=clock.now() + timedelta(days=SESSION_DAYS),
        user_agent=user_agent[:200],
    )
    return token


async def principal_of(door: str, token: str | None) -> Principal | None:
    if not token:
        return None
    return await db.one_or_none_as(
        Principal, PRINCIPAL, token_hash=token_hash(token), door=door, now=clock.now()
    )


async def sign_out(token: str) -> None:
    await db.execute(CLOSE, token_hash=token_hash(token))


async def sign_out_elsewhere(identity_id: UUID, token: str) -> None:
    await db.execute(CLOSE_OTHERS, identity_id=identity_id, token_hash=token_hash(token))

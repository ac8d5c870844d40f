"""Passwords, sessions and the throttle of sign-in. Tokens are stored hashed; a session is one
tenant's."""

import asyncio
import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
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
SEEN_EVERY = timedelta(minutes=10)

PASSWORD_OF = "SELECT password_hash FROM identity WHERE id = :id"
BY_EMAIL = """
SELECT i.id, i.name, i.password_hash, m.role FROM identity i
LEFT JOIN membership m ON m.tenant_id = i.tenant_id AND m.identity_id = i.id
WHERE i.email = :email AND i.disabled_at IS NULL
"""
OPEN = """
INSERT INTO session (door, identity_id, token_hash, expires_at, user_agent, address, party_id,
  staff_id, seen_at, chat)
VALUES (:door, :identity_id, :token_hash, :expires_at, :user_agent, :address, :party_id, :staff_id,
  :now, :chat)
"""
PRINCIPAL = """
SELECT i.id, i.name, i.email, i.language, i.theme, m.role, s.id AS session_id, s.party_id,
  s.seen_at, s.chat, s.staff_id, h.name AS staff_name, hm.role AS staff_role
FROM session s
JOIN identity i ON i.tenant_id = s.tenant_id AND i.id = s.identity_id AND i.disabled_at IS NULL
LEFT JOIN membership m ON m.tenant_id = i.tenant_id AND m.identity_id = i.id
LEFT JOIN identity h ON h.tenant_id = s.tenant_id AND h.id = s.staff_id AND h.disabled_at IS NULL
LEFT JOIN membership hm ON hm.tenant_id = h.tenant_id AND hm.identity_id = h.id
WHERE s.token_hash = :token_hash AND s.door = :door AND s.expires_at > :now
"""
# Whoever comes second at the same moment does not wait to say the same.
SEEN = """
UPDATE session SET seen_at = :now
WHERE id = (SELECT id FROM session WHERE id = :id FOR UPDATE SKIP LOCKED)
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
SESSIONS = """
SELECT id, created_at, coalesce(seen_at, created_at) AS seen_at, user_agent, address, token_hash
FROM session WHERE identity_id = :identity_id AND door = :door AND expires_at > :now
  AND staff_id IS NULL ORDER BY seen_at DESC NULLS LAST LIMIT 50
"""
CHOOSE = "UPDATE session SET party_id = :party_id WHERE token_hash = :token_hash"
RELIEVE = "DELETE FROM throttle WHERE key = ANY(:keys)"


@dataclass(frozen=True, slots=True)
class Principal:
    """Who a session belongs to; ``role`` is the staff role, None for an outsider.

    ``party_id``: the company he chose to act for. ``staff_id``: a colleague who looks at the portal
    as him, with the role that colleague has now (None: dismissed). ``chat``: where it was opened
    in Telegram; it lasts no longer than the link of that chat.
    """

    id: UUID
    name: str
    email: str
    language: str | None
    theme: str
    role: str | None
    session_id: UUID
    party_id: UUID | None
    seen_at: datetime | None
    chat: str | None
    staff_id: UUID | None
    staff_name: str | None
    staff_role: str | None


HASHER = Argon2Hasher()  # argon2id takes 64 MiB and 100 ms each


@cache
def _hasher() -> PasswordHash:
    return PasswordHash((HASHER,))


@cache
def _nobodys_hash() -> str:
    return _hasher().hash(secrets.token_hex(16))


_hashing = asyncio.Semaphore(2)


async def hash_password(password: str) -> str:
    async with _hashing:
        return await asyncio.to_thread(_hasher().hash, password)


async def confirm_password(tenant: Tenant, identity_id: UUID, password: str) -> None:
    """Whoever has none yet confirms nothing. Raises PASSWORD_WRONG, TOO_MANY_ATTEMPTS."""
    async with scope(tenant):
        kept = await db.value(PASSWORD_OF, id=identity_id)
    if kept is None:
        return
    await throttled(tenant, [f"password:{identity_id}"])
    if not await _verify(password[:1024], kept):
        raise Refusal("PASSWORD_WRONG", status=422)


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
        return await open_session(door, found["id"], user_agent, address=address)


async def open_session(
    door: str,
    identity_id: UUID,
    user_agent: str,
    *,
    address: str | None = None,
    party_id: UUID | None = None,
    staff_id: UUID | None = None,
    chat: str | None = None,
    lasts: timedelta = timedelta(days=SESSION_DAYS),
) -> str:
    """Returns its token, seen only now."""
    token, now = secrets.token_urlsafe(32), clock.now()
    await db.execute(
        OPEN,
        door=door,
        identity_id=identity_id,
        token_hash=token_hash(token),
        expires_at=now + lasts,
        user_agent=user_agent[:200],
        address=address,
        party_id=party_id,
        staff_id=staff_id,
        now=now,
        chat=chat,
    )
    return token


async def principal_of(door: str, token: str | None) -> Principal | None:
    if not token:
        return None
    now = clock.now()
    found = await db.one_or_none_as(
        Principal, PRINCIPAL, token_hash=token_hash(token), door=door, now=now
    )
    if found and (found.seen_at is None or found.seen_at < now - SEEN_EVERY):
        await db.execute(SEEN, id=found.session_id, now=now)
    return found


async def sign_out(token: str) -> None:
    await db.execute(CLOSE, token_hash=token_hash(token))


async def sessions_of(identity_id: UUID, door: str) -> list[db.Row]:
    """Where somebody is signed in; a colleague's visits in his name are not his."""
    return await db.rows(SESSIONS, identity_id=identity_id, door=door, now=clock.now())


async def choose_company(token: str, party_id: UUID) -> None:
    """The caller has checked the seat; it is checked again at every request."""
    await db.execute(CHOOSE, token_hash=token_hash(token), party_id=party_id)


async def sign_out_elsewhere(identity_id: UUID | None, token: str) -> None:
    await db.execute(CLOSE_OTHERS, identity_id=identity_id, token_hash=token_hash(token))

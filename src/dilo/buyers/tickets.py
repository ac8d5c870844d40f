"""Ways in without a password: a letter with a link, a tap in Telegram; and a new password.

A ticket works once, for minutes, and a sign-in only in the browser that asked for it. An address
nobody has is told the same and costs the same: its letter is dropped when it would be written.
"""

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from dilo.buyers.codes import code_hash, new_code
from dilo.buyers.letters import TICKET
from dilo.kit import clock, db, outbox
from dilo.kit.errors import NotFound, Refusal
from tenants import audit
from tenants.actors import Actor
from tenants.scope import Tenant, scope
from tenants.sessions import hash_password, throttled

MINUTES = {"link": 15, "telegram": 5, "reset": 30}
PER_ADDRESS, PER_BROWSER_ADDRESS = 5, 30
# Only people of the portal; the letters of staff are the office's.
IDENTITY = """
SELECT i.id, i.language FROM identity i WHERE i.email = :email AND i.disabled_at IS NULL
  AND EXISTS (SELECT 1 FROM portal_user u WHERE u.identity_id = i.id AND u.disabled_at IS NULL)
"""
ADD = """
INSERT INTO sign_in_ticket (kind, identity_id, code_hash, browser_hash, address, user_agent,
  expires_at)
VALUES (:kind, :identity_id, :code_hash, :browser_hash, :address, :user_agent, :until) RETURNING id
"""
SWEEP = (
    "DELETE FROM sign_in_ticket WHERE expires_at < CAST(:now AS timestamptz) - interval '7 days'"
)
LOOK = """
SELECT t.id, t.browser_hash, i.name, i.email FROM sign_in_ticket t
JOIN identity i ON i.id = t.identity_id AND i.disabled_at IS NULL
WHERE t.kind = :kind AND t.code_hash = :code_hash AND t.used_at IS NULL AND t.expires_at > :now
"""
USE_LINK = """
UPDATE sign_in_ticket SET used_at = :now
WHERE kind = 'link' AND code_hash = :code_hash AND browser_hash = :browser_hash
  AND used_at IS NULL AND expires_at > :now RETURNING identity_id
"""
HEAR = """
UPDATE sign_in_ticket SET identity_id = :identity_id
WHERE kind = 'telegram' AND code_hash = :code_hash AND used_at IS NULL AND expires_at > :now
  AND (identity_id IS NULL OR identity_id = :identity_id) RETURNING id, address, user_agent
"""
CONFIRM = """
UPDATE sign_in_ticket SET confirmed_at = CASE WHEN :yes THEN CAST(:now AS timestamptz) END,
  used_at = CASE WHEN :yes THEN used_at ELSE CAST(:now AS timestamptz) END
WHERE kind = 'telegram' AND id = :id AND identity_id = :identity_id AND confirmed_at IS NULL
  AND used_at IS NULL AND expires_at > :now RETURNING id
"""
USE_TELEGRAM = """
UPDATE sign_in_ticket SET used_at = :now
WHERE kind = 'telegram' AND browser_hash = :browser_hash AND confirmed_at IS NOT NULL
  AND used_at IS NULL AND expires_at > :now RETURNING identity_id
"""
ASKING = """
SELECT 1 FROM sign_in_ticket WHERE kind = 'telegram' AND browser_hash = :browser_hash
  AND used_at IS NULL AND expires_at > :now LIMIT 1
"""
USE_RESET = """
UPDATE sign_in_ticket SET used_at = :now
WHERE kind = 'reset' AND code_hash = :code_hash AND used_at IS NULL AND expires_at > :now
RETURNING identity_id
"""
# A new password ends what the old one opened: sessions, and letters still on their way.
RENEW = """
WITH ended AS (DELETE FROM session WHERE identity_id = :id),
spoiled AS (UPDATE sign_in_ticket SET used_at = :now WHERE identity_id = :id AND used_at IS NULL)
UPDATE identity SET password_hash = :hash WHERE id = :id AND disabled_at IS NULL RETURNING name
"""


@dataclass(frozen=True, slots=True)
class Browser:
    """Who asks: the secret in his cookie, where from, with what."""

    secret: str
    address: str
    user_agent: str
    host: str


async def ask_letter(tenant: Tenant, kind: str, email: str, browser: Browser) -> None:
    """``kind``: link or reset. Says nothing of whether the address is known.

    Raises TOO_MANY_ATTEMPTS (429).
    """
    email = email.strip().lower()[:254]
    await throttled(tenant, [f"{kind}:{email}"], PER_ADDRESS)
    await throttled(tenant, [f"{kind}-from:{browser.address}"], PER_BROWSER_ADDRESS)
    async with scope(tenant):
        found = await db.one_or_none(IDENTITY, email=email)
        ticket = await _add(kind, browser, found["id"] if found else None, None)
        payload = {
            "ticket_id": str(ticket),
            "address": email,
            "language": (found and found["language"]) or tenant.language,
            "host": browser.host,
        }
        await outbox.put("email", TICKET, f"ticket:{ticket}", payload, priority=0)


async def _add(kind: str, browser: Browser, identity_id: UUID | None, code: str | None) -> UUID:
    now = clock.now()
    await db.execute(SWEEP, now=now)
    return await db.value(
        ADD,
        kind=kind,
        identity_id=identity_id,
        code_hash=code_hash(code) if code else None,
        browser_hash=code_hash(browser.secret),
        address=browser.address,
        user_agent=browser.user_agent[:200],
        until=now + timedelta(minutes=MINUTES[kind]),
    )


async def look(kind: str, code: str, browser_secret: str) -> db.Row:
    """Whose letter this is, before anything is used up. Raises LINK_GONE, OTHER_BROWSER."""
    found = await db.one_or_none(LOOK, kind=kind, code_hash=code_hash(code), now=clock.now())
    if found is None:
        raise NotFound("LINK_GONE")
    if kind == "link" and found["browser_hash"] != code_hash(browser_secret):
        raise Refusal("OTHER_BROWSER", status=403)
    return found


async def use_link(code: str, browser_secret: str) -> UUID:
    """Whose link it was. Raises LINK_GONE, the second time too."""
    used = await db.value(
        USE_LINK,
        code_hash=code_hash(code),
        browser_hash=code_hash(browser_secret),
        now=clock.now(),
    )
    if used is None:
        raise NotFound("LINK_GONE")
    return used


async def begin_telegram(tenant: Tenant, browser: Browser) -> str:
    """The code of the deep link. Raises TOO_MANY_ATTEMPTS."""
    await throttled(tenant, [f"telegram-from:{browser.address}"], PER_BROWSER_ADDRESS)
    code = new_code()
    async with scope(tenant):
        await _add("telegram", browser, None, code)
    return code


async def heard_in_chat(code: str, identity_id: UUID | None) -> db.Row:
    """Somebody linked brought the code to his chat; he is asked there. Raises LINK_CODE_BAD."""
    found = await db.one_or_none(
        HEAR, code_hash=code_hash(code), identity_id=identity_id, now=clock.now()
    )
    if found is None:
        raise Refusal("LINK_CODE_BAD")
    return found


async def confirm_in_chat(ticket_id: UUID, identity_id: UUID | None, yes: bool) -> None:
    """Raises LINK_CODE_BAD for another's, a used or an expired one."""
    done = await db.value(CONFIRM, id=ticket_id, identity_id=identity_id, yes=yes, now=clock.now())
    if done is None:
        raise Refusal("LINK_CODE_BAD")


async def use_telegram(browser_secret: str) -> UUID | None:
    """Who confirmed in the chat for this browser; None while nobody has."""
    return await db.value(USE_TELEGRAM, browser_hash=code_hash(browser_secret), now=clock.now())


async def is_asking(browser_secret: str) -> bool:
    return bool(await db.value(ASKING, browser_hash=code_hash(browser_secret), now=clock.now()))


async def set_new_password(tenant: Tenant, code: str, password: str) -> None:
    """Every session of the person ends. Raises LINK_GONE, PASSWORD_SHORT."""
    async with scope(tenant):
        await look("reset", code, "")
    if not 8 <= len(password) <= 1024:
        raise Refusal("PASSWORD_SHORT", status=422)
    hashed = await hash_password(password)
    async with scope(tenant):
        used = await db.value(USE_RESET, code_hash=code_hash(code), now=clock.now())
        name = used and await db.value(RENEW, id=used, hash=hashed, now=clock.now())
        if not name:
            raise NotFound("LINK_GONE")
        await audit.note(Actor("portal", used, name), "people.password", "identity", used)

"""How a chat comes to be somebody's: a deep link, typed digits, a shared phone, a group's code.

Whoever guesses, forwards or repeats a code hears the same sentence as for an expired one; what
really happened is in ``Stranger``, for the security log.
"""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal
from uuid import UUID

from dilo.kit import clock, db
from dilo.kit.errors import NotFound, Refusal
from tenants import audit

Kind = Literal["deep", "digits", "group"]
MINUTES: dict[Kind, int] = {"deep": 60, "digits": 15, "group": 60}
ANSWER_MINUTES = 30
GUESSES_OF_CHAT, GUESSES_OF_ALL = 5, 100
ADD_CODE = """
INSERT INTO link_code (code_hash, identity_id, party_id, expires_at, kind)
VALUES (:code_hash, :identity_id, :party_id, :expires_at, :kind)
"""
IS_PORTAL_USER = """
SELECT role FROM portal_user WHERE identity_id = :i AND party_id = :p AND disabled_at IS NULL
"""
# Locked: of two chats with one code, one wins.
CODE = """
SELECT c.id, c.identity_id, c.party_id, c.expires_at, c.used_at, c.kind, c.asked_chat,
  c.asked_name, i.name, u.role
FROM link_code c JOIN identity i ON i.id = c.identity_id AND i.disabled_at IS NULL
LEFT JOIN portal_user u ON u.identity_id = c.identity_id AND u.party_id = c.party_id
  AND u.disabled_at IS NULL
"""
CODE_OF_HASH = f"{CODE} WHERE c.code_hash = :hash FOR UPDATE OF c"
CODE_ASKED = f"{CODE} WHERE c.id = :id AND c.asked_chat IS NOT NULL FOR UPDATE OF c"
USE = """
UPDATE link_code SET used_at = coalesce(used_at, :now), asked_chat = :chat, asked_name = :name
WHERE id = :id
"""
LINK = """
INSERT INTO contact_channel (party_id, channel, address, identity_id, contact_id, is_group, title,
  chosen_at, last_active_at)
VALUES (:party_id, 'telegram', :chat, :identity_id, :contact_id, :is_group, :title, :now, :now)
ON CONFLICT (tenant_id, party_id, channel, address) DO UPDATE
SET identity_id = excluded.identity_id, contact_id = excluded.contact_id, title = excluded.title,
  chosen_at = excluded.chosen_at, last_active_at = excluded.last_active_at, opted_out_at = NULL,
  dead_at = NULL, dead_reason = NULL
"""
OLD_CHAT = """
SELECT address FROM contact_channel WHERE channel = 'telegram' AND identity_id = :identity_id
  AND address <> :chat AND NOT is_group AND dead_at IS NULL LIMIT 1
"""
OTHERS_HERE = """
SELECT coalesce(i.name, c.name, '') AS name FROM contact_channel h
LEFT JOIN identity i ON i.id = h.identity_id LEFT JOIN contact c ON c.id = h.contact_id
WHERE h.channel = 'telegram' AND h.address = :chat
  AND (h.is_group OR h.identity_id IS DISTINCT FROM :identity_id) LIMIT 1
"""
UNLINK_PERSON = """
DELETE FROM contact_channel WHERE channel = 'telegram' AND identity_id = :identity_id
  AND NOT is_group AND address <> :chat
"""
UNLINK_OTHERS = """
DELETE FROM contact_channel WHERE channel = 'telegram' AND address = :chat
  AND identity_id IS DISTINCT FROM :identity_id
"""
# The telephone is a contact's, confirmed by people; the contact is a portal user by e-mail.
OWNERS_OF_PHONE = """
SELECT h.party_id, h.contact_id, p.name AS party_name, u.identity_id
FROM contact_channel h JOIN party p ON p.id = h.party_id AND p.closed_at IS NULL
LEFT JOIN contact_channel m ON m.contact_id = h.contact_id AND m.channel = 'email'
LEFT JOIN identity i ON i.email = lower(m.address) AND i.disabled_at IS NULL
LEFT JOIN portal_user u ON u.identity_id = i.id AND u.party_id = h.party_id
  AND u.disabled_at IS NULL
WHERE h.channel = 'sms' AND h.address = :phone AND h.verified_at IS NOT NULL
  AND h.contact_id IS NOT NULL
ORDER BY p.name LIMIT 20
"""


class Stranger(Refusal):
    """Told the same sentence, whatever it was; ``what`` is for the security log."""

    def __init__(self, what: str, why: str, code: str = "LINK_CODE_BAD") -> None:
        super().__init__(code)
        self.what, self.why = what, why


@dataclass(frozen=True, slots=True)
class Here:
    """The chat that asks: ``id`` as text; ``name`` as Telegram shows the person or the group."""

    id: str
    name: str
    is_group: bool = False


@dataclass(frozen=True, slots=True)
class Linked:
    party_id: UUID


@dataclass(frozen=True, slots=True)
class Asks:
    """Somebody must say yes first, in ``chat``: the person's chat before, or this very one, whose
    owner is ``owner``."""

    request_id: UUID
    chat: str
    owner: str
    who: str


def _hash(code: str) -> bytes:
    return hashlib.sha256(code[:200].encode()).digest()


async def make_link_code(party_id: UUID, identity_id: UUID, kind: Kind = "deep") -> str:
    """A one-time code; only its hash is kept. Raises NOT_FOUND, FORBIDDEN (a group is the company
    admin's)."""
    role = await db.value(IS_PORTAL_USER, i=identity_id, p=party_id)
    if role is None:
        raise NotFound
    if kind == "group" and role != "admin":
        raise Refusal("FORBIDDEN", status=403, verb="company.edit")
    code = f"{secrets.randbelow(10**8):08}" if kind == "digits" else secrets.token_urlsafe(18)
    await db.execute(
        ADD_CODE,
        code_hash=_hash(code),
        identity_id=identity_id,
        party_id=party_id,
        expires_at=clock.now() + timedelta(minutes=MINUTES[kind]),
        kind=kind,
    )
    return code


async def link_by_code(code: str, here: Here) -> Linked | Asks:
    """Raises LINK_CODE_BAD (a Stranger) for an unknown, used, expired, misplaced code alike."""
    mine, everybodys = await audit.recent_alarms("link_code", here.id)
    if mine >= GUESSES_OF_CHAT or (code.isdigit() and everybodys >= GUESSES_OF_ALL):
        raise Stranger("link_throttled", "throttled")
    found = await db.one_or_none(CODE_OF_HASH, hash=_hash(code))
    if found is None:
        raise Stranger("link_code", "guessed")
    if wrong := _wrong(found, here):
        raise Stranger("link_code", wrong)
    owner = found["identity_id"]
    old = None if here.is_group else await db.value(OLD_CHAT, identity_id=owner, chat=here.id)
    other = await db.value(OTHERS_HERE, identity_id=owner, chat=here.id)
    if here.is_group and other is not None:
        raise Stranger("link_code", "group_taken")
    asks = old or (here.id if other is not None else None)
    await db.execute(
        USE, id=found["id"], now=clock.now(), chat=here.id if asks else None, name=here.name
    )
    if asks:
        return Asks(found["id"], asks, str(other or ""), found["name"])
    # A group is the company's, not his who connected it: nobody's own letters go there.
    await _link(found["party_id"], here, None if here.is_group else owner, None)
    return Linked(found["party_id"])


def _wrong(found: db.Row, here: Here) -> str | None:
    if found["used_at"] is not None:
        return "used"
    if found["expires_at"] <= clock.now():
        return "expired"
    if (found["kind"] == "group") != here.is_group:
        return "misplaced"
    return None if found["role"] else "no_account"


async def _link(party_id: UUID, here: Here, identity_id: UUID | None, contact: UUID | None) -> None:
    await db.execute(
        LINK,
        party_id=party_id,
        chat=here.id,
        identity_id=identity_id,
        contact_id=contact,
        is_group=here.is_group,
        title=here.name[:100],
        now=clock.now(),
    )


async def answer_request(request_id: UUID, chat: str, agrees: bool) -> str:
    """Yes or no from the chat that was asked. Returns the chat that waits for the answer.

    Raises LINK_CODE_BAD for a request that is not this chat's to decide, or is too old.
    """
    found = await db.one_or_none(CODE_ASKED, id=request_id)
    asked_too_long_ago = clock.now() - timedelta(minutes=ANSWER_MINUTES)
    if found is None or found["used_at"] < asked_too_long_ago or found["role"] is None:
        raise Stranger("link_request", "not_asked")
    owner, there = found["identity_id"], found["asked_chat"]
    old = await db.value(OLD_CHAT, identity_id=owner, chat=there)
    if chat != (old or there):
        raise Stranger("link_request", "not_asked")
    await db.execute(USE, id=request_id, now=clock.now(), chat=None, name=None)
    if agrees:
        await db.execute(UNLINK_PERSON, identity_id=owner, chat=there)
        await db.execute(UNLINK_OTHERS, identity_id=owner, chat=there)
        await _link(found["party_id"], Here(there, found["asked_name"] or ""), owner, None)
    return there


async def link_by_phone(phone: str, here: Here) -> list[str]:
    """``phone``: E.164, shared by its owner himself. Returns names of the companies it is good for.

    Raises LINK_PHONE_UNKNOWN, LINK_TAKEN (this person or this chat is connected otherwise).
    """
    owners = await db.rows(OWNERS_OF_PHONE, phone=phone)
    if not owners:
        raise Stranger("link_phone", "unknown_phone", "LINK_PHONE_UNKNOWN")
    for owner in owners:
        person = owner["identity_id"]
        old = await db.value(OLD_CHAT, identity_id=person, chat=here.id) if person else None
        others = await db.value(OTHERS_HERE, identity_id=person, chat=here.id) if person else None
        if old or others is not None:
            raise Stranger("link_phone", "taken", "LINK_TAKEN")
    for owner in owners:
        contact = None if owner["identity_id"] else owner["contact_id"]
        await _link(owner["party_id"], here, owner["identity_id"], contact)
    return [owner["party_name"] for owner in owners]

"""A colleague's Telegram: linked by a one-time code, asked for his role at every tap."""

import hashlib
import secrets
from datetime import timedelta

from dilo.kit import clock, db
from dilo.kit.errors import Refusal
from dilo.people.roles import VERBS
from tenants.actors import Actor

CODE_MINUTES = 60
PREFIX = "staff-"
ASK = """
INSERT INTO staff_chat (identity_id, code_hash, code_expires_at) VALUES (:id, :hash, :until)
ON CONFLICT (tenant_id, identity_id) DO UPDATE
SET code_hash = excluded.code_hash, code_expires_at = excluded.code_expires_at
"""
FREE = "UPDATE staff_chat SET chat_id = NULL, linked_at = NULL WHERE chat_id = :chat_id"
LINK = """
UPDATE staff_chat SET chat_id = :chat_id, linked_at = :now, code_hash = NULL
WHERE code_hash = :hash AND code_expires_at > :now RETURNING identity_id, old.chat_id AS before
"""
OF_CHAT = """
SELECT i.id, i.name, i.language, m.role FROM staff_chat c
JOIN identity i ON i.id = c.identity_id AND i.disabled_at IS NULL
JOIN membership m ON m.identity_id = i.id WHERE c.chat_id = :chat_id
"""
UNLINK = "DELETE FROM staff_chat WHERE identity_id = :id"


def _hash(code: str) -> bytes:
    return hashlib.sha256(code[:200].encode()).digest()


async def make_code(actor: Actor) -> str:
    """For ``/start`` in the company's bot; shown once, good for an hour, only its hash is kept."""
    code = PREFIX + secrets.token_urlsafe(18)
    until = clock.now() + timedelta(minutes=CODE_MINUTES)
    await db.execute(ASK, id=actor.id, hash=_hash(code), until=until)
    return code


async def link_chat(code: str, chat_id: str) -> str | None:
    """A code works once; a chat is one colleague's. Returns the chat he had before.

    Raises LINK_CODE_BAD.
    """
    await db.execute(FREE, chat_id=chat_id)
    linked = await db.one_or_none(LINK, hash=_hash(code), chat_id=chat_id, now=clock.now())
    if linked is None:
        raise Refusal("LINK_CODE_BAD")
    return linked["before"]


async def colleague_of_chat(chat_id: str) -> tuple[Actor, str | None] | None:
    """With the role held at this moment: the dismissed are nobody. And the language."""
    found = await db.one_or_none(OF_CHAT, chat_id=chat_id)
    if found is None:
        return None
    verbs = VERBS[found["role"]]
    return Actor("staff", found["id"], found["name"], verbs, role=found["role"]), found["language"]


async def unlink(actor: Actor) -> None:
    await db.execute(UNLINK, id=actor.id)

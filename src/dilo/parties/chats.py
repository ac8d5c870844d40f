"""Whose chat is it: people and groups of a company in Telegram.

A chat's row is a contact_channel; a person who acts for several companies has several, and the one
chosen last speaks. How rows come about is in ``linking``.
"""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from dilo.kit import clock, db
from dilo.kit.errors import NotFound
from dilo.kit.paging import Page, Paging
from tenants import audit
from tenants.actors import Actor

UNLINK_CHAT = """
DELETE FROM contact_channel WHERE channel = 'telegram' AND address = :chat RETURNING party_id
"""
UNLINK_ONE = """
DELETE FROM contact_channel WHERE id = :id AND channel = 'telegram' AND party_id = :party_id
  AND (CAST(:only_of AS uuid) IS NULL OR identity_id = :only_of)
RETURNING address
"""
CHOOSE = """
UPDATE contact_channel SET chosen_at = :now WHERE channel = 'telegram' AND address = :chat
  AND party_id = :party_id RETURNING id
"""
OPT_OUT = """
UPDATE contact_channel SET opted_out_at = CAST(:at AS timestamptz)
WHERE channel = 'telegram' AND address = :chat
"""
ALIVE = """
UPDATE contact_channel SET last_active_at = :now, dead_at = NULL, dead_reason = NULL
WHERE channel = 'telegram' AND address = :chat
"""
BLOCKED = """
UPDATE contact_channel SET dead_at = :now, dead_reason = 'blocked'
WHERE channel = 'telegram' AND address = :chat AND dead_at IS NULL
"""
SEATS = """
SELECT h.id, h.address, h.party_id, p.name AS party_name, h.identity_id, h.contact_id, u.role,
  coalesce(i.name, c.name, '') AS name, coalesce(c.language, i.language, p.language) AS language,
  h.is_group, h.shows_money, h.dead_at, h.last_active_at
FROM contact_channel h JOIN party p ON p.id = h.party_id
LEFT JOIN identity i ON i.id = h.identity_id
LEFT JOIN contact c ON c.id = h.contact_id
LEFT JOIN portal_user u ON u.identity_id = h.identity_id AND u.party_id = h.party_id
  AND u.disabled_at IS NULL
WHERE h.channel = 'telegram' AND h.address = ANY(CAST(:chats AS text[]))
  AND (h.is_group OR (h.identity_id IS NULL AND h.contact_id IS NOT NULL)
       OR (i.disabled_at IS NULL AND u.id IS NOT NULL))
ORDER BY h.chosen_at DESC NULLS LAST, h.created_at, h.id
"""
SHOWN = """
SELECT h.id, h.party_id, p.name AS party_name, h.address, coalesce(i.name, c.name, '') AS name,
  h.identity_id, h.title, h.is_group, h.shows_money, h.created_at, h.last_active_at,
  h.opted_out_at, h.dead_at,
  h.dead_reason
FROM contact_channel h JOIN party p ON p.id = h.party_id
LEFT JOIN identity i ON i.id = h.identity_id LEFT JOIN contact c ON c.id = h.contact_id
WHERE h.channel = 'telegram'
"""
STATES = ("reachable", "dead", "opted_out", "group")
ALL = f"""
SELECT s.*, count(*) OVER () AS total_rows FROM ({SHOWN}) s
WHERE CASE :state WHEN 'reachable' THEN s.dead_at IS NULL AND s.opted_out_at IS NULL
    WHEN 'dead' THEN s.dead_at IS NOT NULL WHEN 'opted_out' THEN s.opted_out_at IS NOT NULL
    WHEN 'group' THEN s.is_group ELSE true END
  AND (:search = '' OR strpos(lower(concat_ws(' ', s.party_name, s.name, s.title, s.address)),
  lower(:search)) > 0)
ORDER BY s.last_active_at DESC NULLS LAST, s.id LIMIT :size OFFSET :offset
"""
OF_PARTY = f"{SHOWN} AND h.party_id = :party_id ORDER BY h.is_group, h.created_at LIMIT 200"
COUNTS = """
SELECT count(*) FILTER (WHERE dead_at IS NULL) AS live,
  count(*) FILTER (WHERE dead_at IS NOT NULL) AS dead, count(*) FILTER (WHERE is_group) AS groups
FROM contact_channel WHERE channel = 'telegram'
"""
MONEY = """
UPDATE contact_channel SET shows_money = :shown
WHERE id = :id AND party_id = :party_id AND is_group RETURNING id
"""
CONFIRM_PHONE = """
UPDATE contact_channel SET verified_at = CASE WHEN :confirmed THEN now() END,
  verified_by = CASE WHEN :confirmed THEN CAST(:by AS text) END
WHERE id = :id AND party_id = :party_id AND channel = 'sms' RETURNING address
"""


@dataclass(frozen=True, slots=True)
class Seat:
    """In this chat somebody acts for this company. No ``role``: a contact without an account."""

    id: UUID
    address: str
    party_id: UUID
    party_name: str
    identity_id: UUID | None
    contact_id: UUID | None
    role: str | None
    name: str
    language: str | None
    is_group: bool
    shows_money: bool
    dead_at: datetime | None
    last_active_at: datetime | None


@dataclass(frozen=True, slots=True)
class ChatShown:
    id: UUID
    party_id: UUID
    party_name: str
    address: str
    name: str
    identity_id: UUID | None
    title: str | None
    is_group: bool
    shows_money: bool
    created_at: datetime
    last_active_at: datetime | None
    opted_out_at: datetime | None
    dead_at: datetime | None
    dead_reason: str | None


async def choose_company(chat: str, party_id: UUID) -> None:
    """Raises NOT_FOUND where the chat has no such company."""
    if not await db.value(CHOOSE, chat=chat, party_id=party_id, now=clock.now()):
        raise NotFound


async def unlink_chat(actor_name: str, chat: str) -> None:
    """By the chat itself, for all its companies, at once."""
    for row in await db.rows(UNLINK_CHAT, chat=chat):
        person = Actor("telegram", None, actor_name)
        await audit.note(person, "chats.unlink", "party", row["party_id"], after={"chat": chat})


async def unlink_one(
    actor: Actor, party_id: UUID, link_id: UUID, *, only_of: UUID | None = None
) -> None:
    """By the office or by the company; ``only_of``: this person's chats only. Raises NOT_FOUND."""
    chat = await db.value(UNLINK_ONE, id=link_id, party_id=party_id, only_of=only_of)
    if chat is None:
        raise NotFound
    await audit.note(actor, "chats.unlink", "party", party_id, after={"chat": chat})


async def show_money_in_group(actor: Actor, party_id: UUID, link_id: UUID, shown: bool) -> None:
    """The company's admin decides. Raises NOT_FOUND."""
    if not await db.value(MONEY, id=link_id, party_id=party_id, shown=shown):
        raise NotFound
    verb = "chats.show_money" if shown else "chats.hide_money"
    await audit.note(actor, verb, "party", party_id)


async def confirm_phone(actor: Actor, party_id: UUID, channel_id: UUID, confirmed: bool) -> None:
    """A person vouches that the phone is the contact's. Raises FORBIDDEN, NOT_FOUND."""
    actor.require("parties.edit")
    phone = await db.value(
        CONFIRM_PHONE, id=channel_id, party_id=party_id, confirmed=confirmed, by=actor.name
    )
    if phone is None:
        raise NotFound
    verb = "phones.confirm" if confirmed else "phones.doubt"
    await audit.note(actor, verb, "party", party_id, after={"phone": phone})


async def stop_warnings(chat: str) -> None:
    """Warnings no longer go to this chat; the fallback channels remain."""
    await db.execute(OPT_OUT, chat=chat, at=clock.now())


async def resume_warnings(chat: str) -> None:
    await db.execute(OPT_OUT, chat=chat, at=None)


async def seats_in(chats: list[str]) -> list[Seat]:
    """Who acts for whom in these chats, the company chosen last first."""
    return await db.rows_as(Seat, SEATS, chats=chats)


async def came_alive(chat: str) -> None:
    await db.execute(ALIVE, chat=chat, now=clock.now())


async def was_blocked(chat: str) -> None:
    await db.execute(BLOCKED, chat=chat, now=clock.now())


async def chats_of_party(party_id: UUID) -> list[ChatShown]:
    return await db.rows_as(ChatShown, OF_PARTY, party_id=party_id)


async def all_chats(paging: Paging, search: str = "", state: str = "") -> Page[ChatShown]:
    found = await db.rows(ALL, search=search, state=state, size=paging.size, offset=paging.offset)
    return db.page_of(ChatShown, found, paging)


async def chat_counts() -> db.Row:
    return await db.one(COUNTS)

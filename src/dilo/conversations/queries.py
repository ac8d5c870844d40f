"""The inbox and one conversation: what came in, what went out and whether it arrived, our notes."""

import hashlib
import html
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from dilo.conversations.threads import Channel, State
from dilo.kit import db
from dilo.kit.paging import Page, Paging
from tenants.actors import Actor

BOXES = ("all", "mine", "unassigned", "waiting", "bot", "closed")
MESSAGES = 80
PHONE_LEAST = 4
THREAD = """
SELECT t.id, t.channel, t.address, t.name, t.party_id, p.name AS party_name, t.state,
  t.assignee_id, a.name AS assignee_name, t.unread, t.waiting_since, t.last_text, t.last_at,
  coalesce(w.language, p.language) AS language
FROM thread t LEFT JOIN party p ON p.id = t.party_id LEFT JOIN identity a ON a.id = t.assignee_id
LEFT JOIN identity w ON w.id = t.identity_id
"""
# Who waits comes first, the longest waiting before the others; then what is not read, then what was
# said last. A telephone is found by its figures, a company also by its code and its other
# telephones, words also among what colleagues have written.
SIFTED = f"""
SELECT s.* FROM ({THREAD}
  WHERE (:channel = '' OR t.channel = :channel) AND (t.state = 'closed') = (:box = 'closed')
    AND CASE CAST(:box AS text) WHEN 'mine' THEN t.assignee_id = :me
      WHEN 'unassigned' THEN t.state = 'person' AND t.assignee_id IS NULL
      WHEN 'waiting' THEN t.waiting_since IS NOT NULL
      WHEN 'bot' THEN t.state = 'bot' ELSE true END
    AND (:search = ''
      OR strpos(lower(concat_ws(' ', t.name, p.name, p.code, t.address)), :search) > 0
      OR (:digits <> '' AND (strpos(t.address, :digits) > 0 OR EXISTS (
        SELECT 1 FROM contact_channel h WHERE h.party_id = t.party_id AND h.channel = 'sms'
          AND strpos(h.address, :digits) > 0)))
      OR EXISTS (SELECT 1 FROM thread_message m WHERE m.thread_id = t.id
                 AND strpos(lower(m.text), :search) > 0)
      OR EXISTS (SELECT 1 FROM outbox o WHERE o.channel = t.channel AND o.channel <> 'event'
                 AND coalesce(o.payload ->> 'address', o.address) = t.address
                 AND o.kind = 'staff_reply' AND strpos(lower(o.payload ->> 'text'), :search) > 0)
    )) s
"""
IN_ORDER = "s.waiting_since NULLS LAST, s.unread = 0, s.last_at DESC, s.id"
LIST = f"""
SELECT s.*, count(*) OVER () AS total_rows FROM ({SIFTED}) s
ORDER BY {IN_ORDER} LIMIT :size OFFSET :offset
"""
AROUND = f"""
SELECT r.before, r.after FROM (
  SELECT s.id, lag(s.id) OVER w AS before, lead(s.id) OVER w AS after
  FROM ({SIFTED}) s WINDOW w AS (ORDER BY {IN_ORDER})) r WHERE r.id = :id
"""
FIRST = f"SELECT s.id FROM ({SIFTED}) s ORDER BY {IN_ORDER} LIMIT 1"
COUNTS = """
SELECT count(*) FILTER (WHERE assignee_id = :me AND state <> 'closed' AND unread > 0) AS mine,
  count(*) FILTER (WHERE assignee_id IS NULL AND state = 'person') AS unassigned,
  count(*) FILTER (WHERE waiting_since IS NOT NULL AND state <> 'closed') AS waiting
FROM thread WHERE waiting_since IS NOT NULL OR unread > 0
"""
ONE = f"{THREAD} WHERE t.id = :id"
# What went out is read where it is sent from: the text of the message, else of its last try.
SAID = """
SELECT * FROM (
  (SELECT m.id, m.kind, m.text, m.media, m.matter, m.matter_id, m.written_by, m.at,
    '' AS state, NULL::text AS reason, NULL::timestamptz AS read_at, false AS html
  FROM thread_message m
  WHERE m.thread_id = :id AND (CAST(:before AS timestamptz) IS NULL OR m.at < :before)
  ORDER BY m.at DESC LIMIT :most)
  UNION ALL
  (SELECT o.id, 'out', replace(coalesce(nullif(o.payload ->> 'text', ''), b.body, ''),
      coalesce(nullif(o.payload ->> 'secret', ''), E'\\x01'), '***'),
    CASE WHEN o.payload ? 'file' OR o.payload ? 'document'
      THEN jsonb_build_array(coalesce(o.payload -> 'file', o.payload -> 'document'))
      ELSE '[]' END,
    NULL, NULL, coalesce(o.payload ->> 'by', ''), o.created_at, o.state, o.reason,
    o.read_at, coalesce((o.payload ->> 'html')::boolean, false)
  FROM outbox o LEFT JOIN LATERAL (
    SELECT a.body FROM delivery_attempt a WHERE a.outbox_id = o.id AND a.body IS NOT NULL
    ORDER BY a.at DESC LIMIT 1) b ON true
  WHERE o.channel = :channel AND o.channel <> 'event'
    AND coalesce(o.payload ->> 'address', o.address) = :address
    AND NOT o.payload ? 'callback_id'
    AND (CAST(:before AS timestamptz) IS NULL OR o.created_at < :before)
  ORDER BY o.created_at DESC LIMIT :most)) s
ORDER BY at DESC, id DESC LIMIT :most
"""
MESSAGE = """
SELECT m.id, m.thread_id, m.text, m.media, m.kind, t.channel FROM thread_message m
JOIN thread t ON t.id = m.thread_id WHERE m.id = :id
"""
# Which way a company can be answered: this thread's own address first.
WAYS = """
SELECT DISTINCT ON (h.channel, h.address) h.id, h.channel, h.address,
  coalesce(c.name, i.name, h.title, '') AS name
FROM contact_channel h LEFT JOIN contact c ON c.id = h.contact_id
LEFT JOIN identity i ON i.id = h.identity_id
WHERE h.party_id = :party_id AND h.dead_at IS NULL AND h.opted_out_at IS NULL AND NOT h.is_group
  AND (h.channel, h.address) IS DISTINCT FROM (:channel, :address)
ORDER BY h.channel, h.address LIMIT 20
"""
# Whose address it is may be a viewer of the company, to whom its money is not shown.
MONEYLESS = """
SELECT 1 FROM contact_channel h
JOIN portal_user u ON u.identity_id = h.identity_id AND u.party_id = h.party_id
WHERE h.party_id = :party_id AND h.channel = :channel AND h.address = :address
  AND u.role = 'viewer' LIMIT 1
"""
CLAIMS = """
SELECT id, number, state FROM claim WHERE party_id = :party_id
  AND state NOT IN ('closed', 'refused', 'cancelled') ORDER BY created_at DESC LIMIT 5
"""
STAFF = """
SELECT i.id, i.name FROM membership m JOIN identity i ON i.id = m.identity_id
WHERE i.disabled_at IS NULL ORDER BY i.name
"""
TAG = re.compile(r"<[^>]+>")


@dataclass(frozen=True, slots=True)
class Sought:
    """What part of the inbox: one of BOXES, one channel, words or a telephone."""

    box: str = "all"
    channel: str = ""
    search: str = ""


EVERYTHING = Sought()


@dataclass(frozen=True, slots=True)
class Thread:
    """``language``: of who writes, else of his company; None: nobody has said."""

    id: UUID
    channel: Channel
    address: str
    name: str
    party_id: UUID | None
    party_name: str | None
    state: State
    assignee_id: UUID | None
    assignee_name: str | None
    unread: int
    waiting_since: datetime | None
    last_text: str
    last_at: datetime
    language: str | None

    @property
    def title(self) -> str:
        return self.name or self.party_name or self.address


@dataclass(frozen=True, slots=True)
class Line:
    """``kind``: in, out, note (for us), made (an order or the like), moved (to whom). ``read_at``:
    where the channel let us know, by a tap or an answer under the message."""

    id: UUID
    kind: str
    text: str
    media: list[dict[str, Any]]
    matter: str | None
    matter_id: UUID | None
    written_by: str
    at: datetime
    state: str
    reason: str | None
    read_at: datetime | None


@dataclass(frozen=True, slots=True)
class Message:
    id: UUID
    thread_id: UUID
    text: str
    media: list[dict[str, Any]]
    kind: str
    channel: Channel


@dataclass(frozen=True, slots=True)
class Way:
    id: UUID
    channel: Channel
    address: str
    name: str


async def threads(actor: Actor, paging: Paging, sought: Sought = EVERYTHING) -> Page[Thread]:
    """Raises FORBIDDEN."""
    actor.require("inbox.read")
    found = await db.rows(LIST, size=paging.size, offset=paging.offset, **_sifting(actor, sought))
    return db.page_of(Thread, found, paging)


def _sifting(actor: Actor, sought: Sought) -> dict[str, Any]:
    bare = re.sub(r"[\s()+.-]", "", sought.search)
    return {
        "box": sought.box,
        "channel": sought.channel,
        "search": sought.search.lower().strip(),
        "digits": bare.removeprefix("00") if bare.isdigit() and len(bare) >= PHONE_LEAST else "",
        "me": actor.id,
    }


async def around(actor: Actor, thread_id: UUID, sought: Sought) -> tuple[UUID | None, UUID | None]:
    """Those before and after it in the same list; None at an end. Where it is in it no more, having
    been answered, the first of the list comes next."""
    sifting = _sifting(actor, sought)
    found = await db.one_or_none(AROUND, id=thread_id, **sifting)
    if found is None:
        return None, await db.value(FIRST, **sifting)
    return found["before"], found["after"]


async def counts(actor: Actor) -> db.Row:
    return await db.one(COUNTS, me=actor.id)


async def thread(thread_id: UUID) -> Thread:
    return await db.one_as(Thread, ONE, id=thread_id)


async def said_in(of: Thread, before: datetime | None = None) -> list[Line]:
    """The newest messages, oldest of them first."""
    found = await db.rows(
        SAID, id=of.id, channel=of.channel, address=of.address, before=before, most=MESSAGES
    )
    return [_line(dict(row)) for row in reversed(found)]


def _line(values: dict[str, Any]) -> Line:
    if values.pop("html"):
        values["text"] = html.unescape(TAG.sub("", values["text"]))
    return Line(**values)


def mark_of(shown: Sequence[Line] | Sequence[Thread]) -> str:
    """Changes whenever what is shown does: whoever looks again is spared drawing the same."""
    said = repr([msgspec.to_builtins(one) for one in shown]).encode()
    return hashlib.blake2b(said, digest_size=8).hexdigest()


async def message(message_id: UUID) -> Message:
    return await db.one_as(Message, MESSAGE, id=message_id)


async def ways_to(of: Thread) -> list[Way]:
    if of.party_id is None:
        return []
    return await db.rows_as(Way, WAYS, party_id=of.party_id, channel=of.channel, address=of.address)


async def sees_money(party_id: UUID | None, channel: str, address: str) -> bool:
    return not await db.value(MONEYLESS, party_id=party_id, channel=channel, address=address)


async def open_claims(party_id: UUID) -> list[db.Row]:
    return await db.rows(CLAIMS, party_id=party_id)


async def staff() -> list[db.Row]:
    return await db.rows(STAFF)

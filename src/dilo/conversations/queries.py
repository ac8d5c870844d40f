"""The inbox and one conversation: what came in, what went out and whether it arrived, our notes."""

import html
import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from dilo.conversations.threads import Channel, State
from dilo.kit import db
from dilo.kit.paging import Page, Paging
from tenants.actors import Actor

BOXES = ("mine", "unassigned", "all", "closed")
MESSAGES = 80
THREAD = """
SELECT t.id, t.channel, t.address, t.name, t.party_id, p.name AS party_name, t.state,
  t.assignee_id, a.name AS assignee_name, t.unread, t.waiting_since, t.last_text, t.last_at
FROM thread t LEFT JOIN party p ON p.id = t.party_id LEFT JOIN identity a ON a.id = t.assignee_id
"""
# Who waits comes first, the longest waiting before the others; then what was said last.
LIST = f"""
SELECT s.*, count(*) OVER () AS total_rows FROM ({THREAD}
  WHERE (:channel = '' OR t.channel = :channel) AND (t.state = 'closed') = (:box = 'closed')
    AND (:box <> 'mine' OR t.assignee_id = :me)
    AND (:box <> 'unassigned' OR (t.state = 'person' AND t.assignee_id IS NULL))
    AND (:search = '' OR strpos(lower(concat_ws(' ', t.name, p.name, t.address)), :search) > 0
      OR EXISTS (SELECT 1 FROM thread_message m WHERE m.thread_id = t.id
                 AND strpos(lower(m.text), :search) > 0))) s
ORDER BY s.unread = 0, s.waiting_since NULLS LAST, s.last_at DESC, s.id
LIMIT :size OFFSET :offset
"""
COUNTS = """
SELECT count(*) FILTER (WHERE assignee_id = :me AND state <> 'closed' AND unread > 0) AS mine,
  count(*) FILTER (WHERE assignee_id IS NULL AND state = 'person') AS unassigned
FROM thread WHERE waiting_since IS NOT NULL OR unread > 0
"""
ONE = f"{THREAD} WHERE t.id = :id"
# What went out is read where it is sent from: the text of the message, else of its last try.
SAID = """
SELECT * FROM (
  (SELECT m.id, m.kind, m.text, m.media, m.matter, m.matter_id, m.written_by, m.at,
    '' AS state, NULL::text AS reason, false AS html
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
    coalesce((o.payload ->> 'html')::boolean, false)
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
class Thread:
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

    @property
    def title(self) -> str:
        return self.name or self.party_name or self.address


@dataclass(frozen=True, slots=True)
class Line:
    """``kind``: in, out, note (for us), made (an order or the like), moved (to whom)."""

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


async def threads(
    actor: Actor, paging: Paging, *, box: str = "all", channel: str = "", search: str = ""
) -> Page[Thread]:
    actor.require("inbox.read")
    found = await db.rows(
        LIST,
        box=box,
        channel=channel,
        search=search.lower().strip(),
        me=actor.id,
        size=paging.size,
        offset=paging.offset,
    )
    return db.page_of(Thread, found, paging)


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


async def message(message_id: UUID) -> Message:
    return await db.one_as(Message, MESSAGE, id=message_id)


async def ways_to(of: Thread) -> list[Way]:
    if of.party_id is None:
        return []
    return await db.rows_as(Way, WAYS, party_id=of.party_id, channel=of.channel, address=of.address)


async def open_claims(party_id: UUID) -> list[db.Row]:
    return await db.rows(CLAIMS, party_id=party_id)


async def staff() -> list[db.Row]:
    return await db.rows(STAFF)

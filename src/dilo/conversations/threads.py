"""One conversation an address: what came in is kept here, what went out is read from the outbox.

The doors call these inside the transaction of the message they take. While a thread is with a
person, the bot answers no free text in it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Literal
from uuid import UUID

from dilo.kit import clock, db, outbox
from tenants.actors import Actor

Channel = Literal["telegram", "sms", "email"]
State = Literal["bot", "person", "closed"]
Matter = Literal["order", "claim", "rfq", "task"]
WAITING = "thread_waiting"
NOTICE_AFTER = timedelta(seconds=60)
NOTICE_EVERY_S = 600
TEXT_MAX, NAME_MAX, LAST_MAX = 4096, 120, 200
# One statement an inbound message: the thread, its counters, the message. Its moment is the
# transaction's, as that of the outbox, so what answers it in the same one stands after it.
HEARD = """
WITH t AS (
  INSERT INTO thread AS t (channel, address, name, party_id, identity_id, last_text, last_at)
  VALUES (:channel, :address, :name, :party_id, :identity_id, left(:text, 200), :now)
  ON CONFLICT (tenant_id, channel, address) DO UPDATE SET
    name = CASE WHEN excluded.name = '' THEN t.name ELSE excluded.name END,
    party_id = coalesce(excluded.party_id, t.party_id),
    identity_id = coalesce(excluded.identity_id, t.identity_id),
    state = CASE WHEN t.state = 'closed' THEN 'bot' ELSE t.state END,
    unread = t.unread + (t.state = 'person')::int,
    waiting_since = CASE WHEN t.state = 'person' THEN coalesce(t.waiting_since, :now) END,
    last_text = excluded.last_text, last_at = excluded.last_at
  RETURNING t.id, t.state, t.assignee_id, t.party_id)
INSERT INTO thread_message (thread_id, kind, text, media, written_by)
SELECT t.id, 'in', :text, :media, :name FROM t
RETURNING thread_id, id AS message_id, (SELECT state FROM t) AS state,
  (SELECT assignee_id FROM t) AS assignee_id
"""
# The manager of the party answers, if he is still with us.
TO_PERSON = """
INSERT INTO thread AS t (channel, address, name, party_id, state, unread, waiting_since,
  assignee_id)
SELECT :channel, :address, :name, CAST(:party_id AS uuid), 'person', 1, :now,
  (SELECT p.owner_id FROM party p JOIN identity i ON i.id = p.owner_id AND i.disabled_at IS NULL
   JOIN membership m ON m.identity_id = i.id WHERE p.id = :party_id)
ON CONFLICT (tenant_id, channel, address) DO UPDATE SET state = 'person',
  unread = greatest(t.unread, 1), waiting_since = coalesce(t.waiting_since, excluded.waiting_since),
  party_id = coalesce(t.party_id, excluded.party_id), assignee_id = coalesce(
    t.assignee_id, excluded.assignee_id,
    (SELECT p.owner_id FROM party p JOIN identity i ON i.id = p.owner_id AND i.disabled_at IS NULL
     JOIN membership m ON m.identity_id = i.id WHERE p.id = t.party_id))
RETURNING t.id, t.assignee_id
"""
TO_BOT = """
UPDATE thread SET state = 'bot', unread = 0, waiting_since = NULL
WHERE channel = :channel AND address = :address AND state = 'person' RETURNING id
"""
MOVED = """
INSERT INTO thread_message (thread_id, kind, text, written_by, written_by_id)
VALUES (:thread_id, 'moved', :text, :by, (SELECT id FROM identity WHERE id = :by_id))
"""
MADE = """
INSERT INTO thread_message (thread_id, kind, text, matter, matter_id, written_by)
SELECT t.id, 'made', :number, :matter, :matter_id, :by FROM thread t
WHERE t.channel = :channel AND t.address = :address AND NOT EXISTS (
  SELECT 1 FROM thread_message m
  WHERE m.thread_id = t.id AND m.matter = :matter AND m.matter_id = :matter_id)
"""
STATE = "SELECT state FROM thread WHERE channel = :channel AND address = :address"


@dataclass(frozen=True, slots=True)
class Said:
    """What somebody sent. ``media``: dicts with ``kind`` (photo, document, voice...), ``file_id``
    or ``url`` of the channel, ``name``, ``bytes``; the file itself stays with the channel."""

    text: str
    name: str = ""
    party_id: UUID | None = None
    identity_id: UUID | None = None
    media: Sequence[dict[str, Any]] = field(default_factory=tuple)


@dataclass(frozen=True, slots=True)
class Heard:
    """``state`` is ``person``: say nothing by yourself to free text, a colleague will answer."""

    thread_id: UUID
    message_id: UUID
    state: State
    assignee_id: UUID | None


async def note_inbound(channel: Channel, address: str, said: Said) -> Heard:
    """Keeps what came, by one statement of the caller's transaction, which has dropped repeats."""
    found = await db.one(
        HEARD,
        channel=channel,
        address=address,
        name=said.name.replace("\x00", "")[:NAME_MAX],
        party_id=said.party_id,
        identity_id=said.identity_id,
        text=said.text.replace("\x00", "")[:TEXT_MAX],
        media=list(said.media),
        now=clock.now(),
    )
    heard = Heard(**found)
    if heard.state == "person":
        await tell_assignee(heard.thread_id, heard.assignee_id)
    return heard


async def hand_over(
    actor: Actor | None,
    channel: Channel,
    address: str,
    *,
    party_id: UUID | None = None,
    name: str = "",
) -> UUID:
    """From the bot to the party's manager; without one it waits for whoever takes it first."""
    found = await db.one(
        TO_PERSON,
        channel=channel,
        address=address,
        name=name.replace("\x00", "")[:NAME_MAX],
        party_id=party_id or (actor.on_behalf_of if actor else None),
        now=clock.now(),
    )
    await _moved(actor, found["id"], "person", name)
    await tell_assignee(found["id"], found["assignee_id"])
    return found["id"]


async def hand_back(actor: Actor | None, channel: Channel, address: str) -> bool:
    """To the bot again. False where no person had it."""
    thread_id = await db.value(TO_BOT, channel=channel, address=address)
    if thread_id is not None:
        await _moved(actor, thread_id, "bot", "")
    return thread_id is not None


async def _moved(actor: Actor | None, thread_id: UUID, state: str, name: str) -> None:
    by, by_id = (actor.name, actor.id) if actor else (name, None)
    await db.execute(MOVED, thread_id=thread_id, text=state, by=by, by_id=by_id)


async def state_of(channel: Channel, address: str) -> State:
    """``bot`` for whoever has never written."""
    return await db.value(STATE, channel=channel, address=address) or "bot"


async def note_made(
    channel: Channel, address: str, matter: Matter, matter_id: UUID, number: str, by: str
) -> None:
    """What a message has led to stands in the conversation, once."""
    await db.execute(
        MADE,
        channel=channel,
        address=address,
        matter=matter,
        matter_id=matter_id,
        number=number,
        by=by,
    )


async def tell_assignee(thread_id: UUID, assignee_id: UUID | None) -> None:
    """At most one notice in ten minutes a colleague, for all that waits for him; written late, so
    that it says what waits then and nothing when he has answered already."""
    now = clock.now()
    whose = str(assignee_id) if assignee_id else f"anybody:{thread_id}"
    slot = int(now.timestamp()) // NOTICE_EVERY_S
    payload = {
        "thread_id": str(thread_id),
        "assignee_id": str(assignee_id) if assignee_id else "",
        "slot": slot,
    }
    await outbox.tell_once(WAITING, f"{WAITING}:{whose}:{slot}", payload, now + NOTICE_AFTER)

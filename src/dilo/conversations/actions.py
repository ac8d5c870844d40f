"""What colleagues do with a conversation: answer, note, take, give, close, make something of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from dilo.conversations import papers, queries, threads
from dilo.conversations.papers import Period
from dilo.conversations.queries import Thread
from dilo.kit import clock, db, outbox
from dilo.kit.errors import NotFound, Refusal
from dilo.messaging import sms_silence
from dilo.messaging.channels import Composed, Dropped, Ready
from dilo.orders.actions import place_order
from dilo.orders.commands import LineInput, PlaceOrder
from dilo.orders.queries import order_head
from dilo.orders.recognition import recognised
from dilo.orders.spoken.matching import Sure
from tenants import audit
from tenants.actors import Actor
from tenants.scope import current_tenant

KIND = "staff_reply"
TEXT_MAX = 4000
ANSWERED = """
UPDATE thread SET state = CASE WHEN state = 'closed' THEN 'person' ELSE state END, unread = 0,
  waiting_since = NULL, assignee_id = coalesce(assignee_id, :by), last_text = left(:text, 200),
  last_at = :now
WHERE id = :id
"""
NOTE = """
INSERT INTO thread_message (thread_id, kind, text, written_by, written_by_id)
VALUES (:id, 'note', :text, :by, :by_id)
"""
SEEN = """
UPDATE thread SET unread = 0
WHERE id = :id AND unread > 0 AND (assignee_id = :by OR assignee_id IS NULL)
"""
# Put aside to be read again: it stands out in the list until somebody opens it.
TO_READ = "UPDATE thread SET unread = greatest(unread, 1) WHERE id = :id AND state <> 'closed'"
# Taken by one: the second who reaches for it is told who has it.
TAKE = """
UPDATE thread SET state = 'person', assignee_id = :by
WHERE id = :id AND (assignee_id IS NULL OR assignee_id = :by OR state <> 'person') RETURNING id
"""
ASSIGN = """
UPDATE thread SET state = 'person', assignee_id = :to WHERE id = :id AND EXISTS (
  SELECT 1 FROM membership m JOIN identity i ON i.id = m.identity_id AND i.disabled_at IS NULL
  WHERE m.identity_id = :to)
RETURNING id
"""
CLOSE = "UPDATE thread SET state = 'closed', unread = 0, waiting_since = NULL WHERE id = :id"
LINK = "UPDATE thread SET party_id = :party_id WHERE id = :id"


@dataclass(frozen=True, slots=True)
class Answer:
    """``way_id``: another address of the same company. ``key``: of the form, so that a second
    press sends nothing. One paper at most: ``file`` (name and bytes), an invoice or a statement."""

    text: str
    key: str
    way_id: UUID | None = None
    file: tuple[str, bytes] | None = None
    invoice_id: UUID | None = None
    statement: Period | None = None


@dataclass(frozen=True, slots=True)
class Made:
    """``unread_lines``: what was not sure, for a person to add."""

    order_id: UUID
    unread_lines: Sequence[str]


async def reply(actor: Actor, thread_id: UUID, answer: Answer) -> None:
    """Through the outbox, in the thread's channel or another of the company's. Whoever answers a
    thread nobody has, has it.

    Raises FORBIDDEN, NOT_FOUND, TEXT_MISSING, ONE_PAPER, VIEWER_SEES_NO_MONEY,
    FILE_TOO_BIG, FILE_NOT_BY_SMS, SMS_SILENCED, PARTY_MISSING, DATES_BAD.
    """
    actor.require("inbox.reply")
    of = await queries.thread(thread_id)
    channel, address = await _way(of, answer.way_id)
    if channel == "sms" and await sms_silence.is_silenced(KIND, address):
        raise Refusal("SMS_SILENCED", status=422, phone=address)
    text = answer.text.strip()[:TEXT_MAX]
    file = await _paper(actor, of, answer, (channel, address))
    if not text and not file:
        raise Refusal("TEXT_MISSING", status=422)
    payload: dict[str, Any] = {
        "address": address,
        "text": text,
        "by": actor.name,
        "language": of.language,
    }
    if file:
        payload["file"] = file
    key = f"{KIND}:{thread_id}:{actor.id}:{answer.key}"
    put = await outbox.put(channel, KIND, key, payload, party_id=of.party_id, priority=2)
    if put is not None:
        await db.execute(ANSWERED, id=thread_id, by=actor.id, text=text, now=clock.now())


async def _way(of: Thread, way_id: UUID | None) -> tuple[str, str]:
    if way_id is None:
        return of.channel, of.address
    for way in await queries.ways_to(of):
        if way.id == way_id:
            return way.channel, way.address
    raise NotFound


async def _paper(
    actor: Actor, of: Thread, answer: Answer, way: tuple[str, str]
) -> dict[str, Any] | None:
    """A paper of money goes into no chat or mailbox of a viewer; an SMS holds a link, behind which
    he signs in and is refused."""
    channel, address = way
    if sum(one is not None for one in (answer.file, answer.invoice_id, answer.statement)) > 1:
        raise Refusal("ONE_PAPER", status=422)
    of_money = answer.file is None and (answer.invoice_id or answer.statement)
    if (
        of_money
        and channel != "sms"
        and not await queries.sees_money(of.party_id, channel, address)
    ):
        raise Refusal("VIEWER_SEES_NO_MONEY", status=422)
    if answer.invoice_id is not None:
        return await papers.of_invoice(of, answer.invoice_id)
    if answer.statement is not None:
        return await papers.of_statement(actor, of, answer.statement)
    if answer.file is None:
        return None
    if channel == "sms":
        raise Refusal("FILE_NOT_BY_SMS", status=422)
    return papers.of_file(*answer.file)


async def compose(payload: dict[str, Any], channel: str, _party_id: UUID | None) -> Composed:
    """The colleague's own words; the paper is made or read when it goes. A letter says besides
    where the paper stands, an SMS says it instead."""
    text, about = str(payload["text"]), payload.get("file")
    subject = current_tenant().name
    if not about:
        return Ready(text, subject)
    if channel != "telegram":
        text = "\n".join(one for one in (text, await papers.link_to(about)) if one)
    if channel == "sms":
        return Ready(text, subject) if text else Dropped("NO_FILE")
    file = {"name": about["name"], "body": await papers.body_of(about)}
    return Ready(text, subject, extra={"file": file})


async def note(actor: Actor, thread_id: UUID, text: str) -> None:
    """Never leaves the office. Raises FORBIDDEN, NOT_FOUND, TEXT_MISSING."""
    actor.require("inbox.reply")
    await queries.thread(thread_id)
    if not text.strip():
        raise Refusal("TEXT_MISSING", status=422)
    await db.execute(
        NOTE, id=thread_id, text=text.strip()[:TEXT_MAX], by=actor.name, by_id=actor.id
    )


async def seen(actor: Actor, of: Thread) -> None:
    if of.unread and of.assignee_id in (None, actor.id):
        await db.execute(SEEN, id=of.id, by=actor.id)


async def to_read(actor: Actor, thread_id: UUID) -> None:
    """Raises FORBIDDEN, NOT_FOUND."""
    actor.require("inbox.read")
    if not await db.execute(TO_READ, id=thread_id):
        raise NotFound


async def take(actor: Actor, thread_id: UUID) -> None:
    """Raises FORBIDDEN, NOT_FOUND, THREAD_TAKEN."""
    actor.require("inbox.reply")
    of = await queries.thread(thread_id)
    if not await db.value(TAKE, id=thread_id, by=actor.id):
        raise Refusal("THREAD_TAKEN", by=of.assignee_name or "")
    await audit.note(actor, "inbox.take", "thread", thread_id)


async def assign(actor: Actor, thread_id: UUID, to: UUID) -> None:
    """Raises FORBIDDEN, NOT_FOUND."""
    actor.require("inbox.reply")
    await queries.thread(thread_id)
    if not await db.value(ASSIGN, id=thread_id, to=to):
        raise NotFound
    await threads.tell_assignee(thread_id, to)
    await audit.note(actor, "inbox.assign", "thread", thread_id, after={"to": str(to)})


async def close(actor: Actor, thread_id: UUID) -> None:
    """Done with: the next message opens it again, with the bot. Raises FORBIDDEN, NOT_FOUND."""
    actor.require("inbox.reply")
    if not await db.execute(CLOSE, id=thread_id):
        raise NotFound
    await audit.note(actor, "inbox.close", "thread", thread_id)


async def to_bot(actor: Actor, thread_id: UUID) -> None:
    """Raises FORBIDDEN, NOT_FOUND."""
    actor.require("inbox.reply")
    of = await queries.thread(thread_id)
    await threads.hand_back(actor, of.channel, of.address)
    await audit.note(actor, "inbox.to_bot", "thread", thread_id)


async def order_from(actor: Actor, thread_id: UUID, message_id: UUID) -> Made:
    """A draft of what was sure in the message, by the colleague's hand; once a message.

    Raises FORBIDDEN, NOT_FOUND, PARTY_MISSING, NOTHING_SURE and what place_order raises.
    """
    actor.require("inbox.reply")
    of, said = await queries.thread(thread_id), await queries.message(message_id)
    if said.thread_id != thread_id or said.kind != "in":
        raise NotFound
    if of.party_id is None:
        raise Refusal("PARTY_MISSING", status=422)
    lines = await recognised(of.party_id, said.text, current_tenant().today())
    sure = [LineInput(line.item.id, line.quantity) for line in lines if isinstance(line, Sure)]
    if not sure:
        raise Refusal("NOTHING_SURE", status=422)
    placed = await place_order(
        actor,
        PlaceOrder(
            party_id=of.party_id,
            lines=sure,
            key=f"inbox:{message_id}",
            door="office",
            by="id",
            submit=False,
        ),
    )
    head = await order_head(placed.id)
    await threads.note_made(of.channel, of.address, "order", placed.id, head.number, actor.name)
    return Made(placed.id, [line.text for line in lines if not isinstance(line, Sure)])

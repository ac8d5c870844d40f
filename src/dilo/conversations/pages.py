"""The inbox of the office: conversations by whose they are, one with the company beside it."""

import re
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import msgspec
from litestar import Request, Response, get, post

from dilo.conversations import actions, media, queries
from dilo.conversations.queries import BOXES
from dilo.kit import files, web
from dilo.kit.errors import NotFound
from dilo.kit.ids import uuid7, uuid_or_none
from dilo.kit.paging import Paging
from dilo.kit.visit import visit
from dilo.messaging import phrases
from dilo.messaging.rules import CHANNELS
from dilo.orders import queries as orders
from dilo.parties import queries as parties
from dilo.people.roles import may
from dilo.receivables import queries as receivables
from tenants.scope import current_tenant

Req = Request[Any, Any, Any]
READ, REPLY = may("inbox.read"), may("inbox.reply")
ORDERS_BESIDE, INVOICES_BESIDE = 5, 8
KEY = re.compile(r"[0-9a-f]{32}")


class ReplyForm(msgspec.Struct):
    key: str
    text: Annotated[str, msgspec.Meta(max_length=4000)] = ""
    way: str = ""
    invoice: str = ""
    internal: str = ""


@get("/office/inbox", opt=READ)
async def index() -> Response[str]:
    query, actor = visit().query, visit().actor
    box = query.get("tab", "") if query.get("tab") in BOXES else "all"
    channel = query.get("channel", "") if query.get("channel") in CHANNELS else ""
    return web.page(
        "conversations/inbox.html",
        block="list",
        page=await queries.threads(
            actor, Paging.of(query), box=box, channel=channel, search=query.get("q", "")
        ),
        box=box,
        counts=await queries.counts(actor),
        channels=CHANNELS,
    )


@get("/office/inbox/{thread_id:uuid}", opt=READ)
async def show(thread_id: UUID) -> Response[str]:
    """With ``before``: what was said earlier; with ``phrase``: a template's words to edit."""
    query, actor = visit().query, visit().actor
    of = await queries.thread(thread_id)
    await actions.seen(actor, of)
    lines = await queries.said_in(of, _moment(query.get("before", "")))
    if visit().fragment:
        return web.page("conversations/show.html", block="talk", of=of, lines=lines)
    page = await queries.threads(actor, Paging(1, 200), box=_box(of))
    around = [row.id for row in page.rows]
    here = around.index(of.id) if of.id in around else -1
    return web.page(
        "conversations/show.html",
        block="talk",
        of=of,
        lines=lines,
        ways=await queries.ways_to(of),
        staff=await queries.staff(),
        phrases=await phrases.phrases(of.channel),
        draft=await _draft(of, query.get("phrase", "")),
        key=uuid7().hex,
        before=around[here - 1] if here > 0 else None,
        after=around[here + 1] if 0 <= here < len(around) - 1 else None,
        **await _beside(of.party_id),
    )


def _box(of: queries.Thread) -> str:
    return "closed" if of.state == "closed" else "all"


def _moment(text: str) -> datetime | None:
    try:
        found = datetime.fromisoformat(text) if text else None
    except ValueError:
        return None
    return found if found is not None and found.tzinfo else None


async def _draft(of: queries.Thread, phrase: str) -> str:
    phrase_id = uuid_or_none(phrase)
    if phrase_id is None:
        return ""
    return await phrases.written(phrase_id, of.party_id, visit().actor.name)


async def _beside(party_id: UUID | None) -> dict[str, Any]:
    """The company's card: what it owes, may spend, has ordered and claims."""
    if party_id is None:
        return {"party": None}
    party, on = await parties.party(party_id), current_tenant().today()
    invoices = await receivables.invoices(Paging(1, INVOICES_BESIDE), party_id=party_id)
    return {
        "party": party,
        "aging": await receivables.aging_of(party_id, party.currency, on),
        "orders": await orders.orders(Paging(1, ORDERS_BESIDE), party_id=party_id),
        "invoices": invoices,
        "claims": await queries.open_claims(party_id),
        "channels": await parties.channels_of(party_id),
    }


@post("/office/inbox/{thread_id:uuid}/replies", opt=REPLY, status_code=200)
async def reply_create(request: Req, thread_id: UUID) -> Response[Any]:
    form = await web.read_form(ReplyForm, request)
    said = form.input
    if said is None or not KEY.fullmatch(said.key):
        raise NotFound("UNREADABLE")
    if said.internal:
        await actions.note(visit().actor, thread_id, said.text)
        return _back(thread_id)
    brought = await files.brought(request)
    answer = actions.Answer(
        said.text,
        said.key,
        way_id=_id(said.way),
        file=brought[0] if brought else None,
        invoice_id=_id(said.invoice),
    )
    await actions.reply(visit().actor, thread_id, answer)
    return _back(thread_id)


def _id(text: str) -> UUID | None:
    """None for a blank; nonsense is nobody's id."""
    if not text:
        return None
    found = uuid_or_none(text)
    if found is None:
        raise NotFound
    return found


def _back(thread_id: UUID) -> Response[Any]:
    return web.redirect(f"/office/inbox/{thread_id}")


@post("/office/inbox/{thread_id:uuid}/taking", opt=REPLY, status_code=200)
async def taking_create(thread_id: UUID) -> Response[Any]:
    await actions.take(visit().actor, thread_id)
    return _back(thread_id)


@post("/office/inbox/{thread_id:uuid}/assignee", opt=REPLY, status_code=200)
async def assignee_update(request: Req, thread_id: UUID) -> Response[Any]:
    to = uuid_or_none(str((await request.form()).get("to") or ""))
    if to is None:
        raise NotFound
    await actions.assign(visit().actor, thread_id, to)
    web.flash("success", "flash:saved")
    return _back(thread_id)


@post("/office/inbox/{thread_id:uuid}/closing", opt=REPLY, status_code=200)
async def closing_create(thread_id: UUID) -> Response[Any]:
    await actions.close(visit().actor, thread_id)
    return web.redirect("/office/inbox")


@post("/office/inbox/{thread_id:uuid}/bot", opt=REPLY, status_code=200)
async def bot_update(thread_id: UUID) -> Response[Any]:
    await actions.to_bot(visit().actor, thread_id)
    return _back(thread_id)


@post("/office/inbox/{thread_id:uuid}/orders", opt=may("orders.edit"), status_code=200)
async def order_create(request: Req, thread_id: UUID) -> Response[Any]:
    message_id = uuid_or_none(str((await request.form()).get("message") or ""))
    if message_id is None:
        raise NotFound
    made = await actions.order_from(visit().actor, thread_id, message_id)
    if made.unread_lines:
        web.flash("warning", "flash:lines_not_sure", lines="; ".join(made.unread_lines)[:400])
    return web.redirect(f"/office/orders/{made.order_id}")


@get("/office/inbox/files/{message_id:uuid}/{place:int}", opt=READ)
async def file_show(message_id: UUID, place: int) -> Response[bytes]:
    found = await media.fetched(visit().actor, message_id, place)
    return files.handed_out(found.body, found.name, found.media_type)


routes = [
    index,
    show,
    reply_create,
    taking_create,
    assignee_update,
    closing_create,
    bot_update,
    order_create,
    file_show,
]

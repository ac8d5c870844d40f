"""The inbox of the office: conversations by whose they are, one with the company beside it."""

import re
from datetime import date, datetime
from typing import Annotated, Any
from urllib.parse import urlencode
from uuid import UUID

import msgspec
from litestar import Request, Response, get, post

from dilo.conversations import actions, media, queries
from dilo.conversations.papers import Period
from dilo.conversations.queries import BOXES, Sought
from dilo.kit import clock, files, web
from dilo.kit.errors import NotFound
from dilo.kit.ids import uuid7, uuid_or_none
from dilo.kit.paging import Paging
from dilo.kit.visit import visit
from dilo.messaging import phrases, sms_silence
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
    """``paper``: ``statement`` of the period, or the id of an invoice."""

    key: str
    text: Annotated[str, msgspec.Meta(max_length=4000)] = ""
    way: str = ""
    paper: str = ""
    since: date | None = None
    until: date | None = None
    internal: str = ""


def _sought() -> Sought:
    """What the list was narrowed to; a conversation keeps it, so that the next one is the next of
    that list."""
    query = visit().query
    box, channel = query.get("tab", ""), query.get("channel", "")
    return Sought(
        box if box in BOXES else "all",
        channel if channel in CHANNELS else "",
        query.get("q", ""),
    )


def _narrowed(path: str) -> str:
    """``path`` with what the list was narrowed to."""
    sought = _sought()
    kept = {"tab": sought.box, "channel": sought.channel, "q": sought.search}
    said = urlencode({key: value for key, value in kept.items() if value not in ("", "all")})
    return f"{path}?{said}" if said else path


@get("/office/inbox", opt=READ)
async def index() -> Response[Any]:
    sought, actor = _sought(), visit().actor
    page = await queries.threads(actor, Paging.of(visit().query), sought)
    mark = queries.mark_of(page.rows) + clock.now().strftime("%H%M")  # how long ago is said too
    if _is_seen(mark):
        return Response(None, status_code=204)
    return web.page(
        "conversations/inbox.html",
        block="list",
        page=page,
        mark=mark,
        box=sought.box,
        sought=sought,
        counts=await queries.counts(actor),
        channels=CHANNELS,
        narrowed=_narrowed,
    )


def _is_seen(mark: str) -> bool:
    """Whether the page that asks again shows the very same. The question is in no link of it."""
    return visit().query.pop("mark", "") == mark and visit().fragment


@get("/office/inbox/{thread_id:uuid}", opt=READ)
async def show(thread_id: UUID) -> Response[Any]:
    """With ``before``: what was said earlier; with ``phrase``: a template's words to edit."""
    of = await queries.thread(thread_id)
    await actions.seen(visit().actor, of)
    return await _show(of, web.Filled())


async def _show(of: queries.Thread, form: web.Filled[Any], status: int = 200) -> Response[Any]:
    query, actor = visit().query, visit().actor
    earlier = _moment(query.get("before", ""))
    lines = await queries.said_in(of, earlier)
    talk = {"of": of, "lines": lines, "earlier": earlier, "mark": queries.mark_of(lines)}
    if visit().fragment:
        if _is_seen(talk["mark"]):
            return Response(None, status_code=204)
        return web.page("conversations/show.html", block="talk", **talk)
    before, after = await queries.around(actor, of.id, _sought())
    return web.page(
        "conversations/show.html",
        status=status,
        form=form,
        ways=await queries.ways_to(of),
        silence=await sms_silence.silence_or_none(of.address) if of.channel == "sms" else None,
        staff=await queries.staff(),
        words=await phrases.all_written(of.channel, of.party_id, actor.name, of.language),
        draft=form.values.get("text") or await _draft(of, query.get("phrase", "")),
        key=form.values.get("key") or uuid7().hex,
        before=before,
        after=after,
        narrowed=_narrowed,
        today=current_tenant().today(),
        **talk,
        **await _beside(of.party_id),
    )


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
    """What was typed is never lost to a refusal."""
    of, form = await queries.thread(thread_id), await web.read_form(ReplyForm, request)
    if not KEY.fullmatch(form.values["key"]):
        raise NotFound("UNREADABLE")
    with form.refusals(SMS_SILENCED="way"):
        if form.input and form.input.internal:
            await actions.note(visit().actor, thread_id, form.input.text)
        elif form.input:
            answer = await _answer(request, form.input)
            await actions.reply(visit().actor, thread_id, answer)
    if not form.ok:
        return await _show(of, form, 422)
    return _back(thread_id)


async def _answer(request: Req, said: ReplyForm) -> actions.Answer:
    today, brought = current_tenant().today(), await files.brought(request)
    states = said.paper == "statement"
    period = Period(said.since or today.replace(day=1), said.until or today)
    return actions.Answer(
        said.text,
        said.key,
        way_id=_id(said.way),
        file=brought[0] if brought else None,
        invoice_id=None if states else _id(said.paper),
        statement=period if states else None,
    )


def _id(text: str) -> UUID | None:
    """None for a blank; nonsense is nobody's id."""
    if not text:
        return None
    found = uuid_or_none(text)
    if found is None:
        raise NotFound
    return found


def _back(thread_id: UUID) -> Response[Any]:
    return web.redirect(_narrowed(f"/office/inbox/{thread_id}"))


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
    """On to the next of the list."""
    _, after = await queries.around(visit().actor, thread_id, _sought())
    await actions.close(visit().actor, thread_id)
    return web.done(
        _narrowed(f"/office/inbox/{after}" if after else "/office/inbox"),
        "flash:conversation_closed",
    )


@post("/office/inbox/{thread_id:uuid}/unread", opt=READ, status_code=200)
async def unread_create(thread_id: UUID) -> Response[Any]:
    await actions.to_read(visit().actor, thread_id)
    return web.redirect(_narrowed("/office/inbox"))


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
    unread_create,
    bot_update,
    order_create,
    file_show,
]

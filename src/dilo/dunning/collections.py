"""Pages of collections: the worklist, promises, disputes, letters, holidays, acts."""

from datetime import date
from typing import Any
from uuid import UUID

import msgspec
from litestar import Request, Response, get, post

from dilo.dunning import actions, letters, pauses, queries, reconciliation, texts, worklist
from dilo.dunning.pauses import DisputeForm, PromiseForm
from dilo.dunning.worklist import NoteForm
from dilo.kit import i18n, web
from dilo.kit.errors import Invalid, NotFound, Refusal
from dilo.kit.paging import Paging
from dilo.kit.visit import visit
from dilo.messaging.sms_costs import bill_or_none
from dilo.parties import queries as parties
from dilo.people.roles import may
from dilo.receivables import queries as receivables
from tenants.scope import current_tenant

Req = Request[Any, Any, Any]
READ, WORK, EDIT = may("dunning.read"), may("dunning.promise"), may("dunning.edit")
TONES = ("friendly", "due", "firm", "final")


@get("/office/collections", opt=READ)
async def index() -> Response[str]:
    query = visit().query
    mine = visit().actor.id if query.get("mine") else None
    page = await worklist.tasks(
        Paging.of(query),
        owner_id=mine,
        search=query.get("q", ""),
        today_only=bool(query.get("today")),
    )
    return web.page(
        "dunning/collections.html",
        block="list",
        page=page,
        disputes=await pauses.disputes(open_only=True),
        on=current_tenant().today(),
    )


@get("/office/collections/{party_id:uuid}", opt=READ)
async def show(party_id: UUID) -> Response[str]:
    party = await parties.party(party_id)
    return web.page(
        "dunning/debtor.html",
        party=party,
        debts=await receivables.open_items_of(party_id, party.currency, "debit"),
        notes=await worklist.notes_of(party_id),
        promises=await pauses.promises_of(party_id),
        disputes=await pauses.disputes(party_id),
        acts=await reconciliation.acts_of(party_id),
        channels=await parties.channels_of(party_id),
        form=web.EMPTY,
        on=current_tenant().today(),
    )


@post("/office/collections/{party_id:uuid}/notes", opt=WORK, status_code=200)
async def note_create(request: Req, party_id: UUID) -> Response[Any]:
    await parties.party(party_id)
    form = await web.read_form(NoteForm, request)
    if form.input is None:
        raise Invalid(form.errors)
    await worklist.write_note(visit().actor, party_id, form.input)
    return web.done(f"/office/collections/{party_id}")


@post("/office/collections/{party_id:uuid}/promises", opt=WORK, status_code=200)
async def promise_create(request: Req, party_id: UUID) -> Response[Any]:
    await parties.party(party_id)
    form = await web.read_form(PromiseForm, request)
    if form.input is None:
        raise Invalid(form.errors)
    await pauses.promise(visit().actor, party_id, form.input, "office")
    return web.done(f"/office/collections/{party_id}", "flash:promise_kept_in_mind")


@post("/office/items/{item_id:uuid}/disputes", opt=WORK, status_code=200)
async def dispute_create(request: Req, item_id: UUID) -> Response[Any]:
    item = await receivables.open_item(item_id)
    form = await web.read_form(DisputeForm, request)
    await pauses.dispute(visit().actor, item_id, form.input or DisputeForm(), "office")
    return web.done(f"/office/collections/{item.party_id}")


class Answer(msgspec.Struct):
    answer: str | None = None


@post("/office/disputes/{dispute_id:uuid}/{outcome:str}", opt=WORK, status_code=200)
async def dispute_end(request: Req, dispute_id: UUID, outcome: str) -> Response[Any]:
    form = await web.read_form(Answer, request)
    answer = form.input.answer if form.input else None
    await pauses.end_dispute(visit().actor, dispute_id, outcome, answer)
    return web.done("/office/collections")


@post("/office/statements/{statement_id:uuid}/reconciliation", opt=WORK, status_code=200)
async def act_create(statement_id: UUID) -> Response[Any]:
    act_id = await reconciliation.send(visit().actor, statement_id)
    return web.done(f"/office/reconciliations/{act_id}", "flash:act_sent")


@get("/office/reconciliations/{act_id:uuid}", opt=READ)
async def act_show(act_id: UUID) -> Response[str]:
    act = await reconciliation.act(act_id)
    lines = await reconciliation.lines_of(act_id)
    return web.page("dunning/act.html", act=act, lines=lines)


class TextForm(msgspec.Struct):
    language: str
    channel: str
    tone: str
    body: str = ""


@get("/office/dunning/texts", opt=EDIT)
async def text_index() -> Response[str]:
    query = visit().query
    chosen = {
        "language": query.get("language", current_tenant().language),
        "channel": query.get("channel", "telegram"),
        "tone": query.get("tone", "due"),
    }
    body = await texts.text_or_none(**chosen) or letters.OUR_WORDS
    return await _texts(web.Filled(values=chosen | {"body": body}))


def _by_sms(form: web.Filled[Any]) -> bool:
    return form.values.get("channel") == "sms"


async def _texts(form: web.Filled[Any], preview: str = "", status: int = 200) -> Response[str]:
    policy = await queries.policy_or_none()
    due = await queries.would_warn(policy, current_tenant().today(), 5) if policy else []
    return web.page(
        "dunning/texts.html",
        status=status,
        form=form,
        texts=await texts.texts(),
        tones=TONES,
        preview=preview,
        bill=await bill_or_none([preview], 1) if preview and _by_sms(form) else None,
        due=due,
    )


@post("/office/dunning/texts", opt=EDIT, status_code=200)
async def text_update(request: Req) -> Response[Any]:
    """``preview`` shows the letter to a real debtor and saves nothing."""
    form = await web.read_form(TextForm, request)
    if form.input is None:
        return await _texts(form, status=422)
    new = form.input
    wants_preview = bool((await request.form()).get("preview"))
    try:
        preview = await letters.preview_text(texts.checked(new.body), new.language)
        if not wants_preview:
            await texts.save_text(visit().actor, new.language, new.channel, new.tone, new.body)
            return web.done("/office/dunning/texts")
    except NotFound:
        raise
    except Refusal as refusal:
        form.errors["_"] = i18n.say(f"refusal:{refusal.code}", **refusal.figures)
        return await _texts(form, status=422)
    return await _texts(form, preview)


@post("/office/dunning/texts/{text_id:uuid}/removal", opt=EDIT, status_code=200)
async def text_destroy(text_id: UUID) -> Response[Any]:
    await texts.drop_text(visit().actor, text_id)
    return web.done("/office/dunning/texts", "flash:removed")


class HolidayForm(msgspec.Struct):
    day: date
    name: str = ""


@post("/office/dunning/holidays", opt=EDIT, status_code=200)
async def holiday_create(request: Req) -> Response[Any]:
    form = await web.read_form(HolidayForm, request)
    if form.input is None:
        raise Invalid(form.errors)
    await actions.save_holiday(visit().actor, form.input.day, form.input.name)
    return web.redirect("/office/dunning")


@post("/office/dunning/holidays/{day:str}/removal", opt=EDIT, status_code=200)
async def holiday_destroy(day: str) -> Response[Any]:
    try:
        await actions.drop_holiday(visit().actor, date.fromisoformat(day))
    except ValueError:
        raise NotFound from None
    return web.redirect("/office/dunning")


routes = [
    index,
    show,
    note_create,
    promise_create,
    dispute_create,
    dispute_end,
    act_create,
    act_show,
    text_index,
    text_update,
    text_destroy,
    holiday_create,
    holiday_destroy,
]

"""Templates of messages in the office: words to say often, seen as a real company reads them."""

from typing import Any
from uuid import UUID

from litestar import Request, Response, get, post

from dilo.kit import i18n, web
from dilo.kit.errors import Refusal
from dilo.kit.ids import uuid_or_none
from dilo.kit.letters import checked, rendered
from dilo.kit.visit import visit
from dilo.messaging import phrases
from dilo.messaging.phrases import NAMES, PhraseForm
from dilo.messaging.rules import CHANNELS
from dilo.parties.queries import party_names
from dilo.people.roles import may

Req = Request[Any, Any, Any]
READ, EDIT = may("inbox.reply"), may("templates.edit")


@get("/office/templates", opt=READ)
async def index() -> Response[str]:
    form: web.Filled[PhraseForm] = web.Filled()
    phrase_id = uuid_or_none(visit().query.get("phrase", ""))
    if phrase_id is not None:
        form.values = dict(await phrases.phrase(phrase_id))
    return await _index(form)


async def _index(form: web.Filled[Any], preview: str = "", status: int = 200) -> Response[str]:
    return web.page(
        "conversations/phrases.html",
        status=status,
        form=form,
        preview=preview,
        phrases=await phrases.phrases(),
        channels=CHANNELS,
        names=NAMES,
    )


@post("/office/templates", opt=EDIT, status_code=200)
async def create(request: Req) -> Response[Any]:
    """With ``preview``: shown as the first company would read it, nothing saved."""
    form = await web.read_form(PhraseForm, request)
    said = form.input
    if said is None:
        return await _index(form, status=422)
    try:
        if said.preview:
            return await _index(form, await _preview(said))
        await phrases.save(visit().actor, said)
    except Refusal as refusal:
        if refusal.status != 422:
            raise
        form.errors["_"] = i18n.say(f"refusal:{refusal.code}", **refusal.figures)
        return await _index(form, status=422)
    return web.done("/office/templates")


async def _preview(said: PhraseForm) -> str:
    first = await party_names("", 1)
    figures = await phrases.figures_of(first[0]["id"] if first else None, visit().actor.name)
    return rendered(checked(said.body, NAMES), figures)


@post("/office/templates/{phrase_id:uuid}/removal", opt=EDIT, status_code=200)
async def removal_create(phrase_id: UUID) -> Response[Any]:
    await phrases.drop(visit().actor, phrase_id)
    return web.redirect("/office/templates")


routes = [index, create, removal_create]

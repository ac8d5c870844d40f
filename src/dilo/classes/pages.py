"""Classes in the office: the matrix, who is in a cell, was and now before it is applied."""

from typing import Any
from uuid import UUID

from litestar import Request, Response, get, post

from dilo.classes import actions, queries
from dilo.classes.actions import RuleForm
from dilo.classes.queries import CELLS, Settings, Subject
from dilo.kit import i18n, web
from dilo.kit.errors import NotFound, Refusal
from dilo.kit.export import table_file
from dilo.kit.paging import Paging
from dilo.kit.visit import visit
from dilo.parties import queries as parties
from dilo.people.queries import colleagues
from dilo.people.roles import may
from dilo.pricing import actions as pricing
from tenants.scope import current_tenant

Req = Request[Any, Any, Any]
HEAD = ("code", "name", "class", "total", "share", "gathered_share", "variation", "active")
EXPORT_MAX = 100_000


def _subject(text: str) -> Subject:
    if text == "clients":
        return "clients"
    if text == "goods":
        return "goods"
    raise NotFound


@get("/office/classes/{subject:str}", opt=may("reports.read"))
async def show(subject: str) -> Response[Any]:
    return await _show(_subject(subject), web.EMPTY)


async def _show(subject: Subject, form: web.Filled[Any], status: int = 200) -> Response[Any]:
    tenant, query = current_tenant(), visit().query
    settings = await actions.settings_of(subject)
    figures = (subject, settings, tenant.currency, tenant.today())
    cell = query.get("cell", "") if query.get("cell") in CELLS else ""
    chosen = {"cell": cell, "search": query.get("q", "")}
    if kind := query.get("as"):
        page = await queries.classed(*figures, Paging(1, EXPORT_MAX), **chosen)
        head = [i18n.say(f"column:{name}") for name in HEAD]
        rows = (
            (
                r.code,
                r.name,
                r.abc + r.xyz,
                r.total,
                r.share,
                r.gathered_share,
                r.variation,
                r.active,
            )
            for r in page.rows
        )
        return table_file(f"classes-{subject}", kind, head, rows)
    since, until = queries.window(settings, tenant.today())
    return web.page(
        "classes/show.html",
        block="list",
        status=status,
        subject=subject,
        settings=settings,
        since=since,
        until=until,
        matrix=await queries.matrix(*figures),
        page=await queries.classed(*figures, Paging.of(query), **chosen),
        cell=cell,
        form=form,
    )


@get("/office/classes/{subject:str}/changes", opt=may("reports.read"))
async def changes(subject: str) -> Response[str]:
    tenant, what = current_tenant(), _subject(subject)
    settings = await actions.settings_of(what)
    people = await colleagues()
    return web.page(
        "classes/changes.html",
        subject=what,
        rows=await queries.changes(what, settings, tenant.currency, tenant.today()),
        runs=await queries.runs(),
        rules=await queries.rules(),
        people=people,
        names={person.id: person.name for person in people},
        lists=await pricing.price_lists(),
        segments=await parties.segments(),
        cells=CELLS,
        form=web.EMPTY,
    )


@post("/office/classes/{subject:str}/settings", opt=may("credit.edit"), status_code=200)
async def settings_update(request: Req, subject: str) -> Response[Any]:
    what = _subject(subject)
    form = await web.read_form(Settings, request)
    if form.input is not None:
        with form.refusals():
            await actions.save_settings(visit().actor, what, form.input)
            return web.done(f"/office/classes/{what}")
    return await _show(what, form, 422)


@post("/office/classes/{subject:str}/runs", opt=may("credit.edit"), status_code=200)
async def run_create(subject: str) -> Response[Any]:
    what = _subject(subject)
    await actions.apply_classes(visit().actor, what)
    return web.done(f"/office/classes/{what}/changes")


@post("/office/class-runs/{run_id:uuid}/reversal", opt=may("credit.edit"), status_code=200)
async def reversal_create(run_id: UUID) -> Response[Any]:
    await actions.reverse_run(visit().actor, run_id)
    return web.done("/office/classes/clients/changes")


@post("/office/segment-rules", opt=may("credit.edit"), status_code=200)
async def rule_create(request: Req) -> Response[Any]:
    form = await web.read_form(RuleForm, request)
    if form.input is None:
        raise Refusal("AMOUNT_BAD", status=422)
    await actions.add_rule(visit().actor, form.input)
    return web.done("/office/classes/clients/changes")


@post("/office/segment-rules/{rule_id:uuid}/removal", opt=may("credit.edit"), status_code=200)
async def rule_destroy(rule_id: UUID) -> Response[Any]:
    await actions.drop_rule(visit().actor, rule_id)
    return web.done("/office/classes/clients/changes", "flash:removed")


@post("/office/parties/{party_id:uuid}/segment-by-hand", opt=may("credit.edit"), status_code=200)
async def by_hand_create(party_id: UUID) -> Response[Any]:
    """On or off."""
    party = await parties.party(party_id)
    await actions.keep_by_hand(visit().actor, party_id, not party.segment_by_hand)
    return web.done(f"/office/parties/{party_id}?tab=terms")


routes = [
    show,
    changes,
    settings_update,
    run_create,
    reversal_create,
    rule_create,
    rule_destroy,
    by_hand_create,
]

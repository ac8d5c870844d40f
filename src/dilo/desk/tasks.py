"""Tasks in the office: a list of mine, of what I gave others, of all; made, done, put off."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec
from litestar import Request, Response, get, post

from dilo.kit import clock, i18n, web
from dilo.kit.errors import NotFound, Refusal
from dilo.kit.export import table_file
from dilo.kit.paging import Paging
from dilo.kit.visit import visit
from dilo.parties import tasks
from dilo.parties.queries import party, party_of_code
from dilo.people.queries import colleague
from dilo.people.roles import may
from tenants.scope import current_tenant

Req = Request[Any, Any, Any]
A_MINUTE = timedelta(minutes=1)
EXPORT_MAX = 20_000


@get("/office/tasks", opt=may("desk.read"))
async def index() -> Response[Any]:
    query, views = visit().query, tasks.views_of(visit().actor)
    view, state = query.get("view", "mine"), query.get("state", "open")
    filters = {
        "view": view if view in views else "mine",
        "state": state if state in tasks.STANDS else "",
        "search": query.get("q", ""),
    }
    if kind := query.get("as"):
        return await _export(kind, filters)
    page = await tasks.task_list(visit().actor, Paging.of(query), **filters)
    return web.page(
        "desk/tasks.html",
        block="list",
        page=page,
        views=views,
        states=list(tasks.STANDS),
        now=clock.now(),
    )


async def _export(kind: str, filters: dict[str, str]) -> Response[Any]:
    page = await tasks.task_list(visit().actor, Paging(1, EXPORT_MAX), **filters)
    head = ("Task", "Party", "When", "Who", "Given by", "Done at")
    rows = [
        (one.title, one.party_name or "", one.due_at, one.assignee_name, one.made_by, one.done_at)
        for one in page.rows
    ]
    return table_file("tasks", kind, [i18n.gettext(name) for name in head], rows)


class TaskForm(msgspec.Struct):
    title: str
    due_at: str  # local, as browsers send it
    party: str = ""
    party_id: UUID | None = None
    assignee_id: UUID | None = None
    next: str = ""
    key: str = ""


@post("/office/tasks", opt=may("desk.read"), status_code=200)
async def task_create(request: Req) -> Response[Any]:
    form = await web.read_form(TaskForm, request)
    if form.input is None:
        raise Refusal("TASK_EMPTY", status=422)
    new = form.input
    about = new.party_id
    if about is not None:
        await party(about)
    elif new.party.strip():
        about = await party_of_code(new.party)
        if about is None:
            raise NotFound("UNKNOWN_PARTY", code=new.party)
    if new.assignee_id is not None:
        await colleague(new.assignee_id)
    due_at = local_moment(new.due_at)
    await tasks.make_task(
        visit().actor,
        new.title,
        due_at,
        assignee_id=new.assignee_id,
        party_id=about,
        key=new.key,
    )
    return web.done(f"/office/parties/{about}" if new.next == "party" and about else "/office")


def local_moment(text: str) -> datetime:
    """When a task is due, by the company's clock. Raises TIME_BAD, TASK_PAST."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise Refusal("TIME_BAD", status=422, time=text[:40]) from None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=ZoneInfo(current_tenant().time_zone))
    if abs((moment - clock.now()).days) > 3660:
        raise Refusal("TIME_BAD", status=422, time=text[:40])
    if moment < clock.now() - A_MINUTE:  # the browser's minute has no seconds
        raise Refusal("TASK_PAST", status=422)
    return moment


@post("/office/tasks/{task_id:uuid}/done", opt=may("desk.read"), status_code=200)
async def task_done(request: Req, task_id: UUID) -> Response[Any]:
    await tasks.finish_task(visit().actor, task_id)
    return web.redirect(web.came_from(request, "/office"))


@post("/office/tasks/{task_id:uuid}/reopening", opt=may("desk.read"), status_code=200)
async def task_reopen(request: Req, task_id: UUID) -> Response[Any]:
    await tasks.reopen_task(visit().actor, task_id)
    return web.redirect(web.came_from(request, "/office"))


class Moved(msgspec.Struct):
    due_at: str


@post("/office/tasks/{task_id:uuid}/time", opt=may("desk.read"), status_code=200)
async def task_move(request: Req, task_id: UUID) -> Response[Any]:
    await tasks.task(task_id)
    form = await web.read_form(Moved, request)
    if form.input is None:
        raise Refusal("TIME_BAD", status=422, time="")
    await tasks.move_task(visit().actor, task_id, local_moment(form.input.due_at))
    return web.redirect("/office")


routes = [index, task_create, task_done, task_reopen, task_move]

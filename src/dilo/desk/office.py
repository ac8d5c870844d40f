"""My tasks, what I want to hear of, the mark of low stock: small forms of the desk."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec
from litestar import Request, Response, post

from dilo.catalogue.queries import product
from dilo.kit import clock, web
from dilo.kit.errors import NotFound, Refusal
from dilo.kit.visit import visit
from dilo.parties import tasks
from dilo.parties.queries import party, party_of_code
from dilo.people import wishes
from dilo.people.queries import colleague
from dilo.people.roles import may
from dilo.stock.alarms import set_alarm
from tenants.scope import current_tenant

Req = Request[Any, Any, Any]
A_MINUTE = timedelta(minutes=1)


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
async def task_done(task_id: UUID) -> Response[Any]:
    await tasks.finish_task(visit().actor, task_id)
    return web.redirect("/office")


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


class WishForm(msgspec.Struct):
    kind: str
    reach: str
    hour: int = wishes.HOUR


@post("/office/account/news", opt=may("signed-in"), status_code=200)
async def wish_update(request: Req) -> Response[Any]:
    form = await web.read_form(WishForm, request)
    if form.input is None:
        raise Refusal("UNREADABLE", status=422)
    new = form.input
    await wishes.wish(visit().actor, new.kind, new.reach, new.hour)  # type: ignore[arg-type]
    return web.done("/office/account")


class AlarmForm(msgspec.Struct):
    least: Decimal = Decimal(0)


@post("/office/products/{product_id:uuid}/alarm", opt=may("stock.edit"), status_code=200)
async def alarm_update(request: Req, product_id: UUID) -> Response[Any]:
    await product(product_id)
    form = await web.read_form(AlarmForm, request)
    if form.input is None:
        raise Refusal("QUANTITY_BAD", status=422, product="")
    await set_alarm(visit().actor, product_id, form.input.least)
    return web.done(f"/office/products/{product_id}")


routes = [task_create, task_done, task_move, wish_update, alarm_update]

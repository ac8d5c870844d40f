"""What a customer's message leads to: a task, a claim, by the house's own forms filled from it;
what came of it stands in the conversation, to which one returns."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import msgspec
from litestar import Request, Response, get, post

from dilo.claims import actions as claims
from dilo.claims import queries as claimed
from dilo.claims.pages import request_of
from dilo.claims.rules import REASONS, WISHES
from dilo.conversations import media, queries, threads
from dilo.conversations.queries import Message, Thread
from dilo.desk.tasks import local_moment
from dilo.kit import web
from dilo.kit.errors import NotFound, Refusal
from dilo.kit.ids import uuid7, uuid_or_none
from dilo.kit.visit import visit
from dilo.orders.queries import OrderHead, order_head
from dilo.parties import tasks
from dilo.people.queries import colleague
from dilo.people.roles import may
from tenants.scope import current_tenant

Req = Request[Any, Any, Any]
HOUR, PHOTOS_MOST = 10, 5
ANSWERS = may("inbox.reply")


class MatterForm(msgspec.Struct):
    """A task, as on the company's card."""

    title: str
    due_at: str
    assignee_id: UUID | None = None
    key: str = ""


async def _about(thread_id: UUID, message_id: UUID) -> tuple[Thread, Message]:
    """A message of that conversation which somebody wrote to us. Raises NOT_FOUND."""
    of, said = await queries.thread(thread_id), await queries.message(message_id)
    if said.thread_id != of.id or said.kind != "in":
        raise NotFound
    return of, said


def _back(of: Thread, key: str) -> Response[Any]:
    return web.done(f"/office/inbox/{of.id}", key)


async def _made(of: Thread, matter: threads.Matter, matter_id: UUID, number: str) -> None:
    by = visit().actor.name
    await threads.note_made(of.channel, of.address, matter, matter_id, number, by)


@get("/office/inbox/{thread_id:uuid}/messages/{message_id:uuid}/task", opt=ANSWERS)
async def task_new(thread_id: UUID, message_id: UUID) -> Response[str]:
    """By tomorrow morning, for whoever asks, until he says otherwise."""
    of, said = await _about(thread_id, message_id)
    title = " ".join(said.text.split())[: tasks.TITLE_MAX]
    day = current_tenant().today() + timedelta(days=1)
    values = {
        "title": title,
        "due_at": f"{day}T{HOUR:02}:00",
        "assignee_id": visit().actor.id,
        "key": uuid7().hex,
    }
    return await _task_page(of, said, web.Filled(values=values))


async def _task_page(
    of: Thread, said: Message, form: web.Filled[Any], status: int = 200
) -> Response[str]:
    return web.page(
        "desk/task_from_message.html",
        status=status,
        of=of,
        said=said,
        form=form,
        staff=await queries.staff(),
    )


@post(
    "/office/inbox/{thread_id:uuid}/messages/{message_id:uuid}/task", opt=ANSWERS, status_code=200
)
async def task_create(request: Req, thread_id: UUID, message_id: UUID) -> Response[Any]:
    of, said = await _about(thread_id, message_id)
    form = await web.read_form(MatterForm, request)
    if form.input is None:
        return await _task_page(of, said, form, 422)
    with form.refusals(TASK_EMPTY="title", TIME_BAD="due_at", TASK_PAST="due_at"):
        await _make_task(of, said, form.input)
    if not form.ok:
        return await _task_page(of, said, form, 422)
    return _back(of, "flash:task_made")


async def _make_task(of: Thread, said: Message, new: MatterForm) -> None:
    if new.assignee_id is not None:
        await colleague(new.assignee_id)
    due_at = local_moment(new.due_at)
    made = await tasks.make_task(
        visit().actor,
        new.title,
        due_at,
        assignee_id=new.assignee_id,
        party_id=of.party_id,
        key=f"{said.id}:{new.key}" if new.key else "",
    )
    await _made(of, "task", made, new.title[: threads.NAME_MAX])


@get("/office/inbox/{thread_id:uuid}/messages/{message_id:uuid}/claim", opt=may("claims.edit"))
async def claim_new(thread_id: UUID, message_id: UUID) -> Response[str]:
    """``order``: of which shipped order; where there was one alone, of that one."""
    of, said = await _about(thread_id, message_id)
    if of.party_id is None:
        raise Refusal("PARTY_MISSING", status=422)
    orders = await claimed.orders_to_claim(of.party_id)
    chosen = uuid_or_none(visit().query.get("order", ""))
    if chosen is None and len(orders) == 1:
        chosen = orders[0]["id"]
    order = await _own_order(of, chosen) if chosen else None
    return web.page(
        "desk/claim_from_message.html",
        of=of,
        said=said,
        orders=orders,
        order=order,
        lines=await claimed.claimable(order.id) if order else [],
        photos=len(_photos(said)),
        reasons=REASONS,
        wishes=WISHES,
        key=uuid7().hex,
    )


@get("/office/tasks/{task_id:uuid}", opt=may("desk.read"))
async def task_show(task_id: UUID) -> Response[Any]:
    """Where it stands: one's own that is not done on My day, another's on its company's card."""
    found = await tasks.task(task_id)
    if found.party_id is None or (found.assignee_id == visit().actor.id and not found.done_at):
        return web.redirect(f"/office/tasks?state={'done' if found.done_at else 'open'}")
    return web.redirect(f"/office/parties/{found.party_id}")


async def _own_order(of: Thread, order_id: UUID) -> OrderHead:
    found = await order_head(order_id)
    if found.party_id != of.party_id:
        raise NotFound
    return found


def _photos(said: Message) -> list[int]:
    kinds = [one.get("kind") for one in said.media]
    return [place for place, kind in enumerate(kinds) if kind == "photo"][:PHOTOS_MOST]


@post(
    "/office/inbox/{thread_id:uuid}/messages/{message_id:uuid}/claims/{order_id:uuid}",
    opt=may("claims.edit"),
    status_code=200,
)
async def claim_create(
    request: Req, thread_id: UUID, message_id: UUID, order_id: UUID
) -> Response[Any]:
    """With ``photos``, those of the message come along, as far as the channel still has them."""
    of, said = await _about(thread_id, message_id)
    order = await _own_order(of, order_id)
    asked = await request_of(request, order.id, "office")
    if (await request.form()).get("photos"):
        files = [*asked.files, *await _fetched(said)]
        asked = msgspec.structs.replace(asked, files=files)
    claim_id = await claims.request_claim(visit().actor, asked)
    found = await claimed.claim(claim_id)
    await _made(of, "claim", claim_id, found.number)
    return _back(of, "flash:claim_made")


async def _fetched(said: Message) -> list[tuple[str, bytes]]:
    """What the channel no longer has does not stop a claim."""
    found: list[tuple[str, bytes]] = []
    for n, place in enumerate(_photos(said), 1):
        try:
            photo = await media.fetched(visit().actor, said.id, place)
        except Refusal:
            web.flash("warning", "flash:photo_gone")
            continue
        found.append((f"photo-{n}.jpg", photo.body))
    return found


routes = [task_new, task_create, task_show, claim_new, claim_create]

"""Tasks: what is to be done, by when, by whom, about which party."""

from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from uuid import UUID

from dilo.kit import db, outbox
from dilo.kit.errors import Forbidden, NotFound, Refusal
from dilo.kit.paging import Page, Paging
from tenants import audit
from tenants.actors import Actor

TITLE_MAX = 300
DUE = "task_due"
MAKE = """
INSERT INTO task (title, due_at, assignee_id, party_id, made_by, made_by_id, key)
VALUES (:title, :due_at, :assignee_id, :party_id, :by,
  (SELECT i.id FROM identity i WHERE i.id = :by_id), :key)
ON CONFLICT (tenant_id, key) WHERE key IS NOT NULL DO NOTHING RETURNING id
"""
BY_KEY = "SELECT id FROM task WHERE key = :key"
TASKS = """
SELECT t.id, t.title, t.due_at, t.assignee_id, t.party_id, p.name AS party_name, t.made_by,
  t.done_at FROM task t LEFT JOIN party p ON p.id = t.party_id
"""
OPEN_OF = f"""
{TASKS} WHERE t.assignee_id = :id AND t.done_at IS NULL ORDER BY t.due_at, t.id LIMIT :most
"""
ONE = f"{TASKS} WHERE t.id = :id"
WHOSE = {
    "mine": "t.assignee_id = :me",
    "given": "t.made_by_id = :me AND t.assignee_id <> :me",
    "all": "true",
}
STANDS = {
    "open": "t.done_at IS NULL",
    "late": "t.done_at IS NULL AND t.due_at < now()",
    "done": "t.done_at IS NOT NULL",
}
SORTS = {"due": "t.due_at", "title": "t.title", "party": "p.name", "who": "i.name"}
LIST = """
SELECT t.id, t.title, t.due_at, t.assignee_id, i.name AS assignee_name, t.party_id,
  p.name AS party_name, t.made_by, t.made_by_id, t.done_at, count(*) OVER () AS total_rows
FROM task t JOIN identity i ON i.id = t.assignee_id LEFT JOIN party p ON p.id = t.party_id
WHERE {whose} AND {stands}
  AND strpos(lower(concat_ws(' ', t.title, p.name, p.code, i.name)), :search) > 0
"""
FINISH = """
UPDATE task SET done_at = now() WHERE id = :id AND assignee_id = :by AND done_at IS NULL
"""
REOPEN = """
UPDATE task SET done_at = NULL
WHERE id = :id AND :by IN (assignee_id, made_by_id) AND done_at IS NOT NULL
"""
MOVE = """
UPDATE task SET due_at = :due_at WHERE id = :id AND assignee_id = :by AND done_at IS NULL
"""


@dataclass(frozen=True, slots=True)
class Task:
    id: UUID
    title: str
    due_at: datetime
    assignee_id: UUID
    party_id: UUID | None
    party_name: str | None
    made_by: str
    done_at: datetime | None


@dataclass(frozen=True, slots=True)
class Listed:
    id: UUID
    title: str
    due_at: datetime
    assignee_id: UUID
    assignee_name: str
    party_id: UUID | None
    party_name: str | None
    made_by: str
    made_by_id: UUID | None
    done_at: datetime | None


async def make_task(
    actor: Actor,
    title: str,
    due_at: datetime,
    *,
    assignee_id: UUID | None = None,
    party_id: UUID | None = None,
    key: str = "",
) -> UUID:
    """For oneself, unless another is named. A form posted twice, the same key with the same words,
    is the same task again. Raises FORBIDDEN, TASK_EMPTY."""
    actor.require("desk.read")
    words = " ".join(title.split())[:TITLE_MAX]
    owner = assignee_id or actor.id
    if not words or owner is None:
        raise Refusal("TASK_EMPTY", status=422)
    once = _once(key, actor.id, words, due_at, owner, party_id) if key else None
    made = await db.value(
        MAKE,
        title=words,
        due_at=due_at,
        assignee_id=owner,
        party_id=party_id,
        by=actor.name,
        by_id=actor.id,
        key=once,
    )
    if made is None:
        return await db.value(BY_KEY, key=once)
    await _remind(made, due_at)
    await audit.note(actor, "tasks.make", "task", made, after={"title": words})
    return made


def _once(*said: object) -> bytes:
    """Of the key and all that was said: a form sent again with other words is another task."""
    return sha256(repr([str(one) for one in said]).encode()).digest()


async def _remind(task_id: UUID, due_at: datetime) -> None:
    key = f"{DUE}:{task_id}:{due_at.isoformat()}"
    told = {"task_id": str(task_id), "due_at": due_at.isoformat()}
    await outbox.tell_once(DUE, key, told, due_at)


async def tasks_of(actor: Actor, most: int = 50) -> list[Task]:
    """One's own that are not done, the most urgent first."""
    return await db.rows_as(Task, OPEN_OF, id=actor.id, most=most)


def views_of(actor: Actor) -> tuple[str, ...]:
    """Whose tasks this one may look through: everyone's are for who sees reports."""
    return ("mine", "given", "all") if actor.may("reports.read") else ("mine", "given")


async def task_list(
    actor: Actor, paging: Paging, *, view: str = "mine", state: str = "open", search: str = ""
) -> Page[Listed]:
    """``view``: one of ``views_of``; ``state``: open, late, done or all. What is to be done comes
    by when it is due, what is done the latest first. Raises FORBIDDEN."""
    actor.require("desk.read")
    if view not in views_of(actor):
        raise Forbidden("FORBIDDEN", verb="reports.read")
    usual = "t.done_at DESC" if state == "done" else SORTS["due"]
    order = paging.order_by(SORTS, "due") if paging.sort else usual
    listed = LIST.format(whose=WHOSE[view], stands=STANDS.get(state, "true"))
    found = await db.rows(
        f"{listed} ORDER BY {order}, t.id LIMIT :size OFFSET :offset",
        **({} if view == "all" else {"me": actor.id}),
        search=search.lower().strip(),
        size=paging.size,
        offset=paging.offset,
    )
    return db.page_of(Listed, found, paging)


async def task(task_id: UUID) -> Task:
    return await db.one_as(Task, ONE, id=task_id)


async def own_task(actor: Actor, task_id: UUID) -> Task:
    """Raises NOT_FOUND, also for another's."""
    found = await task(task_id)
    if found.assignee_id != actor.id:
        raise NotFound
    return found


async def finish_task(actor: Actor, task_id: UUID) -> None:
    """One's own. Done twice is done once. Raises FORBIDDEN, NOT_FOUND."""
    actor.require("desk.read")
    if not await db.execute(FINISH, id=task_id, by=actor.id):
        await own_task(actor, task_id)
        return
    await audit.note(actor, "tasks.done", "task", task_id)


async def reopen_task(actor: Actor, task_id: UUID) -> None:
    """By who does it or who gave it. What is open stays as it is. Raises FORBIDDEN, NOT_FOUND."""
    actor.require("desk.read")
    if await db.execute(REOPEN, id=task_id, by=actor.id):
        await audit.note(actor, "tasks.reopen", "task", task_id)
    elif (await task(task_id)).done_at is not None:
        raise NotFound


async def move_task(actor: Actor, task_id: UUID, due_at: datetime) -> None:
    """One's own; it reminds anew. Raises FORBIDDEN, NOT_FOUND."""
    actor.require("desk.read")
    if not await db.execute(MOVE, id=task_id, by=actor.id, due_at=due_at):
        raise NotFound
    await _remind(task_id, due_at)
    await audit.note(actor, "tasks.move", "task", task_id, after={"due_at": due_at.isoformat()})

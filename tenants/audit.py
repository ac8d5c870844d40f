"""Who did what to what, before and after. Append-only: the app role cannot change a row."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from dilo.kit import db
from dilo.kit.paging import Page, Paging
from tenants.actors import Actor

NOTE = """
INSERT INTO audit_event (actor_kind, actor_id, actor_name, verb, subject_kind, subject_id,
  before, after)
VALUES (:actor_kind, :actor_id, :actor_name, :verb, :subject_kind, :subject_id, :before, :after)
"""
NOTE_ALL = """
INSERT INTO audit_event (actor_kind, actor_id, actor_name, verb, subject_kind, subject_id, after)
SELECT :actor_kind, :actor_id, :actor_name, :verb, :subject_kind, x, :after
FROM unnest(CAST(:subjects AS uuid[])) AS x
"""
ALARMS = """
SELECT id, at, actor_name, verb, after, count(*) OVER () AS total_rows FROM audit_event
WHERE subject_kind = 'security' ORDER BY at DESC, id LIMIT :size OFFSET :offset
"""
RECENT_ALARMS = """
SELECT count(*) FILTER (WHERE after ->> 'chat' = :chat) AS here, count(*) AS everywhere
FROM audit_event
WHERE subject_kind = 'security' AND verb = :verb AND at > now() - interval '1 hour'
"""


@dataclass(frozen=True, slots=True)
class Alarm:
    id: UUID
    at: datetime
    actor_name: str
    verb: str
    after: dict[str, Any]


async def note(
    actor: Actor,
    verb: str,
    subject_kind: str,
    subject_id: UUID | None,
    *,
    before: dict[str, Any] | None = None,
    after: dict[str, Any] | None = None,
) -> None:
    await db.execute(
        NOTE,
        actor_kind=actor.kind,
        actor_id=actor.id,
        actor_name=actor.name,
        verb=verb,
        subject_kind=subject_kind,
        subject_id=subject_id,
        before=before,
        after=after,
    )


async def note_all(
    actor: Actor, verb: str, subject_kind: str, subjects: Sequence[UUID], after: dict[str, Any]
) -> None:
    """The same of many at once."""
    await db.execute(
        NOTE_ALL,
        actor_kind=actor.kind,
        actor_id=actor.id,
        actor_name=actor.name,
        verb=verb,
        subject_kind=subject_kind,
        subjects=list(subjects),
        after=after,
    )


async def alarm(actor_name: str, what: str, **detail: Any) -> None:
    """Somebody tried what he has no business with. The office shows it; the door says nothing
    more than to anybody else."""
    await db.execute(
        NOTE,
        actor_kind="outside",
        actor_id=None,
        actor_name=actor_name[:100] or "?",
        verb=f"security.{what}",
        subject_kind="security",
        subject_id=None,
        before=None,
        after=detail,
    )


async def alarms(paging: Paging) -> Page[Alarm]:
    found = await db.rows(ALARMS, size=paging.size, offset=paging.offset)
    return db.page_of(Alarm, found, paging)


async def recent_alarms(what: str, chat: str) -> tuple[int, int]:
    """Of the last hour: by this chat, by all."""
    found = await db.one(RECENT_ALARMS, verb=f"security.{what}", chat=chat)
    return found["here"], found["everywhere"]

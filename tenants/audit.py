"""Who did what to what, before and after. Append-only: the app role cannot change a row."""

from typing import Any
from uuid import UUID

from dilo.kit import db
from tenants.actors import Actor

NOTE = """
INSERT INTO audit_event (actor_kind, actor_id, actor_name, verb, subject_kind, subject_id,
  before, after)
VALUES (:actor_kind, :actor_id, :actor_name, :verb, :subject_kind, :subject_id, :before, :after)
"""


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

"""The collector's day: whom to call first, what was said last, what comes next."""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Literal
from uuid import UUID

import msgspec

from dilo.kit import db
from dilo.kit.errors import Refusal
from dilo.kit.paging import Page, Paging
from dilo.parties.queries import party
from tenants import audit
from tenants.actors import Actor
from tenants.scope import current_tenant

# First what was agreed for today or earlier, then the largest overdue nobody has looked at.
WORK = """
WITH late AS (
  SELECT i.party_id, i.currency, sum(i.open_amount) AS overdue, max(:on - i.due_on) AS days,
    count(*) AS documents,
    coalesce(sum(i.open_amount) FILTER (WHERE z.why = 'dispute'), 0) AS disputed
  FROM open_item i
  LEFT JOIN dunning_pause z ON z.open_item_id = i.id AND z.ended_on IS NULL AND z.why = 'dispute'
  WHERE i.side = 'debit' AND i.open_amount > 0 AND i.due_on < :on AND i.currency = :currency
  GROUP BY i.party_id, i.currency)
SELECT t.*, count(*) OVER () AS total_rows FROM (
  SELECT l.party_id, p.code, p.name, o.name AS owner, l.currency, l.overdue, l.days, l.documents,
    l.disputed, n.text AS last_text, n.kind AS last_kind, n.written_at AS last_at, n.next_on,
    m.promised_on, m.amount AS promised, w.state AS last_state, w.sent_at AS warned_at
  FROM late l JOIN party p ON p.id = l.party_id LEFT JOIN identity o ON o.id = p.owner_id
  LEFT JOIN LATERAL (SELECT c.text, c.kind, c.written_at, c.next_on FROM collection_note c
    WHERE c.party_id = l.party_id ORDER BY c.written_at DESC LIMIT 1) n ON true
  LEFT JOIN promise m ON m.party_id = l.party_id AND m.state = 'open'
  LEFT JOIN LATERAL (SELECT x.state, x.sent_at FROM outbox x WHERE x.party_id = l.party_id
    AND x.kind = 'debt_warning' ORDER BY x.created_at DESC LIMIT 1) w ON true
  WHERE (CAST(:owner_id AS uuid) IS NULL OR p.owner_id = :owner_id)
    AND (:search = '' OR strpos(p.search, :search) > 0)
    AND (NOT :today_only OR n.next_on <= :on OR n.next_on IS NULL AND m.promised_on IS NULL)) t
ORDER BY t.next_on IS NULL OR t.next_on > :on, t.promised_on IS NOT NULL, t.overdue DESC, t.party_id
LIMIT :size OFFSET :offset
"""
NOTE = """
INSERT INTO collection_note (party_id, kind, text, next_on, written_by, written_by_id)
VALUES (:party_id, :kind, :text, :next_on, :by, :by_id) RETURNING id
"""
NOTES = """
SELECT kind, text, next_on, written_by, written_at FROM collection_note
WHERE party_id = :party_id ORDER BY written_at DESC LIMIT 50
"""


class NoteForm(msgspec.Struct):
    kind: Literal["call", "note", "visit", "letter"] = "call"
    text: Annotated[str, msgspec.Meta(max_length=2000)] = ""
    next_on: date | None = None


@dataclass(frozen=True, slots=True)
class Task:
    party_id: UUID
    code: str
    name: str
    owner: str | None
    currency: str
    overdue: Decimal
    days: int
    documents: int
    disputed: Decimal
    last_text: str | None
    last_kind: str | None
    last_at: datetime | None
    next_on: date | None
    promised_on: date | None
    promised: Decimal | None
    last_state: str | None
    warned_at: datetime | None


async def tasks(
    paging: Paging, *, owner_id: UUID | None = None, search: str = "", today_only: bool = False
) -> Page[Task]:
    tenant = current_tenant()
    found = await db.rows(
        WORK,
        on=tenant.today(),
        currency=tenant.currency,
        owner_id=owner_id,
        search=search.lower().strip(),
        today_only=today_only,
        size=paging.size,
        offset=paging.offset,
    )
    return db.page_of(Task, found, paging)


async def write_note(actor: Actor, party_id: UUID, form: NoteForm) -> UUID:
    """Raises FORBIDDEN, NOT_FOUND, REASON_MISSING."""
    actor.require("dunning.promise")
    await party(party_id)
    if not form.text.strip():
        raise Refusal("REASON_MISSING", status=422)
    written = await db.value(
        NOTE,
        party_id=party_id,
        kind=form.kind,
        text=form.text.strip(),
        next_on=form.next_on,
        by=actor.name,
        by_id=actor.id,
    )
    await audit.note(actor, f"collections.{form.kind}", "party", party_id)
    return written


async def notes_of(party_id: UUID) -> list[db.Row]:
    return await db.rows(NOTES, party_id=party_id)

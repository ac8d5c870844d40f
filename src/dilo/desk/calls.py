"""A call the telephone exchange tells of: whose number it is, a task for a missed one, a word to
the manager. The same call told twice is one. A number of several companies is not guessed: the one
that proved it is meant, else all are named.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from dilo.kit import clock, db
from dilo.kit.errors import Refusal
from dilo.kit.i18n import say, use_language
from dilo.messaging.news import tell_colleagues
from dilo.parties.actions import phone_number
from dilo.parties.tasks import make_task
from tenants import audit
from tenants.actors import SYSTEM, Actor
from tenants.scope import current_tenant

CALL_BACK_MINUTES = 30
LONG_AGO, SOON = timedelta(days=366), timedelta(days=1)
NOTE = """
INSERT INTO call (external_id, phone, missed, called_at, party_id)
VALUES (:external_id, :phone, :missed, :called_at, :party_id)
ON CONFLICT (tenant_id, external_id) DO NOTHING RETURNING id
"""
BEFORE = "SELECT id, phone, party_id, task_id FROM call WHERE external_id = :external_id"
OWNERS_OF_PHONE = """
SELECT p.id, p.name, bool_or(h.verified_at IS NOT NULL) AS proved,
  (SELECT m.identity_id FROM membership m JOIN identity i
    ON i.id = m.identity_id AND i.disabled_at IS NULL WHERE m.identity_id = p.owner_id) AS owner_id
FROM contact_channel h JOIN party p ON p.id = h.party_id AND p.closed_at IS NULL
WHERE h.channel = 'sms' AND h.address = :phone
GROUP BY p.id, p.name, p.owner_id ORDER BY p.name, p.id LIMIT 5
"""


@dataclass(frozen=True, slots=True)
class Noted:
    """``party_id``: where it is one company's; ``party_ids``: all whose number it may be."""

    id: UUID
    party_id: UUID | None
    party_ids: list[UUID]
    task_id: UUID | None
    repeated: bool = False


async def note_call(
    actor: Actor, external_id: str, phone: str, missed: bool, called_at: datetime
) -> Noted:
    """Raises FORBIDDEN, PHONE_BAD, TIME_BAD."""
    actor.require("calls.note")
    if not clock.now() - LONG_AGO <= called_at <= clock.now() + SOON:
        raise Refusal("TIME_BAD", status=422, time=called_at.isoformat())
    number = phone_number(phone)
    whose = await _whose(number)
    party_ids = [one["id"] for one in whose]
    party_id = party_ids[0] if len(party_ids) == 1 else None
    call_id = await db.value(
        NOTE,
        external_id=external_id,
        phone=number,
        missed=missed,
        called_at=called_at,
        party_id=party_id,
    )
    if call_id is None:
        before = await db.one(BEFORE, external_id=external_id)
        told = party_ids if before["phone"] == number and before["party_id"] is None else []
        told = [before["party_id"]] if before["party_id"] else told
        return Noted(before["id"], before["party_id"], told, before["task_id"], repeated=True)
    task_id = await _call_back(call_id, whose, number) if missed else None
    await audit.note(actor, "calls.note", "party", party_id, after={"phone": number})
    return Noted(call_id, party_id, party_ids, task_id)


async def _whose(number: str) -> Sequence[db.Row]:
    found = await db.rows(OWNERS_OF_PHONE, phone=number)
    return [one for one in found if one["proved"]] or found


async def _call_back(call_id: UUID, whose: Sequence[db.Row], number: str) -> UUID | None:
    """A task and a word for each manager whose it may be; the first task is the call's."""
    first: UUID | None = None
    for owner_id in dict.fromkeys(one["owner_id"] for one in whose) or [None]:
        his = [one for one in whose if one["owner_id"] == owner_id]
        task_id = await _task(owner_id, his, number) if owner_id else None
        first = first or task_id
        told = {
            "phone": number,
            "party_ids": [str(one["id"]) for one in his],
            "task_id": str(task_id) if task_id else None,
        }
        await tell_colleagues("call_missed", str(call_id), told, responsible_id=owner_id)
    if first:
        await db.execute("UPDATE call SET task_id = :t WHERE id = :id", t=first, id=call_id)
    return first


async def _task(owner_id: UUID, his: Sequence[db.Row], number: str) -> UUID:
    use_language(current_tenant().language)
    names = ", ".join(one["name"] for one in his)
    return await make_task(
        SYSTEM,
        say("task:call_back", name=names, phone=number),
        clock.now() + timedelta(minutes=CALL_BACK_MINUTES),
        assignee_id=owner_id,
        party_id=his[0]["id"] if len(his) == 1 else None,
    )

"""A call the telephone exchange tells of: whose number it is, a task for a missed one, a word to
the manager. The same call told twice is one.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from dilo.kit import clock, db
from dilo.kit.i18n import say, use_language
from dilo.messaging.news import tell_colleagues
from dilo.parties.actions import phone_number
from dilo.parties.tasks import make_task
from tenants import audit
from tenants.actors import SYSTEM, Actor
from tenants.scope import current_tenant

CALL_BACK_MINUTES = 30
NOTE = """
INSERT INTO call (external_id, phone, missed, called_at, party_id)
VALUES (:external_id, :phone, :missed, :called_at, :party_id)
ON CONFLICT (tenant_id, external_id) DO NOTHING RETURNING id
"""
BEFORE = "SELECT id, party_id, task_id FROM call WHERE external_id = :external_id"
OWNER_OF_PHONE = """
SELECT p.id, p.name, (SELECT m.identity_id FROM membership m JOIN identity i
  ON i.id = m.identity_id AND i.disabled_at IS NULL WHERE m.identity_id = p.owner_id) AS owner_id
FROM contact_channel h JOIN party p ON p.id = h.party_id AND p.closed_at IS NULL
WHERE h.channel = 'sms' AND h.address = :phone
ORDER BY h.verified_at NULLS LAST, h.created_at DESC, p.id LIMIT 1
"""


@dataclass(frozen=True, slots=True)
class Noted:
    id: UUID
    party_id: UUID | None
    task_id: UUID | None
    repeated: bool = False


async def note_call(
    actor: Actor, external_id: str, phone: str, missed: bool, called_at: datetime
) -> Noted:
    """Raises FORBIDDEN, PHONE_BAD."""
    actor.require("calls.note")
    number = phone_number(phone)
    known = await db.one_or_none(OWNER_OF_PHONE, phone=number)
    call_id = await db.value(
        NOTE,
        external_id=external_id,
        phone=number,
        missed=missed,
        called_at=called_at,
        party_id=known["id"] if known else None,
    )
    if call_id is None:
        before = await db.one(BEFORE, external_id=external_id)
        return Noted(before["id"], before["party_id"], before["task_id"], repeated=True)
    task_id = await _call_back(known, number) if missed and known and known["owner_id"] else None
    if task_id:
        await db.execute("UPDATE call SET task_id = :t WHERE id = :id", t=task_id, id=call_id)
    if missed:
        await _tell(call_id, known, number, task_id)
    party_id = known["id"] if known else None
    await audit.note(actor, "calls.note", "party", party_id, after={"phone": number})
    return Noted(call_id, party_id, task_id)


async def _call_back(known: Any, number: str) -> UUID:
    use_language(current_tenant().language)
    return await make_task(
        SYSTEM,
        say("task:call_back", name=known["name"], phone=number),
        clock.now() + timedelta(minutes=CALL_BACK_MINUTES),
        assignee_id=known["owner_id"],
        party_id=known["id"],
    )


async def _tell(call_id: UUID, known: Any, number: str, task_id: UUID | None) -> None:
    told = {
        "phone": number,
        "party_id": str(known["id"]) if known else None,
        "task_id": str(task_id) if task_id else None,
    }
    owner = known["owner_id"] if known else None
    await tell_colleagues("call_missed", str(call_id), told, responsible_id=owner)

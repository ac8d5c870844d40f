"""A word to a party: on the first channel that has an address, else to the person who asked; a word
to the colleague in charge."""

from typing import Any
from uuid import UUID

from dilo.kit import db, outbox
from dilo.messaging.queries import address_or_none
from dilo.people.wishes import readers_of, wanting

QUICK = ("telegram", "email")
PERSON = "SELECT email, language FROM identity WHERE id = :id AND disabled_at IS NULL"


async def tell_party(
    kind: str, fact: str, payload: dict[str, Any], party_id: UUID, person_id: UUID | None = None
) -> str | None:
    """Queues ``kind`` once for ``fact``. Returns the channel; None where nobody can be reached."""
    for name in QUICK:
        if await address_or_none(party_id, name) is not None:
            told = payload | {"channels": QUICK}
            await outbox.put(name, kind, fact, told, party_id=party_id, priority=3)
            return name
    person = await db.one_or_none(PERSON, id=person_id) if person_id else None
    if person is None:
        return None
    told = payload | {"address": person["email"], "language": person["language"]}
    await outbox.put("email", kind, fact, told, party_id=party_id, priority=3)
    return "email"


async def tell_staff(kind: str, fact: str, payload: dict[str, Any], owner_id: UUID | None) -> int:
    """In Telegram to who wants to hear of ``kind``: the one in charge, where there is none the
    leaders. Returns how many are told."""
    told = wanting(await readers_of(kind), kind, owner_id)
    for one in told:
        fit = payload | {"address": one.chat_id, "language": one.language}
        await outbox.put("telegram", kind, f"{fact}:{one.id}", fit, priority=3)
    return len(told)

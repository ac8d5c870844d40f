"""Telling a colleague that customers wait for his answer: one notice for all of them."""

from typing import Any
from uuid import UUID

from dilo.kit import db, i18n, outbox
from dilo.kit.ids import uuid_or_none
from dilo.messaging.channels import Composed, Dropped, Ready
from dilo.people.wishes import NewsReader, readers_of, wanting
from tenants import links

KIND = "inbox_notice"
SHOWN = 5
WAITS = """
SELECT t.id, coalesce(nullif(t.name, ''), p.name, t.address) AS name, t.last_text, t.unread,
  count(*) OVER () AS total_rows
FROM thread t LEFT JOIN party p ON p.id = t.party_id
WHERE t.waiting_since IS NOT NULL AND t.assignee_id IS NOT DISTINCT FROM CAST(:id AS uuid)
ORDER BY t.waiting_since LIMIT :most
"""


async def on_waiting(payload: dict[str, Any]) -> None:
    """To whom it is assigned; where to nobody, to the leaders and who wants to hear of all."""
    assignee = uuid_or_none(str(payload.get("assignee_id", "")))
    for reader in wanting(await readers_of(KIND), KIND, assignee):
        await _put(reader, assignee, payload)


async def _put(reader: NewsReader, assignee: UUID | None, payload: dict[str, Any]) -> None:
    about = {
        "address": reader.chat_id,
        "language": reader.language,
        "assignee_id": str(assignee) if assignee else "",
    }
    key = f"{KIND}:{reader.id}:{payload['thread_id']}:{payload.get('slot', '')}"
    await outbox.put("telegram", KIND, key, about, priority=3)


async def compose(payload: dict[str, Any], _channel: str, _party_id: UUID | None) -> Composed:
    """What waits at the moment of sending; nothing where he has answered already."""
    assignee = uuid_or_none(payload["assignee_id"])
    waits = await db.rows(WAITS, id=assignee, most=SHOWN)
    if not waits:
        return Dropped("ANSWERED")
    key = "inbox:waits" if assignee else "inbox:nobody"
    told = [i18n.say(key, count=waits[0]["total_rows"])]
    told += [f"• {row['name']}: {row['last_text'][:120]}" for row in waits]
    told.append(await links.address_of("/office/inbox"))
    return Ready("\n".join(told))

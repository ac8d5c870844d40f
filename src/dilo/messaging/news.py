"""News for colleagues in Telegram: who hears is decided when it happens, and asked once more as it
leaves: the dismissed, the unlinked and those who want no more of it are told nothing.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from dilo.kit import outbox
from dilo.messaging.channels import Composed, Dropped, Ready
from dilo.people.chats import colleague_of_chat
from dilo.people.wishes import KINDS, readers_of, wanting, wishes_of
from tenants.actors import Actor

KIND = "staff_news"
Rows = list[list[tuple[str, str]]]


@dataclass(frozen=True, slots=True)
class Said:
    text: str
    buttons: Rows = field(default_factory=list)


Words = Callable[[Actor, dict[str, Any]], Awaitable[Said | None]]
_words: dict[str, Words] = {}


def say_with(kind: str, words: Words) -> None:
    """``words(reader, payload)`` looks again and writes; None where there is nothing to tell."""
    _words[kind] = words


async def tell_colleagues(
    kind: str,
    fact: str,
    payload: dict[str, Any],
    *,
    responsible_id: UUID | None = None,
    but: UUID | None = None,
    only: UUID | None = None,
    expires_at: datetime | None = None,
) -> int:
    """Once for ``fact`` and reader. ``responsible_id``: the party's manager; ``but``: who did it
    himself; ``only``: nobody else. Returns how many are told."""
    told = [
        r
        for r in wanting(await readers_of(kind), kind, responsible_id)
        if r.id != but and only in (None, r.id)
    ]
    for reader in told:
        where = {"news": kind, "address": reader.chat_id, "language": reader.language}
        key = f"{kind}:{fact}:{reader.id}"
        await outbox.put("telegram", KIND, key, payload | where, priority=2, expires_at=expires_at)
    return len(told)


async def compose(
    payload: dict[str, Any],
    channel: str,  # noqa: ARG001
    party_id: UUID | None,  # noqa: ARG001
) -> Composed:
    kind = payload["news"]
    found = await colleague_of_chat(payload["address"])
    if found is None or not found[0].may(KINDS[kind][0]):
        return Dropped("NOT_STAFF")
    reader = found[0]
    if all(one.kind != kind or one.reach == "off" for one in await wishes_of(reader)):
        return Dropped("UNWANTED")
    said = await _words[kind](reader, payload)
    if said is None:
        return Dropped("DECIDED")
    return Ready(said.text, extra={"buttons": said.buttons} if said.buttons else {})

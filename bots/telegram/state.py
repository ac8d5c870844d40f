"""Where a conversation of several steps stands. It may be lost: the person then sees the menu.

Every key carries tenant and bot; a state lives an hour from its last change.
"""

from typing import Any
from uuid import UUID

from dilo.kit import memory
from tenants.scope import current_tenant

SECONDS = 3600


def _key(bot_id: UUID, chat: int, person: int) -> str:
    return f"talk:{current_tenant().id}:{bot_id}:{chat}:{person}"


async def get(bot_id: UUID, chat: int, person: int) -> dict[str, Any] | None:
    found = await memory.get(_key(bot_id, chat, person))
    return found if isinstance(found, dict) else None


async def put(bot_id: UUID, chat: int, person: int, state: dict[str, Any]) -> None:
    """Plain values only (text, numbers, lists): what msgpack carries."""
    await memory.put(_key(bot_id, chat, person), state, SECONDS)


async def drop(bot_id: UUID, chat: int, person: int) -> None:
    await memory.drop(_key(bot_id, chat, person))

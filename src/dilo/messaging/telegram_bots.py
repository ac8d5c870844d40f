"""The tenant's own Telegram bot: token, webhook secret, pause, where polling stands."""

import secrets
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from dilo.kit import clock, db
from dilo.kit.errors import Refusal
from tenants import audit
from tenants.actors import Actor

ONE = """
SELECT id, token, username, secret, offset_id, state, last_error, paused_until FROM telegram_bot
"""
REMOVE = "UPDATE telegram_bot SET state = 'removed' WHERE state <> 'removed'"
ADD = """
INSERT INTO telegram_bot (token, username, secret, state)
VALUES (:token, :username, :secret, 'live') RETURNING id
"""
OFFSET = "UPDATE telegram_bot SET offset_id = :offset_id WHERE id = :id AND offset_id < :offset_id"
PAUSE = "UPDATE telegram_bot SET paused_until = :until WHERE state = 'live'"
STATE = "UPDATE telegram_bot SET state = :state, last_error = :error WHERE id = :id"


@dataclass(frozen=True, slots=True)
class TelegramBot:
    id: UUID
    token: str
    username: str | None
    secret: str
    offset_id: int
    state: str
    last_error: str | None
    paused_until: datetime | None


async def bot(bot_id: UUID) -> TelegramBot:
    return await db.one_as(TelegramBot, f"{ONE} WHERE id = :id AND state <> 'removed'", id=bot_id)


async def bot_or_none() -> TelegramBot | None:
    return await db.one_or_none_as(TelegramBot, f"{ONE} WHERE state <> 'removed'")


async def add_bot(actor: Actor, token: str, username: str | None) -> UUID:
    """Takes the place of the one before. Raises FORBIDDEN, TOKEN_BAD."""
    actor.require("bots.edit")
    number, _, rest = token.partition(":")
    if not number.isdigit() or len(rest) < 20:
        raise Refusal("TOKEN_BAD", status=422)
    await db.execute(REMOVE)
    added = await db.value(ADD, token=token, username=username, secret=secrets.token_urlsafe(32))
    await audit.note(actor, "bots.add", "telegram_bot", added, after={"username": username})
    return added


async def remove_bot(actor: Actor) -> None:
    actor.require("bots.edit")
    await db.execute(REMOVE)
    await audit.note(actor, "bots.remove", "telegram_bot", None)


async def advance(bot_id: UUID, offset_id: int) -> None:
    await db.execute(OFFSET, id=bot_id, offset_id=offset_id)


async def pause(until: datetime) -> None:
    """Telegram asked this bot to wait: nothing of it is sent before."""
    await db.execute(PAUSE, until=max(until, clock.now()))


async def set_state(bot_id: UUID, state: str, error: str | None = None) -> None:
    await db.execute(STATE, id=bot_id, state=state, error=error)

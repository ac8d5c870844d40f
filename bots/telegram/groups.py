"""A company's group: only what is said to the bot, only what may be said before everybody.

A handler answers in groups when it is flagged: ``flags={"group": "open"}``, or ``"money"`` for what
the company's admin must have allowed first. Without a flag it answers in private chats only.
"""

from collections.abc import Awaitable, Callable
from typing import Any

from aiogram.dispatcher.flags import get_flag
from aiogram.types import Message, TelegramObject

from bots.telegram.talk import Talk
from dilo.kit.errors import Refusal
from dilo.messaging.telegram_bots import TelegramBot

Handler = Callable[[TelegramObject, dict[str, Any]], Awaitable[Any]]


def addressed(message: Message, bot: TelegramBot) -> Message | None:
    """A command with the bot's name (which is then dropped from it), or a move of the group."""
    if message.migrate_to_chat_id is not None:
        return message
    head, _, rest = (message.text or "").partition(" ")
    command, _, name = head.partition("@")
    if not command.startswith("/") or not bot.username or name.lower() != bot.username.lower():
        return None
    return message.model_copy(update={"text": f"{command} {rest}".strip(), "entities": None})


async def only_what_may_be_said(
    handler: Handler, event: TelegramObject, data: dict[str, Any]
) -> Any:
    talk: Talk = data["talk"]
    if talk.kind == "group":
        flag = get_flag(data, "group")
        if flag is None:
            raise Refusal("ONLY_IN_PRIVATE")
        if flag == "money" and not talk.tells_money:
            raise Refusal("GROUP_HEARS_NO_MONEY")
    return await handler(event, data)

"""One update, once: deduplicated, answered in the sender's language, its replies in the outbox."""

import logging
from functools import cache
from typing import Any

from aiogram import Bot, Dispatcher
from aiogram.dispatcher.event.bases import UNHANDLED
from aiogram.types import Update
from pydantic import ValidationError

from bots.telegram import replies
from bots.telegram.dialogue import make_dispatcher
from bots.telegram.replies import Reply
from bots.telegram.talk import Talk
from dilo.buyers.roles import VERBS
from dilo.kit import i18n, inbox
from dilo.kit.errors import Refusal
from dilo.messaging.telegram_bots import TelegramBot
from dilo.parties.queries import linked_chat
from dilo.people.chats import colleague_of_chat
from tenants.actors import Actor
from tenants.scope import current_tenant, undone_on_refusal

log = logging.getLogger("dilo.telegram")


@cache
def dispatcher() -> Dispatcher:
    return make_dispatcher()


async def take_update(bot: TelegramBot, data: dict[str, Any]) -> None:
    """In the tenant's scope. Nonsense is passed over in silence; a repeat changes nothing."""
    speaker = Bot(bot.token) if ":" in bot.token else None
    try:
        update = Update.model_validate(data, context={"bot": speaker})
    except ValidationError:
        return
    chat_id = _private_chat(update)
    if speaker is None or chat_id is None:
        return
    key = f"{bot.id}:{update.update_id}"
    if not await inbox.take(f"telegram:{bot.id}", str(update.update_id), {}):
        return
    actor = await _who(chat_id)
    colleague = await colleague_of_chat(str(chat_id))
    if colleague is not None and actor is None:
        i18n.use_language(colleague[1] or current_tenant().language)
    talk = Talk(actor, key, colleague[0] if colleague else None)
    await replies.put(await _answers(speaker, update, talk), chat_id, key)


def _private_chat(update: Update) -> int | None:
    """Money is not talked about in groups."""
    message = update.message or (update.callback_query and update.callback_query.message)
    if not message or message.chat.type != "private":
        return None
    return message.chat.id


async def _who(chat_id: int) -> Actor | None:
    linked = await linked_chat(str(chat_id))
    known = linked["language"] if linked else None
    i18n.use_language(known or current_tenant().language)
    if linked is None:
        return None
    return Actor(
        "telegram",
        linked["identity_id"],
        linked["name"],
        VERBS[linked["role"]],
        on_behalf_of=linked["party_id"],
        role=linked["role"],
    )


async def _answers(speaker: Bot, update: Update, talk: Talk) -> list[Reply]:
    """A refusal undoes what the handler began and is told in a sentence."""
    try:
        async with undone_on_refusal():
            told = await dispatcher().feed_update(speaker, update, talk=talk)
    except Refusal as refusal:
        told = [Reply(i18n.say(f"refusal:{refusal.code}", **refusal.figures))]
    except Exception:
        log.exception("update %s", update.update_id)
        told = [Reply(i18n.say("bot:broken"))]
    answers: list[Reply] = [] if told is UNHANDLED or told is None else list(told)
    tap = update.callback_query
    if tap and not any(reply.callback_id for reply in answers):
        answers.append(Reply("", callback_id=tap.id))
    return answers

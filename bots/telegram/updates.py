"""One update, once: deduplicated, answered in the sender's language, its replies in the outbox."""

import logging
from functools import cache
from typing import Any

from aiogram import Bot, Dispatcher
from aiogram.dispatcher.event.bases import UNHANDLED
from aiogram.types import CallbackQuery, Chat, Message, Update, User
from pydantic import ValidationError

from bots.telegram import groups, hearing, replies, steps
from bots.telegram.channel import bot_of
from bots.telegram.replies import Reply
from bots.telegram.routers import make_dispatcher
from bots.telegram.talk import Talk, actor_of
from dilo.kit import clock, i18n, inbox
from dilo.kit.errors import NotFound, Refusal
from dilo.messaging import telegram_bots
from dilo.messaging.telegram_bots import TelegramBot
from dilo.parties import chats
from dilo.parties.chats import Seat
from dilo.parties.linking import Stranger
from dilo.people.chats import colleague_of_chat
from tenants import audit
from tenants.scope import current_tenant, undone_on_refusal

log = logging.getLogger("dilo.telegram")
ALLOWED = ["message", "edited_message", "callback_query", "my_chat_member"]
ACTIVE_SECONDS = 60
ALARMS_AN_HOUR = 20


@cache
def dispatcher() -> Dispatcher:
    return make_dispatcher()


async def take_update(bot: TelegramBot, data: dict[str, Any]) -> None:
    """In the tenant's scope. Nonsense is passed over in silence; a repeat changes nothing."""
    update = _read(bot, data)
    if update is None or not bot.answers:
        return
    heard = _heard(update)
    if heard is None:
        return
    chat, person = heard
    if not await inbox.take(f"telegram:{bot.id}", str(update.update_id), {}):
        return
    await telegram_bots.heard_from(bot)
    if update.my_chat_member is not None:
        if update.my_chat_member.new_chat_member.status in ("kicked", "left"):
            await chats.was_blocked(str(chat.id))
        return
    talk = await _talk(bot, f"{bot.id}:{update.update_id}", chat, person)
    written = update.message or update.edited_message
    if written is not None and await hearing.with_a_person(written, talk):
        return
    speaker = bot_of(bot.token)
    await replies.put(await _answers(speaker, update, talk), chat.id, talk.key)


def _read(bot: TelegramBot, data: dict[str, Any]) -> Update | None:
    """Only what asks for an answer; in groups only what is said to this bot. A text written anew is
    a private chat's: a place on the move is edited every second."""
    try:
        update = Update.model_validate(data)
    except ValidationError:
        return None
    again = update.edited_message
    if again is not None and (again.text is None or again.chat.type != "private"):
        return None
    message = update.message
    if message is not None and message.chat.type != "private":
        said = groups.addressed(message, bot)
        return None if said is None else update.model_copy(update={"message": said})
    return update


def _heard(update: Update) -> tuple[Chat, User] | None:
    """The chat and the person. Channels, other bots and anonymous admins are nobody."""
    event: Message | CallbackQuery | None = (
        update.message or update.edited_message or update.callback_query
    )
    if update.my_chat_member is not None:
        return update.my_chat_member.chat, update.my_chat_member.from_user
    if event is None or event.from_user is None or event.from_user.is_bot:
        return None
    if isinstance(event, Message):
        chat = None if event.sender_chat or event.via_bot else event.chat
    else:
        chat = event.message.chat if event.message else None
    if chat is None or chat.type not in ("private", "group", "supergroup"):
        return None
    if chat.type == "private" and chat.id != event.from_user.id:
        return None
    return chat, event.from_user


async def _talk(bot: TelegramBot, key: str, chat: Chat, person: User) -> Talk:
    """Who it is, by two reads; the language is his own from here on."""
    private = chat.type == "private"
    here, his = str(chat.id), str(person.id)
    seats = await chats.seats_in([his] if private else [here, his])
    colleague = await colleague_of_chat(his)
    own = tuple(seat for seat in seats if not seat.is_group and seat.address == his)
    group = next((seat for seat in seats if seat.is_group and seat.address == here), None)
    if private:
        seat = own[0] if own else None
    else:
        seat = next((s for s in own if group is not None and s.party_id == group.party_id), None)
    known = seat.language if seat else (colleague[1] if colleague else None)
    i18n.use_language(known or _spoken(person) or current_tenant().language)
    await _seen(own[0] if private and own else group)
    return Talk(
        key,
        bot,
        chat.id,
        person.id,
        person.full_name if private else chat.title or person.full_name,
        kind="private" if private else "group",
        actor=actor_of(seat) if seat else None,
        staff=colleague[0] if colleague else None,
        seats=own,
        group=group,
    )


def _spoken(person: User) -> str | None:
    code = (person.language_code or "")[:2]
    return code if code in i18n.LANGUAGES else None


async def _seen(seat: Seat | None) -> None:
    """Who writes is alive; a minute is near enough."""
    if seat is None:
        return
    last = seat.last_active_at
    if seat.dead_at or last is None or (clock.now() - last).total_seconds() > ACTIVE_SECONDS:
        await chats.came_alive(seat.address)


async def _answers(speaker: Bot, update: Update, talk: Talk) -> list[Reply]:
    """A refusal undoes what the handler began and is told in a sentence."""
    try:
        async with undone_on_refusal():
            told = await dispatcher().feed_update(speaker, update, talk=talk)
        await steps.fall_silent(talk)
    except Stranger as refusal:
        await _alarm(talk, refusal)
        told = [Reply(i18n.say(f"refusal:{refusal.code}"))]
    except NotFound as refusal:
        if update.callback_query is not None:
            await _alarm(talk, Stranger("foreign_button", refusal.code))
        told = [Reply(i18n.say(f"refusal:{refusal.code}", **refusal.figures))]
    except Refusal as refusal:
        told = [_refused(update, talk, refusal)]
    except Exception:
        log.exception("update %s", update.update_id)
        told = [Reply(i18n.say("bot:broken"))]
    answers: list[Reply] = [] if told is UNHANDLED or told is None else list(told)
    tap = update.callback_query
    if tap and not any(reply.callback_id for reply in answers):
        answers.append(Reply("", callback_id=tap.id))
    return answers


def _refused(update: Update, talk: Talk, refusal: Refusal) -> Reply:
    """Whoever taps in a group and may not is told so himself, not before everybody; a stranger gets
    the button that makes him known."""
    text, tap = i18n.say(f"refusal:{refusal.code}", **refusal.figures), update.callback_query
    if tap is not None and talk.kind == "group":
        return Reply(text, callback_id=tap.id, alert=True)
    unknown = refusal.code == "CHAT_NOT_LINKED" and talk.kind == "private"
    return Reply(text, request_contact=i18n.say("bot:button_share") if unknown else "")


async def _alarm(talk: Talk, refusal: Stranger) -> None:
    """A chat fills no log: after some lines an hour of one kind it is known well enough."""
    chat, most = str(talk.chat), 1 if refusal.what == "link_throttled" else ALARMS_AN_HOUR
    if (await audit.recent_alarms(refusal.what, chat))[0] >= most:
        return
    await audit.alarm(talk.name, refusal.what, chat=chat, person=talk.person, why=refusal.why)

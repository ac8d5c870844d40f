"""Any text nobody else has taken: what a dialogue waits for, a word that is a command, or an order.

It stands behind every other router.
"""

from aiogram import F, Router
from aiogram.filters import Command, CommandObject
from aiogram.types import Message

from bots.intents import (
    Balance,
    Confirm,
    Decline,
    Help,
    Orders,
    OrderStatus,
    OrderText,
    Person,
    Plan,
    Repeat,
    Resume,
    Stop,
    courtesy_of,
    intent_of,
)
from bots.telegram import account, lines, linking, orders, people, steps
from bots.telegram.replies import Reply, menu_of
from bots.telegram.talk import Talk
from bots.telegram.told import to_menu
from dilo.kit.i18n import say

OPEN = {"group": "open"}
router = Router(name="words")


@router.message(Command("order"), flags=OPEN)
async def order_here(message: Message, command: CommandObject, talk: Talk) -> list[Reply]:
    """The way to order in a group: lines after the command."""
    return await lines.draft(message, talk, command.args or "")


@router.message(F.text)
async def words(message: Message, talk: Talk) -> list[Reply]:
    text = message.text or ""
    if (told := await steps.heard(message, talk)) is not None:
        return told
    return await _meant(message, talk, text)


@router.edited_message(F.text)
async def written_anew(message: Message) -> list[Reply]:
    """What was read once is not read again: a draft or an order may stand on it already."""
    return [Reply(say("bot:edited"), [to_menu()])]


async def _meant(message: Message, talk: Talk, text: str) -> list[Reply]:
    match intent_of(text):
        case Help():
            return await linking.help_(message, talk)
        case Balance():
            return await account.balance(message, talk)
        case Orders():
            return await orders.index(message, talk)
        case OrderStatus(number=number):
            return await orders.status(message, talk, number)
        case Repeat():
            return await orders.repeat_last(message, talk)
        case Plan():
            return await account.plan(message, talk)
        case Person():
            return await people.ask_person(message, talk)
        case Stop():
            return await linking.stop(message, talk)
        case Resume():
            return await linking.resume(message, talk)
        case Confirm() | Decline():
            return await lines.waiting(message, talk)
        case OrderText():
            if polite := courtesy_of(text):
                return [Reply(say(f"bot:{polite}"), menu_of(talk))]
            if text.startswith("/") and talk.buyer:
                return [Reply(say("bot:no_command", command=text.split()[0][:40]), menu_of(talk))]
    return await lines.draft(message, talk, text)

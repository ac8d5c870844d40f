"""A human: the conversation goes to the manager, and back by a command or a button.

While a person has it, ``hearing`` keeps what is written and the bot says nothing to it.
"""

from aiogram import F, Router
from aiogram.filters import Command

from bots.telegram.replies import Reply, menu_of
from bots.telegram.screens import Event, screen
from bots.telegram.talk import Talk
from dilo.conversations import threads
from dilo.kit.i18n import say

router = Router(name="people")


@router.message(Command("person"))
@router.callback_query(F.data == "person")
async def ask_person(event: Event, talk: Talk) -> list[Reply]:
    company = talk.actor.on_behalf_of if talk.actor else None
    await talk.forget()
    await threads.hand_over(
        talk.actor, "telegram", str(talk.chat), party_id=company, name=talk.name
    )
    return screen(event, say("bot:with_person"), [[(say("bot:button_to_bot"), "bot")]])


@router.message(Command("bot"))
@router.callback_query(F.data == "bot")
async def to_bot(event: Event, talk: Talk) -> list[Reply]:
    await threads.hand_back(talk.actor, "telegram", str(talk.chat))
    return screen(event, say("bot:with_bot"), menu_of(talk))

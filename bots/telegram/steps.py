"""Where the next text belongs: a dialogue that asked for words takes them before anybody else.

``@step("claim")`` hears the texts of a chat whose state says ``step: claim``. A hearer that returns
None lets the text go on as if nothing had been asked. A dialogue waits only until something else is
said or tapped: its buttons go on working, but words are no longer taken for its answer.
"""

from collections.abc import Awaitable, Callable
from typing import Any

from aiogram.types import Message

from bots.telegram.replies import Reply
from bots.telegram.talk import Talk

State = dict[str, Any]
Hearer = Callable[[Message, Talk, State], Awaitable[list[Reply] | None]]
_hearers: dict[str, Hearer] = {}


def step(name: str) -> Callable[[Hearer], Hearer]:
    def kept(hearer: Hearer) -> Hearer:
        _hearers[name] = hearer
        return hearer

    return kept


async def heard(message: Message, talk: Talk) -> list[Reply] | None:
    """What the dialogue under way says to this; None where none waits for it."""
    state = await talk.state() or {}
    hearer = None if state.get("silent") else _hearers.get(str(state.get("step", "")))
    return await hearer(message, talk, state) if hearer else None


async def fall_silent(talk: Talk) -> None:
    """This update was answered by somebody else than the dialogue under way."""
    state = await talk.state()
    if state and state.get("of") != talk.key and not state.get("silent"):
        await talk.leave(state)

"""A company's bot connected to the stand-in Bot API, and people who write to it.

``line`` is the fixture: ``line.person(id)`` talks, ``await line.linked(id)`` is petro's chat, and
``line.bot`` what Telegram keeps of the bot. ``connect`` makes one more for another company.
"""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import asyncpg
import httpx
import pytest_asyncio
from browsing import app
from peers.phone import Person, hook_to
from peers.telegram import BotState, TelegramPeer
from town import Cast

from bots.telegram import connection, webhook
from bots.telegram.channel import Telegram, close_sessions
from dilo.messaging import channels, telegram_bots
from dilo.messaging.sending import drain
from dilo.parties.linking import make_link_code
from dilo.people import chats
from dilo.run import events
from tenants.scope import scope

TOKEN = "123456:abcdefghijklmnopqrstuvwxyz_0123456789"


@dataclass
class Line:
    town: Cast
    peer: TelegramPeer
    bot: BotState
    http: httpx.AsyncClient

    async def settle(self) -> None:
        """Until everything due has been said."""
        await asyncio.gather(*webhook._draining)
        while await drain(self.town.tenant.id):
            pass

    def person(self, number: int, name: str = "Петро", language: str = "uk") -> Person:
        return Person(self.peer, self.bot, number, name, language, self.settle)

    async def colleague(self, who: str, number: int) -> Person:
        made = self.person(number, who)
        async with scope(self.town.tenant):
            code = await chats.make_code(self.town.people[who])
        await made.say(f"/start {code}")
        return made

    async def linked(self, number: int, who: str = "petro", party: str = "D-1") -> Person:
        made = self.person(number)
        async with scope(self.town.tenant):
            identity = self.town.people[who].id
            assert identity is not None
            code = await make_link_code(self.town.parties[party], identity)
        await made.say(f"/start {code}")
        return made


async def connect(town: Cast, peer: TelegramPeer, token: str, http: httpx.AsyncClient) -> Line:
    async with scope(town.tenant):
        await telegram_bots.add_bot(town.olena, token, peer.know(token).username)
        bot = await telegram_bots.bot_or_none()
        assert bot is not None
        await connection.switch_on(bot)
    return Line(town, peer, peer.know(token), http)


@asynccontextmanager
async def at_telegram() -> AsyncIterator[TelegramPeer]:
    """Wired to our application and the other way round; its bots are nobody's yet."""
    owner = await asyncpg.connect(os.environ["DATABASE_OWNER_URL"])
    await owner.execute("DELETE FROM bot_holder")
    await owner.close()
    made = await TelegramPeer().start()
    http = hook_to(made, app())
    events.wire()
    connection.webhook_base = "https://bots.example"
    channels.use_channels({"telegram": Telegram(made.url)})
    made.http = http
    yield made
    await close_sessions()
    await http.aclose()
    await made.stop()
    connection.webhook_base = ""


@pytest_asyncio.fixture
async def peer() -> AsyncIterator[TelegramPeer]:
    async with at_telegram() as made:
        yield made


@pytest_asyncio.fixture
async def line(town: Cast, peer: TelegramPeer) -> Line:
    return await connect(town, peer, TOKEN, peer.http)


__all__ = ["Line", "at_telegram", "connect", "line", "peer"]

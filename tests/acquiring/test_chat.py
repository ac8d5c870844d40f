"""Blocked in the chat, paid by its button, released: a customer's walk through two strict peers."""

from collections.abc import AsyncIterator
from datetime import timedelta
from decimal import Decimal as D
from urllib.parse import urlsplit

import pytest_asyncio
from acquiring.conftest import Till  # type: ignore[import-not-found]
from browsing import visitor
from peers.line import TOKEN, Line, at_telegram, connect
from peers.phone import Person
from peers.stripe import StripePeer
from town import add_debt

from dilo.acquiring.gateway import use_platform
from dilo.kit import db
from tenants.scope import scope


@pytest_asyncio.fixture
async def line(till: Till, peer: StripePeer) -> AsyncIterator[Line]:
    async with at_telegram() as telegram:
        use_platform(peer.url, "sk_test_platform_key", "whsec_platform")  # wiring has undone it
        yield await connect(till.town, telegram, TOKEN, telegram.http)


def links(person: Person) -> list[str]:
    """Addresses of the buttons the chat shows, the newest message first."""
    return [
        button["url"]
        for (where, _), kept in reversed(person.bot.messages.items())
        for row in (kept["keyboard"] or {}).get("inline_keyboard", [])
        for button in row
        if where == person.id and "url" in button
    ]


async def test_blocked_in_the_chat_pays_by_its_button_and_is_released(
    till: Till, line: Line
) -> None:
    town = till.town
    async with scope(town.tenant):
        await db.execute("UPDATE portal_user SET role = 'admin'")
        await add_debt(town, "D-1", D(9500), due_on=town.tenant.today() + timedelta(days=5))
    petro = await line.linked(951)
    await petro.say("LAMP-1 20 шт")
    before = len(line.peer.accepted)
    await petro.tap("Підтвердити")
    told = "\n".join(call.text for call in petro.seen(before)).replace("\N{NO-BREAK SPACE}", " ")
    assert "1 500,00" in told, told
    address = links(petro)[0]
    assert any("1 500,00 ₴" in words.replace("\N{NO-BREAK SPACE}", " ")
               for words in petro.buttons())  # fmt: skip
    async with visitor(town.host) as one:
        session, answer = await till.session(one, urlsplit(address).path)
        assert answer.headers["location"].startswith(till.peer.url)
        till.peer.pay(till.account, session)
        for _ in range(3):
            assert await till.deliver(till.peer.event("checkout.session.completed")) == 200
    async with scope(town.tenant):
        assert await db.value("SELECT state FROM sales_order") == "confirmed"
        assert await db.value("SELECT sum(amount) FROM payment") == D(1500)
    before = len(line.peer.accepted)
    await line.settle()
    told = [call.text for call in petro.seen(before) if "більше не утримується" in call.text]
    assert len(told) == 1, "he is told once, whoever looks"
    await petro.say("/orders")
    (order,) = [data for data in petro.taps() if data.startswith("o:")]
    assert "Підтверджено" in await petro.tap(order)

"""Signing in to the portal from the chat, as it is done: the page, the phone, the page again."""

import re

from browsing import Visitor, visitor
from peers.line import Line


async def begin(one: Visitor, line: Line) -> str:
    await one.open("/sign-in")
    page = await one.post("/sign-in/telegram")
    found = re.search(rf"https://t\.me/{line.bot.username}\?start=(in_[\w-]+)", page.text)
    assert found is not None, page.text[-800:]
    return found[1]


async def is_in(one: Visitor) -> bool:
    return (await one.get("/orders")).status_code == 200


async def test_the_page_waits_the_phone_says_yes_and_the_page_goes_on(line: Line) -> None:
    petro = await line.linked(4242)
    htmx = {"hx-request-type": "partial"}
    async with visitor(line.town.host, **{"user-agent": "Firefox of Petro"}) as one:
        start = await begin(one, line)
        waiting = await one.post("/sign-in/telegram/session", headers=htmx)
        assert "Чекаємо" in waiting.text
        assert "Firefox of Petro" in await petro.say(f"/start {start}")
        assert not await is_in(one), "bringing the code is not yet a yes"
        await petro.tap("✅ Це я, увійти")
        gone_on = await one.post("/sign-in/telegram/session", headers=htmx)
        assert gone_on.headers.get("hx-redirect") == "/", gone_on.text
        assert await is_in(one)


async def test_a_no_a_stranger_and_a_second_use_let_nobody_in(line: Line) -> None:
    petro, stranger = await line.linked(4242), line.person(777, "Чужий")
    async with visitor(line.town.host) as one, visitor(line.town.host) as other:
        start = await begin(one, line)
        await stranger.say(f"/start {start}")
        assert not any(data.startswith("sign:") for data in stranger.buttons())
        await petro.say(f"/start {start}")
        await petro.tap("❌ Це не я")
        assert "не діє" in (await one.post("/sign-in/telegram/session")).text
        assert not await is_in(one)
        again = await begin(other, line)
        await petro.say(f"/start {again}")
        await petro.tap("✅ Це я, увійти")
        assert (await other.post("/sign-in/telegram/session")).status_code == 303
        await other.post("/sign-out")
        await other.post("/sign-in/telegram/session")
        assert not await is_in(other), "a yes is for one entrance"

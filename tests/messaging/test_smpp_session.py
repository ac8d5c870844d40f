"""An SMPP session through bad times: a silent operator, a refused login, a door that slams."""

import asyncio
from collections import Counter
from collections.abc import Callable
from uuid import UUID

import pytest
from browsing import staff
from peers.house import House

from dilo.kit import db
from dilo.messaging import channels, outside, smpp
from dilo.messaging.smpp import Smpp
from tenants.scope import scope

NOW = "UPDATE outbox SET not_before = now() WHERE state = 'queued' RETURNING id"
ERROR = "SELECT last_error FROM sms_account"


@pytest.fixture(autouse=True)
def _hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Half a minute of silence is half a second here."""
    monkeypatch.setattr(smpp, "SILENCE_S", 0.3)
    monkeypatch.setattr(smpp, "PATIENCE_S", 0.4)
    monkeypatch.setattr(smpp, "BACKOFF_FIRST_S", 0.05)
    monkeypatch.setattr(smpp, "BACKOFF_MOST_S", 2.0)
    monkeypatch.setattr(smpp, "REFUSED_MOST_S", 2.0)


async def until(true: Callable[[], bool]) -> None:
    for _ in range(400):
        if true():
            return
        await asyncio.sleep(0.02)
    raise AssertionError("it never came to that")


async def session_of(house: House, account: UUID) -> Smpp:
    await house.carrier.look_after(house.town.tenant.id)
    session = house.carrier.binds[account][1]
    await until(session.tried.is_set)
    return session


@pytest.mark.parametrize("swallows", [False, True])
async def test_a_silent_operator_is_left_and_bound_again_and_nobody_hears_twice(
    house: House, swallows: bool
) -> None:
    account = await house.account("smpp")
    session = await session_of(house, account)
    await house.put("before", "+380670000000")
    await house.drain()
    house.smsc.deaf, house.smsc.swallows = True, swallows
    for n in range(1, 4):
        await house.put(f"in-silence-{n}", f"+38067000000{n}")
    await house.drain(lease=3.0)
    assert house.smsc.enquiries > 0
    await until(lambda: not session.bound.is_set())
    await house.put("while-down", "+380670000009")
    await house.drain()
    house.smsc.deaf = False
    await until(session.bound.is_set)
    assert len(house.smsc.binds) >= 2
    for _ in range(3):
        house.carrier.rests.clear()
        await house.rows(NOW)
        await house.drain()
    states = {row["dedupe_key"]: row["state"] for row in await house.rows()}
    assert len(states) == 5
    assert set(states.values()) <= {"sent", "unknown"}, "nothing is lost, nothing waits for ever"
    assert states["before"] == states["while-down"] == "sent", "what certainly did not leave goes"
    heard = Counter(one.number for one in house.smsc.accepted)
    assert max(heard.values()) == 1, "what may have left is not said again"
    doubted = [key for key, state in states.items() if state == "unknown"]
    assert doubted, "what was written to a dead line is a doubt, and is shown"
    assert len(heard) == (5 if swallows else 5 - len(doubted))


async def test_a_line_that_is_quiet_and_alive_is_kept(house: House) -> None:
    account = await house.account("smpp")
    session = await session_of(house, account)
    await until(lambda: house.smsc.enquiries >= 4)
    assert session.bound.is_set()
    assert len(house.smsc.binds) == 1


async def test_a_refused_login_is_said_in_the_office_and_is_not_hammered(
    house: House,
) -> None:
    account = await house.account("smpp", password="wrong")
    house.smsc.passwords["own"] = "right"
    session = await session_of(house, account)
    await until(lambda: len(house.smsc.binds) >= 2)
    await house.carrier.look_after(house.town.tenant.id)
    (row,) = await house.rows(ERROR)
    assert "bind refused: 0x0E" in row["last_error"], "before anybody has sent by it"
    async with staff(house.town) as olena:
        channels.use_channels({"sms": house.carrier})  # the application has brought its own
        outside.allow_private(True)
        words = "Шлюз не приймає вхід"
        assert words in (await olena.get("/office/sms")).text
        assert words in (await olena.get(f"/office/sms/{account}")).text
    binds = len(house.smsc.binds)
    await asyncio.sleep(1.5)
    assert len(house.smsc.binds) - binds <= 5, "longer each time"
    await house.put("a")
    await house.drain()
    assert await house.states() == ["queued"], "it has not left and waits"
    house.smsc.passwords["own"] = "wrong"
    await until(session.bound.is_set)
    await house.carrier.look_after(house.town.tenant.id)
    assert [row["last_error"] for row in await house.rows(ERROR)] == [None], "said no longer"
    house.carrier.rests.clear()
    await house.rows(NOW)
    await house.drain()
    assert await house.states() == ["sent"]


async def test_an_operator_that_lets_in_and_throws_out_is_not_hammered(house: House) -> None:
    house.smsc.throws_out = True
    await session_of(house, await house.account("smpp"))
    await until(lambda: len(house.smsc.binds) >= 4)
    binds = len(house.smsc.binds)
    await asyncio.sleep(1.5)
    assert len(house.smsc.binds) - binds <= 3, "longer each time"


async def test_a_new_password_binds_anew_at_once(house: House) -> None:
    house.smsc.passwords["own"] = "right"
    account = await house.account("smpp", password="wrong")
    first = await session_of(house, account)
    async with scope(house.town.tenant):
        await db.execute("UPDATE sms_account SET changed_at = now() + interval '1 second'")
    house.smsc.passwords["own"] = "wrong"
    second = await session_of(house, account)
    assert second is not first
    await until(second.bound.is_set)
    assert first.running is None or first.running.done(), "the old one does not knock any more"

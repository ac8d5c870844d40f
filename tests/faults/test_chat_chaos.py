"""What goes wrong around the chat: the provider, the worker, the memory, the database, the updates.

After each: nothing lost, nothing twice without a crash in between (I10 of our promise).
"""

import asyncio
import random
import signal
from collections import Counter
from datetime import time
from uuid import UUID

import asyncpg
import pytest
from peers.line import Line
from peers.processes import Child, sender
from peers.telegram import SENDING
from town import add_party

from dilo.campaigns import actions as campaigns
from dilo.campaigns import queries as campaign_queries
from dilo.campaigns.actions import CampaignInput
from dilo.campaigns.queries import Aim, CampaignPolicy, Words
from dilo.kit import db, outbox
from dilo.messaging.sending import AT_ONCE
from dilo.run.embedded import Servers
from tenants.scope import scope

CHAT = 4401
AGREED = """
INSERT INTO contact_channel (party_id, channel, address, marketing_at, marketing_source)
VALUES (:party, 'telegram', :address, now(), 'office')
"""
WRITTEN_TO = """
SELECT r.address, o.state FROM campaign_recipient r JOIN outbox o ON o.id = r.outbox_id
"""
SENT = "SELECT payload ->> 'text' AS text, state FROM outbox WHERE channel = 'telegram' AND kind = 'note'"


def worker_of(line: Line, **more: str) -> Child:
    """A process of its own that hears, plans and sends until nothing is due."""
    return sender(line.town.tenant.id, DILO_TELEGRAM_API=line.peer.url, **more)


async def notes(line: Line, count: int) -> None:
    async with scope(line.town.tenant):
        for n in range(count):
            payload = {"text": f"note {n}", "address": str(CHAT + n % 3), "language": "uk"}
            await outbox.put("telegram", "note", f"note:{n}", payload)


async def reconciled(line: Line, copies: int = 0) -> Counter[str]:
    """Every row is final; the provider's journal has each at least once, and ``copies`` twice."""
    async with scope(line.town.tenant):
        rows = await db.rows(SENT)
    heard = Counter(
        call.text for call in line.peer.accepted if call.method in SENDING and "note" in call.text
    )
    assert {row["state"] for row in rows} <= {"sent", "unknown"}
    assert {row["text"] for row in rows if row["state"] == "sent"} <= set(heard)
    assert sum(n - 1 for n in heard.values()) <= copies
    return heard


async def test_a_provider_that_is_down_for_a_while_loses_nothing(line: Line) -> None:
    for chat in range(3):
        line.peer.say(str(CHAT + chat), ("500",), ("429", 1), ("500",))
    await notes(line, 9)
    for _ in range(8):
        await line.settle()
        async with scope(line.town.tenant):
            await db.execute("UPDATE outbox SET not_before = now() WHERE state = 'queued'")
            await db.execute("UPDATE telegram_bot SET paused_until = NULL")
    assert len(await reconciled(line)) == 9


@pytest.mark.parametrize(("point", "lost"), [("claimed", 0), ("started", 1), ("accepted", 1)])
async def test_a_worker_killed_at_any_point_loses_nothing_silently(
    line: Line, point: str, lost: int
) -> None:
    await notes(line, 3)
    worker = worker_of(line, DILO_CRASH_AT=f"{point}@{line.town.tenant.id}")
    assert await worker.wait() == -signal.SIGKILL
    async with scope(line.town.tenant):
        await db.execute("UPDATE outbox SET lease_until = now() - interval '1 second'")
    await line.settle()
    heard = await reconciled(line)
    async with scope(line.town.tenant):
        rows = await db.rows(SENT)
    doubtful = [row["text"] for row in rows if row["state"] == "unknown"]
    assert len(rows) == 3
    assert len(doubtful) <= 3 * lost, "what cannot be known is shown to people, not guessed"
    assert len(set(heard) | set(doubtful)) == 3


async def test_an_emptied_memory_costs_a_dialogue_and_nothing_else(
    line: Line, servers: Servers
) -> None:
    from redis.asyncio import Redis

    person = await line.linked(CHAT)
    await person.say("LAMP-1 2")
    client = Redis.from_url(servers.valkey_url)
    async for key in client.scan_iter(f"*{line.town.tenant.id}*"):
        await client.delete(key)
    await client.aclose()
    assert await person.say("/balance")
    await person.say("LAMP-1 3")
    async with scope(line.town.tenant):
        assert await db.value("SELECT count(*) FROM sales_order") == 2


async def test_updates_twice_and_out_of_order_act_once(line: Line) -> None:
    person = await line.linked(CHAT)
    bodies = []
    for n in range(6):
        number = next(line.peer.numbers)
        body = {"message_id": number, "date": 1, "chat": {"id": CHAT, "type": "private"},
                "from": person.user, "text": f"LAMP-1 {n + 1}"}  # fmt: skip
        bodies.append((number + 5000, body))
    twice = [*bodies, *bodies]
    random.Random(5).shuffle(twice)
    for number, body in twice:
        assert await line.peer.update(person.bot, "message", body, number=number) == 200
    await line.settle()
    async with scope(line.town.tenant):
        totals = await db.rows("SELECT total FROM sales_order ORDER BY total")
    assert [int(row["total"]) for row in totals] == [100, 200, 300, 400, 500, 600]


async def test_a_lost_database_connection_is_an_update_delivered_again(
    line: Line, servers: Servers
) -> None:
    person = await line.linked(CHAT)
    admin = await asyncpg.connect(servers.superuser_url)
    await admin.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
        "WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )
    await admin.close()
    number = next(line.peer.numbers)
    body = {"message_id": number, "date": 1, "chat": {"id": CHAT, "type": "private"},
            "from": person.user, "text": "LAMP-1 7"}  # fmt: skip
    for _ in range(80):
        try:
            if await line.peer.update(person.bot, "message", body, number=number + 9000) == 200:
                break
        except Exception:
            await asyncio.sleep(0.05)
    await line.settle()
    async with scope(line.town.tenant):
        assert await db.value("SELECT count(*) FROM sales_order WHERE total = 700") == 1


async def campaign_to(line: Line, count: int) -> UUID:
    """Launched and planned by the worker itself; the provider takes a little over each."""
    town = line.town
    async with scope(town.tenant):
        for n in range(count):
            await add_party(town, f"K{n}", f"Клієнт {n}")
            await db.execute(AGREED, party=town.parties[f"K{n}"], address=str(5500 + n))
        await campaigns.change_policy(
            town.olena, CampaignPolicy(opens=time(0), closes=time(0), approval_above=1000)
        )
        words = {"uk": Words(body="Новинки, {{ party }}")}
        aim = Aim(channels=["telegram"])
        given = CampaignInput(name="Осінь", aim=aim, texts=words, per_minute=60_000)
        made = await campaigns.save(town.olena, None, given)
        assert await campaigns.launch(town.olena, made) == "running"
    for n in range(count):
        line.peer.say(str(5500 + n), ("hang", 0.03))
    return made


async def test_a_campaign_whose_worker_is_killed_midway_loses_nobody_and_repeats_nobody(
    line: Line,
) -> None:
    """By ``product/reliability.md``: never lost; what the provider may have had when the worker
    died is *unknown*, shown to people, and goes again only by their own hand."""
    made = await campaign_to(line, 20)
    worker = worker_of(line)
    while len(line.peer.accepted) < 9 and worker.returncode is None:
        await asyncio.sleep(0.002)
    worker.kill()
    assert await worker.wait() == -signal.SIGKILL
    assert len(line.peer.accepted) < 20, "it was killed midway"
    async with scope(line.town.tenant):
        await db.execute("UPDATE outbox SET lease_until = now() - interval '1 second'")
    await line.settle()
    heard = Counter(call.chat for call in line.peer.accepted if call.method == "sendMessage")
    async with scope(line.town.tenant):
        rows = {row["address"]: row["state"] for row in await db.rows(WRITTEN_TO)}
        result = await campaign_queries.results(made)
        await campaigns.finish()
        assert (await campaign_queries.campaign(made)).state == "done"
    doubtful = {chat for chat, state in rows.items() if state == "unknown"}
    assert len(rows) == 20
    assert set(rows.values()) <= {"sent", "unknown"}
    assert set(heard) | doubtful == set(rows), "nobody is lost silently"
    assert max(heard.values()) == 1, "nobody is told twice"
    assert 1 <= len(doubtful) <= AT_ONCE, "only what was on its way when the worker died"
    assert (result.gone, result.failed) == (20 - len(doubtful), {"WORKER_DIED": len(doubtful)})
    async with scope(line.town.tenant):
        assert await campaigns.tell_again(line.town.olena, made) == len(doubtful)
    await line.settle()
    heard = Counter(call.chat for call in line.peer.accepted if call.method == "sendMessage")
    assert set(heard) == set(rows)
    assert {chat for chat, times in heard.items() if times > 1} <= doubtful

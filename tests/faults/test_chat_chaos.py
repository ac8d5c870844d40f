"""What goes wrong around the chat: the provider, the worker, the memory, the database, the updates.

After each: nothing lost, nothing twice without a crash in between (I10 of our promise).
"""

import asyncio
import os
import random
import signal
import sys
from collections import Counter
from pathlib import Path

import asyncpg
import pytest
from peers.line import Line
from peers.telegram import SENDING

from dilo.kit import db, outbox
from dilo.run.embedded import Servers
from tenants.scope import scope

CHAT = 4401
ROOT = Path(__file__).parents[2]
WORKER = """
import asyncio, sys
from uuid import UUID
from dilo.messaging.sending import drain
from dilo.run import events
from dilo.run.database import database
from dilo.run.settings import settings
async def main():
    events.wire()
    async with database(settings().database_url, most=4):
        await drain(UUID(sys.argv[1]), 5.0)
asyncio.run(main())
"""
SENT = "SELECT payload ->> 'text' AS text, state FROM outbox WHERE channel = 'telegram' AND kind = 'note'"


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
    crash = {"DILO_CRASH_AT": f"{point}@{line.town.tenant.id}", "DILO_TELEGRAM_API": line.peer.url}
    worker = await asyncio.create_subprocess_exec(
        sys.executable, "-c", WORKER, str(line.town.tenant.id), cwd=ROOT, env=os.environ | crash,
        stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
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

"""A database that drops connections costs the requests of that moment, never the pool."""

import asyncio

import asyncpg
import pytest
from town import Cast

from dilo.kit import db
from dilo.run.embedded import Servers
from tenants.scope import scope

# InternalClientError: asyncpg's own way to say that the connection died while a query was being sent.
LOST = (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, OSError)


async def test_a_hundred_lost_connections_leave_the_pool_whole(
    town: Cast, servers: Servers
) -> None:
    killer = await asyncpg.connect(servers.superuser_url)

    async def lose() -> None:
        async with scope(town.tenant):
            pid = await db.value("SELECT pg_backend_pid()")
            await killer_lock(pid)
            await db.value("SELECT 1")

    turn = asyncio.Lock()

    async def killer_lock(pid: int) -> None:
        async with turn:
            await killer.execute("SELECT pg_terminate_backend($1)", pid)
        await asyncio.sleep(0.01)

    for _ in range(100):
        with pytest.raises(LOST):
            await lose()
    await killer.close()

    async def use() -> int:
        async with scope(town.tenant):
            return await db.value("SELECT 1")

    assert await asyncio.wait_for(asyncio.gather(*(use() for _ in range(60))), 20) == [1] * 60


async def test_a_commit_that_fails_is_said_and_the_task_can_go_on(
    town: Cast, servers: Servers
) -> None:
    killer = await asyncpg.connect(servers.superuser_url)

    async def write() -> None:
        async with scope(town.tenant):
            pid = await db.value("SELECT pg_backend_pid()")
            await killer.execute("SELECT pg_terminate_backend($1)", pid)
            await asyncio.sleep(0.01)

    with pytest.raises(LOST):
        await write()
    await killer.close()
    async with scope(town.tenant):
        assert await db.value("SELECT 1") == 1

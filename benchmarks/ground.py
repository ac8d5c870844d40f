"""What several benchmarks stand on: a tenant, its goods and parties, a web server of our own."""

import asyncio
import hashlib
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID

import asyncpg
import httpx

from dilo.kit import db, sealing
from dilo.kit.ids import uuid7
from dilo.run.embedded import Servers, free_port
from tenants.provision import new_tenant
from tenants.scope import scope

PASSWORD = "bench-bench"
WEBHOOK_SECRET = "of-the-webhook"
BOT = """
INSERT INTO telegram_bot (id, token_sealed, number, username, secret_hash, state)
VALUES (:id, :token, :number, 'b', :secret_hash, 'live')
"""


async def fresh_tenant(servers: Servers, slug: str, currency: str = "UAH") -> UUID:
    made = await new_tenant(
        servers.database_owner_url,
        slug,
        currency=currency,
        language="en",
        slug=slug,
        owner_email="owner@bench.example",
        owner_password=PASSWORD,
    )
    return made.id


async def run_in(tenant_id: UUID, *statements: str) -> None:
    async with scope(tenant_id):
        for statement in statements:
            await db.connection().execute(statement)


def bot_token(number: int) -> str:
    return f"{number}:{'x' * 35}"


async def add_bot(tenant_id: UUID, number: int) -> UUID:
    """A live bot of the tenant; its webhook's secret is ``WEBHOOK_SECRET``."""
    bot_id = uuid7()
    async with scope(tenant_id):
        await db.execute(
            BOT,
            id=bot_id,
            token=sealing.seal(bot_token(number), f"telegram_bot:{bot_id}"),
            number=number,
            secret_hash=hashlib.sha256(WEBHOOK_SECRET.encode()).digest(),
        )
    return bot_id


async def analyze(servers: Servers) -> None:
    connection = await asyncpg.connect(servers.superuser_url.rsplit("/", 1)[0] + "/dilo")
    await connection.execute("VACUUM ANALYZE")
    await connection.execute("CHECKPOINT")
    await connection.close()


@asynccontextmanager
async def web_server(workers: int = 2) -> AsyncIterator[int]:
    """``dilo serve`` as a process of its own on a free port."""
    port = free_port()
    child = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "dilo.run.cli",
        "serve",
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
        env=os.environ | {"DILO_PORT": str(port), "DILO_WEB_WORKERS": str(workers)},
    )
    try:
        async with httpx.AsyncClient() as client:
            for _ in range(300):
                try:
                    await client.get(f"http://127.0.0.1:{port}/health")
                    break
                except httpx.TransportError:
                    await asyncio.sleep(0.1)
        yield port
    finally:
        child.terminate()
        await child.wait()

"""The party card at 100,000 parties and 1,000,000 open items, 16 clients.

Floor: the same reads as bare SQL by as many connections.
"""

import asyncio
import random
import re
import time
from typing import Any

import aiohttp
import asyncpg

from benchmarks.ground import PASSWORD, analyze, fresh_tenant, web_server
from benchmarks.many_items import fill
from dilo.desk.queries import YEAR
from dilo.kit import db
from dilo.orders.queries import LIST
from dilo.parties.queries import HEAD
from dilo.receivables.queries import AGING_OF_PARTY
from dilo.run.database import database
from dilo.run.embedded import Servers

CLIENTS, PARTIES, EACH, SECONDS = 16, 100_000, 10, 10.0
HOST = "bench-card.localhost"


async def measure(servers: Servers, scale: float) -> dict[str, Any]:
    parties = max(1000, int(PARTIES * scale))
    async with database(most=4):
        tenant_id = await fresh_tenant(servers, "bench-card")
    await fill(servers, tenant_id, parties, EACH)
    await analyze(servers)
    pool = await asyncpg.create_pool(servers.database_url, min_size=CLIENTS, max_size=CLIENTS)
    async with pool.acquire() as one, one.transaction():
        await one.execute(f"SET LOCAL app.tenant_id = '{tenant_id}'")
        ids = [
            r["id"] for r in await one.fetch("SELECT id FROM party ORDER BY random() LIMIT 2000")
        ]
        day = await one.fetchval("SELECT current_date")
    floor = await _floor(pool, tenant_id, ids, day)
    await pool.close()
    async with web_server() as port:
        cookie = await sign_in(port)
        await _ours(port, cookie, ids, 2.0)
        ours, bad = await _ours(port, cookie, ids, SECONDS)
    return {
        "ours": ours,
        "floor": floor,
        "unit": "cards/s",
        "details": {"parties": parties, "open_items": parties * EACH, "not_200": bad},
    }


def _bare(day: Any) -> list[tuple[str, Any]]:
    """The card's own SQL, its names bound by position."""
    year = {"party_id": None, "currency": "UAH", "on": day}
    aging = {"party_id": None, "currency": "UAH", "on": day}
    orders = {
        "party_id": None,
        "state": "",
        "door": "",
        "search": "",
        "since": None,
        "until": None,
        "size": 20,
        "offset": 0,
    }
    head = {"id": None, "on": day}
    listed = LIST.format(order="o.created_at DESC, o.id DESC")
    return [(HEAD, head), (AGING_OF_PARTY, aging), (YEAR, year), (listed, orders)]


async def _floor(pool: Any, tenant_id: Any, ids: list[Any], day: Any) -> float:
    bound = [(db._positional(sql), figures) for sql, figures in _bare(day)]
    ends, done = time.monotonic() + SECONDS, 0

    async def client() -> None:
        nonlocal done
        async with pool.acquire() as connection:
            while time.monotonic() < ends:
                party = random.choice(ids)
                async with connection.transaction():
                    await connection.execute(f"SET LOCAL app.tenant_id = '{tenant_id}'")
                    for (text, names), figures in bound:
                        own = figures | {k: party for k in ("id", "party_id") if k in figures}
                        await connection.fetch(text, *(own[name] for name in names))
                done += 1

    started = time.monotonic()
    await asyncio.gather(*(client() for _ in range(CLIENTS)))
    return done / (time.monotonic() - started)


async def sign_in(port: int, host: str = HOST) -> dict[str, str]:
    url = f"http://127.0.0.1:{port}/office/sign-in"
    async with aiohttp.ClientSession(
        headers={"host": host}, cookie_jar=aiohttp.DummyCookieJar()
    ) as session:
        async with session.get(url) as page:
            token = re.search(r'_csrf_token" value="([^"]+)', await page.text())
            csrf = page.cookies["dilo_csrf"].value
        assert token is not None
        form = {"email": "owner@bench.example", "password": PASSWORD, "_csrf_token": token[1]}
        async with session.post(
            url, data=form, allow_redirects=False, headers={"cookie": f"dilo_csrf={csrf}"}
        ) as answer:
            office = answer.cookies["dilo_office"].value
    return {"cookie": f"dilo_office={office}; dilo_csrf={csrf}", "host": host}


async def _ours(
    port: int, headers: dict[str, str], ids: list[Any], seconds: float
) -> tuple[float, int]:
    ends, done, bad = time.monotonic() + seconds, 0, 0

    async def client() -> None:
        nonlocal done, bad
        async with aiohttp.ClientSession(
            headers=headers, cookie_jar=aiohttp.DummyCookieJar()
        ) as session:
            while time.monotonic() < ends:
                url = f"http://127.0.0.1:{port}/office/parties/{random.choice(ids)}"
                async with session.get(url, allow_redirects=False) as answer:
                    await answer.read()
                    done, bad = done + 1, bad + (answer.status != 200)

    started = time.monotonic()
    await asyncio.gather(*(client() for _ in range(CLIENTS)))
    return done / (time.monotonic() - started), bad

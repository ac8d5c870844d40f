"""Order messages of five lines through the webhook: 500 companies' bots, one web process.

Each update is read, deduplicated, understood, placed as a draft with prices, stock and credit and
answered through the outbox by a Bot API on loopback; updates/s and p99 are until Telegram has its
200. Floor: the same verb (``place_order``) called directly in one process, nothing around it.
"""

import asyncio
import os
import random
import time
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import aiohttp
from aiohttp import web

from benchmarks.ground import WEBHOOK_SECRET, add_bot, analyze, fresh_tenant, run_in, web_server
from bots.telegram.talk import actor_of
from bots.telegram.webhook import HEADER
from dilo.kit import db
from dilo.orders.actions import place_order
from dilo.orders.commands import LineInput, PlaceOrder
from dilo.parties.chats import seats_in
from dilo.run.database import database
from dilo.run.embedded import Servers
from tenants.scope import scope

BOTS, SENDERS, PRODUCTS, SECONDS = 500, 16, 40, 12.0
CHAT, CHATS = 4242, 40
SETUP = (
    "INSERT INTO warehouse (code, name, is_default) VALUES ('W', 'W', true)",
    f"""INSERT INTO product (code, name) SELECT 'PX-' || n, 'Product ' || n
        FROM generate_series(1, {PRODUCTS}) n""",
    "INSERT INTO price_list (code, name, currency) VALUES ('BASE', 'Base', 'UAH')",
    "INSERT INTO price_assignment (price_list_id, scope) SELECT id, 'base' FROM price_list",
    """INSERT INTO price_item (price_list_id, product_id, min_quantity, price)
       SELECT l.id, p.id, 1, 10 FROM price_list l, product p""",
    """INSERT INTO stock_level (product_id, warehouse_id, on_hand)
       SELECT p.id, w.id, 1000000 FROM product p, warehouse w""",
    "INSERT INTO party (code, name, currency) VALUES ('C', 'Client', 'UAH')",
    """INSERT INTO credit_policy (party_id, limit_amount, depth_days)
       SELECT id, 1000000000, 14 FROM party""",
    "INSERT INTO party_balance (party_id, currency) SELECT id, 'UAH' FROM party",
    "INSERT INTO portal_user (identity_id, party_id) SELECT i.id, p.id FROM identity i, party p",
    f"""INSERT INTO contact_channel (party_id, channel, address, identity_id)
        SELECT party_id, 'telegram', {CHAT} + n, identity_id
        FROM portal_user, generate_series(0, {CHATS - 1}) n""",
)
Line = tuple[UUID, UUID]  # tenant, bot


async def measure(servers: Servers, scale: float) -> dict[str, Any]:
    bots, seconds = max(10, int(BOTS * scale)), max(3.0, SECONDS * scale)
    api = await _bot_api()
    os.environ["DILO_TELEGRAM_API"] = api.url
    async with database(most=SENDERS + 2):
        made = [await _company(servers, number) for number in range(bots)]
        await analyze(servers)
        await _direct(made, 1.0)
        floor = await _direct(made, seconds)
        async with web_server(workers=1) as port:
            await _send(port, made, 6.0, 10_000_000)
            ours, p99, bad = await _send(port, made, seconds, 20_000_000)
            answered_s = await _answered(made)
    await api.runner.cleanup()
    return {
        "ours": ours,
        "floor": floor,
        "unit": "updates/s",
        "details": {
            "p99_ms": p99,
            "bots": bots,
            "not_200": bad,
            "replies": api.count,
            "last_reply_after_s": answered_s,
        },
    }


async def _company(servers: Servers, number: int) -> Line:
    tenant_id = await fresh_tenant(servers, f"bench-bot-{number}")
    await run_in(tenant_id, *SETUP)
    return tenant_id, await add_bot(tenant_id, 100_000 + number)


def _lines() -> list[tuple[str, int]]:
    return [(f"PX-{n}", 5) for n in random.sample(range(1, PRODUCTS + 1), 5)]


async def _send(
    port: int, made: list[Line], seconds: float, first: int
) -> tuple[float, float, int]:
    took: list[float] = []
    bad, number, ends = 0, first, time.monotonic() + seconds

    async def sender() -> None:
        nonlocal bad, number
        async with aiohttp.ClientSession(headers={HEADER: WEBHOOK_SECRET}) as session:
            while time.monotonic() < ends:
                number += 1
                tenant_id, bot_id = random.choice(made)
                address = f"http://127.0.0.1:{port}/bots/telegram/{tenant_id}/{bot_id}"
                began = time.monotonic()
                async with session.post(address, json=_update(number)) as answer:
                    bad += answer.status != 200
                took.append(time.monotonic() - began)

    started = time.monotonic()
    await asyncio.gather(*(sender() for _ in range(SENDERS)))
    rate = len(took) / (time.monotonic() - started)
    took.sort()
    return rate, round(1000 * took[int(len(took) * 0.99)], 1), bad


def _update(number: int) -> dict[str, Any]:
    who = CHAT + number % CHATS
    person = {"id": who, "is_bot": False, "first_name": "P"}
    text = "\n".join(f"{code} {quantity}" for code, quantity in _lines())
    chat = {"id": who, "type": "private", "first_name": "P"}
    message = {"message_id": number, "date": 1, "chat": chat, "from": person, "text": text}
    return {"update_id": number, "message": message}


async def _direct(made: list[Line], seconds: float) -> float:
    ends, done = time.monotonic() + seconds, 0

    async def caller() -> None:
        nonlocal done
        while time.monotonic() < ends:
            async with scope(random.choice(made)[0]):
                (seat,) = await seats_in([str(CHAT)])
                order = PlaceOrder(
                    party_id=seat.party_id,
                    lines=[LineInput(code, Decimal(quantity)) for code, quantity in _lines()],
                    key=uuid4().hex,
                    door="telegram",
                    submit=False,
                )
                await place_order(actor_of(seat), order)
            done += 1

    started = time.monotonic()
    await asyncio.gather(*(caller() for _ in range(SENDERS)))
    return done / (time.monotonic() - started)


async def _answered(made: list[Line]) -> float:
    """Until no reply waits, or Telegram's own pace of one a second to a chat holds the rest."""
    started = time.monotonic()
    for tenant_id, _ in made:
        while time.monotonic() - started < 30:
            async with scope(tenant_id):
                left = await db.value(
                    "SELECT count(*) FROM outbox WHERE channel = 'telegram' AND state = 'queued'"
                    " AND reason IS DISTINCT FROM 'PACE'"
                )
            if not left:
                break
            await asyncio.sleep(0.2)
    return round(time.monotonic() - started, 1)


class BotApi:
    """Takes every message; counts them."""

    url = ""
    count = 0
    runner: web.AppRunner

    async def take(self, request: web.Request) -> web.Response:
        await request.read()
        self.count += 1
        told = {"message_id": self.count, "date": 1, "chat": {"id": CHAT, "type": "private"}}
        return web.json_response({"ok": True, "result": told})


async def _bot_api() -> BotApi:
    api, app = BotApi(), web.Application()
    app.router.add_post("/{bot}/{method}", api.take)
    api.runner = web.AppRunner(app, access_log=None)
    await api.runner.setup()
    site = web.TCPSite(api.runner, "127.0.0.1", 0)
    await site.start()
    api.url = f"http://127.0.0.1:{site._server.sockets[0].getsockname()[1]}"  # type: ignore[union-attr]
    return api

"""A campaign to 50,000 companies against a Bot API on loopback that answers 429 again and again.

Planning (recipients fixed, the outbox filled in batches) and sending are timed apart. The peer is
strict: while it has said ``retry_after`` every message is refused and counted as a breach, and it
remembers each chat it has served, so that nobody lost and nobody told twice is a fact, not a hope.
Our own pace (28 a second a bot) is lifted: it would be the only thing measured. Floor: the same
messages posted by the same number of hands straight to the same peer.
"""

import asyncio
import os
import time
from collections import Counter
from typing import Any
from uuid import UUID

import aiohttp
from aiohttp import web

from benchmarks.ground import add_bot, analyze, bot_token, fresh_tenant, run_in
from bots.telegram import limiter
from dilo.campaigns import actions, queries
from dilo.campaigns.actions import CampaignInput
from dilo.campaigns.queries import Aim, CampaignPolicy, Words
from dilo.kit import db
from dilo.messaging.sending import AT_ONCE, drain
from dilo.people.roles import VERBS
from dilo.run import events
from dilo.run.database import database
from dilo.run.embedded import Servers
from dilo.run.settings import settings
from tenants.actors import Actor
from tenants.scope import scope

RECIPIENTS, FIRST_CHAT = 50_000, 1_000_000
REFUSALS, GRACE_S = 12, 0.05
BOT_NUMBER = 123456
TOKEN = bot_token(BOT_NUMBER)
PACE = (0.00001, 100_000)


def setup(count: int) -> tuple[str, ...]:
    return (
        f"""INSERT INTO party (code, name, currency) SELECT 'C-' || n, 'Company ' || n, 'UAH'
            FROM generate_series(1, {count}) n""",
        f"""INSERT INTO contact_channel (party_id, channel, address, marketing_at,
              marketing_source)
            SELECT id, 'telegram', {FIRST_CHAT} + row_number() OVER (ORDER BY id), now(), 'office'
            FROM party""",
    )


async def measure(servers: Servers, scale: float) -> dict[str, Any]:
    count = max(100, int(RECIPIENTS * scale))
    api = await Peer(count).start()
    os.environ["DILO_TELEGRAM_API"] = api.url
    settings.cache_clear()
    async with database(most=AT_ONCE + 4):
        tenant_id = await fresh_tenant(servers, "bench-broadcast")
        await run_in(tenant_id, *setup(count))
        await add_bot(tenant_id, BOT_NUMBER)
        await analyze(servers)
        events.wire()
        limiter.use_paces(bot=PACE, private=PACE)
        campaign_id, planned_s = await _planned(tenant_id, count)
        sent_s = await _sent(tenant_id)
        async with scope(tenant_id):
            result = await queries.results(campaign_id)
    floor = await _floor(api, min(count, 5000))
    await api.runner.cleanup()
    told = Counter(api.told)
    return {
        "ours": count / sent_s,
        "floor": floor,
        "unit": "messages/s",
        "details": {
            "recipients": count,
            "planned_s": round(planned_s, 2),
            "sent": result.gone,
            "lost": count - len(told),
            "twice": sum(n - 1 for n in told.values()),
            "refused_429": api.refused,
            "sent_while_told_to_wait": api.breaches,
        },
    }


async def _planned(tenant_id: UUID, count: int) -> tuple[UUID, float]:
    async with scope(tenant_id):
        owner = await db.value("SELECT id FROM identity LIMIT 1")
        boss = Actor("staff", owner, "Owner", VERBS["owner"], role="owner")
        rule = CampaignPolicy(approval_above=count)
        midnight = rule.opens.replace(hour=0)
        rule = CampaignPolicy(approval_above=count, opens=midnight, closes=midnight)
        await actions.change_policy(boss, rule)
        given = CampaignInput(
            name="News",
            aim=Aim(channels=["telegram"]),
            texts={"en": Words(body="News for {{ party }}")},
            per_minute=60_000,
        )
        campaign_id = await actions.save(boss, None, given)
    started = time.monotonic()
    async with scope(tenant_id):
        await actions.launch(boss, campaign_id)
    while True:
        async with scope(tenant_id):
            await actions.plan({"campaign_id": str(campaign_id)})
            left = "SELECT count(*) FROM campaign_recipient WHERE state = 'planned'"
            if not await db.value(left):
                break
    took = time.monotonic() - started
    await run_in(tenant_id, "UPDATE outbox SET not_before = now() WHERE kind = 'campaign'")
    return campaign_id, took


async def _sent(tenant_id: UUID) -> float:
    """Until nobody waits; the time the peer told us to wait is its own and is not ours."""
    started = time.monotonic()
    while True:
        if await drain(tenant_id):
            continue
        async with scope(tenant_id):
            waits = "SELECT count(*) FROM outbox WHERE state IN ('queued', 'sending')"
            if not await db.value(f"{waits} AND kind = 'campaign'"):
                break
        await asyncio.sleep(0.05)
    return time.monotonic() - started


async def _floor(api: "Peer", count: int) -> float:
    api.every = count * 10
    turns = asyncio.Semaphore(AT_ONCE)
    async with aiohttp.ClientSession() as session:

        async def one(n: int) -> None:
            async with turns:
                body = {"chat_id": f"floor-{n}", "text": "News"}
                async with session.post(f"{api.url}/bot{TOKEN}/sendMessage", json=body) as answer:
                    await answer.read()

        started = time.monotonic()
        told = len(api.told)
        await asyncio.gather(*(one(n) for n in range(count)))
        took = time.monotonic() - started
    del api.told[told:]
    return count / took


class Peer:
    """Refuses now and then with ``retry_after``; whoever writes meanwhile is refused as well."""

    url = ""
    runner: web.AppRunner

    def __init__(self, count: int) -> None:
        self.every = max(20, count // REFUSALS)
        self.asked = self.refused = self.breaches = 0
        self.quiet_until = 0.0
        self.told: list[str] = []

    async def start(self) -> "Peer":
        app = web.Application()
        app.router.add_post("/{bot}/{method}", self._take)
        self.runner = web.AppRunner(app, access_log=None)
        await self.runner.setup()
        site = web.TCPSite(self.runner, "127.0.0.1", 0)
        await site.start()
        port = site._server.sockets[0].getsockname()[1]  # type: ignore[union-attr]
        self.url = f"http://127.0.0.1:{port}"
        return self

    async def _take(self, request: web.Request) -> web.Response:
        form = await (request.json() if request.content_type.endswith("json") else request.post())
        now = time.monotonic()
        self.asked += 1
        if now < self.quiet_until or self.asked % self.every == 0:
            # What was on its way when the first refusal was said is not held against us.
            self.breaches += now < self.quiet_until and now > self.quiet_until - 1 + GRACE_S
            if now >= self.quiet_until:
                self.quiet_until = now + 1
            self.refused += 1
            body = {
                "ok": False,
                "error_code": 429,
                "description": "Too Many Requests: retry after 1",
                "parameters": {"retry_after": 1},
            }
            return web.json_response(body, status=429)
        chat = str(form["chat_id"])
        self.told.append(chat)
        said = {"message_id": self.asked, "date": 1, "chat": {"id": 1, "type": "private"}}
        return web.json_response({"ok": True, "result": said})

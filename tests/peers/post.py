"""Peers on loopback, wired to the channels as the composition root does it."""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import pytest_asyncio
from peers.smsc import SmscPeer
from peers.smsgateway import GatewayPeer
from peers.smtp import SmtpPeer
from peers.telegram import TelegramPeer
from town import Cast

from bots.telegram import limiter
from bots.telegram.channel import Telegram, use_api
from dilo.kit import db, outbox
from dilo.messaging import channels
from dilo.messaging.channels import Ready
from dilo.messaging.email import Email
from dilo.messaging.sending import drain
from dilo.messaging.sms import HttpSms, Smpp
from dilo.run import events
from dilo.run.events import on_sms_receipt
from tenants.scope import scope

TOKEN = "123456:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
ADD_CHANNEL = """
INSERT INTO contact_channel (party_id, channel, address) VALUES (:party, :channel, :address)
RETURNING id
"""
ADD_BOT = "INSERT INTO telegram_bot (token, secret, state) VALUES (:token, 'secret', 'live')"
ROWS = """
SELECT channel, state, reason, attempts, provider_id, address, dedupe_key, last_error, id
FROM outbox WHERE channel <> 'event' ORDER BY created_at, id
"""


@dataclass
class Post:
    """The peers of one test and how to use them."""

    town: Cast
    telegram: TelegramPeer
    smsc: SmscPeer
    smtp: SmtpPeer
    gateway: GatewayPeer
    compose: Callable[[dict[str, Any], str, UUID | None], Any] | None = None
    resend: bool = False
    composed: list[str] = field(default_factory=list)

    async def reach(self, channel: str, address: str, party: str = "D-1") -> None:
        async with scope(self.town.tenant):
            await db.execute(
                ADD_CHANNEL, party=self.town.parties[party], channel=channel, address=address
            )

    async def put(
        self, key: str, channel: str = "telegram", party: str = "D-1", **more: Any
    ) -> None:
        async with scope(self.town.tenant):
            assert await outbox.put(
                channel,
                "note",
                key,
                {"text": f"text of {key}"},
                party_id=self.town.parties[party],
                **more,
            )

    async def rows(self) -> list[dict[str, Any]]:
        async with scope(self.town.tenant):
            return [dict(row) for row in await db.rows(ROWS)]

    async def states(self) -> list[tuple[str, str]]:
        return [(row["channel"], row["state"]) for row in await self.rows()]

    async def do(self, sql: str, **params: Any) -> list[db.Row]:
        async with scope(self.town.tenant):
            return await db.rows(sql, **params)

    async def drain(self, lease: float = 60.0) -> int:
        """Until nothing is due: a fallback's row is found by the next turn."""
        total = 0
        while taken := await drain(self.town.tenant.id, lease):
            total += taken
        return total


@pytest_asyncio.fixture
async def post(town: Cast) -> AsyncIterator[Post]:
    made = Post(
        town,
        await TelegramPeer().start(),
        await SmscPeer().start(),
        SmtpPeer().start(),
        await GatewayPeer().start(),
    )
    async with scope(town.tenant):
        await db.execute(ADD_BOT, token=TOKEN)

    async def compose(payload: dict[str, Any], channel: str, party_id: UUID | None) -> Any:
        if made.compose is not None:
            return await made.compose(payload, channel, party_id)
        return Ready(payload["text"], "subject")

    async def resends(row: outbox.Claimed) -> bool:
        return made.resend

    smpp = Smpp("127.0.0.1", made.smsc.port, "dilo", "pass", "Dilo", on_sms_receipt)
    channels.use_channels(
        {
            "telegram": Telegram(made.telegram.url),
            "sms": smpp,
            "email": Email(made.smtp.url, "debts@example.com"),
        }
    )
    channels.compose_with("note", compose, resends)
    limiter.use_paces(bot=(0.001, 1000), private=(0.001, 1000))
    yield made
    limiter.use_paces()
    await channels.close_channels()
    for peer in (made.telegram, made.smsc, made.gateway):
        await peer.stop()
    made.smtp.stop()


def use_gateway(post: Post) -> None:
    gateway = HttpSms(post.gateway.url, "token", "Dilo")
    channels.use_channels(
        {
            "telegram": Telegram(post.telegram.url),
            "sms": gateway,
            "email": Email(post.smtp.url, "debts@example.com"),
        }
    )


def wired(post: Post) -> None:
    """The composers and hearers of the application, the peers of the test."""
    kept = {name: channels.channel(name) for name in ("telegram", "sms", "email")}
    events.wire()
    channels.use_channels({name: one for name, one in kept.items() if one is not None})
    use_api(post.telegram.url)

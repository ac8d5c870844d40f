"""A company with SMS gateways of its own, all of them on loopback, as the worker has them."""

from collections.abc import AsyncIterator
from decimal import Decimal as D
from typing import Any
from uuid import UUID

import pytest_asyncio
from peers.gateways import HttpGateways
from peers.smsc import SmscPeer
from town import Cast

from dilo.kit import db, outbox
from dilo.messaging import channels, outside, sms_accounts
from dilo.messaging.carrier import SmsCarrier
from dilo.messaging.sending import drain
from dilo.messaging.sms_accounts import AccountForm
from dilo.run.events import on_sms_receipt
from tenants.scope import scope

ROWS = """
SELECT dedupe_key, state, reason, last_error, provider_id FROM outbox WHERE channel = 'sms'
ORDER BY created_at, id
"""


class House:
    def __init__(self, town: Cast, peer: HttpGateways, smsc: SmscPeer, carrier: SmsCarrier) -> None:
        self.town, self.peer, self.smsc, self.carrier = town, peer, smsc, carrier

    async def account(self, kind: str, town: Cast | None = None, **more: Any) -> UUID:
        town = town or self.town
        usual: dict[str, Any] = {"active": "on", "price": D("0.50"), "per_second": 1000}
        usual |= {
            "smpp": {
                "host": "127.0.0.1",
                "port": self.smsc.port,
                "system_id": "own",
                "password": "p",
            },
            "twilio": {"sid": "AC1", "token": "tw-token", "url": self.peer.url},
            "turbosms": {"token": "turbo", "url": self.peer.url},
            "generic": {"url": self.peer.url + "/any", "token": "any"},
        }[kind]
        form = AccountForm(kind.title(), more.pop("sender", "Dilo"), kind, **(usual | more))  # type: ignore[arg-type]
        async with scope(town.tenant):
            return await sms_accounts.save_account(town.olena, form)

    async def put(
        self,
        key: str,
        to: str = "+380671112233",
        text: str = "Hello",
        kind: str = "note",
        town: Cast | None = None,
    ) -> None:
        async with scope((town or self.town).tenant):
            assert await outbox.put("sms", kind, key, {"address": to, "text": text})

    async def drain(self, lease: float = 20.0, town: Cast | None = None) -> None:
        tenant = (town or self.town).tenant.id
        while await drain(tenant, lease):
            pass

    async def rows(self, sql: str = ROWS, town: Cast | None = None, **params: Any) -> list[Any]:
        async with scope((town or self.town).tenant):
            return await db.rows(sql, **params)

    async def states(self, town: Cast | None = None) -> list[str]:
        return [row["state"] for row in await self.rows(town=town)]


@pytest_asyncio.fixture
async def house(town: Cast) -> AsyncIterator[House]:
    outside.allow_private(True)
    peer, smsc = await HttpGateways().start(), await SmscPeer().start()
    carrier = SmsCarrier(None, on_sms_receipt, hook_base="https://sms.example")
    channels.use_channels({"sms": carrier})
    yield House(town, peer, smsc, carrier)
    outside.allow_private(False)
    await channels.close_channels()
    await peer.stop()
    await smsc.stop()

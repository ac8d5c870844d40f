"""A town that takes cards at the strict peer, with its own key and signing secret."""

import secrets
from collections.abc import AsyncIterator
from dataclasses import dataclass

import httpx
import pytest_asyncio
from browsing import Visitor, app, visitor
from peers.stripe import StripePeer
from town import Cast

from dilo.acquiring import accounts
from dilo.acquiring.accounts import KeysForm
from dilo.acquiring.gateway import use_platform
from dilo.books.queries import broken
from tenants.scope import scope


@dataclass
class Till:
    """A company, its account at the peer, and what a test needs to speak as the provider."""

    town: Cast
    peer: StripePeer
    account: str
    key: str
    secret: str

    async def deliver(self, event: dict, *, secret: str = "", at: int | None = None) -> int:
        body, header = self.peer.signed(event, secret or self.secret, at)
        return await self.post(f"/webhooks/stripe/{self.town.tenant.id}", body, header)

    async def post(self, path: str, body: bytes, header: str) -> int:
        async with visitor("anything.localhost") as one:
            answer = await one.client.post(path, content=body, headers={"stripe-signature": header})
        return answer.status_code

    async def session(self, one: Visitor, path: str) -> tuple[str, httpx.Response]:
        """The payer presses the button: the session's id, and where he is sent."""
        await one.open(path)
        answer = await one.post(f"{path}/checkout")
        made = [o for o in self.peer.wallets[self.account].objects if o.startswith("cs_")]
        return (made[-1] if made else ""), answer


@pytest_asyncio.fixture(scope="session")
async def peer() -> AsyncIterator[StripePeer]:
    one = await StripePeer().start()
    one.platform_keys.add("sk_test_platform_key")
    yield one
    await one.stop()


@pytest_asyncio.fixture(autouse=True)
async def at_the_peer(peer: StripePeer) -> None:
    """The application's wiring sets the real address, whenever a test wires it: ours comes after."""
    app()
    use_platform(peer.url, "sk_test_platform_key", "whsec_platform")


async def open_till(town: Cast, peer: StripePeer) -> Till:
    mark = secrets.token_hex(4)
    till = Till(town, peer, f"acct_{mark}", f"sk_test_{mark}secretkey", f"whsec_{mark}")
    peer.wallet(till.key, till.account)
    form = KeysForm(till.key, till.secret)
    account = accounts.candidate(form)
    who = await accounts.ask(account)
    async with scope(town.tenant):
        await accounts.keep(town.olena, account, form, who)
    return till


@pytest_asyncio.fixture
async def till(town: Cast, peer: StripePeer) -> AsyncIterator[Till]:
    one = await open_till(town, peer)
    yield one
    peer.script.clear()
    async with scope(town.tenant):
        assert await broken() == []

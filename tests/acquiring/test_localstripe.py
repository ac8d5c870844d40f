"""A Stripe we did not write (localstripe, a process of its own): intents, refunds, signed webhooks.

It lacks Checkout, Connect, idempotency and disputes; those are the strict peer's.
"""

import asyncio
import contextlib
import subprocess
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from decimal import Decimal as D

import httpx
import pytest_asyncio
from aiohttp import web
from browsing import app as app_of_ours
from browsing import visitor
from town import Cast, add_debt

from dilo.acquiring import accounts, actions, checkout, queries, returns
from dilo.acquiring.accounts import KeysForm
from dilo.acquiring.actions import AskPayment
from dilo.acquiring.gateway import Who, platform, use_platform
from dilo.books.queries import broken
from dilo.kit import db
from dilo.receivables.queries import invoice
from dilo.run.embedded import free_port
from tenants.scope import scope

KEY, SECRET = "sk_test_localstripe", "whsec_localstripe"


@dataclass
class Ear:
    """Keeps what the provider posts, as it came."""

    port: int = 0
    heard: list[tuple[bytes, str]] = field(default_factory=list)

    async def take(self, request: web.Request) -> web.Response:
        self.heard.append((await request.read(), request.headers["stripe-signature"]))
        return web.Response()

    async def wait(self) -> tuple[bytes, str]:
        for _ in range(100):
            if self.heard:
                return self.heard[-1]
            await asyncio.sleep(0.05)
        raise AssertionError("no webhook came")


@pytest_asyncio.fixture(scope="module")
async def provider() -> AsyncIterator[tuple[httpx.AsyncClient, Ear]]:
    port, ear = free_port(), Ear(free_port())
    command = [sys.executable, "-c", "from localstripe.server import start; start()"]
    process = subprocess.Popen(
        [*command, "--port", str(port), "--from-scratch"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    app = web.Application()
    app.router.add_post("/", ear.take)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", ear.port).start()
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", auth=(KEY, "")) as client:
        for _ in range(200):
            with contextlib.suppress(httpx.TransportError):
                hook = {"url": f"http://127.0.0.1:{ear.port}/", "secret": SECRET}
                kinds = {"events[0]": "payment_intent.succeeded"}
                await client.post("/_config/webhooks/dilo", data=hook | kinds)
                break
            await asyncio.sleep(0.05)
        yield client, ear
    await runner.cleanup()
    process.terminate()
    process.wait(10)


@pytest_asyncio.fixture(autouse=True)
async def at_the_peer(provider: tuple[httpx.AsyncClient, Ear]) -> AsyncIterator[None]:
    """In place of the strict peer, for every test of this file and for no other."""
    app_of_ours()  # its wiring sets the real address, ours comes after
    before = (platform.api, platform.connect_key, platform.connect_secret)
    use_platform(str(provider[0].base_url))
    yield
    use_platform(*before)


async def test_an_intent_is_paid_heard_posted_and_given_back(
    town: Cast, provider: tuple[httpx.AsyncClient, Ear]
) -> None:
    client, ear = provider
    async with scope(town.tenant):
        form = KeysForm(KEY, SECRET)
        # It has no GET /v1/account to ask, so who it is is said for it.
        who = Who("acct_local", "Local", False, True, "")
        await accounts.keep(town.olena, accounts.candidate(form), form, who)
        debt = await add_debt(town, "D-1", D(22), due_on=town.tenant.today())
        wish = AskPayment(party_id=town.parties["D-1"], purpose="invoices", invoices=[(debt, None)])
        link = await actions.request_payment(town.petro, wish)
    intent, secret = await checkout.start_intent(town.tenant, link.token)
    assert secret.startswith(intent)
    await _pay(client, intent)
    body, header = await ear.wait()
    path = f"/webhooks/stripe/{town.tenant.id}"
    async with visitor(town.host) as one:
        forged = header[:-1] + ("0" if header[-1] != "0" else "1")
        for given, status in ((forged, 400), (header, 200), (header, 200)):
            answer = await one.client.post(path, content=body, headers={"stripe-signature": given})
            assert answer.status_code == status
    async with scope(town.tenant):
        assert (await invoice(debt)).open_amount == 0
        assert await db.value("SELECT count(*) FROM payment") == 1
        card = await queries.card_payment_of_intent(intent)
    assert card is not None
    await returns.refund(town.tenant, town.nina, card.id, D(5), "")
    async with scope(town.tenant):
        assert (await invoice(debt)).open_amount == D(5)
        assert await broken() == []


async def _pay(client: httpx.AsyncClient, intent: str) -> None:
    card = {"number": "4242424242424242", "exp_month": "12", "exp_year": "2039", "cvc": "123"}
    form = {"type": "card"} | {f"card[{name}]": value for name, value in card.items()}
    method = (await client.post("/v1/payment_methods", data=form)).json()["id"]
    await client.post(f"/v1/payment_intents/{intent}", data={"payment_method": method})
    assert (await client.post(f"/v1/payment_intents/{intent}/confirm")).status_code == 200

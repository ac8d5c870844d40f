"""One server, one chromium, one town for the whole session; every walk has people of its own."""

import asyncio
import os
import secrets
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from decimal import Decimal as D
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest
import pytest_asyncio
from peers.stripe import StripePeer
from playwright.async_api import Browser, BrowserContext, Page, async_playwright
from town import PASSWORD, Cast, add_party, buyer, found_tenant

from dilo.acquiring import accounts
from dilo.acquiring.accounts import KeysForm
from dilo.acquiring.gateway import use_platform
from dilo.kit import db
from dilo.run.embedded import Servers, free_port
from dilo.storefront.shop import ShopForm, save_shop
from tenants.actors import Actor
from tenants.provision import add_identity
from tenants.scope import scope

CHROMIUM = Path("/usr/bin/chromium")
# A page of the internet may frame our server though it stands on loopback here.
LOOPBACK = "LocalNetworkAccessChecks"
WIDE = "document.documentElement.scrollWidth > document.documentElement.clientWidth"


@dataclass
class Walker:
    """Somebody in a browser: what went wrong around him is collected and must be nothing."""

    base: str
    page: Page
    errors: list[str]

    async def go(self, path: str) -> None:
        answer = await self.page.goto(self.base + path)
        assert answer is not None
        assert answer.status < 400, f"{path}: {answer.status}"
        await self.fits()

    async def go_plain(self, path: str) -> None:
        """Where scripts are off nothing can be measured from inside."""
        answer = await self.page.goto(self.base + path)
        assert answer is not None
        assert answer.status < 400, f"{path}: {answer.status}"

    async def until(self, true: str) -> None:
        """Playwright's own waiting evaluates text, which our policy forbids."""
        for _ in range(100):
            if await self.page.evaluate(true):
                return
            await asyncio.sleep(0.05)
        raise AssertionError(f"never came true: {true}")

    async def fits(self) -> None:
        await self.page.wait_for_load_state()
        if await self.page.evaluate(WIDE):
            self.errors.append(f"wider than the screen: {self.page.url}")

    async def press(self, selector: str) -> None:
        """A click that leads to another page."""
        async with self.page.expect_navigation():
            await self.page.click(selector)
        await self.fits()

    async def sign_in(self, email: str, door: str = "") -> None:
        await self.go(f"{door}/sign-in")
        await self.page.fill("#f-email", email)
        await self.page.fill("#f-password", PASSWORD)
        await self.press('form[action$="sign-in"] button.primary')

    async def sees(self, text: str) -> None:
        await self.page.wait_for_selector(f":text({text!r}):visible", timeout=8000)


@dataclass
class Street:
    """The town, the server that shows it, the provider of cards and the browser."""

    town: Cast
    port: int
    peer: StripePeer
    browser: Browser

    @property
    def base(self) -> str:
        return f"http://{self.town.host}:{self.port}"

    async def company(self, **terms: Any) -> tuple[str, Actor]:
        """A company of one buyer, its admin: the company's code and the person."""
        code = f"W-{secrets.token_hex(3)}"
        async with scope(self.town.tenant):
            terms = {"limit": D(10000), "depth": 14} | terms
            await add_party(self.town, code, f"ТОВ «{code}»", **terms)
        return code, await self.person(code, "admin")

    async def person(self, code: str, role: str) -> Actor:
        name = f"{role}-{secrets.token_hex(3)}"
        party: UUID = self.town.parties[code]
        async with scope(self.town.tenant):
            one = await add_identity(f"{name}@example.com", name, PASSWORD)
            await db.execute(
                "INSERT INTO portal_user (identity_id, party_id, role) VALUES (:i, :p, :r)",
                i=one,
                p=party,
                r=role,
            )
        return buyer(one, name, party, role)

    @asynccontextmanager
    async def walker(
        self, who: Actor | str = "", width: int = 1280, *, dark: bool = False, **more: Any
    ) -> AsyncIterator[Walker]:
        """``who``: signed in as this buyer, or as this member of the staff by a name of the cast."""
        context: BrowserContext = await self.browser.new_context(
            viewport={"width": width, "height": 800},
            is_mobile=width < 500,
            locale=more.pop("locale", "uk-UA"),
            color_scheme="dark" if dark else "light",
            **more,
        )
        page, errors = await context.new_page(), []
        page.set_default_timeout(10_000)
        page.on("console", lambda m: errors.append(m.text) if m.type == "error" else None)
        page.on("pageerror", lambda e: errors.append(str(e)))
        one = Walker(self.base, page, errors)
        if isinstance(who, Actor):
            await one.sign_in(f"{who.name}@example.com")
        elif who:
            await one.sign_in(f"{who}@example.com", "/office")
        try:
            yield one
        except Exception:
            print("AT", page.url, errors, (await page.inner_text("body"))[:1500])
            raise
        finally:
            await context.close()
        assert errors == []


@pytest_asyncio.fixture(scope="session")
async def street(pool: None, servers: Servers) -> AsyncIterator[Street]:
    if not CHROMIUM.exists():
        pytest.skip("no /usr/bin/chromium: apt-get install chromium")
    town, port = await found_tenant(), free_port()
    mark = secrets.token_hex(4)
    secret, key = f"whsec_{mark}", f"sk_test_{mark}secretkey"
    peer = await StripePeer().start()
    use_platform(peer.url, "", "")
    peer.wallet(key, f"acct_{mark}")

    async def told() -> None:
        """What the provider has to say since the last time, to the server's own door."""
        async with httpx.AsyncClient() as client:
            while peer.events:
                body, header = peer.signed(peer.events.pop(0), secret)
                address = f"http://127.0.0.1:{port}/webhooks/stripe/{town.tenant.id}"
                answer = await client.post(
                    address,
                    content=body,
                    headers={"stripe-signature": header, "host": f"any.localhost:{port}"},
                )
                assert answer.status_code == 200, answer.text

    peer.on_paid = told
    account = accounts.candidate(KeysForm(key, secret))
    who = await accounts.ask(account)
    async with scope(town.tenant):
        await accounts.keep(town.olena, account, KeysForm(key, secret), who)
        form = ShopForm(is_open="on", name="Лампи", invoice="on", card="on", pickup="on")
        await save_shop(town.olena, form)
        category = "INSERT INTO category (code, name) VALUES ('L', 'Лампи') RETURNING id"
        await db.execute(
            "UPDATE product SET category_id = :c WHERE kind = 'goods'", c=await db.value(category)
        )
    child = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "dilo.run.cli",
        "serve",
        env=os.environ
        | {"DILO_PORT": str(port), "PYTHONPATH": "src:.", "DILO_STRIPE_API": peer.url},
    )
    await listening(port)
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=str(CHROMIUM), args=["--no-sandbox", f"--disable-features={LOOPBACK}"]
        )
        yield Street(town, port, peer, browser)
        await browser.close()
    child.terminate()
    await child.wait()
    await peer.stop()


async def listening(port: int) -> None:
    for _ in range(900):
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            await asyncio.sleep(0.1)
        else:
            writer.close()
            return
    raise TimeoutError(f"nobody listens on {port}")

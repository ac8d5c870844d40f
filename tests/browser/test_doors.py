"""The doors in a real browser: a seller's order, a dealer's order, a phone's width, no console errors."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import pytest_asyncio
from browser.conftest import listening  # type: ignore[import-not-found]
from playwright.sync_api import Page, sync_playwright
from town import PASSWORD, Cast

from dilo.run.embedded import Servers, free_port

CHROMIUM = Path("/usr/bin/chromium")
OFFICE = [
    "/office",
    "/office/parties",
    "/office/orders",
    "/office/receivables",
    "/office/payments",
    "/office/products",
    "/office/dunning",
    "/office/imports/new",
    "/office/people",
]
PORTAL = ["/", "/cart", "/quick-order", "/orders", "/debts", "/account"]
pytestmark = pytest.mark.skipif(
    not CHROMIUM.exists(), reason="no /usr/bin/chromium: apt-get install chromium"
)


@pytest_asyncio.fixture(scope="module")
async def port(servers: Servers) -> AsyncIterator[int]:
    """``dilo serve`` as a process of its own."""
    free = free_port()
    child = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "dilo.run.cli",
        "serve",
        env=os.environ | {"DILO_PORT": str(free), "PYTHONPATH": "src:."},
    )
    await listening(free)
    yield free
    child.terminate()
    await child.wait()


@contextmanager
def page_of(width: int, *, dark: bool = False) -> Iterator[tuple[Page, list[str]]]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=["--no-sandbox"])
        context = browser.new_context(
            viewport={"width": width, "height": 800},
            is_mobile=width < 500,
            locale="uk-UA",
            color_scheme="dark" if dark else "light",
        )
        page, errors = context.new_page(), []
        page.on("console", lambda m: errors.append(m.text) if m.type == "error" else None)
        page.on("pageerror", lambda e: errors.append(str(e)))
        yield page, errors
        browser.close()


def sign_in(page: Page, base: str, door: str, email: str) -> None:
    page.goto(f"{base}{door}/sign-in")
    page.fill("#f-email", email)
    page.fill("#f-password", PASSWORD)
    page.click('form[action$="sign-in"] button.primary')
    page.wait_for_load_state()


def sell(base: str, party: str) -> list[str]:
    """Types an order far above the limit: verdicts appear live, submitting it shows it held."""
    with page_of(1440) as (page, errors):
        sign_in(page, base, "/office", "olena@example.com")
        page.keyboard.press("g")
        page.keyboard.press("o")
        page.wait_for_url("**/office/orders")
        page.goto(f"{base}/office/orders/new?party={party}")
        page.fill("#lines tr:nth-child(1) input[name=code]", "LAMP-1")
        page.fill("#lines tr:nth-child(1) input[name=quantity]", "150")
        page.wait_for_selector("#preview >> text=Розмір кредиту")
        page.click("form#order-form button.primary")
        page.wait_for_selector("h1 >> text=Утримано")
        assert page.locator("text=Сплатити 5").count() == 1
        page.keyboard.press("Control+k")
        page.keyboard.type("Електро")
        page.wait_for_selector("#found a")
        return errors


def buy(base: str) -> list[str]:
    with page_of(360, dark=True) as (page, errors):
        sign_in(page, base, "", "petro@example.com")
        page.locator(".qty button").first.click()
        page.locator("#cart-count", has_text="1").wait_for()
        page.goto(f"{base}/cart")
        page.click("aside form button.primary")
        page.wait_for_selector("h1 >> text=Підтверджено")
        return errors


def widths(base: str, door: str, email: str, urls: list[str]) -> list[str]:
    wide: list[str] = []
    with page_of(360) as (page, errors):
        sign_in(page, base, door, email)
        for url in urls:
            page.goto(base + url)
            if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
                wide.append(url)
        return wide + errors


async def test_a_seller_sees_verdicts_as_he_types(town: Cast, port: int) -> None:
    base = f"http://{town.host}:{port}"
    assert await asyncio.to_thread(sell, base, str(town.parties["D-1"])) == []


async def test_a_dealer_orders_from_a_phone_in_the_dark(town: Cast, port: int) -> None:
    assert await asyncio.to_thread(buy, f"http://{town.host}:{port}") == []


async def test_nothing_is_wider_than_a_phone(town: Cast, port: int) -> None:
    base = f"http://{town.host}:{port}"
    assert await asyncio.to_thread(widths, base, "/office", "olena@example.com", OFFICE) == []
    assert await asyncio.to_thread(widths, base, "", "petro@example.com", PORTAL) == []

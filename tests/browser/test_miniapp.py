"""The portal inside Telegram's web client: a page that answers as web.telegram.org holds it in a
frame, on a phone. What opens it is signed as Telegram signs."""

import os
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from browser.conftest import Street  # type: ignore[import-not-found]
from peers.miniapp import DARK, LIGHT, WEB, opened, signed, web_client
from playwright.async_api import FrameLocator, Page, Route

from dilo.kit import db
from dilo.messaging import telegram_bots
from tenants.actors import Actor
from tenants.scope import scope

# Its own number: another town of this process may hold the usual one.
TOKEN = "654321987:" + "m" * 35
LOOK = os.environ.get("DILO_LOOK", "")


@dataclass
class App:
    """``told``: what the frame has said to the client, in its order."""

    page: Page
    inside: FrameLocator

    async def told(self) -> list[str]:
        found: list[str] = await self.page.evaluate("told")
        return found

    async def sees(self, text: str) -> None:
        await self.inside.locator(f":text({text!r}):visible").first.wait_for(timeout=10_000)

    async def fits(self) -> None:
        wide = "e => e.ownerDocument.documentElement.scrollWidth > innerWidth"
        assert not await self.inside.locator("body").evaluate(wide), "wider than the screen"

    async def looks(self, name: str) -> None:
        if LOOK:
            await self.page.screenshot(path=Path(LOOK) / f"miniapp-{name}.png")


@pytest.fixture
async def person(street: Street) -> tuple[Actor, int]:
    """An admin of a company of his own, linked to a chat of the company's bot."""
    code, admin = await street.company()
    number = secrets.randbelow(10**9)
    async with scope(street.town.tenant):
        if await telegram_bots.bot_or_none() is None:
            await telegram_bots.add_bot(street.town.olena, TOKEN, "lamps_bot")
        await db.execute(
            "INSERT INTO contact_channel (party_id, channel, address, identity_id)"
            " VALUES (:p, 'telegram', :chat, :i)",
            p=street.town.parties[code],
            chat=str(number),
            i=admin.id,
        )
    return admin, number


@asynccontextmanager
async def telegram(
    street: Street, init: str, *, dark: bool = False, locale: str = "uk-UA"
) -> AsyncIterator[App]:
    """Telegram wears its own theme, whatever the system's is."""
    context = await street.browser.new_context(
        viewport={"width": 360, "height": 760},
        is_mobile=True,
        locale=locale,
        color_scheme="light" if dark else "dark",
    )
    page = await context.new_page()
    page.set_default_timeout(15_000)
    src = opened(f"{street.base}/tg", init, DARK if dark else LIGHT)

    async def client(route: Route) -> None:
        await route.fulfill(content_type="text/html", body=web_client(src))

    await page.route(f"{WEB}/**", client)
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    await page.goto(f"{WEB}/a/")
    try:
        yield App(page, page.frame_locator("#app"))
    except Exception:
        print("AT", [frame.url for frame in page.frames], errors)
        raise
    finally:
        await context.close()
    assert errors == []


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
async def test_a_buyer_opens_searches_orders_and_sees_the_verdict(
    street: Street, person: tuple[Actor, int], dark: bool
) -> None:
    async with telegram(street, signed(TOKEN, person[1]), dark=dark) as app:
        inside = app.inside
        await app.sees("100,00")
        worn = await inside.locator("html").get_attribute("data-theme")
        assert worn == ("dark" if dark else "light"), "Telegram's theme, not the system's"
        assert {"web_app_ready", "web_app_expand"} <= set(await app.told())
        assert not await app.page.locator("#back").is_visible(), "the front has nowhere to go back"
        await app.fits()
        await app.looks(f"catalogue-{dark}")
        await inside.locator("input[name=q]:visible").first.fill("лампа")
        await inside.locator("input[name=q]:visible").first.press("Enter")
        await app.sees("LAMP-1")
        await app.looks(f"search-{dark}")
        await inside.locator("a:has-text('Лампа'):visible").first.click()
        await app.page.locator("#back:visible").wait_for()
        await app.fits()
        await app.looks(f"good-{dark}")
        await inside.locator("form.qty button.primary").first.click()
        await inside.locator("a[href='/cart']:visible").first.click()
        await inside.locator("form#order button.primary").wait_for()
        await app.fits()
        await app.looks(f"cart-{dark}")
        await inside.locator("form#order button.primary").click()
        await app.sees("Підтверджено")
        await app.fits()
        await app.looks(f"order-{dark}")
        await app.page.click("#back")
        await inside.locator("form#order, .empty").first.wait_for()
    async with scope(street.town.tenant):
        state = "SELECT state FROM sales_order WHERE placed_by_id = :who"
        assert await db.value(state, who=person[0].id) == "confirmed"


@pytest.mark.parametrize("why", ["forged", "expired", "stranger", "nothing"])
async def test_what_telegram_did_not_sign_opens_a_page_that_says_so(
    street: Street, person: tuple[Actor, int], why: str
) -> None:
    init = {
        "forged": signed(TOKEN, person[1]).replace(str(person[1]), str(person[1] + 1)),
        "expired": signed(TOKEN, person[1], age=3600),
        "stranger": signed(TOKEN, 10**10),
        "nothing": "",
    }[why]
    words = {
        "forged": "не підтвердив",
        "expired": "застаріл",
        "stranger": "не підключено до жодної",
        "nothing": "кнопкою в боті",
    }[why]
    async with telegram(street, init) as app:
        await app.sees(words)
        await app.fits()
        await app.looks(why)
        assert not await app.page.locator("#back").is_visible(), "back would try the same again"
        assert "LAMP-1" not in await app.inside.locator("body").inner_text()

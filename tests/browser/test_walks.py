"""The user's whole paths, by mouse, at a desk and on a phone: nothing scripted behind his back."""

import io
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from datetime import timedelta
from decimal import Decimal as D
from typing import Any

import pytest
from browser.conftest import Street, Walker  # type: ignore[import-not-found]
from dealing import make_dealer, sell
from PIL import Image
from town import add_debt, add_product, order_of

from dilo.books.queries import broken
from dilo.buyers import letters, limits
from dilo.buyers.limits import LimitForm
from dilo.dealers.plans import LineForm, PlanForm, make_plan, offer_plan, put_line
from dilo.dealers.schemes import SchemeForm, make_scheme
from dilo.kit import db
from dilo.orders import actions as orders
from dilo.orders.commands import Dispatch
from dilo.quotes import offers
from dilo.quotes.offers import Offer, OfferLine
from tenants.scope import scope

WIDTHS = (1280, 360)
LAMP = "/uk/p/lampa-led-10-vt-lamp-1"


async def in_town(street: Street, asked: Awaitable[Any]) -> Any:
    async with scope(street.town.tenant):
        return await asked


async def to_the_checkout(one: Walker) -> None:
    await one.go(LAMP)
    await one.press("form.add button.primary")
    await one.go("/uk/cart")
    await one.press("aside a.primary")
    await one.page.fill("#f-name", "Ганна Покупець")
    await one.page.fill("#f-phone", "067 123 45 67")
    await one.page.fill("#f-email", "hanna@example.com")
    await one.page.check("[name=consent]")


@pytest.mark.parametrize("width", WIDTHS)
async def test_a_guest_buys_in_the_shop_by_card(street: Street, width: int) -> None:
    async with street.walker(width=width, dark=width < 500) as one:
        await to_the_checkout(one)
        await one.page.check("[name=payment][value=card]")
        await one.press("aside button.primary")
        if "/pay/" in one.page.url:
            await one.press("form[action$=checkout] button")
        assert one.page.url.startswith(street.peer.url)
        await one.press("#pay")
        await one.sees("Сплачено")
        await one.fits()


async def test_a_guest_buys_in_the_shop_by_invoice(street: Street) -> None:
    async with street.walker(width=360) as one:
        await to_the_checkout(one)
        await one.page.check("[name=payment][value=invoice]")
        await one.press("aside button.primary")
        assert "/uk/o" in one.page.url, one.page.url
        await one.sees("100,00")


async def test_a_buyer_over_his_limit_is_let_through_by_his_approver(street: Street) -> None:
    code, admin = await street.company()
    anna, bohdan = await street.person(code, "buyer"), await street.person(code, "approver")
    party = street.town.parties[code]
    form = LimitForm(D(1000), "month", "all")
    await in_town(street, limits.save_limit(street.town.olena, party, form))
    async with street.walker(anna) as one:
        await one.go("/quick-order")
        await one.page.fill("#f-lines", "LAMP-1 15")
        await one.press("form[data-draft] button.primary")
        await one.go("/cart")
        await one.press("form#order button.primary")
        await one.sees("Утримано")
        order = one.page.url
    async with street.walker(bohdan, 360) as one:
        await one.go("/approvals")
        await one.press("main a[href^='/approvals/']")
        await one.press("button[value=yes]")
        await one.page.goto(order)
        await one.sees("Підтверджено")
    assert admin.role == "admin"


@asynccontextmanager
async def five_hundred_screws(street: Street) -> AsyncIterator[None]:
    """Sold during the walk only: the others' town has its few goods on its pages."""
    town = street.town
    sold = "UPDATE product SET retired_at = CASE WHEN :over THEN now() END WHERE code LIKE 'Q-%'"
    async with scope(town.tenant):
        await db.execute(sold, over=False)
        for n in range(498):
            if f"Q-{n}" not in town.products:
                await add_product(town, f"Q-{n}", f"Гвинт {n}", D(1))
    try:
        yield
    finally:
        await in_town(street, db.execute(sold, over=True))


@pytest.mark.parametrize("width", WIDTHS)
async def test_five_hundred_pasted_lines_are_reviewed_and_ordered(
    street: Street, width: int
) -> None:
    _code, admin = await street.company()
    lines = [f"Q-{n} {1 + n % 3}" for n in range(498)] + ["Nothing-like-it 3", "Q-1 9999999"]
    async with five_hundred_screws(street), street.walker(admin, width) as one:
        await one.go("/quick-order")
        await one.page.fill("#f-lines", "\n".join(lines))
        await one.press("form[data-draft] button.primary")
        rows = one.page.locator("main table tbody tr")
        assert await rows.count() >= 498
        await one.sees("Nothing-like-it")
        await one.fits()
        await one.page.select_option("select:has(option[value='']):visible >> nth=0", "-")
        for select in await one.page.locator("select:has(option[value=''])").all():
            await select.select_option("-")
        await one.press("button.primary:has-text('кошик')")
        assert "/cart" in one.page.url, one.page.url
        await one.press("form#order button.primary")
        assert "/orders/" in one.page.url, one.page.url
    assert await in_town(street, broken()) == []


@pytest.mark.parametrize("width", WIDTHS)
async def test_what_is_blocked_is_paid_by_card_and_goes(street: Street, width: int) -> None:
    code, admin = await street.company()
    town = street.town
    async with scope(town.tenant):
        await add_debt(town, code, D(9500), due_on=town.tenant.today() + timedelta(days=5))
        placed = await orders.place_order(admin, order_of(town, code, ("LAMP-1", 20)))
    assert placed.state == "on_hold"
    async with street.walker(admin, width) as one:
        await one.go(f"/orders/{placed.id}")
        await one.press("form[action='/pay-requests'] button.primary")
        await one.press("form[action$=checkout] button")
        await one.press("#pay")
        await one.sees("Сплачено")
        await one.go(f"/orders/{placed.id}")
        await one.sees("Підтверджено")


@pytest.mark.parametrize("width", WIDTHS)
async def test_a_dealer_agrees_to_his_plan_checks_it_and_orders_what_to_buy(
    street: Street, width: int
) -> None:
    code, admin = await street.company(limit=D(500000))
    town = street.town
    async with scope(town.tenant):
        await make_dealer(town, code)
        today = town.tenant.today()
        for back in range(1, 9):
            on = today - timedelta(days=14 * back)
            await sell(town, D(1000), on, party=code, pieces=D(10))
        scheme = await make_scheme(town.olena, SchemeForm(f"S-{code}", "50 1; 100 2", "turnover"))
        made = await make_plan(town.olena, PlanForm(town.parties[code], "month", today))
        await put_line(town.olena, made, LineForm(None, None, D(5000), None, scheme))
        await offer_plan(town.olena, made)
    async with street.walker(admin, width) as one:
        await one.go("/dealer")
        await one.press("main a[href^='/dealer/plans/']")
        await one.page.click("form[action$=agreement] button")
        await one.press("#confirm button[value=yes]")
        await one.go("/dealer")
        await one.sees("Що купити")
        await one.press("form[action='/dealer/due-goods'] button >> nth=0")
        await one.go("/cart")
        await one.sees("LAMP-1")
        await one.press("form#order button.primary")
        assert "/orders/" in one.page.url


@pytest.mark.parametrize("width", WIDTHS)
async def test_a_price_is_asked_quoted_and_accepted(street: Street, width: int) -> None:
    _code, admin = await street.company(limit=D(500000))
    town = street.town
    async with street.walker(admin, width) as one:
        await one.go("/quotes/new")
        await one.page.fill("#lines tr:first-child [name=code]", "LAMP-1")
        await one.page.fill("#lines tr:first-child [name=quantity]", "40")
        await one.press("main form button[value=send], main form button.primary >> nth=-1")
        asked = one.page.url
        async with scope(town.tenant):
            rfq = await db.value("SELECT id FROM rfq ORDER BY created_at DESC LIMIT 1")
            until = town.tenant.today() + timedelta(days=7)
            offer = Offer(lines=[OfferLine("LAMP-1", D(40), D("91.50"))], valid_until=until)
            await offers.send(town.max, await offers.prepare(town.max, rfq, offer))
        await one.page.goto(asked)
        await one.sees("91,50")
        await one.fits()
        await one.page.click("#accept button")
        await one.press("#confirm button[value=yes]")
        await one.sees("3 660,00")


@pytest.mark.parametrize("width", WIDTHS)
async def test_a_claim_is_made_with_a_photograph(street: Street, width: int) -> None:
    code, admin = await street.company()
    town = street.town
    async with scope(town.tenant):
        placed = await orders.place_order(admin, order_of(town, code, ("LAMP-1", 5)))
        await orders.dispatch_order(
            town.ivan, Dispatch(order_id=placed.id, key=f"s{placed.id}", invoice=True)
        )
    body = io.BytesIO()
    Image.new("RGB", (640, 480), "red").save(body, "JPEG")
    picture = {"name": "бите.jpg", "mimeType": "image/jpeg", "buffer": body.getvalue()}
    async with street.walker(admin, width) as one:
        await one.go(f"/orders/{placed.id}")
        await one.press("a[href$='/claims/new']")
        await one.page.fill("main [name=quantity] >> nth=0", "2")
        await one.page.fill("#f-text", "Приїхало розбитим")
        await one.page.set_input_files("#f-files", [picture])  # type: ignore[list-item]
        await one.press("main form button.primary")
        assert "/claims/" in one.page.url
        await one.sees("Приїхало розбитим")
        seen = "[...document.images].every(i => i.complete && i.naturalWidth > 0)"
        await one.until(seen)


async def test_an_invited_colleague_sets_a_password_and_is_in(street: Street) -> None:
    _code, admin = await street.company()
    email = f"new-{admin.name}@example.com"
    async with street.walker(admin) as one:
        await one.go("/company")
        await one.page.evaluate(
            "document.querySelectorAll('main details').forEach(d => d.open = true)"
        )
        await one.page.fill("main [name=email]", email)
        await one.page.fill("main [name=name]", "Новий Колега")
        await one.press("main form:has([name=email]) button.primary")
        await one.sees(email)
    async with scope(street.town.tenant):
        row = await db.one(
            "SELECT payload, party_id FROM outbox WHERE payload::text LIKE '%invitation_id%'"
            " ORDER BY created_at DESC LIMIT 1"
        )
        letter = await letters.compose_invitation(row["payload"], "email", row["party_id"])
    path = "/invitations/" + str(letter.text).split("/invitations/")[1].split()[0]
    async with street.walker(width=360) as one:
        await one.go(path)
        await one.page.fill("#f-password", "a password of my own")
        await one.press("main button.primary, form button.primary")
        await one.go("/")
        await one.sees("Каталог")

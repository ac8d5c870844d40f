"""A dealer buys on his own terms and sees why he is stopped, to the cent as staff see it."""

import re
from datetime import timedelta
from decimal import Decimal as D

import pytest
from browsing import client_of, staff
from town import Cast, add_debt

from dilo.kit import db
from dilo.pricing import actions as pricing
from tenants.scope import scope

PAGES = [
    "/",
    "/?q=lamp&stock=1",
    "/cart",
    "/quick-order",
    "/orders",
    "/debts",
    "/debts?all=1",
    "/account",
]


@pytest.mark.parametrize("language", ["uk", "en", "ru"])
async def test_every_page_opens_in_every_language(town: Cast, language: str) -> None:
    async with client_of(town) as one:
        await one.post("/preferences", {"language": language, "next": "/"})
        for url in PAGES:
            page = await one.get(url)
            assert page.status_code == 200, url
            assert f'lang="{language}"' in page.text


async def test_own_price_beats_the_base_list(town: Cast) -> None:
    async with scope(town.tenant):
        own = await pricing.new_list(town.olena, "OWN", "Own", "UAH")
        await pricing.assign_list(town.olena, own, "party", party_id=town.parties["D-1"])
        await pricing.set_price(town.olena, own, town.products["LAMP-1"], D("88.00"))
        await pricing.set_price(town.olena, own, town.products["LAMP-1"], D("80.00"), D(10))
    async with client_of(town) as one:
        page = await one.get("/?q=lamp-1")
        assert "88,00" in page.text
        assert "80,00" in page.text
        assert re.search(r"<s [^>]*>100,00</s>", page.text)  # what everybody pays, struck
        await one.post("/cart/lines", {"product": str(town.products["LAMP-1"]), "quantity": "10"})
        assert "800,00" in (await one.get("/cart")).text


async def test_cart_to_order_once(town: Cast) -> None:
    async with client_of(town) as one:
        await one.post("/quick-order", {"lines": "LAMP-1 5\nsocket x 3"})
        page = await one.open("/cart")
        key = re.search(r'name="key" value="([^"]+)', page.text)
        assert key is not None
        first = await one.post("/orders", {"key": key[1]})
        second = await one.post("/orders", {"key": key[1]})
        assert first.headers["location"] == second.headers["location"]
        assert "Підтверджено" in (await one.get(first.headers["location"])).text
    async with scope(town.tenant):
        assert await db.value("SELECT count(*) FROM sales_order") == 1


async def test_unknown_lines_are_shown_again(town: Cast) -> None:
    async with client_of(town) as one:
        page = await one.post("/quick-order", {"lines": "LAMP-1 5\nNOPE-7 3\nщось дивне тут"})
    assert page.status_code == 200
    assert "NOPE-7 3" in page.text
    assert "щось дивне тут" in page.text


async def test_why_blocked_names_the_invoice_and_what_unblocks(town: Cast) -> None:
    async with scope(town.tenant):
        await add_debt(
            town,
            "D-1",
            D("150.25"),
            due_on=town.tenant.today() - timedelta(days=20),
            number="OLD-1",
        )
    async with client_of(town) as one, staff(town) as office:
        page = (await one.get("/debts")).text
        assert "OLD-1" in page
        assert "Сплатити прострочене: 150,25" in page
        card = (await office.get(f"/office/parties/{town.parties['D-1']}")).text
        for figure in ("−150,25", "9\N{NO-BREAK SPACE}849,75"):
            assert figure in page
            assert figure in card


async def test_a_viewer_cannot_order(town: Cast) -> None:
    async with scope(town.tenant):
        await db.execute("UPDATE portal_user SET role = 'viewer'")
    async with client_of(town) as one:
        assert (
            await one.post("/cart/lines", {"product": str(town.products["LAMP-1"])})
        ).status_code == 403
        assert (await one.post("/orders", {"key": "k"})).status_code == 403


async def test_no_price_of_others_and_no_cost_leaks(town: Cast) -> None:
    async with scope(town.tenant):
        other = await pricing.new_list(town.olena, "SECRET", "Secret list", "UAH")
        await pricing.set_price(town.olena, other, town.products["LAMP-1"], D("12.34"))
        await db.execute(
            "INSERT INTO price_floor (product_id, currency, floor) VALUES (:p, 'UAH', 56.78)",
            p=town.products["LAMP-1"],
        )
    async with client_of(town) as one:
        for url in PAGES:
            text = (await one.get(url)).text
            assert "12,34" not in text
            assert "56,78" not in text
            assert "Secret" not in text


@pytest.mark.parametrize("role", ["viewer", "accountant"])
async def test_nobody_is_led_where_his_role_does_not_let_him_in(town: Cast, role: str) -> None:
    async with scope(town.tenant):
        await db.execute("UPDATE portal_user SET role = :role", role=role)
    async with client_of(town) as one:
        led, first = set[str](), (await one.get("/")).text
        for page in (first, (await one.get("/orders")).text, (await one.get("/account")).text):
            led |= set(re.findall(r'href="(/[^"#?]*)', page))
        led = {path for path in led if not path.startswith(("/static", "/goods/0", "/media"))}
        assert "/orders" in led
        answers = {path: (await one.get(path)).status_code for path in sorted(led)}
        assert {path: code for path, code in answers.items() if code >= 400} == {}

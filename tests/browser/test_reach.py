"""For everybody: by screen reader, by keyboard, in three languages, in the dark, without scripts."""

from datetime import timedelta
from decimal import Decimal as D
from typing import Any

import pytest
from axe_playwright_python.async_playwright import Axe
from browser.conftest import Street, Walker  # type: ignore[import-not-found]
from town import add_debt, order_of

from dilo.orders import actions as orders
from tenants.actors import Actor
from tenants.scope import scope

PORTAL = [
    "/",
    "/cart",
    "/quick-order",
    "/lists",
    "/orders",
    "/quotes",
    "/quotes/new",
    "/debts",
    "/statement",
    "/company",
    "/company/rules",
    "/company/addresses",
    "/company/divisions",
    "/approvals",
    "/account",
    "/goods/favourites",
    "/goods/compare",
    "/offline",
]
SHOP = [
    "/uk",
    "/uk/c/lampy",
    "/uk/p/lampa-led-10-vt-lamp-1",
    "/uk/search?q=LAMP",
    "/uk/cart",
    "/uk/wishes",
    "/uk/my-data",
    "/uk/privacy",
    "/uk/register",
]
OFFICE = [
    "/office",
    "/office/parties",
    "/office/orders",
    "/office/orders/new",
    "/office/receivables",
    "/office/payments",
    "/office/products",
    "/office/quotes",
    "/office/claims",
    "/office/promotions",
    "/office/shop",
    "/office/dealers",
    "/office/cards",
    "/office/cards/account",
    "/office/back-orders",
    "/office/shelf",
    "/office/portal-users",
    "/office/portal-approvals",
    "/office/ratings",
    "/office/tasks",
    "/office/ordering",
]


async def faults(one: Walker) -> list[str]:
    found = await Axe().run(one.page)
    return [
        f"{one.page.url} {v['id']}: {v['nodes'][0]['html'][:160]}"
        for v in found.response["violations"]
        if v["impact"] in ("serious", "critical")
    ]


async def a_buyer_with_a_past(street: Street) -> tuple[Actor, list[str]]:
    """Pages of things that are there only if something has happened."""
    code, admin = await street.company()
    town = street.town
    async with scope(town.tenant):
        due_on = town.tenant.today() - timedelta(days=30)
        invoice = await add_debt(town, code, D(12000), due_on=due_on)
        placed = await orders.place_order(admin, order_of(town, code, ("LAMP-1", 3)))
    product = town.products["LAMP-1"]
    return admin, [f"/orders/{placed.id}", f"/goods/{product}", f"/invoices/{invoice}"]


async def look_at(one: Walker, paths: list[str]) -> list[str]:
    bad: list[str] = []
    for path in paths:
        await one.go(path)
        bad += await faults(one)
    return bad


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("place", ["portal", "shop", "office"])
async def test_a_screen_reader_finds_no_serious_fault(
    street: Street, place: str, dark: bool
) -> None:
    admin, more = await a_buyer_with_a_past(street)
    paths = {"portal": PORTAL + more, "shop": SHOP, "office": OFFICE}[place]
    who: Any = {"portal": admin, "shop": "", "office": "olena"}[place]
    async with street.walker(who, 360 if dark else 1280, dark=dark, bypass_csp=True) as one:
        if place == "portal":
            await into_the_cart(one)
        found = await look_at(one, paths)
        assert found == [], "\n".join(found)


async def into_the_cart(one: Walker) -> None:
    await one.go("/quick-order")
    await one.page.fill("#f-lines", "LAMP-1 2")
    await one.press("form[data-draft] button.primary")


@pytest.mark.parametrize("language", ["uk", "en", "ru"])
async def test_main_pages_speak_the_language_of_the_reader(street: Street, language: str) -> None:
    """A key that nobody has translated is a code with a colon on the page."""
    admin, more = await a_buyer_with_a_past(street)
    untold = (
        r"() => (document.body.innerText.match(/\b(state|flash|refusal|verdict|remedy|part|line|"
        r"column|portal|shop|delivery|shortage)[_a-z]*:[A-Za-z_]+/g) || [])"
    )
    async with street.walker(admin, 360, locale=language) as one:
        cookie = {"name": "dilo_language", "value": language, "url": street.base}
        await one.page.context.add_cookies([cookie])  # type: ignore[list-item]
        for path in PORTAL + more:
            await one.go(path)
            assert await one.page.get_attribute("html", "lang") == language
            assert await one.page.evaluate(untold) == [], path
    async with street.walker(width=360) as one:
        for path in SHOP:
            await one.go(path.replace("/uk", f"/{language}", 1))
            assert await one.page.get_attribute("html", "lang") == language
            assert await one.page.evaluate(untold) == [], path


async def test_everything_is_read_and_ordered_without_scripts(street: Street) -> None:
    admin, more = await a_buyer_with_a_past(street)
    async with street.walker(admin, 360, java_script_enabled=False) as one:
        for path in ("/", "/orders", "/debts", *more):
            await one.go_plain(path)
            assert len(await one.page.inner_text("main")) > 100, path
        await one.go_plain("/")
        await one.page.click("main form.qty button >> nth=0")
        await one.go_plain("/quick-order")
        await one.page.fill("#f-lines", "LAMP-1 2\nCABLE-3 1")
        await one.page.click("form[data-draft] button.primary")
        await one.page.wait_for_url("**/cart")
        await one.page.click("form#order button.primary")
        await one.page.wait_for_url("**/orders/*")


async def test_a_guest_orders_without_scripts(street: Street) -> None:
    async with street.walker(width=360, java_script_enabled=False) as one:
        for path in SHOP:
            await one.go_plain(path)
        await one.go_plain(SHOP[2])
        await one.page.click("form.add button.primary")
        await one.go_plain("/uk/checkout")
        for name, value in (("name", "Ганна"), ("phone", "0671234567"), ("email", "h@example.com")):
            await one.page.fill(f"#f-{name}", value)
        await one.page.check("[name=payment][value=invoice]")
        await one.page.check("[name=consent]")
        await one.page.click("aside button.primary")
        await one.page.wait_for_url("**/uk/o*/**")


async def tab_to(one: Walker, selector: str, most: int = 120, key: str = "Tab") -> None:
    """By Tab alone; wherever the focus stands, it is seen."""
    for _ in range(most):
        await one.page.keyboard.press(key)
        if await one.page.evaluate("s => document.activeElement.matches(s)", selector):
            seen = """() => { const s = getComputedStyle(document.activeElement);
              return s.outlineStyle !== 'none' || s.boxShadow !== 'none'; }"""
            assert await one.page.evaluate(seen), f"no focus is seen on {selector}"
            return
    raise AssertionError(f"Tab does not come to {selector}")


async def test_an_order_is_made_by_keyboard_alone(street: Street) -> None:
    _code, admin = await street.company()
    async with street.walker(admin) as one:
        await one.go("/quick-order")
        await one.page.keyboard.press("Tab")
        skip = await one.page.evaluate("document.activeElement.className")
        assert skip == "skip"
        await one.page.keyboard.press("Enter")
        await tab_to(one, "#f-lines")
        await one.page.keyboard.type("LAMP-1 2")
        await one.page.keyboard.press("Enter")
        await one.page.keyboard.type("CABLE-3 1")
        async with one.page.expect_navigation():
            await one.page.keyboard.press("Control+Enter")
        assert one.page.url.endswith("/cart")
        await tab_to(one, "#lines-form input[name=quantity]")
        await one.page.keyboard.press("Control+A")
        await one.page.keyboard.type("3")
        await one.page.keyboard.press("Tab")
        await one.page.wait_for_selector("#cart tfoot >> text=350,00")
        await one.until("document.querySelector('#said').textContent.includes('350,00')")
        await tab_to(one, "form#order button.primary")
        async with one.page.expect_navigation():
            await one.page.keyboard.press("Enter")
        assert "/orders/" in one.page.url


async def enter(one: Walker) -> None:
    async with one.page.expect_navigation():
        await one.page.keyboard.press("Enter")


async def test_a_buyer_finds_goods_and_orders_them_by_keyboard_alone(street: Street) -> None:
    _code, admin = await street.company()
    async with street.walker(admin) as one:
        await one.go("/")
        await one.page.keyboard.press("Control+k")
        await one.page.keyboard.type("LAMP-1")
        await one.page.wait_for_selector("#found a")
        await one.page.keyboard.press("ArrowDown")
        await enter(one)
        assert "/goods/" in one.page.url
        await tab_to(one, ".buying input[name=quantity]")
        await one.page.keyboard.press("Control+A")
        await one.page.keyboard.type("4")
        await one.page.keyboard.press("Enter")
        await one.page.wait_for_selector("#cart-count >> text=1")
        await tab_to(one, "a.cart", key="Shift+Tab")
        await enter(one)
        await tab_to(one, "#lines-form input[name=quantity]")
        await one.page.keyboard.press("Control+A")
        await one.page.keyboard.type("5")
        await one.page.keyboard.press("Tab")
        await one.until("document.querySelector('#said').textContent.includes('500,00')")
        await tab_to(one, "form#order button.primary")
        await enter(one)
        assert "/orders/" in one.page.url
        await one.go("/orders")
        await tab_to(one, "#filters input[type=search], .tools input[type=search]")
        await one.page.keyboard.type("zzz")
        await one.until("document.querySelector('#said').textContent.length > 0")


async def test_a_guest_finds_goods_and_orders_them_by_keyboard_alone(street: Street) -> None:
    async with street.walker() as one:
        await one.go("/uk")
        await tab_to(one, ".cookies button")
        await enter(one)
        await tab_to(one, ".find input")
        await one.page.keyboard.type("LAMP-1")
        await enter(one)
        await tab_to(one, ".tile a.name")
        await enter(one)
        assert "/uk/p/" in one.page.url
        await tab_to(one, "form.add button")
        await enter(one)
        await tab_to(one, "main .note a")
        await enter(one)
        await tab_to(one, "aside a.primary")
        await enter(one)
        for name, value in (("name", "Ганна"), ("phone", "0671234567"), ("email", "h@example.com")):
            await tab_to(one, f"#f-{name}")
            await one.page.keyboard.type(value)
        await tab_to(one, "[name=payment]")
        await one.page.keyboard.press("ArrowDown")
        await tab_to(one, "[name=consent]")
        await one.page.keyboard.press("Space")
        await tab_to(one, "aside button.primary")
        await enter(one)
        assert "/uk/order/" in one.page.url


async def test_a_question_is_answered_by_keyboard_and_escape_leaves_it(street: Street) -> None:
    admin, more = await a_buyer_with_a_past(street)
    async with street.walker(admin) as one:
        await one.go(more[0])
        await tab_to(one, "form[action$=cancellation] button, button[data-confirm]")
        await one.page.keyboard.press("Enter")
        await one.page.wait_for_selector("#confirm[open]")
        await one.page.keyboard.press("Escape")
        await one.page.wait_for_selector("#confirm:not([open])", state="attached")
        back = "document.activeElement.matches('form[action$=cancellation] button, [data-confirm]')"
        assert await one.page.evaluate(back)

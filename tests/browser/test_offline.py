"""The portal as an app: installed, read without a network, a draft that is sent once."""

import io
import re
from datetime import timedelta
from decimal import Decimal as D

from browser.conftest import Street, Walker  # type: ignore[import-not-found]
from browsing import client_of, visitor
from PIL import Image
from town import Cast

from dilo.kit import clock, db
from tenants.actors import Actor
from tenants.scope import scope


async def ready(one: Walker) -> None:
    """The worker stands behind the page."""
    await one.go("/")
    await one.page.evaluate("navigator.serviceWorker.ready.then(() => null)")
    await one.go("/")


async def in_cart(street: Street, who: Actor) -> D | None:
    async with scope(street.town.tenant):
        return await db.value(
            "SELECT sum(quantity) FROM cart WHERE identity_id = :i AND removed_at IS NULL", i=who.id
        )


def forgive_the_network(one: Walker) -> None:
    """Chromium writes every request without a network into the console."""
    one.errors[:] = [text for text in one.errors if "ERR_INTERNET_DISCONNECTED" not in text]


async def test_each_company_has_its_own_name_and_sign(town: Cast, rival: Cast) -> None:
    async with visitor(town.host) as one, visitor(rival.host) as other:
        mine = await one.get("/manifest.webmanifest")
        theirs = await other.get("/manifest.webmanifest")
        assert mine.json()["name"] == town.tenant.name
        assert theirs.json()["name"] == rival.tenant.name
        for kept in mine.json()["icons"]:
            answer = await one.get(kept["src"])
            side = int(kept["sizes"].split("x")[0])
            assert Image.open(io.BytesIO(answer.content)).size == (side, side)
        assert (await one.get("/app-icon/193.png")).status_code == 404
        assert (await one.get("/offline")).text.count("petro") == 0
        worker = await one.get("/worker.js")
        assert worker.headers["content-type"].startswith("text/javascript")
        for asset in re.findall(r'"(/static/[^"]+)"', worker.text):
            assert (await one.get(asset)).status_code == 200


async def test_pages_seen_before_are_read_without_a_network_and_say_so(street: Street) -> None:
    _code, admin = await street.company()
    async with street.walker(admin, 360) as one:
        await ready(one)
        for path in ("/", "/orders", "/debts", "/quick-order"):
            await one.go(path)
        await one.page.context.set_offline(True)
        for path in ("/", "/orders"):
            await one.page.goto(one.base + path)
            await one.sees("Немає мережі. Сторінка така")
            assert await one.page.inner_text("#network time")
            await one.fits()
        await one.page.goto(one.base + "/debts")
        await one.sees("Цієї сторінки немає на пристрої")
        assert "₴" not in await one.page.inner_text("main")
        await one.page.context.set_offline(False)
        await one.go("/orders")
        assert not await one.page.is_visible("#network")
        forgive_the_network(one)


async def test_the_shop_is_installed_under_its_own_name_and_answers_offline(street: Street) -> None:
    async with street.walker(width=360) as one:
        await one.go("/uk")
        said = await one.page.evaluate(
            "fetch(document.querySelector('link[rel=manifest]').href).then(a => a.json())"
        )
        assert (said["id"], said["start_url"], said["lang"]) == ("/shop", "/uk", "uk")
        assert re.fullmatch("#[0-9a-f]{6}", said["theme_color"])
        kind = "src => fetch(src).then(a => a.headers.get('content-type'))"
        assert await one.page.evaluate(kind, said["icons"][1]["src"]) == "image/png"
        await one.page.evaluate("navigator.serviceWorker.ready.then(() => null)")
        await one.go("/uk/cart")
        await one.until("caches.match('/uk/offline', { ignoreVary: true }).then(Boolean)")
        await one.page.context.set_offline(True)
        await one.page.goto(street.base + "/uk/c/lampy")
        await one.sees("Немає мережі")
        ground = "getComputedStyle(document.querySelector('.btn.primary')).backgroundColor"
        assert await one.page.evaluate(ground) != "rgba(0, 0, 0, 0)"
        await one.fits()
        forgive_the_network(one)


async def test_nothing_of_a_person_stays_after_he_signs_out(street: Street) -> None:
    _code, admin = await street.company()
    async with street.walker(admin) as one:
        await ready(one)
        await one.go("/orders")
        await one.page.fill("header input[type=search]", "")
        await one.go("/quick-order")
        await one.page.fill("#f-lines", "LAMP-1 2")
        await one.page.click("header details.menu:last-of-type summary")
        await one.press("header form[action='/sign-out'] button")
        await one.page.context.set_offline(True)
        await one.page.goto(one.base + "/orders")
        await one.sees("Цієї сторінки немає на пристрої")
        left = "indexedDB.databases().then(all => all.map(one => one.name))"
        assert "dilo-drafts" not in await one.page.evaluate(left)
        forgive_the_network(one)


async def test_a_list_typed_without_a_network_is_sent_once_when_it_is_back(street: Street) -> None:
    _code, admin = await street.company()
    async with street.walker(admin, 360) as one:
        await ready(one)
        await one.go("/quick-order")
        await one.page.context.set_offline(True)
        await one.page.goto(one.base + "/quick-order")
        await one.page.fill("#f-lines", "LAMP-1 7")
        await one.page.click("form[data-draft] button.primary")
        await one.sees("Збережено на цьому пристрої")
        await one.page.reload()
        await one.sees("Збережено на цьому пристрої")
        assert await in_cart(street, admin) is None
        second = await one.page.context.new_page()
        await second.goto(one.base + "/orders")
        await one.page.context.set_offline(False)
        await one.sees("збережене надіслано")
        assert await in_cart(street, admin) == D(7)
        await one.page.reload()
        await one.go("/cart")
        assert await in_cart(street, admin) == D(7)
        forgive_the_network(one)


async def test_what_was_being_typed_is_there_after_a_reload(street: Street) -> None:
    _code, admin = await street.company()
    async with street.walker(admin) as one:
        await one.go("/quick-order")
        await one.page.fill("#f-lines", "LAMP-1 3\nCABLE-3 4")
        await one.page.wait_for_timeout(100)
        await one.page.reload()
        kept = "document.querySelector('#f-lines').value.includes('CABLE-3 4')"
        await one.until(kept)


async def test_a_list_under_review_is_found_again_by_back_and_gone_when_it_is_sent(
    street: Street,
) -> None:
    _code, admin = await street.company()
    async with street.walker(admin, 360) as one:
        await one.go("/quick-order")
        await one.page.fill("#f-lines", "LAMP-1 3\nNO-SUCH 4")
        await one.press("form[data-draft] button.primary")
        assert await one.page.query_selector("form[data-draft-ends]")
        await one.go("/quick-order")
        text = "document.querySelector('#f-lines').value"
        await one.until(f"{text}.includes('NO-SUCH 4')")
        await one.press("form[data-draft] button.primary")
        await one.page.select_option("[data-draft-ends] tbody tr:first-child select", "-")
        await one.press("form[data-draft-ends] button.primary")
        assert one.page.url.endswith("/cart")
        await one.page.wait_for_timeout(200)
        await one.go("/quick-order")
        await one.page.wait_for_timeout(200)
        assert await one.page.evaluate(text) == ""
        assert await in_cart(street, admin) == D(3)


async def test_an_order_sent_without_a_network_is_placed_once_and_as_it_was_seen(
    street: Street,
) -> None:
    _code, admin = await street.company()
    async with street.walker(admin) as one:
        await ready(one)
        await one.go("/quick-order")
        await one.page.fill("#f-lines", "LAMP-1 2")
        await one.press("form[data-draft] button.primary")
        await one.go("/cart")
        await one.page.context.set_offline(True)
        await one.page.click("form#order button.primary")
        await one.sees("Збережено на цьому пристрої")
        await one.page.context.set_offline(False)
        await one.sees("збережене надіслано")
        await one.press("#network [data-state=sent] a")
        assert "/orders/" in one.page.url
        forgive_the_network(one)
    async with scope(street.town.tenant):
        count = "SELECT count(*) FROM sales_order WHERE party_id = :p"
        assert await db.value(count, p=admin.on_behalf_of) == 1


async def test_the_key_of_a_list_counts_once_whoever_repeats_it(town: Cast) -> None:
    async with scope(town.tenant):
        old = "INSERT INTO sent_draft (identity_id, key, at) VALUES (:i, 'long-ago', :at)"
        await db.execute(old, i=town.petro.id, at=clock.now() - timedelta(days=100))
    async with client_of(town) as petro:
        await petro.open("/quick-order")
        for _ in range(3):
            answer = await petro.post("/quick-order", {"lines": "LAMP-1 5", "key": "a" * 32})
            assert answer.headers["location"] == "/cart"
        other = await petro.post("/quick-order", {"lines": "LAMP-1 5", "key": "b" * 32})
        assert other.status_code == 303
    async with scope(town.tenant):
        assert await db.value("SELECT quantity FROM cart WHERE removed_at IS NULL") == D(10)
        kept = await db.rows("SELECT key FROM sent_draft ORDER BY key")
        assert [row["key"] for row in kept] == ["a" * 32, "b" * 32], "old keys are forgotten"

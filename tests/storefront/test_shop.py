"""The shop as a stranger sees it: addresses, prices, basket, checkout, content, privacy."""

import asyncio
import io
import json
import re
import secrets
import zipfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import urlsplit

import pytest
from browsing import Visitor, client_of, staff, visitor
from hypothesis import given, settings
from hypothesis import strategies as st
from town import Cast, add_product

from dilo.books.queries import broken
from dilo.catalogue.shelf import RuleForm, set_rule
from dilo.kit import db
from dilo.kit.sealing import seal
from dilo.messaging.channels import Ready
from dilo.orders.actions import reconsider_held
from dilo.orders.queries import order_head
from dilo.payments.actions import RecordPayment, record_payment
from dilo.promotions.actions import CouponForm, PromotionForm, add_coupon, add_promotion
from dilo.storefront import checkout, content, letters
from dilo.storefront.content import BannerForm, PageForm
from dilo.storefront.rules import contrast, markdown, readable, stylesheet
from dilo.storefront.shop import ShopForm, save_shop
from portal.shop.frame import LINKS_MAX, forget_shelves
from tenants.scope import scope

D = Decimal
LAMP = "/uk/p/lampa-led-10-vt-lamp-1"
BUYER = {
    "name": "Ганна Покупець",
    "phone": "067 123 45 67",
    "email": "hanna@example.com",
    "delivery": "pickup",
    "payment": "invoice",
    "consent": "on",
}


async def opened(town: Cast, **more: Any) -> None:
    forget_shelves()
    async with scope(town.tenant):
        form = ShopForm(is_open="on", name="Лампи", invoice="on", pickup="on", **more)
        await save_shop(town.olena, form)
        category = await db.value(
            "INSERT INTO category (code, name) VALUES ('L', 'Лампи') RETURNING id"
        )
        await db.execute("UPDATE product SET category_id = :c WHERE code = 'LAMP-1'", c=category)


@asynccontextmanager
async def shopper(town: Cast) -> AsyncIterator[Visitor]:
    async with visitor(town.host) as one:
        await one.open("/uk/my-data")
        yield one


async def into_cart(one: Visitor, product: Any, quantity: Any = 1) -> Any:
    return await one.post("/uk/cart/lines", {"product": str(product), "quantity": str(quantity)})


async def order(one: Visitor, **more: str) -> Any:
    page = await one.get("/uk/checkout")
    form = dict(re.findall(r'name="(key|total)" value="([^"]+)"', page.text))
    return await one.post("/uk/checkout", BUYER | form | more)


async def letters_of(town: Cast) -> dict[str, str]:
    """What the post brings: the path in each letter. Nothing of it lies in the outbox."""
    paths = {}
    async with scope(town.tenant):
        for row in await db.rows("SELECT payload FROM outbox WHERE kind = 'shop_letter'"):
            ready = await letters.compose(row["payload"], "email", None)
            assert isinstance(ready, Ready)
            secret = ready.extra.get("secret")
            assert secret is None or secret not in str(row["payload"])
            found = re.search(rf"http://{re.escape(town.host)}(/[^\s]+)", ready.text)
            assert found
            paths[row["payload"]["about"]] = found[1]
    return paths


async def test_a_shut_shop_is_not_there_and_an_open_one_meets_strangers(
    town: Cast, rival: Cast
) -> None:
    async with visitor(town.host) as one:
        assert (await one.get("/")).headers["location"].startswith("/sign-in")
        assert (await one.get("/uk")).status_code == 404
        assert "Disallow: /\n" in (await one.get("/robots.txt")).text
    await opened(town)
    async with visitor(town.host, **{"accept-language": "ru"}) as one:
        assert (await one.get("/")).headers["location"] == "/ru"
        assert "Магазин" in (await one.get("/ru")).text
        assert (await one.get("/xx")).status_code == 404
    async with client_of(town) as petro:
        assert (await petro.get("/")).status_code == 200  # a buyer keeps his portal
    async with visitor(rival.host) as one:
        assert (await one.get("/uk")).status_code == 404
        assert (await one.get(LAMP)).status_code == 404


async def test_addresses_are_clean_and_old_ones_lead_to_new(town: Cast) -> None:
    await opened(town)
    async with visitor(town.host) as one:
        page = await one.get(LAMP)
        assert page.status_code == 200
        for language in ("uk", "en", "ru"):
            other = rf'hreflang="{language}"\s+href="http://{town.host}/{language}/p/lampa'
            assert re.search(other, page.text)
        assert re.search(rf'rel="canonical"\s+href="http://{town.host}{LAMP}"', page.text)
        assert (await one.get("/uk/c/lampy")).status_code == 200
        async with scope(town.tenant):
            await db.execute("UPDATE product SET name = 'Лампа щаслива' WHERE code = 'LAMP-1'")
        moved = await one.get(LAMP)
        assert (moved.status_code, moved.headers["location"]) == (
            301,
            "/uk/p/lampa-shchaslyva-lamp-1",
        )
        lost = await one.get("/uk/p/nothing-like-it")
        assert lost.status_code == 404
        assert "Сторінку не знайдено" in lost.text
        assert "До магазину" in lost.text  # in the shop's clothes


async def test_two_goods_of_one_name_have_two_addresses(town: Cast) -> None:
    async with scope(town.tenant):
        await add_product(town, "A-1", "Same", D(1))
        await add_product(town, "A.1", "Same", D(1))
        slugs = await db.rows("SELECT slug FROM shop_slug WHERE slug LIKE 'same-a-1%'")
    assert len({row["slug"] for row in slugs}) == 2


async def test_structured_data_says_what_the_page_says_and_no_name_leaves_it(town: Cast) -> None:
    """Attack 31: a name is not markup, in a page or in JSON-LD."""
    await opened(town)
    async with scope(town.tenant):
        evil = "</script><script>alert(1)</script>"
        product = await add_product(town, "EVIL", evil, D("12.50"))
        await db.execute(
            "INSERT INTO review (product_id, author, stars, words, state)"
            " VALUES (:p, :e, 4, :e, 'published')",
            p=product,
            e=evil,
        )
        slug = await db.value("SELECT slug FROM shop_slug WHERE subject_id = :p", p=product)
    async with visitor(town.host) as one:
        page = await one.get(f"/en/p/{slug}")
    assert "<script>alert" not in page.text
    blocks = [
        json.loads(text)
        for text in re.findall(
            r'<script type="application/ld\+json"[^>]*>(.*?)</script>', page.text
        )
    ]
    about = next(block for block in blocks if block["@type"] == "Product")
    assert about["name"] == evil
    assert about["offers"]["price"] == "12.50"
    assert about["offers"]["availability"].endswith("InStock")
    assert about["aggregateRating"]["reviewCount"] == 1
    assert any(block["@type"] == "BreadcrumbList" for block in blocks)


async def test_the_sitemap_and_robots_lead_machines_to_goods_only(town: Cast) -> None:
    await opened(town)
    async with visitor(town.host) as one:
        index = await one.get("/sitemap.xml")
        assert f"http://{town.host}/sitemaps/uk/1" in index.text
        goods = await one.get("/sitemaps/uk/1")
        assert f"<loc>http://{town.host}{LAMP}</loc>" in goods.text
        assert "dostavka" not in goods.text  # a service is no page
        robots = (await one.get("/robots.txt")).text
        assert "Disallow: /uk/checkout" in robots
        assert f"Sitemap: http://{town.host}/sitemap.xml" in robots


@pytest.mark.parametrize("host", ["{}:80@evil.example", "evil.example", "{}.evil.example", "{}:8x"])
async def test_a_forged_host_makes_no_foreign_link(town: Cast, host: str) -> None:
    """Attack 2."""
    await opened(town)
    async with visitor(town.host) as one:
        page = await one.get("/uk", headers={"host": host.format(town.host)})
        assert "evil.example/" not in page.text.replace(f"{town.host}.evil.example", "")


async def test_an_everyone_page_asks_the_database_little(town: Cast) -> None:
    await opened(town)
    async with scope(town.tenant):
        for n in range(30):
            product = await add_product(town, f"P-{n}", f"Лампа {n}", D(10))
            await db.execute(
                "UPDATE product SET category_id = (SELECT id FROM category) WHERE id = :p",
                p=product,
            )
    forget_shelves()
    async with visitor(town.host) as one:
        await one.get("/uk/c/lampy")
        few = await _asked(one, "/uk/c/lampy?page=2")
        many = await _asked(one, "/uk/c/lampy")
    assert many == few  # no more for 24 goods than for 7
    assert many <= 9


async def _asked(one: Visitor, url: str) -> int:
    seen: list[str] = []
    plain = db.rows

    async def counted(sql: str, /, **params: Any) -> Any:
        seen.append(sql)
        return await plain(sql, **params)

    db.rows = counted  # type: ignore[assignment]
    try:
        assert (await one.get(url)).status_code == 200
    finally:
        db.rows = plain  # type: ignore[assignment]
    return len(seen)


async def test_a_guest_buys_by_invoice_pays_and_his_goods_are_released(town: Cast) -> None:
    await opened(town, requisites="UA21 3223")
    async with shopper(town) as one:
        await into_cart(one, town.products["LAMP-1"], 3)
        placed = await order(one)
        assert placed.status_code == 303, placed.text[-400:]
        link = placed.headers["location"]
        page = await one.get(link)
        assert "UA21 3223" in page.text
        assert "Чекаємо на оплату" in page.text
        async with scope(town.tenant):
            found = await db.one(
                "SELECT o.id, o.state, o.door, p.id AS party, p.kind FROM sales_order o"
                " JOIN party p ON p.id = o.party_id"
            )
            assert (found["state"], found["door"], found["kind"]) == ("on_hold", "shop", "person")
            assert await db.value("SELECT sum(reserved) FROM stock_level") == 3  # kept for him
            paid = RecordPayment(
                party_id=found["party"],
                amount=D(300),
                received_on=town.tenant.today(),
                key="p",
            )
            await record_payment(town.nina, paid)
            await reconsider_held(found["party"])
            assert (await order_head(found["id"])).state == "confirmed"
            assert await db.value("SELECT sum(reserved) FROM stock_level") == 3
            assert await broken() == []
        assert "готуємо" in (await one.get(link)).text
        assert (await one.get(link + "x")).status_code == 404


async def test_the_letter_of_an_order_holds_its_link(town: Cast) -> None:
    await opened(town)
    async with shopper(town) as one:
        await into_cart(one, town.products["LAMP-1"])
        link = (await order(one)).headers["location"]
    async with scope(town.tenant):
        row = await db.one("SELECT payload FROM outbox WHERE kind = 'shop_letter'")
        ready = await letters.compose(row["payload"], "email", None)
    assert row["payload"]["address"] == "hanna@example.com"
    assert f"http://{town.host}{link}" in ready.text  # type: ignore[union-attr]


async def test_the_last_lamps_are_sold_once_whoever_hurries(town: Cast) -> None:
    """Attack 22: twelve guests, five lamps."""
    await opened(town)
    async with scope(town.tenant):
        rare = await add_product(town, "RARE", "Рідкісна", D(10), on_hand=5)

    async def buy() -> bool:
        async with shopper(town) as one:
            await into_cart(one, rare)
            return (await order(one)).status_code == 303

    await asyncio.gather(*(buy() for _ in range(12)))
    async with scope(town.tenant):
        kept = await db.value("SELECT reserved FROM stock_level WHERE product_id = :p", p=rare)
        assert kept == 5
        assert await broken() == []


async def test_an_order_not_paid_in_time_frees_goods_promotion_and_coupon(town: Cast) -> None:
    await opened(town)
    async with scope(town.tenant):
        day = town.tenant.today()
        await add_promotion(
            town.olena, PromotionForm("S", "percent", D(10), day, budget_amount=D(100))
        )
        await add_coupon(
            town.olena, CouponForm("ONE", "percent", D(5), day, most_uses=1, stackable="on")
        )
    async with shopper(town) as one:
        await into_cart(one, town.products["LAMP-1"], 2)
        await one.post("/uk/cart/coupon", {"coupon": "one"})
        cart = await one.get("/uk/cart")
        assert "171,00" in cart.text
        assert (await order(one)).status_code == 303
    async with scope(town.tenant):
        assert await db.value("SELECT uses FROM coupon") == 1
        await db.execute("UPDATE shop_order SET pay_until = now() - interval '1 minute'")
        assert await checkout.expire_unpaid() == 1
        assert await db.value("SELECT state FROM sales_order") == "cancelled"
        assert await db.value("SELECT uses FROM coupon") == 0
        assert await db.value("SELECT spent_amount FROM promotion") == 0
        assert await db.value("SELECT sum(reserved) FROM stock_level") == 0
        assert await broken() == []


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"total": "1.00"}, 422),  # attack 19: a price of one's own
        ({"price": "0.01", "discount": "99", "tenant_id": "x"}, 303),  # attack 15: not read
        ({"total": "NaN"}, 422),
        ({"total": "1e308"}, 422),
        ({"phone": "12"}, 422),
        ({"email": "a@b\r\nBcc: x@y.z"}, 422),
        ({"consent": ""}, 422),
        ({"website": "http://spam.example"}, 422),
        ({"payment": "card"}, 422),
        ({"delivery": "delivery", "address": "x"}, 422),
        ({"key": "short"}, 422),
    ],
)
async def test_checkout_takes_nothing_on_trust(
    town: Cast, change: dict[str, str], status: int
) -> None:
    await opened(town)
    async with shopper(town) as one:
        await into_cart(one, town.products["LAMP-1"])
        answer = await order(one, **change)
        assert answer.status_code == status
        at_the_field = 'aria-describedby="e-phone"' in answer.text
        assert at_the_field == ("phone" in change)
    async with scope(town.tenant):
        assert await db.value("SELECT count(*) FROM sales_order") == (status == 303)
        assert await db.value("SELECT coalesce(sum(total), 100) FROM sales_order") == 100


@pytest.mark.parametrize("quantity", ["-1", "NaN", "1e308", "0.00001", "99999999999", "x"])
async def test_odd_quantities_are_refused(town: Cast, quantity: str) -> None:
    """Attack 20."""
    await opened(town)
    async with shopper(town) as one:
        await into_cart(one, town.products["LAMP-1"], quantity)
    async with scope(town.tenant):
        assert await db.value("SELECT count(*) FROM guest_line") == 0


async def test_the_same_checkout_twice_is_one_order(town: Cast) -> None:
    await opened(town)
    async with shopper(town) as one:
        await into_cart(one, town.products["LAMP-1"])
        page = await one.get("/uk/checkout")
        form = BUYER | dict(re.findall(r'name="(key|total)" value="([^"]+)"', page.text))
        first = await one.post("/uk/checkout", form)
        again = await one.post("/uk/checkout", form)
        assert first.headers["location"] == again.headers["location"]
    async with scope(town.tenant):
        assert await db.value("SELECT count(*) FROM sales_order") == 1


async def test_a_guest_who_names_a_known_address_stays_a_stranger(town: Cast) -> None:
    await opened(town)
    async with shopper(town) as one:
        await into_cart(one, town.products["LAMP-1"])
        answer = await order(one, email="petro@example.com")
        assert answer.status_code == 303
    async with scope(town.tenant):
        party = await db.value("SELECT party_id FROM sales_order")
        assert party != town.parties["D-1"]


async def test_a_guests_cart_is_his_alone_and_becomes_the_persons_at_sign_in(
    town: Cast, rival: Cast
) -> None:
    await opened(town)
    await opened(rival)
    async with shopper(town) as one, shopper(town) as other, visitor(rival.host) as abroad:
        await into_cart(one, town.products["LAMP-1"], 2)
        await one.post("/uk/wishes", {"product": str(town.products["SOCKET"])})
        token = one.client.cookies["dilo_guest"]
        assert "порожній" in (await other.get("/uk/cart")).text
        abroad.client.cookies.set("dilo_guest", token)
        assert "порожній" in (await abroad.get("/uk/cart")).text
        async with scope(town.tenant):
            kept = await db.value("SELECT token_hash FROM guest")
            assert token.encode() not in kept
        async with scope(town.tenant):
            form = CouponForm("TEN", "percent", D(10), town.tenant.today())
            await add_coupon(town.olena, form)
        await one.post("/uk/cart/coupon", {"coupon": "ten"})
        await one.open("/sign-in")
        await one.post("/sign-in", {"email": "petro@example.com", "password": "correct horse"})
        async with scope(town.tenant):  # at sign-in itself, before any page of the shop
            assert await db.value("SELECT quantity FROM cart") == 2
            assert await db.value("SELECT code FROM cart_coupon") == "TEN"
            assert await db.value("SELECT count(*) FROM guest") == 0
        assert "dilo_guest" not in one.client.cookies
        assert "Лампа LED" in (await one.get("/uk/cart")).text
        assert "Розетка" in (await one.get("/uk/wishes")).text


async def test_a_review_waits_for_staff_and_says_who_bought(town: Cast) -> None:
    await opened(town)
    async with client_of(town) as petro:
        page = await petro.open(LAMP)
        assert "Написати відгук" in page.text
        evil = "<img src=x onerror=alert(1)>"
        sent = await petro.post(f"{LAMP}/reviews", {"stars": "5", "words": evil})
        assert sent.status_code == 303
        assert (await petro.post(f"{LAMP}/reviews", {"stars": "9"})).status_code != 303
        assert "onerror" not in (await petro.get(LAMP)).text
    async with staff(town) as olena, visitor(town.host) as one:
        queue = await olena.get("/office/shop/reviews")
        assert "&lt;img src=x" in queue.text
        async with scope(town.tenant):
            review = await db.one("SELECT id, bought FROM review")
        assert not review["bought"]
        said = {"state": "published", "answer": "Дякуємо"}
        assert (await olena.post(f"/office/shop/reviews/{review['id']}", said)).status_code == 303
        shown = (await one.get(LAMP)).text
        assert "&lt;img src=x" in shown
        assert "Дякуємо" in shown
        assert (await one.post(f"{LAMP}/reviews", {"stars": "5"})).status_code in (303, 401)


async def test_registration_tells_nobody_who_is_known(town: Cast) -> None:
    """Attack 37: the same answer, the same page; only the letters differ."""
    await opened(town)
    async with shopper(town) as one:
        answers = [
            await one.post(
                "/uk/register",
                {"name": "Н", "email": email, "password": "long enough", "consent": "on"},
            )
            for email in ("petro@example.com", "new@example.com")
        ]
        plain = {re.sub(r'value="[^"]+"|nonce="[^"]+"', "", a.text) for a in answers}
        assert len(plain) == 1
        sent = await letters_of(town)
        assert set(sent) == {"known", "register"}
        path = sent["register"]
        await one.open(path)
        done = await one.post(path)
        assert done.headers["location"] == "/uk/account"
        assert (await one.get("/uk/account")).status_code == 200
        assert (await one.post(path)).status_code == 404  # works once


async def test_a_person_takes_his_data_and_is_forgotten_but_the_books_stay(town: Cast) -> None:
    await opened(town)
    async with shopper(town) as one:
        await into_cart(one, town.products["LAMP-1"])
        await order(one)
        for kind in ("export", "erasure"):
            await one.post("/uk/my-data", {"kind": kind, "email": "hanna@example.com"})
        links = await letters_of(town)
        await one.open(links["data_export"])
        packed = await one.post(links["data_export"])
        archive = zipfile.ZipFile(io.BytesIO(packed.content))
        assert json.loads(archive.read("orders.json"))[0]["number"] == "SO-000001"
        assert (await one.post(links["data_export"])).status_code == 404
        assert (await one.post(links["data_erasure"])).status_code == 303
    async with staff(town) as olena, staff(town, "max") as max_:
        assert (await max_.get("/office/shop/data-requests")).status_code == 403
        page = await olena.get("/office/shop/data-requests")
        assert "hanna@example.com" in page.text
        async with scope(town.tenant):
            asked = await db.value("SELECT id FROM data_request WHERE kind = 'erasure'")
        done = await olena.post(f"/office/shop/data-requests/{asked}", {"decision": "done"})
        assert done.status_code == 303
    async with scope(town.tenant):
        assert await db.value("SELECT total FROM sales_order") == 100
        for sql in (
            "SELECT count(*) FROM party WHERE name LIKE 'Ганна%'",
            "SELECT count(*) FROM contact_channel WHERE address = 'hanna@example.com'",
            "SELECT count(*) FROM shop_order WHERE phone <> '-'",
        ):
            assert await db.value(sql) == 0
        assert await db.value("SELECT count(*) FROM audit_event WHERE verb = 'shop.erasure'") == 1


async def test_consent_is_kept_as_proof_and_the_banner_goes(town: Cast) -> None:
    await opened(town)
    async with visitor(town.host) as one:
        page = await one.open("/uk")
        assert 'class="cookies"' in page.text
        assert "dilo_guest" not in page.headers.get("set-cookie", "")
        await one.post("/uk/consent", {"choice": "necessary"})
        assert 'class="cookies"' not in (await one.get("/uk")).text
        proof = one.client.cookies["dilo_consent"].strip('"').split(".", 1)[1]
    async with scope(town.tenant):
        kept = await db.one("SELECT id, choice FROM cookie_consent")
        assert (str(kept["id"]), kept["choice"]) == (proof, "necessary")


async def test_pages_are_markdown_in_three_languages_and_drafts_are_not_seen(town: Cast) -> None:
    """Attack 30: what a tenant writes is text, never a template."""
    await opened(town)
    words = "## Hi\n\n{{ ''.__class__ }} <script>alert(1)</script> [x](javascript:alert(1))"
    async with scope(town.tenant):
        await content.save_page(
            town.olena, PageForm("Доставка", "Delivery", "", words, words, "", "", "on")
        )
        await content.save_page(town.olena, PageForm("Чернетка"))
    async with visitor(town.host) as one:
        page = (await one.get("/en/i/dostavka")).text
        assert "<h2>Hi</h2>" in page
        assert "{{ &#39;&#39;.__class__ }}" in page or "{{ ''.__class__ }}" in page
        assert "<script>alert" not in page
        assert 'href="javascript' not in page
        assert (await one.get("/uk/i/chernetka")).status_code == 404


async def test_banners_keep_their_days_and_language(town: Cast) -> None:
    await opened(town)
    today = town.tenant.today()
    async with scope(town.tenant):
        for form in (
            BannerForm("Now"),
            BannerForm("Over", ends_on=today - timedelta(days=1)),
            BannerForm("English", language="en"),
        ):
            await content.save_banner(town.olena, form, None)
    async with visitor(town.host) as one:
        home = (await one.get("/uk")).text
        assert "Now" in home
        assert "Over" not in home
        assert ">English<" not in home


async def test_search_is_limited_and_finds(town: Cast) -> None:
    """Attack 44."""
    await opened(town)
    async with visitor(town.host) as one:
        found = await one.get("/uk/search", params={"q": "лампа"})
        assert LAMP in found.text
        assert (await one.get("/uk/search", params={"q": "x" * 5000})).status_code == 200
        async with scope(town.tenant):
            await db.execute("UPDATE throttle SET hits = 300 WHERE key LIKE 'shop-search%'")
        assert (await one.get("/uk/search", params={"q": "лампа"})).status_code == 429
        renamed = {"user-agent": "another browser"}
        again = await one.get("/uk/search", params={"q": "лампа"}, headers=renamed)
        assert again.status_code == 200
        async with scope(town.tenant):
            await db.execute("UPDATE throttle SET hits = 3000 WHERE key = 'shop-search:127.0.0.1'")
        again = await one.get("/uk/search", params={"q": "лампа"}, headers=renamed)
        assert again.status_code == 429, "an address has its own limit, whatever the browser says"


async def test_the_office_dresses_the_shop(town: Cast) -> None:
    async with staff(town) as olena, visitor(town.host) as one:
        form = {"is_open": "on", "name": "Світло", "accent": "#ffee00", "neutral": "#cccccc"}
        assert (await olena.post("/office/shop", form)).status_code == 303
        home = await one.get("/uk")
        theme = re.search(r"/shop/theme.css\?v=\w+", home.text)
        assert theme is not None
        styles = await one.get(theme[0])
        assert styles.headers["content-type"].startswith("text/css")
        assert "#ffee00" not in styles.text.split("@media")[0].replace(
            "--soft", ""
        )  # yellow on white cannot be read: darkened
        bad = await olena.post("/office/shop", form | {"accent": "red;} body{"})
        assert bad.status_code == 422
        for path in ("/office/shop/content", "/office/shop/pages/new", "/office/shop/reviews"):
            assert (await olena.get(path)).status_code == 200
        evil = {"place": "top", "href": "javascript:alert(1)", "label_uk": "x"}
        refused = await olena.post("/office/shop/menu", evil)
        assert refused.status_code in (303, 422)
        assert "javascript:" not in (await one.get("/uk")).text


colours = st.integers(0, 0xFFFFFF).map(lambda n: f"#{n:06x}")


@settings(max_examples=80, deadline=None)
@given(colours, colours)
def test_every_palette_can_be_read(accent: str, neutral: str) -> None:
    text = stylesheet(accent, neutral, "system", "airy", "soft")
    for block in re.findall(r"\{([^{}]*--paper[^{}]*)\}", text):
        found = dict(part.split(":", 1) for part in block.split(";") if ":" in part)
        for ink, ground in (
            ("--ink", "--paper"),
            ("--ink", "--ground"),
            ("--link", "--paper"),
            ("--link", "--ground"),
            ("--quiet", "--paper"),
            ("--quiet", "--ground"),
            ("--on-accent", "--accent"),
        ):
            assert contrast(found[ink], found[ground]) >= 4.4, (ink, ground, found)
    assert contrast(readable(accent, "#ffffff"), "#ffffff") >= 4.5


@settings(max_examples=40, deadline=None)
@given(st.text(max_size=200))
def test_no_markdown_makes_a_script(text: str) -> None:
    assert "<script" not in markdown(text).lower()
    assert 'href="javascript' not in markdown(f"[x](javascript:{text})").lower()


async def test_a_letter_sent_again_kills_the_link_before(town: Cast) -> None:
    await opened(town)
    async with shopper(town) as one:
        form = {"name": "Н", "email": "n@example.com", "password": "long enough", "consent": "on"}
        await one.post("/uk/register", form)
        first = (await letters_of(town))["register"]
        second = (await letters_of(town))["register"]
        assert (await one.post(first)).status_code == 404
        assert (await one.post(second)).status_code == 303


async def test_links_are_not_for_guessing(town: Cast) -> None:
    """Attack 37: a try that finds nothing stays counted, whichever kind of link is tried."""
    await opened(town)
    async with scope(town.tenant):
        await db.execute(
            "INSERT INTO throttle (key, window_started_at, hits) VALUES (:key, now(), :hits)",
            key="shop-link:127.0.0.1",
            hits=LINKS_MAX - 3,
        )
    async with visitor(town.host) as one:
        guesses = [f"/uk/order/{secrets.token_urlsafe(24)}", "/uk/register/x", "/uk/my-data/x"]
        codes = [(await one.get(path)).status_code for path in guesses]
        assert codes == [404, 200, 200]
        assert [(await one.get(path)).status_code for path in guesses] == [429] * 3


@pytest.mark.parametrize("path", ["/uk", LAMP, "/uk/cart", "/uk/nothing/here"])
async def test_no_page_of_the_shop_stands_in_another_ones_frame(town: Cast, path: str) -> None:
    """Attack 48: clickjacking."""
    await opened(town)
    async with visitor(town.host) as one:
        headers = (await one.get(path)).headers
    assert "frame-ancestors 'none'" in headers["content-security-policy"]


@pytest.mark.parametrize(
    "evil", ["//evil.example", "/\\evil.example", "https://evil.example", "javascript:alert(1)"]
)
async def test_nobody_is_led_away(town: Cast, evil: str) -> None:
    """Attack 48: by ``next``, by the page a form came from, by the switch of languages."""
    await opened(town)
    async with shopper(town) as one:
        said = {"referer": f"http://{town.host}{evil}"}
        for path, form in (
            ("/uk/cart/lines", {"product": str(town.products["LAMP-1"])}),
            ("/uk/wishes", {"product": str(town.products["LAMP-1"])}),
            ("/uk/consent", {"choice": "necessary"}),
        ):
            answer = await one.post(path, form, headers=said)
            assert answer.headers["location"].startswith("/uk"), path
        lost = await one.get(f"/uk/{evil}")
        links = re.findall(r'(?:href|action)="([^"]+)"', lost.text)
        assert {urlsplit(link).netloc for link in links} == {"", town.host}
        form = {"email": "petro@example.com", "password": "correct horse", "next": evil}
        await one.open("/sign-in")
        assert (await one.post("/sign-in", form)).headers["location"] == "/"


async def test_search_and_categories_are_the_shelf_of_buyers_page_after_page(town: Cast) -> None:
    await opened(town)
    async with scope(town.tenant):
        await db.execute(
            "INSERT INTO product (code, name, category_id) SELECT 'W-' || n, 'Світильник ' || n,"
            " (SELECT id FROM category) FROM generate_series(1, 130) n"
        )
        hidden = await db.value("SELECT id FROM product WHERE code = 'W-130'")
        await set_rule(town.olena, RuleForm("all", product="W-130"))
        for code, colour in (("W-1", "біла"), ("W-2", "чорна"), ("W-3", "сіра")):
            await db.execute(
                "INSERT INTO product_attribute (product_id, name, value)"
                " SELECT id, 'Колір', :colour FROM product WHERE code = :code",
                code=code,
                colour=colour,
            )
    assert hidden
    async with visitor(town.host) as one:
        last = (await one.get("/uk/search?q=світильник&page=6")).text
        assert "129" in last
        assert last.count('class="tile"') == 129 - 5 * 24
        either = (await one.get("/uk/c/lampy?f=Колір:біла&f=Колір:чорна")).text
        assert either.count('class="tile"') == 2  # one or the other


async def test_who_has_the_link_looks_at_a_shut_shop_and_orders_nothing(
    town: Cast, rival: Cast
) -> None:
    await opened(town)
    async with scope(town.tenant):
        await save_shop(town.olena, ShopForm(name="Лампи", invoice="on", pickup="on"))
        over = seal("2020-01-01T00:00:00+00:00", f"shop preview {town.tenant.id}")
    async with staff(town) as olena:
        link = re.search(r'href="(/shop/preview/[^"]+)"', (await olena.get("/office/shop")).text)
    assert link
    async with visitor(town.host) as one, visitor(rival.host) as abroad:
        assert (await one.get("/uk")).status_code == 404
        assert (await one.get(f"/shop/preview/{over}")).status_code == 404
        assert (await abroad.get(link[1])).status_code == 404  # another company's opens nothing
        assert (await one.get(link[1])).headers["location"] == "/uk"
        page = await one.open("/uk")
        assert "Попередній перегляд" in page.text
        assert 'name="robots" content="noindex"' in page.text
        await one.open("/uk/my-data")
        await into_cart(one, town.products["LAMP-1"])
        assert (await order(one)).status_code != 303
    async with scope(town.tenant):
        assert await db.value("SELECT count(*) FROM sales_order") == 0


async def test_a_guest_speaks_of_what_he_was_sent_once_and_as_one_who_bought(town: Cast) -> None:
    await opened(town)
    async with shopper(town) as one:
        await into_cart(one, town.products["LAMP-1"])
        link = (await order(one)).headers["location"]
        said = {"product": str(town.products["LAMP-1"]), "stars": "5", "words": "Світить"}
        assert (await one.post(f"{link}/reviews", said)).status_code == 404  # not sent yet
        async with scope(town.tenant):
            await db.execute("UPDATE sales_order_line SET shipped_quantity = quantity")
        assert "Написати відгук" in (await one.get(link)).text
        assert (await one.post(f"{link}/reviews", said)).status_code == 303
        assert (await one.post(f"{link}/reviews", said | {"stars": "2"})).status_code == 303
        other = said | {"product": str(town.products["SOCKET"])}
        assert (await one.post(f"{link}/reviews", other)).status_code == 404  # not of his order
    async with scope(town.tenant):
        written = await db.rows("SELECT author, stars, bought, state FROM review")
        assert [tuple(row.values()) for row in written] == [("Ганна", 2, True, "waiting")]


async def test_no_id_is_twice_on_the_content_page(town: Cast) -> None:
    await opened(town)
    async with scope(town.tenant):
        for title in ("Знижки", "Новинки"):
            await content.save_banner(town.olena, BannerForm(title), None)
    async with staff(town) as olena:
        page = (await olena.get("/office/shop/content")).text
    ids = re.findall(r' id="([^"]+)"', page)
    assert sorted(ids) == sorted(set(ids))

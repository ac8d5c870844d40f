"""Sub-dealers inside their parent's limit, storefronts that cascade once, deals, news, own prices only."""

import asyncio
import io
import re
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal as D
from uuid import UUID, uuid4

import pytest
from browsing import client_of, staff, visitor
from dealing import agreed_plan, director, make_dealer, sell
from PIL import Image
from town import PASSWORD, Cast, add_party, order_of

from bots.telegram.replies import reasons
from dilo.books.queries import broken
from dilo.catalogue import shelf
from dilo.catalogue.shelf import RuleForm
from dilo.dealers import children, letters, news, registrations, sales, storefronts
from dilo.dealers.children import ChildForm, add_child, set_sub_limit
from dilo.dealers.network import TerritoryForm, dealers, overlaps, save_territory
from dilo.dealers.queries import cockpit_of
from dilo.dealers.registrations import DecisionForm, RegistrationForm
from dilo.dealers.tiers import (
    GrantForm,
    TierForm,
    grant_tier,
    save_tier,
)
from dilo.kit import db
from dilo.kit.errors import Forbidden, NotFound, Refusal
from dilo.kit.paging import Paging
from dilo.messaging import channels
from dilo.messaging.channels import Dropped, Ready
from dilo.orders import actions
from dilo.orders.actions import place_order
from dilo.orders.commands import Dispatch
from dilo.orders.queries import order
from dilo.parties.queries import party
from dilo.pricing import actions as pricing
from tenants.actors import Actor
from tenants.provision import add_identity
from tenants.scope import scope


def boss(town: Cast, code: str = "D-1") -> Actor:
    one = director(town, code)
    return replace(one, verbs=one.verbs | {"dealers.register", "dealers.read"})


async def child(town: Cast, name: str, limit: D) -> UUID:
    form = ChildForm(name, f"{name.lower()}@example.com", name, limit)
    made = await add_child(boss(town), form)
    town.parties[name] = made
    return made


async def joined(town: Cast, name: str) -> None:
    """As if the invited had opened the letter."""
    person = await add_identity(f"{name.lower()}@example.com", name, PASSWORD)
    seat = "INSERT INTO portal_user (identity_id, party_id, role) VALUES (:i, :p, 'admin')"
    await db.execute(seat, i=person, p=town.parties[name])


async def test_a_sub_limit_stays_inside_the_parents(town: Cast) -> None:
    async with scope(town.tenant):
        await make_dealer(town)
        one = await child(town, "Alpha", D(4000))
        with pytest.raises(Refusal, match="SUBLIMIT_TOO_MUCH"):
            await set_sub_limit(boss(town), one, D("10000.01"))
        for bad in (D("NaN"), D(-1), D("1.001")):
            with pytest.raises(Refusal, match="AMOUNT_BAD"):
                await set_sub_limit(boss(town), one, bad)
        await set_sub_limit(boss(town), one, D(10000))
        assert (await party(town.parties["D-1"])).covers_children
        with pytest.raises(Refusal, match="PARENT_BAD"):
            below = ChildForm("Deep", "deep@example.com", "x", D(1))
            await add_child(replace(boss(town), on_behalf_of=one), below)


async def test_orders_of_sub_dealers_consume_both_limits_even_in_a_race(town: Cast) -> None:
    async with scope(town.tenant):
        await make_dealer(town)
        for name in ("Alpha", "Beta", "Gamma"):
            await child(town, name, D(6000))

    async def order(name: str) -> str:
        async with scope(town.tenant):
            return (await place_order(town.max, order_of(town, name, ("LAMP-1", 60)))).state

    states = await asyncio.gather(*(order(name) for name in ("Alpha", "Beta", "Gamma")))
    assert sorted(states) == ["confirmed", "on_hold", "on_hold"]
    async with scope(town.tenant):
        parent = await place_order(town.max, order_of(town, "D-1", ("LAMP-1", 41)))
        assert parent.state == "on_hold"
        assert any(v.gate == "GROUP_LIMIT" and not v.passed for v in parent.verdicts)
        assert (await place_order(town.max, order_of(town, "D-1", ("LAMP-1", 40)))).state == (
            "confirmed"
        )
        assert await broken() == []


async def test_a_sub_dealer_over_his_own_limit_is_held_though_the_parent_has_room(
    town: Cast,
) -> None:
    async with scope(town.tenant):
        await make_dealer(town)
        await child(town, "Alpha", D(1000))
        placed = await place_order(town.max, order_of(town, "Alpha", ("LAMP-1", 11)))
        assert [v.gate for v in placed.verdicts if not v.passed] == ["CREDIT_LIMIT"]


async def test_only_the_parent_sees_his_sub_dealers_and_they_see_neither_him_nor_each_other(
    town: Cast,
) -> None:
    async with scope(town.tenant):
        await make_dealer(town)
        one, two = await child(town, "Alpha", D(100)), await child(town, "Beta", D(100))
        assert {row["name"] for row in await children.children_of(town.parties["D-1"])} == {
            "Alpha",
            "Beta",
        }
        for stranger in (one, two):
            with pytest.raises(NotFound):
                await children.child_of(replace(boss(town), on_behalf_of=stranger), two)
        plan = await agreed_plan(town, town.tenant.today())
        await db.execute("UPDATE portal_user SET role = 'admin'")
    channels.use_channels({})
    async with client_of(town, "petro") as parent:
        page = await parent.get(f"/dealer/sub-dealers/{one}")
        assert "Alpha" in page.text
        assert 'name="password"' not in page.text
        invited = "SELECT id FROM invitation WHERE party_id = :p"
        async with scope(town.tenant):
            first, other = [await db.value(invited, p=party_id) for party_id in (one, two)]
        crossed = await parent.post(f"/dealer/sub-dealers/{one}/invitations/{other}")
        assert crossed.status_code == 404
        page = await parent.post(f"/dealer/sub-dealers/{one}/invitations/{first}")
        link = re.search(r'value="https?://[^/"]+(/invitations/[^"]+)"', page.text)
        assert link
    async with visitor(town.host) as sub:
        await sub.open(link[1])
        assert (await sub.post(link[1], {"password": PASSWORD})).status_code == 303
        assert (await sub.get("/dealer")).status_code == 200
        for url in (
            f"/dealer/sub-dealers/{two}",
            f"/dealer/sub-dealers/{town.parties['D-1']}",
            f"/dealer/plans/{plan}",
        ):
            assert (await sub.get(url)).status_code == 404, url
        listing = await sub.get("/dealer/sub-dealers")
        assert "Beta" not in listing.text
        assert (
            await sub.post(f"/dealer/plans/{plan}/agreement", {"version": "1"})
        ).status_code in (
            403,
            404,
        )


async def test_a_client_who_is_no_dealer_has_no_dealers_pages(town: Cast) -> None:
    async with client_of(town) as one:
        for url in ("/dealer", "/dealer/bonus", "/dealer/sales", "/dealer/news"):
            assert (await one.get(url)).status_code == 403


async def shop_of(town: Cast, **more: str) -> storefronts.Storefront:
    await make_dealer(town)
    form = storefronts.StorefrontForm(
        "ours", "Наша крамниця", None, None, D(25), "1", "on", "on", **more
    )
    await storefronts.save_storefront(boss(town), form)
    return await storefronts.storefront_at("ours")


def customer(key: str = "a-key-of-the-form") -> sales.CheckOutForm:
    return sales.CheckOutForm("Оксана", "+380671234567", key)


async def test_a_customers_order_becomes_the_dealers_once_and_follows_his_shipment(
    town: Cast,
) -> None:
    async with scope(town.tenant):
        shop = await shop_of(town)
        basket = [(town.products["SOCKET"], D(2))]
        first, token = await sales.place_sale(shop, customer(), basket)
        again, _ = await sales.place_sale(shop, customer(), basket)
        assert first == again
        assert await db.value("SELECT count(*) FROM sales_order") == 1
        sale = await sales.sale_of(boss(town), first)
        assert (sale.total, sale.order_total, sale.state) == (D(84), D("66.66"), "confirmed")
        assert sale.margin == D("17.34")
        await actions.dispatch_order(
            town.ivan, Dispatch(order_id=sale.order_id, key="d", invoice=True)
        )
        assert (await sales.sale_behind(shop, token)).state == "shipped"
        assert await broken() == []


async def test_a_held_order_is_shown_and_a_refused_one_says_why_and_is_ordered_again(
    town: Cast,
) -> None:
    async with scope(town.tenant):
        shop = await shop_of(town)
        held, _ = await sales.place_sale(
            shop, customer("held-key"), [(town.products["LAMP-1"], D(200))]
        )
        sale = await sales.sale_of(boss(town), held)
        assert sale.state == "on_hold"
        assert any(not v.passed for v in await sales.verdicts_of(sale))
        await db.execute("UPDATE warehouse SET is_default = false")
        lost, _ = await sales.place_sale(
            shop, customer("lost-key"), [(town.products["LAMP-1"], D(1))]
        )
        sale = await sales.sale_of(boss(town), lost)
        assert (sale.state, sale.refusal and sale.refusal["code"]) == ("refused", "NO_WAREHOUSE")
        await db.execute("UPDATE warehouse SET is_default = true")
        assert (await sales.order_sale(boss(town), lost)).state == "confirmed"
        assert (await sales.order_sale(boss(town), lost)).state == "confirmed"
        with pytest.raises(Refusal, match="WRONG_SALE_STATE"):
            await sales.cancel_sale(boss(town), lost)
        await add_party(town, "X", "Other")
        with pytest.raises(NotFound):
            await sales.sale_of(boss(town, "X"), lost)


async def test_the_storefront_tells_customers_neither_purchase_price_nor_cost(town: Cast) -> None:
    async with scope(town.tenant):
        await shop_of(town)
        await db.execute("UPDATE product SET cost = 56.78")
        own = await pricing.new_list(town.olena, "OWN", "Own", "UAH")
        await pricing.assign_list(town.olena, own, "party", party_id=town.parties["D-1"])
        await pricing.set_price(town.olena, own, town.products["LAMP-1"], D("88.88"))
    lamp = town.products["LAMP-1"]
    async with visitor(town.host) as one:
        page = await one.open("/d/ours")
        assert "112,00" in page.text
        added = await one.post("/d/ours/cart/lines", {"product": str(lamp), "quantity": "3"})
        assert added.status_code == 303
        basket = await one.open("/d/ours/cart")
        assert "336,00" in basket.text
        placed = await one.post(
            "/d/ours/sales", {"name": "<b>О</b>", "phone": "0671234567", "key": "web-key-1"}
        )
        assert placed.status_code == 303
        mine = await one.get(placed.headers["location"])
        for text in (
            page.text,
            basket.text,
            mine.text,
            (await one.get(f"/d/ours/p/{lamp}")).text,
        ):
            assert "88,88" not in text
            assert "56,78" not in text
            assert "Own" not in text
            assert "<b>О</b>" not in text
        assert (await one.get("/d/ours/sales/forged")).status_code == 404
        assert (await one.get("/d/nobody")).status_code == 404


async def test_the_storefront_shows_what_its_dealer_may_see_in_the_readers_language(
    town: Cast,
) -> None:
    async with scope(town.tenant):
        await shop_of(town)
        await shelf.set_rule(town.olena, RuleForm("party", party="D-1", product="SOCKET"))
    socket = town.products["SOCKET"]
    async with visitor(town.host, **{"accept-language": "en"}) as one:
        page = (await one.get("/d/ours")).text
        assert '<html lang="en"' in page
        assert "Add to cart" in page
        assert "LAMP-1" in (await one.get(f"/d/ours/p/{town.products['LAMP-1']}")).text
        assert str(socket) not in page
        assert (await one.get(f"/d/ours/p/{socket}")).status_code == 404
        await one.open("/d/ours")
        await one.post("/d/ours/cart/lines", {"product": str(socket), "quantity": "1"})
        assert str(socket) not in (await one.get("/d/ours/cart")).text


@pytest.mark.parametrize("cookie", ["", "!!!", "e30=", "eyJvdXJzIjp7IngiOiIxIn19", "A" * 5000])
async def test_a_forged_basket_is_an_empty_one(town: Cast, cookie: str) -> None:
    async with scope(town.tenant):
        await shop_of(town)
    async with visitor(town.host, cookie=f"dilo_basket={cookie}") as one:
        assert (await one.get("/d/ours/cart")).status_code == 200


async def test_a_logo_is_a_picture_whatever_its_name(town: Cast) -> None:
    async with scope(town.tenant):
        await shop_of(town)
        drawn = io.BytesIO()
        Image.new("RGB", (900, 300), "orange").save(drawn, "PNG")
        for body in (b"<svg onload=alert(1)>", b"<html>", b"RIFF0000WAVE", b""):
            with pytest.raises(Refusal, match="IMAGE_BAD"):
                await storefronts.set_logo(boss(town), body)
        await storefronts.set_logo(boss(town), drawn.getvalue())
    async with visitor(town.host) as one:
        answer = await one.get("/d/ours/logo")
        assert answer.headers["content-type"] == "image/jpeg"
        assert answer.headers["x-content-type-options"] == "nosniff"


async def test_a_hidden_storefront_is_nobodys(town: Cast) -> None:
    async with scope(town.tenant):
        await shop_of(town)
        await db.execute("UPDATE dealer_storefront SET published_at = NULL")
    async with visitor(town.host) as one:
        assert (await one.get("/d/ours")).status_code == 404


def deal(name: str, day: object, tax: str | None = None) -> RegistrationForm:
    return RegistrationForm(name, D(1000), day, tax)  # type: ignore[arg-type]


async def test_two_dealers_cannot_have_one_customer_unless_staff_mean_it(town: Cast) -> None:
    day = town.tenant.today()
    async with scope(town.tenant):
        await make_dealer(town)
        await add_party(town, "X", "Інший")
        await make_dealer(town, "X")
        one = await registrations.register(boss(town), deal("ТОВ «Будмайстер»", day))
        two = await registrations.register(boss(town, "X"), deal('ПП "БУДМАЙСТЕР"', day))
        await registrations.decide(town.max, one, DecisionForm("accepted"))
        found = await registrations.conflicts_of(await registrations.registration(two))
        assert [(c.other.id, c.why) for c in found] == [(one, "name")]
        with pytest.raises(Refusal, match="DEAL_PROTECTED"):
            await registrations.decide(town.max, two, DecisionForm("accepted"))
        with pytest.raises(Refusal, match="REASON_MISSING"):
            await registrations.decide(town.max, two, DecisionForm("refused"))
        await registrations.decide(town.max, two, DecisionForm("accepted", force="on"))
        with pytest.raises(NotFound):
            await registrations.own_registration(boss(town), two)
        with pytest.raises(Refusal, match="WRONG_DEAL_STATE"):
            await registrations.end(boss(town), one, "refused")
        await registrations.end(boss(town), one, "won")
        await db.execute(
            "UPDATE deal_registration SET protected_until = :d WHERE id = :i",
            d=day - timedelta(days=1),
            i=two,
        )
        assert (await registrations.expire(), await registrations.expire()) == (1, 0)


async def test_news_reach_whom_they_are_for_and_the_reading_is_marked(town: Cast) -> None:
    day = town.tenant.today()
    async with scope(town.tenant):
        await make_dealer(town)
        await add_party(town, "X", "Інший")
        await make_dealer(town, "X")
        gold = await save_tier(town.olena, TierForm("Gold", D(0), "VIP"))
        await grant_tier(town.olena, town.parties["D-1"], GrantForm(day, gold))
        assert (await party(town.parties["D-1"])).segment == "VIP"
        form = news.NewsForm(title_en="Hello", audience="tier", tier=gold)
        told = await news.publish(town.olena, form)
        assert await db.value("SELECT count(*) FROM outbox WHERE kind = 'dealer_notice'") == 1
        await news.read_news(boss(town), told)
        with pytest.raises(NotFound):
            await news.read_news(boss(town, "X"), told)
        assert [(r["id"], bool(r["read_at"])) for r in await news.readers_of(told)] == [
            (town.parties["D-1"], True)
        ]
        payload = await db.value("SELECT payload FROM outbox WHERE kind = 'dealer_notice'")
        assert isinstance(await letters.compose(payload, "telegram", town.parties["D-1"]), Ready)
        await news.withdraw(town.olena, told)
        assert isinstance(await letters.compose(payload, "telegram", town.parties["D-1"]), Dropped)
        with pytest.raises(Refusal, match="FILE_KIND_BAD"):
            await news.publish(town.olena, news.NewsForm(title_en="x"), news.Upload("x.html", b"x"))
        with pytest.raises(Forbidden):
            await news.publish(town.ivan, news.NewsForm(title_en="x"))


async def test_a_notice_of_prices_shows_a_dealer_his_own_changes_only(town: Cast) -> None:
    day = town.tenant.today()
    async with scope(town.tenant):
        await make_dealer(town)
        await add_party(town, "X", "Інший")
        await make_dealer(town, "X")
        own = await pricing.new_list(town.olena, "OWN", "Own", "UAH")
        await pricing.assign_list(town.olena, own, "party", party_id=town.parties["D-1"])
        await pricing.set_price(town.olena, own, town.products["LAMP-1"], D(90))
        for code, price in (("LAMP-1", 110), ("CABLE-3", 55), ("CABLE-3", 60)):
            await pricing.set_price(town.olena, town.base_list, town.products[code], D(price))
        told = await news.publish_prices(town.olena, news.PricesForm(town.base_list, day, day))
        moves = {}
        for code in ("D-1", "X"):
            one = await news.read_news(boss(town, code), told)
            moves[code] = [
                (m.code, m.old_price, m.new_price)
                for m in await news.own_moves(one, town.parties[code])
            ]
        assert moves["D-1"] == [("CABLE-3", D(50), D(60))]
        assert sorted(moves["X"]) == [("CABLE-3", D(50), D(60)), ("LAMP-1", D(100), D(110))]
        payload = await db.value(
            "SELECT payload FROM outbox WHERE kind = 'dealer_notice' AND party_id = :p",
            p=town.parties["X"],
        )
        ready = await letters.compose(payload, "telegram", town.parties["X"])
        assert isinstance(ready, Ready)
        assert ready.extra["file"]["body"].startswith(b"PK")
        with pytest.raises(Refusal, match="NOTHING_CHANGED"):
            await news.publish_prices(town.olena, news.PricesForm(own, day, day))


async def test_a_dealer_falls_into_the_territory_of_his_city_and_overlaps_are_said(
    town: Cast,
) -> None:
    async with scope(town.tenant):
        await make_dealer(town)
        await save_territory(town.olena, TerritoryForm("Center", "київ, Біла Церква"))
        await save_territory(town.olena, TerritoryForm("North", "Київ\nЧернігів"))
        assert (await dealers(Paging())).rows[0].territory == "Center, North"
        assert [row["territories"] for row in await overlaps()] == [["Center", "North"]]


async def test_the_cockpit_says_it_in_one_message(town: Cast) -> None:
    day = town.tenant.today()
    async with scope(town.tenant):
        await agreed_plan(town, day, target=D(1000), steps="80 1; 100 2", period="year")
        for back in (70, 50, 30):
            await sell(
                town,
                D(100),
                max(day - timedelta(days=back), day.replace(month=1, day=1)),
                product="CABLE-3",
                pieces=D(4),
            )
        await sell(town, D(530), day)
        found = await cockpit_of(town.parties["D-1"])
        assert found is not None
        assert (found.percent, found.missing, found.bonus_now) == (D(83), D(170), D("8.30"))
        step = found.next_step
        assert step is not None
        assert (step.earned.missing, step.earned.next_amount) == (D(170), D(20))
        assert [(g.code, g.usual_quantity, g.every_days) for g in found.due] == [
            ("CABLE-3", D(4), 20)
        ]
        assert await cockpit_of(uuid4()) is None


async def test_office_pages_open_and_the_dealer_agrees_in_the_portal(town: Cast) -> None:
    async with scope(town.tenant):
        await make_dealer(town)
        await db.execute("UPDATE portal_user SET role = 'admin'")
    async with staff(town) as office, client_of(town) as dealer:
        made = await office.post(
            "/office/dealers/plans",
            {
                "party": str(town.parties["D-1"]),
                "period": "quarter",
                "day": town.tenant.today().isoformat(),
            },
        )
        url = made.headers["location"]
        await office.post(f"{url}/lines", {"target_amount": "1 000,00"})
        hidden = url.replace("/office/dealers", "/dealer")
        assert (await dealer.get(hidden)).status_code == 404
        await office.post(f"{url}/offer")
        page = await dealer.open(hidden)
        assert "1 000,00".replace(" ", "\N{NO-BREAK SPACE}") in page.text
        await dealer.post(f"{hidden}/agreement", {"version": "9"})
        assert "agreement" in (await dealer.get(hidden)).text
        agreed = await dealer.post(f"{hidden}/agreement", {"version": "1"})
        assert agreed.status_code == 303
        for path in (
            url,
            f"{url}/closing",
            "/office/dealers",
            "/office/dealers?as=xlsx",
            "/office/dealers/directory",
            "/office/dealers/directory?as=csv",
            f"/office/dealers/parties/{town.parties['D-1']}",
            "/office/dealers/setup",
            "/office/dealers/registrations",
            "/office/dealers/registrations?as=csv",
            "/office/portal-approvals?as=xlsx",
            "/office/dealers/news",
            "/office/dealers/plans/new",
        ):
            assert (await office.get(path)).status_code == 200, path
        for path in (
            "/dealer",
            "/dealer/bonus",
            "/dealer/sub-dealers",
            "/dealer/storefront",
            "/dealer/sales",
            "/dealer/registrations",
            "/dealer/news",
        ):
            assert (await dealer.get(path)).status_code == 200, path


async def test_a_stopped_sub_dealer_reads_his_own_sum_and_nothing_of_the_parents(
    town: Cast,
) -> None:
    async with scope(town.tenant):
        await make_dealer(town)
        await child(town, "Alpha", D(6000))
        await joined(town, "Alpha")
        await place_order(town.max, order_of(town, "D-1", ("LAMP-1", 70)))
        held = await place_order(town.max, order_of(town, "Alpha", ("LAMP-1", 40)))
        assert held.state == "on_hold"
        [stopped] = [v for v in held.verdicts if not v.passed]
        assert stopped.figures["over_amount"] == D(1000)
    async with visitor(town.host) as one:
        await one.sign_in("alpha@example.com", door="")
        page = (await one.get(f"/orders/{held.id}")).text.replace("\N{NO-BREAK SPACE}", " ")
        assert "Спільний ліміт вашої групи" in page
        assert "1 000,00" in page
        for hidden in ("Електросвіт", "11 000,00", "10 000,00", "7 000,00"):
            assert hidden not in page, hidden
    async with scope(town.tenant):
        told = (await order(held.id)).verdicts
        [mine] = [v for v in told if not v.passed]
        assert (mine.code, mine.figures) == ("GROUP_LIMIT_REACHED", {"over_amount": D(1000)})
        assert "1\N{NO-BREAK SPACE}000,00\N{NO-BREAK SPACE}₴" in reasons(told, "UAH")
        inside = (await order(held.id, inside=True)).verdicts
        assert "Електросвіт" in reasons(inside, "UAH")
        parent = await party(town.parties["D-1"])
        namesake = "UPDATE party SET name = :name WHERE id = :id"
        await db.execute(namesake, name=parent.name, id=town.parties["Alpha"])
        [mine] = [v for v in (await order(held.id)).verdicts if not v.passed]
        assert mine.figures == {"over_amount": D(1000)}, "a name makes nobody the head"

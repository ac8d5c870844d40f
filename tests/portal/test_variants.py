"""A grid of variants: goods of one series by what they differ in, ordered cell by cell."""

import re
from dataclasses import replace
from decimal import Decimal as D
from uuid import UUID

import pytest
from browsing import client_of, visitor
from town import Cast, add_party, add_product

from dilo.catalogue import variants
from dilo.catalogue.attributes import add_attributes
from dilo.catalogue.rules import Attribute
from dilo.catalogue.variants import AxesForm
from dilo.kit import db
from dilo.kit.errors import NotFound, Refusal
from dilo.orders import actions, back_orders, cart, cart_items
from dilo.orders.actions.standing import unblocking
from dilo.orders.cart_items import Item
from dilo.orders.commands import LineInput, PlaceOrder, Promised
from dilo.orders.queries import order, order_head, order_lines
from dilo.stock import actions as stock
from tenants.scope import scope

SIZES, COLOURS = ("2,5 м", "10 м", "30 м"), ("біла", "чорна")


async def cable(town: Cast) -> UUID:
    """A series of six, one of them without a price; returns one of it."""
    rows = []
    for size in SIZES:
        for colour in COLOURS:
            code = f"V-{SIZES.index(size)}{COLOURS.index(colour)}"
            await add_product(town, code, f"Подовжувач {size} {colour}", D(50))
            rows += [(code, "Довжина", size), (code, "Колір", colour), (code, "Бренд", "Х")]
    await add_attributes(rows)
    await db.execute("UPDATE product SET series = 'Подовжувач' WHERE code LIKE 'V-%'")
    await db.execute("DELETE FROM price_item WHERE product_id = :p", p=town.products["V-21"])
    return town.products["V-00"]


def test_axes_are_what_the_goods_differ_in_and_numbers_stand_by_size() -> None:
    one, two, three = (UUID(int=n) for n in (1, 2, 3))
    kinds = {
        one: [Attribute("Size", "10 m", D(10)), Attribute("Brand", "X")],
        two: [Attribute("Size", "2,5 m", D("2.5")), Attribute("Brand", "X")],
        three: [Attribute("Brand", "X")],
    }
    assert variants.axes_of([one, two, three], kinds) == ("Size", "")
    grid = variants.grid_of([one, two, three], kinds, "Size", "")
    assert grid.rows == ["2,5 m", "10 m", ""]
    assert grid.cells["", ""] == [three]
    assert variants.axes_of([one], {one: kinds[one]}) is None


async def test_cells_go_into_the_cart_and_goods_of_other_series_are_not_heard(town: Cast) -> None:
    async with scope(town.tenant):
        product = await cable(town)
    at = f"/goods/{product}/variants"
    async with client_of(town) as one:
        assert at in (await one.open(f"/goods/{product}")).text
        page = (await one.open(at)).text
        heads = re.findall(r'scope="row">([^<]*)<', page)
        assert heads[:3] == list(SIZES)
        assert page.count('name="quantity"') == 5  # what has no price is seen and not sold
        goods = [str(town.products[code]) for code in ("V-00", "V-11", "LAMP-1")]
        refused = await one.post(at, {"product": goods, "quantity": ["2", "-1", "1"]})
        assert refused.status_code == 422
        assert 'value="2"' in refused.text
        empty = await one.post(at, {"product": goods, "quantity": ["", "", "5"]})
        assert empty.status_code == 422
        await one.post(at, {"product": goods, "quantity": ["2", "1,5", "7"]})
    async with scope(town.tenant):
        looked = await cart.look(town.petro)
        assert {(x.code, x.quantity) for x in looked.lines} == {("V-00", 2), ("V-11", D("1.5"))}


async def test_a_hidden_variant_is_not_in_the_grid_and_a_lone_product_has_none(town: Cast) -> None:
    async with scope(town.tenant):
        product = await cable(town)
        await db.execute(
            "INSERT INTO visibility_rule (scope, segment, product_id, shown, changed_by)"
            " VALUES ('all', '', :p, false, 'x')",
            p=town.products["V-11"],
        )
    async with client_of(town) as one:
        page = (await one.open(f"/goods/{product}/variants")).text
        assert "V-10" in page
        assert "V-11" not in page
        hidden = await one.get(f"/goods/{town.products['V-11']}/variants")
        assert hidden.status_code == 404
        lone = await one.get(f"/goods/{town.products['LAMP-1']}/variants")
        assert lone.headers["location"].endswith(str(town.products["LAMP-1"]))


async def test_the_office_chooses_the_axes_and_sees_the_grid(town: Cast) -> None:
    async with scope(town.tenant):
        product = await cable(town)
        guessed = await variants.variants_of(product)
        assert guessed is not None
        assert (guessed.row_axis, guessed.column_axis) == ("Довжина", "Колір")
        with pytest.raises(Refusal, match="AXES_SAME"):
            await variants.set_axes(town.olena, AxesForm("Подовжувач", "Колір", "Колір"))
        with pytest.raises(NotFound):
            await variants.set_axes(town.olena, AxesForm("Подовжувач", "Смак"))
        with pytest.raises(Refusal, match="FORBIDDEN"):
            await variants.set_axes(town.petro, AxesForm("Подовжувач", "Колір"))
    async with visitor(town.host) as one:
        await one.sign_in("olena@example.com")
        assert "Подовжувач" in (await one.open("/office/series")).text
        form = {"series": "Подовжувач", "row_axis": "Колір", "column_axis": "Довжина"}
        assert (await one.post("/office/series", form)).status_code == 303
        assert "V-21" in (await one.get("/office/series/grid?name=Подовжувач")).text
    async with scope(town.tenant):
        chosen = await variants.variants_of(product)
        assert chosen is not None
        assert (chosen.row_axis, chosen.columns) == ("Колір", list(SIZES))
        await variants.set_axes(town.olena, AxesForm("Подовжувач"))
        assert await variants.variants_of(product) == guessed


async def short(town: Cast, on_hand: int, **more: object) -> UUID:
    await add_product(town, "FEW", "Мало", D(10), on_hand=on_hand)
    command = PlaceOrder(
        party_id=town.parties["D-1"],
        lines=[LineInput("FEW", D(5)), LineInput("LAMP-1", D(1))],
        key="short",
        door="portal",
        submit=False,
        **more,  # type: ignore[arg-type]
    )
    return (await actions.place_order(town.petro, command)).id


async def test_what_ran_out_since_is_left_out_at_the_submission_too(town: Cast) -> None:
    async with scope(town.tenant):
        draft = await short(town, 2, shortage="leave_out")
        placed = await actions.submit_order(town.petro, draft)
        assert (placed.state, placed.total) == ("confirmed", D(120))
        assert [v.code for v in placed.verdicts if v.warning] == ["STOCK_LEFT_OUT"]
        assert [(x.code, x.quantity) for x in await order_lines(draft)] == [
            ("FEW", 2),
            ("LAMP-1", 1),
        ]


async def test_goods_that_came_are_not_taken_before_those_who_wait_are_served(town: Cast) -> None:
    async with scope(town.tenant):
        draft = await short(town, 0, shortage="parts")
        await actions.submit_order(town.petro, draft)
        await stock.receive(town.warehouse, [(town.products["FEW"], D(6))], "receipt")
        late = PlaceOrder(
            party_id=town.parties["D-1"], lines=[LineInput("FEW", D(2))], key="late", door="office"
        )
        assert (await actions.place_order(town.max, late)).state == "on_hold"
        await back_orders.allocate(town.warehouse, [town.products["FEW"]])
        assert [x.waiting for x in await order_lines(draft) if x.code == "FEW"] == [0]
        one = PlaceOrder(
            party_id=town.parties["D-1"], lines=[LineInput("FEW", D(1))], key="one", door="office"
        )
        assert (await actions.place_order(town.max, one)).state == "confirmed"


async def test_an_order_of_a_quotation_does_not_lose_its_prices_by_an_edit(town: Cast) -> None:
    lines = [LineInput("LAMP-1", D(4))]
    async with scope(town.tenant):
        command = PlaceOrder(
            party_id=town.parties["D-1"], lines=lines, key="q", door="portal", submit=False
        )
        placed = await actions.place_order(town.max, command, Promised("Q-1/1", (D(77),)))
        more = [LineInput("LAMP-1", D(400))]
        with pytest.raises(Refusal, match="PRICES_FROZEN"):
            await actions.edit_draft(town.max, placed.id, 1, more, comment=None, ship_on=None)
        head = await order_head(placed.id)
        await actions.edit_draft(
            town.max, placed.id, head.version, lines, comment="до обіду", ship_on=None
        )
        assert (await order_head(placed.id)).comment == "до обіду"
        kept = (await order_lines(placed.id))[0]
        assert (kept.price, kept.price_source["promise"]) == (D(77), "Q-1/1")


async def test_awaited_goods_are_seen_by_their_company_only(town: Cast) -> None:
    async with scope(town.tenant):
        draft = await short(town, 1, shortage="together")
        await actions.submit_order(town.petro, draft)
    async with client_of(town) as one:
        page = (await one.open("/orders/awaited")).text
        assert "FEW" in page
        assert "LAMP-1" not in page
        sent = await one.post(f"/orders/{draft}/in-parts")
        assert sent.status_code == 303
        assert (await one.get("/orders/awaited?as=xlsx")).content[:2] == b"PK"
    async with scope(town.tenant):
        assert (await order_head(draft)).shortage == "parts"
        other = replace(town.petro, on_behalf_of=await add_party(town, "X", "Other", limit=D(1)))
        with pytest.raises(NotFound):
            await back_orders.ship_in_parts(other, draft)


async def test_figures_of_stock_are_told_no_further_than_the_policy(town: Cast) -> None:
    """The cart, the review, the order, its verdicts and remedies; colleagues see them exactly."""
    hidden = re.compile(r"3[\s\u00a0]?719")
    async with scope(town.tenant):
        await add_product(town, "FEW", "Мало", D(10), on_hand=3719)
        await db.execute("UPDATE party SET stock_view = 'yes_no'")
        await cart_items.put_all(town.petro, [Item(town.products["FEW"], D(9999))])
    async with client_of(town) as one:
        cart = (await one.open("/cart")).text
        assert "Більше, ніж є на складі" in cart
        assert "на складі менше" in cart
        review = (await one.post("/quick-order", {"lines": "FEW 9999"})).text
        assert "FEW" in review
        assert not hidden.search(review + cart)
    async with scope(town.tenant):
        command = PlaceOrder(
            party_id=town.parties["D-1"], lines=[LineInput("FEW", D(9999))], key="x", door="portal"
        )
        placed = await actions.place_order(town.petro, command)
        again = await actions.submit_order(town.petro, placed.id)
        seen = [
            *placed.verdicts,
            *again.verdicts,
            *(await actions.place_order(town.petro, command)).verdicts,
            *(await order(placed.id)).verdicts,
            *(await unblocking(town.petro, town.parties["D-1"], placed.id)).verdicts,
        ]
        assert [v.code for v in seen if v.gate == "STOCK"] == ["STOCK_NOT_ENOUGH"] * 5
        assert "3719" not in str(seen)
        assert "ORDER_LESS" in str(seen)
        inside = (await order(placed.id, inside=True)).verdicts
        assert [v.figures["available_quantity"] for v in inside if v.gate == "STOCK"] == [D(3719)]
    async with client_of(town) as one:
        page = (await one.open(f"/orders/{placed.id}")).text
        assert "Зменшити кількість FEW" in page
        assert not hidden.search(page)


async def test_what_is_left_of_a_held_order_is_kept_for_it(town: Cast) -> None:
    """``leave_out`` with ``keep_stock``: it waits for money, not for goods, and others get none."""
    async with scope(town.tenant):
        party = await add_party(town, "POOR", "Бідний", limit=D(1))
        await add_product(town, "FEW", "Мало", D(10), on_hand=2)
        command = PlaceOrder(
            party_id=party,
            lines=[LineInput("FEW", D(5)), LineInput("LAMP-1", D(1))],
            key="poor",
            door="office",
            shortage="leave_out",
            keep_stock=True,
        )
        held = await actions.place_order(town.olena, command)
        assert (held.state, held.total) == ("on_hold", D(120))
        assert [v.code for v in held.verdicts if v.gate == "STOCK"] == [
            "STOCK_OK",
            "STOCK_LEFT_OUT",
        ]
        rival = PlaceOrder(
            party_id=town.parties["D-1"], lines=[LineInput("FEW", D(1))], key="r", door="office"
        )
        assert (await actions.place_order(town.olena, rival)).state == "on_hold"
        await db.execute(
            "UPDATE credit_policy SET limit_amount = 1000 WHERE party_id = :p", p=party
        )
        freed = await actions.submit_order(town.olena, held.id)
        assert (freed.state, freed.total) == ("confirmed", D(120))
        assert [(x.code, x.quantity) for x in await order_lines(held.id)] == [
            ("FEW", 2),
            ("LAMP-1", 1),
        ]
        left = "SELECT on_hand - reserved FROM stock_level WHERE product_id = :p"
        assert await db.value(left, p=town.products["FEW"]) == 0


async def test_the_cart_counts_no_goods_that_others_wait_for(town: Cast) -> None:
    async with scope(town.tenant):
        await add_product(town, "FEW", "Мало", D(10), on_hand=1)
        waits = PlaceOrder(
            party_id=town.parties["D-1"],
            lines=[LineInput("FEW", D(5))],
            key="waits",
            door="office",
            shortage="parts",
        )
        await actions.place_order(town.olena, waits)
        few = "UPDATE stock_level SET on_hand = 6 WHERE product_id = :p"
        await db.execute(few, p=town.products["FEW"])
        await cart_items.put_all(town.petro, [Item(town.products["FEW"], D(2))])
        line = (await cart.look(town.petro)).lines[0]
        assert (line.available, line.short) == (1, True)

"""A cart that survives devices, holds its prices, and never becomes an order silently changed."""

import asyncio
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal as D
from typing import Any

import pytest
from browsing import client_of
from town import Cast, add_party, add_product

from dilo.kit import db
from dilo.kit.errors import Refusal
from dilo.orders import cart, cart_items, lists, quick
from dilo.orders.cart_items import Item
from dilo.orders.delivery import Delivery
from dilo.orders.lists import ListForm
from dilo.orders.queries import order_head, order_lines
from dilo.orders.quick import Asked
from dilo.orders.sheet_lines import sheet_lines
from tenants.scope import scope

EXPIRE = "UPDATE price_promise SET promised_at = now() - interval '1 hour', expires_at = now() - interval '1 minute'"


@contextmanager
def counted() -> Iterator[list[str]]:
    """Statements sent on the current connection."""
    seen: list[str] = []

    def note(record: Any) -> None:
        seen.append(record.query)

    real = db.connection()._con if hasattr(db.connection(), "_con") else db.connection()
    real.add_query_logger(note)
    try:
        yield seen
    finally:
        real.remove_query_logger(note)


async def fill(town: Cast, **quantities: int) -> None:
    items = [Item(town.products[code.replace("_", "-")], D(n)) for code, n in quantities.items()]
    await cart_items.put_all(town.petro, items)


async def set_price(town: Cast, code: str, price: D) -> None:
    await db.execute(
        "UPDATE price_item SET price = :price WHERE product_id = :p",
        price=price,
        p=town.products[code],
    )


async def test_an_emptied_cart_comes_back_and_a_comment_stays(town: Cast) -> None:
    async with scope(town.tenant):
        await fill(town, LAMP_1=2, SOCKET=3)
        lamp = town.products["LAMP-1"]
        await cart_items.change(town.petro, [Item(lamp, D(4), "у коробці")])
        await cart.empty(town.petro)
        assert await cart.count(town.petro) == 0
        assert await cart_items.undo(town.petro) == 2
        looked = await cart.look(town.petro)
        assert {(x.code, x.quantity, x.comment) for x in looked.lines} == {
            ("LAMP-1", 4, "у коробці"),
            ("SOCKET", 3, None),
        }


async def test_a_line_with_a_problem_stays_and_the_rest_is_ordered(town: Cast) -> None:
    async with scope(town.tenant):
        await add_product(town, "OLD", "Стара", D(5))
        await fill(town, LAMP_1=1, OLD=1)
        await db.execute("UPDATE product SET retired_at = now() WHERE code = 'OLD'")
        looked = await cart.look(town.petro)
        assert [(x.code, x.problem) for x in looked.lines if x.problem] == [("OLD", "RETIRED")]
        assert looked.total == D(100)
        placed = await cart.check_out(town.petro, "k", "portal")
        assert [line.code for line in await order_lines(placed.id)] == ["LAMP-1"]
        assert await cart.count(town.petro) == 1


async def test_a_promised_price_is_sold_at_while_it_stands(town: Cast) -> None:
    async with scope(town.tenant):
        await fill(town, LAMP_1=2)
        assert (await cart.look(town.petro)).total == D(200)
        await set_price(town, "LAMP-1", D(130))
        looked = await cart.look(town.petro)
        assert (looked.total, looked.changed) == (D(200), [])
        placed = await cart.check_out(town.petro, "k", "portal", digest=looked.digest)
        assert placed.total == D(200)
        source = (await order_lines(placed.id))[0].price_source
        assert (source["promise"], D(source["list_price"])) == ("cart", D(130))


async def test_after_the_promise_a_change_is_shown_and_must_be_accepted(town: Cast) -> None:
    async with scope(town.tenant):
        await fill(town, LAMP_1=2)
        seen = await cart.look(town.petro)
        await set_price(town, "LAMP-1", D(130))
        await db.execute(EXPIRE)
        with pytest.raises(Refusal, match="PRICES_CHANGED"):
            await cart.check_out(town.petro, "k", "portal", digest=seen.digest)
        with pytest.raises(Refusal, match="PRICES_CHANGED"):
            await cart.check_out(town.petro, "k", "telegram")
        looked = await cart.look(town.petro)
        assert [(x.was, x.price) for x in looked.changed] == [(D(100), D(130))]
        await cart.accept_prices(town.petro)
        placed = await cart.check_out(town.petro, "k", "telegram")
        assert placed.total == D(260)


async def test_a_fallen_price_is_the_buyers_at_once_and_said(town: Cast) -> None:
    async with scope(town.tenant):
        await fill(town, LAMP_1=1)
        seen = await cart.look(town.petro)
        await set_price(town, "LAMP-1", D(80))
        with pytest.raises(Refusal, match="PRICES_CHANGED"):
            await cart.check_out(town.petro, "k", "portal", digest=seen.digest)
        looked = await cart.look(town.petro)
        assert [(x.was, x.price) for x in looked.lines] == [(D(100), D(80))]
        assert (await cart.check_out(town.petro, "k", "portal", digest=looked.digest)).total == D(
            80
        )


async def test_another_quantity_may_reach_another_break_without_a_quarrel(town: Cast) -> None:
    async with scope(town.tenant):
        await db.execute(
            "INSERT INTO price_item (price_list_id, product_id, min_quantity, price)"
            " VALUES (:l, :p, 10, 90)",
            l=town.base_list,
            p=town.products["LAMP-1"],
        )
        await fill(town, LAMP_1=2)
        await cart.look(town.petro)
        await cart.put(town.petro, town.products["LAMP-1"], D(10), add=False)
        looked = await cart.look(town.petro)
        assert (looked.total, looked.changed) == (D(900), [])


@pytest.mark.parametrize("lines", [1, 300])
async def test_a_cart_takes_as_many_queries_for_one_line_as_for_hundreds(
    town: Cast, lines: int
) -> None:
    async with scope(town.tenant):
        await many(town, lines)
        items = [Item(town.products[f"N-{n}"], D(1)) for n in range(lines)]
        await cart_items.put_all(town.petro, items)
        await cart.look(town.petro)
        with counted() as seen:
            assert len((await cart.look(town.petro)).lines) == lines
        assert len(seen) <= 16, seen


async def many(town: Cast, lines: int) -> None:
    found = await db.rows(
        "INSERT INTO product (code, name) SELECT 'N-' || n, 'Товар ' || n"
        " FROM generate_series(0, :n::int - 1) n RETURNING code, id",
        n=lines,
    )
    town.products |= {row["code"]: row["id"] for row in found}
    await db.execute(
        "INSERT INTO price_item (price_list_id, product_id, price)"
        " SELECT :l, id, 10 FROM product WHERE code LIKE 'N-%'",
        l=town.base_list,
    )


async def test_five_hundred_lines_are_told_apart_in_a_constant_number_of_queries(
    town: Cast,
) -> None:
    async with scope(town.tenant):
        await many(town, 500)
        asked = [Asked(n + 1, f"N-{n}", D(1)) for n in range(498)]
        asked += [Asked(499, "n-0", D(2)), Asked(500, "NN-1X", D(1))]
        with counted() as seen:
            found = await quick.review(town.petro, asked, [(501, "щось дивне")])
        assert len(seen) <= 8, seen
        assert found.count("short") == 498  # nothing is on the shelf
        merged = next(line for line in found.lines if line.merged)
        assert (merged.merged, merged.quantity) == ((1, 499), 3)
        unknown = next(line for line in found.lines if line.state == "unknown")
        assert unknown.ref == "NN-1X"
        assert unknown.choices
        assert found.count("strange") == 1


async def test_lines_are_known_by_code_barcode_and_the_clients_own_article(town: Cast) -> None:
    async with scope(town.tenant):
        lamp = town.products["LAMP-1"]
        await db.execute("INSERT INTO barcode (product_id, code) VALUES (:p, '4820001')", p=lamp)
        await add_party(town, "X", "Other", limit=D(1))
        for party, code in (("D-1", "MY-7"), ("X", "THEIRS-9")):
            await db.execute(
                "INSERT INTO party_item_code (party_id, product_id, code) VALUES (:y, :p, :c)",
                y=town.parties[party],
                p=lamp,
                c=code,
            )
        asked = [Asked(n, ref, D(1)) for n, ref in enumerate(["lamp-1", "4820001", "my-7"], 1)]
        found = await quick.review(town.petro, [*asked, Asked(4, "THEIRS-9", D(1))])
        assert found.lines[0].merged == (1, 2, 3)
        assert found.lines[1].state == "unknown"


async def test_a_retired_product_is_offered_its_substitute_and_never_swapped(town: Cast) -> None:
    async with scope(town.tenant):
        await db.execute("UPDATE product SET retired_at = now() WHERE code = 'LAMP-1'")
        await db.execute(
            "INSERT INTO product_relation (product_id, other_id, kind)"
            " VALUES (:a, :b, 'substitute')",
            a=town.products["LAMP-1"],
            b=town.products["SOCKET"],
        )
    async with client_of(town) as one:
        page = await one.post("/quick-order", {"lines": "LAMP-1 5\nCABLE-3 1"})
        assert "SOCKET" in page.text
        pick = f"{town.products['SOCKET']}:5"
        cable = f"{town.products['CABLE-3']}:1"
        answer = await one.post(
            "/quick-order/lines",
            {"n": ["1", "2"], "p1": pick, "p2": cable, "r1": "LAMP-1 5", "r2": "CABLE-3 1"},
        )
        assert answer.headers["location"] == "/cart"
        text = (await one.get("/cart")).text
        assert "SOCKET" in text
        assert "LAMP-1" not in text
        back = await one.post("/quick-order/lines", {"n": ["1"], "p1": "", "r1": "LAMP-1 5"})
        assert "LAMP-1 5" in back.text


async def test_a_file_is_read_whatever_its_encoding_and_over_a_thousand_is_said(
    town: Cast,
) -> None:
    body = "Артикул;Кількість;Примітка\nLAMP-1;5;терміново\nNOPE-9;2;\n".encode("cp1251")
    async with client_of(town) as one:
        await one.open("/quick-order")
        page = await one.client.post(
            "/quick-order", data={"_csrf_token": one.token}, files={"file": ("o.csv", body)}
        )
        assert "терміново" in page.text
        assert "NOPE-9" in page.text
        long = "\n".join(f"LAMP-{n} 1" for n in range(1001))
        page = await one.post("/quick-order", {"lines": long})
        assert page.status_code == 422
        assert "1001" in page.text
        assert (await one.get("/quick-order/sample")).content[:2] == b"PK"


def test_columns_are_recognised_by_name_or_by_place() -> None:
    named = sheet_lines(["№", "Кол-во", "Артикул"], [(2, ["1", "5,5", "A"])])
    assert [(x.ref, x.quantity) for x in named] == [("A", D("5.5"))]
    bare = sheet_lines(["A", "7"], [(2, ["B", "x"])])
    assert [(x.n, x.ref, x.quantity) for x in bare] == [(1, "A", D(7)), (2, "B", None)]


@pytest.mark.parametrize("quantity", ["-1", "1e308", "NaN", "Infinity", "10000000000", "0.00001"])
async def test_no_quantity_that_is_none_gets_in(town: Cast, quantity: str) -> None:
    async with client_of(town) as one:
        product = str(town.products["LAMP-1"])
        for url in ("/cart/lines", "/cart"):
            data = {"product": product, "quantity": quantity, "comment": ""}
            assert (await one.post(url, data)).status_code == 422
    async with scope(town.tenant):
        assert await cart.count(town.petro) == 0


async def test_a_price_sent_by_the_browser_is_not_heard(town: Cast) -> None:
    async with client_of(town) as one:
        product = str(town.products["LAMP-1"])
        await one.post("/cart/lines", {"product": product, "quantity": "2", "price": "0.01"})
        page = await one.open("/cart")
        form = dict(re.findall(r'name="(key|digest)" value="([^"]+)', page.text))
        sent = await one.post("/orders", form | {"total": "1", "discount": "99", "price": "0.01"})
        assert sent.status_code == 303
    async with scope(town.tenant):
        assert await db.value("SELECT total FROM sales_order") == D(200)


async def test_a_double_click_twenty_times_is_one_order(town: Cast) -> None:
    async with scope(town.tenant):
        await fill(town, LAMP_1=1)

    async def click() -> Any:
        async with scope(town.tenant):
            try:
                return await cart.check_out(town.petro, "same", "portal")
            except Refusal as refusal:
                return refusal.code

    placed = await asyncio.gather(*(click() for _ in range(20)))
    async with scope(town.tenant):
        assert await db.value("SELECT count(*) FROM sales_order") == 1
        assert (
            await db.value(
                "SELECT reserved FROM stock_level WHERE product_id = :p", p=town.products["LAMP-1"]
            )
            == 1
        )
    assert len({one.id for one in placed if not isinstance(one, str)}) == 1
    assert not [one for one in placed if isinstance(one, str)]


async def test_a_second_click_that_finds_the_cart_emptied_by_the_first_is_the_same_order(
    town: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It asked whether the key is used before the first had committed, and looked after it had."""
    asked = 0

    async def not_seen_yet(actor: Any, key: str) -> Any:
        nonlocal asked
        asked += 1
        return None if asked == 1 else await seen(actor, key)

    async with scope(town.tenant):
        await fill(town, LAMP_1=1)
        first = await cart.check_out(town.petro, "same", "portal")
        seen = cart.ordered_before
        monkeypatch.setattr(cart, "ordered_before", not_seen_yet)
        second = await cart.check_out(town.petro, "same", "portal")
        assert (second.id, second.repeated) == (first.id, True)


async def test_delivery_reference_and_pick_up_are_kept_as_said(town: Cast) -> None:
    async with scope(town.tenant):
        mine = await db.value(
            "INSERT INTO delivery_address (party_id, label, city, street)"
            " VALUES (:p, 'Склад', 'Львів', 'Наукова 7') RETURNING id",
            p=town.parties["D-1"],
        )
        other = await add_party(town, "X", "Other", limit=D(1))
        foreign = await db.value(
            "INSERT INTO delivery_address (party_id, label, city, street)"
            " VALUES (:p, 'a', 'b', 'c') RETURNING id",
            p=other,
        )
        await fill(town, LAMP_1=1)
        with pytest.raises(Refusal, match="NOT_FOUND"):
            said = Delivery(method="delivery", address=foreign)
            await cart.check_out(town.petro, "k", "portal", delivery=said)
        yesterday = town.tenant.today() - timedelta(days=1)
        with pytest.raises(Refusal, match="DATE_PAST"):
            said = Delivery(method="pickup", wished_on=yesterday)
            await cart.check_out(town.petro, "k", "portal", delivery=said)
        said = Delivery(method="delivery", address=mine, reference="PO-1")
        placed = await cart.check_out(town.petro, "k", "portal", delivery=said)
        head = await order_head(placed.id)
        assert head.delivery_to == "Львів, Наукова 7"
        assert head.reference == "PO-1"


async def test_lists_are_ones_own_or_shared_and_order_by_one_click(town: Cast) -> None:
    async with scope(town.tenant):
        await fill(town, LAMP_1=2, SOCKET=1)
        kept = await lists.list_from_cart(town.petro, ListForm("Щопонеділка"))
        with pytest.raises(Refusal, match="NAME_TAKEN"):
            await lists.new_list(town.petro, ListForm("Щопонеділка"))
        await cart.empty(town.petro)
        stranger = await add_party(town, "X", "Other", limit=D(1))
        other = replace(town.petro, on_behalf_of=stranger)
        with pytest.raises(Refusal, match="NOT_FOUND"):
            await lists.shopping_list(other, kept)
        colleague = replace(town.petro, id=town.max.id)
        with pytest.raises(Refusal, match="NOT_FOUND"):
            await lists.shopping_list(colleague, kept)
        await lists.rename_list(town.petro, kept, ListForm("Щовівторка", "1"))
        assert (await lists.shopping_list(colleague, kept)).line_count == 2
        with pytest.raises(Refusal, match="NOT_YOUR_LIST"):
            await lists.drop_list(colleague, kept)
    async with client_of(town) as one:
        answer = await one.post(f"/lists/{kept}/repetition")
        assert answer.headers["location"] == "/cart"
        assert "LAMP-1" in (await one.get("/cart")).text


async def test_an_old_order_is_repeated_with_what_has_changed(town: Cast) -> None:
    async with scope(town.tenant):
        await fill(town, LAMP_1=2)
        placed = await cart.check_out(town.petro, "k", "portal")
        await set_price(town, "LAMP-1", D(130))
    async with client_of(town) as one:
        page = await one.post(f"/orders/{placed.id}/repetition")
        assert "100,00" in page.text
        assert "130,00" in page.text
    async with scope(town.tenant):
        assert await cart.count(town.petro) == 0

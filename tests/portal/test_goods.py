"""The shelf and a product's page as a buyer uses them, at his own prices and with his own eyes."""

import io
import re
from decimal import Decimal as D

import pytest
import python_calamine
from browsing import Visitor, client_of
from town import Cast, add_party, add_product

from dilo.catalogue import attributes, relatives, shelf, stock_view
from dilo.catalogue.rules import StockPolicy, told_of
from dilo.catalogue.shelf import RuleForm
from dilo.catalogue.stock_view import StockForm
from dilo.kit import db
from dilo.pricing import actions as pricing
from dilo.pricing import queries as prices
from tenants.scope import scope


async def furnished(town: Cast) -> None:
    async with scope(town.tenant):
        light = await db.value(
            "INSERT INTO category (code, name) VALUES ('light', 'Світло') RETURNING id"
        )
        lamps = await db.value(
            "INSERT INTO category (code, name, parent_id) VALUES ('lamps', 'Лампи', :p) RETURNING id",
            p=light,
        )
        rows = []
        for n, (colour, watts) in enumerate(
            [("біла", 5), ("біла", 10), ("тепла", 10), ("тепла", 15), ("денна", 20)]
        ):
            code = f"L-{n}"
            await add_product(town, code, f"Лампа {colour} {watts} Вт", D(10 + n), on_hand=n * 20)
            rows += [(code, "Колір", colour), (code, "Потужність", f"{watts} Вт")]
        await attributes.add_attributes(rows)
        await db.execute("UPDATE product SET category_id = :c WHERE code LIKE 'L-%'", c=lamps)


def codes(text: str) -> list[str]:
    return re.findall(r'class="code" href="/goods/[^"]+">([^<]+)<', text)


async def found(one: Visitor, url: str) -> list[str]:
    page = await one.get(url)
    assert page.status_code == 200, url
    return codes(page.text)


async def test_facets_combine_or_inside_and_between(town: Cast) -> None:
    await furnished(town)
    async with scope(town.tenant):
        await db.execute(
            "UPDATE product SET created_at = now() + right(code, 1)::int * interval '1 day' "
            "WHERE code LIKE 'L-_'"
        )
    async with client_of(town) as one:
        base = "/?category=light&sort=code"
        assert len(await found(one, base)) == 5
        white = f"{base}&a=Колір: біла"
        assert await found(one, white) == ["L-0", "L-1"]
        assert await found(one, f"{white}&a=Колір: тепла") == ["L-0", "L-1", "L-2", "L-3"]
        both = f"{white}&a=Колір: тепла&a=Потужність: 10 Вт"
        assert await found(one, both) == ["L-1", "L-2"]
        text = (await one.get(both)).text
        assert re.findall(r"<span>(\S+)</span>\s+<span class=\"count\">(\d+)", text) == [
            ("біла", "1"),
            ("тепла", "1"),
        ]
        assert re.findall(r"<span>(\d+) Вт</span>", text) == ["5", "10", "15"]
        assert await found(one, f"{base}&a=Колір: немає") == []
        assert await found(one, f"{base}&low=11&high=12.5") == ["L-1", "L-2"]
        assert await found(one, "/?category=light&sort=-price&stock=1") == [
            "L-4",
            "L-3",
            "L-2",
            "L-1",
        ]
        assert await found(one, "/?category=нема") == []
        newest = await found(one, "/?category=light&sort=new")
        assert newest == ["L-4", "L-3", "L-2", "L-1", "L-0"]


@pytest.mark.parametrize(
    "query",
    [
        "sort=name;DROP TABLE product",
        "sort=-relevance",
        "sort=bought&bought=1",
        "a=%27--",
        "a=x: y&a=",
        "page=0&size=99999999",
        "page=999999999999999999999",
        "low=NaN&high=Infinity",
        "low=-1&high=1e400",
        "category=%00".replace("%00", "%27"),
        "q=" + "%F0%9F%92%A1" * 200,
        "q=((((((((((a|a)*)*)*)*)*",
        "&".join(f"a=n{n}: v" for n in range(2000)),
        "view=../../etc&favourites=1&series=%25",
    ],
)
async def test_nonsense_in_the_address_is_no_fault(town: Cast, query: str) -> None:
    async with client_of(town) as one:
        assert (await one.get(f"/?{query}")).status_code == 200


async def test_a_page_takes_the_same_few_queries_whatever_its_size(
    town: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    await furnished(town)
    counted: list[str] = []
    real = db.rows

    async def rows(sql: str, /, **params: object) -> object:
        counted.append(sql)
        return await real(sql, **params)

    async with client_of(town) as one:
        await one.get("/")
        monkeypatch.setattr(db, "rows", rows)
        sizes = []
        for url in ("/?q=lamp-1", "/", "/?category=lamps&a=Колір: біла&sort=price&view=cards"):
            counted.clear()
            assert (await one.get(url)).status_code == 200
            sizes.append(len(counted))
            assert counted.count(prices.RIVALS) == 1
        assert len(set(sizes)) == 1, sizes
        assert sizes[0] <= 14
        counted.clear()
        await one.get(f"/goods/{town.products['LAMP-1']}")
        assert len(counted) <= 19


async def test_two_logins_see_two_prices_and_two_shelves(town: Cast) -> None:
    lamp, socket = town.products["LAMP-1"], town.products["SOCKET"]
    async with scope(town.tenant):
        own = await pricing.new_list(town.olena, "OWN", "Наші ціни", "UAH")
        await pricing.assign_list(town.olena, own, "party", party_id=town.parties["D-1"])
        await pricing.set_price(town.olena, own, lamp, D(88))
        await pricing.set_price(town.olena, own, lamp, D(80), D(10))
        await shelf.set_rule(town.olena, RuleForm("party", party="D-1", product="SOCKET"))
        await db.execute("UPDATE product SET cost = 12.34 WHERE id = :p", p=lamp)
    async with client_of(town) as one:
        page = (await one.get("/?q=lamp-1")).text
        assert "88,00" in page
        assert re.search(r"<s [^>]*>100,00</s>", page)
        assert "80,00" in page
        text = (await one.get(f"/goods/{lamp}")).text
        assert "Наші ціни" in text
        assert "12,34" not in text
        for url in (f"/goods/{socket}", f"/goods/{town.products['DELIVERY'].hex[::-1]}"):
            assert (await one.get(url)).status_code == 404
        assert (await one.post(f"/goods/{socket}/favourite")).status_code == 404
        assert (
            "Розетка"
            not in (await one.get("/")).text + (await one.get("/goods/suggestions?q=роз")).text
        )
        assert "Розетка" not in (await one.get(f"/goods/compare?ids={socket}")).text
        assert "Розетка" not in (await one.get("/price-list?as=csv")).text


async def test_the_stock_is_told_by_policy(town: Cast) -> None:
    lamp = town.products["LAMP-1"]
    words = {
        "exact": "1\N{NO-BREAK SPACE}000 pcs",
        "range": "багато",
        "yes_no": "В наявності",
        "hidden": "Уточнюйте",
    }
    for view, word in words.items():
        async with scope(town.tenant):
            await stock_view.set_stock_policy(town.olena, StockForm(view))  # type: ignore[arg-type]
        async with client_of(town) as one:
            pages = [(await one.get(url)).text for url in ("/?q=lamp-1", f"/goods/{lamp}")]
            sheet = (await one.get("/price-list?as=csv")).text
        assert all(word in page for page in pages), view
        assert ('name="stock"' in pages[0]) is (view != "hidden")
        told = [words["exact"] in page for page in pages] + [",1000" in sheet]
        assert told == [view == "exact"] * 3, view
    async with scope(town.tenant):
        await stock_view.set_own_stock_view(town.olena, town.parties["D-1"], "yes_no")
        assert (await stock_view.stock_policy(town.parties["D-1"])).view == "yes_no"
        assert (await stock_view.stock_policy(None)).view == "hidden"


@pytest.mark.parametrize(
    ("available", "word"),
    [(0, "no"), (-5, "no"), (1, "few"), (10, "few"), (11, "some"), (101, "many")],
)
def test_ranges(available: int, word: str) -> None:
    assert told_of(D(available), StockPolicy("range")).word == word
    assert told_of(D(available), StockPolicy("range")).figure != D(available) or available == 10


async def test_beside_a_product_stand_its_relatives_and_what_was_paid(town: Cast) -> None:
    lamp = town.products["LAMP-1"]
    async with scope(town.tenant):
        await relatives.relate(town.olena, lamp, relatives.RelationForm("cable-3"))
        await relatives.relate(town.olena, lamp, relatives.RelationForm("SOCKET", "accessory"))
        await relatives.add_own_code(town.olena, lamp, relatives.OwnCodeForm("D-1", "ЕЛ-77"))
        await add_party(town, "D-2", "Інший")
        await relatives.add_own_code(town.olena, lamp, relatives.OwnCodeForm("D-2", "ЧУЖИЙ"))
    async with client_of(town) as one:
        text = (await one.get(f"/goods/{lamp}")).text
        assert "Замість нього" in text
        assert "Разом із ним" in text
        assert "ЕЛ-77" in text
        assert "ЧУЖИЙ" not in text
        back = (await one.get(f"/goods/{town.products['CABLE-3']}")).text
        assert "Лампа LED" in back
        assert "ЕЛ-77" in (await one.get("/?q=ел-77")).text


async def test_marks_are_a_persons_own_and_comparison_shows_differences(town: Cast) -> None:
    await furnished(town)
    async with client_of(town) as one:
        for n in range(2):
            await one.post(f"/goods/{town.products[f'L-{n}']}/compare")
        text = (await one.get("/goods/compare")).text
        assert text.count('class="differ"') == 1
        await one.post(f"/goods/{town.products['L-3']}/favourite")
        assert await found(one, "/?favourites=1") == ["L-3"]
        await one.post(f"/goods/{town.products['L-3']}/favourite")
        assert await found(one, "/?favourites=1") == []
        assert (await one.post(f"/goods/{town.products['L-3']}/loved")).status_code == 404
        for code in ("L-2", "L-3", "L-4", "LAMP-1"):
            await one.post(f"/goods/{town.products[code]}/compare")
        assert (await one.post(f"/goods/{town.products['SOCKET']}/compare")).status_code == 422
        await one.post("/goods/compare/emptying")
        assert "Порівнювати ще нічого" in (await one.get("/goods/compare")).text


async def test_the_price_list_holds_own_prices_and_no_formula(town: Cast) -> None:
    async with scope(town.tenant):
        await add_product(town, "=1+1", '=HYPERLINK("http://evil")', D(7))
        await pricing.set_price(town.olena, town.base_list, town.products["LAMP-1"], D(90), D(10))
    async with client_of(town) as one:
        answer = await one.get("/price-list?as=xlsx")
        rows = (
            python_calamine.CalamineWorkbook.from_filelike(io.BytesIO(answer.content))
            .get_sheet_by_index(0)
            .to_python()
        )
        by_code = {row[0]: row for row in rows}
        assert by_code["LAMP-1"][6:8] == [100.0, "10+: 90.0000"]
        assert by_code["=1+1"][2].startswith("=HYPERLINK")
        assert b"<f>" not in answer.content
        text = (await one.get("/price-list?as=csv")).text
        assert "'=1+1" in text
        only = (await one.get("/price-list?as=csv&favourites=1")).text
        assert "LAMP-1" not in only


async def test_the_view_is_remembered(town: Cast) -> None:
    async with client_of(town) as one:
        assert "goods-table" in (await one.get("/")).text
        await one.get("/?view=cards")
        assert "goods-table" not in (await one.get("/")).text

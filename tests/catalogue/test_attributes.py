"""Attributes are written a line each, kept in order, replaced whole and refused whole."""

from decimal import Decimal as D

import asyncpg
import pytest
from browsing import staff
from hypothesis import given, settings
from hypothesis import strategies as st
from town import Cast

from dilo.catalogue import attributes, queries
from dilo.catalogue.actions import CategoryForm, save_category
from dilo.catalogue.rules import Attribute, number_of, read_attributes, written_attributes
from dilo.kit import db
from dilo.kit.errors import NotFound, Refusal
from tenants.scope import scope

TEXT = st.text("абвгдABC 0159,.мм", min_size=1, max_size=20).map(str.strip).filter(bool)


@given(st.dictionaries(TEXT, TEXT, max_size=8))
@settings(max_examples=40, deadline=None)
def test_what_is_written_is_read_back(pairs: dict[str, str]) -> None:
    asked = [Attribute(name, value, number_of(value)) for name, value in pairs.items()]
    assert read_attributes(written_attributes(asked)) == (asked, [])


@pytest.mark.parametrize(
    ("value", "number"),
    [("2,5 мм²", D("2.5")), ("10 Вт", D(10)), ("біла", None), ("1.2.3", None), ("9" * 20, None)],
)
def test_a_value_that_begins_with_a_number_has_one(value: str, number: D | None) -> None:
    assert number_of(value) == number


async def test_saved_with_the_product_and_replaced_whole(town: Cast) -> None:
    lamp = town.products["LAMP-1"]
    form = {"code": "LAMP-1", "name": "Лампа", "series": "A60"}
    async with staff(town) as one:
        await one.open(f"/office/products/{lamp}/edit")
        for text in ("Потужність: 10 Вт\nЦоколь: E27", "Цоколь: E14\nПотужність: 10 Вт"):
            answer = await one.post(f"/office/products/{lamp}", form | {"attributes": text})
            assert answer.status_code == 303
        bad = await one.post(f"/office/products/{lamp}", form | {"attributes": "без двокрапки"})
        assert bad.status_code == 422
        assert "без двокрапки" in bad.text
        assert "Цоколь: E14" in (await one.get(f"/office/products/{lamp}/edit")).text
    async with scope(town.tenant):
        found = (await attributes.attributes_of([lamp]))[lamp]
        assert [one.name for one in found] == ["Цоколь", "Потужність"]
        assert found[1].number == D(10)
        assert (await queries.product(lamp)).series == "A60"


async def test_categories_make_a_tree_and_never_a_ring(town: Cast, rival: Cast) -> None:
    async with scope(town.tenant):
        ids = {}
        for code, above in (("a", None), ("b", "a"), ("c", "b")):
            await save_category(town.olena, CategoryForm(code, code, None, ids.get(above)))
            ids[code] = await db.value("SELECT id FROM category WHERE code = :c", c=code)
        with pytest.raises(Refusal, match="CATEGORY_RING"):
            await save_category(town.olena, CategoryForm("a", "a", None, ids["c"]))
        await save_category(town.olena, CategoryForm("b", "b", None, None))
        path = await db.value("SELECT path FROM category WHERE code = 'c'")
        assert path == [ids["b"], ids["c"]]
    async with scope(rival.tenant):
        with pytest.raises(NotFound):
            await save_category(rival.olena, CategoryForm("x", "x", None, ids["a"]))
        with pytest.raises(asyncpg.ForeignKeyViolationError):
            await db.execute(
                "INSERT INTO product_attribute (product_id, name, value) VALUES (:p, 'a', 'b')",
                p=town.products["LAMP-1"],
            )

"""Goods from a file: a column for each attribute, and what the file does not say stays."""

from browsing import staff
from town import Cast

from dilo.catalogue.attributes import attributes_of
from dilo.imports import jobs
from dilo.kit import db
from tenants.scope import scope

FILE = """Код;Назва;Колір;Потужність;Характеристики
LAMP-1;Лампа;біла;10,5 Вт;"Цоколь: E27; Матеріал: скло"
NEW-1;Нова лампа;;7 Вт;
BAD-1;Хибна;;;без двокрапки
"""


async def test_a_column_each_becomes_an_attribute_and_the_rest_stays(town: Cast) -> None:
    async with scope(town.tenant):
        lamp = town.products["LAMP-1"]
        await db.execute("UPDATE product SET unit = 'уп', kind = 'service' WHERE id = :id", id=lamp)
        await db.execute(
            "INSERT INTO product_attribute (product_id, name, value)"
            " VALUES (:id, 'Колір', 'синя'), (:id, 'Виробник', 'Elko')",
            id=lamp,
        )
    async with staff(town) as office:
        for updated in (1, 0):
            await office.open("/office/imports/new")
            sent = {"file": ("goods.csv", FILE.encode(), "text/csv")}
            made = await office.post("/office/imports", {"kind": "products"}, files=sent)
            url = made.headers["location"]
            page = (await office.open(url)).text
            assert 'name="attribute" value="2"' in page and 'name="attribute" value="0"' not in page
            chosen = {"column-code": "0", "column-name": "1", "column-attributes": "4"}
            wish = chosen | {"attribute": ["2", "3", "99", "x"]}
            looked = await office.post(f"{url}/mapping", wish)
            assert "checked" in looked.text
            await office.post(f"{url}/mapping", wish | {"run": "1"})
            assert await jobs.run_waiting_imports(town.tenant.id) == 1
            async with scope(town.tenant):
                job = await db.one("SELECT * FROM import_job ORDER BY id DESC LIMIT 1")
                assert (job["inserted"], job["updated"], job["failed"]) == (updated, updated, 1)
    async with scope(town.tenant):
        found = {(one.name, one.value) for one in (await attributes_of([lamp]))[lamp]}
        assert found == {
            ("Колір", "біла"),
            ("Потужність", "10,5 Вт"),
            ("Цоколь", "E27"),
            ("Матеріал", "скло"),
            ("Виробник", "Elko"),
        }
        kept = await db.one("SELECT unit, kind FROM product WHERE id = :id", id=lamp)
        assert tuple(kept.values()) == ("уп", "service")
        fault = await db.one("SELECT line_no, reason FROM import_error LIMIT 1")
        assert tuple(fault.values()) == (4, "ATTRIBUTE_BAD")

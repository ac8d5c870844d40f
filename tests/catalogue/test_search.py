"""What people type and what they mean: a table of queries and the first hit of each."""

from decimal import Decimal as D

import pytest
import pytest_asyncio
from town import Cast, add_product, found_tenant

from dilo.catalogue import queries
from dilo.kit import db
from tenants.scope import scope

GOODS = [
    ("SOC-101", "Розетка з USB біла Світлояр"),
    ("SOC-102", "Розетка подвійна кремова Elko"),
    ("MCB-201", "Автоматичний вимикач C 1P 16А Volta"),
    ("MCB-202", "Выключатель автоматический 2P 25А"),
    ("CAB-301", "Кабель ВВГнг 3х2,5"),
    ("CAB-302", "Провід ПВС 2х1,5"),
    ("LED-401", "Лампа LED A60 10 Вт 4000K"),
    ("LED-402", "Світильник ЖКГ 36 Вт"),
    ("FIX-501", "Стяжка нейлонова 4х200"),
    ("TOO-601", "Кліщі обтискні Pro"),
    ("ДТ-77", "Щит навісний 12 мод."),
    ("WAGO-221", "Клема WAGO 221-413"),
]
QUERIES = [
    ("SOC-102", "SOC-102"),
    ("soc102", "SOC-102"),
    ("soc 102", "SOC-102"),
    ("SOC-10", "SOC-101"),
    ("СОС-102", "SOC-102"),  # Cyrillic letters that look Latin
    ("розетка подв", "SOC-102"),
    ("rozetka", "SOC-101"),
    ("rozetka podviyna", "SOC-102"),
    ("hjptnrf", "SOC-101"),  # розетка, typed in the Latin layout
    ("кщяуелф гыи", "SOC-101"),  # rozetka usb, typed in the Russian layout
    ("розетка юсб", "SOC-101"),
    ("розєтка", "SOC-101"),
    ("розтека", "SOC-101"),
    ("розетк", "SOC-101"),
    ("вимикач", "MCB-201"),
    ("vimikach", "MCB-201"),
    ("vymykach", "MCB-201"),
    ("выключатель", "MCB-202"),
    ("viklyuchatel", "MCB-202"),
    ("выключательь", "MCB-202"),
    ("кабель 3x2.5", "CAB-301"),
    ("кабель 3 х 2,5", "CAB-301"),
    ("kabel vvgng", "CAB-301"),
    ("кабиль", "CAB-301"),
    ("провод", "CAB-302"),  # Russian for a Ukrainian name
    ("лампа 10вт", "LED-401"),
    ("lampa", "LED-401"),
    ("kfvgf", "LED-401"),  # лампа
    ("світильник", "LED-402"),
    ("svitylnyk", "LED-402"),
    ("cdsnbkmybr", "LED-402"),  # світильник
    ("светильник", "LED-402"),
    ("стяшка", "FIX-501"),
    ("кліщи", "TOO-601"),
    ("клещи", "TOO-601"),
    ("щит", "ДТ-77"),
    ("shchyt", "ДТ-77"),
    ("дт77", "ДТ-77"),
    ("wago", "WAGO-221"),
    ("ваго", "WAGO-221"),
    ("цфпщ", "WAGO-221"),
    ("4820000000017", "FIX-501"),
    ("xqvbnmtr", None),
    ("", None),
    ("%", None),
    ("' OR 1=1 --", None),
    ("\\", None),
]


@pytest_asyncio.fixture(scope="module")
async def shop(pool: None) -> Cast:
    cast = await found_tenant()
    async with scope(cast.tenant):
        for code in ("LAMP-1", "CABLE-3", "SOCKET"):
            await db.execute("UPDATE product SET retired_at = now() WHERE code = :c", c=code)
        for code, name in GOODS:
            await add_product(cast, code, name, D(10))
        await db.execute(
            "INSERT INTO barcode (product_id, code) VALUES (:p, '4820000000017')",
            p=cast.products["FIX-501"],
        )
    return cast


@pytest.mark.parametrize(("typed", "meant"), QUERIES)
async def test_the_first_hit_is_what_was_meant(shop: Cast, typed: str, meant: str | None) -> None:
    async with scope(shop.tenant):
        found = await queries.products_like(typed)
    assert (found[0]["code"] if found else None) == meant


async def test_a_renamed_product_is_found_by_its_new_name_only(town: Cast) -> None:
    async with scope(town.tenant):
        await db.execute("UPDATE product SET name = 'Ґанок' WHERE code = 'LAMP-1'")
        assert [row["code"] for row in await queries.products_like("ganok")] == ["LAMP-1"]
        assert await queries.products_like("Лампа") == []
        assert [row["code"] for row in await queries.products_like("lamp-1")] == ["LAMP-1"]


async def test_a_customers_own_article_is_his_alone(town: Cast, rival: Cast) -> None:
    own = town.parties["D-1"]
    async with scope(town.tenant):
        await db.execute(
            "INSERT INTO party_item_code (party_id, product_id, code) VALUES (:y, :p, 'Ел-9')",
            y=own,
            p=town.products["SOCKET"],
        )
        assert [r["code"] for r in await queries.products_like("ел-9", viewer=own)] == ["SOCKET"]
        assert await queries.products_like("ел-9") == []
        assert list(await queries.products_of_codes(["ЕЛ-9", "lamp-1"], own)) == ["ел-9", "lamp-1"]
        assert list(await queries.products_of_codes(["ЕЛ-9"])) == []
    async with scope(rival.tenant):
        assert await queries.products_like("ел-9", viewer=own) == []

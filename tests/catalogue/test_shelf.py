"""Who sees what: the narrowest rule wins, and no door goes round it."""

from decimal import Decimal as D
from uuid import UUID

import pytest
from browsing import client_of, staff
from town import Cast, add_party, order_of

from dilo.catalogue import queries, shelf
from dilo.catalogue.shelf import RuleForm
from dilo.kit import db
from dilo.kit.errors import Forbidden, NotFound, Refusal
from dilo.orders import actions, cart
from tenants.scope import scope

SEEN = f"SELECT p.code FROM product p WHERE {shelf.VISIBLE} ORDER BY 1"


async def seen(viewer: UUID | None) -> list[str]:
    return [row["code"] for row in await db.rows(SEEN, viewer=viewer)]


async def tree(town: Cast) -> dict[str, UUID]:
    """lamps inside light; the lamp is a lamp, the cable has no category, the socket is light."""
    ids: dict[str, UUID] = {}
    for code, above in (("light", None), ("lamps", "light")):
        ids[code] = await db.value(
            "INSERT INTO category (code, name, parent_id) VALUES (:c, :c, :p) RETURNING id",
            c=code,
            p=ids.get(above or ""),
        )
    for product, code in (("LAMP-1", "lamps"), ("SOCKET", "light")):
        await db.execute(
            "UPDATE product SET category_id = :c WHERE code = :p", c=ids[code], p=product
        )
    await db.execute("UPDATE party SET segment = 'Dealers' WHERE code = 'D-1'")
    return ids


@pytest.mark.parametrize(
    ("rules", "expected"),
    [
        ([], "CABLE-3 DELIVERY LAMP-1 SOCKET"),
        ([("all", "hide", "light", None)], "CABLE-3 DELIVERY"),
        ([("all", "hide", "lamps", None)], "CABLE-3 DELIVERY SOCKET"),
        ([("all", "hide", "light", None), ("all", "show", "lamps", None)], "CABLE-3 DELIVERY LAMP-1"),
        ([("all", "hide", None, None), ("party", "show", "lamps", None)], "LAMP-1"),
        ([("all", "hide", None, None), ("party", "show", None, "CABLE-3")], "CABLE-3"),
        ([("party", "hide", "light", None), ("segment", "show", None, "LAMP-1")], "CABLE-3 DELIVERY"),
        ([("segment", "hide", "light", None), ("party", "show", None, "LAMP-1")], "CABLE-3 DELIVERY LAMP-1"),
        ([("all", "hide", None, "LAMP-1"), ("segment", "show", "light", None)], "CABLE-3 DELIVERY LAMP-1 SOCKET"),
        ([("all", "hide", None, "CABLE-3")], "DELIVERY LAMP-1 SOCKET"),
    ],
)  # fmt: skip
async def test_the_narrowest_rule_wins(
    town: Cast, rules: list[tuple[str, str, str | None, str | None]], expected: str
) -> None:
    async with scope(town.tenant):
        ids = await tree(town)
        for width, shown, category, product in rules:
            await shelf.set_rule(
                town.olena,
                RuleForm(
                    width,  # type: ignore[arg-type]
                    shown,  # type: ignore[arg-type]
                    segment="Dealers" if width == "segment" else None,
                    party="d-1" if width == "party" else None,
                    category_id=ids.get(category or ""),
                    product=product,
                ),
            )
        assert " ".join(await seen(town.parties["D-1"])) == expected
        assert len(await seen(None)) == 4


async def test_no_door_goes_round_a_hidden_product(town: Cast) -> None:
    lamp = town.products["LAMP-1"]
    async with scope(town.tenant):
        await add_party(town, "D-2", "Другий", limit=D(1000))
        await cart.put(town.petro, lamp, D(1))
        await shelf.set_rule(town.olena, RuleForm("party", party="D-1", product="LAMP-1"))
        for refused in (
            actions.place_order(town.petro, order_of(town, "D-1", ("LAMP-1", 1))),
            actions.place_order(town.petro, order_of(town, "D-1", (str(lamp), 1), by="id")),
            actions.preview_order(town.petro, order_of(town, "D-1", ("SOCKET", 1), ("LAMP-1", 1))),
        ):
            with pytest.raises(Refusal, match="UNKNOWN_PRODUCTS"):
                await refused
        with pytest.raises(NotFound):
            await cart.put(town.petro, lamp, D(1))
        assert await queries.products_like("lamp", viewer=town.parties["D-1"]) == []
        assert await queries.products_of_codes(["LAMP-1"], town.parties["D-1"]) == {}
        assert lamp not in {
            r["product_id"]
            for r in await cart.usual_goods(town.parties["D-1"], town.tenant.today())
        }
        placed = await actions.place_order(town.max, order_of(town, "D-1", ("LAMP-1", 1)))
        assert placed.state == "confirmed"
    async with client_of(town) as one:
        assert "Лампа LED" not in (await one.get("/")).text
        await one.post("/cart/lines", {"product": str(lamp), "quantity": "1"})
        answer = await one.post("/quick-order", {"lines": "LAMP-1 2"})
        assert "LAMP-1 2" in answer.text


async def test_rules_are_the_managers_and_must_be_whole(town: Cast) -> None:
    async with scope(town.tenant):
        with pytest.raises(Forbidden):
            await shelf.set_rule(town.max, RuleForm("all"))
        for form in (RuleForm("party"), RuleForm("segment"), RuleForm("party", party="nobody")):
            with pytest.raises(Refusal, match="RULE_"):
                await shelf.set_rule(town.olena, form)
        rule = await shelf.set_rule(town.olena, RuleForm("all", product="LAMP-1"))
        assert rule == await shelf.set_rule(town.olena, RuleForm("all", "show", product="lamp-1"))
        await shelf.drop_rule(town.olena, rule)
        assert await shelf.rules() == []
    async with staff(town, "max") as one:
        assert (await one.get("/office")).status_code == 200

"""A ladder of prices says at every quantity what the order would be priced at, by the same rules."""

from decimal import Decimal as D

from browsing import staff
from hypothesis import given, settings
from hypothesis import strategies as st
from town import Cast

from dilo.kit import db
from dilo.pricing import actions, queries
from dilo.pricing.queries import Buyer
from dilo.pricing.rules import Rival, offer_of, winner
from tenants.scope import scope

QUANTITIES = st.sampled_from([D(1), D(2), D(5), D(10), D("0.5")])
RIVALS = st.lists(
    st.builds(
        Rival,
        st.integers(1, 4),
        QUANTITIES,
        st.integers(1, 9).map(D),
        st.sampled_from(["a", "b"]),
        st.sampled_from(["party", "base"]),
    ),
    max_size=8,
    unique_by=lambda one: (one.order, one.min_quantity),
)


@given(RIVALS, st.integers(1, 30).map(D))
@settings(max_examples=80, deadline=None)
def test_the_ladder_is_the_winner_at_every_quantity(rivals: list[Rival], quantity: D) -> None:
    step, won = offer_of(rivals).at(quantity), winner(rivals, quantity)
    assert (step and step.price) == (won and won.price)


async def test_the_ladder_and_the_order_agree(town: Cast) -> None:
    lamp, party = town.products["LAMP-1"], town.parties["D-1"]
    async with scope(town.tenant):
        own = await actions.new_list(town.olena, "OWN", "Own", "UAH")
        await actions.assign_list(town.olena, own, "party", party_id=party)
        await actions.set_price(town.olena, own, lamp, D(90), D(10))  # from ten only
        await actions.set_price(town.olena, town.base_list, lamp, D(95), D(5))
        await actions.set_price(town.olena, town.base_list, lamp, D(70), D(50))
        buyer = Buyer(party, "UAH")
        offer = (await queries.offers(buyer, [lamp]))[lamp]
        assert [(s.min_quantity, s.price) for s in offer.steps] == [(1, 100), (5, 95), (10, 90)]
        for quantity in (1, 4, 5, 9, 10, 49, 50, 500):
            (priced,) = await queries.priced(buyer, [(lamp, D(quantity))])
            step = offer.at(D(quantity))
            assert step is not None
            assert priced.price == step.price, quantity
        assert (await queries.offers(buyer, [])) == {}


async def test_staff_are_told_why(town: Cast) -> None:
    lamp, party = town.products["LAMP-1"], town.parties["D-1"]
    async with scope(town.tenant):
        own = await actions.new_list(town.olena, "OWN", "Own", "UAH")
        await actions.assign_list(town.olena, own, "party", party_id=party)
        await actions.set_price(town.olena, own, lamp, D(90), D(10))
        await db.execute("UPDATE party SET stock_view = 'range' WHERE id = :p", p=party)
    async with staff(town, "max") as one:
        page = (await one.get(f"/office/parties/{party}/prices/{lamp}?quantity=10")).text
        assert page.index("90,00") < page.index("100,00")
        for odd in ("1e9", "-5", "x", "999999999999999", "%00"):
            assert (
                await one.get(f"/office/parties/{party}/prices/{lamp}?quantity={odd}")
            ).status_code == 200
        shelf = (await one.get(f"/office/parties/{party}/shelf?q=lamp")).text
        assert f"prices/{lamp}" in shelf
        assert (await one.get("/office/shelf")).status_code == 403
    async with staff(town) as one:
        await one.open("/office/shelf")
        assert (
            await one.post("/office/shelf", {"scope": "all", "shown": "hide", "product": "LAMP-1"})
        ).status_code == 303
        assert f"prices/{lamp}" not in (await one.get(f"/office/parties/{party}/shelf?q=lamp")).text
        assert (
            await one.post("/office/shelf/stock", {"view": "range", "few": "5", "many": "2"})
        ).status_code == 303
        assert (
            await one.post(f"/office/parties/{party}/shelf", {"view": "hidden"})
        ).status_code == 303

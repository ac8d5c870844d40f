"""Fifty at once for the last units and the last headroom: exactly as many pass as fit."""

import asyncio
from decimal import Decimal as D

from town import Cast, add_party, add_product, order_of

from dilo.kit import db
from dilo.orders import actions
from dilo.orders.commands import Placed, PlaceOrder
from tenants.scope import scope


async def place(town: Cast, command: PlaceOrder) -> Placed:
    async with scope(town.tenant):
        return await actions.place_order(town.max, command)


async def test_fifty_orders_for_the_last_ten_units(town: Cast) -> None:
    async with scope(town.tenant):
        await add_product(town, "LAST", "Останні", D(1), on_hand=10)
        for n in range(50):
            await add_party(town, f"B{n}", f"Buyer {n}", limit=D(1000))
    placed = await asyncio.gather(
        *(place(town, order_of(town, f"B{n}", ("LAST", 1))) for n in range(50))
    )
    states = [one.state for one in placed]
    assert (states.count("confirmed"), states.count("on_hold")) == (10, 40)
    async with scope(town.tenant):
        level = await db.one(
            "SELECT on_hand, reserved FROM stock_level WHERE product_id = :p",
            p=town.products["LAST"],
        )
    assert (level["on_hand"], level["reserved"]) == (10, 10)


async def test_fifty_orders_for_the_last_thousand_of_headroom(town: Cast) -> None:
    async with scope(town.tenant):
        await add_party(town, "H", "Headroom", limit=D(1000))
    placed = await asyncio.gather(
        *(place(town, order_of(town, "H", ("LAMP-1", 1), ("CABLE-3", 1))) for _ in range(50))
    )
    states = [one.state for one in placed]
    assert states.count("confirmed") == 6  # 6 x 150 = 900; the seventh would be 1,050
    async with scope(town.tenant):
        confirmed = await db.value(
            "SELECT confirmed FROM party_balance WHERE party_id = :p", p=town.parties["H"]
        )
    assert confirmed == D(900)


async def test_crossed_orders_of_many_goods_never_deadlock(town: Cast) -> None:
    async with scope(town.tenant):
        for n in range(12):
            await add_party(town, f"C{n}", f"Crossed {n}", limit=D(10**7))
    there = [("LAMP-1", 1), ("CABLE-3", 1), ("SOCKET", 1)]
    placed = await asyncio.gather(
        *(
            place(town, order_of(town, f"C{n % 12}", *(there if n % 2 else there[::-1])))
            for n in range(48)
        )
    )
    assert {one.state for one in placed} == {"confirmed"}


async def test_the_same_key_twenty_times_is_one_order(town: Cast) -> None:
    command = order_of(town, "D-1", ("LAMP-1", 1), key="office:olena:1")
    placed = await asyncio.gather(*(place(town, command) for _ in range(20)))
    assert len({one.id for one in placed}) == 1
    assert sum(not one.repeated for one in placed) == 1

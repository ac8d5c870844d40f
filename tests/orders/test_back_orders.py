"""Goods that are not on the shelf: left out, shipped in parts or waited for, as the buyer chose."""

import asyncio
from decimal import Decimal as D

import pytest
from town import Cast, add_party, add_product, order_of

from dilo.books.queries import broken
from dilo.kit import db
from dilo.kit.errors import Refusal
from dilo.orders import actions, back_orders
from dilo.orders.commands import Dispatch
from dilo.orders.policy import OrderPolicy, change_order_policy
from dilo.orders.queries import order_head, order_lines
from dilo.stock import actions as stock
from tenants.scope import scope


async def few(town: Cast, on_hand: int = 3) -> None:
    await add_product(town, "FEW", "Мало", D(10), on_hand=on_hand)


async def came(town: Cast, quantity: int) -> None:
    await stock.receive(town.warehouse, [(town.products["FEW"], D(quantity))], "receipt")
    await heard()


async def heard() -> None:
    """As the worker does."""
    told = await db.rows(
        "UPDATE outbox SET state = 'sent' WHERE kind = 'stock_came' AND state = 'queued'"
        " RETURNING payload"
    )
    for row in told:
        await back_orders.on_stock(row["payload"])


async def ask(town: Cast, quantity: int, shortage: str, party: str = "D-1") -> list:
    placed = await actions.place_order(
        town.max, order_of(town, party, ("FEW", quantity), shortage=shortage)
    )
    return [placed, (await order_lines(placed.id))[0]]


async def test_without_a_choice_a_short_order_waits_on_hold(town: Cast) -> None:
    async with scope(town.tenant):
        await few(town)
        placed, _ = await ask(town, 5, "hold")
        assert placed.state == "on_hold"


async def test_in_parts_what_there_is_ships_and_the_rest_waits(town: Cast) -> None:
    async with scope(town.tenant):
        await few(town)
        placed, line = await ask(town, 5, "parts")
        assert placed.state == "confirmed"
        assert [v.code for v in placed.verdicts if v.warning] == ["STOCK_LATER"]
        assert (line.to_ship, line.waiting) == (3, 2)
        await actions.dispatch_order(town.ivan, Dispatch(order_id=placed.id, key="1"))
        assert (await order_head(placed.id)).state == "partially_shipped"
        with pytest.raises(Refusal, match="NOTHING_TO_SHIP"):
            await actions.dispatch_order(town.ivan, Dispatch(order_id=placed.id, key="2"))
        await came(town, 2)
        await actions.dispatch_order(town.ivan, Dispatch(order_id=placed.id, key="3"))
        assert (await order_head(placed.id)).state == "shipped"
        assert await broken() == []


async def test_everything_together_does_not_leave_before_the_last_has_come(town: Cast) -> None:
    async with scope(town.tenant):
        await few(town)
        placed, _ = await ask(town, 5, "together")
        with pytest.raises(Refusal, match="WAITS_FOR_REST"):
            await actions.dispatch_order(town.ivan, Dispatch(order_id=placed.id, key="1"))
        await back_orders.ship_in_parts(town.petro, placed.id)
        sent = await actions.dispatch_order(town.ivan, Dispatch(order_id=placed.id, key="2"))
        assert sent.state == "dispatched"
        assert await broken() == []


async def test_what_is_missing_is_left_out_and_said(town: Cast) -> None:
    async with scope(town.tenant):
        await few(town)
        placed = await actions.place_order(
            town.max, order_of(town, "D-1", ("FEW", 5), ("LAMP-1", 1), shortage="leave_out")
        )
        assert (placed.state, placed.total) == ("confirmed", D("130.00"))
        told = [v for v in placed.verdicts if v.code == "STOCK_LEFT_OUT"]
        assert told[0].figures["wanted_quantity"] == 5
        assert told[0].figures["available_quantity"] == 3
        with pytest.raises(Refusal, match="NOTHING_ON_SHELF"):
            await ask(town, 1, "leave_out")
        assert await broken() == []


async def test_goods_go_to_the_important_first_then_to_the_oldest(town: Cast) -> None:
    async with scope(town.tenant):
        await few(town, 0)
        for code in ("OLD", "NEW", "VIP"):
            await add_party(town, code, code, limit=D(10000))
        await db.execute("UPDATE party SET priority = 1 WHERE id = :id", id=town.parties["VIP"])
        lines = {code: (await ask(town, 4, "parts", code))[1].id for code in ("OLD", "NEW", "VIP")}
        await came(town, 6)
        held = {
            row["source_id"]: row["quantity"] for row in await db.rows("SELECT * FROM reservation")
        }
        assert held == {lines["VIP"]: 4, lines["OLD"]: 2}
        told = await db.rows("SELECT party_id FROM outbox WHERE kind = 'goods_came'")
        assert {row["party_id"] for row in told} == {town.parties["VIP"], town.parties["OLD"]}
        assert await broken() == []


async def test_a_cancelled_order_hands_its_goods_to_who_waits(town: Cast) -> None:
    async with scope(town.tenant):
        await few(town)
        first, _ = await ask(town, 3, "hold")
        waiting, line = await ask(town, 2, "parts")
        assert line.waiting == 2
        await actions.cancel_order(town.max, first.id, "передумали")
        told = await db.rows("SELECT payload FROM outbox WHERE kind = 'stock_came'")
        assert len(told) == 1
        await back_orders.on_stock(told[0]["payload"])
        assert (await order_lines(waiting.id))[0].waiting == 0
        await actions.cancel_order(town.max, waiting.id, "теж")
        assert await db.value("SELECT count(*) FROM back_order") == 0
        assert await broken() == []


async def test_a_company_may_switch_waiting_off(town: Cast) -> None:
    async with scope(town.tenant):
        await few(town)
        await change_order_policy(town.olena, OrderPolicy(back_orders=False))
        with pytest.raises(Refusal, match="BACK_ORDERS_OFF"):
            await ask(town, 5, "parts")
        with pytest.raises(Refusal, match="FORBIDDEN"):
            await change_order_policy(town.max, OrderPolicy())


async def test_cancelling_and_allocating_at_once_lose_nothing(town: Cast) -> None:
    async with scope(town.tenant):
        await few(town, 0)
        orders = [(await ask(town, 1, "parts"))[0].id for _ in range(8)]
        await stock.receive(town.warehouse, [(town.products["FEW"], D(5))], "receipt")
        product = town.products["FEW"]

    async def cancel(order_id: object) -> None:
        async with scope(town.tenant):
            await actions.cancel_order(town.max, order_id, "x")  # type: ignore[arg-type]

    async def give() -> None:
        async with scope(town.tenant):
            await back_orders.allocate(town.warehouse, [product])

    await asyncio.gather(*(cancel(one) for one in orders[:4]), *(give() for _ in range(4)))
    async with scope(town.tenant):
        assert await broken() == []
        await heard()
        assert await db.value("SELECT count(*) FROM reservation") == 4
        assert await broken() == []


async def test_the_clients_words_are_kept_on_the_order(town: Cast) -> None:
    async with scope(town.tenant):
        placed = await actions.place_order(
            town.max,
            order_of(
                town,
                "D-1",
                ("LAMP-1", 1),
                reference="PO-77",
                delivery_method="delivery",
                delivery_to="Київ, Хрещатик 1",
            ),
        )
        head = await order_head(placed.id)
        assert (head.reference, head.delivery_method) == ("PO-77", "delivery")
        assert head.delivery_to == "Київ, Хрещатик 1"
        with pytest.raises(Refusal, match="TEXT_TOO_LONG"):
            await actions.place_order(
                town.max, order_of(town, "D-1", ("LAMP-1", 1), reference="x" * 61)
            )

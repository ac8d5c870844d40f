"""The client hears that his order was let go and that it has left: once, without sums, if true."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from town import Cast, order_of

from dilo.kit import clock, db
from dilo.messaging.channels import Composed, Dropped, Ready
from dilo.orders import actions, progress, ratings, tracking
from dilo.orders.commands import Dispatch
from dilo.orders.tracking import CarriageForm, CarrierForm, EventForm
from tenants.scope import scope

EVENTS = "SELECT payload FROM outbox WHERE channel = 'event' AND kind = :kind"
RAISE = "UPDATE credit_policy SET limit_amount = 100000 WHERE party_id = :party_id"
LETTERS = "SELECT payload, party_id FROM outbox WHERE channel <> 'event' AND kind = :kind"


async def events(kind: str) -> list[dict[str, Any]]:
    return [row["payload"] for row in await db.rows(EVENTS, kind=kind)]


async def letter(kind: str) -> dict[str, Any]:
    [row] = await db.rows(LETTERS, kind=kind)
    return row["payload"]


async def held(town: Cast) -> UUID:
    placed = await actions.place_order(town.petro, order_of(town, "D-1", ("LAMP-1", 200)))
    assert placed.state == "on_hold"
    return placed.id


async def let_go(town: Cast, order_id: UUID) -> None:
    """His limit is raised and somebody of ours tries again."""
    await db.execute(RAISE, party_id=town.parties["D-1"])
    assert (await actions.submit_order(town.max, order_id)).state == "confirmed"


def words(said: Composed) -> str:
    assert isinstance(said, Ready)
    return said.text


async def test_who_ordered_hears_that_his_order_is_off_hold(town: Cast) -> None:
    async with scope(town.tenant):
        order_id = await held(town)
        assert await events(progress.RELEASED) == [], "what is held is not told as released"
        await let_go(town, order_id)
        [event] = await events(progress.RELEASED)
        await progress.on_released(event)
        await progress.on_released(event)
        told = await letter(progress.RELEASED)
        text = words(await progress.compose_released(told, "email", None))
        assert f"/orders/{order_id}" in text
        assert "20 000" not in text.replace("\N{NO-BREAK SPACE}", " "), "sums are not for all"
        await actions.cancel_order(town.petro, order_id, "передумали")
        assert await progress.compose_released(told, "email", None) == Dropped("MOVED_ON")


async def test_nobody_is_told_what_he_did_himself(town: Cast) -> None:
    async with scope(town.tenant):
        first = await actions.place_order(town.petro, order_of(town, "D-1", ("LAMP-1", 1)))
        assert first.state == "confirmed"
        order_id = await held(town)
        await db.execute(RAISE, party_id=town.parties["D-1"])
        assert (await actions.submit_order(town.petro, order_id)).state == "confirmed"
        assert await events(progress.RELEASED) == []


async def test_what_left_is_told_with_its_carrier_while_it_is_on_the_road(town: Cast) -> None:
    async with scope(town.tenant):
        placed = await actions.place_order(town.petro, order_of(town, "D-1", ("LAMP-1", 2)))
        sent = await actions.dispatch_order(town.ivan, Dispatch(order_id=placed.id, key="1"))
        [event] = await events(progress.LEFT)
        await progress.on_left(event)
        told = await letter(progress.LEFT)
        assert sent.number in words(await progress.compose_left(told, "telegram", None))
        await tracking.save_carrier(town.olena, None, CarrierForm("Нова пошта", ""))
        [carrier] = await tracking.carriers()
        form = CarriageForm(carrier["id"], "20450000001", town.tenant.today())
        await tracking.set_carriage(town.ivan, sent.id, form)
        text = words(await progress.compose_left(told, "telegram", None))
        assert "Нова пошта 20450000001" in text
        await tracking.happened(town.ivan, sent.id, EventForm("delivered"))
        assert await progress.compose_left(told, "telegram", None) == Dropped("MOVED_ON")
        asked = words(await ratings.compose({"shipment_id": str(sent.id)}, "telegram", None))
        assert f"({sent.number})" in asked, "nobody wrote down who took it: nobody is named"


@pytest.mark.parametrize(("days", "letters"), [(1, 1), (3, 0)])
async def test_history_written_down_afterwards_is_no_news(
    town: Cast, days: int, letters: int
) -> None:
    async with scope(town.tenant):
        placed = await actions.place_order(town.petro, order_of(town, "D-1", ("LAMP-1", 2)))
        await actions.dispatch_order(town.ivan, Dispatch(order_id=placed.id, key="1"))
        [event] = await events(progress.LEFT)
        clock.freeze(clock.now() + timedelta(days=days))
        try:
            await progress.on_left(event)
        finally:
            clock.freeze(None)
        assert len(await db.rows(LETTERS, kind=progress.LEFT)) == letters

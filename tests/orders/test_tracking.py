"""The road of a shipment as the client sees it, and what he thinks of it."""

from datetime import timedelta
from decimal import Decimal as D
from uuid import UUID

import pytest
from browsing import client_of, staff
from town import Cast, add_party, order_of

from dilo.books.queries import broken
from dilo.kit import clock, db
from dilo.kit.errors import NotFound, Refusal
from dilo.messaging.channels import Ready
from dilo.orders import actions, ratings, tracking
from dilo.orders.commands import Dispatch
from dilo.orders.queries import order
from dilo.orders.ratings import RatingForm
from dilo.orders.tracking import CarriageForm, CarrierForm, EventForm
from tenants.actors import Actor
from tenants.scope import scope


async def left(town: Cast) -> tuple[UUID, UUID]:
    placed = await actions.place_order(town.max, order_of(town, "D-1", ("LAMP-1", 10)))
    sent = await actions.dispatch_order(town.ivan, Dispatch(order_id=placed.id, key="1"))
    return placed.id, sent.id


async def test_the_client_sees_carrier_number_and_road_and_rates_once(town: Cast) -> None:
    """S32, S27."""
    async with scope(town.tenant):
        order_id, shipment = await left(town)
        pattern = "https://novaposhta.example/track/{number}"
        await tracking.save_carrier(town.olena, None, CarrierForm("Нова пошта", pattern))
        [carrier] = await tracking.carriers()
        await tracking.set_carriage(
            town.ivan, shipment, CarriageForm(carrier["id"], "2045/01 <b>", town.tenant.today())
        )
        with pytest.raises(Refusal, match="NOT_DELIVERED"):
            await ratings.rate(town.petro, shipment, RatingForm(5), "portal")
        await tracking.happened(town.ivan, shipment, EventForm("in_transit", place="Львів"))
        await tracking.happened(
            town.ivan, shipment, EventForm("delivered", received_by="Коваль"), [("p.txt", b"ok")]
        )
        found = await tracking.shipment(shipment)
        assert found.tracking_url == "https://novaposhta.example/track/2045%2F01%20%3Cb%3E"
        assert [e["state"] for e in found.events] == ["in_transit", "delivered"]
        [told] = await db.rows("SELECT payload FROM outbox WHERE kind = 'shipment_delivered'")
        await ratings.on_delivered(told["payload"])
        letter = await ratings.compose(told["payload"], "email", None)
        assert isinstance(letter, Ready)
        assert f"/shipments/{shipment}/rating" in letter.text
    async with client_of(town) as one, staff(town) as office:
        page = (await one.open(f"/orders/{order_id}")).text
        for seen in ("Нова пошта", "2045/01 &lt;b&gt;", "Львів", "Коваль", "p.txt"):
            assert seen in page
        assert (await one.get(f"/shipments/{shipment}/slip")).content.startswith(b"%PDF")
        await one.open(f"/shipments/{shipment}/rating")
        await one.post(f"/shipments/{shipment}/rating", {"score": "9"})
        await one.post(f"/shipments/{shipment}/rating", {"score": "4", "comment": "добре"})
        await one.post(f"/shipments/{shipment}/rating", {"score": "1"})
        assert "добре" in (await office.get("/office/ratings")).text
        assert (await office.get(f"/office/shipments/{shipment}")).status_code == 200
        listed = [
            query
            for query in (
                "q=2045/01",
                "q=so-000001",
                "state=delivered",
                "mine=1",
                "state=late",
                "q=z",
            )
            if str(shipment) in (await office.get(f"/office/shipments?{query}")).text
        ]
        assert listed == ["q=2045/01", "q=so-000001", "state=delivered"]
        book = (await office.get("/office/shipments?as=csv")).text
        assert "SO-000001" in book and "2045/01 <b>" in book
    async with scope(town.tenant):
        assert await db.value("SELECT score FROM rating") == 4
        [average] = await ratings.averages()
        assert (average["average"], average["answers"]) == (D("4.00"), 1)


async def test_a_shipment_that_came_back_is_on_the_shelf_with_a_credit_note(town: Cast) -> None:
    async with scope(town.tenant):
        order_id, shipment = await left(town)
        await tracking.happened(town.ivan, shipment, EventForm("failed", note="не відчинили"))
        await tracking.happened(town.ivan, shipment, EventForm("returned"))
        found = await order(order_id)
        assert (found.lines[0].returned_quantity, len(found.returns)) == (10, 1)
        balance = await db.one("SELECT receivable, credit, shipped FROM party_balance")
        assert tuple(balance.values()) == (D(0), D(0), D(0))
        with pytest.raises(Refusal, match="WRONG_STATE"):
            await tracking.happened(town.ivan, shipment, EventForm("delivered"))
        assert await broken() == []


async def test_states_go_forward_only_and_never_from_the_future(town: Cast) -> None:
    async with scope(town.tenant):
        _, shipment = await left(town)
        ahead = clock.now() + timedelta(hours=2)
        with pytest.raises(Refusal, match="DATE_BAD"):
            await tracking.happened(town.ivan, shipment, EventForm("in_transit", ahead))
        await tracking.happened(town.ivan, shipment, EventForm("delivered"))
        for state in ("in_transit", "failed", "dispatched", "planned"):
            with pytest.raises(Refusal, match="WRONG_STATE"):
                await tracking.happened(town.ivan, shipment, EventForm(state))
        with pytest.raises(Refusal, match="PATTERN_BAD"):
            await tracking.save_carrier(
                town.olena, None, CarrierForm("X", "javascript:alert({number})")
            )


async def test_another_company_sees_no_road_and_rates_nothing(town: Cast) -> None:
    async with scope(town.tenant):
        await add_party(town, "X", "Інший")
        _, shipment = await left(town)
        await tracking.happened(town.ivan, shipment, EventForm("delivered"))
        x = Actor("portal", town.petro.id, "X", town.petro.verbs, on_behalf_of=town.parties["X"])
        with pytest.raises(NotFound):
            await tracking.shipment(shipment, x)
        with pytest.raises(NotFound):
            await ratings.rate(x, shipment, RatingForm(1), "portal")


async def test_own_orders_are_found_by_goods_and_exported(town: Cast) -> None:
    async with scope(town.tenant):
        await left(town)
        await actions.place_order(town.max, order_of(town, "D-1", ("SOCKET", 1), comment="ПО-77"))
    async with client_of(town) as one:
        for query, number in (
            ("socket", "SO-000002"),
            ("по-77", "SO-000002"),
            ("lamp", "SO-000001"),
        ):
            text = (await one.get(f"/orders?q={query}")).text
            found = [n for n in ("SO-000001", "SO-000002") if n in text]
            assert found == [number], query
        table = await one.get("/orders?as=csv")
        assert "SO-000002" in table.text
        assert (await one.get("/orders?as=xlsx")).content.startswith(b"PK")
        assert (await one.get("/orders?who=nobody&state=%27&since=x")).status_code == 200

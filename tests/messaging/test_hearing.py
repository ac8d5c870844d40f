"""Events told upwards are heard once, in one commit with everything their hearers do."""

import asyncio
from datetime import timedelta
from decimal import Decimal as D
from typing import Any

from town import Cast, add_debt, add_party, order_of

from dilo.kit import db, outbox
from dilo.messaging import channels
from dilo.messaging.sending import drain
from dilo.orders import actions as orders
from dilo.payments.actions import RecordPayment, record_payment
from dilo.run import events
from tenants.scope import current_tenant, scope

NOTE = "INSERT INTO inbox (source, external_id) VALUES ('heard', :key)"
HEARD = "SELECT count(*) FROM inbox WHERE source = 'heard'"
EVENTS = "SELECT state, reason, attempts FROM outbox WHERE channel = 'event' AND kind = :kind"


async def test_ten_listeners_at_once_hear_an_event_once(town: Cast) -> None:
    async def hearer(payload: dict[str, Any]) -> None:
        await db.execute(NOTE, key=payload["key"])

    channels.hear("spoken", hearer)
    async with scope(town.tenant):
        for number in range(20):
            await outbox.tell("spoken", key=str(number))
    await asyncio.gather(*(drain(town.tenant.id) for _ in range(10)))
    async with scope(town.tenant):
        assert await db.value(HEARD) == 20


async def test_a_hearer_that_fails_undoes_its_part_and_is_asked_again(town: Cast) -> None:
    failing = [True]

    async def hearer(payload: dict[str, Any]) -> None:
        await db.execute(NOTE, key=payload["key"])
        if failing[0]:
            raise RuntimeError("not today")

    channels.hear("stumbled", hearer)
    async with scope(town.tenant):
        await outbox.tell("stumbled", key="x")
    await drain(town.tenant.id)
    async with scope(town.tenant):
        assert await db.value(HEARD) == 0
        row = await db.one(EVENTS, kind="stumbled")
        assert (row["state"], row["reason"], row["attempts"]) == ("queued", "FAILED", 1)
        await db.execute("UPDATE outbox SET not_before = now()")
    failing[0] = False
    await drain(town.tenant.id)
    async with scope(town.tenant):
        assert await db.value(HEARD) == 1
        assert (await db.one(EVENTS, kind="stumbled"))["state"] == "sent"


async def test_a_payment_lets_a_held_order_go(town: Cast) -> None:
    for event, hearers in events.HEARERS.items():
        for hearer in hearers:
            channels.hear(event, hearer)
    async with scope(town.tenant):
        await add_party(town, "HELD", "Held", limit=D(1000), depth=0)
        await add_debt(town, "HELD", D(950), due_on=current_tenant().today() + timedelta(days=5))
        placed = await orders.place_order(town.max, order_of(town, "HELD", ("LAMP-1", 1)))
        assert placed.state == "on_hold"
        await record_payment(
            town.nina,
            RecordPayment(
                party_id=town.parties["HELD"],
                amount=D(50),
                key="p",
                received_on=current_tenant().today(),
            ),
        )
    await drain(town.tenant.id)
    async with scope(town.tenant):
        assert (
            await db.value(
                "SELECT state FROM sales_order WHERE party_id = :p", p=town.parties["HELD"]
            )
            == "confirmed"
        )


async def test_a_rolled_back_fact_is_never_told(town: Cast) -> None:
    woken: list[Any] = []
    outbox.use_waker(woken.append)
    try:
        try:
            async with scope(town.tenant):
                await outbox.tell("unsaid", key="x")
                raise RuntimeError
        except RuntimeError:
            pass
        assert woken == []
        async with scope(town.tenant):
            assert await db.rows(EVENTS, kind="unsaid") == []
            await outbox.tell("said", key="y")
        assert woken == [town.tenant.id]
    finally:
        outbox.use_waker(None)

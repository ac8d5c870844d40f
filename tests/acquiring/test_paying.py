"""A link is paid: once, exactly, to the right debts; and what was held goes."""

import asyncio
from datetime import timedelta
from decimal import Decimal as D

from acquiring.conftest import Till  # type: ignore[import-not-found]
from browsing import visitor
from town import add_debt, order_of

from dilo.acquiring import actions, queries
from dilo.acquiring.actions import AskPayment
from dilo.kit import db
from dilo.orders import actions as orders
from dilo.receivables.queries import invoice
from tenants.scope import scope


async def debts(till: Till, *amounts: int, late: int = 0) -> list:
    town = till.town
    async with scope(town.tenant):
        today = town.tenant.today()
        return [
            await add_debt(town, "D-1", D(a), due_on=today - timedelta(days=late)) for a in amounts
        ]


async def ask(till: Till, **wish):
    async with scope(till.town.tenant):
        party = till.town.parties["D-1"]
        return await actions.request_payment(
            till.town.petro, AskPayment(party_id=party, **{"purpose": "invoices", **wish})
        )


async def test_two_of_three_invoices_are_paid_by_one_payment_and_the_event_comes_five_times(
    till: Till,
) -> None:
    first, second, third = await debts(till, 100, 200, 300)
    link = await ask(till, invoices=[(first, None), (third, D(120))])
    assert link.amount == D(220)
    async with visitor(till.town.host) as one:
        session, answer = await till.session(one, link.path)
        assert answer.status_code == 303
        assert answer.headers["location"].startswith(till.peer.url)
        till.peer.pay(till.account, session)
        for _ in range(5):
            assert await till.deliver(till.peer.event("checkout.session.completed")) == 200
        page = await one.get(f"{link.path}?back=1")
        assert "Сплачено. Дякуємо!" in page.text
    async with scope(till.town.tenant):
        opened = [(await invoice(one)).open_amount for one in (first, second, third)]
        assert opened == [D(0), D(200), D(180)]
        assert await db.value("SELECT count(*) FROM payment") == 1
        assert await db.value("SELECT method FROM payment") == "online"
        fee = await db.value("SELECT sum(debit) FROM journal_line WHERE account = '5300'")
        assert fee == D("11.60")


async def test_a_held_order_goes_the_moment_exactly_its_excess_is_paid(till: Till) -> None:
    town = till.town
    async with scope(town.tenant):
        await add_debt(town, "D-1", D(9500), due_on=town.tenant.today() + timedelta(days=5))
        placed = await orders.place_order(town.petro, order_of(town, "D-1", ("LAMP-1", 20)))
        assert placed.state == "on_hold"
    link = await ask(till, purpose="unblock", order_id=placed.id)
    assert link.amount == D(1500)
    async with visitor(town.host) as one:
        session, _ = await till.session(one, link.path)
        till.peer.pay(till.account, session)
    events = [till.peer.events[-2], till.peer.events[-1]] * 10
    answers = await asyncio.gather(*(till.deliver(event) for event in events))
    assert set(answers) <= {200, 503}
    async with scope(town.tenant):
        assert await db.value("SELECT count(*) FROM payment") == 1
        state = await db.value("SELECT state FROM sales_order WHERE id = :id", id=placed.id)
        assert state == "confirmed"
        passed = "SELECT count(*) FROM evaluation WHERE order_id = :id AND passed"
        assert await db.value(passed, id=placed.id) == 1
        found = await queries.request_of_token(link.token)
        assert found.outcome == {"released": [placed.number], "held": []}

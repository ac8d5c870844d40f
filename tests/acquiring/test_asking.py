"""What is asked for: a shipment at the dock, an order before its invoice, by API, taken back."""

import asyncio
from datetime import date, timedelta
from decimal import Decimal as D
from typing import Any

import httpx
from acquiring.conftest import Till  # type: ignore[import-not-found]
from acquiring.test_paying import ask, debts  # type: ignore[import-not-found]
from browsing import app, client_of, staff, visitor
from hypothesis import given, settings
from hypothesis import strategies as st
from town import add_debt, order_of

from dilo.acquiring import checkout, queries
from dilo.kit import db
from dilo.orders import actions as orders
from dilo.orders.commands import Dispatch
from dilo.orders.facts import CONFIRMATION, DISPATCH, Facts, OverdueFacts
from dilo.orders.remedies import paid
from dilo.orders.rules import evaluate, passes, release_amount
from tenants.keys import add_key
from tenants.scope import scope


async def pay(till: Till, link: Any) -> None:
    async with visitor(till.town.host) as one:
        session, answer = await till.session(one, link.path)
        assert answer.status_code == 303
    till.peer.pay(till.account, session)
    assert await till.deliver(till.peer.event("payment_intent.succeeded")) == 200


async def test_a_shipment_held_at_the_dock_goes_when_its_sum_is_paid(till: Till) -> None:
    town = till.town
    async with scope(town.tenant):
        placed = await orders.place_order(town.petro, order_of(town, "D-1", ("LAMP-1", 20)))
        await add_debt(town, "D-1", D(300), due_on=town.tenant.today() - timedelta(days=40))
        sent = await orders.dispatch_order(town.ivan, Dispatch(order_id=placed.id, key="s"))
        assert sent.state == "held"
    async with client_of(town) as petro:
        page = await petro.open(f"/orders/{placed.id}")
        assert str(sent.id) in page.text, "the page of the order offers to pay for the shipment"
        form = {"purpose": "unblock", "order": str(placed.id), "shipment": str(sent.id)}
        answer = await petro.post("/pay-requests", form)
        path = answer.headers["location"]
    async with scope(town.tenant):
        found = await queries.request_of_token(path.rsplit("/", 1)[1])
    assert (found.amount, found.shipment_id) == (D(300), sent.id)
    await pay(till, type("Link", (), {"path": path}))
    async with scope(town.tenant):
        state = await db.value("SELECT state FROM shipment WHERE id = :id", id=sent.id)
        outcome = (await queries.request(found.id)).outcome
    assert state == "dispatched"
    assert outcome == {"released": [sent.number], "held": []}


async def test_an_order_paid_before_its_invoice_pays_the_invoice_when_it_comes(till: Till) -> None:
    town = till.town
    async with scope(town.tenant):
        placed = await orders.place_order(town.petro, order_of(town, "D-1", ("LAMP-1", 5)))
        await add_debt(town, "D-1", D(700), due_on=town.tenant.today())
    link = await ask(till, purpose="order", order_id=placed.id)
    assert link.amount == D(500)
    await pay(till, link)
    async with scope(town.tenant):
        assert await db.value("SELECT open_amount FROM open_item WHERE side = 'credit'") == D(
            500
        ), "an older debt does not take what was paid for this order"
        await orders.dispatch_order(town.ivan, Dispatch(order_id=placed.id, key="s", invoice=True))
        billed = "SELECT i.open_amount FROM invoice v JOIN open_item i ON i.document_id = v.id"
        of_order = await db.value(f"{billed} WHERE v.order_id = :id", id=placed.id)
        others = await db.value(f"{billed} WHERE v.order_id IS NULL")
    assert (of_order, others) == (D(0), D(700))


async def test_a_colleague_who_looks_as_the_customer_cannot_pay(till: Till) -> None:
    (invoice,) = await debts(till, 100)
    async with staff(till.town) as one, scope(till.town.tenant):
        seat = await db.value("SELECT id FROM portal_user")
    async with staff(till.town) as one:
        await one.post(f"/office/portal-users/{seat}/impersonation")
        page = await one.open("/debts")
        assert page.status_code == 200
        assert "/pay-requests" not in page.text
        form = {"purpose": "invoices", "invoice": str(invoice)}
        assert (await one.post("/pay-requests", form)).status_code == 403
    async with scope(till.town.tenant):
        assert await db.value("SELECT count(*) FROM pay_request") == 0


async def test_a_link_taken_back_closes_its_page_at_the_provider(till: Till) -> None:
    await debts(till, 100)
    link = await ask(till, purpose="advance", amount=D(70))
    late = await ask(till, purpose="advance", amount=D(80))
    async with visitor(till.town.host) as payer:
        first, _ = await till.session(payer, link.path)
        second, _ = await till.session(payer, late.path)
    till.peer.pay(till.account, second)
    async with scope(till.town.tenant):
        await db.execute("UPDATE pay_attempt SET asked_at = now() - interval '1 minute'")
        ids = [(await queries.request_of_token(one.token)).id for one in (link, late)]
    async with staff(till.town, "nina") as one:
        page = await one.open("/office/cards/requests?state=open&sort=amount")
        assert f"/office/cards/requests/{ids[0]}/withdrawal" in page.text
        answer = await one.post(f"/office/cards/requests/{ids[0]}/withdrawal")
        assert answer.status_code == 303
        json = {"accept": "application/json"}
        paid_before = await one.post(f"/office/cards/requests/{ids[1]}/withdrawal", headers=json)
        assert paid_before.json()["code"] == "NOT_PAYABLE"
        assert "відкликано" in (await one.get("/office/cards/requests?state=cancelled")).text
    session = till.peer.wallets[till.account].objects[first]
    assert session["status"] == "expired"
    async with visitor(till.town.host) as payer:
        await payer.open(link.path)
        refused = await payer.post(f"{link.path}/checkout", headers=json)
        assert refused.json()["code"] == "NOT_PAYABLE"
    async with scope(till.town.tenant):
        states = await db.rows("SELECT state FROM pay_request ORDER BY amount")
        assert [row["state"] for row in states] == ["cancelled", "paid"]
        assert await db.value("SELECT count(*) FROM payment") == 1


async def test_asking_for_the_providers_page_too_often_is_slowed(till: Till) -> None:
    await debts(till, 100)
    link = await ask(till, purpose="advance", amount=D(70))
    async with visitor(till.town.host) as payer:
        await payer.open(link.path)
        codes = [
            (await payer.post(f"{link.path}/checkout")).status_code
            for _ in range(checkout.TRIES_MOST + 1)
        ]
    assert set(codes[:-1]) == {303}
    assert codes[-1] == 429


async def test_money_set_aside_and_given_back_at_the_provider_waits_no_more(till: Till) -> None:
    intent = till.peer.take_money(till.account, 5000)
    await till.deliver(till.peer.event("payment_intent.succeeded"))

    async def state() -> str:
        async with scope(till.town.tenant):
            return await db.value("SELECT state FROM card_quarantine")

    till.peer.refund_by_hand(till.account, intent, 2000)
    await till.deliver(till.peer.event("charge.refunded"))
    assert await state() == "waiting", "a part given back is still to be decided"
    till.peer.refund_by_hand(till.account, intent, 3000)
    await till.deliver(till.peer.event("charge.refunded"))
    assert await state() == "refunded"
    async with scope(till.town.tenant):
        assert await db.value("SELECT count(*) FROM payment") == 0


async def call(till: Till, key: str, body: Any, again: str) -> httpx.Response:
    transport = httpx.ASGITransport(app(), raise_app_exceptions=False)  # type: ignore[arg-type]
    headers = {"authorization": f"Bearer {key}", "idempotency-key": again}
    base = f"http://{till.town.host}"
    async with httpx.AsyncClient(transport=transport, base_url=base, headers=headers) as client:
        if isinstance(body, str):
            return await client.get(body)
        return await client.post("/api/v1/pay-requests", json=body)


async def test_a_program_asks_once_however_often_it_calls(till: Till) -> None:
    (invoice,) = await debts(till, 100)
    async with scope(till.town.tenant):
        key, reader = await add_key("pay", ["payments.record"]), await add_key("r", ["orders.read"])
    body = {"party": "D-1", "purpose": "invoices", "invoices": [{"id": str(invoice)}]}
    answers = await asyncio.gather(*(call(till, key, body, "a") for _ in range(8)))
    assert sorted(a.status_code for a in answers) == [200] * 7 + [201]
    (made,) = {(a.json()["id"], a.json()["url"], a.json()["amount"]) for a in answers}
    assert made[2] == "100.00"
    other = await call(till, key, body | {"purpose": "unblock"}, "a")
    assert (other.status_code, other.json()["code"]) == (409, "KEY_REUSED")
    assert (await call(till, reader, body, "b")).status_code == 403
    for bad, status in (
        (body | {"amount": "x"}, 422),
        (body | {"more": 1}, 422),
        (body | {"party": "NO"}, 404),
        (body | {"purpose": "advance", "amount": "-1"}, 422),
        ([], 422),
    ):
        assert (await call(till, key, bad, "c")).status_code == status, bad
    assert (await call(till, key, body, "")).status_code == 400
    await pay(till, type("Link", (), {"path": "/pay/" + made[1].rsplit("/", 1)[1]}))
    again = await call(till, key, body, "a")
    assert (again.status_code, again.json()["state"], again.json()["id"]) == (200, "paid", made[0])
    seen = await call(till, key, f"/api/v1/pay-requests/{made[0]}", "")
    assert seen.json()["payment"]


async def test_a_program_that_takes_the_card_itself_gets_the_secret(till: Till) -> None:
    async with scope(till.town.tenant):
        key = await add_key("pay", ["payments.record"])
    body = {"party": "D-1", "purpose": "advance", "amount": "55.50", "way": "intent"}
    first, second = [await call(till, key, body, "i") for _ in range(2)]
    assert first.status_code == 201, first.text
    assert first.json()["client_secret"] == second.json()["client_secret"] != ""
    intents = [o for o in till.peer.wallets[till.account].objects if o.startswith("pi_")]
    assert len(intents) == 1
    till.peer.confirm(till.account, intents[0])
    assert await till.deliver(till.peer.event("payment_intent.succeeded")) == 200
    async with scope(till.town.tenant):
        assert await db.value("SELECT amount FROM payment") == D("55.50")


MONEY = st.decimals(0, 5000, places=2)
DAY = date(2026, 3, 13)


@settings(max_examples=150, deadline=None)
@given(
    stage=st.sampled_from((CONFIRMATION, DISPATCH)),
    order=MONEY,
    limit=st.none() | MONEY,
    receivable=MONEY,
    late=st.lists(MONEY.filter(bool), max_size=3),
    credit=MONEY,
    shipped=MONEY,
)
def test_the_sum_that_releases_is_enough_and_a_cent_less_is_not(
    stage: str, order: D, limit: D | None, receivable: D, late: list[D], credit: D, shipped: D
) -> None:
    overdue = [
        OverdueFacts(f"I-{n}", str(n), DAY - timedelta(days=40 - n), amount, 40 - n)
        for n, amount in enumerate(late)
    ]
    facts = Facts(
        stage=stage,
        today=DAY,
        order_total=order,
        order_amount=order if stage == CONFIRMATION else D(0),
        limit_amount=limit,
        receivable=receivable + sum(late, D(0)),
        credit=credit,
        shipped=shipped,
        overdue=overdue,
        overdue_amount=sum(late, D(0)),
        overdue_count=len(late),
        overdue_total=sum(late, D(0)),
    )
    amount = release_amount(facts)
    if passes(evaluate(facts)):
        assert amount is None
        return
    if amount is None:
        every = facts.receivable + facts.overdue_total
        assert not passes(evaluate(paid(facts, every))), "money would have helped"
        return
    assert passes(evaluate(paid(facts, amount)))
    assert not passes(evaluate(paid(facts, amount - D("0.01"))))

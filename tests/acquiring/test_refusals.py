"""No link to pay is made for nothing, for nonsense, or for what is another company's."""

from decimal import Decimal as D
from typing import Any
from uuid import uuid4

import pytest
from acquiring.conftest import Till  # type: ignore[import-not-found]
from acquiring.test_paying import ask, debts  # type: ignore[import-not-found]
from town import add_debt, add_party, order_of

from dilo.acquiring import actions
from dilo.kit import db
from dilo.kit.errors import Refusal
from dilo.orders import actions as orders
from tenants.scope import scope

NONSENSE = [D(0), D(-1), D("0.001"), D("NaN"), D("Infinity")]


async def refused(till: Till, code: str, **wish: Any) -> None:
    with pytest.raises(Refusal, match=code):
        await ask(till, **wish)
    async with scope(till.town.tenant):
        assert await db.value("SELECT count(*) FROM pay_request") == 0, wish


async def test_another_companys_invoice_order_and_shipment_do_not_exist(till: Till) -> None:
    town = till.town
    async with scope(town.tenant):
        await add_party(town, "D-2", "Інша", limit=None)
        today = town.tenant.today()
        theirs = await add_debt(town, "D-2", D(100), due_on=today)
        order = await orders.place_order(town.max, order_of(town, "D-2", ("LAMP-1", 1)))
    await refused(till, "NOT_FOUND", invoices=[(theirs, None)])
    for purpose in ("order", "unblock"):
        await refused(till, "NOT_FOUND", purpose=purpose, order_id=order.id)
        await refused(till, "NOT_FOUND", purpose=purpose, shipment_id=uuid4())
    await refused(till, "NOT_FOUND", purpose="order")


async def test_what_is_to_be_paid_is_a_sum_that_is_owed(till: Till) -> None:
    (one,) = await debts(till, 100)
    for amount in NONSENSE:
        await refused(till, "AMOUNT_BAD", invoices=[(one, amount)])
        await refused(till, "AMOUNT_BAD", purpose="advance", amount=amount)
    await refused(till, "AMOUNT_BAD", purpose="advance")
    await refused(till, "AMOUNT_BAD", purpose="advance", amount=D(10) ** 16)
    await refused(till, "ALLOCATION_TOO_MUCH", invoices=[(one, D("100.01"))])
    await refused(till, "NOTHING_TO_PAY", invoices=[])
    await refused(till, "NOTHING_TO_PAY", purpose="unblock")


async def test_a_cancelled_order_is_not_paid_for_and_a_link_is_taken_back_once(till: Till) -> None:
    town = till.town
    async with scope(town.tenant):
        order = await orders.place_order(town.petro, order_of(town, "D-1", ("LAMP-1", 1)))
        await orders.cancel_order(town.petro, order.id, "передумали")
    await refused(till, "NOTHING_TO_PAY", purpose="order", order_id=order.id)
    (one,) = await debts(till, 100)
    await ask(till, invoices=[(one, None)])
    async with scope(town.tenant):
        request = await db.value("SELECT id FROM pay_request")
        await actions.cancel_request(town.olena, request)
        for gone in (request, uuid4()):
            with pytest.raises(Refusal, match="NOT_PAYABLE"):
                await actions.cancel_request(town.olena, gone)

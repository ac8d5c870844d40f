"""Money in other currencies, refunds, write-offs by two people, netting, spending by policy."""

from datetime import date, timedelta
from decimal import Decimal as D
from uuid import UUID

import pytest
from browsing import staff
from hypothesis import given
from hypothesis import strategies as st
from town import Cast, add_debt, order_of

from dilo.books.queries import broken
from dilo.kit import db
from dilo.kit.errors import Refusal
from dilo.kit.ids import uuid7
from dilo.orders import actions as orders
from dilo.orders.commands import Dispatch
from dilo.payables.actions import BillForm, BillPaymentForm, pay_bill, record_bill
from dilo.payables.queries import bill
from dilo.payments import netting, write_offs
from dilo.payments.actions import (
    AllocationPolicy,
    RecordPayment,
    RefundForm,
    record_payment,
    refund_credit,
    reverse_payment,
)
from dilo.receivables.exchange import save_rate, settle
from dilo.receivables.manual import InvoiceForm, write_invoice
from dilo.receivables.queries import item_of_document, open_items_of
from tenants.scope import scope
from tenants.settings import change_setting


async def pay(town: Cast, amount: D, on: date | None = None, **more: object) -> UUID:
    command = RecordPayment(
        party_id=town.parties["D-1"],
        amount=amount,
        received_on=on or town.tenant.today(),
        key=uuid7().hex,
        **more,  # type: ignore[arg-type]
    )
    return await record_payment(town.nina, command)


async def invoice(town: Cast, amount: D, on: date, currency: str | None = None) -> UUID:
    form = InvoiceForm(
        town.parties["D-1"], town.products["DELIVERY"], amount, on, on, uuid7(), currency=currency
    )
    made = await write_invoice(town.nina, form)
    assert await write_invoice(town.nina, form) == made, "the same form is the same invoice"
    return made


async def items(town: Cast) -> dict[str, D]:
    rows = await db.rows("SELECT kind, side, open_amount, amount FROM open_item ORDER BY id")
    return {f"{r['kind']}:{r['side']}": r["amount"] for r in rows}


async def balance(town: Cast) -> tuple[D, D]:
    row = await db.one("SELECT receivable, credit FROM party_balance")
    return row["receivable"], row["credit"]


@pytest.mark.parametrize(
    ("later_rate", "paid", "kind", "difference"),
    [
        (D("42.50"), D(4250), "exchange:debit", D(150)),
        (D("39.00"), D(3900), "exchange:credit", D(200)),
    ],
)
async def test_an_invoice_in_dollars_paid_in_hryvnias_at_another_rate(
    town: Cast, later_rate: D, paid: D, kind: str, difference: D
) -> None:
    today = town.tenant.today()
    async with scope(town.tenant):
        await save_rate(town.nina, "usd", today - timedelta(days=30), D(41))
        await save_rate(town.nina, "USD", today - timedelta(days=5), later_rate)
        await invoice(town, D(100), today - timedelta(days=20), "USD")
        assert await balance(town) == (D(4100), D(0))
        await pay(town, paid)
        assert await balance(town) == (D(0), D(0)), "a hundred dollars are a hundred dollars"
        if difference == D(150):
            assert (await items(town))[kind] == D(150)
        else:
            assert (await items(town))[kind] == D(200)
        assert await broken() == []


async def test_dollars_paid_in_dollars_in_two_parts(town: Cast) -> None:
    today = town.tenant.today()
    async with scope(town.tenant):
        await save_rate(town.nina, "USD", today - timedelta(days=30), D("41.33"))
        await save_rate(town.nina, "USD", today - timedelta(days=3), D("42.07"))
        document = await invoice(town, D(100), today - timedelta(days=20), "USD")
        await pay(town, D(40), currency="USD")
        left = await item_of_document(document)
        assert left.open_amount == D("4133.00") - D("1653.20"), "40 of 100 dollars at 41.33"
        await pay(town, D(60), currency="USD")
        assert await balance(town) == (D(0), D(0))
        gain = await db.value("SELECT sum(credit - debit) FROM journal_line WHERE account = '4900'")
        assert gain == D("74.00"), "100 x (42.07 - 41.33)"
        assert await broken() == []
        with pytest.raises(Refusal, match="RATE_MISSING"):
            await pay(town, D(1), currency="EUR")


@given(
    st.decimals(D("0.01"), D(10**6), places=2),
    st.decimals(D("0.01"), D(10**6), places=2),
    st.decimals(D("0.1"), D(100), places=4),
    st.decimals(D("0.1"), D(100), places=4),
)
def test_settling_never_takes_more_than_there_is(
    opened: D, available: D, carried_rate: D, rate: D
) -> None:
    settled = settle(opened, available, carried_rate, rate)
    assert 0 <= settled.carried <= opened
    assert 0 <= settled.paid <= available
    if settled.carried == opened and settled.paid < available:
        assert abs(settled.paid - opened * rate / carried_rate) <= D("0.01")


async def test_an_advance_is_paid_back_and_no_more(town: Cast) -> None:
    today = town.tenant.today()
    async with scope(town.tenant):
        paid = await item_of_document(await pay(town, D(100)))
        form = RefundForm(D(60), today, "r1", "cash")
        first = await refund_credit(town.nina, paid.id, form)
        assert await refund_credit(town.nina, paid.id, form) == first
        assert await balance(town) == (D(0), D(40))
        with pytest.raises(Refusal, match="AMOUNT_BAD"):
            await refund_credit(town.nina, paid.id, RefundForm(D("40.01"), today, "r2"))
        with pytest.raises(Refusal, match="FORBIDDEN"):
            await refund_credit(town.max, paid.id, form)
        with pytest.raises(Refusal, match="ALREADY_REVERSED"):
            await reverse_payment(town.nina, first)
        assert await broken() == []
    async with staff(town, "nina") as one:
        order = await one.get(f"/office/payments/{first}/cash-order")
        assert order.content.startswith(b"%PDF")


async def test_a_write_off_takes_two_people(town: Cast) -> None:
    async with scope(town.tenant):
        debt = await add_debt(town, "D-1", D(100), due_on=town.tenant.today())
        item = await item_of_document(debt)
        asked = await write_offs.request_write_off(town.maria, item.id, D(80), "збанкрутував")
        with pytest.raises(Refusal, match="ALREADY_ASKED"):
            await write_offs.request_write_off(town.nina, item.id, D(5), "ще")
        for person in (town.maria, town.nina):
            with pytest.raises(Refusal, match=r"OWN_WRITE_OFF|FORBIDDEN"):
                await write_offs.decide_write_off(person, asked, True)
        await write_offs.decide_write_off(town.olena, asked, True)
        assert await balance(town) == (D(20), D(0))
        with pytest.raises(Refusal, match="OVERRIDE_DECIDED"):
            await write_offs.decide_write_off(town.olena, asked, False)
        late = await write_offs.request_write_off(town.max, item.id, D(20), "решта")
        await pay(town, D(15))
        with pytest.raises(Refusal, match="AMOUNT_BAD"):
            await write_offs.decide_write_off(town.olena, late, True)
        assert await balance(town) == (D(5), D(0)), "what is paid is not written off"
        assert await broken() == []


async def test_netting_closes_both_sides_and_opens_both_again(town: Cast) -> None:
    today, party = town.tenant.today(), town.parties["D-1"]
    async with scope(town.tenant):
        await add_debt(town, "D-1", D(500), due_on=today)
        ids = [
            await record_bill(
                town.nina,
                BillForm(party, f"B-{n}", today, today + timedelta(days=n), D(200), f"{n}"),
            )
            for n in (1, 2)
        ]
        await pay_bill(town.nina, ids[0], BillPaymentForm(D(50), today, "pay"))
        with pytest.raises(Refusal, match="NETTING_TOO_MUCH"):
            await netting.net(town.nina, party, "UAH", D("350.01"), today, "k")
        done = await netting.net(town.nina, party, "UAH", D(300), today, "k")
        assert await netting.net(town.nina, party, "UAH", D(300), today, "k") == done
        assert [(await bill(one)).open_amount for one in ids] == [D(0), D(50)]
        assert await balance(town) == (D(200), D(0))
        assert await broken() == []
        with pytest.raises(Refusal, match="NETTED"):
            await reverse_payment(town.nina, done)
        await netting.undo(town.nina, done)
        assert [(await bill(one)).open_amount for one in ids] == [D(150), D(200)]
        assert await balance(town) == (D(500), D(0))
        assert await broken() == []
        cash = await db.value("SELECT count(*) FROM journal_line WHERE account = '1010'")
        assert cash == 1, "only the payment of the bill moved money"


async def test_a_bill_is_never_overpaid(town: Cast) -> None:
    today, party = town.tenant.today(), town.parties["D-1"]
    async with scope(town.tenant):
        owed = await record_bill(town.nina, BillForm(party, "B-9", today, today, D(10), "x"))
        with pytest.raises(Refusal, match="ALLOCATION_TOO_MUCH"):
            await pay_bill(town.nina, owed, BillPaymentForm(D("10.01"), today, "y"))
        with pytest.raises(Refusal, match="NUMBER_TAKEN"):
            await record_bill(town.nina, BillForm(party, "B-9", today, today, D(10), "z"))


async def test_money_is_spent_as_the_company_chose(town: Cast) -> None:
    today = town.tenant.today()
    async with scope(town.tenant):
        for number, days in (("A-1", 30), ("A-2", 20), ("A-3", 10)):
            await add_debt(town, "D-1", D(100), due_on=today - timedelta(days=days), number=number)
        await pay(town, D(150), reference="оплата за a-3, дякуємо", allocate="policy")
        left = {
            i.number: i.open_amount
            for i in await open_items_of(town.parties["D-1"], "UAH", "debit")
        }
        assert left == {"A-1": D(50), "A-2": D(100)}
        await change_setting(town.nina, "allocation", AllocationPolicy("reference", "none"))
        await pay(town, D(150), reference="A-2", allocate="policy")
        assert await balance(town) == (D(50), D(50)), "what is left stays an advance"


async def test_money_for_an_order_pays_its_invoices_first(town: Cast) -> None:
    today = town.tenant.today()
    async with scope(town.tenant):
        await add_debt(town, "D-1", D(100), due_on=today - timedelta(days=9), number="OLD")
        await db.execute("UPDATE credit_policy SET grace_days = 30")
        placed = await orders.place_order(town.max, order_of(town, "D-1", ("LAMP-1", 1)))
        await orders.dispatch_order(town.ivan, Dispatch(order_id=placed.id, key="s", invoice=True))
        await pay(town, D(100), reference=f"за {placed.number}", allocate="order")
        left = await open_items_of(town.parties["D-1"], "UAH", "debit")
        assert [item.number for item in left] == ["OLD"]


async def test_pages_of_settling(town: Cast) -> None:
    async with scope(town.tenant):
        await add_debt(town, "D-1", D(100), due_on=town.tenant.today(), number="A-1")
        party = town.parties["D-1"]
    async with staff(town, "olena") as one:
        for url in (
            "/office/bills",
            "/office/bills/new",
            f"/office/bills/new?party={party}",
            "/office/rates",
            "/office/write-offs",
            f"/office/parties/{party}/netting",
            "/office/invoices/new",
            f"/office/invoices/new?party={party}",
            "/office/bank",
        ):
            page = await one.get(url)
            assert page.status_code == 200, url
        bad = await one.post(
            "/office/bills",
            {
                "party": str(party),
                "number": "B-1",
                "total": "-5",
                "issued_on": "2026-01-01",
                "due_on": "2026-01-02",
                "key": "k",
            },
        )
        assert bad.status_code == 422
        assert 'value="B-1"' in bad.text

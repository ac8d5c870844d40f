"""The client's credit panel is the staff's card, to the cent; every figure opens its documents."""

import io
import re
from datetime import timedelta
from decimal import Decimal as D

import pytest
from acquiring.conftest import Till  # type: ignore[import-not-found]
from browsing import client_of, staff
from python_calamine import CalamineWorkbook
from town import Cast, add_debt, order_of

from dilo.acquiring import rules
from dilo.credit.actions import SecurityForm, add_security
from dilo.kit import db
from dilo.orders import actions as orders
from dilo.orders.commands import Dispatch
from dilo.orders.exposure import PARTS, figure_of, made_of
from dilo.parties.queries import party
from dilo.payments.actions import RecordPayment, record_payment
from tenants.scope import scope

FIGURE = re.compile(r'<td class="num[^"]*">([^<]*)</td>')


async def busy(town: Cast) -> None:
    """Something in every part of the exposure."""
    async with scope(town.tenant):
        today, d1 = town.tenant.today(), town.parties["D-1"]
        placed = await orders.place_order(town.max, order_of(town, "D-1", ("SOCKET", 7)))
        await orders.dispatch_order(town.ivan, Dispatch(order_id=placed.id, key="s"))
        await orders.place_order(town.max, order_of(town, "D-1", ("LAMP-1", 3)))
        await add_debt(town, "D-1", D("812.34"), due_on=today + timedelta(days=3))
        paid = RecordPayment(
            party_id=d1, amount=D("55.55"), received_on=today, key="x", allocate="none"
        )
        await record_payment(town.nina, paid)
        await add_security(town.olena, d1, SecurityForm("deposit", D("77.70"), today))
        await add_debt(town, "D-1", D("19.99"), due_on=today - timedelta(days=40))


def exposure(page: str) -> list[str]:
    """Every figure of the table that begins with the receivables."""
    tables = re.findall(r"<table.*?</table>", page, re.S)
    marks = ("/debts/receivable", "open-documents")
    return FIGURE.findall(next(one for one in tables if any(mark in one for mark in marks)))


async def test_the_panel_and_the_staff_card_show_the_same_figures(town: Cast) -> None:
    await busy(town)
    async with client_of(town) as one, staff(town) as other:
        theirs = (await one.get("/debts")).text
        ours = (await other.get(f"/office/parties/{town.parties['D-1']}/standing")).text
        card = (await other.get(f"/office/parties/{town.parties['D-1']}")).text
    assert exposure(theirs) == exposure(ours)
    assert len(exposure(theirs)) == 8
    values = re.compile(r'<div class="value[^"]*">([^<]*)</div>')
    assert values.findall(theirs)[:3] == values.findall(card)[:3]
    verdict = re.compile(r"<div>([^<]*)</div>\s*(?:<div class=\"parts|<ul|</div>)")
    assert verdict.findall(theirs)[:1] == verdict.findall(ours)[:1] != []


async def test_every_figure_is_the_sum_of_the_documents_it_opens(town: Cast) -> None:
    await busy(town)
    async with scope(town.tenant):
        debtor = await party(town.parties["D-1"])
        for part in PARTS:
            made = await made_of(debtor, part, town.tenant.today())
            assert made, part
            assert sum(one.amount for one in made) == figure_of(debtor, part), part
        signed = [(-1 if p in ("credit", "deposit") else 1) * figure_of(debtor, p) for p in PARTS]
        assert sum(signed) == debtor.exposure
    async with client_of(town) as one:
        for part in PARTS:
            assert (await one.get(f"/debts/{part}")).status_code == 200


async def test_the_list_is_filtered_sorted_and_taken_away_as_a_file(town: Cast) -> None:
    await busy(town)
    async with client_of(town) as one:
        late = (await one.get("/debts?show=overdue")).text
        assert late.count("/pdf") == 1
        everything = (await one.get("/debts?show=all&sort=-total")).text
        assert everything.count('/pdf" aria-label') >= 2
        none = await one.get("/debts?since=2099-01-01&q=zzz")
        assert none.status_code == 200
        for kind in ("xlsx", "csv"):
            file = await one.get(f"/debts?show=all&as={kind}")
            assert file.headers["content-disposition"].endswith(f'.{kind}"')
        assert (await one.get("/debts?since=nonsense&page=-5&sort=;drop")).status_code == 200


async def test_a_statement_adds_up_in_every_form(town: Cast) -> None:
    await busy(town)
    async with scope(town.tenant):
        owed = (await party(town.parties["D-1"])).balance
    today = town.tenant.today()
    period = f"since={today - timedelta(days=20)}&until={today}"
    async with client_of(town) as one:
        page = await one.get(f"/statement?{period}")
        assert page.status_code == 200
        book = await one.get(f"/statement?{period}&as=xlsx")
        paper = await one.get(f"/statement?{period}&as=pdf")
        assert paper.content.startswith(b"%PDF")
        assert (await one.get(f"/statement?since={today}&until=2001-01-01")).status_code == 422
    rows = (
        CalamineWorkbook.from_filelike(io.BytesIO(book.content)).get_sheet_by_index(0).to_python()
    )
    opening, closing = D(str(rows[1][5])), D(str(rows[-1][5]))
    moves = sum((D(str(row[3] or 0)) - D(str(row[4] or 0)) for row in rows[2:-1]), D(0))
    assert opening + moves == closing == owed
    assert opening == D("19.99")


async def test_an_invoice_is_a_sheet_with_both_companies_and_a_code_to_pay_by(till: Till) -> None:
    town = till.town
    async with scope(town.tenant):
        debt = await add_debt(town, "D-1", D(100), due_on=town.tenant.today())
    async with client_of(town) as one:
        file = await one.get(f"/invoices/{debt}/pdf")
        assert file.content.startswith(b"%PDF")
        assert file.headers["content-type"] == "application/pdf"
        assert (await one.get(f"/invoices/{debt}")).status_code == 200
    async with scope(town.tenant):
        assert await db.value("SELECT amount FROM pay_request") == D(100)


async def test_without_an_account_there_is_no_card_button_but_a_way_to_pay(town: Cast) -> None:
    await busy(town)
    async with staff(town) as one:
        await one.open("/office/requisites")
        form = {"legal_name": "ТОВ «Світло»", "iban": "UA213223130000026007233566001"}
        assert (await one.post("/office/requisites", form)).status_code == 303
    async with client_of(town) as one:
        page = (await one.open("/debts")).text
        assert 'action="/pay-requests"' not in page
        assert "UA213223130000026007233566001" in page
        refused = await one.post(
            "/pay-requests", {"purpose": "unblock"}, headers={"accept": "application/json"}
        )
        assert refused.json()["code"] == "CARDS_NOT_TAKEN"


@pytest.mark.parametrize(
    ("amount", "currency", "units"),
    [
        ("12.34", "UAH", 1234),
        ("500", "JPY", 500),
        ("500.50", "JPY", None),
        ("1.50", "KWD", 1500),
        ("12.00", "ISK", 1200),
        ("12.50", "ISK", None),
        ("0", "UAH", None),
    ],
)
def test_units_are_the_currencys_own(amount: str, currency: str, units: int | None) -> None:
    assert rules.minor_units(D(amount), currency) == units
    if units is not None:
        assert rules.major_units(units, currency) == D(amount)

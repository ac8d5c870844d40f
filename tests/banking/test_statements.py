"""Statements of every format: posted where sure, a person where not, nothing twice, nothing lost."""

from datetime import timedelta
from decimal import Decimal as D

import pytest
from browsing import staff
from town import Cast, add_debt, add_party

from dilo.banking import formats
from dilo.banking.actions import confirm_line, ignore_line, import_statement
from dilo.banking.queries import lines
from dilo.banking.rules import Evidence, decide
from dilo.books.queries import broken
from dilo.kit import db
from dilo.kit.errors import Refusal
from dilo.kit.ids import uuid7
from dilo.kit.paging import Paging
from dilo.receivables.queries import item_of_document
from tenants.scope import scope

CAMT = """<?xml version="1.0" encoding="UTF-8"?>
<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.08"><BkToCstmrStmt><Stmt>
<Acct><Id><IBAN>UA903052992990004149123456789</IBAN></Id></Acct>
<Bal><Tp><CdOrPrtry><Cd>OPBD</Cd></CdOrPrtry></Tp><Amt Ccy="UAH">1000.00</Amt><CdtDbtInd>CRDT</CdtDbtInd></Bal>
<Bal><Tp><CdOrPrtry><Cd>CLBD</Cd></CdOrPrtry></Tp><Amt Ccy="UAH">1330.00</Amt><CdtDbtInd>CRDT</CdtDbtInd></Bal>
<Ntry><Amt Ccy="UAH">100.00</Amt><CdtDbtInd>CRDT</CdtDbtInd><BookgDt><Dt>{day}</Dt></BookgDt><AcctSvcrRef>R1</AcctSvcrRef>
<NtryDtls><TxDtls><RltdPties><Dbtr><Pty><Nm>ТОВ «Електросвіт»</Nm></Pty></Dbtr><DbtrAcct><Id><IBAN>UA11</IBAN></Id></DbtrAcct></RltdPties>
<RmtInf><Ustrd>Оплата за A-1 зг. договору</Ustrd></RmtInf></TxDtls></NtryDtls></Ntry>
<Ntry><Amt Ccy="UAH">250.00</Amt><CdtDbtInd>CRDT</CdtDbtInd><BookgDt><Dt>{day}</Dt></BookgDt><AcctSvcrRef>R2</AcctSvcrRef>
<NtryDtls><TxDtls><Amt Ccy="UAH">200.00</Amt><RmtInf><Ustrd>за товар</Ustrd></RmtInf></TxDtls>
<TxDtls><Amt Ccy="UAH">50.00</Amt><RltdPties><Dbtr><Nm>Невідомий</Nm></Dbtr><DbtrAcct><Id><IBAN>UA77</IBAN></Id></DbtrAcct></RltdPties><RmtInf><Ustrd>B-7</Ustrd></RmtInf></TxDtls></NtryDtls></Ntry>
<Ntry><Amt Ccy="UAH">20.00</Amt><CdtDbtInd>DBIT</CdtDbtInd><BookgDt><Dt>{day}</Dt></BookgDt><AddtlNtryInf>комісія банку</AddtlNtryInf></Ntry>
</Stmt></BkToCstmrStmt></Document>"""
MT940 = """:20:START
:25:UA903052992990004149123456789/UAH
:28C:1/1
:60F:C261101UAH1000,00
:61:{yy}{mmdd}C100,00NTRFA-1//REF1
:86:Payment for A-1
:61:{yy}{mmdd}D20,00NCHGNONREF//REF2
:86:fee
:62F:C261103UAH1080,00
"""


async def two_debtors(town: Cast) -> None:
    today = town.tenant.today()
    await db.execute("UPDATE party SET tax_id = '30000001' WHERE code = 'D-1'")
    await add_party(town, "D-2", "ТОВ «Вольт»")
    await add_debt(town, "D-1", D(100), due_on=today, number="A-1")
    await add_debt(town, "D-2", D(70), due_on=today - timedelta(days=3), number="B-7")


def camt(town: Cast) -> bytes:
    return CAMT.format(day=town.tenant.today().isoformat()).encode()


async def test_camt_is_posted_where_sure_and_asked_where_not(town: Cast) -> None:
    async with scope(town.tenant):
        await two_debtors(town)
        done = await import_statement(town.nina, "camt.xml", camt(town))
        assert (done.lines, done.posted, done.review, done.known) == (4, 2, 1, 0)
        found = {line.amount: line for line in (await lines(Paging())).rows}
        assert (found[D(100)].state, found[D(100)].party_name) == ("posted", "ТОВ «Електросвіт»")
        assert (found[D(50)].state, found[D(50)].party_name) == ("posted", "ТОВ «Вольт»")
        assert (found[D(200)].state, found[D(200)].party_id) == ("review", None)
        assert found[D(-20)].state == "ignored"
        assert await db.value("SELECT sum(open_amount) FROM open_item") == D(20)
        statement = await db.one("SELECT opening, closing, account FROM bank_statement")
        assert statement["closing"] - statement["opening"] == sum(found)
        assert statement["account"] == "UA903052992990004149123456789"
        assert await broken() == []


async def test_nothing_is_taken_twice(town: Cast) -> None:
    async with scope(town.tenant):
        await two_debtors(town)
        await import_statement(town.nina, "a.xml", camt(town))
        with pytest.raises(Refusal, match="FILE_KNOWN"):
            await import_statement(town.nina, "b.xml", camt(town))
        again = await import_statement(town.nina, "c.xml", camt(town) + b"\n")
        assert (again.lines, again.known) == (0, 4)
        assert await db.value("SELECT count(*) FROM payment") == 2


async def test_a_person_decides_and_the_account_is_remembered(town: Cast) -> None:
    today = town.tenant.today()
    head = "Дата;Сума;Контрагент;IBAN;Призначення платежу\n"
    async with scope(town.tenant):
        await two_debtors(town)
        csv = head + f"{today:%d.%m.%Y};1 234,50;ФОП Коваль;UA55;за лампи\n"
        first = await import_statement(town.nina, "1.csv", csv.encode("cp1251"))
        assert (first.posted, first.review) == (0, 1)
        (line,) = (await lines(Paging(), state="review")).rows
        assert line.amount == D("1234.50")
        payment = await confirm_line(town.nina, line.id, town.parties["D-2"])
        with pytest.raises(Refusal, match="LINE_DECIDED"):
            await confirm_line(town.nina, line.id, town.parties["D-1"])
        rest = await item_of_document(payment)
        assert rest.open_amount == D("1164.50"), "70 were owed, the rest is an advance"
        csv = head + f"{today:%d.%m.%Y};10;ТОВ «Вольт»;UA55;за лампи знову\n"
        assert (await import_statement(town.nina, "2.csv", csv.encode())).posted == 1
        csv = head + f"{today:%d.%m.%Y};11;;UA55;незрозуміло\n"
        await import_statement(town.nina, "3.csv", csv.encode())
        (line,) = (await lines(Paging(), state="review")).rows
        assert line.party_name == "ТОВ «Вольт»", "suggested, yet a person says yes"
        await ignore_line(town.nina, line.id, True)
        await ignore_line(town.nina, line.id, False)
        with pytest.raises(Refusal, match="FORBIDDEN"):
            await confirm_line(town.max, line.id, town.parties["D-2"])
        assert await broken() == []


async def test_mt940(town: Cast) -> None:
    today = town.tenant.today()
    text = MT940.format(yy=f"{today:%y}", mmdd=f"{today:%m%d}")
    async with scope(town.tenant):
        await two_debtors(town)
        done = await import_statement(town.nina, "x.sta", text.encode())
        assert (done.lines, done.posted) == (2, 1)
        assert (await item_of_document_number("A-1")) == D(0)


async def item_of_document_number(number: str) -> D:
    return await db.value("SELECT open_amount FROM open_item WHERE number = :n", n=number)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<a><b>",
        b'<!DOCTYPE a [<!ENTITY x "y">]><Document>&x;</Document>',
        b'<?xml version="1.0"?><!DOCTYPE r [<!ENTITY x SYSTEM "file:///etc/passwd">]><r>&x;</r>',
        b":20:x\n:61:nonsense\n",
        b"a,b\n1,2\n",
        b"\x00\xff\xfe\x00" * 50,
    ],
)
async def test_hostile_files_are_refused_and_change_nothing(town: Cast, body: bytes) -> None:
    with pytest.raises(Refusal):
        async with scope(town.tenant):
            await import_statement(town.nina, "x", body)
    async with scope(town.tenant):
        assert await db.value("SELECT count(*) FROM bank_statement") == 0


def test_bad_lines_are_named_good_ones_go_in() -> None:
    body = (
        "date,amount,purpose\n2026-01-05,10,ok\nsoon,10,no\n2026-01-06,many,no\n2026-01-06,7,ok\n"
    )
    found = formats.read(body.encode(), "UAH", {})
    assert [line.amount for line in found.lines] == [D(10), D(7)]
    assert found.faults == [(3, "DATE"), (4, "[<class 'decimal.ConversionSyntax'>]")] or [
        number for number, _ in found.faults
    ] == [3, 4]
    twins = formats.read(b"date,amount,purpose\n2026-01-05,10,x\n2026-01-05,10,x\n", "UAH", {})
    assert len({line.key for line in twins.lines}) == 2, "two equal lines are two payments"


def test_only_what_is_sure_goes_by_itself() -> None:
    one, two = uuid7(), uuid7()
    assert decide([Evidence(one, "number", ("A-1",))]).sure
    assert decide([Evidence(one, "tax_id")]).sure
    assert not decide([Evidence(one, "account")]).sure
    assert decide([Evidence(one, "account"), Evidence(one, "name")]).sure
    assert not decide([Evidence(one, "number"), Evidence(two, "number")]).sure, "two are named"
    assert not decide([Evidence(one, "number"), Evidence(two, "tax_id")]).sure
    assert not decide([Evidence(one, "like"), Evidence(one, "amount")]).sure
    assert decide([]).party_id is None


async def test_the_queue_in_the_office(town: Cast) -> None:
    async with scope(town.tenant):
        await two_debtors(town)
    async with staff(town, "nina") as one:
        await one.open("/office/bank")
        sent = await one.client.post(
            "/office/bank",
            data={"_csrf_token": one.token},
            files={"file": ("camt.xml", camt(town), "application/xml")},
        )
        assert sent.status_code == 303
        page = await one.get("/office/bank")
        assert "за товар" in page.text
        async with scope(town.tenant):
            (line,) = (await lines(Paging(), state="review")).rows
        assert "Вольт" in (await one.get(f"/office/bank/lines/{line.id}?q=вольт")).text
        done = await one.post(
            f"/office/bank/lines/{line.id}/confirmation", {"party": str(town.parties["D-2"])}
        )
        assert done.status_code == 303
        wrong = await one.client.post(
            "/office/bank",
            data={"_csrf_token": one.token},
            files={"file": ("x.csv", b"a;b\n1;2\n", "text/csv")},
        )
        assert wrong.status_code == 422

"""Plans for many dealers at once: copied, set for all, brought back in the planner's spreadsheet."""

from collections.abc import Iterator
from datetime import date
from decimal import Decimal as D

import pytest
from browsing import staff
from dealing import agreed_plan, make_dealer, on_day, sell
from town import Cast, add_party

from dilo.dealers.plan_sheets import SheetForm, plan_rows, take_sheet
from dilo.dealers.plans import changes_of, lines_of, plan, plans_of
from dilo.dealers.schemes import SchemeForm, make_scheme
from dilo.dealers.targets import BulkForm, CopyForm, bulk_plans, copy_plans
from dilo.kit import clock, db
from dilo.kit.errors import Forbidden, Refusal
from dilo.kit.export import csv_bytes
from dilo.kit.reading import sheet_of
from tenants.scope import scope

NOVEMBER, DECEMBER = date(2026, 11, 15), date(2026, 12, 10)


@pytest.fixture(autouse=True)
def _clock() -> Iterator[None]:
    on_day(NOVEMBER)
    yield
    clock.freeze(None)


async def targets_in(town: Cast, party: str, day: date) -> list[tuple[D | None, D | None]]:
    """Money and pieces of the party's plan that a day falls into."""
    [found] = [p for p in await plans_of(town.parties[party]) if p.since <= day <= p.until]
    return [(x.target_amount, x.target_quantity) for x in await lines_of([found.id])]


async def test_plans_are_copied_raised_once_and_a_category_is_set_for_all(town: Cast) -> None:
    async with scope(town.tenant):
        for code in ("D-2", "D-3"):
            await add_party(town, code, code)
            await make_dealer(town, code)
        await agreed_plan(town, NOVEMBER, target=D("1000.50"))
        await agreed_plan(town, NOVEMBER, target=None, pieces=D(7), party="D-2")
        copy = CopyForm("month", DECEMBER, D(10))
        assert await copy_plans(town.olena, copy) == 2
        assert await copy_plans(town.olena, copy) == 0, "who has a plan gets no second one"
        assert await targets_in(town, "D-1", DECEMBER) == [(D("1100.55"), None)]
        assert await targets_in(town, "D-2", DECEMBER) == [(None, D(8))]
        with pytest.raises(Forbidden):
            await copy_plans(town.ivan, copy)
        with pytest.raises(Refusal, match="PERCENT_BAD"):
            await copy_plans(town.olena, CopyForm("month", DECEMBER, D(-100)))

        await sell(town, D(200), date(2025, 12, 5), party="D-3")
        bulk = BulkForm("month", DECEMBER, growth=D(50))
        assert await bulk_plans(town.olena, bulk) == 1, "only he bought anything a year ago"
        assert await targets_in(town, "D-3", DECEMBER) == [(D(300), None)]
        fixed = BulkForm("month", DECEMBER, amount=D(500))
        assert await bulk_plans(town.olena, fixed) == 3
        assert await targets_in(town, "D-1", DECEMBER) == [(D(500), None)]
        assert await bulk_plans(town.olena, BulkForm("month", NOVEMBER, amount=D(1))) == 1
        assert await targets_in(town, "D-1", NOVEMBER) == [(D("1000.50"), None)], "agreed: stays"
        [made] = [p for p in await plans_of(town.parties["D-3"]) if p.since.month == 12]
        assert [row["verb"] for row in await changes_of(made.id)] == ["bulk", "bulk"]


async def test_a_sheet_is_handed_out_filled_and_taken_back_whole_or_not_at_all(town: Cast) -> None:
    form = SheetForm("month", DECEMBER)
    async with scope(town.tenant):
        await add_party(town, "D-2", "=Другий")
        await make_dealer(town, "D-2")
        await agreed_plan(town, NOVEMBER)
        await make_scheme(town.olena, SchemeForm("Зима", "90 1"))
        await sell(town, D(120), date(2025, 12, 5), product="SOCKET")
        rows = {row["code"]: row for row in await plan_rows(town.olena, form)}
        assert rows["D-1"]["target_amount"] == D(1000) and rows["D-1"]["last_year"] == D(120)
        assert rows["D-2"]["target_amount"] is None
        assert "D-1" not in {
            r["code"] for r in await plan_rows(town.olena, SheetForm("month", NOVEMBER))
        }

        bad = [
            ("X-9", "", "", "1", ""),
            ("D-1", "Немає", "", "ба", ""),
            ("D-2", "", "SOCKET", "5", "Літо"),
            ("d-2", "", "socket", "6", ""),
            ("D-1", "", "", "10", ""),
        ]
        head = ("Код", "Категорія", "Product code", "Ціль, гроші", "scheme")
        made, faults = await take_sheet(town.olena, form, sheet_of(csv_bytes(head, bad)))
        assert made == 0
        assert [(f.line_no, f.code) for f in faults] == [
            (2, "UNKNOWN_DEALER"),
            (3, "AMOUNT_BAD"),
            (3, "UNKNOWN_CATEGORY"),
            (4, "UNKNOWN_SCHEME"),
            (5, "TWICE"),
        ]
        november = SheetForm("month", NOVEMBER)
        _, faults = await take_sheet(town.olena, november, sheet_of(csv_bytes(head, bad[4:])))
        assert [f.code for f in faults] == ["BEYOND_DRAFT"]
        with pytest.raises(Refusal, match="COLUMNS_MISSING"):
            await take_sheet(town.olena, form, sheet_of(b"a;b\n1;2"))
        assert await db.value("SELECT count(*) FROM dealer_plan") == 1

    async with staff(town) as office:
        sheet = await office.get("/office/dealers/plans/sheet?period=month&day=2026-12-01&as=csv")
        lines = sheet.text.lstrip("\ufeff").splitlines()
        assert lines[1:] and any(line.startswith("D-2,'=Другий") for line in lines)
        wish = {"period": "month", "day": "2026-12-01"}
        pasted = "Код\tТовар\tЦіль, гроші\nD-1\t\t1 200,50\nD-2\t\tні"
        await office.open("/office/dealers/plans/new")
        again = await office.post("/office/dealers/plans/sheet", wish | {"pasted": pasted})
        assert again.status_code == 422 and "D-1\t\t1 200,50" in again.text, "nothing typed is lost"
        good = "Код\tКод товару\tЦіль, гроші\tЦіль, кількість\tСхема бонусів\n"
        good += "D-1\t\t1 200,50\t\t\nD-2\tSOCKET\t\t12\tЗима\nD-2\t\t\t\t\n"
        taken = await office.post("/office/dealers/plans/sheet", wish | {"pasted": good})
        assert taken.headers["location"] == "/office/dealers?state=draft"
    async with scope(town.tenant):
        assert await targets_in(town, "D-1", DECEMBER) == [(D("1200.50"), None)]
        assert await targets_in(town, "D-2", DECEMBER) == [(None, D(12))]
        [drafted] = await plans_of(town.parties["D-2"])
        assert (await plan(drafted.id)).state == "draft"
        assert (await lines_of([drafted.id]))[0].scheme == "Зима"

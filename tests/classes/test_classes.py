"""ABC and XYZ counted by hand, and the real history counted again by polars."""

import gzip
from datetime import date
from decimal import Decimal as D
from pathlib import Path

import asyncpg
import pytest
from browsing import staff
from town import Cast, add_party

from dilo.classes import actions, queries
from dilo.classes.actions import RuleForm
from dilo.classes.queries import Settings, window
from dilo.kit import db
from dilo.kit.errors import Refusal
from dilo.kit.paging import Paging
from dilo.parties.queries import party
from dilo.receivables.actions import Document, DocumentLine, post_documents
from dilo.run.settings import settings as process
from tenants.scope import scope

ON = date(2026, 5, 10)
FOUR = Settings(periods=4, x_percent=D(10), y_percent=D(50))
HISTORY = Path(__file__).parents[3] / "shared/data/online_retail.csv.gz"


def test_only_whole_periods_count() -> None:
    assert window(Settings(), date(2026, 11, 24)) == (date(2025, 11, 1), date(2026, 10, 31))
    assert window(FOUR, ON) == (date(2026, 1, 1), date(2026, 4, 30))
    weeks = Settings(every="week", periods=2)
    assert window(weeks, date(2026, 11, 24)) == (date(2026, 11, 9), date(2026, 11, 22))


async def sell(town: Cast, code: str, month: int, amount: D, kind: str = "invoice") -> None:
    on = date(2026, month, 15)
    line = DocumentLine(town.products["DELIVERY"], D(1), amount, amount)
    number = f"{kind[:1]}-{code}-{month}-{amount}"
    await post_documents([Document(kind, number, town.parties[code], on, on, "UAH", [line])])


async def story(town: Cast) -> None:
    """Of 1 000 in January to April: steady 700, wavering 240, jumping 60; one only gave back."""
    for code in ("STEADY", "WAVES", "JUMPS", "BACK"):
        await add_party(town, code, code, limit=D(100), depth=5)
    for month, steady, waves in ((1, 175, 40), (2, 175, 80), (3, 180, 80), (4, 170, 40)):
        await sell(town, "STEADY", month, D(steady))
        await sell(town, "WAVES", month, D(waves))
    await sell(town, "JUMPS", 2, D(80))
    await sell(town, "JUMPS", 2, D(20), "credit_note")
    await sell(town, "BACK", 3, D(5), "credit_note")
    await sell(town, "JUMPS", 5, D(9999))  # the month that has not ended


async def test_classes_are_what_the_hand_counts(town: Cast) -> None:
    async with scope(town.tenant):
        await story(town)
        page = await queries.classed("clients", FOUR, "UAH", ON, Paging())
        found = {row.code: row for row in page.rows}
        assert {code: row.abc + row.xyz for code, row in found.items()} == {
            "STEADY": "AX",  # nothing gathered before it; deviation 3.54 of a mean of 175: 2 %
            "WAVES": "AY",  # 70 % gathered before it; 20 of 60: 33 %
            "JUMPS": "BZ",  # 94 % gathered before it; one month of four
            "BACK": "CZ",
        }
        assert found["STEADY"].total == D(700)
        assert round(found["STEADY"].variation or 0, 4) == D("0.0202")
        assert round(found["WAVES"].variation or 0, 4) == D("0.3333")
        assert round(found["JUMPS"].variation or 0, 4) == round(D(3).sqrt(), 4)
        assert found["WAVES"].gathered_share == D("0.94")
        cells = await queries.matrix("clients", FOUR, "UAH", ON)
        assert {cell: row["items"] for cell, row in cells.items()} == {
            "AX": 1,
            "AY": 1,
            "BZ": 1,
            "CZ": 1,
        }
        only = await queries.classed("clients", FOUR, "UAH", ON, Paging(), cell="BZ")
        assert [row.code for row in only.rows] == ["JUMPS"]
        strict = Settings(periods=4, a_percent=D(70), b_percent=D(94))
        page = await queries.classed("clients", strict, "UAH", ON, Paging())
        assert [row.abc for row in page.rows] == ["A", "B", "C", "C"], "a line is not yet crossed"
        goods = await queries.classed("goods", FOUR, "UAH", ON, Paging())
        assert [(row.code, row.abc) for row in goods.rows] == [("DELIVERY", "A")]


async def test_what_follows_by_rule_is_shown_applied_and_taken_back(
    town: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    from datetime import UTC, datetime

    from dilo.kit import clock

    monkeypatch.setattr(clock, "now", lambda: datetime(2026, 5, 10, 12, tzinfo=UTC))
    async with scope(town.tenant):
        await story(town)
        await actions.save_settings(town.maria, "clients", FOUR)
        with pytest.raises(Refusal, match="THRESHOLDS_BAD"):
            await actions.save_settings(town.maria, "clients", Settings(a_percent=D(96)))
        await actions.add_rule(
            town.maria,
            RuleForm(
                "Ключові",
                ["A"],
                limit_amount=D(5000),
                depth_days=30,
                priority=1,
                owner_id=town.max.id,
                price_list_id=town.base_list,
            ),
        )
        await actions.add_rule(town.maria, RuleForm("Решта"))
        await actions.keep_by_hand(town.maria, town.parties["WAVES"], True)
        before = await party(town.parties["STEADY"])
        rows = {r["code"]: r for r in await queries.changes("clients", FOUR, "UAH", ON)}
        assert (rows["STEADY"]["now_segment"], rows["STEADY"]["rule"]) == ("Ключові", 1)
        assert rows["WAVES"]["now_segment"] is None, "by hand stays by hand"
        assert rows["JUMPS"]["now_segment"] == "Решта"
        assert (await party(town.parties["STEADY"])) == before, "looking changes nothing"
        run = await actions.apply_classes(town.maria, "clients")
        now = await party(town.parties["STEADY"])
        assert (now.class_code, now.segment, now.limit_amount, now.depth_days, now.priority) == (
            "AX",
            "Ключові",
            D(5000),
            30,
            1,
        )
        assert now.owner_id == town.max.id
        assert await queries.changes("clients", FOUR, "UAH", ON) == []
        await db.execute(
            "UPDATE party SET segment = 'Рукою' WHERE id = :id", id=town.parties["JUMPS"]
        )
        await actions.reverse_run(town.maria, run)
        assert (await party(town.parties["STEADY"])) == before
        assert (await party(town.parties["JUMPS"])).segment == "Рукою", "what was changed since"
        with pytest.raises(Refusal, match="ALREADY_REVERSED"):
            await actions.reverse_run(town.maria, run)
        with pytest.raises(Refusal, match="FORBIDDEN"):
            await actions.apply_classes(town.nina, "clients")
    async with staff(town, "maria") as one:
        page = await one.get("/office/classes/clients/changes")
        assert "Ключові" in page.text
        assert (await one.get("/office/classes/nobody")).status_code == 404
        assert (await one.get("/office/classes/clients?cell=AX&as=csv")).status_code == 200


@pytest.mark.skipif(not HISTORY.exists(), reason="../shared/data/online_retail.csv.gz is missing")
async def test_the_real_history_gives_the_classes_polars_gives(
    own_database: None, town: Cast
) -> None:
    on, lines = date(2011, 6, 1), history_lines()
    async with scope(town.tenant):
        await load(town, lines)
    await analyse("invoice", "invoice_line", "party")
    async with scope(town.tenant):
        for settings in (Settings(every="month", periods=5), Settings(every="week", periods=20)):
            page = await queries.classed("clients", settings, "UAH", on, Paging(1, 5000))
            found = {row.code: (row.abc, row.xyz) for row in page.rows}
            assert len(found) > 2000
            assert found == classes_by_polars(lines, settings, on), settings.every


async def analyse(*tables: str) -> None:
    """What the server does by itself within a minute of a load."""
    owner = await asyncpg.connect(process().database_owner_url)
    try:
        await owner.execute(f"ANALYZE {', '.join(tables)}")
    finally:
        await owner.close()


def classes_by_polars(
    lines: list[tuple[str, date, D]], settings: Settings, on: date
) -> dict[str, tuple[str, str]]:
    import polars as pl

    since, until = window(settings, on)
    frame = pl.DataFrame(
        [(c, d, float(a)) for c, d, a in lines if since <= d <= until],
        schema=["code", "day", "amount"],
        orient="row",
    )
    slots = frame.group_by(
        "code", pl.col("day").dt.truncate("1mo" if settings.every == "month" else "1w")
    ).agg(pl.col("amount").sum())
    n = settings.periods
    totals = (
        slots.group_by("code")
        .agg(total=pl.col("amount").sum(), squares=(pl.col("amount") ** 2).sum())
        .with_columns(total=pl.col("total").round(2))
        .sort(["total", "code"], descending=[True, False])
        .with_columns(plus=pl.col("total").clip(lower_bound=0))
        .with_columns(before=pl.col("plus").cum_sum() - pl.col("plus"), whole=pl.col("plus").sum())
        .with_columns(mean=pl.col("total") / n)
        .with_columns(
            cv=((pl.col("squares") / n - pl.col("mean") ** 2).clip(lower_bound=0)).sqrt()
            / pl.col("mean")
        )
    )
    expected = {}
    for code, total, before, whole, mean, cv in totals.select(
        "code", "total", "before", "whole", "mean", "cv"
    ).iter_rows():
        abc = (
            "C"
            if total <= 0
            else "A"
            if before < 0.8 * whole
            else "B"
            if before < 0.95 * whole
            else "C"
        )
        xyz = "Z" if mean <= 0 else "X" if cv <= 0.25 else "Y" if cv <= 0.6 else "Z"
        expected[code] = (abc, xyz)
    return expected


def history_lines() -> list[tuple[str, date, D]]:
    """Customer, day, signed amount of every good line of the wholesaler's file."""
    import csv
    from datetime import datetime

    lines: list[tuple[str, date, D]] = []
    with gzip.open(HISTORY, "rt", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            price, quantity = D(row["UnitPrice"]), D(row["Quantity"])
            if not row["CustomerID"] or price <= 0 or not quantity:
                continue
            day = _day(row["InvoiceDate"], datetime)
            amount = round(abs(quantity) * price, 2)
            back = row["InvoiceNo"].startswith("C") or quantity < 0
            lines.append((row["CustomerID"], day, -amount if back else amount))
    return lines


def _day(text: str, datetime: type) -> date:
    for pattern in ("%Y-%m-%d %H:%M:%S", "%m/%d/%Y %H:%M", "%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M"):
        try:
            return datetime.strptime(text, pattern).date()
        except ValueError:
            continue
    raise AssertionError(text)


async def load(town: Cast, lines: list[tuple[str, date, D]]) -> None:
    """One invoice and one credit note a customer and day: what classes see of the history."""
    codes = sorted({code for code, _, _ in lines})
    await db.execute(
        "INSERT INTO party (code, name, currency) SELECT c, c, 'UAH' FROM unnest(:c::text[]) AS c",
        c=codes,
    )
    ids = {r["code"]: r["id"] for r in await db.rows("SELECT code, id FROM party")}
    days: dict[tuple[str, date, bool], D] = {}
    for code, day, amount in lines:
        key = (code, day, amount < 0)
        days[key] = days.get(key, D(0)) + abs(amount)
    documents = [
        Document(
            "credit_note" if back else "invoice",
            f"{code}-{day}-{back}",
            ids[code],
            day,
            day,
            "UAH",
            [DocumentLine(town.products["DELIVERY"], D(1), amount, amount)],
        )
        for (code, day, back), amount in days.items()
    ]
    for start in range(0, len(documents), 2000):
        await post_documents(documents[start : start + 2000])

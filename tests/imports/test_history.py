"""Sales history: to the penny, twice the same, and after a kill where it stopped."""

import asyncio
import csv
import gzip
from collections import defaultdict
from decimal import ROUND_HALF_EVEN
from decimal import Decimal as D
from pathlib import Path

import pytest
from peers.processes import importer
from town import Cast

from dilo.analytics.queries import balances, receivables
from dilo.books.queries import broken
from dilo.imports import jobs
from dilo.imports.queries import faults_of, job
from dilo.kit import db
from tenants.actors import SYSTEM
from tenants.scope import scope

RETAIL = Path(__file__).resolve().parents[3] / "shared" / "data" / "online_retail.csv.gz"
SMALL = """InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country
1001,85123A,LAMP,6,2010-12-01T08:26,2.55,17850,United Kingdom
1001,85123a,LAMP,1,2010-12-01T08:26,2.125,17850,United Kingdom
1002,POST,POSTAGE,1,2010-12-02T09:00,18.00,,France
C1003,85123A,LAMP,-2,2010-12-03T10:00,2.55,17850,United Kingdom
1004,22423,=HYPERLINK("x"),3,2010-12-04T10:00,0.0,17850,United Kingdom
1005,22423,CAKE,0,2010-12-04T10:00,1.0,17850,United Kingdom
1006,22423,CAKE,x,2010-12-04T10:00,1.0,17850,United Kingdom
1007,22423,CAKE,2,yesterday,1.0,17850,United Kingdom
1001,22423,CAKE,-1,2010-12-01T08:26,1.00,17850,United Kingdom
"""


async def bring(town: Cast, path: Path) -> jobs.queries.Job:
    async with scope(town.tenant):
        job_id = await jobs.new_job(SYSTEM, "sales-history", path, path.name, state="queued")
    token = await jobs.take_job(town.tenant.id, job_id)
    return await jobs.run_job(town.tenant.id, job_id, token)


async def test_rows_are_posted_reported_and_never_twice(town: Cast, tmp_path: Path) -> None:
    path = tmp_path / "small.csv"
    path.write_text(SMALL)
    done = await bring(town, path)
    assert (done.state, done.inserted, done.failed) == ("done", 4, 4)
    async with scope(town.tenant):
        found = {row.code: row.balance for row in await balances(town.tenant.today(), "UAH")}
        assert found == {"17850": D("11.32"), "WALKIN-FRANCE": D("18.00")}  # 15.30+2.12-5.10-1.00
        kinds = {r["code"]: r["kind"] for r in await db.rows("SELECT code, kind FROM product")}
        assert (kinds["POST"], kinds["85123A"]) == ("service", "goods")
        reasons = [f["reason"] for f in await faults_of(done.id)]
        assert reasons == ["PRICE_NOT_POSITIVE", "QUANTITY_ZERO", "NOT_A_NUMBER", "NOT_A_DATE"]
        assert await broken() == []
    again = await bring(town, path)
    assert (again.inserted, again.unchanged) == (0, 4)


async def test_balances_as_of_a_date(town: Cast, tmp_path: Path) -> None:
    from datetime import date

    path = tmp_path / "small.csv"
    path.write_text(SMALL)
    await bring(town, path)
    async with scope(town.tenant):
        before = {r.code: r.balance for r in await receivables(date(2010, 12, 2), "UAH")}
    assert before == {"17850": D("16.42"), "WALKIN-FRANCE": D("18.00")}


def independent(rows: int) -> dict[str, D]:
    sums: dict[str, D] = defaultdict(D)
    with gzip.open(RETAIL, "rt", encoding="utf-8", newline="") as file:
        for number, row in enumerate(csv.DictReader(file)):
            if number == rows:
                break
            quantity, price = D(row["Quantity"]), D(row["UnitPrice"])
            if price > 0 and quantity:
                code = row["CustomerID"] or "WALKIN-" + row["Country"].upper().replace(" ", "-")
                sums[code] += (quantity * price).quantize(D("0.01"), ROUND_HALF_EVEN)
    return sums


def slice_of(tmp_path: Path, rows: int) -> Path:
    if not RETAIL.exists():
        pytest.fail(f"{RETAIL} is missing: the real sales history cannot be checked here")
    path = tmp_path / "slice.csv.gz"
    with (
        gzip.open(RETAIL, "rt", encoding="utf-8") as source,
        gzip.open(path, "wt", encoding="utf-8") as target,
    ):
        for number, line in enumerate(source):
            if number > rows:
                break
            target.write(line)
    return path


@pytest.mark.skipif(
    not RETAIL.exists(), reason=f"{RETAIL} is not here; CI without ../shared skips it"
)
async def test_the_real_history_equals_an_independent_sum_to_the_penny(
    town: Cast, tmp_path: Path
) -> None:
    done = await bring(town, slice_of(tmp_path, 20_000))
    async with scope(town.tenant):
        found = {row.code: row.balance for row in await balances(town.tenant.today(), "UAH")}
        assert await broken() == []
    assert done.state == "done"
    assert found == {code: amount for code, amount in independent(20_000).items() if code in found}
    assert sum(found.values()) == sum(independent(20_000).values())


@pytest.mark.skipif(
    not RETAIL.exists(), reason=f"{RETAIL} is not here; CI without ../shared skips it"
)
async def test_a_killed_import_goes_on_where_it_stopped(town: Cast, tmp_path: Path) -> None:
    path = slice_of(tmp_path, 30_000)
    async with scope(town.tenant):
        job_id = await jobs.new_job(SYSTEM, "sales-history", path, path.name, state="queued")
    child = importer(town.tenant.id)
    for _ in range(600):
        await asyncio.sleep(0.05)
        async with scope(town.tenant):
            if (await job(job_id)).done_rows > 0:
                break
    child.kill()
    await child.wait()
    async with scope(town.tenant):
        stopped = await job(job_id)
        await db.execute("UPDATE import_job SET lease_until = now() - interval '1 second'")
    assert 0 < stopped.done_rows < 30_000
    assert await jobs.run_waiting_imports(town.tenant.id) == 1
    async with scope(town.tenant):
        done = await job(job_id)
        found = await balances(town.tenant.today(), "UAH")
        assert await broken() == []
    assert done.state == "done"
    assert sum(row.balance for row in found) == sum(independent(30_000).values())

"""Whatever people send: delimiters, encodings, packing, Excel; formulas stay text."""

import gzip
from pathlib import Path

import pytest
import xlsxwriter
from town import Cast

from dilo.imports import jobs
from dilo.imports.mapping import auto_map, missing
from dilo.imports.queries import faults_of
from dilo.kit import db
from dilo.kit.errors import Refusal
from dilo.kit.reading import read_sheet
from tenants.actors import SYSTEM
from tenants.scope import scope

ROWS = [
    ["Код", "Назва", "Місто"],
    ["А-1", "Їжак і Ґудзик", "Київ"],
    ["=1+1", "+cmd' /C calc'!A0", ""],
]


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1251"])
def test_any_delimiter_and_encoding(tmp_path: Path, delimiter: str, encoding: str) -> None:
    path = tmp_path / "x.csv"
    path.write_bytes("\r\n".join(delimiter.join(row) for row in ROWS).encode(encoding))
    sheet = read_sheet(path)
    assert sheet.head == ROWS[0]
    assert [cells for _, cells in sheet.rows] == ROWS[1:]
    assert [line for line, _ in sheet.rows] == [2, 3]


def test_packed_and_excel(tmp_path: Path) -> None:
    packed = tmp_path / "x.csv.gz"
    packed.write_bytes(gzip.compress(b"code,name\n1,A\n"))
    assert read_sheet(packed).rows == [(2, ["1", "A"])]
    path = tmp_path / "x.xlsx"
    with xlsxwriter.Workbook(path) as book:
        sheet = book.add_worksheet()
        sheet.write_row(0, 0, ["Код", "Назва"])
        sheet.write_number(1, 0, 1001)
        sheet.write_string(1, 1, "=HYPERLINK()")
    assert read_sheet(path).rows == [(2, ["1001", "=HYPERLINK()"])]


@pytest.mark.parametrize("body", [b"", b"\n\n", b"PK\x03\x04broken", b"\x1f\x8bbroken"])
def test_a_bad_file_is_refused_in_words(tmp_path: Path, body: bytes) -> None:
    path = tmp_path / "x"
    path.write_bytes(body)
    with pytest.raises(Refusal, match="FILE_"):
        read_sheet(path)


def test_columns_are_known_in_three_languages() -> None:
    assert auto_map("parties", ["Наименование", "КОД", "Телефон"]) == {
        "name": 0,
        "code": 1,
        "phone": 2,
    }
    assert auto_map("prices", ["sku", "Ціна"]) == {"code": 0, "price": 1}
    assert missing("stock", {"code": 0}) == ["quantity"]


async def run(town: Cast, kind: str, text: str, tmp_path: Path) -> jobs.queries.Job:
    path = tmp_path / f"{kind}.csv"
    path.write_text(text)
    async with scope(town.tenant):
        job_id = await jobs.new_job(SYSTEM, kind, path, path.name, state="queued")
    return await jobs.run_job(town.tenant.id, job_id, await jobs.take_job(town.tenant.id, job_id))


async def test_every_list_goes_in_once(town: Cast, tmp_path: Path) -> None:
    files = {
        "parties": "code,name,phone,email,limit\nN-1,Перша,0671234567,A@B.example,1000\nN-2,,,,\nN-3,Третя,12,,\n",
        "products": "code,name,category,barcode\nP-1,Товар,Лампи,4820000000017\nP-2,Інший,,\n",
        "prices": "code,price,from\nP-1,10.5,1\nP-1,9,100\nNOPE,5,1\nP-2,-1,1\n",
        "stock": "code,quantity\nP-1,40\nP-2,x\nNOPE,1\n",
    }
    expected = {"parties": (1, 2), "products": (2, 0), "prices": (2, 2), "stock": (1, 2)}
    for kind, text in files.items():
        done = await run(town, kind, text, tmp_path)
        assert (done.state, done.inserted, done.failed) == ("done", *expected[kind]), kind
        again = await run(town, kind, text, tmp_path)
        assert (again.inserted, again.updated, again.unchanged) == (0, 0, done.inserted), kind
    async with scope(town.tenant):
        assert (
            await db.value("SELECT address FROM contact_channel WHERE channel = 'sms'")
            == "+380671234567"
        )
        assert (
            await db.value(
                "SELECT on_hand FROM stock_level JOIN product p ON p.id = product_id"
                " WHERE p.code = 'P-1'"
            )
            == 40
        )


async def test_a_rehearsal_writes_nothing(town: Cast, tmp_path: Path) -> None:
    path = tmp_path / "p.csv"
    path.write_text("code,name\nQ-1,Пробна\nQ-2,\n")
    sheet = read_sheet(path)
    counts = await jobs.rehearse(town.tenant.id, "parties", sheet, auto_map("parties", sheet.head))
    assert (counts.inserted, [f.reason for f in counts.faults]) == (1, ["REQUIRED"])
    async with scope(town.tenant):
        assert not await db.value("SELECT 1 FROM party WHERE code = 'Q-1'")
        assert await faults_of(town.tenant.id) == []

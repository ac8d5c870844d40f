"""Rows of a file whatever it is: CSV of any delimiter and encoding, .gz, XLSX. Cells are text.

A cell that looks like a formula is the text it shows. Sizes are capped (zip and gzip bombs).
"""

import codecs
import csv
import gzip
import io
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from python_calamine import CalamineError, CalamineWorkbook

from dilo.kit.errors import Refusal

BYTES_MAX = 600 * 1024 * 1024
ROWS_MAX = 2_000_000
COLUMNS_MAX = 100
CELL_MAX = 4000
SAMPLE = 256 * 1024
DELIMITERS = ",;\t|"
XLSX_STARTS = b"PK\x03\x04"
GZIP_STARTS = b"\x1f\x8b"


@dataclass(frozen=True, slots=True)
class Sheet:
    """``rows`` are (line number as an editor shows it, cells)."""

    head: list[str]
    rows: list[tuple[int, list[str]]]


def read_sheet(path: Path) -> Sheet:
    """Raises FILE_EMPTY, FILE_UNREADABLE, FILE_TOO_LARGE."""
    with path.open("rb") as file:
        start = file.read(4)
    found = _xlsx(path) if start == XLSX_STARTS else _csv(path, start[:2] == GZIP_STARTS)
    head: list[str] | None = None
    rows: list[tuple[int, list[str]]] = []
    for line_no, cells in found:
        if head is None:
            head = [cell.strip().lstrip("\ufeff") for cell in cells[:COLUMNS_MAX]]
        elif any(cells):
            rows.append((line_no, cells))
            if len(rows) > ROWS_MAX:
                raise Refusal("FILE_TOO_LARGE", status=413, rows=ROWS_MAX)
    if not head or not any(head):
        raise Refusal("FILE_EMPTY", status=422)
    return Sheet(head, rows)


def sheet_of(body: bytes) -> Sheet:
    """The same of a small file held in memory, or of pasted cells."""
    with tempfile.NamedTemporaryFile() as kept:
        kept.write(body)
        kept.flush()
        return read_sheet(Path(kept.name))


def _xlsx(path: Path) -> Iterator[tuple[int, list[str]]]:
    if path.stat().st_size > BYTES_MAX // 8:
        raise Refusal("FILE_TOO_LARGE", status=413, rows=ROWS_MAX)
    try:
        sheet = CalamineWorkbook.from_path(str(path)).get_sheet_by_index(0)
        for line_no, cells in enumerate(sheet.iter_rows(), start=1):
            yield line_no, [_text(cell) for cell in cells[:COLUMNS_MAX]]
    except (CalamineError, OSError, IndexError) as error:
        raise Refusal("FILE_UNREADABLE", status=422, why=str(error)[:200]) from None


def _text(cell: object) -> str:
    """Whole numbers lose their ``.0``: a code typed as 1001 must stay 1001."""
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    return str(cell)[:CELL_MAX].strip()


def _csv(path: Path, packed: bool) -> Iterator[tuple[int, list[str]]]:
    opened = gzip.open(path, "rb") if packed else path.open("rb")  # noqa: SIM115 - entered below
    try:
        with opened as raw:
            sample = raw.read(SAMPLE)
            encoding = guess_encoding(sample)
            text = sample.decode(encoding, errors="replace")
            delimiter = guess_delimiter(text)
            raw.seek(0)
            stream = io.TextIOWrapper(_Capped(raw), encoding=encoding, errors="replace", newline="")  # type: ignore[arg-type]
            reader = csv.reader(stream, delimiter=delimiter)
            for cells in reader:
                yield reader.line_num, [cell[:CELL_MAX] for cell in cells[:COLUMNS_MAX]]
    except (OSError, EOFError, csv.Error) as error:
        raise Refusal("FILE_UNREADABLE", status=422, why=str(error)[:200]) from None


class _Capped(io.RawIOBase):
    """Stops a bomb: more bytes than the cap is refused while unpacking."""

    def __init__(self, inner: io.BufferedIOBase | gzip.GzipFile) -> None:
        self.inner, self.left = inner, BYTES_MAX

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        chunk = self.inner.read(len(buffer))
        self.left -= len(chunk)
        if self.left < 0:
            raise Refusal("FILE_TOO_LARGE", status=413, rows=ROWS_MAX)
        buffer[: len(chunk)] = chunk
        return len(chunk)


def guess_encoding(sample: bytes) -> str:
    """UTF-16 and UTF-8 show themselves; else the Cyrillic code page whose letters look like
    words."""
    if sample[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return "utf-16"
    try:
        codecs.getincrementaldecoder("utf-8")().decode(sample)  # its end may cut a letter
        return "utf-8-sig"
    except UnicodeDecodeError:
        pass
    scores = {
        code: _wordlike(sample.decode(code, errors="replace"))
        for code in ("cp1251", "cp866", "latin-1")
    }
    return max(scores, key=lambda code: scores[code])


def _wordlike(text: str) -> int:
    """Small Cyrillic letters are common in words; box drawing and rare signs are not."""
    common = sum("а" <= char <= "я" or char in "іїєґ" for char in text)
    strange = sum("\u2500" <= char <= "\u259f" or "\x80" <= char <= "\x9f" for char in text)
    western = sum(char in "àáâäçèéêëíïñóôöùúûüß" for char in text)
    return common * 2 + western - strange * 4


def guess_delimiter(text: str) -> str:
    """The one that splits the first lines into the same, largest number of cells."""
    lines = [line for line in text.splitlines()[:20] if line.strip()]
    best, most = ",", 0
    for delimiter in DELIMITERS:
        counts = [len(row) for row in csv.reader(lines, delimiter=delimiter)]
        steady = bool(counts) and counts.count(counts[0]) * 2 >= len(counts)
        if steady and counts[0] > max(most, 1):
            best, most = delimiter, counts[0]
    return best

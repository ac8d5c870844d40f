"""One page of a list: what is shown, where it stands, how it is ordered."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil
from typing import Any, Generic, TypeVar

T = TypeVar("T")
SIZE_DEFAULT = 50
SIZE_MAX = 200
NUMBER_MAX = 100_000


@dataclass(frozen=True, slots=True)
class Paging:
    """Asked for: 1-based page number, rows per page, sort key (``-`` first means descending)."""

    number: int = 1
    size: int = SIZE_DEFAULT
    sort: str = ""

    @property
    def offset(self) -> int:
        return (self.number - 1) * self.size

    @classmethod
    def of(cls, query: Mapping[str, Any], sort: str = "") -> "Paging":
        """Reads ``page``, ``size`` and ``sort``; nonsense falls back instead of failing."""
        return cls(
            _clamped(query.get("page"), 1, NUMBER_MAX, 1),
            _clamped(query.get("size"), 1, SIZE_MAX, SIZE_DEFAULT),
            str(query.get("sort") or sort),
        )

    def order_by(self, allowed: Mapping[str, str], fallback: str) -> str:
        """SQL for ORDER BY from an allow-list of sort keys: text from outside never reaches SQL."""
        key = self.sort.removeprefix("-")
        column = allowed.get(key)
        if column is None:
            return allowed[fallback]
        return f"{column} DESC NULLS LAST" if self.sort.startswith("-") else column


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    rows: Sequence[T]
    total: int
    paging: Paging

    @property
    def pages(self) -> int:
        return max(1, ceil(self.total / self.paging.size))

    @property
    def number(self) -> int:
        return self.paging.number

    @property
    def sort(self) -> str:
        return self.paging.sort

    @property
    def first(self) -> int:
        return self.paging.offset + 1 if self.rows else 0

    @property
    def last(self) -> int:
        return self.paging.offset + len(self.rows)


def _clamped(value: Any, least: int, most: int, otherwise: int) -> int:
    text = str(value or "")
    if not text.isascii() or not text.isdigit() or len(text) > 9:
        return otherwise
    return min(max(int(text), least), most)

"""How many queries something takes."""

from collections.abc import Iterator
from contextlib import contextmanager
from unittest.mock import patch

from dilo.kit import db


@contextmanager
def counted() -> Iterator[list[str]]:
    """The SQL asked inside, in order. The queries themselves run as ever."""
    asked: list[str] = []
    with patch.multiple(db, **{name: _noting(name, asked) for name in ("rows", "execute")}):
        yield asked


def _noting(name: str, asked: list[str]) -> object:
    real = getattr(db, name)

    async def noted(sql: str, /, **params: object) -> object:
        asked.append(sql)
        return await real(sql, **params)

    return noted

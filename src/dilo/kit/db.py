"""SQL on the current transaction. Outside one everything raises: nothing runs without a scope.

Statements take ``:name`` parameters; asyncpg's prepared statements are cached per connection.
"""

import contextlib
import os
import re
import warnings
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import date
from functools import lru_cache
from typing import Any, TypeVar

warnings.filterwarnings("ignore", module="platformdirs")  # black, which Piccolo brings along

import asyncpg  # noqa: E402
import msgspec  # noqa: E402
from piccolo.engine.postgres import PostgresEngine, PostgresTransaction  # noqa: E402

from dilo.kit.errors import NotFound, OutsideScope, Refusal  # noqa: E402
from dilo.kit.paging import Page, Paging  # noqa: E402

os.environ.setdefault("PICCOLO_CONF", "dilo.run.piccolo_conf")

T = TypeVar("T")
Row = asyncpg.Record
_PARAMETER = re.compile(r"(?<![:\w]):([a-z_][a-z0-9_]*)")
_engine: PostgresEngine | None = None


def use_engine(engine: PostgresEngine) -> None:
    """The composition root hands over the engine once."""
    global _engine
    _engine = engine


def engine() -> PostgresEngine:
    if _engine is None:
        raise OutsideScope("no database engine in this process")
    return _engine


class Transaction(PostgresTransaction):
    """Piccolo's, but a connection that broke inside goes back to the pool and out of the context.

    Without this every lost connection (a database restart) would shrink the pool for good.
    """

    async def __aenter__(self) -> "Transaction":
        assert self._parent is None
        self.connection = await self.get_connection()
        try:
            self.transaction = self.connection.transaction()
            await self.begin()
        except BaseException:
            await self._give_back()
            raise
        self.context = self.engine.current_transaction.set(self)
        return self

    async def __aexit__(  # type: ignore[override]
        self, exception_type: Any, exception: Any, traceback: Any
    ) -> None:
        try:
            if exception is None:
                await self.commit()
            else:
                with contextlib.suppress(Exception):  # what went wrong is already on its way up
                    await self.rollback()
        finally:
            self.engine.current_transaction.reset(self.context)
            await self._give_back()

    async def _give_back(self) -> None:
        pool = self.engine.pool
        if pool is not None:
            await pool.release(self.connection)
        else:
            await self.connection.close()


def transaction() -> Transaction:
    """A new one; raises where one is open already."""
    return Transaction(engine(), allow_nested=False)


async def prepare_connection(connection: asyncpg.Connection) -> None:
    """JSON columns come and go as Python values on every pooled connection."""
    for kind in ("json", "jsonb"):
        await connection.set_type_codec(
            kind,
            encoder=lambda value: msgspec.json.encode(value).decode(),
            decoder=msgspec.json.decode,
            schema="pg_catalog",
        )


def connection() -> asyncpg.Connection:
    transaction = engine().current_transaction.get()
    if transaction is None:
        raise OutsideScope("a query outside tenants.scope()")
    return transaction.connection  # type: ignore[return-value]


@lru_cache(maxsize=2048)
def _positional(sql: str) -> tuple[str, tuple[str, ...]]:
    names: list[str] = []

    def number(match: re.Match[str]) -> str:
        name = match.group(1)
        if name not in names:
            names.append(name)
        return f"${names.index(name) + 1}"

    return _PARAMETER.sub(number, sql), tuple(names)


def names(sql: str) -> tuple[str, ...]:
    """The ``:name`` parameters of a statement, each once."""
    return _positional(sql)[1]


def _bind(sql: str, params: Mapping[str, Any]) -> tuple[str, list[Any]]:
    text, names = _positional(sql)
    assert len(names) == len(params), f"parameters {sorted(params)} do not match {sorted(names)}"
    return text, [params[name] for name in names]


CLOSED_PERIOD = "DL001"
NO_TEXT = ("22021", "22P05")  # a zero byte: no text, whoever sent it


def _refusal_of(error: asyncpg.PostgresError) -> Refusal | None:
    """What the database itself declines for a reason people should read."""
    if getattr(error, "sqlstate", "") == CLOSED_PERIOD:
        return Refusal("PERIOD_CLOSED", on=date.fromisoformat(str(error.args[0])[-10:]))
    if getattr(error, "sqlstate", "") in NO_TEXT:
        return Refusal("UNREADABLE", status=422)
    return None


async def rows(sql: str, /, **params: Any) -> list[asyncpg.Record]:
    text, values = _bind(sql, params)
    try:
        return await connection().fetch(text, *values)
    except asyncpg.PostgresError as error:
        raise (_refusal_of(error) or error) from None


async def one_or_none(sql: str, /, **params: Any) -> asyncpg.Record | None:
    """The first row. Fetched whole: asyncpg's fetchrow asks for one row, and PostgreSQL runs no
    parallel plan for whoever may come back for more.
    """
    found = await rows(sql, **params)
    return found[0] if found else None


async def one(sql: str, /, **params: Any) -> asyncpg.Record:
    """Raises NotFound where there is no row."""
    row = await one_or_none(sql, **params)
    if row is None:
        raise NotFound
    return row


async def value(sql: str, /, **params: Any) -> Any:
    row = await one_or_none(sql, **params)
    return None if row is None else row[0]


async def execute(sql: str, /, **params: Any) -> int:
    """Returns how many rows were touched."""
    text, values = _bind(sql, params)
    try:
        status = await connection().execute(text, *values)
    except asyncpg.PostgresError as error:
        raise (_refusal_of(error) or error) from None
    return int(status.rsplit(" ", 1)[-1]) if status[-1].isdigit() else 0


async def rows_as(shape: type[T], sql: str, /, **params: Any) -> list[T]:
    return [shape(**row) for row in await rows(sql, **params)]


async def one_as(shape: type[T], sql: str, /, **params: Any) -> T:
    return shape(**await one(sql, **params))


async def one_or_none_as(shape: type[T], sql: str, /, **params: Any) -> T | None:
    row = await one_or_none(sql, **params)
    return None if row is None else shape(**row)


@asynccontextmanager
async def savepoint() -> AsyncIterator[None]:
    """A part that may fail alone: an exception undoes only what happened inside."""
    async with connection().transaction():
        yield


def page_of(shape: type[T], found: list[Row], paging: Paging) -> Page[T]:
    """Rows that carry ``total_rows`` (count over the whole filter) become a page."""
    total = found[0]["total_rows"] if found else 0
    plain = [{name: value for name, value in row.items() if name != "total_rows"} for row in found]
    return Page([shape(**row) for row in plain], total, paging)

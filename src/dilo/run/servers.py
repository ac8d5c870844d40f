"""Having servers to talk to: those the environment names, else the embedded ones, migrated."""

import asyncio
import os
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from dilo.kit.errors import Refusal
from dilo.run import embedded
from dilo.run.database import database
from dilo.run.migrate import migrate
from dilo.run.settings import settings

T = TypeVar("T")


@contextmanager
def ready() -> Iterator[None]:
    """Named servers as they are; embedded ones are started, migrated, and stopped if we started
    them."""
    if settings().database_url:
        yield
        return
    with embedded.borrowed(settings().dilo_var) as servers:
        adopt(servers)
        asyncio.run(migrate(settings().database_owner_url))
        yield


def adopt(servers: embedded.Servers) -> None:
    """This process and its children talk to these servers."""
    os.environ["DATABASE_URL"] = servers.database_url
    os.environ["DATABASE_OWNER_URL"] = servers.database_owner_url
    if not settings().valkey_url:
        os.environ["VALKEY_URL"] = servers.valkey_url
    settings.cache_clear()


def run(work: Callable[[], Awaitable[T]], most: int = 4) -> T:
    """Runs a coroutine with servers and a pool: the body of most commands."""

    async def inside() -> T:
        async with database(most=most):
            return await work()

    with ready():
        return asyncio.run(inside())


def owner_url() -> str:
    url = settings().database_owner_url
    if not url:
        raise Refusal("OWNER_URL_MISSING")
    return url

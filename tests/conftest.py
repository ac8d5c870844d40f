"""Real PostgreSQL and Valkey for the suite: one server per run, one database per worker."""

import asyncio
import fcntl
import os
import secrets
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import asyncpg
import pytest
import pytest_asyncio

VAR = Path(os.environ.get("DILO_TEST_VAR", "/tmp/dilo-tests" + f"-{os.geteuid()}"))
os.environ["DILO_VAR"] = str(VAR / "files")
os.environ["DILO_SECRET"] = "only-for-tests"

from pwdlib.hashers.argon2 import Argon2Hasher  # noqa: E402
from town import Cast, found_tenant  # noqa: E402

from dilo.kit import db  # noqa: E402
from dilo.run import embedded  # noqa: E402
from dilo.run.database import database  # noqa: E402
from dilo.run.migrate import migrate  # noqa: E402
from dilo.run.settings import settings  # noqa: E402
from tenants import sessions  # noqa: E402

# A hash is dear on purpose; thousands of them would be a third of the suite's time.
sessions.HASHER = Argon2Hasher(time_cost=1, memory_cost=64, parallelism=1)


@pytest.fixture(scope="session")
def servers(worker_id: str) -> Iterator[embedded.Servers]:
    """Started by whoever comes first and left up: the next run begins at once."""
    VAR.mkdir(parents=True, exist_ok=True)
    with (VAR / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        found = embedded.start(VAR, fast=True)
        asyncio.run(_template(found))
        name = f"test_{worker_id}_{os.getpid()}"
        asyncio.run(_clone(found, name))
    ours = embedded.Servers(
        *(
            url.rsplit("/", 1)[0] + f"/{name}"
            for url in (found.database_url, found.database_owner_url, found.superuser_url)
        ),
        valkey_url=found.valkey_url,
    )
    os.environ["DATABASE_URL"], os.environ["DATABASE_OWNER_URL"] = (
        ours.database_url,
        ours.database_owner_url,
    )
    os.environ["VALKEY_URL"] = ours.valkey_url
    settings.cache_clear()
    yield ours
    asyncio.run(_drop(found, name))


def _digest() -> str:
    import hashlib

    folder = Path(__file__).parents[1] / "migrations"
    return hashlib.sha256(
        b"".join(p.read_bytes() for p in sorted(folder.glob("*.py")))
    ).hexdigest()[:12]


async def _template(found: embedded.Servers) -> None:
    """The migrated database others are cloned from, remade when a migration changes."""
    name = f"template_{_digest()}"
    connection = await asyncpg.connect(found.superuser_url)
    try:
        if await connection.fetchval("SELECT 1 FROM pg_database WHERE datname = $1", name):
            return
        await connection.execute(f"DROP DATABASE IF EXISTS {name}_new")
        await connection.execute(f"CREATE DATABASE {name}_new OWNER dilo_owner")
        await migrate(found.database_owner_url.rsplit("/", 1)[0] + f"/{name}_new")
        await connection.execute(f"ALTER DATABASE {name}_new RENAME TO {name}")
    finally:
        await connection.close()


async def _clone(found: embedded.Servers, name: str) -> None:
    connection = await asyncpg.connect(found.superuser_url)
    await connection.execute(f"DROP DATABASE IF EXISTS {name}")
    await connection.execute(
        f"CREATE DATABASE {name} TEMPLATE template_{_digest()} OWNER dilo_owner"
    )
    await connection.close()


async def _drop(found: embedded.Servers, name: str) -> None:
    connection = await asyncpg.connect(found.superuser_url)
    await connection.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
    await connection.close()


@pytest.fixture(scope="session")
def worker_id(request: pytest.FixtureRequest) -> str:
    return os.environ.get("PYTEST_XDIST_WORKER", "solo")


@pytest_asyncio.fixture(scope="session")
async def pool(servers: embedded.Servers) -> AsyncIterator[None]:
    async with database(servers.database_url, most=60):
        yield


@pytest_asyncio.fixture(scope="module")
async def own_database(pool: None, servers: embedded.Servers) -> AsyncIterator[None]:
    """For those who start workers: a worker looks after every tenant other tests have left."""
    name = f"own_{os.getpid()}_{secrets.token_hex(3)}"
    await _clone(servers, name)
    before = db.engine()
    urls = ("DATABASE_URL", "DATABASE_OWNER_URL")
    with pytest.MonkeyPatch.context() as patch:
        for url in urls:
            patch.setenv(url, os.environ[url].rsplit("/", 1)[0] + f"/{name}")
        settings.cache_clear()
        async with database(most=20):
            yield
    settings.cache_clear()
    db.use_engine(before)
    await _drop(servers, name)


@pytest_asyncio.fixture
async def town(pool: None) -> Cast:
    """A fresh tenant with its cast; every test has its own, nothing is cleaned up after."""
    return await found_tenant()


@pytest_asyncio.fixture
async def rival(pool: None) -> Cast:
    return await found_tenant("Суперник")

"""Opening the pool as the app role: what web, worker and commands share."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
from piccolo.engine.postgres import PostgresEngine

from dilo.kit import db, sealing
from dilo.run.settings import process_secret, settings

TIMEOUTS = {
    "application_name": "dilo",
    "idle_in_transaction_session_timeout": "60s",
    "statement_timeout": "120s",
    "lock_timeout": "15s",
}


async def _nothing_to_reset(connection: asyncpg.Connection) -> None:
    """All we set is SET LOCAL, gone with its transaction: asyncpg's RESET ALL is a trip for
    nothing."""


async def open_database(url: str = "", most: int = 0) -> PostgresEngine:
    """Starts the pool and hands it to the kit, with the secret that seals what is kept in it."""
    sealing.use_secrets(process_secret(), settings().dilo_secret_former)
    engine = PostgresEngine(config={"dsn": url or settings().database_url}, extensions=())
    await engine.start_connection_pool(
        min_size=1,
        max_size=most or settings().dilo_pool,
        init=db.prepare_connection,
        reset=_nothing_to_reset,
        server_settings=TIMEOUTS,
    )
    db.use_engine(engine)
    return engine


@asynccontextmanager
async def database(url: str = "", most: int = 0) -> AsyncIterator[PostgresEngine]:
    engine = await open_database(url, most)
    try:
        yield engine
    finally:
        await engine.close_connection_pool()

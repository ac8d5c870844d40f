"""The small port to arq: a hint that some tenant has something to send. It may be lost; nothing is.

Only hints travel by Valkey, as msgpack (never pickle: who writes there must not run code here).
"""

import asyncio
import contextlib
import logging
import time
from uuid import UUID

import msgspec
from arq.connections import ArqRedis, RedisSettings, create_pool

from dilo.run.settings import settings

log = logging.getLogger("dilo.jobs")
QUEUE = "dilo"
AWAY_SECONDS = 15.0
HINT_LIVES = 60

_pool: ArqRedis | None = None
_away_until = 0.0
_going: set[asyncio.Task[None]] = set()


def redis_settings() -> RedisSettings:
    made = RedisSettings.from_dsn(settings().valkey_url)
    made.conn_retries, made.conn_timeout = 0, 2
    return made


def hint(tenant_id: UUID) -> None:
    """Called after a commit; returns at once and never fails."""
    if not settings().valkey_url or time.monotonic() < _away_until or len(_going) > 100:
        return
    with contextlib.suppress(RuntimeError):
        task = asyncio.get_running_loop().create_task(_send(tenant_id))
        _going.add(task)
        task.add_done_callback(_going.discard)


async def _send(tenant_id: UUID) -> None:
    global _pool, _away_until
    try:
        async with asyncio.timeout(3):
            if _pool is None:
                _pool = await create_pool(
                    redis_settings(),
                    job_serializer=msgspec.msgpack.encode,
                    job_deserializer=msgspec.msgpack.decode,
                    default_queue_name=QUEUE,
                )
            # Half a second of hints for one tenant is one job.
            job_id = f"wake:{tenant_id}:{int(time.time() * 2)}"
            await _pool.enqueue_job("wake", str(tenant_id), _job_id=job_id, _expires=HINT_LIVES)
    except Exception as error:
        log.warning("no hint, the sweep will find it (%s)", error)
        _pool, _away_until = None, time.monotonic() + AWAY_SECONDS


async def close() -> None:
    global _pool
    if _pool is not None:
        with contextlib.suppress(Exception):
            await _pool.aclose()
        _pool = None

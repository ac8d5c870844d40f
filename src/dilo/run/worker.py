"""The worker. PostgreSQL is the record; arq (Valkey) only wakes it sooner, and may be away.

A sweep over every tenant runs on its own clock, so nothing waits for a lost hint.
"""

import asyncio
import contextlib
import logging
import signal
from typing import Any
from uuid import UUID

import msgspec
from arq.connections import RedisSettings
from arq.worker import Worker

from dilo.dunning import actions as dunning
from dilo.dunning.queries import policy_or_none
from dilo.messaging.actions import drain
from dilo.run import events
from dilo.run.settings import settings
from tenants.actors import SYSTEM
from tenants.scope import scope, tenant_ids

log = logging.getLogger("dilo.worker")
ROUNDS_MAX = 500
PLAN_SECONDS = 300.0


async def work() -> None:
    """Runs until SIGTERM or SIGINT; what is being sent is finished first."""
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s %(message)s")
    events.wire()
    stopping = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    waking = asyncio.Event()
    tasks = [asyncio.create_task(_sweep_forever(stopping, waking)),
             asyncio.create_task(_plan_forever(stopping)),
             asyncio.create_task(_imports_forever(stopping)),
             asyncio.create_task(_listen_forever(waking))]
    await stopping.wait()
    waking.set()
    tasks[3].cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def _sweep_forever(stopping: asyncio.Event, waking: asyncio.Event) -> None:
    while not stopping.is_set():
        try:
            await sweep(stopping)
        except Exception:
            log.exception("sweep failed; the next one goes on")
        waking.clear()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(waking.wait(), settings().dilo_sweep_seconds)


async def sweep(stopping: asyncio.Event | None = None) -> int:
    """Round and round the tenants, a batch each, until nobody has anything due."""
    total = 0
    for _ in range(ROUNDS_MAX):
        touched = 0
        for tenant_id in await tenant_ids():
            if stopping is not None and stopping.is_set():
                return total
            touched += await drain(tenant_id, settings().dilo_lease_seconds)
        total += touched
        if not touched:
            break
    return total


async def _plan_forever(stopping: asyncio.Event) -> None:
    """Planning is a pure function of data and date: run at start and often, it makes up what was missed."""
    while not stopping.is_set():
        for tenant_id in await tenant_ids():
            try:
                async with scope(tenant_id):
                    policy = await policy_or_none()
                    if policy is not None and policy.active:
                        await dunning.plan_run(SYSTEM)
                        await dunning.resend_unknown()
            except Exception:
                log.exception("planning failed for %s", tenant_id)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stopping.wait(), PLAN_SECONDS)


async def _imports_forever(stopping: asyncio.Event) -> None:
    try:
        from dilo.imports.jobs import run_waiting_imports
    except ImportError:
        return
    while not stopping.is_set():
        for tenant_id in await tenant_ids():
            try:
                await run_waiting_imports(tenant_id)
            except Exception:
                log.exception("import failed for %s", tenant_id)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stopping.wait(), 2.0)


async def wake(context: dict[str, Any], tenant_id: str) -> None:
    """A hint that carries nothing but whose outbox to look at."""
    UUID(tenant_id)
    context["waking"].set()


async def _listen_forever(waking: asyncio.Event) -> None:
    """arq leaves with an error when Valkey is away; it is started again, the sweep never stopped."""
    pause = 1.0
    while True:
        worker = Worker(
            functions=[wake], redis_settings=RedisSettings.from_dsn(settings().valkey_url),
            ctx={"waking": waking}, keep_result=0, handle_signals=False, poll_delay=0.2,
            job_serializer=msgspec.msgpack.encode, job_deserializer=msgspec.msgpack.decode,
            job_timeout=20, max_jobs=10, queue_name="dilo",
        )
        try:
            await worker.async_run()
        except asyncio.CancelledError:
            with contextlib.suppress(Exception):
                await worker.close()
            raise
        except Exception as error:
            log.warning("Valkey is away (%s); sweeping goes on without it", error)
        await asyncio.sleep(pause)
        pause = min(pause * 2, 30.0)



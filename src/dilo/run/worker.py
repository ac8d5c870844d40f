"""The worker. PostgreSQL is the record; arq (Valkey) only wakes it sooner, and may be away.

A sweep over every tenant runs on its own clock, so nothing waits for a lost hint.
"""

import asyncio
import contextlib
import logging
import signal
from collections.abc import Awaitable, Callable, Sequence
from typing import Any
from uuid import UUID

import msgspec
from arq.worker import Worker, func

from bots.telegram.connection import look_after
from dilo.acquiring.looking import look_at_old
from dilo.analytics.views import plan_scheduled
from dilo.analytics.weekly import plan_weekly
from dilo.campaigns import actions as campaigns
from dilo.catalogue.popularity import count_popularity_daily
from dilo.dealers import jobs as dealers
from dilo.desk.news import plan_daily
from dilo.dunning import actions as dunning
from dilo.dunning.digests import plan_digests
from dilo.dunning.forecasts import plan_forecasts
from dilo.dunning.pauses import judge_promises
from dilo.dunning.queries import policy_or_none
from dilo.kit import outbox
from dilo.messaging.carrier import SmsCarrier
from dilo.messaging.channels import channel, close_channels
from dilo.messaging.sending import drain
from dilo.orders.actions.cancel import cancel_forgotten_drafts
from dilo.quotes.answers import expire as expire_quotes
from dilo.run import events, jobs
from dilo.run.settings import settings
from dilo.storefront import baskets, checkout
from tenants.actors import SYSTEM
from tenants.scope import current_tenant, scope, tenant_ids

log = logging.getLogger("dilo.worker")
TURNS_MAX = 5000
PLAN_SECONDS = 300.0
BOTS_SECONDS = 300.0
SMS_SECONDS = 30.0
LOOK_SECONDS = 120.0
IMPORT_SECONDS = 2.0
LAST_WORDS_SECONDS = 20.0
LISTEN_PAUSE_SECONDS = 1.0
LISTEN_PAUSE_MOST_SECONDS = 15.0
Round = Callable[[UUID], Awaitable[Any]]


async def work() -> None:
    """Runs until SIGTERM or SIGINT; what is being sent is finished first."""
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s %(message)s")
    logging.getLogger("arq").setLevel(logging.WARNING)
    events.wire()
    stopping, waking = asyncio.Event(), asyncio.Event()
    outbox.use_waker(lambda _: waking.set())
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    if isinstance(sms := channel("sms"), SmsCarrier):
        await sms.start()
    tasks = [
        asyncio.create_task(_sweep_forever(stopping, waking)),
        asyncio.create_task(_again_and_again("planning", _plan, PLAN_SECONDS, stopping)),
        asyncio.create_task(_again_and_again("bots", look_after, BOTS_SECONDS, stopping)),
        asyncio.create_task(_again_and_again("sms", _bind_sms, SMS_SECONDS, stopping)),
        asyncio.create_task(_again_and_again("texts", _ask_sms, SMS_SECONDS, stopping)),
        asyncio.create_task(_again_and_again("cards", look_at_old, LOOK_SECONDS, stopping)),
        *_imports(stopping),
    ]
    listening = asyncio.create_task(_listen_forever(waking))
    await stopping.wait()
    waking.set()
    listening.cancel()
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(LAST_WORDS_SECONDS):
            await asyncio.gather(listening, *tasks, return_exceptions=True)
    await close_channels()


async def _sweep_forever(stopping: asyncio.Event, waking: asyncio.Event) -> None:
    while not stopping.is_set():
        waking.clear()
        try:
            await sweep(stopping, waking)
        except Exception:
            log.exception("sweep failed; the next one goes on")
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(waking.wait(), settings().dilo_sweep_seconds)


async def sweep(stopping: asyncio.Event | None = None, waking: asyncio.Event | None = None) -> int:
    """Round and round the tenants, a batch each, until nobody has anything due.

    A hint in the middle brings everybody back in: a long mailing holds up nobody's news.
    """
    total, busy = 0, await tenant_ids()
    for _ in range(TURNS_MAX):
        still: list[UUID] = []
        for tenant_id in busy:
            if stopping is not None and stopping.is_set():
                return total
            try:
                taken = await drain(tenant_id, settings().dilo_lease_seconds)
            except Exception:
                log.exception("sending failed for %s", tenant_id)
                continue
            total += taken
            if taken:
                still.append(tenant_id)
        if waking is not None and waking.is_set():
            waking.clear()
            still = await tenant_ids()
        if not still:
            break
        busy = still
    return total


async def _plan(tenant_id: UUID) -> None:
    """A pure function of data and date: run at start and often, it makes up what was missed."""
    async with scope(tenant_id):
        await plan_scheduled()
        await judge_promises()
        await dealers.daily()
        await count_popularity_daily(current_tenant().today())
        await expire_quotes()
        await campaigns.finish()
        await cancel_forgotten_drafts()
        await dunning.monthly_interest()
        await checkout.expire_unpaid()
        await baskets.forget_old_guests()
        policy = await policy_or_none()
        if policy is not None and policy.active:
            await dunning.plan_run(SYSTEM)
        await plan_forecasts()
        await plan_digests()
        await plan_daily()
        await plan_weekly()


async def _bind_sms(tenant_id: UUID) -> None:
    if isinstance(sms := channel("sms"), SmsCarrier):
        await sms.look_after(tenant_id)


async def _ask_sms(tenant_id: UUID) -> None:
    if isinstance(sms := channel("sms"), SmsCarrier):
        await sms.ask_states(tenant_id)


def _imports(stopping: asyncio.Event) -> Sequence[asyncio.Task[None]]:
    try:
        from dilo.imports.jobs import run_waiting_imports  # type: ignore[import-not-found]
    except ImportError:
        return ()
    imports = _again_and_again("import", run_waiting_imports, IMPORT_SECONDS, stopping)
    return (asyncio.create_task(imports),)


async def _again_and_again(name: str, turn: Round, seconds: float, stopping: asyncio.Event) -> None:
    """One tenant's failure is logged and keeps nobody else waiting."""
    while not stopping.is_set():
        try:
            for tenant_id in await tenant_ids():
                await _guarded(name, turn, tenant_id)
        except Exception:
            log.exception("%s: no database?", name)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stopping.wait(), seconds)


async def _guarded(name: str, turn: Round, tenant_id: UUID) -> None:
    try:
        await turn(tenant_id)
    except Exception:
        log.exception("%s failed for %s", name, tenant_id)


async def wake(context: dict[str, Any], tenant_id: str) -> None:
    """A hint that carries nothing but whose outbox to look at."""
    UUID(tenant_id)
    context["waking"].set()


async def _listen_forever(waking: asyncio.Event) -> None:
    """arq leaves with an error when Valkey is away; it is started again, sweeping never stopped."""
    pause = LISTEN_PAUSE_SECONDS
    while settings().valkey_url:
        began = asyncio.get_running_loop().time()
        worker = _listener(waking)
        try:
            await worker.async_run()
        except Exception as error:
            log.warning("Valkey is away (%s); sweeping goes on without it", error)
            waking.set()
        finally:
            with contextlib.suppress(Exception):
                await worker.close()
        if asyncio.get_running_loop().time() - began > LISTEN_PAUSE_MOST_SECONDS:
            pause = LISTEN_PAUSE_SECONDS
        await asyncio.sleep(pause)
        pause = min(pause * 2, LISTEN_PAUSE_MOST_SECONDS)


def _listener(waking: asyncio.Event) -> Worker:
    return Worker(
        functions=[func(wake, name="wake", keep_result=0, timeout=5, max_tries=1)],  # type: ignore[arg-type]
        redis_settings=jobs.redis_settings(),
        ctx={"waking": waking},
        keep_result=0,
        handle_signals=False,
        poll_delay=0.2,
        job_serializer=msgspec.msgpack.encode,
        job_deserializer=msgspec.msgpack.decode,
        job_timeout=5,
        queue_name=jobs.QUEUE,
    )

"""``dilo up``: one terminal for everything, one readable line per event, Ctrl-C stops it all."""

import asyncio
import contextlib
import fcntl
import os
import signal
import socket
import sys
from collections.abc import Sequence
from pathlib import Path

from dilo.kit import i18n
from dilo.kit.errors import Refusal
from dilo.run import embedded, servers
from dilo.run.migrate import migrate
from dilo.run.settings import settings

CHILDREN = {"web": "36", "worker": "35", "polling": "33"}
COMMANDS = {"web": "serve", "worker": "worker", "polling": "polling"}
STOP_SECONDS = 10
BACKOFF_MAX = 30.0


def up(*, demo: bool) -> None:
    """Raises Refusal: PORT_BUSY, ALREADY_UP, and what the embedded servers say."""
    var = settings().dilo_var.resolve()
    var.mkdir(parents=True, exist_ok=True)
    with _alone(var):
        _port_is_free()
        embedded_here = not settings().database_url
        try:
            if embedded_here:
                servers.adopt(embedded.start(var))
            asyncio.run(migrate(servers.owner_url()))
            if demo:
                _seed()
            asyncio.run(_supervise())
        finally:
            if embedded_here:
                embedded.stop(var)


@contextlib.contextmanager
def _alone(var: Path):  # noqa: ANN202
    with (var / "up.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Refusal("ALREADY_UP", path=var, port=settings().dilo_port) from None
        yield


def _port_is_free() -> None:
    with socket.socket() as probe:
        if probe.connect_ex((settings().dilo_bind, settings().dilo_port)) == 0:
            raise Refusal("PORT_BUSY", port=settings().dilo_port)


def _seed() -> None:
    from dilo.demo.seed import seed
    from dilo.run.database import database

    async def inside() -> None:
        async with database(most=2):
            await seed(servers.owner_url(), say=lambda text: _line("demo", "32", text))
            if settings().dilo_telegram_token:
                await _demo_bot()

    asyncio.run(inside())


async def _demo_bot() -> None:
    """DILO_TELEGRAM_TOKEN gives the first demo company its bot; one it has already stays."""
    from bots.telegram import connection
    from dilo.demo.seed import PLANS
    from dilo.messaging import telegram_bots
    from dilo.run import events
    from tenants.actors import SYSTEM
    from tenants.scope import scope, tenant_of_host

    events.wire()
    tenant = await tenant_of_host(f"{PLANS[0].slug}.localhost")
    async with scope(tenant):
        if await telegram_bots.bot_or_none() is not None:
            return
        token = settings().dilo_telegram_token
        try:
            username = await connection.username_of(token)
            bot_id = await telegram_bots.add_bot(SYSTEM, token, username)
        except Refusal as refusal:
            text = i18n.say(f"refusal:{refusal.code}", **refusal.figures)
            _line("demo", "31", text)
            return
        await connection.switch_on(await telegram_bots.bot(bot_id))
        _line("demo", "32", f"https://t.me/{username}")


def _line(name: str, colour: str, text: str) -> None:
    label = f"\033[{colour}m{name:>8}\033[0m" if sys.stdout.isatty() else f"{name:>8}"
    print(f"{label} | {text}", flush=True)


async def _supervise() -> None:
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopping.set)
    tasks = [asyncio.create_task(_keep(name, stopping)) for name in CHILDREN]
    greeting = asyncio.create_task(_greet(stopping))
    await stopping.wait()
    greeting.cancel()
    await asyncio.gather(*tasks)


async def _keep(name: str, stopping: asyncio.Event) -> None:
    """Runs a child, its output prefixed; a crash is restarted with growing pauses."""
    pause = 1.0
    while not stopping.is_set():
        child = await asyncio.create_subprocess_exec(
            sys.executable,
            "-u",
            "-m",
            "dilo.run.cli",
            COMMANDS[name],
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            start_new_session=True,
            env=os.environ | {"PYTHONUNBUFFERED": "1"},
        )
        reading = asyncio.create_task(_copy(name, child.stdout))  # type: ignore[arg-type]
        ended = asyncio.create_task(child.wait())
        await asyncio.wait(
            {ended, asyncio.create_task(stopping.wait())}, return_when=asyncio.FIRST_COMPLETED
        )
        if stopping.is_set():
            await _stop(child)
        await reading
        if not stopping.is_set():
            _line(name, "31", i18n.say("run:restarting", code=child.returncode, pause=int(pause)))
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stopping.wait(), pause)
            pause = min(pause * 2, BACKOFF_MAX)


async def _stop(child: asyncio.subprocess.Process) -> None:
    with contextlib.suppress(ProcessLookupError):
        child.terminate()
        try:
            await asyncio.wait_for(child.wait(), STOP_SECONDS)
        except TimeoutError:
            os.killpg(child.pid, signal.SIGKILL)


async def _copy(name: str, stream: asyncio.StreamReader) -> None:
    while line := await stream.readline():
        _line(name, CHILDREN[name], line.decode(errors="replace").rstrip())


async def _greet(stopping: asyncio.Event) -> None:
    """Once the web answers: where to go and how to sign in."""
    port = settings().dilo_port
    while not stopping.is_set():
        with socket.socket() as probe:
            if probe.connect_ex((settings().dilo_bind, port)) == 0:
                break
        await asyncio.sleep(0.1)
    for text in _welcome(port):
        _line("dilo", "32", text)


def _welcome(port: int) -> Sequence[str]:
    from dilo.demo.seed import LOGINS

    lines = [""]
    for login in LOGINS:
        lines.append(
            f"{login.where:8} http://{login.host}:{port}{login.path:10} "
            f"{login.email:32} {login.password:12} {login.who}"
        )
    return [*lines, "", i18n.say("run:stop_hint")]

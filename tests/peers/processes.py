"""Processes of ours that a test starts and kills.

Forked from one that has imported everything once: aiogram's types alone take seconds, and the
suite starts dozens of workers.
"""

import asyncio
import os
import sys
from collections.abc import Callable
from multiprocessing import get_context
from multiprocessing.context import ForkServerProcess
from uuid import UUID

from dilo.imports import jobs
from dilo.messaging.sending import drain
from dilo.run import cli, events
from dilo.run.database import database
from dilo.run.settings import settings

CONTEXT = get_context("forkserver")
CONTEXT.set_forkserver_preload(["dilo.run.worker", "dilo.run.commands.worker", __name__])


class Child:
    """What a test asks of a process, in the words of asyncio's own."""

    def __init__(self, process: ForkServerProcess) -> None:
        self._process = process

    @property
    def pid(self) -> int:
        assert self._process.pid is not None
        return self._process.pid

    @property
    def returncode(self) -> int | None:
        return self._process.exitcode

    def send_signal(self, number: int) -> None:
        os.kill(self.pid, number)

    def terminate(self) -> None:
        self._process.terminate()

    def kill(self) -> None:
        self._process.kill()

    async def wait(self) -> int:
        while self.returncode is None:
            await asyncio.sleep(0.02)
        return self.returncode


def dilo(*words: str, **env: str) -> Child:
    """The command ``dilo``, among ``env`` over ours."""
    return _started(_command, words, **env)


def sender(tenant: UUID, **env: str) -> Child:
    """Sends what is due to one tenant's people, and ends."""
    return _started(_drain, (tenant,), **env)


def importer(tenant: UUID) -> Child:
    """Runs the imports that wait at one tenant, and ends."""
    return _started(_import, (tenant,))


def _started(target: Callable[..., None], said: tuple[object, ...], **env: str) -> Child:
    process = CONTEXT.Process(target=_become, args=(dict(os.environ) | env, target, said))
    process.start()
    return Child(process)


def _become(env: dict[str, str], target: Callable[..., None], said: tuple[object, ...]) -> None:
    os.environ.clear()
    os.environ.update(env)
    settings.cache_clear()
    with open(os.devnull, "w") as nowhere:
        os.dup2(nowhere.fileno(), 2)
    target(*said)


def _command(*words: str) -> None:
    sys.argv = ["dilo", *words]
    cli.main()


def _drain(tenant: UUID) -> None:
    async def main() -> None:
        events.wire()
        async with database(most=4):
            while await drain(tenant, 5.0):
                pass

    asyncio.run(main())


def _import(tenant: UUID) -> None:
    async def main() -> None:
        async with database():
            await jobs.run_waiting_imports(tenant)

    asyncio.run(main())

"""SMS through an SMPP 3.4 connection of this process. No idempotency: silence is unknown.

A session binds as transceiver, keeps itself up and comes back by itself. Whatever waits for the
line longer than its turn goes back to the outbox: nothing is kept here that a lease outlives.
"""

import asyncio
import contextlib
import logging
import random
from collections.abc import Awaitable, Callable
from datetime import datetime
from uuid import UUID

from dilo.messaging import outside, wire
from dilo.messaging.channels import Dead, Message, Outcome, RetryLater, Sent, Unknown
from dilo.messaging.wire import Delivered, Pdu

log = logging.getLogger("dilo.messaging.smpp")
BIND_WAIT_S = 5.0
PATIENCE_S = 10.0
SILENCE_S = 30.0
THROTTLED_S = 2.0
BACKOFF_FIRST_S, BACKOFF_MOST_S = 0.5, 16.0
REFUSED_MOST_S = 300.0  # a wrong password does not mend itself, and operators lock who insists
EARLY_MAX = 10_000
HEX_LEAST = 4
BUSY = (wire.THROTTLED, wire.QUEUE_FULL)
OURS_OR_THEIRS = (wire.SYSTEM_ERROR, wire.SUBMIT_FAILED)
Receipt = Callable[[UUID | None, str, str], Awaitable[bool]]
Heard = Callable[[Delivered], Awaitable[None]]


class Refused(ValueError):
    """The operator does not let us in."""


class Down(Exception):
    """``written``: the line broke after the message had left."""

    def __init__(self, written: bool) -> None:
        super().__init__("not_bound")
        self.written = written


async def _nobody(tenant_id: UUID | None, message_id: str, status: str) -> bool:  # noqa: ARG001
    return False


class Smpp:
    """``tenant_id``: whose connection it is, for the one of a company; ``mark`` then begins its
    messages' ids, since two operators may count alike."""

    idempotent = False

    def __init__(
        self,
        host: str,
        port: int,
        system_id: str,
        password: str,
        sender: str,
        on_receipt: Receipt | None = None,
        *,
        on_heard: Heard | None = None,
        tenant_id: UUID | None = None,
        mark: str = "",
        long_texts: str = "udh",
        outstanding: int = 10,
        system_type: str = "",
    ) -> None:
        self.where = (host, port)
        self.login = (system_id, password, system_type)
        self.sender, self.mark, self.long_texts = sender, mark, long_texts
        self.on_receipt, self.on_heard = on_receipt or _nobody, on_heard
        self.tenant_id = tenant_id
        self.window = asyncio.Semaphore(outstanding)
        self.waiting: dict[int, asyncio.Future[Pdu]] = {}
        self.tenants: dict[str, UUID] = {}
        self.early: dict[str, str] = {}
        self.sequence = self.reference = random.randrange(1, 200)  # noqa: S311
        self.writer: asyncio.StreamWriter | None = None
        self.running: asyncio.Task[None] | None = None
        self.bound = asyncio.Event()
        self.tried = asyncio.Event()
        self.fault = ""

    async def start(self) -> None:
        """Binds and keeps the connection; also called by the worker, so that receipts come in."""
        if self.running is None or self.running.done():
            self.running = asyncio.create_task(self._keep())

    async def paused_until(self) -> datetime | None:
        return None

    async def close(self) -> None:
        if self.running is None:
            return
        with contextlib.suppress(Exception):
            if self.bound.is_set():
                await self._ask(Pdu(wire.UNBIND, 0, self._next()), 1.0)
        self.running.cancel()
        with contextlib.suppress(asyncio.CancelledError, Exception):
            await self.running

    async def _keep(self) -> None:
        """An operator that lets in and throws out at once is left alone as one that refuses is."""
        clock, pause = asyncio.get_running_loop().time, BACKOFF_FIRST_S
        while True:
            began, most = clock(), BACKOFF_MOST_S
            try:
                await self._live()
            except (OSError, ValueError, TimeoutError, asyncio.IncompleteReadError) as error:
                self.fault = f"{type(error).__name__}: {error}"[:200]
                most = REFUSED_MOST_S if isinstance(error, Refused) else most
                if self.bound.is_set() and clock() - began > BACKOFF_MOST_S:
                    pause = BACKOFF_FIRST_S
            finally:
                self._drop()
            await asyncio.sleep(pause * (0.75 + random.random() / 2))  # noqa: S311
            pause = min(pause * 2, most)

    def _drop(self) -> None:
        self.bound.clear()
        self.tried.set()
        if self.writer is not None:
            self.writer.transport.abort()
            self.writer = None
        for answer in self.waiting.values():
            if not answer.done():
                answer.set_exception(Down(True))
                answer.exception()  # nobody may be left to ask
        self.waiting.clear()

    async def _live(self) -> None:
        """One connection, from its first byte to its last."""
        async with asyncio.timeout(PATIENCE_S):
            host = self.where[0]
            if self.tenant_id is not None:  # the installation's own may stand beside us
                host = await outside.checked_host(*self.where)
            reader, self.writer = await asyncio.open_connection(host, self.where[1])
            body = wire.bind(*self.login)
            self.writer.write(Pdu(wire.BIND_TRANSCEIVER, 0, self._next(), body).packed())
            answer = await self._read(reader)
        if answer.status or answer.command != wire.BIND_TRANSCEIVER | wire.ANSWER:
            raise Refused(f"bind refused: 0x{answer.status:02X}")
        self.fault = ""
        self.bound.set()
        self.tried.set()
        alive = asyncio.create_task(self._ask_whether_alive())
        try:
            while True:
                await self._hear(await self._read(reader))
        finally:
            alive.cancel()

    async def _read(self, reader: asyncio.StreamReader) -> Pdu:
        size, command, status, sequence = wire.header_of(await reader.readexactly(16))
        return Pdu(command, status, sequence, await reader.readexactly(size - 16))

    async def _ask_whether_alive(self) -> None:
        while True:
            await asyncio.sleep(SILENCE_S)
            try:
                await self._ask(Pdu(wire.ENQUIRE, 0, self._next()), PATIENCE_S)
            except (TimeoutError, Down):
                if self.writer is not None:
                    self.writer.transport.abort()
                return

    async def _hear(self, pdu: Pdu) -> None:
        if pdu.command == wire.DELIVER:
            await self._delivered(pdu)
        elif pdu.command in (wire.ENQUIRE, wire.UNBIND):
            self._say(Pdu(pdu.command | wire.ANSWER, 0, pdu.sequence))
            if pdu.command == wire.UNBIND:
                raise ValueError("unbound by the operator")
        elif pdu.command & wire.ANSWER:
            answer = self.waiting.pop(pdu.sequence, None)
            if answer is not None and not answer.done():
                answer.set_result(pdu)
        else:
            self._say(Pdu(wire.NACK, 3, pdu.sequence))

    async def _delivered(self, pdu: Pdu) -> None:
        """The answer to the operator follows our commit: what we could not keep comes again."""
        status = 0
        try:
            said = wire.delivered(pdu.body)
            if said.is_receipt:
                await self._receipt(*said.receipt())
            elif self.on_heard is not None:
                await self.on_heard(said)
        except ValueError:
            log.warning("a deliver_sm nobody can read")
        except Exception:
            log.exception("a deliver_sm could not be kept")
            status = wire.SYSTEM_ERROR
        self._say(Pdu(wire.DELIVER | wire.ANSWER, status, pdu.sequence, b"\0"))

    async def _receipt(self, number: str, status: str) -> None:
        message_id = self.mark + self._as_submitted(number)
        owner = self.tenant_id or self.tenants.get(message_id)
        if not number or not status:
            return
        if not await self.on_receipt(owner, message_id, status):
            while len(self.early) > EARLY_MAX:
                self.early.pop(next(iter(self.early)))
            self.early[message_id] = status

    def _as_submitted(self, number: str) -> str:
        """Some operators answer in hexadecimal and report in decimal, or the other way round."""
        if self.mark + number in self.tenants:
            return number
        others = [f"{int(number):x}", f"{int(number):X}"] if number.isdigit() else []
        with contextlib.suppress(ValueError):
            others.append(str(int(number, 16)))
        return next((one for one in others if self.mark + one in self.tenants), number)

    def _next(self) -> int:
        self.sequence = self.sequence % 0x7FFFFFFF + 1
        return self.sequence

    def _say(self, pdu: Pdu) -> None:
        if self.writer is not None:
            self.writer.write(pdu.packed())

    async def _ask(self, pdu: Pdu, seconds: float) -> Pdu:
        """Raises Down, TimeoutError. A late answer finds nobody waiting."""
        if self.writer is None:
            raise Down(False)
        answer = self.waiting[pdu.sequence] = asyncio.get_running_loop().create_future()
        try:
            self._say(pdu)
            async with asyncio.timeout(seconds):
                return await answer
        finally:
            self.waiting.pop(pdu.sequence, None)

    async def send(self, tenant_id: UUID, message: Message) -> Outcome:
        return await self.submit(tenant_id, message, self.sender)

    async def submit(self, tenant_id: UUID, message: Message, sender: str) -> Outcome:
        """Nothing of it is sent, or all, or nobody knows."""
        if not await self._is_bound(min(BIND_WAIT_S, message.timeout_s / 2)):
            return RetryLater(None, f"not_bound {self.fault}".strip())
        self.reference = self.reference % 255 + 1
        bodies = wire.submissions(
            sender, message.address, message.text, self.long_texts, self.reference
        )
        ends = asyncio.get_running_loop().time() + message.timeout_s / 2
        outcome: Outcome = RetryLater(None, "not_bound")
        for n, body in enumerate(bodies):
            outcome = await self._submit_one(tenant_id, body, ends, first=n == 0)
            if not isinstance(outcome, Sent):
                return outcome if n == 0 else Unknown(f"part {n + 1} of {len(bodies)}")
        return outcome

    async def _submit_one(
        self, tenant_id: UUID, body: bytes, ends: float, *, first: bool
    ) -> Outcome:
        """A later part waits out a throttled operator as long as there is time."""
        clock = asyncio.get_running_loop().time
        while True:
            outcome = await self._submit_once(tenant_id, body, max(0.1, ends - clock()))
            busy = isinstance(outcome, RetryLater) and outcome.detail == "throttled"
            if first or not busy or clock() + 1.0 > ends:
                return outcome
            await asyncio.sleep(0.5)

    async def _submit_once(self, tenant_id: UUID, body: bytes, seconds: float) -> Outcome:
        try:
            async with asyncio.timeout(seconds):
                await self.window.acquire()
        except TimeoutError:
            return RetryLater(THROTTLED_S, "window", ours=True)
        try:
            answer = await self._ask(Pdu(wire.SUBMIT, 0, self._next(), body), seconds)
        except TimeoutError:
            return Unknown("no_response")
        except Down as down:
            return Unknown("line_broke") if down.written else RetryLater(None, "not_bound")
        finally:
            self.window.release()
        return await self._outcome(tenant_id, answer)

    async def _outcome(self, tenant_id: UUID, answer: Pdu) -> Outcome:
        if answer.status == wire.OK and answer.command == wire.SUBMIT | wire.ANSWER:
            number = answer.body.split(b"\0", 1)[0].decode("ascii", "replace")
            return await self._accepted(tenant_id, self.mark + number)
        if answer.status in BUSY:
            return RetryLater(THROTTLED_S, "throttled")
        if answer.status in OURS_OR_THEIRS:
            return RetryLater(None, f"status 0x{answer.status:02X}")
        said = f"status 0x{answer.status:02X}"
        return Dead(said, address_dead=answer.status == wire.BAD_NUMBER)

    async def _accepted(self, tenant_id: UUID, message_id: str) -> Outcome:
        while len(self.tenants) > EARLY_MAX:
            self.tenants.pop(next(iter(self.tenants)))
        self.tenants[message_id] = tenant_id
        status = self.early.pop(message_id, None)
        if status is not None:
            await self.on_receipt(tenant_id, message_id, status)
        return Sent(message_id)

    async def _is_bound(self, seconds: float) -> bool:
        """Waits for the first try only: who is known to be down holds nobody up."""
        await self.start()
        if not self.tried.is_set():
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await self.tried.wait()
        return self.bound.is_set()

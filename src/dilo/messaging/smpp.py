"""SMS through an SMPP 3.4 connection of this process. No idempotency: silence is unknown."""

import asyncio
import contextlib
import logging
import re
from collections.abc import Awaitable, Callable
from datetime import datetime
from uuid import UUID

from aiosmpplib import ESME, DeliverSm, PhoneNumber, SubmitSm, SubmitSmResp
from aiosmpplib.hook import AbstractHook
from aiosmpplib.protocol import MESSAGE_TYPE_MAP, GenericNack, SmppMessage
from aiosmpplib.retrytimer import SimpleExponentialBackoff
from aiosmpplib.state import NPI, TON, SmppCommand, SmppCommandStatus
from aiosmpplib.throttle import AbstractThrottleHandler

from dilo.messaging.channels import Dead, Message, Outcome, RetryLater, Sent, Unknown

log = logging.getLogger("dilo.messaging.smpp")
BIND_WAIT_S = 5.0
THROTTLED_S = 2.0
EARLY_MAX = 10_000
Receipt = Callable[[UUID | None, str, str], Awaitable[bool]]
BUSY = (SmppCommandStatus.ESME_RTHROTTLED, SmppCommandStatus.ESME_RMSGQFUL)
OURS_OR_THEIRS = (SmppCommandStatus.ESME_RSYSERR, SmppCommandStatus.ESME_RSUBMITFAIL)
FIELD = re.compile(r"\b(id|stat):(\S+)", re.IGNORECASE)


async def _nobody(tenant_id: UUID | None, message_id: str, status: str) -> bool:  # noqa: ARG001
    return False


class ForgivingDeliverSm(DeliverSm):
    """Many operators send ``err:0A1``; the library's int() of that would end the session."""

    def parse_receipt(self) -> dict[str, str | int | datetime]:
        try:
            return super().parse_receipt()
        except ValueError:
            text = self.short_message or self.message_payload
            self._parsed_receipt = {key.lower(): value for key, value in FIELD.findall(text)}
            return self._parsed_receipt


MESSAGE_TYPE_MAP[SmppCommand.DELIVER_SM] = ForgivingDeliverSm


class NeverHoldBack(AbstractThrottleHandler):
    """Throttled rows go back to the outbox; holding them in memory would outlive their lease."""

    async def throttled(self) -> None: ...

    async def not_throttled(self) -> None: ...

    async def allow_request(self) -> bool:
        return True

    async def throttle_delay(self) -> float:
        return 0.0


class Waiting:
    def __init__(self, tenant_id: UUID) -> None:
        self.tenant_id = tenant_id
        self.answer: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        self.written = False

    def settle(self, outcome: Outcome) -> None:
        if not self.answer.done():
            self.answer.set_result(outcome)


class Hook(AbstractHook):
    """Matches answers to letters, and keeps a letter that was given up from leaving late."""

    def __init__(self, on_receipt: Receipt) -> None:
        self.on_receipt = on_receipt
        self.waiting: dict[str, Waiting] = {}
        self.by_sequence: dict[int, str] = {}
        self.tenants: dict[str, UUID] = {}
        self.early: dict[str, str] = {}

    async def sending(
        self,
        smpp_message: SmppMessage,
        pdu: bytes,  # noqa: ARG002
        client_id: str,  # noqa: ARG002
    ) -> None:
        if not isinstance(smpp_message, SubmitSm):
            return
        waiting = self.waiting.get(smpp_message.log_id)
        if waiting is None:
            raise ValueError("given up while it waited for the connection")
        waiting.written = True
        self.by_sequence[smpp_message.sequence_num] = smpp_message.log_id

    async def received(
        self,
        smpp_message: SmppMessage | None,
        pdu: bytes,  # noqa: ARG002
        client_id: str,  # noqa: ARG002
    ) -> None:
        if isinstance(smpp_message, DeliverSm):
            await self._receipt(smpp_message)
        elif isinstance(smpp_message, SubmitSmResp | GenericNack):
            await self._answer(smpp_message)

    async def send_error(
        self,
        smpp_message: SmppMessage,
        error: Exception,
        client_id: str,  # noqa: ARG002
    ) -> None:
        waiting = self.waiting.get(getattr(smpp_message, "log_id", ""))
        if waiting is None:
            return
        said = f"{type(error).__name__}: {error}"
        if isinstance(error, ValueError):
            waiting.settle(Dead(said))
        else:
            waiting.settle(Unknown(said) if waiting.written else RetryLater(None, said))

    async def _answer(self, message: SubmitSmResp | GenericNack) -> None:
        key = self.by_sequence.pop(message.sequence_num, "")
        waiting = self.waiting.get(key)
        status = message.command_status
        if isinstance(message, SubmitSmResp) and status == SmppCommandStatus.ESME_ROK:
            await self._accepted(message.message_id, waiting)
        elif waiting is None:
            return
        elif status in BUSY:
            waiting.settle(RetryLater(THROTTLED_S, "throttled"))
        elif status in OURS_OR_THEIRS:
            waiting.settle(RetryLater(None, status.name))
        else:
            bad_number = status == SmppCommandStatus.ESME_RINVDSTADR
            waiting.settle(Dead(status.name, address_dead=bad_number))

    async def _accepted(self, message_id: str, waiting: Waiting | None) -> None:
        if waiting is None:
            return
        while len(self.tenants) > EARLY_MAX:
            self.tenants.pop(next(iter(self.tenants)))
        self.tenants[message_id] = waiting.tenant_id
        status = self.early.pop(message_id, None)
        if status is not None:
            await self.on_receipt(waiting.tenant_id, message_id, status)
        waiting.settle(Sent(message_id))

    async def _receipt(self, message: DeliverSm) -> None:
        """Returns only when the inbox has it: the answer to the operator follows our commit."""
        if not message.is_receipt():
            return
        found = message.parse_receipt()
        message_id, status = str(found.get("id", "")), str(found.get("stat", ""))
        if not await self.on_receipt(self.tenants.get(message_id), message_id, status):
            while len(self.early) > EARLY_MAX:
                self.early.pop(next(iter(self.early)))
            self.early[message_id] = status


class Smpp:
    idempotent = False

    def __init__(
        self,
        host: str,
        port: int,
        system_id: str,
        password: str,
        sender: str,
        on_receipt: Receipt | None = None,
    ) -> None:
        self.where = (host, port, system_id, password)
        self.sender = sender
        self.hook = Hook(on_receipt or _nobody)
        self.esme: ESME | None = None
        self.running: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Binds and keeps the connection; also called by the worker, so that receipts come in."""
        if self.running is not None and not self.running.done():
            return
        host, port, system_id, password = self.where
        self.esme = ESME(
            smsc_host=host,
            smsc_port=port,
            system_id=system_id,
            password=password,
            hook=self.hook,
            retry_timer=SimpleExponentialBackoff(min_delay=500, max_increases=5),
            throttle_handler=NeverHoldBack(),
            log_level="ERROR",
            socket_timeout=10.0,
        )
        self.running = asyncio.create_task(self.esme.start())

    async def paused_until(self) -> datetime | None:
        return None

    async def send(self, tenant_id: UUID, message: Message) -> Outcome:
        if not await self._bound(min(BIND_WAIT_S, message.timeout_s / 2)):
            return RetryLater(None, "not_bound")
        assert self.esme is not None
        key = str(message.key)
        waiting = self.hook.waiting[key] = Waiting(tenant_id)
        try:
            await self.esme.broker.enqueue(self._submission(message, key))
            async with asyncio.timeout(message.timeout_s / 2):
                return await waiting.answer
        except TimeoutError:
            return Unknown("no_response") if waiting.written else RetryLater(None, "not_bound")
        except ValueError as error:
            return Dead(str(error))
        finally:
            self.hook.waiting.pop(key, None)

    def _submission(self, message: Message, key: str) -> SubmitSm:
        alphanumeric = not self.sender.lstrip("+").isdigit()
        return SubmitSm(
            short_message=message.text,
            source=PhoneNumber(
                self.sender.lstrip("+"),
                TON.ALPHANUMERIC if alphanumeric else TON.INTERNATIONAL,
                NPI.UNKNOWN if alphanumeric else NPI.ISDN,
            ),
            destination=PhoneNumber(message.address.lstrip("+"), TON.INTERNATIONAL, NPI.ISDN),
            registered_delivery=1,
            log_id=key,
        )

    async def _bound(self, seconds: float) -> bool:
        await self.start()
        assert self.esme is not None
        for _ in range(max(1, int(seconds / 0.05))):
            if self.esme.session_state == self.esme.bind_mode.session_state:
                return True
            await asyncio.sleep(0.05)
        return False

    async def close(self) -> None:
        if self.esme is None or self.running is None:
            return
        with contextlib.suppress(Exception):
            async with asyncio.timeout(3):
                await self.esme.stop()
        self.running.cancel()
        with contextlib.suppress(asyncio.CancelledError, Exception):
            await self.running

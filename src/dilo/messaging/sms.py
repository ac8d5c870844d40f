"""SMS through an SMPP 3.4 connection or an HTTP gateway, as the settings say."""

import asyncio
import contextlib
import logging
from datetime import datetime
from uuid import UUID

import httpx
from aiosmpplib import ESME, PhoneNumber, SubmitSm
from aiosmpplib.hook import AbstractHook
from aiosmpplib.protocol import SmppMessage
from aiosmpplib.state import NPI, TON, SmppCommandStatus

from dilo.messaging.channels import Dead, Message, Outcome, RetryLater, Sent, Unknown

log = logging.getLogger("dilo.sms")
ANSWER_SECONDS = 12.0
PAUSE_SECONDS = 30.0
BIND_SECONDS = 5.0


class HttpSms:
    """POST {"id", "to", "from", "text"} with a bearer token; the id is the gateway's idempotency key.

    2xx accepted; 409 accepted before; 429 and 5xx later; other 4xx never.
    """

    def __init__(self, url: str, token: str, sender: str) -> None:
        self.url, self.token, self.sender = url, token, sender

    async def paused_until(self) -> datetime | None:
        return None

    async def send(self, tenant_id: UUID, message: Message) -> Outcome:
        body = {
            "id": str(message.key),
            "to": message.address,
            "from": self.sender,
            "text": message.text,
        }
        try:
            async with httpx.AsyncClient(timeout=ANSWER_SECONDS) as client:
                answer = await client.post(
                    self.url, json=body, headers={"authorization": f"Bearer {self.token}"}
                )
        except httpx.ConnectError as error:
            return RetryLater(PAUSE_SECONDS, f"connect: {error}")
        except httpx.HTTPError as error:
            # The gateway keeps our id, so asking again cannot make a second copy.
            return RetryLater(PAUSE_SECONDS, f"no answer: {error!r}")
        if answer.status_code < 300 or answer.status_code == 409:
            return Sent(str(message.key))
        if answer.status_code == 429 or answer.status_code >= 500:
            after = answer.headers.get("retry-after", "")
            return RetryLater(
                float(after) if after.isdigit() else PAUSE_SECONDS, f"HTTP {answer.status_code}"
            )
        return Dead(f"HTTP {answer.status_code}", address_dead=answer.status_code == 422)


class _Answers(AbstractHook):
    """Hands each submit_sm_resp to whoever waits for it."""

    def __init__(self) -> None:
        self.waiting: dict[str, asyncio.Future[tuple[int, str | None]]] = {}

    async def sending(self, smpp_message: SmppMessage, pdu: bytes, client_id: str) -> None:
        return None

    async def received(self, smpp_message: SmppMessage | None, pdu: bytes, client_id: str) -> None:
        key = getattr(smpp_message, "log_id", None)
        future = self.waiting.pop(key, None) if key else None
        if future and not future.done():
            status = getattr(smpp_message, "command_status", SmppCommandStatus.ESME_ROK)
            future.set_result((int(status), getattr(smpp_message, "message_id", None)))

    async def send_error(self, smpp_message: SmppMessage, error: Exception, client_id: str) -> None:
        key = getattr(smpp_message, "log_id", None)
        future = self.waiting.pop(key, None) if key else None
        if future and not future.done():
            future.set_exception(error)


class Smpp:
    """One bound connection, kept by a background task that reconnects by itself."""

    def __init__(self, host: str, port: int, system_id: str, password: str, sender: str) -> None:
        self.sender = sender
        self.answers = _Answers()
        self.settings = {
            "smsc_host": host,
            "smsc_port": port,
            "system_id": system_id,
            "password": password,
        }
        self.esme: ESME | None = None
        self.running: asyncio.Task[None] | None = None

    async def paused_until(self) -> datetime | None:
        return None

    def _connection(self) -> ESME:
        if self.esme is None or self.running is None or self.running.done():
            self.esme = ESME(**self.settings, hook=self.answers)  # type: ignore[arg-type]
            self.running = asyncio.create_task(self.esme.start())
        return self.esme

    async def send(self, tenant_id: UUID, message: Message) -> Outcome:
        esme = self._connection()
        key = str(message.key)
        future: asyncio.Future[tuple[int, str | None]] = asyncio.get_running_loop().create_future()
        self.answers.waiting[key] = future
        submit = SubmitSm(
            short_message=message.text,
            log_id=key,
            auto_message_payload=True,
            source=PhoneNumber(self.sender, TON.ALPHANUMERIC, NPI.UNKNOWN),
            destination=PhoneNumber(message.address.lstrip("+"), TON.INTERNATIONAL, NPI.ISDN),
        )
        try:
            # Nothing is queued for a connection that is not up: it would go out after we gave up.
            await asyncio.wait_for(esme._bound.wait(), BIND_SECONDS)
        except TimeoutError:
            self.answers.waiting.pop(key, None)
            return RetryLater(PAUSE_SECONDS, "SMSC not bound")
        try:
            await esme.broker.enqueue(submit)
            status, message_id = await asyncio.wait_for(future, ANSWER_SECONDS)
        except TimeoutError:
            return Unknown("no submit_sm_resp")
        except Exception as error:
            return RetryLater(PAUSE_SECONDS, repr(error))
        finally:
            self.answers.waiting.pop(key, None)
        return _outcome(status, message_id)

    async def close(self) -> None:
        if self.esme is not None:
            with contextlib.suppress(Exception):
                await asyncio.wait_for(self.esme.stop(), 5)


def _outcome(status: int, message_id: str | None) -> Outcome:
    if status == SmppCommandStatus.ESME_ROK:
        return Sent(message_id)
    if status in (
        SmppCommandStatus.ESME_RTHROTTLED,
        SmppCommandStatus.ESME_RMSGQFUL,
        SmppCommandStatus.ESME_RSYSERR,
    ):
        return RetryLater(PAUSE_SECONDS, f"SMPP {status:#x}")
    return Dead(f"SMPP {status:#x}", address_dead=status == SmppCommandStatus.ESME_RINVDSTADR)

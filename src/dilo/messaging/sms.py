"""SMS through an HTTP gateway (or SMPP, see ``smpp``).

Contract: ``POST url`` with a bearer token, ``Idempotency-Key`` and JSON ``{"id", "from", "to",
"text"}``; 2xx answers ``{"message_id"}``. The gateway must drop a repeat of a key: that is why a
try whose answer never came may safely be made again.
"""

from datetime import datetime
from uuid import UUID

import httpx

from dilo.messaging import outside
from dilo.messaging.channels import Dead, Message, Outcome, RetryLater, Sent
from dilo.messaging.gateways import hesitant
from dilo.messaging.outside import Answer
from dilo.messaging.smpp import Smpp

ADDRESS_IS_DEAD = frozenset({"bad_number", "unknown_subscriber", "blocked"})


class HttpSms:
    idempotent = True

    def __init__(self, url: str, token: str, sender: str) -> None:
        self.url = url
        self.sender = sender
        headers = {"authorization": f"Bearer {token}"} if token else {}
        self.client = httpx.AsyncClient(headers=headers, follow_redirects=False)

    async def paused_until(self) -> datetime | None:
        return None

    async def send(self, tenant_id: UUID, message: Message) -> Outcome:  # noqa: ARG002
        body = {
            "id": str(message.key),
            "from": self.sender,
            "to": message.address,
            "text": message.text,
        }
        key = {"idempotency-key": str(message.key)}
        try:
            answer = await outside.call(
                self.client, "POST", self.url, message.timeout_s, json=body, headers=key
            )
        except (httpx.HTTPError, TimeoutError) as error:
            return RetryLater(None, f"{type(error).__name__}: {error}")
        return hesitant(answer) or _read(answer)

    async def close(self) -> None:
        await self.client.aclose()


def _read(answer: Answer) -> Outcome:
    found = answer.json()
    said = found if isinstance(found, dict) else {}
    if answer.status < 300:
        return Sent(str(said["message_id"]) if said.get("message_id") else None)
    code = str(said.get("code") or f"http {answer.status}")
    return Dead(code[:100], address_dead=code in ADDRESS_IS_DEAD)


__all__ = ["HttpSms", "Smpp"]

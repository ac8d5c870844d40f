"""SMS through an HTTP gateway (or SMPP, see ``smpp``).

Contract: ``POST url`` with a bearer token, ``Idempotency-Key`` and JSON ``{"id", "from", "to",
"text"}``; 2xx answers ``{"message_id"}``. The gateway must drop a repeat of a key: that is why a
try whose answer never came may safely be made again.
"""

from datetime import datetime
from typing import Any
from uuid import UUID

import httpx

from dilo.messaging.channels import Dead, Message, Outcome, RetryLater, Sent
from dilo.messaging.smpp import Smpp

CREDENTIALS_RETRY_S = 300.0
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
        try:
            answer = await self.client.post(
                self.url,
                json=body,
                headers={"idempotency-key": str(message.key)},
                timeout=message.timeout_s,
            )
        except httpx.HTTPError as error:
            return RetryLater(None, f"{type(error).__name__}: {error}")
        return _read(answer)

    async def close(self) -> None:
        await self.client.aclose()


def _read(answer: httpx.Response) -> Outcome:
    status = answer.status_code
    if status < 300:
        message_id = _json(answer).get("message_id")
        return Sent(str(message_id) if message_id else None)
    if status == 429 or status >= 500:
        return RetryLater(_seconds(answer.headers.get("retry-after")), f"http {status}")
    if status in (401, 403, 404):
        return RetryLater(CREDENTIALS_RETRY_S, f"http {status}")
    code = str(_json(answer).get("code") or f"http {status}")
    return Dead(code[:100], address_dead=code in ADDRESS_IS_DEAD)


def _json(answer: httpx.Response) -> dict[str, Any]:
    try:
        found = answer.json()
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _seconds(text: str | None) -> float | None:
    return float(text) if text and text.isdigit() else None


__all__ = ["HttpSms", "Smpp"]

"""HTTP gateways a company may have: Twilio, TurboSMS, and one described by its settings.

A gateway is given the account, its opened secrets and a message, and says what came of it. None of
them follows a redirect; all of them may lie, so an answer is believed only where it names an id.
"""

from collections.abc import Sequence
from typing import Any, Protocol
from urllib.parse import quote

import httpx

from dilo.messaging import outside
from dilo.messaging.blanks import CONTENT, filled, pointed
from dilo.messaging.channels import Dead, Message, Outcome, RetryLater, Sent, Unknown
from dilo.messaging.outside import Answer
from dilo.messaging.sms_accounts import Account
from dilo.messaging.sms_states import State

CREDENTIALS_RETRY_S = 300.0
TWILIO = "https://api.twilio.com"
TURBOSMS = "https://api.turbosms.ua"
TWILIO_BAD_NUMBER = frozenset({21211, 21214, 21217, 21614})
TWILIO_STOPPED = 21610
# turbosms.ua/api.html: what every code means. What is wrong with the account or our request is
# tried again, so that another gateway may take over; 500 and 501 lost only their answer, and a
# repeat of the same sequence_id does no harm.
TURBO_OK = frozenset({0, 800, 801, 802, 803})
TURBO_BUSY = frozenset({104, 203, 500, 501, 999})
TURBO_ACCOUNT = frozenset({103, 105, 106, 300, 301, 302, 400, 401})
TURBO_BAD_NUMBER = frozenset({305, 404})
TURBO_STATES_S = 8.0


class Gateway(Protocol):
    idempotent: bool

    async def send(self, account: Account, message: Message) -> Outcome: ...

    async def balance(self, account: Account) -> str | None: ...


class Http:
    def __init__(self) -> None:
        self.http = outside.client()

    async def _call(
        self, method: str, url: str, timeout_s: float, **more: Any
    ) -> Answer | RetryLater | Unknown:
        """What never left is tried again; what left and was not answered is in doubt."""
        try:
            return await outside.call(self.http, method, url, timeout_s, **more)
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
            return RetryLater(None, f"{type(error).__name__}: {error}")
        except (httpx.HTTPError, httpx.InvalidURL, TimeoutError) as error:
            return Unknown(f"{type(error).__name__}: {error}")

    async def close(self) -> None:
        await self.http.aclose()


def hesitant(answer: Answer) -> Outcome | None:
    """What every gateway means alike by its status."""
    after = answer.headers.get("retry-after", "")
    if answer.status == 429:
        return RetryLater(float(after) if after.isdigit() else 10.0, "http 429")
    if answer.status in (401, 403, 404):
        return RetryLater(CREDENTIALS_RETRY_S, f"http {answer.status}")
    if answer.status >= 500 or 300 <= answer.status < 400:
        return RetryLater(None, f"http {answer.status}")
    return None


class Twilio(Http):
    """POST /2010-04-01/Accounts/{sid}/Messages.json; no idempotency: silence is unknown."""

    idempotent = False

    async def send(self, account: Account, message: Message) -> Outcome:
        number = quote(str(account.settings.get("sid", "")), safe="")
        url = f"{account.base(TWILIO)}/2010-04-01/Accounts/{number}/Messages.json"
        form = {"To": message.address, "Body": message.text, "From": account.sender}
        if account.hook:
            form["StatusCallback"] = account.hook
        answer = await self._call(
            "POST", url, message.timeout_s, data=form, auth=(number, account.secret("token"))
        )
        if not isinstance(answer, Answer):
            return answer
        said = answer.json()
        said = said if isinstance(said, dict) else {}
        if answer.status < 300:
            if said.get("sid") and said.get("status") not in ("failed", "undelivered"):
                return Sent(account.marked(str(said["sid"])))
            return Unknown("http 2xx without an id") if not said.get("sid") else Dead("failed")
        code = said.get("code")
        if code in TWILIO_BAD_NUMBER or code == TWILIO_STOPPED:
            return Dead(f"twilio {code}", address_dead=code in TWILIO_BAD_NUMBER)
        return hesitant(answer) or Dead(f"twilio {code or answer.status}")

    async def balance(self, account: Account) -> str | None:
        number = quote(str(account.settings.get("sid", "")), safe="")
        url = f"{account.base(TWILIO)}/2010-04-01/Accounts/{number}/Balance.json"
        answer = await self._call("GET", url, 10.0, auth=(number, account.secret("token")))
        said = answer.json() if isinstance(answer, Answer) and answer.status == 200 else None
        return f"{said.get('balance')} {said.get('currency')}" if isinstance(said, dict) else None


class TurboSms(Http):
    """Always 200: the body says what happened. ``sequence_id`` makes a repeat harmless."""

    idempotent = True

    async def send(self, account: Account, message: Message) -> Outcome:
        body = {
            "recipients": [message.address.lstrip("+")],
            "sequence_id": str(message.key),
            "sms": {"sender": account.sender, "text": message.text},
        }
        answer = await self._post(account, "message/send", message.timeout_s, json=body)
        if isinstance(answer, Unknown):
            return RetryLater(None, answer.detail)
        if isinstance(answer, RetryLater):
            return answer
        return hesitant(answer) or _turbo(account, answer.json())

    async def balance(self, account: Account) -> str | None:
        answer = await self._post(account, "user/balance", 10.0)
        found = _turbo_result(answer)
        return str(found.get("balance")) if isinstance(found, dict) else None

    async def states(self, account: Account, numbers: Sequence[str]) -> Sequence[State] | None:
        """``message/status``: what it does not know, or is not ours, has a code of its own."""
        body = {"messages": list(numbers)}
        answer = await self._post(account, "message/status", TURBO_STATES_S, json=body)
        rows = _turbo_result(answer)
        if not isinstance(rows, list):
            return None
        return [
            State(str(row.get("message_id")), str(row.get("recipient") or ""), row["status"])
            for row in rows
            if isinstance(row, dict)
            and row.get("response_code") == 0
            and isinstance(row.get("status"), str)
        ]

    async def _post(
        self, account: Account, what: str, timeout_s: float, **more: Any
    ) -> Answer | RetryLater | Unknown:
        return await self._call(
            "POST",
            f"{account.base(TURBOSMS)}/{what}.json",
            timeout_s,
            headers={"authorization": f"Bearer {account.secret('token')}"},
            **more,
        )


def _turbo_result(answer: Answer | RetryLater | Unknown) -> Any:
    said = answer.json() if isinstance(answer, Answer) and answer.status == 200 else None
    return said.get("response_result") if isinstance(said, dict) else None


def _turbo(account: Account, said: Any) -> Outcome:
    if not isinstance(said, dict):
        return RetryLater(None, "no JSON")
    rows = said.get("response_result")
    row = rows[0] if isinstance(rows, list) and rows and isinstance(rows[0], dict) else {}
    code = row.get("response_code", said.get("response_code"))
    if code in TURBO_OK and row.get("message_id"):
        return Sent(account.marked(str(row["message_id"])))
    status = str(row.get("response_status") or said.get("response_status"))[:80]
    if code in TURBO_ACCOUNT or code in TURBO_BUSY:
        pause = CREDENTIALS_RETRY_S if code in TURBO_ACCOUNT else None
        return RetryLater(pause, f"{code} {status}")
    return Dead(f"{code} {status}", address_dead=code in TURBO_BAD_NUMBER)


class Generic(Http):
    """Described by settings: method, url, headers, body with ``{{to}} {{from}} {{text}} {{id}}
    {{token}}``, where the id and the error stand in the answer, whether repeats are dropped."""

    idempotent = False

    async def send(self, account: Account, message: Message) -> Outcome:
        given = {
            "to": message.address,
            "from": account.sender,
            "text": message.text,
            "id": str(message.key),
            "token": account.secret("token"),
        }
        settings = account.settings
        kind = str(settings.get("content_type") or "json")
        content = (
            filled(str(settings.get("body") or ""), given, kind) if settings.get("body") else None
        )
        headers = {"content-type": CONTENT[kind]} if content is not None else {}
        for line in str(settings.get("headers") or "").splitlines():
            name, _, value = line.partition(":")
            if name.strip():
                headers[name.strip()] = filled(value.strip(), given, "header")
        answer = await self._call(
            str(settings.get("method") or "POST"),
            filled(account.base(""), given, "form"),
            message.timeout_s,
            content=content.encode() if content is not None else None,
            headers=headers,
        )
        if isinstance(answer, Unknown) and settings.get("repeats_are_dropped"):
            return RetryLater(None, answer.detail)
        return _generic(account, answer) if isinstance(answer, Answer) else answer

    async def balance(self, account: Account) -> str | None:  # noqa: ARG002
        return None


def _generic(account: Account, answer: Answer) -> Outcome:
    settings, said = account.settings, answer.json()
    fault = pointed(said, str(settings.get("error_at") or ""))
    good = {word.strip() for word in str(settings.get("error_none") or "0,,ok").split(",")}
    if fault is not None and str(fault).lower() not in good:
        dead = str(fault) in str(settings.get("bad_number_codes") or "").split(",")
        late = str(fault) in str(settings.get("later_codes") or "").split(",")
        return (
            RetryLater(None, f"code {fault}"[:100]) if late else Dead(f"code {fault}"[:100], dead)
        )
    if (later := hesitant(answer)) is not None:
        return later
    if answer.status >= 400:
        return Dead(f"http {answer.status}")
    where = str(settings.get("id_at") or "")
    number = pointed(said, where)
    if where and number is None:
        return Unknown("2xx without an id")
    return Sent(account.marked(str(number)[:200]) if number is not None else None)

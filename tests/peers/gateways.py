"""Twilio, TurboSMS and a gateway of no name on loopback, that also fail, stall and lie.

``say(number, ...)`` scripts answers: ("status", code, body), ("hang", seconds), ("drop",),
("redirect", url), ("long",). ``say("states", ...)`` does it for the states of TurboSMS:
``turbo_states`` is what it tells of a message it took, ``turbo_lies`` are rows it adds.
"""

import asyncio
import base64
import hashlib
import hmac
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web


@dataclass
class HttpGateways:
    url: str = ""
    asked: list[dict[str, Any]] = field(default_factory=list)
    accepted: dict[str, dict[str, Any]] = field(default_factory=dict)
    scripts: dict[str, list[tuple[Any, ...]]] = field(default_factory=dict)
    turbo_states: dict[str, str] = field(default_factory=dict)
    turbo_lies: list[dict[str, Any]] = field(default_factory=list)
    turbo_asked: list[list[str]] = field(default_factory=list)
    runner: web.AppRunner | None = None

    def say(self, number: str, *steps: tuple[Any, ...]) -> None:
        self.scripts.setdefault(number, []).extend(steps)

    async def start(self) -> "HttpGateways":
        app = web.Application()
        app.router.add_post("/2010-04-01/Accounts/{sid}/Messages.json", self._twilio)
        app.router.add_get("/2010-04-01/Accounts/{sid}/Balance.json", self._balance)
        app.router.add_post("/message/send.json", self._turbo)
        app.router.add_post("/message/status.json", self._turbo_status)
        app.router.add_route("*", "/any", self._any)
        self.runner = web.AppRunner(app, shutdown_timeout=0.1)
        await self.runner.setup()
        site = web.TCPSite(self.runner, "127.0.0.1", 0)
        await site.start()
        port = site._server.sockets[0].getsockname()[1]  # type: ignore[union-attr]
        self.url = f"http://127.0.0.1:{port}"
        return self

    async def stop(self) -> None:
        if self.runner is not None:
            await self.runner.cleanup()

    async def _balance(self, request: web.Request) -> web.Response:
        return web.json_response({"balance": "12.50", "currency": "USD"})

    async def _twilio(self, request: web.Request) -> web.Response:
        form = dict(await request.post())
        auth = base64.b64decode(request.headers["authorization"].split()[1]).decode()
        self.asked.append({"sid": request.match_info["sid"], "auth": auth, **form})
        if (done := await self._step(str(form["To"]), request)) is not None:
            return done
        number = f"SM{len(self.accepted) + 1}"
        self.accepted[number] = form
        return web.json_response({"sid": number, "status": "queued"}, status=201)

    async def _turbo(self, request: web.Request) -> web.Response:
        body = await request.json()
        self.asked.append(body)
        key = body["sequence_id"]
        number = f"T{key[-6:]}"
        self.accepted.setdefault(key, body)
        if (done := await self._step(body["recipients"][0], request)) is not None:
            return done
        row = {"response_code": 0, "message_id": number, "response_status": "OK"}
        said = {"response_code": 800, "response_status": "SUCCESS", "response_result": [row]}
        return web.json_response(said)

    async def _turbo_status(self, request: web.Request) -> web.Response:
        """Shaped as turbosms.ua/api.html has it: a row a message, some with a code of their own."""
        numbers = (await request.json())["messages"]
        assert request.headers["authorization"] == "Bearer turbo"
        self.turbo_asked.append(numbers)
        if (done := await self._step("states", request)) is not None:
            return done
        took = {f"T{key[-6:]}": body["recipients"][0] for key, body in self.accepted.items()}
        rows = [self._turbo_row(number, took.get(number)) for number in numbers]
        said = {"response_code": 0, "response_status": "OK"}
        return web.json_response(said | {"response_result": rows + self.turbo_lies})

    def _turbo_row(self, number: str, recipient: str | None) -> dict[str, Any]:
        if recipient is None:
            return {
                "message_id": number,
                "response_code": 414,
                "response_status": "NOT_ALLOWED_MESSAGE_ID",
            }
        return {
            "message_id": number,
            "response_code": 0,
            "recipient": recipient,
            "sent": None,
            "updated": "2026-11-30 18:27:34",
            "status": self.turbo_states.get(number, "Queued"),
            "type": "sms",
            "response_status": "OK",
        }

    async def _any(self, request: web.Request) -> web.Response:
        text = await request.text()
        headers = {name.lower(): value for name, value in request.headers.items()}
        self.asked.append({"text": text, "headers": headers, "query": dict(request.query)})
        if (done := await self._step("any", request)) is not None:
            return done
        return web.json_response({"data": {"ids": [f"N{len(self.asked)}"]}, "error": {"code": 0}})

    async def _step(self, number: str, request: web.Request) -> web.Response | None:
        script = self.scripts.get(number)
        step = script.pop(0) if script else ("ok",)
        if step[0] == "status":
            return web.json_response(step[2], status=step[1])
        if step[0] == "hang":
            await asyncio.sleep(step[1])
        if step[0] == "drop":
            assert request.transport is not None
            request.transport.abort()
        if step[0] == "redirect":
            return web.Response(status=302, headers={"location": step[1]})
        if step[0] == "long":
            return web.Response(text="x" * 300_000)
        return None


def twilio_signature(token: str, url: str, form: dict[str, str]) -> str:
    """As Twilio's documentation has it."""
    said = url + "".join(f"{name}{form[name]}" for name in sorted(form))
    digest = hmac.new(token.encode(), said.encode(), hashlib.sha1).digest()
    return base64.b64encode(digest).decode()

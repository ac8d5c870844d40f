"""An HTTP SMS gateway on loopback that honours Idempotency-Key as our contract asks.

Steps of ``say(number, ...)``: ("429", seconds) ("500",) ("422", code) ("hang", seconds).
"""

import asyncio
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web


@dataclass
class GatewayPeer:
    url: str = ""
    accepted: dict[str, dict[str, Any]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    tokens: set[str] = field(default_factory=set)
    scripts: dict[str, list[tuple[Any, ...]]] = field(default_factory=dict)
    runner: web.AppRunner | None = None

    def say(self, number: str, *steps: tuple[Any, ...]) -> None:
        self.scripts.setdefault(number, []).extend(steps)

    async def start(self) -> "GatewayPeer":
        app = web.Application()
        app.router.add_post("/sms", self._called)
        self.runner = web.AppRunner(app, shutdown_timeout=0.1)
        await self.runner.setup()
        site = web.TCPSite(self.runner, "127.0.0.1", 0)
        await site.start()
        port = site._server.sockets[0].getsockname()[1]  # type: ignore[union-attr]
        self.url = f"http://127.0.0.1:{port}/sms"
        return self

    async def stop(self) -> None:
        if self.runner is not None:
            await self.runner.cleanup()

    async def _called(self, request: web.Request) -> web.Response:
        body = await request.json()
        key = request.headers["idempotency-key"]
        self.asked.append(key)
        self.tokens.add(request.headers.get("authorization", ""))
        script = self.scripts.get(body["to"])
        step = script.pop(0) if script else ("ok",)
        if step[0] == "429":
            return web.Response(status=429, headers={"retry-after": str(step[1])})
        if step[0] == "500":
            return web.Response(status=500)
        if step[0] == "422":
            return web.json_response({"code": step[1]}, status=422)
        self.accepted.setdefault(key, body)
        if step[0] == "hang":
            await asyncio.sleep(step[1])
        return web.json_response({"message_id": f"G{list(self.accepted).index(key) + 1}"})

"""A Bot API on loopback: records every call it *accepted*, and misbehaves as told.

``say(chat, ...)`` scripts the answers of one chat, in order; afterwards it answers well again.
Steps: ("429", seconds) ("403",) ("400", text) ("migrate", new_chat) ("hang", seconds) ("drop",)
("500",). ``hang`` and ``drop`` accept the message first: the answer is what gets lost.
"""

import asyncio
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web


@dataclass
class Call:
    token: str
    method: str
    chat: str
    text: str


@dataclass
class TelegramPeer:
    url: str = ""
    accepted: list[Call] = field(default_factory=list)
    asked: list[Call] = field(default_factory=list)
    scripts: dict[str, list[tuple[Any, ...]]] = field(default_factory=dict)
    runner: web.AppRunner | None = None
    port: int = 0

    def say(self, chat: str, *steps: tuple[Any, ...]) -> None:
        self.scripts.setdefault(chat, []).extend(steps)

    def texts(self, chat: str) -> list[str]:
        return [call.text for call in self.accepted if call.chat == chat]

    async def start(self) -> "TelegramPeer":
        app = web.Application()
        app.router.add_post("/bot{token}/{method}", self._called)
        self.runner = web.AppRunner(app, shutdown_timeout=0.1)
        await self.runner.setup()
        site = web.TCPSite(self.runner, "127.0.0.1", self.port)
        await site.start()
        self.port = site._server.sockets[0].getsockname()[1]  # type: ignore[union-attr]
        self.url = f"http://127.0.0.1:{self.port}"
        return self

    async def stop(self) -> None:
        if self.runner is not None:
            await self.runner.cleanup()

    async def _called(self, request: web.Request) -> web.StreamResponse:
        form = await request.post()
        call = Call(
            request.match_info["token"],
            request.match_info["method"],
            str(form.get("chat_id", "")),
            str(form.get("text", "")),
        )
        self.asked.append(call)
        if call.method not in ("sendMessage", "sendDocument"):
            return web.json_response({"ok": True, "result": True})
        script = self.scripts.get(call.chat)
        step = script.pop(0) if script else ("ok",)
        refusal = _refusal(step)
        if refusal is not None:
            return refusal
        self.accepted.append(call)
        if step[0] == "hang":
            await asyncio.sleep(step[1])
        if step[0] == "drop":
            assert request.transport is not None
            request.transport.abort()
        return web.json_response(
            {
                "ok": True,
                "result": {
                    "message_id": len(self.accepted),
                    "date": 1,
                    "text": call.text,
                    "chat": {"id": int(call.chat), "type": "private"},
                },
            }
        )


def _refusal(step: tuple[Any, ...]) -> web.Response | None:
    status, text, parameters = {
        "429": (429, "Too Many Requests: retry after", {"retry_after": step[-1]}),
        "403": (403, "Forbidden: bot was blocked by the user", {}),
        "400": (400, f"Bad Request: {step[-1]}", {}),
        "migrate": (400, "Bad Request: group chat was upgraded", {"migrate_to_chat_id": step[-1]}),
        "500": (500, "Internal Server Error", {}),
    }.get(step[0], (200, "", {}))
    if status == 200:
        return None
    body = {"ok": False, "error_code": status, "description": text, "parameters": parameters}
    return web.json_response(body, status=status)

"""A person with a phone: writes to the bot, taps what it really showed, shares contacts.

``hook_to`` lets the peer deliver to our application; ``settle`` waits until the bot has answered.
"""

import io
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import httpx
from peers.botapi import Upload
from peers.telegram import BotState, Call, TelegramPeer, chat_of
from PIL import Image

SECRET = "x-telegram-bot-api-secret-token"
SHOWN = ("sendMessage", "sendPhoto", "sendDocument", "sendMediaGroup", "answerCallbackQuery")


def hook_to(peer: TelegramPeer, app: Any) -> httpx.AsyncClient:
    """The peer's updates go to this ASGI application, whatever host the webhook names."""
    client = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="https://bots.example")

    async def deliver(url: str, update: dict[str, Any], secret: str) -> int:
        answer = await client.post(
            httpx.URL(url).raw_path.decode(), json=update, headers={SECRET: secret}
        )
        return answer.status_code

    peer.deliver = deliver
    return client


async def at_once() -> None:
    return None


@dataclass
class Person:
    peer: TelegramPeer
    bot: BotState
    id: int
    name: str = "Петро"
    language: str = "uk"
    settle: Callable[[], Awaitable[Any]] = at_once
    status: int = 0
    last: dict[str, Any] = field(default_factory=dict)

    @property
    def user(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "is_bot": False,
            "first_name": self.name,
            "language_code": self.language,
        }

    async def say(self, text: str, chat: int = 0, **more: Any) -> str:
        """What the chat shows in answer."""
        return await self.send({"text": text, "entities": _entities(text), **more}, chat)

    async def share(self, phone: str, user_id: int | None = None, name: str = "Петро") -> str:
        contact = {"phone_number": phone, "first_name": name}
        owner = self.id if user_id is None else user_id
        return await self.send({"contact": contact | ({"user_id": owner} if owner else {})})

    async def show(self, caption: str = "", body: bytes = b"") -> str:
        """A photograph."""
        file_id = self.peer.keep_file(Upload("photo.jpg", body or picture()))
        size = {"file_id": file_id, "file_unique_id": f"u{file_id}", "width": 9, "height": 9}
        return await self.send({"photo": [size], **({"caption": caption} if caption else {})})

    async def send(self, content: dict[str, Any], chat: int = 0, kind: str = "message") -> str:
        number = next(self.peer.numbers)
        body = {
            "message_id": number,
            "date": int(time.time()),
            "chat": chat_of(chat or self.id),
            "from": self.user,
            **content,
        }
        return await self._did(kind, body, chat or self.id)

    async def tap(self, what: str, chat: int = 0) -> str:
        """A button really shown, by its data or its words; the newest message that has it."""
        for (where, number), kept in reversed(self.bot.messages.items()):
            for row in (kept["keyboard"] or {}).get("inline_keyboard", []):
                for button in row:
                    if where == (chat or self.id) and what in (
                        button.get("callback_data"), button["text"],
                    ):  # fmt: skip
                        return await self.forge(button["callback_data"], chat, number)
        raise AssertionError(f"no button {what!r}; there are {self.buttons(chat)}")

    async def forge(self, data: str, chat: int = 0, number: int = 1) -> str:
        """A tap made up by a program: any data, as if of any message."""
        query = f"q{next(self.peer.numbers)}"
        where = chat or self.id
        self.bot.queries[query] = where
        kept = self.bot.messages.get((where, number), {"text": "x", "date": 1})
        message = {
            **{k: v for k, v in kept.items() if k != "keyboard"},
            "message_id": number,
            "chat": chat_of(where),
        }
        body = {
            "id": query,
            "from": self.user,
            "chat_instance": str(where),
            "data": data,
            "message": message,
        }
        return await self._did("callback_query", body, where)

    async def _did(self, kind: str, body: dict[str, Any], chat: int) -> str:
        before = len(self.peer.accepted)
        self.last = {"kind": kind, "body": body, "number": next(self.peer.numbers) + 1000}
        self.status = await self.peer.update(self.bot, kind, body, number=self.last["number"])
        await self.settle()
        return "\n".join(call.text for call in self.seen(before, chat))

    async def again(self) -> int:
        """Telegram delivers the last update once more."""
        number = self.last["number"]
        status = await self.peer.update(
            self.bot, self.last["kind"], self.last["body"], number=number
        )
        await self.settle()
        return status

    def seen(self, since: int = 0, chat: int = 0) -> list[Call]:
        return [
            call
            for call in self.peer.accepted[since:]
            if call.chat == str(chat or self.id)
            and call.token == self.bot.token
            and (call.method in SHOWN or call.method.startswith("edit"))
        ]

    def buttons(self, chat: int = 0) -> list[str]:
        """Words of the buttons of the newest message."""
        for (where, _), kept in reversed(self.bot.messages.items()):
            if where == (chat or self.id):
                rows = (kept["keyboard"] or {}).get("inline_keyboard", [])
                return [button["text"] for row in rows for button in row]
        return []

    def taps(self, chat: int = 0) -> list[str]:
        """What the buttons of the newest message carry."""
        for (where, _), kept in reversed(self.bot.messages.items()):
            if where == (chat or self.id):
                rows = (kept["keyboard"] or {}).get("inline_keyboard", [])
                return [button.get("callback_data", "") for row in rows for button in row]
        return []

    def screen(self, chat: int = 0) -> str:
        """What the newest message says now."""
        for (where, _), kept in reversed(self.bot.messages.items()):
            if where == (chat or self.id):
                return str(kept.get("text") or kept.get("caption") or "")
        return ""

    async def block(self) -> None:
        self.bot.blocked[self.id] = "Forbidden: bot was blocked by the user"
        await self._membership("kicked")

    async def unblock(self) -> None:
        self.bot.blocked.pop(self.id, None)
        await self._membership("member")

    async def _membership(self, status: str) -> None:
        me = {"id": self.bot.id, "is_bot": True, "first_name": "bot"}
        was, now = {"status": "member", "user": me}, {"status": status, "user": me}
        if status == "kicked":
            now["until_date"] = 0
        else:
            was = {"status": "kicked", "user": me, "until_date": 0}
        body = {
            "chat": chat_of(self.id),
            "from": self.user,
            "date": int(time.time()),
            "old_chat_member": was,
            "new_chat_member": now,
        }
        await self._did("my_chat_member", body, self.id)


def _entities(text: str) -> list[dict[str, Any]]:
    if not text.startswith("/"):
        return []
    return [{"type": "bot_command", "offset": 0, "length": len(text.split()[0])}]


def picture() -> bytes:
    made = io.BytesIO()
    Image.new("RGB", (8, 8), "navy").save(made, "JPEG")
    return made.getvalue()

"""A Bot API on loopback: as strict as Telegram, and misbehaving as told.

``say(chat, ...)`` scripts the answers of one chat (or, for what has no chat, of one method such
as ``setWebhook``), in order; afterwards it answers well again.
Steps: ("429", seconds) ("403",) ("400", text) ("migrate", new_chat) ("hang", seconds) ("drop",)
("500",). ``hang`` and ``drop`` accept the message first: the answer is what gets lost.
A well-formed token is known unless ``only_known``; see ``know``, ``revoke``, ``flood``, ``block``.
People with their phones are in ``peers.phone``.
"""

import asyncio
import itertools
import time
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from aiogram.types import Message
from aiogram.utils.token import TokenValidationError, validate_token
from aiohttp import web
from peers.botapi import Asked, Declined, Upload, file_of, read

Chat = int
UNLESS_ASKED = {"chat_member", "message_reaction", "message_reaction_count"}
SENDING = {"sendMessage", "sendPhoto", "sendDocument", "sendMediaGroup"}


@dataclass
class Call:
    token: str
    method: str
    chat: str
    text: str
    values: dict[str, Any] = field(default_factory=dict)


@dataclass
class BotState:
    """What Telegram keeps of one bot."""

    token: str
    id: int
    username: str
    webhook: dict[str, Any] = field(default_factory=dict)
    commands: dict[str, list[Any]] = field(default_factory=dict)
    menu: Any = None
    queue: list[dict[str, Any]] = field(default_factory=list)
    last_error: str | None = None
    messages: dict[tuple[Chat, int], dict[str, Any]] = field(default_factory=dict)
    queries: dict[str, Chat] = field(default_factory=dict)
    blocked: dict[Chat, str] = field(default_factory=dict)
    sent_at: deque[float] = field(default_factory=lambda: deque(maxlen=30))
    due: dict[Chat, float] = field(default_factory=dict)


@dataclass
class TelegramPeer:
    url: str = ""
    accepted: list[Call] = field(default_factory=list)
    asked: list[Call] = field(default_factory=list)
    declined: list[tuple[str, str]] = field(default_factory=list)
    scripts: dict[str, list[tuple[Any, ...]]] = field(default_factory=dict)
    bots: dict[str, BotState] = field(default_factory=dict)
    files: dict[str, Upload] = field(default_factory=dict)
    only_known: bool = False
    revoked: set[str] = field(default_factory=set)
    flood: bool = False
    deliver: Callable[[str, dict[str, Any], str], Awaitable[int]] | None = None
    http: Any = None
    runner: web.AppRunner | None = None
    port: int = 0
    numbers: Any = field(default_factory=lambda: itertools.count(1))

    def say(self, chat: str, *steps: tuple[Any, ...]) -> None:
        self.scripts.setdefault(chat, []).extend(steps)

    def texts(self, chat: str) -> list[str]:
        return [call.text for call in self.accepted if call.chat == chat and call.method in SENDING]

    def know(self, token: str, username: str = "") -> BotState:
        number = int(token.partition(":")[0])
        made = BotState(token, number, username or f"bot{number}_bot")
        return self.bots.setdefault(token, made)

    def revoke(self, token: str) -> None:
        """Its owner asked BotFather for a new one."""
        self.revoked.add(token)

    async def start(self) -> "TelegramPeer":
        app = web.Application(client_max_size=64 * 1024 * 1024)
        app.router.add_post("/bot{token}/{method}", self._called)
        app.router.add_get("/file/bot{token}/{path:.+}", self._download)
        self.runner = web.AppRunner(app, shutdown_timeout=0.1, access_log=None)
        await self.runner.setup()
        site = web.TCPSite(self.runner, "127.0.0.1", self.port)
        await site.start()
        self.port = site._server.sockets[0].getsockname()[1]  # type: ignore[union-attr]
        self.url = f"http://127.0.0.1:{self.port}"
        return self

    async def stop(self) -> None:
        if self.runner is not None:
            await self.runner.cleanup()

    def bot(self, token: str) -> BotState:
        """Raises Declined for a token nobody has."""
        try:
            validate_token(token)
        except TokenValidationError:
            raise Declined(404, "Not Found") from None
        if token in self.revoked or (self.only_known and token not in self.bots):
            raise Declined(401, "Unauthorized")
        return self.know(token)

    async def _called(self, request: web.Request) -> web.StreamResponse:
        token, method = request.match_info["token"], request.match_info["method"]
        form = await request.post()
        fields = {k: v for k, v in form.items() if isinstance(v, str)}
        uploads = {
            k: Upload(v.filename, v.file.read())
            for k, v in form.items()
            if isinstance(v, web.FileField)
        }
        call = Call(token, method, fields.get("chat_id", ""), fields.get("text", ""), dict(fields))
        self.asked.append(call)
        step: tuple[Any, ...] = ("ok",)
        try:
            bot = self.bot(token)
            asked = read(method, fields, uploads)
            call.text = asked.plain
            if call.chat:
                step = self._step(bot, call)
            elif script := self.scripts.get(method):
                step = script.pop(0)
                _refuse(step)
            result = METHODS[method](self, bot, asked)
            if isinstance(result, Awaitable):
                result = await result
        except Declined as declined:
            self.declined.append((method, declined.description))
            return _declined(declined)
        if call.chat or method == "answerCallbackQuery":
            call.chat = call.chat or str(bot.queries[asked.get("callback_query_id")])
            self.accepted.append(call)
        if step[0] == "hang":
            await asyncio.sleep(step[1])
        if step[0] == "drop":
            assert request.transport is not None
            request.transport.abort()
        return web.json_response({"ok": True, "result": result})

    def _step(self, bot: BotState, call: Call) -> tuple[Any, ...]:
        """Scripted misbehaviour first, then who blocked the bot, then how much is too much."""
        if call.method not in SENDING and not call.method.startswith("edit"):
            return ("ok",)
        script = self.scripts.get(call.chat)
        step = script.pop(0) if script and call.method in SENDING else ("ok",)
        _refuse(step)
        chat = int(call.chat)
        if chat in bot.blocked:
            raise Declined(403, bot.blocked[chat])
        if self.flood:
            _flood(bot, chat)
        return step

    async def _download(self, request: web.Request) -> web.StreamResponse:
        try:
            self.bot(request.match_info["token"])
        except Declined as declined:
            return _declined(declined)
        found = self.files.get(request.match_info["path"].rpartition("/")[2])
        return web.Response(body=found.body) if found else web.Response(status=404)

    def keep_file(self, upload: Upload) -> str:
        file_id = f"file{next(self.numbers)}"
        self.files[file_id] = upload
        return file_id

    async def update(
        self, bot: BotState, kind: str, body: dict[str, Any], *, number: int = 0
    ) -> int:
        """Something happened: by webhook where there is one, else it waits for getUpdates.

        Returns the webhook's status; 0 where nothing was delivered.
        """
        made = {"update_id": number or next(self.numbers) + 1000, kind: body}
        allowed = bot.webhook.get("allowed_updates") or []
        if (allowed and kind not in allowed) or (not allowed and kind in UNLESS_ASKED):
            return 0
        if not bot.webhook.get("url") or self.deliver is None:
            bot.queue.append(made)
            return 0
        return await self.post(bot, made)

    async def post(self, bot: BotState, made: dict[str, Any]) -> int:
        assert self.deliver is not None
        status = await self.deliver(bot.webhook["url"], made, bot.webhook.get("secret_token") or "")
        if status != 200:
            bot.queue.append(made)
            bot.last_error = f"Wrong response from the webhook: {status}"
        return status


def _declined(declined: Declined) -> web.Response:
    body = {
        "ok": False,
        "error_code": declined.status,
        "description": declined.description,
        "parameters": declined.parameters,
    }
    return web.json_response(body, status=declined.status)


def _refuse(step: tuple[Any, ...]) -> None:
    match step[0]:
        case "429":
            raise Declined(429, f"Too Many Requests: retry after {step[1]}", retry_after=step[1])
        case "403":
            raise Declined(403, "Forbidden: bot was blocked by the user")
        case "400":
            raise Declined(400, f"Bad Request: {step[1]}")
        case "migrate":
            text = "Bad Request: group chat was upgraded to a supergroup chat"
            raise Declined(400, text, migrate_to_chat_id=step[1])
        case "500":
            raise Declined(500, "Internal Server Error")


def _flood(bot: BotState, chat: Chat) -> None:
    """30 a second in all; one a second to a chat after a burst of twenty; 20 a minute to a group."""
    now = time.monotonic()
    every, burst = (3.0, 20) if chat < 0 else (1.0, 20)
    due = max(bot.due.get(chat, 0.0), now)
    wait = due - now - every * (burst - 1)
    if len(bot.sent_at) == 30 and now - bot.sent_at[0] < 1.0:
        wait = max(wait, 0.5)
    if wait > 0:
        seconds = int(wait) + 1
        raise Declined(429, f"Too Many Requests: retry after {seconds}", retry_after=seconds)
    bot.sent_at.append(now)
    bot.due[chat] = due + every


def _me(peer: TelegramPeer, bot: BotState, asked: Asked) -> Any:
    return {
        "id": bot.id,
        "is_bot": True,
        "first_name": bot.username,
        "username": bot.username,
        "can_join_groups": True,
        "can_read_all_group_messages": False,
        "supports_inline_queries": False,
    }


def _set_webhook(peer: TelegramPeer, bot: BotState, asked: Asked) -> bool:
    bot.webhook = asked.model.model_dump(exclude_none=True) if asked.get("url") else {}
    bot.last_error = None
    return True


def _delete_webhook(peer: TelegramPeer, bot: BotState, asked: Asked) -> bool:
    bot.webhook = {}
    if asked.get("drop_pending_updates"):
        bot.queue.clear()
    return True


def _webhook_info(peer: TelegramPeer, bot: BotState, asked: Asked) -> Any:
    told = {
        "url": bot.webhook.get("url", ""),
        "has_custom_certificate": False,
        "pending_update_count": len(bot.queue),
        "allowed_updates": bot.webhook.get("allowed_updates"),
    }
    if bot.last_error:
        told |= {"last_error_date": int(time.time()), "last_error_message": bot.last_error}
    return told


async def _updates(peer: TelegramPeer, bot: BotState, asked: Asked) -> Any:
    if bot.webhook:
        raise Declined(
            409,
            "Conflict: can't use getUpdates method while webhook is active; use deleteWebhook to delete the webhook first",
        )
    offset = asked.get("offset") or 0
    bot.queue = [one for one in bot.queue if one["update_id"] >= offset]
    ends = time.monotonic() + (asked.get("timeout") or 0)
    while not bot.queue and time.monotonic() < ends:
        await asyncio.sleep(0.02)
    return bot.queue[: asked.get("limit") or 100]


def chat_of(chat: Chat) -> dict[str, Any]:
    if chat > 0:
        return {"id": chat, "type": "private", "first_name": "P"}
    kind = "supergroup" if str(chat).startswith("-100") else "group"
    return {"id": chat, "type": kind, "title": "Group"}


def _sent(peer: TelegramPeer, bot: BotState, asked: Asked, **content: Any) -> dict[str, Any]:
    chat = int(asked.get("chat_id"))
    made = {
        "message_id": next(peer.numbers),
        "date": int(time.time()),
        "chat": chat_of(chat),
        "from": _me(peer, bot, asked),
        **content,
    }
    markup = asked.get("reply_markup")
    if getattr(markup, "inline_keyboard", None):
        made["reply_markup"] = markup.model_dump(mode="json", exclude_none=True)
    Message.model_validate(made)
    bot.messages[chat, made["message_id"]] = made | {
        "keyboard": markup.model_dump(mode="json", exclude_none=True) if markup else None
    }
    return made


def _send_message(peer: TelegramPeer, bot: BotState, asked: Asked) -> Any:
    return _sent(peer, bot, asked, text=asked.plain)


def _picture(peer: TelegramPeer, given: Upload | str) -> list[dict[str, Any]]:
    file_id = peer.keep_file(given) if isinstance(given, Upload) else given
    size = {"file_id": file_id, "file_unique_id": f"u{file_id}", "width": 90, "height": 90}
    return [size]


def _send_photo(peer: TelegramPeer, bot: BotState, asked: Asked) -> Any:
    photo = _picture(peer, file_of(asked, asked.get("photo"), picture=True))
    return _sent(peer, bot, asked, photo=photo, caption=asked.plain or None)


def _send_document(peer: TelegramPeer, bot: BotState, asked: Asked) -> Any:
    given = file_of(asked, asked.get("document"), picture=False)
    file_id = peer.keep_file(given) if isinstance(given, Upload) else given
    document = {"file_id": file_id, "file_unique_id": f"u{file_id}"}
    if isinstance(given, Upload):
        document["file_name"] = given.name
    return _sent(peer, bot, asked, document=document, caption=asked.plain or None)


def _send_group(peer: TelegramPeer, bot: BotState, asked: Asked) -> Any:
    return [
        _sent(peer, bot, asked, photo=_picture(peer, file_of(asked, one.media, picture=True)))
        for one in asked.get("media")
    ]


def _edited(peer: TelegramPeer, bot: BotState, asked: Asked, **content: Any) -> Any:
    kept = bot.messages.get((int(asked.get("chat_id") or 0), asked.get("message_id") or 0))
    if kept is None:
        raise Declined(400, "Bad Request: message to edit not found")
    markup = asked.get("reply_markup")
    keyboard = markup.model_dump(mode="json", exclude_none=True) if markup else None
    if kept["keyboard"] == keyboard and all(kept.get(k) == v for k, v in content.items()):
        raise Declined(
            400,
            "Bad Request: message is not modified: specified new message content and reply markup are exactly the same as a current content and reply markup of the message",
        )
    kept.update(content, keyboard=keyboard, edit_date=int(time.time()))
    kept.pop("reply_markup", None)
    if keyboard:
        kept["reply_markup"] = keyboard
    return {key: value for key, value in kept.items() if key != "keyboard"}


def _edit_text(peer: TelegramPeer, bot: BotState, asked: Asked) -> Any:
    kept = bot.messages.get((int(asked.get("chat_id") or 0), asked.get("message_id") or 0))
    if kept is not None and "text" not in kept:
        raise Declined(400, "Bad Request: there is no text in the message to edit")
    return _edited(peer, bot, asked, text=asked.plain)


def _edit_caption(peer: TelegramPeer, bot: BotState, asked: Asked) -> Any:
    kept = bot.messages.get((int(asked.get("chat_id") or 0), asked.get("message_id") or 0))
    if kept is not None and "photo" not in kept and "document" not in kept:
        raise Declined(400, "Bad Request: there is no caption in the message to edit")
    return _edited(peer, bot, asked, caption=asked.plain or None)


def _edit_media(peer: TelegramPeer, bot: BotState, asked: Asked) -> Any:
    given = file_of(asked, asked.get("media").media, picture=asked.get("media").type == "photo")
    return _edited(peer, bot, asked, photo=_picture(peer, given), caption=asked.plain or None)


def _answer_tap(peer: TelegramPeer, bot: BotState, asked: Asked) -> bool:
    if asked.get("callback_query_id") not in bot.queries:
        raise Declined(
            400, "Bad Request: query is too old and response timeout expired or query ID is invalid"
        )
    return True


def _set_commands(peer: TelegramPeer, bot: BotState, asked: Asked) -> bool:
    bot.commands[asked.get("language_code") or ""] = list(asked.get("commands"))
    return True


def _set_menu(peer: TelegramPeer, bot: BotState, asked: Asked) -> bool:
    bot.menu = asked.get("menu_button")
    return True


def _get_file(peer: TelegramPeer, bot: BotState, asked: Asked) -> Any:
    file_id = asked.get("file_id")
    found = peer.files.get(file_id)
    if found is None:
        raise Declined(400, "Bad Request: wrong file_id or the file is temporarily unavailable")
    if len(found.body) > 20 * 1024 * 1024:
        raise Declined(400, "Bad Request: file is too big")
    return {
        "file_id": file_id,
        "file_unique_id": f"u{file_id}",
        "file_size": len(found.body),
        "file_path": f"photos/{file_id}",
    }


def _delete_message(peer: TelegramPeer, bot: BotState, asked: Asked) -> bool:
    if bot.messages.pop((int(asked.get("chat_id")), asked.get("message_id")), None) is None:
        raise Declined(400, "Bad Request: message to delete not found")
    return True


def _yes(peer: TelegramPeer, bot: BotState, asked: Asked) -> bool:
    return True


METHODS: dict[str, Callable[[TelegramPeer, BotState, Asked], Any]] = {
    "getMe": _me,
    "setWebhook": _set_webhook,
    "deleteWebhook": _delete_webhook,
    "getWebhookInfo": _webhook_info,
    "getUpdates": _updates,
    "sendMessage": _send_message,
    "sendPhoto": _send_photo,
    "sendDocument": _send_document,
    "sendMediaGroup": _send_group,
    "editMessageText": _edit_text,
    "editMessageReplyMarkup": _edited,
    "editMessageMedia": _edit_media,
    "editMessageCaption": _edit_caption,
    "answerCallbackQuery": _answer_tap,
    "setMyCommands": _set_commands,
    "setChatMenuButton": _set_menu,
    "getFile": _get_file,
    "sendChatAction": _yes,
    "deleteMessage": _delete_message,
}

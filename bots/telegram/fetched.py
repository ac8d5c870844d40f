"""Files people send, fetched from Telegram: within a size, within seconds, kept as ours."""

import io
from typing import Any
from uuid import UUID

from aiogram import Bot
from aiogram.exceptions import TelegramAPIError, TelegramBadRequest

from bots.telegram import replies
from bots.telegram.channel import bot_of
from bots.telegram.replies import Reply
from dilo.kit import i18n
from dilo.kit.errors import NotFound, Refusal
from dilo.messaging import telegram_bots
from dilo.parties.talks import attach
from tenants.actors import Actor

PATIENCE_SECONDS = 6
SHEET_MAX = 2 * 1024 * 1024
PHOTO_MAX = 12 * 1024 * 1024
OFFICE_MAX = 20 * 1024 * 1024


async def body_of(bot: Bot, file_id: str, most: int) -> bytes:
    """Raises TOO_LARGE, FILE_GONE; what the network does is the caller's to try again."""
    try:
        found = await bot.get_file(file_id, request_timeout=PATIENCE_SECONDS)
    except TelegramBadRequest:
        raise Refusal("FILE_GONE", status=422) from None
    if (found.file_size or 0) > most or not found.file_path:
        raise Refusal("TOO_LARGE", status=413, megabytes=most // 1048576)
    into = _Capped(most)
    await bot.download_file(found.file_path, into, timeout=PATIENCE_SECONDS * 2)
    return into.getvalue()


class _Capped(io.BytesIO):
    """Whatever was said of its size, no more than this is taken."""

    def __init__(self, most: int) -> None:
        super().__init__()
        self.most = most

    def write(self, chunk: Any) -> int:
        if self.tell() + len(chunk) > self.most:
            raise Refusal("TOO_LARGE", status=413, megabytes=self.most // 1048576)
        return super().write(chunk)


async def on_photos(payload: dict[str, Any]) -> None:
    """A photograph of a claim, fetched by the worker and tried again while Telegram is away. The
    claim stands without what is no picture; its sender is told, and how to send another."""
    bot = await telegram_bots.bot_or_none()
    if bot is None or str(bot.id) != payload["bot_id"]:
        return
    by = UUID(payload["by_id"]) if payload["by_id"] else None
    company = UUID(payload["party_id"])
    actor = Actor("telegram", by, payload["by"], frozenset(), on_behalf_of=company)
    try:
        body = await body_of(bot_of(bot.token), payload["file_id"], PHOTO_MAX)
        claim_id = UUID(payload["claim_id"])
        await attach(actor, "claim", claim_id, company, [(payload["name"], body)])
    except Refusal as refusal:
        i18n.use_language(payload["language"])
        why = i18n.say(f"refusal:{refusal.code}", **refusal.figures)
        text = i18n.say("bot:claim_photo_bad", number=payload["number"], why=why)
        again = [(i18n.say("bot:button_more_photos"), f"cp+:{payload['claim_id']}")]
        key = f"photo:{payload['claim_id']}:{payload['file_id']}"
        await replies.put([Reply(text, [again])], int(payload["chat"]), key)


async def for_office(file_id: str) -> bytes:
    """A file of a conversation, when a colleague looks at it. Raises NOT_FOUND where there is no
    bot, TOO_LARGE, FILE_GONE."""
    found = await telegram_bots.bot_or_none()
    if found is None or not found.answers:
        raise NotFound
    try:
        return await body_of(bot_of(found.token), file_id, OFFICE_MAX)
    except (TelegramAPIError, OSError, TimeoutError):
        raise NotFound from None

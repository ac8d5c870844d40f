"""What a customer writes in his own chat, kept as a conversation. Codes that open are not kept."""

from typing import Any

from aiogram.types import Message

from bots.telegram.talk import Talk
from dilo.conversations import threads
from dilo.conversations.threads import Said
from dilo.messaging.actions import note_read


async def with_a_person(message: Message, talk: Talk) -> bool:
    """Keeps the message; what it answers has been read. True where a colleague has the
    conversation, so the bot is silent: commands and a shared phone are the bot's all the same.
    """
    if talk.kind != "private" or talk.staff is not None:
        return False
    text = message.text or message.caption or ""
    command = text.startswith("/")
    said = Said(
        text.split(" ", 1)[0] if command else text,
        name=talk.name,
        party_id=talk.actor.on_behalf_of if talk.actor else None,
        identity_id=talk.actor.id if talk.actor else None,
        media=media_of(message),
    )
    if (answered := message.reply_to_message) is not None:
        await note_read("telegram", f"{talk.chat}:{answered.message_id}")
    heard = await threads.note_inbound("telegram", str(talk.chat), said)
    return heard.state == "person" and not command and message.contact is None


def media_of(message: Message) -> list[dict[str, Any]]:
    """As sent: Telegram keeps the file, we its number."""
    found: list[dict[str, Any]] = []
    if message.photo:
        best = message.photo[-1]
        found.append({"kind": "photo", "file_id": best.file_id, "bytes": best.file_size})
    for kind in ("document", "video", "voice", "audio"):
        one = getattr(message, kind)
        if one is not None:
            name = getattr(one, "file_name", None) or ""
            about = {"kind": kind, "file_id": one.file_id, "bytes": one.file_size}
            found.append(about | {"name": name[:120], "media_type": one.mime_type})
    if message.location:
        place = f"{message.location.latitude:.5f}, {message.location.longitude:.5f}"
        found.append({"kind": "location", "name": place})
    return found

"""A price list or an order sent as a file: the portal's reader of sheets, the same review of lines,
a draft of what can be sold. Voice and the like are refused politely."""

import asyncio
import tempfile
from pathlib import Path

from aiogram import Bot, F, Router
from aiogram.types import Message

from bots import answers
from bots.telegram.account import asker_of
from bots.telegram.fetched import SHEET_MAX, body_of
from bots.telegram.lines import draft, show_draft
from bots.telegram.replies import Reply
from bots.telegram.talk import Talk
from bots.telegram.told import to_menu
from dilo.kit.errors import Refusal
from dilo.kit.i18n import say
from dilo.kit.reading import Sheet, read_sheet
from dilo.orders import quick
from dilo.orders.commands import LINES_MAX
from dilo.orders.sheet_lines import sheet_lines

SHEETS = (".csv", ".xlsx", ".tsv")
router = Router(name="sheets")


@router.message(F.document)
async def sheet(message: Message, talk: Talk, bot: Bot) -> list[Reply]:
    talk.buyer.require("orders.edit")
    document = message.document
    assert document is not None
    ending = Path(document.file_name or "").suffix.lower()
    if ending not in (*SHEETS, ".txt"):
        raise Refusal("SHEET_UNKNOWN", status=422)
    if (document.file_size or 0) > SHEET_MAX:
        raise Refusal("TOO_LARGE", status=413, megabytes=SHEET_MAX // 1048576)
    body = await body_of(bot, document.file_id, SHEET_MAX)
    if ending == ".txt":
        return await draft(message, talk, body.decode("utf-8", errors="replace"))
    found = await asyncio.to_thread(_read, body, ending)
    rows = sheet_lines(found.head, found.rows[:LINES_MAX])
    asked = [quick.Asked(n.n, n.ref, n.quantity, n.comment) for n in rows if n.quantity and n.ref]
    strange = [(n.n, n.ref) for n in rows if not n.quantity and n.ref]
    review = await quick.review(talk.buyer, asked, strange)
    return await show_draft(message, talk, await answers.of_lines(asker_of(talk), review))


def _read(body: bytes, ending: str) -> Sheet:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"sheet{ending}"
        path.write_bytes(body)
        return read_sheet(path)


@router.message(F.voice | F.video_note | F.audio)
async def voice(message: Message) -> list[Reply]:
    return [Reply(say("bot:no_voice"), [to_menu()])]


NOT_READ = frozenset(
    "sticker video animation location venue poll dice game story paid_media checklist".split()
)


@router.message(F.content_type.in_(NOT_READ))
async def other(message: Message) -> list[Reply]:
    return [Reply(say("bot:not_this"), [to_menu()])]

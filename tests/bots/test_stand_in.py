"""The stand-in Bot API refuses what Telegram refuses, through aiogram itself."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from aiogram import Bot
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.client.telegram import TelegramAPIServer
from aiogram.exceptions import (
    TelegramBadRequest,
    TelegramConflictError,
    TelegramForbiddenError,
    TelegramNotFound,
    TelegramRetryAfter,
    TelegramUnauthorizedError,
)
from aiogram.types import (
    BotCommand,
    BufferedInputFile,
    InlineKeyboardButton,
    InlineKeyboardMarkup,
    InputMediaPhoto,
)
from peers.phone import Person, picture
from peers.telegram import TelegramPeer

TOKEN = "4242:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"


@pytest_asyncio.fixture
async def peer() -> AsyncIterator[TelegramPeer]:
    made = await TelegramPeer().start()
    yield made
    await made.stop()


@pytest_asyncio.fixture
async def bot(peer: TelegramPeer) -> AsyncIterator[Bot]:
    session = AiohttpSession(api=TelegramAPIServer.from_base(peer.url))
    yield Bot(TOKEN, session=session)
    await session.close()


def keys(data: str, text: str = "x") -> InlineKeyboardMarkup:
    return InlineKeyboardMarkup(
        inline_keyboard=[[InlineKeyboardButton(text=text, callback_data=data)]]
    )


async def test_what_telegram_refuses_is_refused(bot: Bot) -> None:
    for refused, words in (
        (bot.send_message(1, "x" * 4097), "too long"),
        (bot.send_message(1, "a < b", parse_mode="HTML"), "can't parse entities"),
        (bot.send_message(1, "<b>a", parse_mode="HTML"), "can't parse entities"),
        (bot.send_message(1, " "), "empty"),
        (bot.send_message(1, "x", reply_markup=keys("я" * 33)), "BUTTON_DATA_INVALID"),
        (bot.edit_message_text("x", chat_id=1, message_id=99), "not found"),
        (bot.answer_callback_query("never"), "too old"),
        (bot.send_photo(1, BufferedInputFile(b"no picture", "p.jpg")), "IMAGE_PROCESS_FAILED"),
        (bot.send_media_group(1, [InputMediaPhoto(media="file1")]), "group send failed"),
        (bot.set_my_commands([BotCommand(command="Bad", description="x")]), "COMMAND_INVALID"),
        (bot.set_webhook("http://plain.example"), "HTTPS"),
        (bot.get_file("nothing"), "file_id"),
    ):
        with pytest.raises(TelegramBadRequest, match=words):
            await refused


async def test_tokens_blocks_and_floods(bot: Bot, peer: TelegramPeer) -> None:
    assert (await bot.get_me()).id == 4242
    person = Person(peer, peer.know(TOKEN), 5)
    await person.block()
    with pytest.raises(TelegramForbiddenError):
        await bot.send_message(5, "x")
    peer.flood = True
    with pytest.raises(TelegramRetryAfter):
        for _ in range(22):
            await bot.send_message(6, "x")
    peer.revoke(TOKEN)
    with pytest.raises(TelegramUnauthorizedError):
        await bot.get_me()


async def test_only_what_was_shown_can_be_tapped_and_updates_wait_for_polling(
    bot: Bot, peer: TelegramPeer
) -> None:
    person = Person(peer, peer.know(TOKEN), 7)
    await bot.send_message(7, "<b>Так</b> &amp; ні", parse_mode="HTML", reply_markup=keys("yes"))
    assert peer.texts("7") == ["Так & ні"]
    with pytest.raises(AssertionError):
        await person.tap("no")
    await person.tap("yes")
    await person.show("фото", picture())
    updates = await bot.get_updates()
    assert [one.event_type for one in updates] == ["callback_query", "message"]
    file = await bot.get_file(updates[1].message.photo[-1].file_id)  # type: ignore[union-attr,index]
    assert (await bot.download_file(file.file_path)).read() == picture()  # type: ignore[arg-type,union-attr]
    await bot.set_webhook("https://bots.example/x", secret_token="s")
    with pytest.raises(TelegramConflictError):
        await bot.get_updates()
    info = await bot.get_webhook_info()
    assert (info.url, info.pending_update_count) == ("https://bots.example/x", 2)


async def test_a_token_that_cannot_be_one_is_not_found(bot: Bot, peer: TelegramPeer) -> None:
    import aiohttp

    async with aiohttp.ClientSession() as session:
        async with session.post(f"{peer.url}/botnonsense/getMe") as answer:
            assert answer.status == 404
        async with session.post(
            f"{peer.url}/bot{TOKEN}/sendMessage", data={"chat_id": "1", "text": "x", "txet": "y"}
        ) as answer:
            assert "unknown parameter" in await answer.text()
    with pytest.raises(TelegramNotFound):
        await bot(_Unknown())


from aiogram.methods import TelegramMethod  # noqa: E402


class _Unknown(TelegramMethod[bool]):
    __returning__ = bool
    __api_method__ = "doNothing"

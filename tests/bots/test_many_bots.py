"""Many companies' bots in one process: connected, renewed, replaced, paused, dead; each alone."""

import asyncio
import logging
from decimal import Decimal as D

import pytest
from aiogram.client.session.aiohttp import AiohttpSession
from browsing import staff
from peers.line import TOKEN, Line, connect
from peers.phone import Person
from peers.telegram import TelegramPeer
from town import Cast, add_debt, add_party

from bots.telegram import channel, connection, limiter, state
from bots.telegram.channel import Telegram, use_api
from bots.telegram.markup import bold, html_of, lines, pieces
from bots.telegram.replies import Reply
from bots.telegram.updates import ALLOWED, take_update
from dilo.kit import db, memory, outbox
from dilo.kit.ids import uuid7
from dilo.messaging import channels, telegram_bots
from dilo.messaging.channels import Ready
from dilo.messaging.sending import drain
from dilo.run import polling
from dilo.run.settings import settings
from tenants.scope import scope

SAME = "123456:" + "z" * 35
OTHER = "654321:" + "o" * 35
SECRET = "x-telegram-bot-api-secret-token"


async def bot_row(town: Cast) -> db.Row:
    async with scope(town.tenant):
        return await db.one("SELECT * FROM telegram_bot WHERE state <> 'removed' ORDER BY state")


async def test_the_office_connects_a_bot_and_telegram_is_told_everything(
    town: Cast, peer: TelegramPeer
) -> None:
    async with staff(town) as olena:
        await olena.open("/office/bot")
        assert (await olena.post("/office/bot", {"token": "nonsense"})).status_code == 422
        peer.revoke("9:" + "r" * 35)
        refused = await olena.post("/office/bot", {"token": "9:" + "r" * 35})
        assert refused.status_code == 422
        assert "rrrrr" not in refused.text
        assert (await olena.post("/office/bot", {"token": TOKEN})).status_code == 303
        page = await olena.get("/office/bot")
    bot = peer.bots[TOKEN]
    assert bot.username in page.text
    assert TOKEN.partition(":")[2] not in page.text
    row = await bot_row(town)
    assert bot.webhook["url"] == f"https://bots.example/bots/telegram/{town.tenant.id}/{row['id']}"
    assert bot.webhook["allowed_updates"] == ALLOWED
    assert {"", "uk", "en", "ru"} == set(bot.commands)
    words = {code: [one.description for one in bot.commands[code]] for code in bot.commands}
    assert words["uk"] != words["en"] != words["ru"]
    assert bot.menu is not None
    assert (row["token"], row["secret"], row["state"]) == (None, None, "live")
    assert TOKEN.partition(":")[2] not in repr(dict(row))
    assert bot.webhook["secret_token"] not in repr(dict(row))


async def test_a_new_token_of_the_same_bot_keeps_the_chats(line: Line) -> None:
    person = await line.linked(7)
    line.peer.revoke(TOKEN)
    line.peer.know(SAME)
    async with staff(line.town) as olena:
        await olena.open("/office/bot")
        assert (await olena.post("/office/bot", {"token": SAME})).status_code == 303
    person.bot = line.peer.bots[SAME]
    assert "Баланс" in await person.say("/balance")
    assert line.peer.bots[SAME].webhook["url"] == line.bot.webhook["url"]


async def test_another_bot_is_confirmed_and_people_come_back_by_writing_to_it(line: Line) -> None:
    person = await line.linked(7)
    async with staff(line.town) as olena:
        await olena.open("/office/bot")
        await olena.post("/office/bot", {"token": OTHER})
        assert (await bot_row(line.town))["state"] in ("candidate", "live")
        page = await olena.get("/office/bot")
        assert "@bot654321_bot" in page.text
        assert "Баланс" in await person.say("/balance"), "the old one works until it is confirmed"
        assert (await olena.post("/office/bot/replacement")).status_code == 303
    assert line.bot.webhook == {}
    async with scope(line.town.tenant):
        assert await db.value("SELECT dead_reason FROM contact_channel WHERE channel = 'telegram'")
    person.bot = line.peer.bots[OTHER]
    assert "Баланс" in await person.say("/balance")
    async with scope(line.town.tenant):
        assert not await db.value("SELECT dead_at FROM contact_channel WHERE channel = 'telegram'")


async def test_removed_a_bot_is_forgotten_by_telegram_and_its_chats_stay(line: Line) -> None:
    person = await line.linked(7)
    secret, url = line.bot.webhook["secret_token"], line.bot.webhook["url"]
    async with staff(line.town) as olena:
        await olena.open("/office/bot")
        assert (await olena.post("/office/bot/removal")).status_code == 303
    assert line.bot.webhook == {}
    assert line.peer.deliver is not None
    assert await line.peer.deliver(url, {"update_id": 5}, secret) == 404
    assert await person.say("/balance") == ""
    async with scope(line.town.tenant):
        assert (
            await db.value("SELECT count(*) FROM contact_channel WHERE channel = 'telegram'") == 1
        )
        assert not await db.value("SELECT token_sealed FROM telegram_bot")


async def test_a_paused_bot_hears_later_what_was_said_meanwhile(line: Line) -> None:
    person = await line.linked(7)
    async with staff(line.town) as olena:
        await olena.open("/office/bot")
        await olena.post("/office/bot/pause", {"on": "true"})
        assert await person.say("/balance") == ""
        assert len(line.bot.queue) == 1
        await olena.post("/office/bot/pause", {})
    waiting, line.bot.queue = line.bot.queue, []
    for update in waiting:
        assert await line.peer.post(line.bot, update) == 200
    await line.settle()
    assert "Баланс" in person.seen()[-1].text


async def test_a_dead_token_hurts_its_tenant_once_and_nobody_else(line: Line, rival: Cast) -> None:
    theirs = await connect(rival, line.peer, OTHER, line.http)
    other = await theirs.linked(8)
    town = line.town
    await line.linked(7)
    async with scope(town.tenant):
        await db.execute(
            "INSERT INTO contact_channel (party_id, channel, address) VALUES (:p, 'email', 'a@b.example')",
            p=town.parties["D-1"],
        )
        for number in range(5):
            await outbox.put(
                "telegram", "plain", f"n{number}", {"text": "x"}, party_id=town.parties["D-1"]
            )
    line.peer.revoke(TOKEN)
    before = len(line.peer.asked)
    await drain(town.tenant.id)
    await drain(town.tenant.id)
    assert len(line.peer.asked) - before <= 5, "at most those already on their way"
    row = await bot_row(town)
    assert row["state"] == "failed"
    assert "Unauthorized" in row["last_error"]
    async with scope(town.tenant):
        states = await db.rows("SELECT channel, state FROM outbox WHERE dedupe_key LIKE 'n_'")
        await outbox.put("telegram", "plain", "later", {"text": "x"}, party_id=town.parties["D-1"])
    assert {s["state"] for s in states if s["channel"] == "telegram"} == {"fallen_back"}
    before = len(line.peer.asked)
    await drain(town.tenant.id)
    await connection.look_after(town.tenant.id)
    assert len(line.peer.asked) == before, "a failed bot is left in peace"
    assert "Баланс" in await other.say("/balance")
    async with staff(town) as olena:
        assert "не приймає цього бота" in (await olena.get("/office/bot")).text
        assert "чати мовчать" in (await olena.get("/office")).text


async def test_a_bot_is_one_companys_and_nobody_is_told_whose(line: Line, rival: Cast) -> None:
    async with staff(rival) as yulia:
        await yulia.open("/office/bot")
        refused = await yulia.post("/office/bot", {"token": TOKEN})
        assert refused.status_code == 422
        assert "уже працює в іншій компанії" in refused.text
        assert "Київсвітло" not in refused.text
        line.peer.revoke(TOKEN)
        await line.linked(7)  # the answer meets the dead token
        assert (await bot_row(line.town))["state"] == "failed"
        renewed = await yulia.post("/office/bot", {"token": SAME})
        assert renewed.status_code == 303, "who was given the new token has the bot"
    line.peer.revoked.discard(TOKEN)
    async with staff(line.town) as olena:
        await olena.open("/office/bot")
        await olena.post("/office/bot/check", {})
        assert "уже працює в іншій компанії" in (await olena.get("/office/bot")).text
        assert (await bot_row(line.town))["state"] == "failed"
        async with scope(rival.tenant):
            await telegram_bots.remove_bot(rival.olena)
        await olena.post("/office/bot/check", {})
    assert (await bot_row(line.town))["state"] == "live"


async def test_telegram_away_while_a_bot_is_connected_is_mended_by_the_next_round(
    line: Line,
) -> None:
    async with scope(line.town.tenant):
        bot = await telegram_bots.bot_or_none()
        assert bot is not None
        use_api("http://127.0.0.1:1")
        await connection.switch_on(bot)
        use_api(line.peer.url)
    line.bot.webhook = {}
    row = await bot_row(line.town)
    assert (row["state"], bool(row["webhook_error"])) == ("live", True)
    await connection.look_after(line.town.tenant.id)
    assert line.bot.webhook["url"].startswith("https://bots.example/")


async def test_the_workers_round_notices_a_webhook_that_strayed(line: Line) -> None:
    line.bot.webhook["url"] = "https://thief.example/x"
    line.bot.last_error = "Connection refused"
    await connection.look_after(line.town.tenant.id)
    assert line.bot.webhook["url"].startswith("https://bots.example/")
    row = await bot_row(line.town)
    assert row["webhook_error"] == "Connection refused"
    async with staff(line.town) as olena:
        await olena.open("/office/bot")
        line.bot.last_error = "Wrong response from the webhook: 502"
        await olena.post("/office/bot/check")
        said = (await olena.get("/office/bot")).text
    assert "Бот працює, але Telegram повідомляє про помилку: Wrong response" in said
    assert row["pending_updates"] == 0


async def test_what_an_older_version_kept_in_clear_is_sealed(
    town: Cast, peer: TelegramPeer
) -> None:
    async with scope(town.tenant):
        await db.execute(
            "INSERT INTO telegram_bot (token, secret, state) VALUES (:t, 'plain', 'live')", t=TOKEN
        )
        bot = await telegram_bots.bot_or_none()
        assert bot is not None
        assert (bot.token, bot.knows("plain"), bot.knows("")) == (TOKEN, True, False)
    await connection.look_after(town.tenant.id)
    row = await bot_row(town)
    assert (row["token"], row["secret"], row["number"]) == (None, None, 123456)
    async with scope(town.tenant):
        now = await telegram_bots.bot_or_none()
        assert now is not None
        assert now.token == TOKEN


async def test_secrets_of_others_and_forged_updates_are_the_same_nothing(
    line: Line, rival: Cast
) -> None:
    theirs = await connect(rival, line.peer, OTHER, line.http)
    person = await line.linked(7)
    url, secret = line.bot.webhook["url"], line.bot.webhook["secret_token"]
    update = {"update_id": 77, "message": person.last["body"] | {"text": "/balance"}}
    deliver = line.peer.deliver
    assert deliver is not None
    before = len(line.peer.texts("7"))
    elsewhere = url.rsplit("/", 1)[0] + f"/{uuid7()}"
    for where, what in (
        (url, ""),
        (url, "wrong"),
        (url, theirs.bot.webhook["secret_token"]),
        (theirs.bot.webhook["url"], secret),
        (elsewhere, secret),
        (url.replace(str(line.town.tenant.id), str(rival.tenant.id)), secret),
    ):
        assert await deliver(where, update, what) == 404
    await line.settle()
    assert len(line.peer.texts("7")) == before
    async with scope(line.town.tenant):
        noted = await db.value("SELECT count(*) FROM audit_event WHERE verb = 'security.webhook'")
    assert noted == 3
    async with staff(line.town) as olena:
        for page in ("/office/bot", "/office/bot/alarms"):
            assert "Підроблене оновлення" in (await olena.get(page)).text, page
    for nonsense in ({"update_id": "x"}, {"update_id": 5, "message": {"text": 5}}, {}):
        assert await deliver(url, nonsense, secret) == 200


async def test_the_token_is_in_no_page_log_error_or_answer(
    line: Line, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    person = await line.linked(7)
    hidden = TOKEN.partition(":")[2]
    line.peer.say(
        "7", ("500",), ("400", f"https://api.telegram.org/bot{TOKEN}/sendMessage"), ("drop",)
    )
    for _ in range(3):
        await person.say("/balance")
    async with staff(line.town) as olena:
        pages = [
            (await olena.get(url)).text
            for url in ("/office/bot", "/office", "/office/bot/alarms", "/office/dunning")
        ]
    async with scope(line.town.tenant):
        kept = [
            repr([dict(row) for row in await db.rows(f"SELECT * FROM {table}")])
            for table in ("telegram_bot", "outbox", "delivery_attempt", "audit_event", "inbox")
        ]
        bot = await telegram_bots.bot_or_none()
    for text in (*pages, *kept, caplog.text, repr(bot), str(settings().public())):
        assert hidden not in text
        assert line.bot.webhook["secret_token"] not in text


async def test_all_bots_share_a_session_and_an_update_costs_the_same_queries(
    line: Line, rival: Cast
) -> None:
    theirs = await connect(rival, line.peer, OTHER, line.http)
    one, other = await line.linked(7), await theirs.linked(8)
    assert len(channel._sessions) == 1
    assert isinstance(next(iter(channel._sessions.values())), AiohttpSession)

    async def queries(line: Line, person: Person) -> int:
        """Statements of one update, as PostgreSQL sees them."""
        seen: list[str] = []
        data = {
            "update_id": next(line.peer.numbers) + 5000,
            "message": person.last["body"] | {"text": "/help"},
        }
        async with scope(line.town.tenant):
            with db.connection().query_logger(lambda record: seen.append(record.query)):
                bot = await telegram_bots.bot_or_none()
                assert bot is not None
                await take_update(bot, data)
        return len([one for one in seen if "SAVEPOINT" not in one])

    first = await queries(line, one)
    async with scope(line.town.tenant):
        for number in range(30):
            party = await add_party(line.town, f"N-{number}", "N")
            await add_debt(line.town, f"N-{number}", D(5), due_on=line.town.tenant.today())
            await db.execute(
                "INSERT INTO contact_channel (party_id, channel, address) VALUES (:p, 'telegram', :a)",
                p=party,
                a=str(1000 + number),
            )
    assert first == await queries(line, one) == await queries(theirs, other)
    assert first <= 7
    await line.settle()


async def test_paces_are_kept_so_that_telegram_never_says_429(line: Line) -> None:
    """A person gets a burst and then one a second; nobody else's message waits for his."""
    line.peer.flood = True
    async with scope(line.town.tenant):
        for number in range(30):
            await outbox.put("telegram", "reply", f"a{number}", {"text": "x", "address": "1"})
        await outbox.put("telegram", "reply", "b", {"text": "y", "address": "2"})
    async with asyncio.timeout(20):
        await drain(line.town.tenant.id)
    assert not [why for _, why in line.peer.declined if "Too Many" in why]
    assert 15 <= len(line.peer.texts("1")) < 30
    assert line.peer.texts("2") == ["y"]
    async with scope(line.town.tenant):
        held = await db.rows("SELECT reason, attempts FROM outbox WHERE state = 'queued'")
    assert held
    assert {(row["reason"], row["attempts"]) for row in held} == {("PACE", 0)}


async def test_a_groups_429_hushes_the_group_alone_and_without_valkey_a_process_paces_itself(
    line: Line,
) -> None:
    group = str(-100222)
    line.peer.say(group, ("429", 40))
    async with scope(line.town.tenant):
        await outbox.put("telegram", "reply", "g", {"text": "g", "address": group})
    await line.settle()
    async with scope(line.town.tenant):
        await outbox.put("telegram", "reply", "g2", {"text": "g", "address": group})
        await outbox.put("telegram", "reply", "p", {"text": "p", "address": "5"})
    asked = len(line.peer.asked)
    await line.settle()
    assert line.peer.texts("5") == ["p"]
    assert len(line.peer.asked) == asked + 1
    sender = limiter.Sender(line.town.tenant.id, uuid7(), "9")
    memory.use_memory("")
    try:
        turns = [await limiter.turn(sender) for _ in range(25)]
        assert turns[0] == limiter.Turn(True, 0.0)
        assert not turns[-1].ours
    finally:
        memory.use_memory(settings().valkey_url)


async def test_lost_state_is_harmless_and_carries_tenant_and_bot(line: Line, rival: Cast) -> None:
    bot = uuid7()
    async with scope(line.town.tenant):
        await state.put(bot, 1, 1, {"step": "sum", "order": "A"})
        assert await state.get(bot, 1, 1) == {"step": "sum", "order": "A"}
        assert await state.get(uuid7(), 1, 1) is None
        await state.drop(bot, 1, 1)
        assert await state.get(bot, 1, 1) is None
        await state.put(bot, 1, 1, {"step": "sum"})
    async with scope(rival.tenant):
        assert await state.get(bot, 1, 1) is None
    memory.use_memory("redis://127.0.0.1:1/0")
    async with scope(line.town.tenant):
        assert await state.get(bot, 1, 1) is None
        await state.put(bot, 1, 1, {"step": "sum"})
    memory.use_memory(settings().valkey_url)


async def test_long_and_hostile_texts_arrive_whole(line: Line) -> None:
    person = line.person(7)
    hostile = "<b>&amp; {{ 7*7 }} <script> %s {0} '; DROP TABLE party; --"
    long = "\n".join(f"{n}: {hostile}" for n in range(200))

    async def compose(payload: dict, _channel: str, _party: object) -> Ready:
        return Ready(long)

    channels.compose_with("long", compose)
    async with scope(line.town.tenant):
        await outbox.put("telegram", "long", "long", {"address": "7"})
        await outbox.put("telegram", "plain", "short", {"address": "7", "text": hostile})
    await line.settle()
    parts = [text for text in line.peer.texts("7") if text != hostile]
    assert len(parts) > 2
    assert "\n".join(parts) == long
    assert hostile in line.peer.texts("7")
    assert line.peer.declined == []
    assert "{{" not in await person.say(hostile)


def test_markup_is_cut_between_lines_and_stays_whole() -> None:
    text = str(lines(bold("a < b"), *(bold(f"{n} & <i>") for n in range(900))))
    parts = pieces(text)
    assert all(len(part) <= 4096 for part in parts)
    assert all(part.count("<b>") == part.count("</b>") for part in parts)
    assert "".join(parts).replace("\n", "") == text.replace("\n", "")
    one_line = pieces(f"<b>{'&amp;' * 3000}</b>")
    assert all(part.startswith("<b>&amp;") and part.endswith("&amp;</b>") for part in one_line)
    assert html_of("<") == "&lt;"
    assert Reply("x").buttons == []


async def test_a_blocked_bot_marks_the_chat_and_a_word_from_it_brings_it_back(line: Line) -> None:
    person = await line.linked(7)
    await person.block()
    async with scope(line.town.tenant):
        assert await db.value("SELECT dead_reason FROM contact_channel WHERE channel = 'telegram'")
    await person.unblock()
    await person.say("/balance")
    async with scope(line.town.tenant):
        assert not await db.value("SELECT dead_at FROM contact_channel WHERE channel = 'telegram'")


async def test_polling_hears_what_waits_and_leaves_webhooks_alone(
    town: Cast, peer: TelegramPeer, monkeypatch: pytest.MonkeyPatch
) -> None:
    connection.webhook_base = ""
    polled = await connect(town, peer, TOKEN, peer.http)
    person = polled.person(7)
    await person.send({"poll": {"id": "of a later Bot API"}})
    await person.say("/start")
    monkeypatch.setenv("DILO_TELEGRAM_API", peer.url)
    settings.cache_clear()
    channels.use_channels({"telegram": Telegram(peer.url)})
    stopping = asyncio.Event()
    task = asyncio.create_task(polling._poll_one(town.tenant.id, stopping))
    async with asyncio.timeout(10):
        while not peer.texts("7"):
            await asyncio.sleep(0.02)
    assert "Київсвітло" in peer.texts("7")[0]
    peer.revoke(TOKEN)
    stopping.set()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    settings.cache_clear()

"""Every button of the bot asks by itself who taps it, and reads nothing that it did not make.

A tap can be made up by a program, so a door is not guarded by a button that was not shown. A case
fails when its guard is taken away; a new handler without a case fails here too.
"""

import time
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal as D
from itertools import count
from typing import Any

import pytest
from aiogram.dispatcher.event.bases import UNHANDLED
from aiogram.types import Update
from browsing import staff, visitor
from peers.botapi import Upload
from peers.line import TOKEN, Line
from peers.miniapp import signed
from town import Cast, add_debt, add_party, buyer, order_of

from bots import answers
from bots.answers import Asker
from bots.intents import Balance, Orders, OrderStatus, OrderText, Repeat
from bots.sms import receiving
from bots.telegram import documents
from bots.telegram.channel import bot_of
from bots.telegram.fetched import body_of
from bots.telegram.routers import LAST, ROUTERS
from bots.telegram.talk import Talk
from bots.telegram.updates import dispatcher
from dilo.analytics import statements
from dilo.analytics.statements import StatementForm
from dilo.buyers.roles import VERBS
from dilo.dunning import reconciliation
from dilo.kit import clock, db
from dilo.kit.errors import Forbidden, NotFound, Refusal
from dilo.kit.ids import uuid7
from dilo.messaging import telegram_bots, wire
from dilo.orders import actions, queries
from dilo.orders.commands import LineInput
from dilo.orders.quick import Review
from tenants.actors import Actor
from tenants.scope import scope, undone_on_refusal

U = "00000000-0000-0000-0000-00000000000a"
CHAT = 5
NUMBERS = count(10**6)
# Who has no verb at all is refused before anything is looked for.
BUYERS = f"""
balance plan due sign:{U}:1 prd:2026-12-31 prm:3 prc: stm dig:1 dsp dsi:{U} dsr:{U}:1 rec:{U}
rcl:{U} rca:{U}:1 docs dl:1 inv:{U} stm:month orders ol:1 o:{U} oc:{U} repeat rp:{U} tr:{U} goods
usual add:{U} cat:{U}:1 fav:1 shelf p:{U} pq:{U}:1 pq:{U}:-1 pf:{U} cart cl:1 accept nocoupon empty
undo checkout cd ca:0 cp:{U} cs cs:hold cw:comment order:a:b:c cll:1 cn:{U} cp+:{U}
""".split()
COLLEAGUES = f"""
ovr:{U}:1 sh so:{U} sr:{U} sx:{U} sy:{U} sv:{U} sva:0 svd:3 sp:{U} sps:{U} spi:{U} spp:{U} sg:{U}
sd tk tkn:{U} tkd:{U} tks:{U}:24 tkc:{U}: tkp:{U}:2026-12-31 tkh:{U}:2026-12-31:9 sl
slo:{U}:2026-11-01 sk skc:{U} skr:{U}
""".split()
# What asks for words or shows one's own settings, what only its own object can refuse, what goes on
# where a guarded step began.
OTHERS = f"""
lnk:{U}:1 companies co:{U} unl:0 resume menu bot person noop sm sw sww:x swh:x nws:1 appr:{U}:1
confirm:{U}:1 drop:{U}:1 ask find:1 pt:{U} coupon ln:a:0:s lq:a:0:1 c:{U} cnl:{U} cnq:1 cnr:x cnw:x
cns:x rate:{U}:5 svr:1
""".split()


class Taps:
    """Made up by a program: any data, said to be of anybody."""

    def __init__(self, line: Line, bot: telegram_bots.TelegramBot) -> None:
        self.bot, town = bot, line.town
        company = town.parties["D-1"]
        no_verbs: frozenset[str] = frozenset()
        self.people: dict[str, dict[str, Any]] = {
            "stranger": {},
            "bare buyer": {
                "actor": Actor("telegram", town.petro.id, "Петро", no_verbs, on_behalf_of=company)
            },
            "bare colleague": {"staff": Actor("staff", town.max.id, "Max", no_verbs)},
            "buyer": {"actor": town.petro},
            "colleague": {"staff": town.olena},
        }

    def talk(self, who: str) -> Talk:
        return Talk(f"{self.bot.id}:{next(NUMBERS)}", self.bot, CHAT, CHAT, who, **self.people[who])

    async def code(self, who: str, data: str, talk: Talk | None = None) -> str:
        """The code of the refusal; empty where it is done."""
        try:
            async with undone_on_refusal():
                told = await dispatcher().feed_update(
                    bot_of(TOKEN), update_of(data), talk=talk or self.talk(who)
                )
        except Refusal as refusal:
            return refusal.code
        assert told is not UNHANDLED, data
        return ""


def update_of(data: str) -> Update:
    now = int(time.time())
    message = {"message_id": 1, "date": now, "chat": {"id": CHAT, "type": "private"}, "text": "x"}
    sender = {"id": CHAT, "is_bot": False, "first_name": "x"}
    tap = {"id": "q", "from": sender, "chat_instance": "1", "data": data, "message": message}
    return Update.model_validate({"update_id": next(NUMBERS), "callback_query": tap})


async def taps_of(line: Line) -> Taps:
    bot = await telegram_bots.bot_or_none()
    assert bot is not None
    return Taps(line, bot)


async def test_every_button_has_a_case_here() -> None:
    taps = [update_of(data).callback_query for data in (*BUYERS, *COLLEAGUES, *OTHERS)]
    for router in (*ROUTERS, *LAST):
        for handler in router.callback_query.handlers:
            for tap in taps:
                if (await handler.check(tap))[0]:
                    break
            else:
                pytest.fail(f"{router.name}: {handler.callback.__name__}")


async def test_who_has_no_verb_is_refused_at_every_button(line: Line) -> None:
    async with scope(line.town.tenant):
        taps = await taps_of(line)
        for data in BUYERS:
            assert await taps.code("bare colleague", data) == "CHAT_NOT_LINKED", data
            assert await taps.code("bare buyer", data) == "FORBIDDEN", data
        for data in COLLEAGUES:
            assert await taps.code("bare buyer", data) == "CHAT_NOT_LINKED", data
            assert await taps.code("bare colleague", data) == "FORBIDDEN", data


async def test_a_button_altered_by_hand_is_unreadable(line: Line) -> None:
    """Not a fault of ours, and never something near to what it says."""
    buyers = f"""
    sign:{U}:2 sign:x:1 nws:2 appr:{U}:2 appr:x:1 prd:x prm:333 prm:x prc:2026-13 dig:8 dsr:{U}:5
    dsi:x rec: drop:x drop:{U}:x stm:week o:x inv: ca:{U} ca:x cp:{U} cp:x cs:never pq:{U}
    pq:{U}:0 pq:{U}:x rate:{U} rate:{U}:6 rate:x:5 order:a:b lq:a:0
    """.split()
    colleagues = f"""
    ovr:{U}:2 ovr:x:1 so:x sww:nothing swh:nothing swh:daily_figures:5 slo:{U}:x slo:{U}:1999-12-31
    slo:{U}:9999-12-31 tks:{U}:2 tkh:{U}:2026-12-31:8 tkh:{U}:2026-12-31 svr:9
    """.split()
    async with scope(line.town.tenant):
        taps = await taps_of(line)
        for who, some in (("buyer", buyers), ("colleague", colleagues)):
            for data in some:
                assert await taps.code(who, data) == "UNREADABLE", data


async def test_a_step_of_a_dialogue_takes_only_what_it_offered(line: Line) -> None:
    town = line.town
    async with scope(town.tenant):
        taps = await taps_of(line)
        held = await actions.place_order(town.max, order_of(town, "D-1", ("LAMP-1", 150)))
        assert held.state == "on_hold"
        for data in ("sva:0", "svd:3", "svr:1"):
            assert await taps.code("colleague", data) == "DIALOG_LOST", data
        assert await taps.code("colleague", f"sv:{held.id}") == ""
        for data in ("sva:x", "sva:2"):
            assert await taps.code("colleague", data) == "UNREADABLE", data
        assert await taps.code("colleague", "svd:3") == "DIALOG_LOST", "no amount yet"
        assert await taps.code("colleague", "sva:0") == ""
        assert await taps.code("colleague", "svd:2") == "UNREADABLE"
        assert await taps.code("colleague", "svr:1") == "DIALOG_LOST", "no days yet"


async def test_an_act_is_answered_by_nobody_who_may_not_see_the_money(line: Line) -> None:
    """The house refuses too, whatever door forgot to ask; a viewer's chat does not get the act."""
    town = line.town
    company = town.parties["D-1"]
    petro = await line.linked(7)
    bare = Actor("portal", town.petro.id, "Петро", VERBS["viewer"], on_behalf_of=company)
    other = buyer(town.petro.id, "Петро", uuid7())  # type: ignore[arg-type]
    async with scope(town.tenant):
        today = town.tenant.today()
        await add_debt(town, "D-1", D(500), due_on=today)
        issued = await statements.issue(
            town.nina, company, StatementForm(today - timedelta(days=60), today)
        )
        await db.execute("UPDATE portal_user SET role = 'viewer'")
        act_id = await reconciliation.send(town.nina, issued)
        (one,) = await reconciliation.lines_of(act_id)
        for who, refused in ((bare, Forbidden), (other, NotFound), (town.ivan, Forbidden)):
            with pytest.raises(refused):
                await reconciliation.agree(who, act_id)
            with pytest.raises(refused):
                await reconciliation.answer_line(who, one["id"], True, None, "telegram")
        with pytest.raises(Refusal, match="REASON_MISSING"):
            await reconciliation.answer_line(town.petro, one["id"], False, " \n", "telegram")
        assert (await reconciliation.act(act_id)).state == "sent"
    before = len(line.peer.accepted)
    await line.settle()
    assert petro.seen(before) == []
    async with scope(town.tenant):
        await reconciliation.agree(town.petro, act_id)
        for late in (
            reconciliation.agree(town.petro, act_id),
            reconciliation.answer_line(town.petro, one["id"], True, None, "portal"),
        ):
            with pytest.raises(Refusal, match="ACT_CLOSED"):
                await late


async def test_what_is_of_another_company_or_nowhere_is_not_found(line: Line) -> None:
    town = line.town
    async with scope(town.tenant):
        taps = await taps_of(line)
        await add_party(town, "X", "Інша", limit=D(10**6), depth=7)
        theirs = await actions.place_order(town.max, order_of(town, "X", ("LAMP-1", 1)))
        invoice = await add_debt(town, "X", D(10), due_on=town.tenant.today())
        for data in (f"o:{theirs.id}", f"tr:{theirs.id}", f"rp:{theirs.id}", f"cn:{theirs.id}",
                     f"oc:{theirs.id}:1", f"confirm:{theirs.id}:1", f"drop:{theirs.id}:1",
                     f"inv:{invoice}", f"cat:{U}:1", f"p:{U}", f"c:{U}", f"cp+:{U}",
                     f"appr:{U}:1", f"rate:{U}:5", f"dsr:{U}:1", f"rca:{U}:1"):  # fmt: skip
            assert await taps.code("buyer", data) == "NOT_FOUND", data
        for data in (f"sp:{U}", f"so:{U}", f"spp:{U}", f"skc:{U}", f"sg:{U}", f"tkd:{U}"):
            assert await taps.code("colleague", data) == "NOT_FOUND", data
        assert await taps.code("colleague", f"sv:{theirs.id}") == "GATE_BAD", "nothing stops it"
        assert (await queries.order_head(theirs.id)).state == "confirmed"
        paper = {"invoice_id": str(invoice), "party_id": str(town.parties["D-1"])}
        with pytest.raises(NotFound):
            await documents._invoice_file(paper)
        company = town.parties["X"]
        today = town.tenant.today()
        issued = await statements.issue(town.nina, company, StatementForm(today, today))
        with pytest.raises(NotFound):
            await documents._statement_file({**paper, "statement_id": str(issued)})


async def test_who_is_not_connected_has_nothing_to_part_or_to_choose(line: Line) -> None:
    async with scope(line.town.tenant):
        taps = await taps_of(line)
        for data in ("companies", "unl:1"):
            assert await taps.code("stranger", data) == "CHAT_NOT_LINKED", data
        group = replace(taps.talk("buyer"), kind="group")
        assert group.actor is not None
        viewer = replace(group, actor=replace(group.actor, verbs=VERBS["viewer"]))
        for data in ("unl:1", "resume"):
            assert await taps.code("", data, viewer) == "FORBIDDEN", data
        for data in ("goods", "cart", "docs"):
            assert await taps.code("", data, group) == "ONLY_IN_PRIVATE", data
        assert await taps.code("", "balance", group) == "GROUP_HEARS_NO_MONEY"


async def test_intents_ask_for_their_verb_in_every_channel(line: Line) -> None:
    """SMS asks here too, where there is no handler before it."""
    async with scope(line.town.tenant):
        taps = await taps_of(line)
        bare = Asker(taps.people["bare buyer"]["actor"], "sms", "+380671112233", "k")
        one = LineInput(str(line.town.products["LAMP-1"]), D(1))
        for intent in (Balance(), Orders(), OrderStatus(""), Repeat(), OrderText("LAMP-1 1")):
            with pytest.raises(Forbidden):
                await answers.answer(bare, intent)
                pytest.fail(str(intent))
        for deed in (
            answers.waiting(bare),
            answers.own_order(bare, uuid7()),
            answers.picked(bare, None, 0, one),
            answers.of_lines(bare, Review([], "UAH")),
        ):
            with pytest.raises(Forbidden):
                await deed
        nobody = Asker(line.town.olena, "sms", "+380671112233", "k")
        with pytest.raises(NotFound):
            await answers.answer(nobody, Orders())


async def test_files_are_taken_within_their_size_and_kind(line: Line) -> None:
    petro, big = await line.linked(7), 10**9

    def paper(name: str, size: int, kind: str = "text/csv") -> dict[str, Any]:
        file_id = line.peer.keep_file(Upload(name, b"LAMP-1;5"))
        told = {"file_id": file_id, "file_unique_id": f"u{file_id}", "file_name": name}
        return {"document": told | {"file_size": size, "mime_type": kind}}

    assert "LAMP-1" in await petro.send(paper("a.csv", 8))
    drafts = "SELECT count(*) FROM sales_order"
    async with scope(line.town.tenant):
        assert await db.value(drafts) == 1
    for told in (paper("a.csv", big), paper("a.jpg", big, "image/jpeg")):
        assert "МБ" in await petro.send(told)
    assert "Читаю файли" in await petro.send(paper("a.exe", 8))
    bot = bot_of(line.bot.token)
    with pytest.raises(Refusal, match="FILE_GONE"):
        await body_of(bot, "nowhere", 100)
    told_small = line.peer.keep_file(Upload("b.csv", b"x" * 101))
    with pytest.raises(Refusal, match="TOO_LARGE"):
        await body_of(bot, told_small, 100)
    async with scope(line.town.tenant):
        await db.execute("UPDATE portal_user SET role = 'viewer'")
    assert "не дозволяє" in await petro.send(paper("a.csv", 8))
    async with scope(line.town.tenant):
        assert await db.value(drafts) == 1


async def test_who_is_nobody_is_heard_by_nobody(line: Line) -> None:
    """Other bots, channels, anonymous admins, a private chat that is not its sender's."""
    petro = await line.linked(7)
    command = [{"type": "bot_command", "offset": 0, "length": 8}]
    assert "Електросвіт" in await petro.send({"text": "/balance", "entities": command})
    others: tuple[dict[str, Any], ...] = (
        {"from": petro.user | {"is_bot": True}},
        {"sender_chat": {"id": -1001, "type": "channel", "title": "x"}},
        {"via_bot": {"id": 99, "is_bot": True, "first_name": "x"}},
        {"from": petro.user | {"id": 8}},
        {"chat": {"id": 7, "type": "channel", "title": "x"}},
    )
    for more in others:
        assert await petro.send({"text": "/balance", "entities": command} | more) == "", more
        assert petro.status == 200, "answered as heard, or Telegram would say it again"
    async with scope(line.town.tenant):
        await telegram_bots.pause_bot(line.town.olena, True)
    assert await petro.say("/balance") == ""


async def test_a_sum_typed_by_a_colleague_is_a_sum(line: Line) -> None:
    olena = await line.colleague("olena", 9)
    async with scope(line.town.tenant):
        held = await actions.place_order(line.town.max, order_of(line.town, "D-1", ("LAMP-1", 150)))
    await olena.forge(f"sv:{held.id}")
    for wrong in ("багато", "0", "-5", "1e12", "nan"):
        assert "svd:" not in "".join(olena.taps()), wrong
        await olena.say(wrong)
    assert not [data for data in olena.taps() if data.startswith("svd:")]
    await olena.say("20 000,50")
    assert [data for data in olena.taps() if data.startswith("svd:")]


async def test_the_bots_page_does_nothing_about_a_bot_that_is_not_there(town: Cast) -> None:
    async with staff(town) as one:
        for url, status in (
            ("/office/bot", 422),
            ("/office/bot/replacement", 404),
            ("/office/bot/check", 404),
            ("/office/bot/pause", 404),
        ):
            assert (await one.post(url)).status_code == status, url
    async with visitor(town.host) as stranger:
        answer = await stranger.client.post("/tg/session", data={"init": signed(TOKEN, 7)})
        assert answer.status_code == 404, "no bot, no app"


async def test_an_update_delivered_twice_is_done_once(line: Line) -> None:
    petro, lamp = await line.linked(7), line.town.products["LAMP-1"]
    await petro.forge(f"add:{lamp}")
    assert await petro.again() == 200
    async with scope(line.town.tenant):
        assert await db.value("SELECT quantity FROM cart") == 1


async def test_only_words_of_a_private_chat_may_be_written_anew(line: Line) -> None:
    petro, group = await line.linked(7), -1005550002
    assert await petro.send({"text": "LAMP-1 2"}, kind="edited_message") != ""
    place = {"location": {"latitude": 50.4, "longitude": 30.5}}
    assert await petro.send(place, kind="edited_message") == ""
    assert await petro.send({"text": "LAMP-1 2"}, group, "edited_message") == ""
    for text in ("LAMP-1 2", "/balance", f"/balance@other{line.bot.username}"):
        assert await petro.say(text, group) == "", "not said to this bot"


async def test_a_claim_takes_what_it_offered_of_its_own_order(line: Line) -> None:
    town = line.town
    async with scope(town.tenant):
        taps = await taps_of(line)
        talk = taps.talk("buyer")
        await talk.keep(step="claim", order=U, photos=[], text="", line=U, quantity="1")
        assert await taps.code("", f"cnl:{U}", talk) == "NOT_FOUND"
        assert await taps.code("", "cnq:1", talk) == "NOT_FOUND"
        assert await taps.code("", "cnr:spite", talk) == "UNREADABLE"
        await talk.keep(step="claim", order=U, photos=[], text="", line=U, quantity="1", reason="x")
        assert await taps.code("", "cnw:gold", talk) == "UNREADABLE"
        asked = {"text": "x", "why": "which", "quantity": "", "options": [[U, "A", "B", "шт"]]}
        await talk.keep(step="lines", nonce="n", at=0, asked=[asked], order="", product="")
        for data in ("ln:n:0:1", "ln:n:0:x"):
            assert await taps.code("", data, talk) == "UNREADABLE", data
        await talk.keep(step="lines", nonce="n", at=0, asked=[asked], order="", product=U)
        for data in ("lq:n:0:0", "lq:n:0:x", "lq:n:0:" + "1" * 21):
            assert await taps.code("", data, talk) == "UNREADABLE", data


async def test_an_sms_without_a_number_of_its_own_is_heard_once(
    line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also across the edge of the two minutes; letters for a sender are nobody's words."""
    gateway, phone = uuid7(), "+380671112233"
    async with scope(line.town.tenant):
        await receiving.take(gateway, "", phone, "привіт")
        after = clock.now() + timedelta(seconds=receiving.REPEAT_SECONDS)
        monkeypatch.setattr(clock, "now", lambda: after)
        await receiving.take(gateway, "", phone, "привіт")
        assert await db.value("SELECT count(*) FROM thread_message WHERE kind = 'in'") == 1
    said = wire.Delivered("Kyivstar", "", "знижки", is_receipt=False)
    await receiving.hear_smpp(line.town.tenant.id, gateway, said)
    async with scope(line.town.tenant):
        assert await db.value("SELECT count(*) FROM thread") == 1

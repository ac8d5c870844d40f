"""Papers sent from a conversation: to whom they belong, as a document, as a letter, as a link."""

from datetime import date
from typing import Any

import pytest
from browsing import staff
from dealing import sell
from peers.line import Line, line, peer
from peers.post import Post, post, wired
from town import Cast, D, add_party

from dilo.conversations import actions, queries, threads
from dilo.conversations.actions import Answer
from dilo.conversations.papers import Period
from dilo.conversations.threads import Said
from dilo.kit import db
from dilo.kit.errors import NotFound, Refusal
from dilo.messaging import channels
from dilo.run import events
from tenants.scope import scope

__all__ = ["line", "peer", "post"]
NOVEMBER = Period(date(2026, 11, 1), date(2026, 11, 30))
REACH = """
INSERT INTO contact_channel (party_id, channel, address) VALUES (:party, :channel, :address)
RETURNING id
"""


async def heard_of(town: Cast, address: str = "601", party: str = "D-1") -> Any:
    said = Said("Надішліть виписку", name="Петро", party_id=town.parties[party])
    return (await threads.note_inbound("telegram", address, said)).thread_id


async def test_a_statement_goes_as_a_document_a_letter_and_a_link(post: Post) -> None:
    wired(post)
    town = post.town
    async with scope(town.tenant):
        await sell(town, D(1200), date(2026, 11, 10))
        thread_id = await heard_of(town)
        party = town.parties["D-1"]
        ways = {
            channel: await db.value(REACH, party=party, channel=channel, address=address)
            for channel, address in (("email", "d1@example.com"), ("sms", "+380501112277"))
        }
        for n, way in enumerate((None, ways["email"], ways["sms"])):
            answer = Answer("Ось вона", f"{n:032}", way_id=way, statement=NOVEMBER)
            await actions.reply(town.max, thread_id, answer)
    await post.drain()
    (document,) = [one for one in post.telegram.accepted if one.method == "sendDocument"]
    (upload,) = post.telegram.files.values()
    assert document.text == "Ось вона"
    assert upload.name == "statement-2026-11-01-2026-11-30.pdf"
    assert upload.body.startswith(b"%PDF")
    link = "/statement?since=2026-11-01&until=2026-11-30"
    ((_, letter),) = post.smtp.accepted
    text, attached = letter.iter_parts()
    assert link in text.get_content()
    assert attached.get_content().startswith(b"%PDF")
    (sms,) = post.smsc.accepted
    assert sms.text.startswith("Ось вона\n")
    assert sms.text.endswith(link)
    async with scope(town.tenant):
        assert await db.value("SELECT count(*) FROM issued_statement") == 1, "one and the same"


async def test_an_invoice_by_sms_is_a_link_and_a_file_is_refused_before_it_is_lost(
    town: Cast,
) -> None:
    events.wire()
    async with scope(town.tenant):
        invoice = await sell(town, D(300), date(2026, 11, 10))
        said = Said("Рахунок?", party_id=town.parties["D-1"])
        sms = (await threads.note_inbound("sms", "+380501112288", said)).thread_id
        await actions.reply(town.max, sms, Answer("", "a" * 32, invoice_id=invoice))
        payload = await db.value("SELECT payload FROM outbox WHERE kind = 'staff_reply'")
        told = await actions.compose(payload, "sms", None)
        assert isinstance(told, channels.Ready)
        assert f"/invoices/{invoice}/pdf" in told.text
        with pytest.raises(Refusal, match="FILE_NOT_BY_SMS"):
            await actions.reply(town.max, sms, Answer("", "b" * 32, file=("a.txt", b"a")))
        both = Answer("", "c" * 32, invoice_id=invoice, statement=NOVEMBER)
        with pytest.raises(Refusal, match="ONE_PAPER"):
            await actions.reply(town.max, sms, both)
        with pytest.raises(Refusal, match="TEXT_MISSING"):
            await actions.reply(town.max, sms, Answer("  ", "d" * 32))
        with pytest.raises(Refusal, match="FILE_TOO_BIG"):
            chat = await heard_of(town, "602")
            await actions.reply(town.max, chat, Answer("", "e" * 32, file=("a.txt", b"")))
        assert await db.value("SELECT count(*) FROM outbox WHERE kind = 'staff_reply'") == 1


async def test_a_paper_of_another_company_goes_nowhere(town: Cast) -> None:
    events.wire()
    async with scope(town.tenant):
        await add_party(town, "D-2", "ТОВ «Інші»")
        theirs = await sell(town, D(300), date(2026, 11, 10), party="D-2")
        thread_id = await heard_of(town, "603")
        with pytest.raises(NotFound):
            await actions.reply(town.max, thread_id, Answer("", "a" * 32, invoice_id=theirs))
        lone = (await threads.note_inbound("telegram", "604", Said("Хто ви?"))).thread_id
        with pytest.raises(Refusal, match="PARTY_MISSING"):
            await actions.reply(town.max, lone, Answer("", "b" * 32, statement=NOVEMBER))
        with pytest.raises(Refusal, match="DATES_BAD"):
            wrong = Period(NOVEMBER.until, NOVEMBER.since)
            await actions.reply(town.max, thread_id, Answer("", "c" * 32, statement=wrong))


async def test_the_form_sends_a_statement_and_keeps_what_was_typed(town: Cast) -> None:
    events.wire()
    async with scope(town.tenant):
        thread_id = await heard_of(town, "605")
    url = f"/office/inbox/{thread_id}"
    async with staff(town, "max") as one:
        await one.open(url)
        bad = {"key": "f" * 32, "text": "Довга відповідь", "paper": "statement"}
        period = {"since": "2026-11-30", "until": "2026-11-01"}
        page = await one.post(f"{url}/replies", bad | period)
        assert page.status_code == 422
        assert "Кінець раніше за початок." in page.text
        period = {"since": "2026-11-01", "until": "2026-11-30"}
        assert (await one.post(f"{url}/replies", bad | period)).status_code == 303
        assert "statement-2026-11-01-2026-11-30.pdf" in (await one.get(url)).text


async def test_what_is_answered_has_been_read(line: Line) -> None:
    petro = await line.linked(606)
    async with scope(line.town.tenant):
        thread_id = await db.value("SELECT id FROM thread WHERE address = '606'")
        await actions.reply(line.town.max, thread_id, Answer("Машина буде о десятій", "a" * 32))
    await line.settle()
    (number,) = [
        key[1] for key, one in line.bot.messages.items() if "десятій" in (one.get("text") or "")
    ]
    async with scope(line.town.tenant):
        of = await queries.thread(thread_id)
        (sent,) = [one for one in await queries.said_in(of) if one.text.startswith("Машина")]
        assert sent.read_at is None
    chat = {"id": 606, "type": "private", "first_name": "Петро"}
    under = {"message_id": number, "date": 1, "chat": chat, "text": "Машина буде о десятій"}
    await petro.say("Дякую", reply_to_message=under)
    async with scope(line.town.tenant):
        said = await queries.said_in(await queries.thread(thread_id))
        (sent,) = [one for one in said if one.text.startswith("Машина")]
        assert sent.read_at is not None


async def test_papers_of_money_go_into_no_chat_of_a_viewer(line: Line) -> None:
    town = line.town
    petro = await line.linked(607)
    await petro.say("Добрий день")
    async with scope(town.tenant):
        invoice = await sell(town, D(300), date(2026, 11, 10))
        thread_id = await db.value("SELECT id FROM thread WHERE address = '607'")
        await db.execute("UPDATE portal_user SET role = 'viewer'")
        for n, paper in enumerate(({"invoice_id": invoice}, {"statement": NOVEMBER})):
            with pytest.raises(Refusal, match="VIEWER_SEES_NO_MONEY"):
                await actions.reply(town.max, thread_id, Answer("Ось", f"{n:032}", **paper))
        await actions.reply(town.max, thread_id, Answer("Фото", "f" * 32, file=("a.jpg", b"a")))
        await db.execute("UPDATE portal_user SET role = 'buyer'")
        await actions.reply(town.max, thread_id, Answer("Ось", "e" * 32, invoice_id=invoice))
        assert await db.value("SELECT count(*) FROM outbox WHERE kind = 'staff_reply'") == 2

"""Conversations: kept once, handed to people and back, answered, noted, made orders of."""

import re
from typing import Any

import pytest
from browsing import client_of, staff
from counting import counted
from peers.line import Line, line, peer
from town import Cast

from dilo.conversations import actions, notices, queries, threads, unresolved
from dilo.conversations.actions import Answer
from dilo.conversations.queries import Sought
from dilo.conversations.threads import Said
from dilo.kit import db
from dilo.kit.errors import Forbidden, NotFound, Refusal
from dilo.kit.paging import Paging
from dilo.messaging import phrases
from dilo.messaging.channels import Dropped, Ready
from dilo.messaging.phrases import PhraseForm
from tenants.scope import scope

__all__ = ["line", "peer"]


async def thread_of(town: Cast, address: str) -> queries.Thread:
    found = await db.value("SELECT id FROM thread WHERE address = :address", address=address)
    return await queries.thread(found)


async def lines_of(town: Cast, address: str) -> list[tuple[str, str]]:
    async with scope(town.tenant):
        of = await thread_of(town, address)
        return [(one.kind, one.text) for one in await queries.said_in(of)]


async def test_what_a_customer_writes_and_hears_is_one_conversation(line: Line) -> None:
    petro = await line.linked(501)
    await petro.say("/balance")
    kept = await lines_of(line.town, "501")
    assert [kind for kind, _ in kept].count("in") == 2
    assert ("in", "/start") in kept, "the code that opens is not kept"
    assert any(kind == "out" and "Електросвіт" in text for kind, text in kept)
    async with scope(line.town.tenant):
        of = await thread_of(line.town, "501")
        assert (of.party_id, of.state, of.unread) == (line.town.parties["D-1"], "bot", 0)


async def test_with_a_person_the_bot_is_silent_until_it_is_given_back(line: Line) -> None:
    town, petro = line.town, await line.linked(502)
    async with scope(town.tenant):
        await threads.hand_over(town.petro, "telegram", "502", name="Петро")
    await petro.say("LAMP-1 5 шт, і чекаю на відповідь")
    async with scope(town.tenant):
        of = await thread_of(town, "502")
        assert (of.state, of.unread) == ("person", 2)
        assert of.waiting_since is not None
        assert await db.value("SELECT count(*) FROM sales_order") == 0, "nobody read it as an order"
        await actions.reply(town.max, of.id, Answer("Бачу <b>вас</b>", "a" * 32))
        await actions.reply(town.max, of.id, Answer("Бачу <b>вас</b>", "a" * 32))
    await line.settle()
    async with scope(town.tenant):
        of = await thread_of(town, "502")
        assert (of.unread, of.waiting_since, of.assignee_id) == (0, None, town.max.id)
        said = await queries.said_in(of)
        mine = [one for one in said if one.written_by == town.max.name and one.kind == "out"]
        assert [(one.text, one.state) for one in mine] == [("Бачу <b>вас</b>", "sent")]
        await actions.to_bot(town.max, of.id)
        assert await threads.state_of("telegram", "502") == "bot"


async def test_one_who_takes_has_it_and_the_other_is_told(town: Cast) -> None:
    async with scope(town.tenant):
        heard = await threads.note_inbound("sms", "+380501112233", Said("Є хто?"))
        await threads.hand_over(None, "sms", "+380501112233")
        await actions.take(town.max, heard.thread_id)
        with pytest.raises(Refusal, match="THREAD_TAKEN"):
            await actions.take(town.maria, heard.thread_id)
        await actions.assign(town.maria, heard.thread_id, town.maria.id)
        with pytest.raises(NotFound):
            await actions.assign(town.maria, heard.thread_id, town.petro.id)
        mine = await queries.threads(town.maria, Paging(), Sought("mine"))
        assert [one.id for one in mine.rows] == [heard.thread_id]
        assert (await queries.threads(town.max, Paging(), Sought("mine"))).total == 0
        found = await queries.threads(town.max, Paging(), Sought(search="є хто"))
        assert [one.address for one in found.rows] == ["+380501112233"]
        await actions.close(town.maria, heard.thread_id)
        assert (await queries.threads(town.max, Paging(), Sought("closed"))).total == 1
        again = await threads.note_inbound("sms", "+380501112233", Said("Ще раз"))
        assert again.state == "bot", "a closed conversation begins with the bot"


async def test_an_inbound_message_costs_one_statement(town: Cast) -> None:
    async with scope(town.tenant):
        with counted() as asked:
            await threads.note_inbound("telegram", "77", Said("раз"))
    assert len(set(asked)) == 1


async def test_a_waiting_customer_is_told_of_once_and_only_while_he_waits(town: Cast) -> None:
    async with scope(town.tenant):
        heard = await threads.note_inbound("telegram", "78", Said("Агов", name="Петро"))
        await threads.hand_over(None, "telegram", "78")
        await threads.note_inbound("telegram", "78", Said("Агов ще раз"))
        count = "SELECT count(*) FROM outbox WHERE kind = 'thread_waiting'"
        assert await db.value(count) == 1
        about = {"assignee_id": "", "address": "1"}
        told = await notices.compose(about, "telegram", None)
        assert isinstance(told, Ready)
        assert "Агов ще раз" in told.text
        await actions.reply(town.max, heard.thread_id, Answer("Так?", "b" * 32))
        assert isinstance(await notices.compose(about, "telegram", None), Dropped)


async def test_an_order_is_made_of_what_was_sure(town: Cast) -> None:
    async with scope(town.tenant):
        said = Said("LAMP-1 5 шт\nчайник зелений 2 шт", party_id=town.parties["D-1"])
        heard = await threads.note_inbound("telegram", "79", said)
        made = await actions.order_from(town.max, heard.thread_id, heard.message_id)
        again = await actions.order_from(town.max, heard.thread_id, heard.message_id)
        assert made.order_id == again.order_id
        assert len(made.unread_lines) == 1
        lone = await threads.note_inbound("telegram", "80", Said("LAMP-1 5 шт"))
        with pytest.raises(Refusal, match="PARTY_MISSING"):
            await actions.order_from(town.max, lone.thread_id, lone.message_id)
        with pytest.raises(NotFound):
            await actions.order_from(town.max, lone.thread_id, heard.message_id)


async def test_only_those_who_may_read_and_answer(town: Cast, rival: Cast) -> None:
    async with scope(town.tenant):
        heard = await threads.note_inbound("telegram", "81", Said("Таємниця"))
        for stranger in (town.ivan, town.petro):
            with pytest.raises(Forbidden):
                await queries.threads(stranger, Paging())
            with pytest.raises(Forbidden):
                await actions.reply(stranger, heard.thread_id, Answer("x", "c" * 32))
    async with scope(rival.tenant):
        with pytest.raises(NotFound):
            await queries.thread(heard.thread_id)
    path = f"/office/inbox/{heard.thread_id}"
    async with staff(rival) as one:
        assert (await one.get(path)).status_code == 404
    async with staff(town, "ivan") as one:
        assert (await one.get(path)).status_code == 403
    async with client_of(town) as one:
        assert "Таємниця" not in (await one.get(path)).text


async def test_the_pages_of_the_inbox_work_by_hand(town: Cast) -> None:
    async with scope(town.tenant):
        said = Said("<script>x</script>", party_id=town.parties["D-1"], name="Петро")
        heard = await threads.note_inbound("sms", "+380501112299", said)
        await threads.hand_over(None, "sms", "+380501112299")
        made = await phrases.save(town.olena, PhraseForm("Вітання", "Вітаємо, {{ party }}!"))
    url = f"/office/inbox/{heard.thread_id}"
    async with staff(town) as one:
        assert "Петро" in (await one.get("/office/inbox?tab=unassigned&q=script")).text
        page = (await one.open(f"{url}?phrase={made}")).text
        assert "&lt;script&gt;" in page
        assert "<script>x" not in page
        assert "Вітаємо, ТОВ «Електросвіт»!" in page
        part = await one.get(url, headers={"HX-Request": "true", "HX-Request-Type": "partial"})
        assert part.status_code == 200
        sent: dict[str, Any] = {"text": "Добрий день", "key": "d" * 32}
        assert (await one.post(f"{url}/replies", sent)).status_code == 303
        note = {"text": "Лише для нас", "key": "e" * 32, "internal": "1"}
        assert (await one.post(f"{url}/replies", note)).status_code == 303
        assert (await one.post(f"{url}/taking")).status_code == 303
        assert (await one.post(f"{url}/bot")).status_code == 303
        page = (await one.get(url)).text
        assert "Добрий день" in page
        assert "Лише для нас" in page
        assert (await one.post(f"{url}/closing")).status_code == 303
        for other in (
            "/office/bots",
            "/office/bots/texts",
            "/office/templates",
            "/office/consents",
        ):
            assert (await one.get(other)).status_code == 200, other
    async with scope(town.tenant):
        kept = "SELECT count(*) FROM outbox WHERE payload ->> 'text' = 'Лише для нас'"
        assert await db.value(kept) == 0


@pytest.mark.parametrize(
    "body",
    [
        "{{ party.__class__ }}",
        "{{ secret }}",
        "{{ ''.__class__.__mro__ }}",
        "{% include 'x' %}",
        "{% for a in party %}{% for b in party %}{% endfor %}{% endfor %}",
        "{{ 'a' * 100000000 }}",
        "{{ party",
    ],
)
async def test_a_template_runs_no_code(town: Cast, body: str) -> None:
    async with scope(town.tenant):
        with pytest.raises(Refusal, match="TEXT_BAD"):
            made = await phrases.save(town.olena, PhraseForm("Зла", body))
            await phrases.written(made, town.parties["D-1"], "x")
        with pytest.raises(Forbidden):
            await phrases.save(town.max, PhraseForm("Добра", "Так"))


async def test_a_taught_text_is_a_name_of_the_product(town: Cast) -> None:
    async with scope(town.tenant):
        await unresolved.note_unresolved("telegram", None, ["чайник", "капець", "ой"])
        await unresolved.note_read("telegram", 2, 1, 1)
        page = await unresolved.unresolved(Paging())
        ids = {one.text: one.id for one in page.rows}
        lamp = town.products["LAMP-1"]
    async with staff(town, "max") as one:
        found = (await one.open(f"/office/bots/texts?teach={ids['чайник']}&product=LAMP")).text
        assert str(lamp) in found
        taught = f"/office/bots/texts/{ids['чайник']}/teaching"
        assert (await one.post(taught, {"product": str(lamp)})).status_code == 303
        marked = {"text": [str(ids["капець"]), str(ids["ой"])]}
        assert (await one.post("/office/bots/texts/ignoring", marked)).status_code == 303
        names = f"/office/products/{lamp}/names"
        assert "чайник" in (await one.get(f"/office/products/{lamp}")).text
        assert (await one.post(names, {"phrase": "лампочка моя"})).status_code == 303
    async with scope(town.tenant):
        assert (await unresolved.unresolved(Paging())).total == 0
        first, second = await unresolved.names_of(lamp)
        await unresolved.forget_name(town.max, lamp, first["id"])
        assert [row["id"] for row in await unresolved.names_of(lamp)] == [second["id"]]
        with pytest.raises(Refusal, match="PHRASE_BAD"):
            await unresolved.name_product(town.max, lamp, "12")
        with pytest.raises(NotFound):
            await unresolved.name_product(town.max, town.parties["D-1"], "лампа")


async def test_the_inbox_is_narrowed_and_walked_in_its_order(town: Cast) -> None:
    async with scope(town.tenant):
        party = town.parties["D-1"]
        add = "INSERT INTO contact_channel (party_id, channel, address) VALUES (:p, 'sms', :a)"
        await db.execute(add, p=party, a="+380671234567")
        said = Said("Перше", name="Петро", party_id=party)
        first = (await threads.note_inbound("telegram", "901", said)).thread_id
        second = (await threads.note_inbound("sms", "+380509998877", Said("Друге"))).thread_id
        third = (await threads.note_inbound("telegram", "903", Said("Третє"))).thread_id
        for channel, address in (("telegram", "901"), ("sms", "+380509998877")):
            await threads.hand_over(None, channel, address)  # type: ignore[arg-type]
        back = "UPDATE thread SET waiting_since = waiting_since - interval '1 hour' WHERE id = :id"
        await db.execute(back, id=second)
        await actions.assign(town.max, first, town.max.id)

        async def found(actor: Any = town.max, **sought: Any) -> list[Any]:
            page = await queries.threads(actor, Paging(), Sought(**sought))
            return [one.id for one in page.rows]

        assert await found() == [second, first, third], "the longest waiting first"
        assert await found(box="mine") == [first]
        assert await found(box="unassigned") == [second]
        assert await found(box="waiting") == [second, first]
        assert await found(box="bot") == [third]
        assert await found(channel="sms") == [second]
        assert await found(search="ТРЕТЄ") == [third]
        assert await found(search="електросвіт") == [first]
        assert await found(search="d-1") == [first]
        assert await found(search="50 999-88-77") == [second]
        assert await found(search="067 123 45 67".removeprefix("0")) == [first], "his other phone"
        await actions.reply(town.max, third, Answer("Прожектор буде в середу", "a" * 32))
        assert await found(search="прожектор") == [third], "what colleagues wrote too"
        walk = await queries.around(town.max, first, Sought())
        assert walk == (second, third)
        assert await queries.around(town.max, first, Sought("mine")) == (None, third)
        assert await queries.around(town.max, second, Sought("mine")) == (None, first)
        await actions.seen(town.max, await queries.thread(first))
        assert await queries.around(town.max, first, Sought()) == walk, "reading moves nothing"
        await actions.to_read(town.max, first)
        assert (await queries.thread(first)).unread == 1


async def test_a_list_that_has_not_changed_is_not_drawn_again(town: Cast) -> None:
    async with scope(town.tenant):
        heard = await threads.note_inbound("telegram", "904", Said("Раз", name="Петро"))
    part = {"HX-Request": "true", "HX-Request-Type": "partial"}
    url = f"/office/inbox/{heard.thread_id}"
    async with staff(town) as one:
        mark = re.search(r"mark=(\w+)", (await one.get(url)).text)
        assert mark
        assert (await one.get(f"{url}?mark={mark[1]}", headers=part)).status_code == 204
        assert (await one.get(f"{url}?mark={mark[1]}")).status_code == 200
        async with scope(town.tenant):
            await threads.note_inbound("telegram", "904", Said("Два"))
        again = await one.get(f"{url}?mark={mark[1]}", headers=part)
        assert again.status_code == 200
        assert "Два" in again.text


async def test_closing_goes_on_to_the_next_of_the_list(town: Cast) -> None:
    async with scope(town.tenant):
        ids = []
        for address in ("905", "906"):
            ids.append((await threads.note_inbound("telegram", address, Said("x"))).thread_id)
            await threads.hand_over(None, "telegram", address)
        order = [one.id for one in (await queries.threads(town.max, Paging())).rows]
    async with staff(town, "max") as one:
        await one.open(f"/office/inbox/{order[0]}?tab=waiting")
        gone = await one.post(f"/office/inbox/{order[0]}/closing?tab=waiting")
        assert gone.headers["location"] == f"/office/inbox/{order[1]}?tab=waiting"
        last = await one.post(f"/office/inbox/{order[1]}/closing?tab=waiting")
        assert last.headers["location"] == "/office/inbox?tab=waiting"


async def test_saved_replies_stand_ready_in_the_words_of_this_company(town: Cast) -> None:
    async with scope(town.tenant):
        await phrases.save(town.olena, PhraseForm("Добридень", "Вітаємо, {{ party }}!"))
        await phrases.save(town.olena, PhraseForm("Hello", "Hello, {{ party }}!", "en"))
        said = Said("?", party_id=town.parties["D-1"])
        heard = await threads.note_inbound("telegram", "907", said)
        await db.execute("UPDATE party SET language = 'en' WHERE id = :i", i=town.parties["D-1"])
    async with staff(town, "max") as one:
        page = (await one.get(f"/office/inbox/{heard.thread_id}")).text
    assert 'data-words="Вітаємо, ТОВ «Електросвіт»!"' in page
    assert page.index("Hello, ТОВ") < page.index("Вітаємо, ТОВ"), "his language first"


async def test_who_waits_for_me_or_for_anybody_is_counted_beside_the_menu(town: Cast) -> None:
    async with scope(town.tenant):
        for address, whose in (("911", town.max), ("912", town.maria), ("913", None)):
            heard = await threads.note_inbound("telegram", address, Said("Є хто?"))
            await threads.hand_over(None, "telegram", address)
            if whose is not None:
                await actions.assign(town.max, heard.thread_id, whose.id)
    beside = r'href="/office/inbox"[^>]*>(?:(?!</a>).)*<span class="count hot">2</span>'
    async with staff(town, "max") as one:
        assert re.search(beside, (await one.get("/office/orders")).text, re.S)

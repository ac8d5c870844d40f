"""The customer's bot, a whole day of it: what he sees, and what the house has afterwards.

``DILO_TRANSCRIPT=1 pytest -s`` prints the conversation as it stood on his screen.
"""

import io
import os
from collections.abc import AsyncIterator
from datetime import timedelta
from decimal import Decimal as D
from typing import Any

import pytest
import xlsxwriter
from counting import counted
from peers.botapi import Upload
from peers.line import Line
from peers.phone import Person, picture
from town import Cast, add_debt, add_party, add_product, order_of

from bots.telegram import limiter
from dilo.catalogue import media
from dilo.claims import queries as claims
from dilo.kit import clock, db, memory
from dilo.kit.ids import uuid7
from dilo.kit.paging import Paging
from dilo.messaging.hearing import drain_events
from dilo.orders import actions, tracking
from dilo.orders.actions.cancel import cancel_forgotten_drafts
from dilo.orders.commands import Dispatch
from dilo.orders.tracking import EventForm
from dilo.promotions.actions import CouponForm, add_coupon
from tenants.scope import scope

CHAT = 4242


class Chat(Person):
    """Prints what the phone shows, when asked to."""

    def shown(self, said: str) -> str:
        if os.environ.get("DILO_TRANSCRIPT"):
            print(f"\n>>> {said}\n{self.screen()}\n    {self.buttons()}")  # noqa: T201
        return self.screen()

    async def says(self, text: str) -> str:
        await self.say(text)
        return self.shown(text)

    async def taps(self, what: str) -> str:  # type: ignore[override]
        await self.tap(what)
        return self.shown(f"[{what}]")

    def starting(self, prefix: str) -> str:
        return next(one for one in Person.taps(self) if one.startswith(prefix))


@pytest.fixture
async def chat(line: Line) -> AsyncIterator[Chat]:
    """A day of taps in a second: the paces of Telegram are another test's."""
    limiter.use_paces(private=(0.0001, 1000), bot=(0.0001, 1000))
    who = await line.linked(CHAT)
    yield Chat(who.peer, who.bot, who.id, who.name, who.language, who.settle)
    limiter.use_paces()


async def orders(town: Cast) -> list[Any]:
    async with scope(town.tenant):
        return await db.rows("SELECT * FROM sales_order ORDER BY created_at")


async def shelf(town: Cast) -> dict[str, Any]:
    """Two floors of categories; a picture on the lamp; a break in its price; a hidden product."""
    async with scope(town.tenant):
        top, low = uuid7(), uuid7()
        sql = """INSERT INTO category (id, code, name, parent_id, path)
            VALUES (:id, :code, :name, :parent, CAST(:path AS uuid[]))"""
        await db.execute(sql, id=top, code="LIGHT", name="Світло", parent=None, path=[top])
        await db.execute(sql, id=low, code="LAMPS", name="Лампи", parent=top, path=[top, low])
        lamp = town.products["LAMP-1"]
        await db.execute("UPDATE product SET category_id = :c WHERE id = :p", c=low, p=lamp)
        await db.execute(
            """INSERT INTO price_item (price_list_id, product_id, min_quantity, price)
               VALUES (:list, :product, 10, 90)""",
            list=town.base_list,
            product=lamp,
        )
        out = io.BytesIO(picture())
        await media.add_pictures(town.olena, lamp, [("lamp.jpg", out.getvalue())])
    return {"top": top, "low": low, "lamp": lamp}


async def test_goods_by_category_with_picture_own_price_breaks_and_plus_and_minus(
    line: Line, chat: Chat
) -> None:
    ids = await shelf(line.town)
    await chat.says("/goods")
    await chat.taps(f"cat:{ids['top']}:1")
    assert "Світло" in chat.screen()
    await chat.taps(f"cat:{ids['low']}:1")
    assert any("LAMP-1" in words and "100,00" in words for words in chat.buttons())
    card = await chat.taps(f"p:{ids['lamp']}")
    assert "Ваша ціна: 100,00" in card
    assert "від 10: 90,00" in card
    assert "1\N{NO-BREAK SPACE}000" in card
    assert chat.peer.accepted[-1].method == "sendPhoto" or any(
        call.method == "sendPhoto" for call in chat.peer.accepted[-3:]
    )
    await chat.taps(f"pq:{ids['lamp']}:1")
    await chat.taps(f"pq:{ids['lamp']}:10")
    await chat.taps(f"pq:{ids['lamp']}:-1")
    assert "🛒 10" in chat.buttons()
    assert any(call.method == "editMessageCaption" for call in chat.peer.accepted)
    await chat.tap(f"pt:{ids['lamp']}")
    await chat.says("12,5")
    assert "🛒 12,5" in chat.buttons()
    await chat.says("7")
    assert "Не знайшов: 7" in chat.screen(), "only the first number is the quantity asked for"
    await chat.says("/cart")
    assert "× 12,5" in chat.screen()
    await chat.taps(f"p:{ids['lamp']}")
    await chat.taps(f"pf:{ids['lamp']}")
    await chat.taps("shelf")
    await chat.taps("goods")
    await chat.taps("fav:1")
    assert any("LAMP-1" in words for words in chat.buttons())
    screens = [n for (where, n) in chat.bot.messages if where == CHAT]
    assert len(screens) < 8, "a screen is one message, changed in place"


async def test_search_forgives_and_shows_nothing_hidden(
    line: Line, chat: Chat, rival: Cast
) -> None:
    async with scope(rival.tenant):
        await add_product(rival, "SECRET-9", "Секретний виріб", D(5))
    async with scope(line.town.tenant):
        hidden = await add_product(line.town, "HID-1", "Прихована лампа", D(5))
        await db.execute(
            """INSERT INTO visibility_rule (scope, segment, product_id, shown, changed_by)
               VALUES ('all', '', :id, false, 'olena')""",
            id=hidden,
        )
    await chat.says("/find лмпа")
    assert any("LAMP-1" in words for words in chat.buttons())
    assert not any("HID-1" in words for words in chat.buttons())
    assert "Нічого" in await chat.says("/find SECRET-9")
    await chat.forge(f"p:{hidden}")
    assert "HID-1" not in chat.screen()
    assert (await chat.forge(f"add:{hidden}")) and not (await orders(line.town))
    await chat.says("/find")
    await chat.says("розетка")
    assert any("SOCKET" in words for words in chat.buttons())


async def test_checkout_is_one_screen_and_one_order(line: Line, chat: Chat) -> None:
    town = line.town
    async with scope(town.tenant):
        await db.execute(
            """INSERT INTO delivery_address (party_id, label, city, street, is_default)
               VALUES (:p, 'Склад', 'Київ', 'вул. Глибочицька, 17', true)""",
            p=town.parties["D-1"],
        )
    await chat.forge(f"add:{town.products['LAMP-1']}")
    await chat.says("/cart")
    text = await chat.taps("checkout")
    assert "Глибочицька" in text
    await chat.taps("cd")
    await chat.taps(chat.starting("cp:"))
    assert "самовивіз, Головний" in chat.screen()
    await chat.taps("cd")
    await chat.taps(chat.starting("ca:"))
    await chat.taps("cs")
    await chat.taps("cs:leave_out")
    await chat.taps("cw:reference")
    await chat.says("ЗМ-17")
    assert "ЗМ-17" in chat.screen()
    await chat.taps("cw:comment")
    await chat.taps("cart")
    await chat.says("SOCKET 1")
    assert "Чернетка" in chat.screen(), "a comment is no longer waited for"
    await chat.taps("Скасувати")
    await chat.says("/cart")
    await chat.taps("checkout")
    await chat.taps("cw:comment")
    await chat.says("після <b>18:00</b>")
    assert "після <b>18:00</b>" in chat.screen()
    order = chat.starting("order:")
    await memory.drop(f"talk:{town.tenant.id}:{await bot_id(town)}:{CHAT}:{CHAT}")
    assert "Перевірте" in "".join([await chat.tap(order)]), "what was chosen is lost: asked again"
    assert [one["state"] for one in await orders(town)] == ["cancelled"]
    order = chat.starting("order:")
    assert "підтверджено" in await chat.taps(order)
    assert "підтверджено" in await chat.forge(order)
    made = (await orders(town))[-1]
    assert (made["door"], made["total"]) == ("telegram", D(100))
    assert "Глибочицька" in made["delivery_to"]


async def bot_id(town: Cast) -> object:
    async with scope(town.tenant):
        return await db.value("SELECT id FROM telegram_bot WHERE state <> 'removed'")


async def test_only_what_was_taken_out_is_offered_back(line: Line, chat: Chat) -> None:
    await chat.says("/cart")
    assert "undo" not in Person.taps(chat), "nothing has ever lain there"
    await chat.forge(f"add:{line.town.products['LAMP-1']}")
    await chat.says("/cart")
    await chat.taps("empty")
    await chat.taps("undo")
    assert "LAMP-1" in chat.screen()
    await chat.taps("checkout")
    await chat.taps(chat.starting("order:"))
    await chat.says("/cart")
    assert "undo" not in Person.taps(chat), "what was ordered is not taken out"


async def test_a_promo_code_works_in_the_chat_as_in_the_portal(line: Line, chat: Chat) -> None:
    town = line.town
    async with scope(town.tenant):
        form = CouponForm("TEN", "percent", D(10), town.tenant.today())
        await add_coupon(town.olena, form)
    await chat.forge(f"add:{town.products['LAMP-1']}")
    await chat.says("/cart")
    await chat.taps("coupon")
    assert "не діє" in await chat.says("ELEVEN")
    assert "90,00" in await chat.says("ten"), "the next word is tried"
    await chat.taps("checkout")
    assert "90,00" in await chat.taps(chat.starting("order:"))
    assert [one["total"] for one in await orders(town)] == [D(90)]


async def test_politeness_yes_edits_and_what_is_no_text_are_answered(
    line: Line, chat: Chat
) -> None:
    assert "Вітаю" in await chat.says("Доброго вечора!")
    assert "Будь ласка" in await chat.says("дуже дякую")
    assert "нічого" in await chat.says("так")
    assert "Команди /nosuch немає" in await chat.says("/nosuch 5")
    assert "ще немає" in await chat.says("як минулого разу")
    await chat.says("LAMP-1 5")
    await chat.says("ок, дякую")
    assert "LAMP-1 × 5" in await chat.says("так")
    assert len(await orders(line.town)) == 1
    assert any(one.startswith("confirm:") for one in Person.taps(chat))
    await chat.send({"text": "LAMP-1 50", "edit_date": 1}, kind="edited_message")
    assert "новим" in chat.screen()
    place = {"location": {"latitude": 50.4, "longitude": 30.5}}
    before = len(chat.peer.accepted)
    await chat.send(place | {"edit_date": 1}, kind="edited_message")
    assert len(chat.peer.accepted) == before, "a place on the move says nothing each second"
    for content in (place, {"dice": {"emoji": "🎲", "value": 3}}):
        await chat.send(content)
        assert "не розумію" in chat.screen()
    await chat.says("/stop")
    await chat.taps("resume")
    async with scope(line.town.tenant):
        assert await db.value("SELECT opted_out_at FROM contact_channel") is None


async def test_words_are_asked_with_buttons_one_after_another(line: Line, chat: Chat) -> None:
    town = line.town
    async with scope(town.tenant):
        await add_product(town, "SOCKET-2", "Розетка одинарна", D(25))
    text = await chat.says("LAMP-1 5, розетка 3 шт, щось дивне 7, кабель ввг")
    assert "LAMP-1 × 5" in text
    assert "розетка" in text
    await chat.taps(chat.starting("ln:"))
    assert "кабель" in chat.screen().lower()
    await chat.says("100")
    assert "CABLE-3 × 100" in chat.screen()
    assert "щось дивне" in chat.screen()
    confirm = chat.starting("confirm:")
    (draft,) = await orders(town)
    assert draft["state"] == "draft"
    assert "підтверджено" in await chat.taps(confirm)
    assert (await orders(town))[0]["state"] == "confirmed"


async def test_a_lost_memory_and_an_old_question_do_no_harm(line: Line, chat: Chat) -> None:
    town = line.town
    async with scope(town.tenant):
        await add_product(town, "SOCKET-2", "Розетка одинарна", D(25))
    await chat.says("розетка 3 шт")
    option = chat.starting("ln:")
    await memory.drop(f"talk:{town.tenant.id}:{await bot_id(town)}:{CHAT}:{CHAT}")
    assert "вже відповіли" in await chat.forge(option)
    assert not await orders(town)
    await chat.says("розетка 3 шт")
    option = chat.starting("ln:")
    await chat.tap(option)
    await chat.forge(option)
    (draft,) = await orders(town)
    assert draft["total"] in (D(75), D("99.99")), "a second tap adds nothing"


async def test_a_sheet_is_read_and_voice_is_refused_politely(line: Line, chat: Chat) -> None:
    body = "код;кількість\nLAMP-1;5\nSOCKET;2\nНЕМА;1\n".encode("cp1251")
    await send_file(chat, "замовлення.csv", body)
    assert "LAMP-1 × 5" in chat.screen()
    assert "НЕМА" in chat.screen()
    assert [o["total"] for o in await orders(line.town)] == [D("566.66")]
    book = xlsxwriter.Workbook(made := io.BytesIO(), {"in_memory": True})
    sheet = book.add_worksheet()
    for n, row in enumerate((("Артикул", "Кількість"), ("LAMP-1", 3), ("<b>ні</b>", 1))):
        sheet.write_row(n, 0, row)
    book.close()
    await send_file(chat, "замовлення.XLSX", made.getvalue())
    assert "LAMP-1 × 3" in chat.screen()
    assert "<b>ні</b>" in chat.screen()
    await send_file(chat, "порожній.xlsx", b"PK not a book")
    assert len(await orders(line.town)) == 2
    await send_file(chat, "virus.exe", b"MZ")
    assert "CSV" in chat.screen()
    await chat.send({"voice": {"file_id": "v", "file_unique_id": "v", "duration": 2}})
    assert "Голосових" in chat.screen()


async def send_file(chat: Chat, name: str, body: bytes) -> None:
    file_id = chat.peer.keep_file(Upload(name, body))
    document = {"file_id": file_id, "file_unique_id": file_id, "file_name": name}
    await chat.send({"document": document | {"file_size": len(body)}})
    chat.shown(f"({name})")


async def test_balance_documents_and_statement_come_as_files(line: Line, chat: Chat) -> None:
    town = line.town
    async with scope(town.tenant):
        today = town.tenant.today()
        number = "INV-77"
        await add_debt(town, "D-1", D(700), due_on=today - timedelta(days=3), number=number)
        foreign = await add_party(town, "X", "Інша", limit=D(0))
        other = await add_debt(town, "X", D(5), due_on=today, number="INV-X")
        assert foreign
    text = await chat.says("баланс")
    assert "INV-77" in text
    assert "3 дн." in text
    await chat.taps("docs")
    await chat.taps(chat.starting("inv:"))
    sent = [c for c in chat.peer.accepted if c.method == "sendDocument"]
    assert len(sent) == 1
    assert "INV-77" in sent[0].text
    await chat.tap("stm:month")
    names = [f.name for f in chat.peer.files.values()]
    assert "INV-77.pdf" in names
    assert any(name.startswith("statement-") for name in names)
    assert all(f.body.startswith(b"%PDF") for f in chat.peer.files.values())
    await chat.forge(f"inv:{other}")
    assert len([c for c in chat.peer.accepted if c.method == "sendDocument"]) == 2
    assert "Плану" in await chat.says("/plan")


async def shipped(town: Cast, quantity: int = 5) -> tuple[Any, Any]:
    async with scope(town.tenant):
        placed = await actions.place_order(town.petro, order_of(town, "D-1", ("LAMP-1", quantity)))
        sent = await actions.dispatch_order(
            town.ivan, Dispatch(order_id=placed.id, key=str(placed.id), invoice=True)
        )
    return placed, sent


async def test_where_it_is_rating_repeat_and_cancelling(line: Line, chat: Chat) -> None:
    town = line.town
    placed, sent = await shipped(town)
    assert "відвантаж" in (await chat.says("де")).lower()
    async with scope(town.tenant):
        await tracking.happened(
            town.ivan, sent.id, EventForm("delivered", received_by="Ірина", place="Київ")
        )
    await drain_events(town.tenant.id, 30)
    await line.settle()
    assert "Ірина" in chat.shown("(delivered)")
    await chat.taps(f"rate:{sent.id}:5")
    assert "Дякуємо" in chat.screen()
    await chat.says("все швидко, дякую")
    await chat.forge(f"rate:{sent.id}:1")
    async with scope(town.tenant):
        rating = await db.one("SELECT score, comment, door FROM rating")
        assert tuple(rating.values()) == (5, "все швидко, дякую", "telegram")
        await db.execute(
            "UPDATE price_item SET price = 110 WHERE product_id = :p", p=town.products["LAMP-1"]
        )
    text = await chat.says("повтор")
    assert "ціна була 100,00" in text
    assert "тепер 110,00" in text
    await chat.taps(chat.starting("confirm:"))
    again = (await orders(town))[-1]
    assert (again["state"], again["total"]) == ("confirmed", D(550))
    await chat.says("/orders")
    await chat.taps(f"o:{again['id']}")
    await chat.taps(chat.starting("oc:"))
    assert "скасовано" in await chat.taps(chat.starting("drop:"))
    assert (await orders(town))[-1]["state"] == "cancelled"
    await chat.forge(f"drop:{placed.id}:1")
    assert (await orders(town))[0]["state"] == "shipped", "what has left is not called off"


async def test_a_claim_with_photographs_is_made_once(line: Line, chat: Chat) -> None:
    town = line.town
    placed, _ = await shipped(town)
    await chat.says("/orders")
    await chat.taps(f"o:{placed.id}")
    await chat.taps(f"cn:{placed.id}")
    await chat.taps(chat.starting("cnl:"))
    await chat.says("99")
    await chat.taps("cnq:2")
    await chat.taps("cnr:damaged")
    await chat.taps("cnw:refund")
    await chat.show("розбита коробка")
    await chat.show()
    await chat.says("скло тріснуло")
    send = chat.starting("cns:")
    assert "CL-" in await chat.taps(send)
    await chat.forge(send)
    async with scope(town.tenant):
        (found,) = (await claims.claims(Paging(1, 10))).rows
    assert (found.reason, found.wanted, found.door) == ("damaged", "refund", "telegram")
    assert "розбита коробка" in found.text
    await drain_events(town.tenant.id, 30)
    async with scope(town.tenant):
        files = await db.rows("SELECT media_type, name FROM attachment")
    assert [f["media_type"] for f in files] == ["image/jpeg"] * 2
    await chat.show(body=b"\xff\xd8 no picture")
    assert found.number in chat.screen()
    await drain_events(town.tenant.id, 30)
    await line.settle()
    assert "не додано" in chat.screen()
    await chat.taps(f"cp+:{found.id}")
    await chat.show()
    await drain_events(town.tenant.id, 30)
    async with scope(town.tenant):
        assert await db.value("SELECT count(*) FROM attachment") == 3
    await chat.says("/claims")
    assert "скло" in await chat.taps(f"c:{found.id}")
    await chat.show("без претензії")
    assert "претензії" in chat.screen()


async def test_a_person_takes_over_and_the_bot_is_silent_until_it_is_called(
    line: Line, chat: Chat
) -> None:
    assert "менеджер" in (await chat.says("оператор")).lower()
    before = len(await orders(line.town))
    assert await chat.say("LAMP-1 5") == ""
    assert len(await orders(line.town)) == before
    assert "Бот" in await chat.says("/bot")
    await chat.says("LAMP-1 5")
    assert len(await orders(line.town)) == before + 1


async def test_drafts_of_chats_are_called_off_after_a_day(line: Line, chat: Chat) -> None:
    town = line.town
    await chat.says("LAMP-1 5")
    async with scope(town.tenant):
        kept = await actions.place_order(
            town.petro, order_of(town, "D-1", ("LAMP-1", 1), submit=False)
        )
    clock.freeze(clock.now() + timedelta(hours=25))
    try:
        async with scope(town.tenant):
            assert await cancel_forgotten_drafts() == 1
    finally:
        clock.freeze(None)
    states = {o["id"]: o["state"] for o in await orders(town)}
    assert states.pop(kept.id) == "draft", "a draft of the portal is nobody's but his"
    assert list(states.values()) == ["cancelled"]


async def test_an_order_message_takes_as_many_queries_however_many_lines_it_has(
    line: Line, chat: Chat
) -> None:
    counts = []
    for count in (2, 30):
        with counted() as asked:
            await chat.say("\n".join(f"LAMP-1 {n + 1}" for n in range(count)))
        counts.append(len(asked))
    assert counts[0] == counts[1]

"""Colleagues in the chat: what they are told, what they may, and that the role is read at each tap."""

from datetime import datetime, time, timedelta
from decimal import Decimal as D
from zoneinfo import ZoneInfo

import pytest
from peers.line import Line
from town import add_debt, add_party, order_of

from dilo.desk.calls import note_call
from dilo.desk.news import plan_daily
from dilo.kit import clock, db
from dilo.orders import actions
from dilo.parties.tasks import make_task, tasks_of
from dilo.payments.actions import RecordPayment, record_payment
from dilo.people import wishes
from dilo.stock.alarms import set_alarm
from tenants.actors import Actor
from tenants.scope import scope


async def held_order(line: Line, key: str = "h") -> str:
    async with scope(line.town.tenant):
        placed = await actions.place_order(
            line.town.petro, order_of(line.town, "D-1", ("LAMP-1", 150), key=key)
        )
    assert placed.state == "on_hold"
    return str(placed.id)


async def test_a_held_order_is_told_and_let_through_by_two_people(line: Line) -> None:
    town = line.town
    maria, nina = await line.colleague("maria", 701), await line.colleague("nina", 702)
    before = len(line.peer.accepted)
    order_id = await held_order(line)
    await line.settle()
    assert any("утримано" in call.text for call in maria.seen(before))
    await maria.tap(f"so:{order_id}")
    assert "на яку суму" in await maria.tap(f"sv:{order_id}")
    await maria.tap("sva:0")
    await maria.tap("svd:3")
    before = len(line.peer.accepted)
    assert "вирішить інша людина" in await maria.tap("svr:2")
    (asked,) = [c for c in nina.seen(before) if "Оплата вже в дорозі" in c.text]
    assert "5" in asked.text
    async with scope(town.tenant):
        override = await db.value("SELECT id FROM credit_override")
    await maria.forge(f"ovr:{override}:1")
    async with scope(town.tenant):
        assert await db.value("SELECT state FROM sales_order") == "on_hold", "not by who asked"
    await nina.tap(f"ovr:{override}:1")
    async with scope(town.tenant):
        assert await db.value("SELECT state FROM sales_order") == "confirmed"
        taps = await db.rows("SELECT after FROM audit_event WHERE verb = 'bot.tap'")
    assert {row["after"]["chat"] for row in taps} == {"701"}


async def test_the_role_is_read_at_every_tap_also_of_the_dismissed(line: Line) -> None:
    town = line.town
    maria = await line.colleague("maria", 703)
    order_id = await held_order(line)
    await line.settle()
    buttons = [f"so:{order_id}", f"sr:{order_id}", f"sy:{order_id}", f"sv:{order_id}",
               f"sp:{town.parties['D-1']}", f"sps:{town.parties['D-1']}", "sd", "sh", "tk", "sw"]  # fmt: skip
    async with scope(town.tenant):
        await db.execute("UPDATE identity SET disabled_at = now() WHERE id = :i", i=town.maria.id)
    for data in buttons:
        shown = await maria.forge(data)
        assert "SO-" not in shown, data
        assert "Електросвіт" not in shown, data
    async with scope(town.tenant):
        await db.execute("UPDATE identity SET disabled_at = NULL")
        await db.execute(
            "UPDATE membership SET role = 'warehouse' WHERE identity_id = :i", i=town.maria.id
        )
    for data in (f"sr:{order_id}", f"sy:{order_id}", f"sv:{order_id}", "sd"):
        await maria.forge(data)
    async with scope(town.tenant):
        assert await db.value("SELECT state FROM sales_order") == "on_hold"
        assert await db.value("SELECT count(*) FROM credit_override") == 0
    for junk in ("so:x", "sva:9", "svd:99", "svr:7", "sww:x", "tks:x:9", "sp:", "spp:1"):
        await maria.forge(junk)


async def test_who_wants_no_news_or_has_left_is_told_nothing(line: Line) -> None:
    town = line.town
    maria = await line.colleague("maria", 704)
    await maria.say("/news")
    async with scope(town.tenant):
        await wishes.wish(town.maria, "order_held", "off")
    before = len(line.peer.accepted)
    await held_order(line)
    await line.settle()
    assert maria.seen(before) == []
    async with scope(town.tenant):
        await wishes.wish(town.maria, "order_held", "all")
    await held_order(line, "second")
    async with scope(town.tenant):
        await db.execute("UPDATE identity SET disabled_at = now() WHERE id = :i", i=town.maria.id)
    await line.settle()
    assert maria.seen(before) == []


async def test_a_task_reminds_at_its_time_and_is_done_by_a_tap(line: Line) -> None:
    town = line.town
    max_ = await line.colleague("max", 705)
    assert "Подзвонити" in await max_.say("/task Подзвонити Петру")
    before = len(line.peer.accepted)
    async with scope(town.tenant):
        due = clock.now() - timedelta(seconds=1)
        made = await make_task(town.max, "Договір", due, party_id=town.parties["D-1"])
    await line.settle()
    (call,) = max_.seen(before)
    assert "Договір" in call.text
    await max_.tap(f"tkd:{made}")
    stranger = await line.colleague("ivan", 706)
    async with scope(town.tenant):
        (left,) = await tasks_of(town.max)
    await stranger.forge(f"tkd:{left.id}")
    async with scope(town.tenant):
        assert [one.title for one in await tasks_of(town.max)] == ["Подзвонити Петру"]


async def test_a_task_is_put_off_to_a_day_of_the_calendar_never_to_the_past(line: Line) -> None:
    town, zone = line.town, ZoneInfo(line.town.tenant.time_zone)
    max_, ivan = await line.colleague("max", 711), await line.colleague("ivan", 712)
    await max_.say("/task Акт звірки")
    async with scope(town.tenant):
        (task,) = await tasks_of(town.max)
    today = town.tenant.today()
    day = today + timedelta(days=45)
    assert "Акт звірки" in await max_.tap("📅 1")
    assert f"tkp:{task.id}:{today - timedelta(days=1)}" not in max_.taps()
    while f"tkp:{task.id}:{day}" not in max_.taps():
        await max_.tap("»")
    assert "о котрій" in await max_.tap(f"tkp:{task.id}:{day}")
    await max_.tap("15:00")
    due = datetime.combine(day, time(15), zone)

    async def still() -> bool:
        async with scope(town.tenant):
            return [one.due_at for one in await tasks_of(town.max)] == [due]

    assert await still()
    for past in (f"tkp:{task.id}:{today - timedelta(days=1)}", f"tkh:{task.id}:2026-01-05:9"):
        assert "уже минув" in await max_.forge(past), past
    assert await still()
    for junk in (f"tkh:{task.id}:{day}:99", f"tkh:{task.id}:{day}", f"tkp:{task.id}:9999-12-31",
                 f"tkh:{task.id}:x:9", f"tkc:{task.id}:2026-13", "tkc:x:", "tkh:::"):  # fmt: skip
        await max_.forge(junk)
        assert await still(), junk
    for theirs in (f"tkc:{task.id}:", f"tkp:{task.id}:{day}", f"tkh:{task.id}:{day}:9"):
        assert "Акт" not in await ivan.forge(theirs), theirs
    assert await still()


async def test_customers_and_goods_are_found_by_words(line: Line) -> None:
    town = line.town
    max_ = await line.colleague("max", 707)
    await max_.say("електросвіт")
    assert any("D-1" in words for words in max_.buttons())
    assert "Доступно" in await max_.tap(f"sp:{town.parties['D-1']}")
    await max_.say("LAMP-1")
    assert "Головний" in await max_.tap(f"sg:{town.products['LAMP-1']}")
    await max_.say("нічогоподібного")


async def test_a_missed_call_is_a_task_and_a_word_once(line: Line) -> None:
    town = line.town
    max_ = await line.colleague("max", 708)
    exchange = Actor("api", None, "PBX", frozenset({"calls.note"}))
    async with scope(town.tenant):
        await db.execute("UPDATE party SET owner_id = :o", o=town.max.id)
        await db.execute(
            "INSERT INTO contact_channel (party_id, channel, address) VALUES (:p, 'sms', :a)",
            p=town.parties["D-1"], a="+380671112233",
        )  # fmt: skip
    before = len(line.peer.accepted)
    for _ in range(2):
        async with scope(town.tenant):
            noted = await note_call(exchange, "c1", "067 111 22 33", True, clock.now())
    assert noted.repeated
    await line.settle()
    (call,) = max_.seen(before)
    assert "+380671112233" in call.text
    assert "Електросвіт" in call.text
    async with scope(town.tenant):
        assert len(await tasks_of(town.max)) == 1


async def test_a_call_from_a_number_of_two_companies_names_both(line: Line) -> None:
    town = line.town
    max_ = await line.colleague("max", 713)
    exchange = Actor("api", None, "PBX", frozenset({"calls.note"}))
    async with scope(town.tenant):
        await add_party(town, "D-2", "ФОП Бондар")
        await db.execute("UPDATE party SET owner_id = :o", o=town.max.id)
        await db.execute(
            "INSERT INTO contact_channel (party_id, channel, address)"
            " SELECT id, 'sms', '+380671112233' FROM party"
        )
        await note_call(exchange, "c2", "0671112233", True, clock.now())
    await line.settle()
    assert [words for words in max_.buttons() if words.startswith("👤")] == [
        "👤 D-1 ТОВ «Електросвіт»", "👤 D-2 ФОП Бондар",
    ]  # fmt: skip
    await max_.tap("✅ Зроблено")
    async with scope(town.tenant):
        assert await tasks_of(town.max) == []


async def test_low_stock_is_told_once_until_it_is_full_again(line: Line) -> None:
    town = line.town
    ivan = await line.colleague("ivan", 709)
    async with scope(town.tenant):
        await set_alarm(town.ivan, town.products["SOCKET"], D(990))
    before = len(line.peer.accepted)
    for n in (20, 5):
        async with scope(town.tenant):
            await actions.place_order(town.max, order_of(town, "D-1", ("SOCKET", n), key=f"k{n}"))
        await line.settle()
    (call,) = ivan.seen(before)
    assert "SOCKET" in call.text
    assert "980" in call.text


async def test_the_owners_day_begins_with_figures_once(
    line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At his hour, once, and the figures are yesterday's: sold, a usual day, paid, owed, held."""
    town = line.town
    olena = await line.colleague("olena", 710)
    hour = clock.now().astimezone(ZoneInfo(town.tenant.time_zone)).hour
    yesterday = town.tenant.today() - timedelta(days=1)
    async with scope(town.tenant):
        for sold, on in ((D("1234.56"), yesterday), (D(2800), yesterday - timedelta(days=7))):
            await add_debt(town, "D-1", sold, due_on=on + timedelta(days=14))
        paid = RecordPayment(
            party_id=town.parties["D-1"], amount=D("34.56"), received_on=yesterday, key="p"
        )
        await record_payment(town.nina, paid)
        await wishes.wish(town.olena, "daily_figures", "all", hour)
        with monkeypatch.context() as before_it:
            early = clock.now() - timedelta(hours=1 if hour else 7)
            before_it.setattr(clock, "now", lambda: early)
            assert await plan_daily() == 0, "not yet his hour"
        assert await plan_daily() == 1
        await plan_daily()  # said once all the same
    await held_order(line)
    before = len(line.peer.accepted)
    await line.settle()
    (told,) = [call.text for call in olena.seen(before) if "Продажі" in call.text]
    plain = told.replace("\N{NO-BREAK SPACE}", " ")
    for figure in (
        "Продажі: 1 234,56 ₴",
        "звичайний день: 100,00 ₴",
        "Оплати: 34,56 ₴",
        "Борг клієнтів: 4 000,00 ₴",
        "прострочено 0,00 ₴",
        "Утримано замовлень: 1",
    ):
        assert figure in plain, (figure, plain)
    assert "Продажі" in await olena.say("/day")

"""Chats in figures: by bot and channel, by any days; texts settled and taken back."""

from datetime import UTC, date, datetime
from decimal import Decimal as D
from typing import Any

import pytest
from browsing import staff
from town import Cast, order_of

from dilo.conversations import figures, unresolved
from dilo.conversations.figures import Span, span_of
from dilo.kit import clock, db
from dilo.kit.errors import Forbidden
from dilo.kit.paging import Paging
from dilo.kit.reading import sheet_of
from dilo.orders import actions as orders
from tenants.scope import scope

BOT = """
INSERT INTO telegram_bot (username, number, state, created_at, updated_at)
VALUES (:name, :number, :state, :since, :until)
"""
THREAD = "INSERT INTO thread (channel, address) VALUES (:channel, :address) RETURNING id"
SAID = """
INSERT INTO thread_message (thread_id, kind, text, written_by, at)
VALUES (:id, :kind, :text, 'x', :at)
"""
SENT = """
INSERT INTO outbox (channel, kind, dedupe_key, payload, state, created_at)
VALUES (:channel, :kind, :key, jsonb_build_object('address', CAST(:address AS text)), :state, :at)
"""
NOVEMBER = Span(date(2026, 11, 1), date(2026, 11, 30))


def on(day: int, hour: int = 12, month: int = 11) -> datetime:
    return datetime(2026, month, day, hour, tzinfo=UTC)


async def talked(town: Cast) -> None:
    """Two bots one after the other, a candidate that never counted, a telephone."""
    await db.execute(BOT, name="old", number=1, state="removed", since=on(1), until=on(10))
    await db.execute(BOT, name="new", number=2, state="live", since=on(9), until=on(9))
    await db.execute(BOT, name="never", number=3, state="candidate", since=on(2), until=on(2))
    chat = await db.value(THREAD, channel="telegram", address="1")
    phone = await db.value(THREAD, channel="sms", address="+380501")
    for n, (thread, day) in enumerate(((chat, 3), (chat, 9), (chat, 12), (phone, 12))):
        await db.execute(SAID, id=thread, kind="in", text=f"{n}", at=on(day))
    await db.execute(SAID, id=chat, kind="in", text="earlier", at=on(31, month=10))
    for key, kind, state, day in (
        ("a", "reply", "sent", 3),
        ("b", "staff_reply", "dead", 12),
        ("c", "staff_reply", "sent", 12),
    ):
        about = {"channel": "telegram", "address": "1"}
        await db.execute(SENT, kind=kind, key=key, state=state, at=on(day), **about)


async def test_figures_are_by_bot_and_channel_within_the_days(town: Cast) -> None:
    async with scope(town.tenant):
        await talked(town)
        found = (await figures.figures(NOVEMBER)).talks
        told = {(one.channel, one.bot): one for one in found}
        assert set(told) == {("telegram", "@old"), ("telegram", "@new"), ("sms", None)}
        old, new = told["telegram", "@old"], told["telegram", "@new"]
        assert (old.heard, old.chats, old.by_bot, old.by_people) == (2, 1, 1, 0)
        assert (new.heard, new.by_bot, new.by_people, new.lost) == (1, 0, 2, 1)
        assert told["sms", None].heard == 1
        wide = (await figures.figures(Span(date(2026, 10, 1), date(2026, 11, 30)))).talks
        assert sum(one.heard for one in wide) == 5


async def test_an_order_by_chat_is_its_bots_and_days_are_the_companys_own(town: Cast) -> None:
    async with scope(town.tenant):
        await talked(town)
        placed = await orders.place_order(town.max, order_of(town, "D-1", ("LAMP-1", 2)))
        move = """UPDATE sales_order SET door = 'telegram', created_at = :at WHERE id = :id"""
        await db.execute(move, id=placed.id, at=on(30, 22))
        first = await db.value("SELECT id FROM thread WHERE channel = 'sms'")
        await db.execute(SAID, id=first, kind="in", text="ніч", at=on(30, 22))
        assert all(not one.orders for one in (await figures.figures(NOVEMBER)).talks)
        late = Span(date(2026, 12, 1), date(2026, 12, 1))
        told = {one.channel: one for one in (await figures.figures(late)).talks}
        assert (told["telegram"].orders, told["telegram"].bot) == (1, "@new")
        assert told["sms"].heard == 1


async def test_currencies_are_never_added_together(town: Cast) -> None:
    """Two orders in hryvnias and one in dollars by the bot: three lines of money nowhere one."""
    made = (
        "UPDATE sales_order SET door = 'telegram', created_at = :at, currency = :c WHERE id = :id"
    )
    async with scope(town.tenant):
        await talked(town)
        totals: list[D] = []
        for currency, count in (("UAH", 2), ("UAH", 1), ("USD", 3)):
            order = order_of(town, "D-1", ("LAMP-1", count))
            placed = await orders.place_order(town.max, order)
            await db.execute(made, id=placed.id, at=on(12), c=currency)
            one = "SELECT total FROM sales_order WHERE id = :id"
            totals.append(await db.value(one, id=placed.id))
        expected = [("UAH", totals[0] + totals[1]), ("USD", totals[2])]
        found = await figures.figures(NOVEMBER)
        bot = next(one for one in found.talks if one.bot == "@new")
        assert (bot.orders, bot.heard) == (3, 1), "two currencies count no message twice"
        assert [(one.currency, one.total) for one in bot.totals] == expected
        door = next(one for one in found.doors if one.door == "telegram")
        assert (door.orders, door.parties) == (3, 1)
        assert [(one.currency, one.total) for one in door.totals] == expected
    async with staff(town) as one:
        url = "/office/bots?since=2026-11-12&until=2026-11-12"
        rows = [row for _, row in sheet_of((await one.get(f"{url}&as=xlsx")).content).rows]
        sold = [(row[10], D(row[9]), int(float(row[4]))) for row in rows if row[2] == "@new"]
        assert sold == [("UAH", expected[0][1], 1), ("USD", expected[1][1], 0)]
        lines = (await one.get(f"{url}&as=csv")).content.decode("utf-8-sig").splitlines()
        assert len([line for line in lines if "@new" in line and ",USD," in line]) == 1
        page = (await one.get(url)).text
        assert page.count("USD") == 2


async def test_the_file_has_a_row_a_day_channel_and_bot(town: Cast) -> None:
    async with scope(town.tenant):
        await talked(town)
        count = """INSERT INTO reading_count (day, channel, sure, asked, not_read)
                   VALUES ('2026-11-12', 'telegram', 5, 2, 1), ('2026-11-20', 'sms', 1, 0, 0)"""
        await db.execute(count)
    async with staff(town) as one:
        url = "/office/bots?since=2026-11-01&until=2026-11-30"
        answer = await one.get(f"{url}&as=xlsx")
        rows = [row for _, row in sheet_of(answer.content).rows]
        assert [(row[0][:10], row[2]) for row in rows] == [
            ("2026-11-03", "@old"),
            ("2026-11-09", "@old"),
            ("2026-11-12", ""),
            ("2026-11-12", "@new"),
            ("2026-11-20", ""),
        ]
        assert [sum(int(float(row[n])) for row in rows) for n in (4, 5, 6, 11, 12, 13)] == [
            4,
            1,
            2,
            6,
            2,
            1,
        ]
        assert (await one.get(f"{url}&as=csv")).headers["content-type"].startswith("text/csv")
        assert "@old" in (await one.get(url)).text
        assert (await one.get("/office/bots?since=nonsense&days=x")).status_code == 200
    async with staff(town, "ivan") as one:
        assert (await one.get("/office/bots?as=xlsx")).status_code == 403


@pytest.mark.parametrize(
    ("since", "until", "first", "last"),
    [
        (None, None, date(2026, 11, 1), date(2026, 11, 30)),
        (date(2026, 12, 5), date(2026, 11, 30), date(2026, 11, 1), date(2026, 11, 30)),
        (date(2000, 1, 1), date(2026, 11, 30), date(2025, 11, 30), date(2026, 11, 30)),
    ],
)
async def test_days_are_a_year_at_most_and_never_backwards(
    town: Cast, since: Any, until: Any, first: date, last: date
) -> None:
    clock.freeze(on(30))
    async with scope(town.tenant):
        assert span_of(since, until) == Span(first, last)


async def test_what_was_ignored_or_taught_is_taken_back(town: Cast) -> None:
    lamp = town.products["LAMP-1"]
    async with scope(town.tenant):
        party = town.parties["D-1"]
        await unresolved.note_unresolved("telegram", party, ["чайник", "капець"])
        await unresolved.note_unresolved("sms", None, ["ой", "капець", "світлячок"])
        ids = {one.text: one.id for one in (await unresolved.unresolved(Paging())).rows}
        await unresolved.name_product(town.max, lamp, "світлячок")
        only = await unresolved.unresolved(Paging(), least=2)
        assert [one.text for one in only.rows] == ["капець"]
        only = await unresolved.unresolved(Paging(), channel="telegram")
        assert [one.text for one in only.rows] == ["чайник"]
        only = await unresolved.unresolved(Paging(), search="електросвіт")
        assert [one.text for one in only.rows] == ["чайник"]
    here = {"referer": f"http://{town.host}/office/bots/texts?channel=sms&teach=x"}
    async with staff(town, "max") as one:
        marked = {"text": [str(ids["ой"]), str(ids["капець"]), "nonsense"]}
        gone = await one.post("/office/bots/texts/ignoring", marked, headers=here)
        place = gone.headers["location"]
        assert place.startswith("/office/bots/texts?channel=sms&undo=")
        assert "reopening" in (await one.get(place)).text
        for text in ("чайник", "світлячок"):
            taught = f"/office/bots/texts/{ids[text]}/teaching"
            assert (await one.post(taught, {"product": str(lamp)})).status_code == 303
        async with scope(town.tenant):
            assert await unresolved.counts() == {"ignored": 2, "taught": 2}
            assert {row["phrase"] for row in await unresolved.names_of(lamp)} == {
                "чайник",
                "світлячок",
            }
        back = {"text": [str(one) for one in ids.values()]}
        assert (await one.post("/office/bots/texts/reopening", back)).status_code == 303
    async with scope(town.tenant):
        assert await unresolved.counts() == {"open": 4}
        left = [row["phrase"] for row in await unresolved.names_of(lamp)]
        assert left == ["світлячок"], "what was known before stays"
        for deed in (unresolved.ignore_all, unresolved.reopen_all):
            with pytest.raises(Forbidden):
                await deed(town.ivan, list(ids.values()))


async def test_speed_is_from_the_hand_over_to_the_first_answer(town: Cast) -> None:
    async with scope(town.tenant):
        await talked(town)
        chat = await db.value("SELECT id FROM thread WHERE channel = 'telegram'")
        await db.execute(SAID, id=chat, kind="moved", text="person", at=on(12, 11))
        found = await figures.figures(NOVEMBER)
        assert (found.handed, found.answered, found.median) == (1, 1, D(60))

"""Who let what through, told to whoever may see it: once a week at his hour, and when he asks."""

from collections.abc import Callable
from datetime import datetime, time, timedelta
from decimal import Decimal as D
from zoneinfo import ZoneInfo

import pytest
from browsing import staff
from peers.line import Line
from town import Cast, order_of

from dilo.analytics.weekly import plan_weekly
from dilo.kit import clock, db
from dilo.orders import actions
from dilo.orders.commands import Dispatch
from dilo.people import wishes
from tenants.scope import scope

At = Callable[[int, int], None]


@pytest.fixture
def on_monday(line: Line, monkeypatch: pytest.MonkeyPatch) -> At:
    """``at(week, hour)``: the clock stands on the Monday that many weeks ahead."""
    zone = ZoneInfo(line.town.tenant.time_zone)
    today = line.town.tenant.today()

    def at(week: int, hour: int) -> None:
        day = today + timedelta(days=7 * week - today.weekday())
        moment = datetime.combine(day, time(hour, 5), zone)
        monkeypatch.setattr(clock, "now", lambda: moment)

    return at


async def let_through(town: Cast, goods: int = 120, reason: str = "Сезон") -> None:
    """Asked for by max, approved by maria, gone and invoiced: 14 days to pay."""
    async with scope(town.tenant):
        await db.execute("UPDATE party SET branch = 'Київ'")
        held = await actions.place_order(town.max, order_of(town, "D-1", ("LAMP-1", goods)))
        asked = await actions.request_override(
            town.max, held.id, ["CREDIT_LIMIT"], D(2000), reason, 3
        )
        await actions.decide_override(town.maria, asked, True)
        await actions.dispatch_order(town.ivan, Dispatch(order_id=held.id, key="s", invoice=True))


async def told(line: Line, who: str, number: int) -> str:
    """All that stands in the outbox, as this chat sees it."""
    before = len(line.peer.accepted)
    await line.settle()
    seen = line.person(number, who).seen(before)
    return "\n".join(call.text for call in seen).replace("\N{NO-BREAK SPACE}", " ")


async def test_on_mondays_the_owner_hears_who_let_what_through_and_what_came_of_it(
    line: Line, on_monday: At
) -> None:
    town = line.town
    await line.colleague("olena", 801)
    await let_through(town)
    async with scope(town.tenant):
        on_monday(1, 8)
        assert await plan_weekly() == 0, "not yet nine"
        on_monday(1, 9)
        assert await plan_weekly() == 1
        await plan_weekly()  # said once all the same
    text = await told(line, "olena", 801)
    assert text.count("🔓") == 1
    assert "• Maria: 1 на 2 000,00 ₴\n" in text
    assert "• Maria: 1 на 2 000,00 ₴, виставлено 12 000,00 ₴; без втрат" in text
    assert "• Київ: 1 на 2 000,00 ₴" in text
    on_monday(4, 23)
    async with scope(town.tenant):
        await wishes.wish(town.olena, "weekly_overrides", "all", 22)
        assert await plan_weekly() == 1
    text = await told(line, "olena", 801)
    assert "За цей час дозволів не давали." in text
    assert "прострочено 12 000,00 ₴" in text


async def test_it_is_asked_for_and_opened_by_who_may_see_reports(line: Line, rival: Cast) -> None:
    town = line.town
    await let_through(town, reason="Весна <b>")
    await let_through(rival, reason="чуже")
    nina, max_ = await line.colleague("nina", 802), await line.colleague("max", 803)
    assert "Maria" in await nina.say("/overrides")
    shown = await nina.tap("👤 Maria")
    assert "ТОВ «Електросвіт»" in shown
    assert "«Весна <b>»" in shown
    monday = town.tenant.today() - timedelta(days=town.tenant.today().weekday())
    own = f"slo:{town.maria.id}:{monday}"
    await nina.tap(own)
    assert "не давали" in await nina.forge(f"slo:{rival.maria.id}:{monday}")
    for junk in ("slo:", "slo:x:y", f"slo:{town.maria.id}", f"slo:{town.maria.id}:0001-01-01",
                 f"slo:{town.maria.id}:9999-12-31"):  # fmt: skip
        assert "Електросвіт" not in await nina.forge(junk), junk
    for data in ("sl", own):
        assert "Maria" not in await max_.forge(data)
        assert "Електросвіт" not in await max_.forge(data)
    assert "Дозволи" not in await max_.say("/news")


async def test_the_dismissed_and_the_demoted_hear_nothing_of_it(line: Line, on_monday: At) -> None:
    town = line.town
    maria, nina = await line.colleague("maria", 804), await line.colleague("nina", 805)
    await let_through(town)
    on_monday(1, 9)
    async with scope(town.tenant):
        for one in (town.maria, town.nina):
            await wishes.wish(one, "weekly_overrides", "all")
        assert await plan_weekly() == 2
        await db.execute("UPDATE identity SET disabled_at = now() WHERE id = :i", i=town.maria.id)
        await db.execute(
            "UPDATE membership SET role = 'sales' WHERE identity_id = :i", i=town.nina.id
        )
    assert await told(line, "maria", 804) == ""
    assert await told(line, "nina", 805) == ""
    for one in (maria, nina):
        assert "Maria:" not in await one.say("/overrides")


async def test_the_hour_is_chosen_in_the_chat(line: Line) -> None:
    olena = await line.colleague("olena", 806)
    await olena.say("/news")
    assert "⏰ 9:00" in olena.buttons()
    await olena.tap("swh:weekly_overrides")
    await olena.tap("7:00")
    assert olena.buttons().count("⏰ 7:00") == 1
    for junk in ("swh:weekly_overrides:99", "swh:order_new:7", "swh:x", "swh:order_new"):
        await olena.forge(junk)
    async with scope(line.town.tenant):
        kept = await db.rows("SELECT kind, reach, hour FROM staff_wish")
    assert [dict(row) for row in kept] == [{"kind": "weekly_overrides", "reach": "all", "hour": 7}]


async def test_the_hour_is_shown_and_kept_in_the_office(line: Line) -> None:
    async with staff(line.town) as olena:
        page = await olena.open("/office/account")
        assert page.text.count('name="hour"') == len(wishes.TIMED)
        chosen = {"kind": "weekly_overrides", "reach": "all", "hour": "6"}
        assert (await olena.post("/office/account/news", chosen)).status_code == 303
        assert 'value="6"' in (await olena.get("/office/account")).text

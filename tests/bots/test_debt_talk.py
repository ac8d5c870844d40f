"""What a debtor is written to and answers in the chat: pay, promise, dispute, statement, summary."""

from datetime import date, timedelta
from decimal import Decimal as D
from typing import Any

from peers.line import Line
from peers.phone import Person
from town import Cast, add_debt

from dilo.dunning import actions, digests, forecasts, pauses, paying
from dilo.dunning.actions import LevelForm, PolicyForm
from dilo.dunning.pauses import PromiseForm
from dilo.kit import db
from dilo.messaging.sending import drain
from dilo.parties import consents
from dilo.payments.actions import RecordPayment, record_payment
from dilo.people import chats
from dilo.receivables.requisites import Requisites, change_requisites
from tenants.scope import current_tenant, scope

CHAT, STAFF = 501, 909
STATES = "SELECT kind, state, reason, read_at FROM outbox WHERE kind <> 'reply' AND channel <> 'event' ORDER BY created_at, id"


async def policy(town: Cast, **more: Any) -> None:
    await actions.save_policy(town.nina, PolicyForm(active="on", **more))
    for offset_days, tone in ((-3, "friendly"), (1, "due"), (7, "firm")):
        await actions.add_level(town.nina, LevelForm(offset_days, tone))  # type: ignore[arg-type]


async def debtor(line: Line, **more: Any) -> Person:
    person = await line.linked(CHAT)
    async with scope(line.town.tenant):
        await policy(line.town, **more)
    return person


async def owes(line: Line, amount: int, late: int, number: str) -> date:
    async with scope(line.town.tenant):
        due_on = current_tenant().today() - timedelta(days=late)
        await add_debt(line.town, "D-1", D(amount), due_on=due_on, number=number)
        return due_on


async def told(line: Line) -> list[dict[str, Any]]:
    async with scope(line.town.tenant):
        return [dict(row) for row in await db.rows(STATES)]


async def pay(town: Cast, amount: int) -> None:
    async with scope(town.tenant):
        today = current_tenant().today()
        await record_payment(
            town.nina,
            RecordPayment(
                party_id=town.parties["D-1"],
                amount=D(amount),
                received_on=today,
                key=f"p{amount}",
                allocate="oldest",
            ),
        )


async def test_a_warning_names_the_debts_and_how_to_pay_and_a_tap_shows_it_was_read(
    line: Line,
) -> None:
    person = await debtor(line)
    await owes(line, 120, 2, "INV-77")
    async with scope(line.town.tenant):
        await change_requisites(
            line.town.olena, Requisites(iban="UA213223130000026007233566001", bank="Банк")
        )
        assert await actions.plan_run(line.town.nina) == 1
    before = len(line.peer.accepted)
    await line.settle()
    (call,) = person.seen(before)
    assert "INV-77" in call.text
    assert "120,00" in call.text
    assert "прострочено 2 дн." in call.text
    assert "UA213223130000026007233566001" in call.text
    assert [r["read_at"] for r in await told(line)] == [None]
    assert "Виписка" in await person.tap("stm")
    assert any(c.method == "sendDocument" for c in person.seen(before))
    assert (await told(line))[0]["read_at"] is not None


async def test_a_card_link_is_for_exactly_that_sum(line: Line) -> None:
    person = await debtor(line)
    await owes(line, 120, 2, "INV-78")
    asked: list[Any] = []

    async def link(party_id: Any, owed: Any) -> str:
        asked.append((party_id, list(owed)))
        return "https://pay.example/pay/t"

    usual = list(paying._makers)
    paying.pay_by(link)
    try:
        async with scope(line.town.tenant):
            await actions.plan_run(line.town.nina)
        await line.settle()
    finally:
        paying._makers[:] = usual
    ((party_id, owed),) = asked
    assert party_id == line.town.parties["D-1"]
    assert [amount for _, amount in owed] == [D("120.00")]
    assert any("120,00" in words for words in person.buttons())


async def test_a_day_is_picked_from_a_calendar_within_the_policys_range(line: Line) -> None:
    person = await debtor(line, promise_days=20)
    await owes(line, 120, 2, "INV-79")
    async with scope(line.town.tenant):
        today = current_tenant().today()
        await actions.plan_run(line.town.nina)
    await line.settle()
    await person.tap("prc:")
    day = today + timedelta(days=20)
    if day.month != today.month:
        await person.tap(f"prc:{day:%Y-%m}")
    assert "120,00" in await person.tap(f"prd:{day.isoformat()}")
    late = (today + timedelta(days=21)).isoformat()
    for forged in (f"prd:{late}", "prd:x", "prc:9999-99", "prc:zz", "prd:2020-01-01", "dig:9"):
        await person.forge(forged)
    async with scope(line.town.tenant):
        found = await db.rows("SELECT promised_on, state FROM promise")
    assert [(r["promised_on"], r["state"]) for r in found] == [(day, "open")]


async def test_a_stop_is_foretold_once_and_not_to_who_has_paid(line: Line) -> None:
    person = await debtor(line, forecast_days=5)
    due_on = await owes(line, 300, -2, "INV-80")
    stop = due_on + timedelta(days=1)
    async with scope(line.town.tenant):
        assert await forecasts.plan_forecasts() == 1
        assert await forecasts.plan_forecasts() == 0
    before = len(line.peer.accepted)
    await line.settle()
    (call,) = person.seen(before)
    assert f"{stop:%d.%m.%Y}" in call.text
    assert "300,00" in call.text
    await owes(line, 50, -2, "INV-81")
    async with scope(line.town.tenant):
        assert await forecasts.plan_forecasts() == 1, "another sum is another word"
    await pay(line.town, 350)
    before = len(line.peer.accepted)
    await line.settle()
    assert person.seen(before) == []
    assert [(r["state"], r["reason"]) for r in await told(line)] == [
        ("sent", None),
        ("cancelled", "PAID"),
    ]


async def test_a_limit_that_ends_foretells_a_stop_too(line: Line) -> None:
    person = await debtor(line, forecast_days=5)
    await owes(line, 12000, -30, "INV-82")
    async with scope(line.town.tenant):
        today = current_tenant().today()
        await db.execute(
            "INSERT INTO temporary_limit (party_id, amount, valid_from, valid_to, reason, "
            "recorded_by) VALUES (:p, 5000, :a, :b, 'x', 'x')",
            p=line.town.parties["D-1"], a=today, b=today + timedelta(days=1),
        )  # fmt: skip
        assert await forecasts.plan_forecasts() == 1
    before = len(line.peer.accepted)
    await line.settle()
    assert "2 000,00" in person.seen(before)[0].text.replace("\xa0", " ")


async def test_a_summary_comes_on_the_chosen_day_and_stops_at_a_tap(line: Line) -> None:
    person = await debtor(line)
    await owes(line, 300, 3, "INV-83")
    async with scope(line.town.tenant):
        weekday = current_tenant().today().isoweekday()
        assert await digests.plan_digests() == 0, "nobody is sent what he did not ask for"
    await person.say("/digest")
    await person.tap(f"dig:{weekday}")
    async with scope(line.town.tenant):
        assert [await digests.plan_digests() for _ in range(2)] == [1, 0]
    before = len(line.peer.accepted)
    await line.settle()
    assert "300,00" in person.seen(before)[0].text
    await person.say("/digest")
    await person.tap("dig:0")
    async with scope(line.town.tenant):
        assert await digests.digest_day(line.town.parties["D-1"]) is None
        assert await digests.plan_digests() == 0


async def test_nobody_is_written_to_oftener_than_the_policy_says(line: Line) -> None:
    person = await debtor(line, most_a_day=1, forecast_days=5)
    await owes(line, 100, 2, "INV-84")
    await owes(line, 30, -1, "INV-85")
    async with scope(line.town.tenant):
        await digests.choose_digest(
            line.town.nina, line.town.parties["D-1"], current_tenant().today().isoweekday()
        )
        await actions.plan_run(line.town.nina)
        await digests.plan_digests()
    before = len(line.peer.accepted)
    await line.settle()
    assert len(person.seen(before)) == 1
    held = [r for r in await told(line) if r["state"] == "queued"]
    assert [r["reason"] for r in held] == ["OFTEN_ENOUGH"] * len(held)
    assert held
    assert "INV-84" in await person.say("/balance"), "an answer is never held back"
    async with scope(line.town.tenant):
        await db.execute("UPDATE outbox SET sent_at = sent_at - interval '25 hours'")
        await db.execute("UPDATE outbox SET not_before = now() WHERE state = 'queued'")
    before = len(line.peer.accepted)
    await line.settle()
    assert len(person.seen(before)) == 1


async def test_a_broken_promise_is_told_to_the_manager(line: Line) -> None:
    await debtor(line)
    await owes(line, 100, 2, "INV-86")
    town = line.town
    boss = line.person(STAFF)
    async with scope(town.tenant):
        await db.execute("UPDATE party SET owner_id = :o", o=town.max.id)
        code = await chats.make_code(town.max)
    await boss.say(f"/start {code}")
    async with scope(town.tenant):
        today = current_tenant().today()
        await pauses.promise(town.nina, town.parties["D-1"], PromiseForm(D(100), today), "office")
        await db.execute("UPDATE promise SET promised_on = :d", d=today - timedelta(days=1))
        assert await pauses.judge_promises() == 1
    before = len(line.peer.accepted)
    while await drain(town.tenant.id):
        pass
    (call,) = boss.seen(before)
    assert "обіцянку сплатити" in call.text
    assert "Електросвіт" in call.text
    assert "100,00" in call.text


async def test_news_are_agreed_to_and_refused_in_the_chat_by_name(line: Line) -> None:
    petro = await line.linked(990)
    assert "не надходять" in await petro.say("/news")
    assert "надходять у цей чат" in await petro.tap("nws:1")
    async with scope(line.town.tenant):
        said = "SELECT marketing_by, marketing_source FROM contact_channel WHERE address = '990'"
        assert dict(await db.one(said)) == {
            "marketing_by": "Петро",
            "marketing_source": "telegram",
        }
    await petro.forge("nws:7")
    await petro.tap("nws:0")
    async with scope(line.town.tenant):
        assert not await consents.wants_news("telegram", "990")
        opted = "SELECT opted_out_at FROM contact_channel WHERE address = '990'"
        assert await db.value(opted) is None, "reminders of debt still come"
    stranger = line.person(991)
    await stranger.forge("nws:1")
    async with scope(line.town.tenant):
        assert not await consents.wants_news("telegram", "991")

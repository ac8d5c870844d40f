"""What a run plans, what it never plans twice, and what the letter says when it leaves."""

import asyncio
from datetime import date, timedelta
from decimal import Decimal as D
from typing import Any

import pytest
from town import Cast, add_debt, add_party

from dilo.dunning import actions, queries
from dilo.dunning.actions import LevelForm, PolicyForm
from dilo.dunning.queries import Due
from dilo.kit import clock, db, i18n
from dilo.kit.errors import Forbidden, Refusal
from dilo.messaging.channels import Dropped, NotNow, Ready
from dilo.payments.actions import RecordPayment, record_payment
from tenants.scope import current_tenant, scope

OUTBOX = """
SELECT id, channel, state, dedupe_key, payload, party_id, not_before FROM outbox
WHERE kind = 'debt_warning' ORDER BY created_at, id
"""


async def policy(town: Cast, **more: Any) -> None:
    form: dict[str, Any] = {"active": "on"} | more
    await actions.save_policy(town.nina, PolicyForm(**form))
    for offset_days, tone in actions.USUAL:
        await actions.add_level(town.nina, LevelForm(offset_days, tone))


async def due(on: date) -> list[Due]:
    found = await queries.policy_or_none()
    assert found is not None
    return await queries.would_warn(found, on)


async def pay(town: Cast, party: str, amount: D, allocate: str = "oldest", key: str = "k") -> None:
    await record_payment(
        town.nina,
        RecordPayment(
            party_id=town.parties[party],
            amount=amount,
            received_on=current_tenant().today(),
            key=key,
            allocate=allocate,
        ),
    )  # type: ignore[arg-type]


async def said(channel: str = "telegram") -> Any:
    row = (await db.rows(OUTBOX))[-1]
    i18n.use_language("uk")
    return await actions.compose(row["payload"], channel, row["party_id"])


async def test_levels_begin_on_their_day_and_the_highest_reached_is_told(town: Cast) -> None:
    async with scope(town.tenant):
        today = current_tenant().today()
        await policy(town)
        await add_debt(town, "D-1", D(100), due_on=today, number="A")
        for days, tone in (
            (-4, None),
            (-3, "friendly"),
            (-1, "friendly"),
            (0, "friendly"),
            (1, "due"),
            (6, "due"),
            (7, "firm"),
            (20, None),
            (21, "final"),
            (28, "final"),
            (29, None),
        ):
            found = await due(today + timedelta(days=days))
            assert [one.tone for one in found] == ([tone] if tone else []), days


async def test_a_second_run_plans_nothing_and_a_new_level_once(town: Cast) -> None:
    async with scope(town.tenant):
        today = current_tenant().today()
        await policy(town)
        await add_debt(town, "D-1", D(100), due_on=today - timedelta(days=1), number="A")
        assert await actions.plan_run(town.nina) == 1
        assert await actions.plan_run(town.nina) == 0
        assert await actions.plan_run(town.nina, today + timedelta(days=3)) == 0
        assert await actions.plan_run(town.nina, today + timedelta(days=6)) == 1
        assert await actions.plan_run(town.nina, today + timedelta(days=6)) == 0
        assert len(await db.rows(OUTBOX)) == 2
        assert await db.value("SELECT count(*) FROM dunning_run") == 2


async def test_ten_runs_at_once_plan_each_notice_once(town: Cast) -> None:
    async with scope(town.tenant):
        await policy(town)
        for number in range(20):
            await add_party(town, f"P{number}", f"Party {number}")
            await add_debt(
                town, f"P{number}", D(50), due_on=current_tenant().today() - timedelta(days=8)
            )

    async def run() -> int:
        async with scope(town.tenant):
            return await actions.plan_run(town.nina)

    assert sorted(await asyncio.gather(*(run() for _ in range(10)))) == [0] * 9 + [20]
    async with scope(town.tenant):
        assert len(await db.rows(OUTBOX)) == 20


async def test_one_party_gets_one_notice_of_all_its_debts(town: Cast) -> None:
    async with scope(town.tenant):
        today = current_tenant().today()
        await policy(town)
        await add_debt(town, "D-1", D(100), due_on=today - timedelta(days=8), number="OLD")
        await add_debt(town, "D-1", D(30), due_on=today - timedelta(days=2), number="NEW")
        await add_debt(town, "D-1", D(7), due_on=today + timedelta(days=60), number="FAR")
        (one,) = await due(today)
        assert (one.amount, one.tone, one.numbers) == (D(130), "firm", ["OLD", "NEW"])
        assert one.why == "OLD (+8), NEW (+2)"
        assert await actions.plan_run(town.nina) == 1
        letter = await said()
        assert isinstance(letter, Ready)
        assert "OLD" in letter.text
        assert "NEW" in letter.text
        assert "FAR" not in letter.text
        assert "130,00" in letter.text


async def test_a_later_invoice_of_the_same_day_is_told_too(town: Cast) -> None:
    async with scope(town.tenant):
        today = current_tenant().today()
        await policy(town)
        for number in ("A", "B"):
            await add_debt(town, "D-1", D(100), due_on=today - timedelta(days=1), number=number)
            assert await actions.plan_run(town.nina) == 1
        assert len({row["dedupe_key"] for row in await db.rows(OUTBOX)}) == 2


async def test_who_has_paid_is_not_warned_and_who_paid_a_part_hears_of_the_rest(
    town: Cast,
) -> None:
    async with scope(town.tenant):
        today = current_tenant().today()
        await policy(town)
        await add_debt(town, "D-1", D(100), due_on=today - timedelta(days=9), number="PAID-1")
        await add_debt(town, "D-1", D(40), due_on=today - timedelta(days=1), number="OPEN-2")
        await actions.plan_run(town.nina)
        await pay(town, "D-1", D(110), key="part")
        letter = await said("sms")
        assert isinstance(letter, Ready)
        assert "OPEN-2" in letter.text
        assert "PAID-1" not in letter.text
        assert "30,00" in letter.text
        await pay(town, "D-1", D(30), key="rest")
        assert await said() == Dropped("PAID")


async def test_money_not_yet_allocated_counts_as_paid(town: Cast) -> None:
    async with scope(town.tenant):
        today = current_tenant().today()
        await policy(town)
        await add_debt(town, "D-1", D(100), due_on=today - timedelta(days=9), number="OLD")
        await add_debt(town, "D-1", D(40), due_on=today - timedelta(days=1), number="NEW")
        await actions.plan_run(town.nina)
        await pay(town, "D-1", D(120), allocate="none")
        letter = await said()
        assert isinstance(letter, Ready)
        assert "OLD" not in letter.text
        assert "20,00" in letter.text
        await pay(town, "D-1", D(20), allocate="none", key="rest")
        assert await said() == Dropped("PAID")
        await add_debt(town, "D-1", D(5), due_on=today - timedelta(days=1), number="TINY")
        (one,) = await due(today)
        assert (one.numbers, one.amount) == (["TINY"], D(5))


async def test_what_is_below_the_tolerance_is_let_be(town: Cast) -> None:
    async with scope(town.tenant):
        today = current_tenant().today()
        await policy(town, tolerance_amount=D(50))
        await add_debt(town, "D-1", D(50), due_on=today - timedelta(days=1), number="A")
        assert await due(today) == []
        await add_debt(town, "D-1", D("50.01"), due_on=today - timedelta(days=1), number="B")
        assert [one.numbers for one in await due(today)] == [["B"]]


async def test_a_closed_party_is_not_written_to(town: Cast) -> None:
    async with scope(town.tenant):
        await policy(town)
        await add_debt(
            town, "D-1", D(100), due_on=current_tenant().today() - timedelta(days=1), number="A"
        )
        await actions.plan_run(town.nina)
        await db.execute("UPDATE party SET closed_at = now() WHERE code = 'D-1'")
        assert await said() == Dropped("PARTY_CLOSED", "suppressed")
        assert await due(current_tenant().today()) == []


async def test_at_night_it_waits_for_the_morning(town: Cast) -> None:
    async with scope(town.tenant):
        await policy(town, quiet_from="21:00", quiet_to="08:00")
        today = current_tenant().today()
        await add_debt(town, "D-1", D(100), due_on=today - timedelta(days=1), number="A")
        midnight = clock.now().replace(hour=0, minute=30)  # 02:30 in Kyiv
        clock.freeze(midnight)
        try:
            assert await actions.plan_run(town.nina, today) == 1
            row = (await db.rows(OUTBOX))[-1]
            letter = await said()
        finally:
            clock.freeze(None)
        assert isinstance(letter, NotNow)
        assert row["not_before"] == letter.at
        assert letter.at.astimezone(clock.now().tzinfo).hour in (5, 6)


async def test_the_channel_is_the_first_that_reaches_the_party(town: Cast) -> None:
    add = "INSERT INTO contact_channel (party_id, channel, address) VALUES (:p, :c, :a)"
    async with scope(town.tenant):
        await policy(town, channels=["email", "sms"])
        await db.execute(add, p=town.parties["D-1"], c="telegram", a="1")
        await db.execute(add, p=town.parties["D-1"], c="sms", a="+380501112233")
        await add_debt(
            town, "D-1", D(100), due_on=current_tenant().today() - timedelta(days=1), number="A"
        )
        (one,) = await due(current_tenant().today())
        assert (one.channel, one.address) == ("sms", "+380501112233")
        await actions.plan_run(town.nina)
        (row,) = await db.rows(OUTBOX)
        assert (row["channel"], row["payload"]["channels"]) == ("sms", ["email", "sms"])


async def test_a_removed_level_is_quiet_and_comes_back_without_telling_again(town: Cast) -> None:
    async with scope(town.tenant):
        today = current_tenant().today()
        await policy(town)
        found = await queries.policy_or_none()
        assert found is not None
        await add_debt(town, "D-1", D(100), due_on=today - timedelta(days=1), number="A")
        assert await actions.plan_run(town.nina) == 1
        level = next(row for row in await queries.levels(found.id) if row["offset_days"] == 1)
        await actions.drop_level(town.nina, level["id"])
        assert [row["offset_days"] for row in await queries.levels(found.id)] == [-3, 7, 21]
        await actions.add_level(town.nina, LevelForm(1, "firm"))
        assert await actions.plan_run(town.nina) == 0


@pytest.mark.parametrize("language", ["uk", "en", "ru"])
@pytest.mark.parametrize("channel", ["telegram", "sms", "email"])
async def test_every_letter_is_written_in_every_language(
    town: Cast, language: str, channel: str
) -> None:
    async with scope(town.tenant):
        await policy(town)
        await add_debt(
            town,
            "D-1",
            D("1234.5"),
            due_on=current_tenant().today() - timedelta(days=8),
            number="INV-{x}",
        )
        await db.execute("UPDATE party SET name = '{{ 7*7 }} <b>' WHERE code = 'D-1'")
        await actions.plan_run(town.nina)
        (row,) = await db.rows(OUTBOX)
        i18n.use_language(language)
        letter = await actions.compose(row["payload"], channel, row["party_id"])
        i18n.use_language("uk")
    assert isinstance(letter, Ready)
    assert "INV-{x}" in letter.text
    assert "dunning:" not in letter.text + letter.subject
    assert "49" not in letter.text
    assert "&lt;" not in letter.text


async def test_who_may_run_and_that_a_policy_comes_first(town: Cast) -> None:
    async with scope(town.tenant):
        with pytest.raises(Forbidden):
            await actions.plan_run(town.ivan)
        with pytest.raises(Refusal, match="NO_POLICY"):
            await actions.plan_run(town.nina)


async def test_the_rivals_debts_are_not_ours(town: Cast, rival: Cast) -> None:
    async with scope(rival.tenant):
        await policy(rival)
        await add_debt(
            rival, "D-1", D(100), due_on=current_tenant().today() - timedelta(days=1), number="A"
        )
    async with scope(town.tenant):
        await policy(town)
        assert await actions.plan_run(town.nina) == 0

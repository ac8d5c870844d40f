"""Each deed of collecting refuses by itself: whose verb is missing, figures nobody means, what is
not there. A case fails when its guard is taken away."""

from collections.abc import Awaitable, Callable
from datetime import date, timedelta
from decimal import Decimal as D
from typing import Any
from uuid import UUID

import pytest
from browsing import staff
from town import Cast, add_debt

from dilo.dunning import actions, digests, pauses, reconciliation, texts, worklist
from dilo.dunning.actions import LevelForm, PolicyForm
from dilo.dunning.pauses import DisputeForm, PromiseForm
from dilo.dunning.worklist import NoteForm
from dilo.kit import db
from dilo.kit.errors import Forbidden, NotFound, Refusal
from dilo.kit.ids import uuid7
from dilo.kit.money import AMOUNT_MAX
from tenants.actors import Actor
from tenants.scope import scope

DAY = date(2026, 12, 25)
Deed = Callable[[Actor, UUID], Awaitable[Any]]
# The warehouse collects nothing: each deed is refused by its own door, before anything is read.
DEEDS: dict[str, Deed] = {
    "plan_run": lambda who, _: actions.plan_run(who),
    "save_holiday": lambda who, _: actions.save_holiday(who, DAY, "Різдво"),
    "drop_holiday": lambda who, _: actions.drop_holiday(who, DAY),
    "save_policy": lambda who, _: actions.save_policy(who, PolicyForm()),
    "add_level": lambda who, _: actions.add_level(who, LevelForm(7, "firm")),
    "drop_level": lambda who, _: actions.drop_level(who, uuid7()),
    "save_text": lambda who, _: texts.save_text(who, "uk", "sms", "firm", "Сплатіть {total}"),
    "drop_text": lambda who, _: texts.drop_text(who, uuid7()),
    "write_note": lambda who, party: worklist.write_note(who, party, NoteForm("call", "дзвонив")),
    "send": lambda who, _: reconciliation.send(who, uuid7()),
    "end_dispute": lambda who, _: pauses.end_dispute(who, uuid7(), "accepted", None),
    "promise": lambda who, party: pauses.promise(who, party, PromiseForm(D(1), DAY), "office"),
    "digest": lambda who, party: digests.choose_digest(who, party, 1),
}


async def test_each_deed_asks_for_its_verb(town: Cast) -> None:
    async with scope(town.tenant):
        for name, deed in DEEDS.items():
            with pytest.raises(Forbidden):
                await deed(town.ivan, town.parties["D-1"])
                pytest.fail(name)


async def test_what_is_not_there_is_not_found(town: Cast) -> None:
    async with scope(town.tenant):
        for name in ("drop_holiday", "drop_level", "drop_text", "send", "end_dispute"):
            with pytest.raises(NotFound):
                await DEEDS[name](town.maria, uuid7())
                pytest.fail(name)
        for language, channel, tone in (
            ("xx", "sms", "firm"), ("uk", "pigeon", "firm"), ("uk", "sms", "rude"),
        ):  # fmt: skip
            with pytest.raises(NotFound):
                await texts.save_text(town.maria, language, channel, tone, "x")
                pytest.fail(f"{language} {channel} {tone}")
        assert await texts.texts() == []


async def test_figures_nobody_means_are_refused(town: Cast) -> None:
    async def refused(code: str, deed: Awaitable[Any]) -> None:
        with pytest.raises(Refusal) as found:
            await deed
            pytest.fail(code)
        assert found.value.code == code

    async with scope(town.tenant):
        await refused("NO_POLICY", actions.add_level(town.nina, LevelForm(7, "firm")))
        await refused("NO_POLICY", actions.plan_run(town.nina))
        for percent in (D(-1), D(1001), D("NaN")):
            form = PolicyForm(interest_percent=percent)
            await refused("PERCENT_BAD", actions.save_policy(town.nina, form))
        for amount in (D(-1), D(10) ** 12, D("NaN")):
            form = PolicyForm(tolerance_amount=amount)
            await refused("AMOUNT_BAD", actions.save_policy(town.nina, form))
        form = PolicyForm()
        form.channels = []
        await refused("CHANNEL_BAD", actions.save_policy(town.nina, form))
        await actions.save_policy(town.nina, PolicyForm())
        for days in (-366, 3651):
            await refused("DAYS_BAD", actions.add_level(town.nina, LevelForm(days, "firm")))
        for fee in (D(-1), D("0.001"), D(10) ** 12, D("NaN")):
            await refused("AMOUNT_BAD", actions.add_level(town.nina, LevelForm(7, "firm", fee)))
        assert await db.value("SELECT count(*) FROM dunning_level") == 0


async def test_answers_of_a_debtor_are_about_his_own_debt_and_say_something(town: Cast) -> None:
    async def refused(code: str, deed: Awaitable[Any]) -> None:
        with pytest.raises(Refusal) as found:
            await deed
            pytest.fail(code)
        assert found.value.code == code

    async with scope(town.tenant):
        today, company = town.tenant.today(), town.parties["D-1"]
        soon = PromiseForm(D(10), today)
        await refused("NOTHING_OWED", pauses.promise(town.petro, company, soon, "portal"))
        await add_debt(town, "D-1", D(100), due_on=today)
        item = await db.value("SELECT id FROM open_item")
        for amount in (D(0), D(-1), D("0.001"), D("NaN"), AMOUNT_MAX + 1):
            form = PromiseForm(amount, today)
            await refused("AMOUNT_BAD", pauses.promise(town.petro, company, form, "portal"))
        for on in (today - timedelta(days=1), today + timedelta(days=61)):
            form = PromiseForm(D(10), on)
            await refused("PROMISE_DATE_BAD", pauses.promise(town.petro, company, form, "portal"))
        for weekday in (0, 8):
            await refused("DAYS_BAD", digests.choose_digest(town.petro, company, weekday))
        blank = NoteForm("call", " \n")
        await refused("REASON_MISSING", worklist.write_note(town.nina, company, blank))
        await refused(
            "REASON_MISSING", pauses.dispute(town.petro, item, DisputeForm(" "), "portal")
        )
        with pytest.raises(Forbidden):
            await pauses.dispute(town.ivan, item, DisputeForm("не було"), "office")
        made = await pauses.dispute(town.petro, item, DisputeForm("не було"), "portal")
        again = pauses.dispute(town.petro, item, DisputeForm("не було"), "portal")
        await refused("ALREADY_DISPUTED", again)
        with pytest.raises(NotFound):
            await pauses.end_dispute(town.nina, made, "open", None)
        await pauses.end_dispute(town.nina, made, "rejected", None)
        with pytest.raises(NotFound):
            await pauses.end_dispute(town.nina, made, "accepted", None)
        assert await db.value("SELECT state FROM dispute") == "rejected"


async def test_forms_of_collecting_that_say_nonsense_are_refused(town: Cast) -> None:
    async with staff(town, "nina") as one:
        party = f"/office/collections/{town.parties['D-1']}"
        for url, form, status in (
            (f"{party}/notes", {"kind": "song", "text": "x"}, 422),
            (f"{party}/promises", {"amount": "x", "promised_on": "x"}, 422),
            ("/office/dunning/holidays", {"day": "x"}, 422),
            ("/office/dunning/holidays/x/removal", {}, 404),
            ("/office/dunning/levels", {"offset_days": "x", "tone": "firm"}, 422),
        ):
            assert (await one.post(url, form)).status_code == status, url

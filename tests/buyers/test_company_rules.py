"""What a company may not make of its own divisions, people and rules; a refusal changes nothing."""

from decimal import Decimal as D
from typing import Any
from uuid import uuid4

import pytest
from buyers.test_approvals import add_person, limit, seat
from town import Cast, add_party

from dilo.buyers import divisions, limits, people
from dilo.buyers.divisions import DivisionForm
from dilo.buyers.limits import LimitForm, StepForm
from dilo.buyers.people import InvitationForm, SeatForm
from dilo.kit import db
from dilo.kit.errors import NotFound, Refusal
from tenants.scope import scope

NAMES = "SELECT array_agg(name ORDER BY name) FROM division WHERE retired_at IS NULL"
LETTERS = "SELECT count(*) FROM outbox WHERE kind = 'portal_invitation'"


def division(town: Cast, name: str, under: Any = None, **more: Any) -> Any:
    return divisions.save_division(
        town.olena, town.parties["D-1"], DivisionForm(name, under), **more
    )


async def test_a_tree_of_divisions_has_no_rings_and_no_foreign_branches(town: Cast) -> None:
    async with scope(town.tenant):
        await add_party(town, "D-2", "Інша")
        shops = await division(town, "Магазини")
        kyiv = await division(town, "Київ", shops)
        for parent in (kyiv, shops):
            with pytest.raises(Refusal, match="DIVISION_UNDER_ITSELF"):
                await division(town, "Магазини", parent, division_id=shops)
        form = DivisionForm("Чужа", None)
        theirs = await divisions.save_division(town.olena, town.parties["D-2"], form)
        with pytest.raises(NotFound):
            await division(town, "Київ", theirs, division_id=kyiv)
        with pytest.raises(NotFound):
            await division(town, "Наша", division_id=theirs)
        with pytest.raises(Refusal, match="NAME_TAKEN"):
            await division(town, "Київ", shops)
        for name in ("", "  ", "д" * 101):
            with pytest.raises(Refusal, match="TEXT_LONG"):
                await division(town, name)
        assert await db.value(NAMES) == ["Київ", "Магазини", "Чужа"]


async def test_a_division_goes_when_nobody_and_nothing_is_in_it(town: Cast) -> None:
    d1 = town.parties["D-1"]
    async with scope(town.tenant):
        shops = await division(town, "Магазини")
        kyiv = await division(town, "Київ", shops)
        anna = await add_person(town, "anna", "buyer")
        await people.change_seat(town.olena, d1, await seat(anna), SeatForm("buyer", kyiv))
        await limits.save_limit(town.olena, d1, LimitForm(D(100), "month", f"division:{kyiv}"))
        for used in (shops, kyiv):  # by a division below; by a person
            with pytest.raises(Refusal, match="DIVISION_IN_USE"):
                await divisions.retire_division(town.olena, d1, used)
        await people.change_seat(town.olena, d1, await seat(anna), SeatForm("buyer", None))
        await divisions.retire_division(town.olena, d1, kyiv)
        await divisions.retire_division(town.olena, d1, shops)
        assert await db.value("SELECT count(*) FROM spending_limit") == 0, "its limit goes with it"
        with pytest.raises(NotFound):
            await divisions.retire_division(town.olena, d1, kyiv)


async def test_an_invitation_is_to_a_newcomer_and_its_letters_are_counted(town: Cast) -> None:
    d1 = town.parties["D-1"]
    async with scope(town.tenant):
        await add_person(town, "anna", "buyer")
        for email in ("anna@example.com", " ANNA@example.com "):
            with pytest.raises(Refusal, match="SITS_HERE"):
                await people.invite(town.olena, d1, InvitationForm(email, "Анна", "buyer"))
        for email in ("no-at-sign", "a b@example.com", "a" * 250 + "@example.com", ""):
            with pytest.raises(Refusal, match="EMAIL_BAD"):
                await people.invite(town.olena, d1, InvitationForm(email, "Хтось", "buyer"))
        with pytest.raises(NotFound):
            form = InvitationForm("new@example.com", "Нова", "buyer", uuid4())
            await people.invite(town.olena, d1, form)
        form = InvitationForm("new@example.com", "Нова", "buyer")
        made = await people.invite(town.olena, d1, form)
        for _ in range(people.SENT_MOST - 1):
            await people.invite_again(town.olena, d1, made)
        with pytest.raises(Refusal, match="TOO_MANY_LETTERS"):
            async with db.savepoint():
                await people.invite_again(town.olena, d1, made)
        assert await db.value(LETTERS) == people.SENT_MOST


@pytest.mark.parametrize("amount", [D(-1), D("NaN"), D("Infinity"), D(10) ** 16])
async def test_a_limit_that_is_no_sum_is_refused(town: Cast, amount: D) -> None:
    d1 = town.parties["D-1"]
    async with scope(town.tenant):
        with pytest.raises(Refusal, match="AMOUNT_BAD"):
            await limits.save_limit(town.olena, d1, LimitForm(amount, "month"))
        with pytest.raises(Refusal, match="AMOUNT_BAD"):
            await limits.save_step(town.olena, d1, StepForm(amount))
        assert await db.value("SELECT count(*) FROM spending_limit") == 0
        assert await db.value("SELECT count(*) FROM approval_step") == 0


async def test_a_rule_names_somebody_of_this_company_who_may(town: Cast) -> None:
    d1 = town.parties["D-1"]
    async with scope(town.tenant):
        await add_party(town, "D-2", "Інша")
        stranger = await add_person(town, "stranger", "approver", "D-2")
        anna = await add_person(town, "anna", "buyer")
        theirs = f"seat:{await seat(stranger)}"
        for whose in (theirs, "seat:", "all:" + str(uuid4()), "division:x", "branch:1", ""):
            with pytest.raises(NotFound):
                await limits.save_limit(town.olena, d1, LimitForm(D(100), "month", whose))
        for who in (theirs, "seat:", "buyer", "approver:" + str(uuid4())):
            with pytest.raises(NotFound):
                await limits.save_step(town.olena, d1, StepForm(D(100), who))
        with pytest.raises(Refusal, match="NOT_AN_APPROVER"):
            await limits.save_step(town.olena, d1, StepForm(D(100), f"seat:{await seat(anna)}"))
        await limit(town, 100)
        one = await db.value("SELECT id FROM spending_limit")
        with pytest.raises(NotFound):
            await limits.drop_limit(town.olena, town.parties["D-2"], one)
        assert await db.value("SELECT count(*) FROM spending_limit") == 1

"""Spending limits and approval chains: a gate of the one engine, decided once by who may."""

import asyncio
from decimal import Decimal as D
from typing import Any

import pytest
from town import Cast, add_party, buyer, order_of

from dilo.buyers import limits, queries
from dilo.buyers.limits import LimitForm, StepForm
from dilo.kit import db
from dilo.kit.errors import Forbidden, NotFound, Refusal
from dilo.orders import actions
from dilo.orders.commands import Placed
from tenants.actors import Actor
from tenants.provision import add_identity
from tenants.scope import scope


async def add_person(town: Cast, name: str, role: str, party: str = "D-1") -> Actor:
    email = f"{name}@example.com"
    found = await db.value("SELECT id FROM identity WHERE email = :e", e=email)
    one = found or await add_identity(email, name.title(), None)
    await db.execute(
        "INSERT INTO portal_user (identity_id, party_id, role) VALUES (:i, :p, :r)",
        i=one,
        p=town.parties[party],
        r=role,
    )
    return buyer(one, name.title(), town.parties[party], role)


async def seat(person: Actor) -> Any:
    return await db.value(
        "SELECT id FROM portal_user WHERE identity_id = :i AND party_id = :p",
        i=person.id,
        p=person.on_behalf_of,
    )


async def limit(town: Cast, amount: int, period: str = "month", whose: str = "all") -> None:
    form = LimitForm(D(amount), period, whose)  # type: ignore[arg-type]
    await limits.save_limit(town.olena, town.parties["D-1"], form)


async def step(town: Cast, above: int, who: str = "approver") -> None:
    await limits.save_step(town.olena, town.parties["D-1"], StepForm(D(above), who))


async def buy(who: Actor, town: Cast, lamps: int) -> Placed:
    return await actions.place_order(who, order_of(town, "D-1", ("LAMP-1", lamps)))


def stopped(placed: Placed) -> list[str]:
    return [v.code for v in placed.verdicts if not v.passed]


async def waiting(town: Cast) -> Any:
    return await db.value("SELECT id FROM approval_request WHERE state = 'waiting'")


async def test_the_second_order_of_the_month_waits_and_an_approval_confirms_it(town: Cast) -> None:
    async with scope(town.tenant):
        anna = await add_person(town, "anna", "approver")
        await limit(town, 1000)
        assert (await buy(town.petro, town, 10)).state == "confirmed", "equal to the limit passes"
        second = await buy(town.petro, town, 1)
        assert (second.state, stopped(second)) == ("on_hold", ["SPENDING_LIMIT_EXCEEDED"])
        verdict = next(v for v in second.verdicts if not v.passed)
        figures = verdict.figures
        assert (
            figures["spent_amount"] + figures["order_amount"] - figures["limit_amount"]
            == (figures["over_amount"])
        )
        assert [r.code for r in verdict.remedies] == ["ASK_APPROVER"]
        placed = await actions.decide_approval(anna, await waiting(town), True, "ок")
        assert placed is not None
        assert placed.state == "confirmed"
        third = await buy(town.petro, town, 1)
        assert third.state == "on_hold", "an approval is of one order"


async def test_a_cancelled_order_frees_the_limit_and_a_held_one_does_not(town: Cast) -> None:
    async with scope(town.tenant):
        await add_person(town, "anna", "approver")
        await limit(town, 1000)
        first = await buy(town.petro, town, 6)
        assert (await buy(town.petro, town, 5)).state == "on_hold"
        await actions.cancel_order(town.petro, first.id, "x")
        assert (await buy(town.petro, town, 5)).state == "confirmed"


async def test_room_left_is_told_and_true(town: Cast) -> None:
    async with scope(town.tenant):
        await limit(town, 1000)
        await buy(town.petro, town, 4)
        over = await buy(town.petro, town, 7)
        (remedy,) = next(v for v in over.verdicts if not v.passed).remedies
        assert (remedy.code, remedy.figures) == ("ORDER_AT_MOST", {"room_amount": D(600)})
        await actions.cancel_order(town.petro, over.id, "x")
        assert (await buy(town.petro, town, 6)).state == "confirmed"


async def test_nobody_to_ask_is_no_remedy(town: Cast) -> None:
    async with scope(town.tenant):
        await step(town, 100)
        alone = await buy(town.petro, town, 2)
        codes = [r.code for v in alone.verdicts if not v.passed for r in v.remedies]
        assert codes == ["ORDER_AT_MOST"]
        await add_person(town, "anna", "approver")
        again = await buy(town.petro, town, 2)
        assert "ASK_APPROVER" in [r.code for v in again.verdicts for r in v.remedies]


async def test_own_limit_wins_over_everybodys_and_staff_have_none(town: Cast) -> None:
    async with scope(town.tenant):
        await limit(town, 100, "order")
        await limit(town, 300, "order", f"seat:{await seat(town.petro)}")
        assert (await buy(town.petro, town, 3)).state == "confirmed"
        assert (await buy(town.petro, town, 4)).state == "on_hold"
        assert (await buy(town.max, town, 9)).state == "confirmed", "staff order by staff's rules"


async def test_a_division_spends_together_with_those_under_it(town: Cast) -> None:
    company = town.parties["D-1"]
    async with scope(town.tenant):
        north = await db.value(
            "INSERT INTO division (party_id, name) VALUES (:p, 'Північ') RETURNING id", p=company
        )
        shop = await db.value(
            "INSERT INTO division (party_id, parent_id, name) VALUES (:p, :n, 'Магазин') RETURNING id",
            p=company,
            n=north,
        )
        anna = await add_person(town, "anna", "buyer")
        await db.execute("UPDATE portal_user SET division_id = :d", d=north)
        await db.execute(
            "UPDATE portal_user SET division_id = :d WHERE identity_id = :i", d=shop, i=anna.id
        )
        await limit(town, 1000, "quarter", f"division:{north}")
        assert (await buy(anna, town, 6)).state == "confirmed"
        held = await buy(town.petro, town, 5)
        assert stopped(held) == ["DIVISION_SPENDING_LIMIT_EXCEEDED"]
        assert next(v for v in held.verdicts if not v.passed).figures["division"] == "Північ"


async def test_a_chain_asks_step_by_step_and_a_named_director_last(town: Cast) -> None:
    async with scope(town.tenant):
        anna = await add_person(town, "anna", "approver")
        boss = await add_person(town, "boss", "admin")
        await limits.let_admins_stand_in(boss, town.parties["D-1"], False)
        await step(town, 100)
        await step(town, 500, f"seat:{await seat(boss)}")
        assert (await buy(town.petro, town, 1)).state == "confirmed"
        held = await buy(town.petro, town, 6)
        assert stopped(held) == ["APPROVAL_NEEDED", "APPROVAL_NEEDED"]
        request = await waiting(town)
        with pytest.raises(Forbidden, match="NOT_YOUR_APPROVAL"):
            await actions.decide_approval(boss, request, True)
        assert await actions.decide_approval(anna, request, True) is None
        with pytest.raises(Forbidden, match="NOT_YOUR_APPROVAL"):
            await actions.decide_approval(anna, request, True)
        placed = await actions.decide_approval(boss, request, True)
        assert placed is not None
        assert placed.state == "confirmed"
        turns = [(t["decided_name"], t["state"]) for t in await queries.turns_of(request)]
        assert turns == [("Anna", "approved"), ("Boss", "approved")]


async def test_an_approver_never_approves_his_own(town: Cast) -> None:
    async with scope(town.tenant):
        anna = await add_person(town, "anna", "approver")
        vera = await add_person(town, "vera", "approver")
        await step(town, 0)
        await buy(anna, town, 1)
        request = await waiting(town)
        with pytest.raises(Forbidden, match="OWN_APPROVAL"):
            await actions.decide_approval(anna, request, True)
        with pytest.raises(Refusal, match="FORBIDDEN"):
            await actions.decide_approval(town.petro, request, True)
        assert (await actions.decide_approval(vera, request, True)).state == "confirmed"  # type: ignore[union-attr]


async def test_the_dismissed_and_other_companies_are_refused(town: Cast) -> None:
    async with scope(town.tenant):
        anna = await add_person(town, "anna", "approver")
        await add_party(town, "X", "Other", limit=D(10000))
        other = await add_person(town, "stranger", "admin", "X")
        await step(town, 0)
        await buy(town.petro, town, 1)
        request = await waiting(town)
        with pytest.raises(NotFound):
            await actions.decide_approval(other, request, True)
        await db.execute(
            "UPDATE portal_user SET disabled_at = now() WHERE identity_id = :i", i=anna.id
        )
        with pytest.raises(Forbidden, match="NOT_YOUR_APPROVAL"):
            await actions.decide_approval(anna, request, True)


async def test_a_refusal_makes_a_draft_and_tells_the_buyer_why(town: Cast) -> None:
    async with scope(town.tenant):
        anna = await add_person(town, "anna", "approver")
        await step(town, 0)
        held = await buy(town.petro, town, 1)
        await actions.decide_approval(anna, await waiting(town), False, "не цього місяця")
        assert await db.value("SELECT state FROM sales_order WHERE id = :id", id=held.id) == "draft"
        told = await db.one("SELECT payload FROM outbox WHERE kind = 'approval_decision'")
        assert told["payload"]["address"] == "petro@example.com"
        noted = await db.one(
            "SELECT actor_name, after FROM audit_event WHERE verb = 'approvals.refused'"
        )
        assert (noted["actor_name"], noted["after"]["comment"]) == ("Anna", "не цього місяця")
        again = await actions.submit_order(town.petro, held.id)
        assert again.state == "on_hold", "it is asked anew"
        assert await waiting(town)


async def test_credit_may_still_hold_what_was_approved(town: Cast) -> None:
    async with scope(town.tenant):
        anna = await add_person(town, "anna", "approver")
        await step(town, 0)
        held = await buy(town.petro, town, 101)
        assert set(stopped(held)) == {"APPROVAL_NEEDED", "CREDIT_LIMIT_EXCEEDED"}
        placed = await actions.decide_approval(anna, await waiting(town), True)
        assert placed is not None
        assert stopped(placed) == ["CREDIT_LIMIT_EXCEEDED"]
        await db.execute("UPDATE credit_policy SET limit_amount = 20000")
        (released,) = (await actions.reconsider_held(town.parties["D-1"])).orders
        assert released.state == "confirmed"


async def test_a_changed_order_is_asked_again(town: Cast) -> None:
    async with scope(town.tenant):
        anna = await add_person(town, "anna", "approver")
        await step(town, 0)
        held = await buy(town.petro, town, 101)
        await actions.decide_approval(anna, await waiting(town), True)
        await actions.reopen_order(town.petro, held.id)
        again = await actions.submit_order(town.petro, held.id)
        assert "APPROVAL_NEEDED" in stopped(again)


async def test_two_approvers_at_once_decide_once(town: Cast) -> None:
    async with scope(town.tenant):
        people = [await add_person(town, name, "approver") for name in ("anna", "vera", "zoya")]
        await step(town, 0)
        await buy(town.petro, town, 1)
        request = await waiting(town)

    async def decide(person: Actor, yes: bool) -> str:
        try:
            async with scope(town.tenant):
                await actions.decide_approval(person, request, yes)
        except Refusal as refusal:
            return refusal.code
        return "decided"

    said = await asyncio.gather(*(decide(one, n != 1) for n, one in enumerate(people)))
    assert sorted(said) == ["APPROVAL_DECIDED", "APPROVAL_DECIDED", "decided"]
    async with scope(town.tenant):
        answers = await db.value("SELECT count(*) FROM approval_turn WHERE state <> 'waiting'")
        assert answers == 1


async def test_two_orders_racing_for_the_last_of_a_limit_have_one_winner(town: Cast) -> None:
    async with scope(town.tenant):
        await limit(town, 1000, "day")

    async def one() -> str:
        async with scope(town.tenant):
            return (await buy(town.petro, town, 6)).state

    assert sorted(await asyncio.gather(one(), one(), one())) == ["confirmed", "on_hold", "on_hold"]


async def test_companies_without_rules_pay_no_query_for_them(
    town: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    counts = []
    plain = db.rows
    seen = [0]

    async def counted(sql: str, /, **params: Any) -> Any:
        seen[0] += 1
        return await plain(sql, **params)

    monkeypatch.setattr(db, "rows", counted)
    async with scope(town.tenant):
        await buy(town.petro, town, 1)
        for _ in range(2):
            seen[0] = 0
            await buy(town.petro, town, 1)
            counts.append(seen[0])
            if len(counts) == 1:
                await limit(town, 10**6)
                await step(town, 10**6)
    assert counts[1] - counts[0] <= 2

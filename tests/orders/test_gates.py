"""Limit and depth exactly where DESIGN.md draws them, at confirmation and at the dock."""

from datetime import timedelta
from decimal import Decimal as D

import pytest
from town import Cast, add_debt, add_party, order_of

from dilo.kit import db
from dilo.kit.errors import NotFound, Refusal
from dilo.orders import actions
from dilo.orders.commands import Dispatch
from dilo.payments.actions import RecordPayment, record_payment
from tenants.scope import scope


def failed(placed: object) -> list[str]:
    return [verdict.code for verdict in placed.verdicts if not verdict.passed]  # type: ignore[attr-defined]


async def test_order_equal_to_the_limit_is_confirmed(town: Cast) -> None:
    async with scope(town.tenant):
        await add_party(town, "L", "Limit", limit=D(1000))
        placed = await actions.place_order(town.max, order_of(town, "L", ("LAMP-1", 10)))
    assert placed.state == "confirmed"
    assert placed.total == D(1000)


async def test_a_cent_above_the_limit_is_held_with_the_parts_that_add_up(town: Cast) -> None:
    async with scope(town.tenant):
        await add_party(town, "L", "Limit", limit=D("999.99"))
        placed = await actions.place_order(town.max, order_of(town, "L", ("LAMP-1", 10)))
    verdict = next(v for v in placed.verdicts if v.gate == "CREDIT_LIMIT")
    assert (placed.state, verdict.code) == ("on_hold", "CREDIT_LIMIT_EXCEEDED")
    figures = verdict.figures
    assert figures["over_amount"] == D("0.01")
    assert (
        figures["exposure_amount"]
        == sum(
            figures[f"{part}_amount"] for part in ("receivable", "shipped", "confirmed", "order")
        )
        - figures["credit_amount"]
        - figures["deposit_amount"]
    )


@pytest.mark.parametrize(
    ("days_past", "state"), [(0, "confirmed"), (3, "confirmed"), (4, "on_hold")]
)
async def test_depth_blocks_the_day_after_grace(town: Cast, days_past: int, state: str) -> None:
    async with scope(town.tenant):
        await add_party(town, "G", "Grace", limit=D(10**6), depth=14, grace=3)
        due = town.tenant.today() - timedelta(days=days_past)
        await add_debt(town, "G", D(500), due_on=due)
        placed = await actions.place_order(town.max, order_of(town, "G", ("LAMP-1", 1)))
    assert placed.state == state


async def test_debt_within_tolerance_does_not_block(town: Cast) -> None:
    async with scope(town.tenant):
        await add_party(town, "T", "Tolerance", limit=D(10**6), tolerance=D(5))
        due = town.tenant.today() - timedelta(days=90)
        await add_debt(town, "T", D("5.00"), due_on=due)
        good = await actions.place_order(town.max, order_of(town, "T", ("LAMP-1", 1)))
        await add_debt(town, "T", D("5.01"), due_on=due)
        bad = await actions.place_order(town.max, order_of(town, "T", ("LAMP-1", 1)))
    assert (good.state, bad.state) == ("confirmed", "on_hold")


async def test_paying_exactly_what_the_remedy_says_releases_and_a_cent_less_does_not(
    town: Cast,
) -> None:
    async with scope(town.tenant):
        await add_party(town, "P", "Pays", limit=D(500))
        placed = await actions.place_order(town.max, order_of(town, "P", ("LAMP-1", 12)))
        verdict = next(v for v in placed.verdicts if v.gate == "CREDIT_LIMIT")
        pay = next(r for r in verdict.remedies if r.code == "PAY_EXACTLY").figures["pay_amount"]
        await pay_in(town, "P", pay - D("0.01"))
        assert (await actions.submit_order(town.max, placed.id)).state == "on_hold"
        await pay_in(town, "P", D("0.01"))
        assert (await actions.submit_order(town.max, placed.id)).state == "confirmed"


async def pay_in(town: Cast, party: str, amount: D) -> None:
    await record_payment(
        town.nina,
        RecordPayment(
            party_id=town.parties[party],
            amount=amount,
            received_on=town.tenant.today(),
            key=f"{party}:{amount}",
        ),
    )


async def test_paying_the_overdue_sum_releases_the_depth_gate(town: Cast) -> None:
    async with scope(town.tenant):
        due = town.tenant.today() - timedelta(days=30)
        await add_debt(town, "D-1", D("120.50"), due_on=due)
        await add_debt(town, "D-1", D("79.50"), due_on=due - timedelta(days=1))
        placed = await actions.place_order(town.petro, order_of(town, "D-1", ("LAMP-1", 1)))
        verdict = next(v for v in placed.verdicts if v.gate == "CREDIT_DEPTH")
        assert verdict.remedies[0].figures["pay_amount"] == D(200)
        assert len(verdict.evidence) == 2
        await pay_in(town, "D-1", D(200))
        again = await actions.reconsider_held(town.parties["D-1"])
    assert [one.state for one in again.orders] == ["confirmed"]


async def test_dropping_the_named_lines_is_a_true_remedy(town: Cast) -> None:
    async with scope(town.tenant):
        await add_party(town, "R", "Remedy", limit=D(600))
        lines = (("LAMP-1", 5), ("CABLE-3", 4), ("SOCKET", 3))
        placed = await actions.place_order(town.max, order_of(town, "R", *lines))
        verdict = next(v for v in placed.verdicts if v.gate == "CREDIT_LIMIT")
        codes = (
            next(r for r in verdict.remedies if r.code == "DROP_LINES").figures["codes"].split(", ")
        )
        kept = [line for line in lines if line[0] not in codes]
        fewer = await actions.place_order(town.max, order_of(town, "R", *kept))
    assert fewer.state == "confirmed"


async def test_nobody_gets_credit_by_having_no_policy(town: Cast) -> None:
    async with scope(town.tenant):
        town.parties["N"] = await db.value(
            "INSERT INTO party (code, name, currency) VALUES ('N', 'New', 'UAH') RETURNING id"
        )
        placed = await actions.place_order(town.max, order_of(town, "N", ("LAMP-1", 1)))
    assert failed(placed) == ["CREDIT_LIMIT_EXCEEDED"]


async def test_the_dock_asks_again(town: Cast) -> None:
    async with scope(town.tenant):
        placed = await actions.place_order(town.max, order_of(town, "D-1", ("LAMP-1", 10)))
        await db.execute(
            "UPDATE credit_policy SET limit_amount = 999 WHERE party_id = :p", p=town.parties["D-1"]
        )
        sent = await actions.dispatch_order(town.ivan, Dispatch(order_id=placed.id, key="k1"))
        assert (sent.state, sent.verdicts[1].code) == ("held", "CREDIT_LIMIT_EXCEEDED")
        await pay_in(town, "D-1", D(1))
        released = await actions.release_shipment(town.ivan, sent.id)
    assert released.state == "dispatched"


async def test_override_needs_a_second_person_and_expires(town: Cast) -> None:
    async with scope(town.tenant):
        await add_party(town, "O", "Over", limit=D(100))
        placed = await actions.place_order(town.max, order_of(town, "O", ("LAMP-1", 3)))
        asked = await actions.request_override(
            town.maria, placed.id, ["CREDIT_LIMIT"], D(200), "надійний клієнт", 3
        )
        with pytest.raises(Refusal, match="OWN_OVERRIDE"):
            await actions.decide_override(town.maria, asked, approve=True)
        with pytest.raises(Refusal, match="FORBIDDEN"):
            await actions.decide_override(town.max, asked, approve=True)
        released = await actions.decide_override(town.nina, asked, approve=True)
        assert released is not None
        assert released.state == "confirmed"
        used = await db.value("SELECT state FROM credit_override WHERE id = :id", id=asked)
        assert used == "used"
        await db.execute("UPDATE credit_override SET expires_at = now() - interval '1 second'")
        sent = await actions.dispatch_order(town.ivan, Dispatch(order_id=placed.id, key="k2"))
    assert sent.state == "held"


async def test_override_covers_its_amount_and_no_more(town: Cast) -> None:
    async with scope(town.tenant):
        await add_party(town, "O", "Over", limit=D(100))
        placed = await actions.place_order(town.max, order_of(town, "O", ("LAMP-1", 3)))
        asked = await actions.request_override(
            town.max, placed.id, ["CREDIT_LIMIT"], D("199.99"), "майже", 3
        )
        released = await actions.decide_override(town.nina, asked, approve=True)
    assert released is not None
    assert released.state == "on_hold"


async def test_a_buyer_cannot_order_for_another_company(town: Cast) -> None:
    async with scope(town.tenant):
        await add_party(town, "X", "Stranger", limit=D(10**6))
        with pytest.raises(NotFound):
            await actions.place_order(town.petro, order_of(town, "X", ("LAMP-1", 1)))


async def test_stock_shortage_says_how_many_there_are(town: Cast) -> None:
    async with scope(town.tenant):
        placed = await actions.place_order(
            town.max, order_of(town, "D-1", ("SOCKET", 900), ("SOCKET", 200))
        )
    verdict = next(v for v in placed.verdicts if v.gate == "STOCK")
    assert verdict.figures["available_quantity"] == D(100)

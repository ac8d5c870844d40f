"""What is refused of a claim, and changes nothing: nonsense, other people's lines, silence."""

from decimal import Decimal as D
from typing import Any
from uuid import UUID, uuid4

import pytest
from claims.test_claims import asked, shipped
from town import Cast

from dilo.claims import actions, queries
from dilo.claims.actions import Inspected
from dilo.kit import db
from dilo.kit.errors import NotFound, Refusal
from dilo.orders.commands import LineAsked
from tenants.scope import scope

NONSENSE = [D(-1), D("0.00001"), D("NaN"), D("Infinity"), D(11)]


async def test_a_claim_of_nothing_or_nonsense_is_no_claim(town: Cast) -> None:
    async with scope(town.tenant):
        order_id, line = await shipped(town, 10)
        more: list[tuple[dict[str, Any], str]] = [
            ({"reason": "no-such"}, "CLAIM_REASON_BAD"),
            ({"wanted": "no-such"}, "CLAIM_REASON_BAD"),
            ({"lines": []}, "NOTHING_TO_RETURN"),
            ({"lines": [LineAsked(line, D(0))]}, "NOTHING_TO_RETURN"),
            ({"lines": [LineAsked(uuid4(), D(1))]}, "NOT_FOUND"),
            ({"lines": [LineAsked(line, D(1)), LineAsked(line, D(1))]}, "NOT_FOUND"),
        ]
        more += [({"lines": [LineAsked(line, bad)]}, "QUANTITY_TOO_MUCH") for bad in NONSENSE]
        for wrong, code in more:
            with pytest.raises(Refusal, match=code):
                await actions.request_claim(town.petro, asked(order_id, line, 1, **wrong))
        assert await db.value("SELECT count(*) FROM claim") == 0
        goods = [(one.id, one.left_quantity) for one in await queries.claimable(order_id)]
        assert goods == [(line, D(10))]


async def made(town: Cast) -> tuple[UUID, UUID]:
    order_id, line = await shipped(town, 10)
    claim = await actions.request_claim(town.petro, asked(order_id, line, 4))
    [one] = await queries.claim_lines(claim)
    return claim, one.id


async def test_a_verdict_stays_within_what_was_claimed_and_what_came(town: Cast) -> None:
    async with scope(town.tenant):
        claim, line = await made(town)
        with pytest.raises(Refusal, match="REASON_MISSING"):
            await actions.refuse(town.max, claim, "  ")
        await actions.approve(town.max, claim, "", goods_back=True)
        for bad in (D(-1), D("NaN"), D("4.0001"), D("0.00001")):
            with pytest.raises(Refusal, match="QUANTITY_TOO_MUCH"):
                await actions.receive(town.ivan, claim, [LineAsked(line, bad)])
        with pytest.raises(NotFound):
            await actions.receive(town.ivan, claim, [LineAsked(uuid4(), D(1))])
        assert (await queries.claim(claim)).state == "awaiting_goods"
        await actions.receive(town.ivan, claim, [LineAsked(line, D(3))])
        with pytest.raises(NotFound):
            await actions.inspect(town.maria, claim, "gift", [Inspected(line, D(1))])
        with pytest.raises(NotFound):
            await actions.inspect(town.maria, claim, "refund", [Inspected(uuid4(), D(1))])
        with pytest.raises(Refusal, match="QUANTITY_TOO_MUCH"):
            await actions.inspect(town.maria, claim, "refund", [Inspected(line, D("3.0001"))])
        assert (await queries.claim(claim)).state == "received"


async def test_a_claim_is_given_to_staff_only_and_ends_once(town: Cast) -> None:
    async with scope(town.tenant):
        claim, _ = await made(town)
        with pytest.raises(NotFound):
            await actions.assign(town.max, claim, town.petro.id)
        await actions.call_off(town.petro, claim)
        for decide in (
            lambda: actions.refuse(town.max, claim, "ні"),
            lambda: actions.approve(town.max, claim, "", goods_back=False),
            lambda: actions.call_off(town.petro, claim),
        ):
            with pytest.raises(Refusal, match="WRONG_STATE"):
                await decide()
        assert (await queries.claim(claim)).state == "cancelled"

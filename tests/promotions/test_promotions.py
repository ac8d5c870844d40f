"""Promotions and coupons: one engine for every door, budgets that hold, accruals that add up."""

import asyncio
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
from browsing import staff
from hypothesis import given, settings
from hypothesis import strategies as st
from town import Cast, add_party, order_of

from dilo.books.queries import broken
from dilo.kit import db
from dilo.kit.errors import Forbidden, NotFound, Refusal
from dilo.kit.money import ZERO
from dilo.orders import actions
from dilo.orders.commands import Dispatch, LineInput
from dilo.orders.queries import order_head, order_lines
from dilo.promotions.actions import (
    CouponForm,
    PromotionForm,
    add_coupon,
    add_promotion,
    end_promotion,
)
from dilo.promotions.queries import promotion
from dilo.promotions.rules import CouponTerms, Offer, Reduced, apply_coupon, promoted
from tenants.scope import scope

D = Decimal


def promo(town: Cast, value: str = "7", **more: Any) -> PromotionForm:
    kind = more.pop("kind", "percent")
    return PromotionForm("Sale", kind, D(value), town.tenant.today(), **more)


def coupon(town: Cast, kind: str, value: str, **more: Any) -> CouponForm:
    return CouponForm("SAVE", kind, D(value), town.tenant.today(), **more)  # type: ignore[arg-type]


async def clean() -> bool:
    return not [one async for one in _broken()]


async def _broken() -> Any:
    for one in await broken():
        yield one


async def test_seven_percent_for_a_segment_is_explained_and_accrued_line_by_line(
    town: Cast,
) -> None:
    async with scope(town.tenant):
        await add_party(town, "B-1", "ТОВ «Б»", limit=D(99999), segment="B")
        sale = await add_promotion(town.olena, promo(town, segment="B", budget_amount=D(5000)))
        theirs = await actions.place_order(
            town.max, order_of(town, "B-1", ("LAMP-1", 10), ("SOCKET", 3))
        )
        others = await actions.place_order(town.max, order_of(town, "D-1", ("LAMP-1", 10)))
        assert theirs.total == D("1022.99")  # 930.00 + 92.99 of 99.99
        assert others.total == D("1000.00")
        lines = await order_lines(theirs.id)
        assert lines[0].price_source["promotions"] == [{"name": "Sale", "amount": "70.00"}]
        assert (await promotion(sale)).spent_amount == D("77.00")
        sent = await actions.dispatch_order(
            town.ivan, Dispatch(order_id=theirs.id, key="k", invoice=True)
        )
        given_away = await db.value(
            "SELECT sum(promotion_amount) FROM invoice_line WHERE invoice_id = :id",
            id=sent.invoice_id,
        )
        assert given_away == D("77.00")
        assert await clean()


async def test_a_budget_stops_the_promotion_and_a_cancelled_order_frees_it(town: Cast) -> None:
    async with scope(town.tenant):
        sale = await add_promotion(town.olena, promo(town, "10", budget_amount=D(100)))
        first = await actions.place_order(town.max, order_of(town, "D-1", ("LAMP-1", 9)))
        second = await actions.place_order(town.max, order_of(town, "D-1", ("LAMP-1", 2)))
        assert (first.total, second.total) == (D("810.00"), D("200.00"))
        await actions.cancel_order(town.max, first.id, "x")
        assert (await promotion(sale)).spent_amount == ZERO
        third = await actions.place_order(town.max, order_of(town, "D-1", ("LAMP-1", 2)))
        assert third.total == D("180.00")
        assert await clean()


async def test_a_budget_that_only_warns_goes_on(town: Cast) -> None:
    async with scope(town.tenant):
        sale = await add_promotion(
            town.olena, promo(town, "10", budget_amount=D(50), at_budget="warn")
        )
        await actions.place_order(town.max, order_of(town, "D-1", ("LAMP-1", 9)))
        found = await promotion(sale)
        assert found.spent_amount == D(90)
        assert found.state(town.tenant.today()) == "spent"


async def test_a_closed_order_keeps_what_was_shipped_and_gives_the_rest_back(town: Cast) -> None:
    async with scope(town.tenant):
        sale = await add_promotion(town.olena, promo(town, "10", budget_amount=D(500)))
        placed = await actions.place_order(town.max, order_of(town, "D-1", ("LAMP-1", 10)))
        line = (await order_lines(placed.id))[0]
        from dilo.orders.commands import LineAsked

        await actions.dispatch_order(
            town.ivan, Dispatch(order_id=placed.id, key="k", lines=[LineAsked(line.id, D(4))])
        )
        await actions.close_order(town.max, placed.id, "x")
        assert (await promotion(sale)).spent_amount == D("40.00")
        assert await clean()


async def test_a_draft_that_is_edited_is_promoted_anew(town: Cast) -> None:
    async with scope(town.tenant):
        sale = await add_promotion(town.olena, promo(town, "10"))
        placed = await actions.place_order(
            town.max, order_of(town, "D-1", ("LAMP-1", 10), submit=False)
        )
        await actions.edit_draft(
            town.max, placed.id, 1, [LineInput("LAMP-1", D(2))], comment=None, ship_on=None
        )
        assert (await promotion(sale)).spent_amount == D("20.00")
        assert (await order_head(placed.id)).total == D("180.00")
        assert await clean()


async def test_a_promotion_below_the_floor_is_stopped_by_the_gate(town: Cast) -> None:
    async with scope(town.tenant):
        await db.execute(
            "INSERT INTO price_floor (product_id, currency, floor) VALUES (:p, 'UAH', 95)",
            p=town.products["LAMP-1"],
        )
        await add_promotion(town.olena, promo(town, "7"))
        placed = await actions.place_order(town.max, order_of(town, "D-1", ("LAMP-1", 1)))
        assert placed.state == "on_hold"
        assert [v.gate for v in placed.verdicts if not v.passed] == ["PRICE_FLOOR"]


async def test_fifty_at_once_use_a_one_use_coupon_once(town: Cast) -> None:
    """Attack 21."""
    async with scope(town.tenant):
        await add_coupon(town.olena, coupon(town, "amount", "50", most_uses=1))
        for n in range(50):
            await add_party(town, f"C-{n}", f"C{n}", limit=D(9999))

    async def one(n: int) -> str:
        try:
            async with scope(town.tenant):
                placed = await actions.place_order(
                    town.max, order_of(town, f"C-{n}", ("LAMP-1", 1), coupon="save")
                )
                return str(placed.total)
        except Refusal as refusal:
            return refusal.code

    ended = await asyncio.gather(*(one(n) for n in range(50)))
    assert sorted(ended) == ["50.00", *["COUPON_USED"] * 49]
    async with scope(town.tenant):
        assert await clean()


async def test_twenty_racing_for_a_budget_never_exceed_it(town: Cast) -> None:
    async with scope(town.tenant):
        sale = await add_promotion(town.olena, promo(town, "10", budget_amount=D(55)))
        for n in range(20):
            await add_party(town, f"C-{n}", f"C{n}", limit=D(9999))

    async def one(n: int) -> str:
        try:
            async with scope(town.tenant):
                order = order_of(town, f"C-{n}", ("LAMP-1", 1))
                return str((await actions.place_order(town.max, order)).total)
        except Refusal as refusal:
            return refusal.code

    ended = await asyncio.gather(*(one(n) for n in range(20)))
    assert ended.count("90.00") <= 5
    assert set(ended) <= {"90.00", "100.00", "PROMOTION_SPENT"}
    async with scope(town.tenant):
        assert (await promotion(sale)).spent_amount == 10 * ended.count("90.00")
        assert await clean()


@pytest.mark.parametrize(
    ("form", "code"),
    [
        ({"minimum_amount": D(500)}, "COUPON_TOO_SMALL"),
        ({"kind": "percent", "value": D(3)}, "COUPON_NOT_BETTER"),
        ({"kind": "delivery"}, "COUPON_NOTHING"),
    ],
)
async def test_a_coupon_that_gives_nothing_says_why(
    town: Cast, form: dict[str, Any], code: str
) -> None:
    async with scope(town.tenant):
        await add_promotion(town.olena, promo(town, "7"))
        await add_coupon(
            town.olena,
            CouponForm(
                "SAVE",
                **({"kind": "percent", "value": D(50)} | form),
                starts_on=town.tenant.today(),
            ),
        )
        with pytest.raises(Refusal, match=code):
            await actions.place_order(town.max, order_of(town, "D-1", ("LAMP-1", 1), coupon="SAVE"))


async def test_a_coupon_is_used_once_per_buyer_and_free_delivery_is_free(town: Cast) -> None:
    async with scope(town.tenant):
        await add_coupon(town.olena, coupon(town, "delivery", "0", most_per_buyer=1))
        order = order_of(town, "D-1", ("LAMP-1", 1), ("DELIVERY", 1), coupon="SAVE")
        assert (await actions.place_order(town.max, order)).total == D(100)
        with pytest.raises(Refusal, match="COUPON_USED"):
            async with db.savepoint():
                await actions.place_order(
                    town.max, order_of(town, "D-1", ("LAMP-1", 1), ("DELIVERY", 1), coupon="SAVE")
                )
        assert await clean()


async def test_a_rival_reaches_neither_promotion_nor_coupon(town: Cast, rival: Cast) -> None:
    async with scope(town.tenant):
        sale = await add_promotion(town.olena, promo(town, "50"))
        await add_coupon(town.olena, coupon(town, "percent", "50"))
        with pytest.raises(Forbidden):
            await add_promotion(town.max, promo(town, "50"))
    async with scope(rival.tenant):
        with pytest.raises(NotFound):
            await end_promotion(rival.olena, sale)
        with pytest.raises(Refusal, match="COUPON_UNKNOWN"):
            await actions.place_order(
                rival.max, order_of(rival, "D-1", ("LAMP-1", 1), coupon="SAVE")
            )
        placed = await actions.place_order(rival.max, order_of(rival, "D-1", ("LAMP-1", 1)))
        assert placed.total == D(100)


async def test_the_office_sets_up_a_promotion_and_sees_what_it_brought(town: Cast) -> None:
    async with staff(town) as olena:
        day = town.tenant.today().isoformat()
        bad = await olena.post(
            "/office/promotions",
            {"name": "Осінь", "kind": "percent", "value": "140", "starts_on": day},
        )
        assert bad.status_code == 422
        form = {"name": "<b>Осінь</b>", "kind": "percent", "value": "10", "starts_on": day}
        assert (await olena.post("/office/promotions", form)).status_code == 303
        made = await olena.post("/office/coupons", {"value": "5", "starts_on": day})
        assert made.status_code == 303
        async with scope(town.tenant):
            await actions.place_order(town.max, order_of(town, "D-1", ("LAMP-1", 10)))
            sale = await db.value("SELECT id FROM promotion")
        page = await olena.get("/office/promotions")
        assert "&lt;b&gt;Осінь&lt;/b&gt;" in page.text  # attack 31
        assert "<b>Осінь</b>" not in page.text
        shown = await olena.get(f"/office/promotions/{sale}")
        assert "SO-000001" in shown.text
        assert (await olena.post(f"/office/promotions/{sale}/ending")).status_code == 303


money = st.decimals("0.01", "5000", places=2)
offer = st.builds(
    Offer,
    id=st.builds(uuid4),
    name=st.just("x"),
    kind=st.sampled_from(["percent", "price"]),
    value=st.decimals("0", "100", places=2),
    stackable=st.booleans(),
    left=st.none() | money,
)
lines = st.lists(
    st.builds(Reduced, quantity=st.decimals("0.01", "50", places=2), list_amount=money),
    min_size=1,
    max_size=5,
)


@settings(max_examples=60, deadline=None)
@given(lines, st.lists(offer, max_size=4))
def test_a_line_never_costs_more_nor_less_than_nothing_and_budgets_hold(
    asked: list[Reduced], open_offers: list[Offer]
) -> None:
    found = promoted(asked, [open_offers] * len(asked))
    spent = {one.id: ZERO for one in open_offers}
    for before, after in zip(asked, found, strict=True):
        assert 0 <= after.amount <= before.amount
        assert after.price * after.quantity <= after.amount
        assert after.list_amount - after.amount == sum((g.amount for g in after.given), ZERO)
        for one in after.given:
            spent[one.promotion_id] += one.amount  # type: ignore[index]
    assert all(one.left is None or spent[one.id] <= one.left for one in open_offers)


@settings(max_examples=60, deadline=None)
@given(lines, st.sampled_from(["percent", "amount"]), st.decimals("0.01", "100", places=2))
def test_the_shares_of_a_coupon_add_up_to_it(asked: list[Reduced], kind: str, value: D) -> None:
    terms = CouponTerms(uuid4(), "X", kind, value, ZERO, True)
    found = apply_coupon(asked, asked, terms)
    goods = sum((line.amount for line in asked), ZERO)
    cut = goods - sum((line.amount for line in found), ZERO)
    wanted = (goods * value / 100) if kind == "percent" else min(value, goods)
    assert abs(cut - wanted) <= D("0.005")
    assert all(line.amount >= 0 for line in found)

"""A coupon in a buyer's cart: one rule for the portal, the shop and the chat."""

from decimal import Decimal as D

import pytest
from browsing import client_of
from town import Cast

from dilo.kit import db
from dilo.kit.errors import Refusal
from dilo.orders import cart, coupons
from dilo.promotions.actions import CouponForm, add_coupon, end_coupon
from tenants.scope import scope


async def with_coupon(town: Cast, **more: object) -> object:
    await cart.put(town.petro, town.products["LAMP-1"], D(2))
    form = CouponForm("TEN", "percent", D(10), town.tenant.today(), **more)  # type: ignore[arg-type]
    made = await add_coupon(town.olena, form)
    await coupons.apply_coupon(town.petro, " ten ")
    return made


async def test_a_coupon_lowers_the_cart_and_the_order_and_is_used_up(town: Cast) -> None:
    async with scope(town.tenant):
        await with_coupon(town)
        looked = await cart.look(town.petro)
        assert (looked.coupon, looked.coupon_problem) == ("TEN", None)
        full = sum(line.list_amount for line in looked.lines)
        assert looked.total == round(full * D("0.9"), 2)
        placed = await cart.check_out(town.petro, "c1", "portal", digest=looked.digest)
        assert placed.total == looked.total
        assert await db.value("SELECT uses FROM coupon") == 1
        assert await coupons.coupon_of(town.petro) is None


async def test_a_coupon_that_ends_is_told_and_the_order_goes_without_it(town: Cast) -> None:
    async with scope(town.tenant):
        made = await with_coupon(town)
        await end_coupon(town.olena, made)  # type: ignore[arg-type]
        looked = await cart.look(town.petro)
        assert looked.coupon_problem is not None
        assert looked.coupon_problem.code == "COUPON_UNKNOWN"
        assert looked.total == sum(line.list_amount for line in looked.lines)
        placed = await cart.check_out(town.petro, "c2", "telegram")
        assert placed.total == looked.total


async def test_the_price_shown_with_a_coupon_is_not_charged_without_it(town: Cast) -> None:
    async with scope(town.tenant):
        made = await with_coupon(town)
        shown = await cart.look(town.petro)
        await end_coupon(town.olena, made)  # type: ignore[arg-type]
        with pytest.raises(Refusal, match="PRICES_CHANGED"):
            await cart.check_out(town.petro, "c3", "portal", digest=shown.digest)


async def test_the_portal_takes_a_coupon_says_why_not_and_gives_it_up(
    town: Cast, rival: Cast
) -> None:
    async with scope(rival.tenant):
        await add_coupon(rival.olena, CouponForm("THEIRS", "percent", D(50), rival.tenant.today()))
    async with scope(town.tenant):
        await with_coupon(town, minimum_amount=D(100_000))
    async with client_of(town) as petro:
        page = await petro.open("/cart")
        assert "TEN" in page.text
        assert "100" in page.text.split("TEN", 1)[1][:900]  # the least sum it asks for
        await petro.post("/cart/coupon", {"coupon": ""})
        assert 'id="f-coupon"' in (await petro.get("/cart")).text
        told = await petro.post("/cart/coupon", {"coupon": "THEIRS"})
        assert told.status_code == 303
    async with scope(town.tenant):
        assert await db.value("SELECT count(*) FROM cart_coupon") == 0


async def test_codes_are_not_guessed(town: Cast) -> None:
    async with client_of(town) as petro:
        answers = [
            (await petro.post("/cart/coupon", {"coupon": f"X{n}"})).status_code for n in range(21)
        ]
    assert answers[-1] == 429
    assert set(answers[:-1]) == {303}

"""Ids of promotions and coupons."""

from decimal import Decimal
from typing import Any

from town import Cast

from dilo.promotions.actions import CouponForm, PromotionForm, add_coupon, add_promotion

WATCHED = ("promotion", "coupon", "coupon_use", "promotion_accrual")


async def ids_of(town: Cast) -> dict[str, Any]:
    day = town.tenant.today()
    return {
        "promotion_id": await add_promotion(
            town.olena, PromotionForm("x", "percent", Decimal(5), day, segment="nobody")
        ),
        "coupon_id": await add_coupon(town.olena, CouponForm("X", "percent", Decimal(5), day)),
    }

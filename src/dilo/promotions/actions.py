"""Beginning and ending promotions and coupons."""

import secrets
from datetime import date
from decimal import Decimal
from typing import Annotated, Literal
from uuid import UUID

import asyncpg
import msgspec

from dilo.kit import db
from dilo.kit.errors import NotFound, Refusal
from dilo.kit.money import AMOUNT_MAX
from tenants import audit
from tenants.actors import Actor

CODE_SIGNS = "ABCDEFGHJKMNPQRSTUVWXYZ23456789"  # none that are taken for another
PROMOTION = """
INSERT INTO promotion (name, kind, value, starts_on, ends_on, category_id, product_id, segment,
  budget_amount, at_budget, stackable, made_by)
VALUES (:name, :kind, :value, :starts_on, :ends_on, :category_id,
  (SELECT id FROM product WHERE lower(code) = lower(:product)), :segment, :budget_amount,
  :at_budget, :stackable, :by)
RETURNING id, product_id
"""
COUPON = """
INSERT INTO coupon (code, kind, value, minimum_amount, starts_on, ends_on, most_uses,
  most_per_buyer, stackable, made_by)
VALUES (:code, :kind, :value, :minimum_amount, :starts_on, :ends_on, :most_uses, :most_per_buyer,
  :stackable, :by)
RETURNING id
"""
END = "UPDATE promotion SET ended_at = now() WHERE id = :id AND ended_at IS NULL"
END_COUPON = "UPDATE coupon SET ended_at = now() WHERE id = :id AND ended_at IS NULL"


class PromotionForm(msgspec.Struct):
    """``product`` is a code. Without category and product: all goods; without segment: everyone."""

    name: Annotated[str, msgspec.Meta(max_length=120)]
    kind: Literal["percent", "price"]
    value: Decimal
    starts_on: date
    ends_on: date | None = None
    category_id: UUID | None = None
    product: Annotated[str, msgspec.Meta(max_length=80)] | None = None
    segment: Annotated[str, msgspec.Meta(max_length=80)] | None = None
    budget_amount: Decimal | None = None
    at_budget: Literal["stop", "warn"] = "stop"
    stackable: Literal["on", ""] = ""


class CouponForm(msgspec.Struct):
    """Without a code one is made up."""

    code: Annotated[str, msgspec.Meta(max_length=40)] | None = None
    kind: Literal["percent", "amount", "delivery"] = "percent"
    value: Decimal = Decimal(0)
    starts_on: date | None = None
    ends_on: date | None = None
    minimum_amount: Decimal = Decimal(0)
    most_uses: Annotated[int, msgspec.Meta(ge=1, le=10**6)] | None = None
    most_per_buyer: Annotated[int, msgspec.Meta(ge=1, le=1000)] | None = None
    stackable: Literal["on", ""] = ""


def _checked(kind: str, value: Decimal, starts_on: date, ends_on: date | None) -> None:
    if not value.is_finite() or value < 0 or value >= AMOUNT_MAX:
        raise Refusal("AMOUNT_BAD", status=422)
    if kind == "percent" and not 0 < value <= 100:
        raise Refusal("PERCENT_BAD", status=422)
    if ends_on and ends_on < starts_on:
        raise Refusal("DATES_BAD", status=422)


def _amount(amount: Decimal | None) -> None:
    if amount is not None and (not amount.is_finite() or not 0 <= amount < AMOUNT_MAX):
        raise Refusal("AMOUNT_BAD", status=422)


async def add_promotion(actor: Actor, form: PromotionForm) -> UUID:
    """Raises FORBIDDEN, AMOUNT_BAD, PERCENT_BAD, DATES_BAD, NOT_FOUND, UNKNOWN_PRODUCTS."""
    actor.require("promotions.edit")
    _checked(form.kind, form.value, form.starts_on, form.ends_on)
    _amount(form.budget_amount)
    fields = msgspec.structs.asdict(form) | {"stackable": form.stackable == "on"}
    try:
        async with db.savepoint():
            made = await db.one(PROMOTION, **fields, by=actor.name)
            if form.product and made["product_id"] is None:
                raise Refusal("UNKNOWN_PRODUCTS", status=422, codes=form.product)
    except asyncpg.ForeignKeyViolationError:
        raise NotFound from None
    await audit.note(
        actor,
        "promotions.begin",
        "promotion",
        made["id"],
        after={"name": form.name, "kind": form.kind, "value": str(form.value)},
    )
    return made["id"]


async def end_promotion(actor: Actor, promotion_id: UUID) -> None:
    """Raises FORBIDDEN, NOT_FOUND. Orders that have it keep it."""
    actor.require("promotions.edit")
    if not await db.execute(END, id=promotion_id):
        raise NotFound
    await audit.note(actor, "promotions.end", "promotion", promotion_id)


async def add_coupon(actor: Actor, form: CouponForm) -> UUID:
    """Raises FORBIDDEN, AMOUNT_BAD, PERCENT_BAD, DATES_BAD, CODE_TAKEN."""
    actor.require("promotions.edit")
    if form.starts_on is None:
        raise Refusal("DATES_BAD", status=422)
    _checked(form.kind, form.value, form.starts_on, form.ends_on)
    _amount(form.minimum_amount)
    code = (form.code or "".join(secrets.choice(CODE_SIGNS) for _ in range(10))).strip().upper()
    fields = msgspec.structs.asdict(form) | {"stackable": form.stackable == "on", "code": code}
    try:
        async with db.savepoint():
            made = await db.value(COUPON, **fields, by=actor.name)
    except asyncpg.UniqueViolationError:
        raise Refusal("CODE_TAKEN", status=422, code=code) from None
    await audit.note(actor, "promotions.coupon", "coupon", made, after={"code": code})
    return made


async def end_coupon(actor: Actor, coupon_id: UUID) -> None:
    """Raises FORBIDDEN, NOT_FOUND."""
    actor.require("promotions.edit")
    if not await db.execute(END_COUPON, id=coupon_id):
        raise NotFound
    await audit.note(actor, "promotions.coupon_end", "coupon", coupon_id)

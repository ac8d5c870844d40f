"""Promotions and coupons in the office: what runs, what it has cost, what it has brought."""

from typing import Any
from uuid import UUID

from litestar import Request, Response, get, post

from dilo.catalogue.queries import categories
from dilo.kit import i18n, web
from dilo.kit.errors import Refusal
from dilo.kit.visit import visit
from dilo.parties.queries import segments
from dilo.people.roles import may
from dilo.promotions import actions, queries
from dilo.promotions.actions import CouponForm, PromotionForm
from tenants.scope import current_tenant

Req = Request[Any, Any, Any]
READ, EDIT = may("promotions.read"), may("promotions.edit")


@get("/office/promotions", opt=READ)
async def index() -> Response[str]:
    return await _index(web.EMPTY, web.EMPTY)


async def _index(
    form: web.Filled[Any], coupon: web.Filled[Any], status: int = 200
) -> Response[str]:
    return web.page(
        "promotions/index.html",
        status=status,
        form=form,
        coupon_form=coupon,
        today=current_tenant().today(),
        promotions=await queries.promotions(),
        coupons=await queries.coupons(),
        brought=await queries.results("promotion"),
        by_coupon=await queries.results("coupon"),
        categories=await categories(),
        segments=await segments(),
        currency=current_tenant().currency,
    )


@post("/office/promotions", opt=EDIT, status_code=200)
async def create(request: Req) -> Response[Any]:
    form = await web.read_form(PromotionForm, request)
    if form.input is None:
        return await _index(form, web.EMPTY, 422)
    try:
        await actions.add_promotion(visit().actor, form.input)
    except Refusal as refusal:
        form.errors["_"] = i18n.say(f"refusal:{refusal.code}", **refusal.figures)
        return await _index(form, web.EMPTY, 422)
    return web.done("/office/promotions", "flash:promotion_begun")


@get("/office/promotions/{promotion_id:uuid}", opt=READ)
async def show(promotion_id: UUID) -> Response[str]:
    today = current_tenant().today()
    return web.page(
        "promotions/show.html",
        promotion=await queries.promotion(promotion_id),
        today=today,
        brought=(await queries.results("promotion")).get(promotion_id),
        baseline=await queries.baseline(promotion_id, today),
        accrued=await queries.accrued(promotion_id),
        currency=current_tenant().currency,
    )


@post("/office/promotions/{promotion_id:uuid}/ending", opt=EDIT, status_code=200)
async def end(promotion_id: UUID) -> Response[Any]:
    await actions.end_promotion(visit().actor, promotion_id)
    return web.done("/office/promotions")


@post("/office/coupons", opt=EDIT, status_code=200)
async def coupon_create(request: Req) -> Response[Any]:
    form = await web.read_form(CouponForm, request)
    if form.input is None:
        return await _index(web.EMPTY, form, 422)
    try:
        await actions.add_coupon(visit().actor, form.input)
    except Refusal as refusal:
        form.errors["_"] = i18n.say(f"refusal:{refusal.code}", **refusal.figures)
        return await _index(web.EMPTY, form, 422)
    return web.done("/office/promotions#coupons", "flash:coupon_made")


@post("/office/coupons/{coupon_id:uuid}/ending", opt=EDIT, status_code=200)
async def coupon_end(coupon_id: UUID) -> Response[Any]:
    await actions.end_coupon(visit().actor, coupon_id)
    return web.done("/office/promotions#coupons")


routes = [index, create, show, end, coupon_create, coupon_end]

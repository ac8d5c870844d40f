"""Putting aside, paying: basket, coupon, checkout, the order by its link."""

import secrets
from decimal import Decimal
from typing import Any, Literal
from uuid import UUID

import msgspec
from litestar import Response, get, post

from dilo.catalogue.stock_view import stock_policy
from dilo.kit import web
from dilo.kit.errors import NotFound, Refusal
from dilo.kit.visit import visit
from dilo.storefront import baskets, checkout, goods, reviews
from dilo.storefront.checkout import CheckoutForm, ShopOrder
from dilo.storefront.reviews import LinkReviewForm
from portal.shop.frame import (
    ANYONE,
    BY_LINK,
    Frame,
    Req,
    by_link,
    enter,
    keep_guest,
    only_so_often,
    show,
    with_basket,
)
from portal.shop.paying import payment_of, takes_cards

TRIES_MAX = 20


class LineForm(msgspec.Struct):
    product: UUID
    quantity: Decimal = Decimal(1)
    set: Literal["1", ""] = ""


class CouponForm(msgspec.Struct):
    coupon: str = ""


class WishForm(msgspec.Struct):
    product: UUID
    wanted: Literal["1", "0"] = "1"


@get("/{lang:str}/cart", opt=ANYONE)
async def cart_show(request: Req, lang: str) -> Response[str]:
    frame = await enter(request, lang)
    return await _cart(frame)


async def _cart(frame: Frame, **more: Any) -> Response[str]:
    basket = await baskets.look(frame.shop, frame.owner)
    ids = [UUID(line.product) for line in basket.asked]
    cards = {str(card.id): card for card in await goods.cards(frame.shop, ids)}
    policy = await stock_policy(frame.shop.terms.party_id)
    return show(
        "cart",
        basket=basket,
        cards=cards,
        stock_told=policy.view == "exact",
        noindex=True,
        **more,
    )


@post("/{lang:str}/cart/lines", opt=ANYONE, status_code=200)
async def line_create(request: Req, lang: str) -> Response[Any]:
    frame = await enter(request, lang)
    form = await web.read_form(LineForm, request)
    if form.input is None:
        raise Refusal("QUANTITY_BAD", status=422, product="")
    wish = form.input
    frame = await with_basket(frame)
    await baskets.put(frame.shop, frame.owner, wish.product, wish.quantity, add=not wish.set)
    if not wish.set:
        web.flash("success", "flash:in_cart")
    cart = frame.shop.href("/cart")
    return keep_guest(frame, web.redirect(cart if wish.set else web.came_from(request, cart)))


@post("/{lang:str}/cart/coupon", opt=ANYONE, status_code=200)
async def coupon_update(request: Req, lang: str) -> Response[Any]:
    """Codes are not for guessing: a few tries, then a pause."""
    frame = await with_basket(await enter(request, lang))
    form = await web.read_form(CouponForm, request)
    code = form.input.coupon.strip() if form.input else ""
    if not code:
        await baskets.drop_coupon(frame.owner)
    else:
        await only_so_often(request, "coupon", TRIES_MAX, str(frame.owner.key))
        try:
            await baskets.use_coupon(frame.owner, code)
        except Refusal as refusal:
            web.flash_refusal(refusal)
    return keep_guest(frame, web.redirect(frame.shop.href("/cart")))


@get("/{lang:str}/checkout", opt=ANYONE)
async def checkout_new(request: Req, lang: str) -> Response[Any]:
    frame = await enter(request, lang)
    return await _checkout(frame, web.Filled(values=_known(frame)))


def _known(frame: Frame) -> dict[str, str]:
    chosen, person = frame.shop.choices, frame.owner.actor
    return {
        "name": person.name if person else "",
        "delivery": "delivery" if chosen.delivery else "pickup",
        "payment": "card" if chosen.card else "invoice",
    }


async def _checkout(frame: Frame, form: web.Filled[Any], status: int = 200) -> Response[Any]:
    way = form.values.get("delivery") or "pickup"
    chosen = visit().query.get("delivery")
    if status == 200 and chosen in ("pickup", "delivery"):
        way = form.values["delivery"] = chosen
    basket = await baskets.look(
        frame.shop, frame.owner, checkout.delivery_lines(frame.shop, str(way))
    )
    if not basket.lines:
        return web.redirect(frame.shop.href("/cart"))
    return show(
        "checkout",
        status=status,
        form=form,
        basket=basket,
        way=way,
        cards_taken=bool(frame.shop.choices.card) and await takes_cards(),
        key=form.values.get("key") or secrets.token_urlsafe(24),
        noindex=True,
    )


@post("/{lang:str}/checkout", opt=ANYONE, status_code=200)
async def checkout_create(request: Req, lang: str) -> Response[Any]:
    frame = await enter(request, lang)
    if frame.shop.is_preview:
        raise Refusal("SHOP_SHUT")
    form = await web.read_form(CheckoutForm, request)
    if form.input is None:
        return await _checkout(frame, form, 422)
    await only_so_often(request, "checkout", TRIES_MAX, str(frame.owner.key))
    with form.refusals(PHONE_BAD="phone", EMAIL_BAD="email", ADDRESS_MISSING="address"):
        await checkout.check_out(frame.shop, frame.owner, form.input)
    if form.errors:
        return await _checkout(frame, form, 422)
    link = frame.shop.href(f"/order/{form.input.key}")
    if form.input.payment == "card":
        order = await checkout.order_of_token(form.input.key)
        if order.awaits_money:
            return web.redirect(await payment_of(order, link))
    return web.redirect(link)


@get("/{lang:str}/order/{order_token:str}", opt=BY_LINK)
async def order_show(request: Req, lang: str, order_token: str) -> Response[str]:
    async with by_link(request, lang) as frame:
        order = await checkout.order_of_token(order_token)
        return await order_page(frame, order, frame.shop.href(f"/order/{order_token}"))


@post("/{lang:str}/order/{order_token:str}/reviews", opt=BY_LINK, status_code=200)
async def order_review_create(request: Req, lang: str, order_token: str) -> Response[Any]:
    async with by_link(request, lang) as frame:
        order = await checkout.order_of_token(order_token)
        form = await web.read_form(LinkReviewForm, request)
        if form.input is None:
            raise Refusal("STARS_MISSING", status=422)
        await reviews.write_by_link(frame.shop, order, form.input)
        return web.done(frame.shop.href(f"/order/{order_token}"), "flash:review_taken")


async def order_page(frame: Frame, order: ShopOrder, link: str) -> Response[str]:
    payable = order.awaits_money and bool(frame.shop.choices.card) and await takes_cards()
    return show(
        "order",
        order=order,
        head=order.head,
        link=link,
        payable=payable,
        speakable=set(await reviews.sent_goods(order.order_id)) if link else set(),
        noindex=True,
    )


@post("/{lang:str}/order/{order_token:str}/payment", opt=BY_LINK, status_code=200)
async def payment_create(request: Req, lang: str, order_token: str) -> Response[Any]:
    async with by_link(request, lang) as frame:
        order = await checkout.order_of_token(order_token)
        if not order.awaits_money:
            raise Refusal("WRONG_STATE", number=order.head.number, state=order.head.state)
        return web.redirect(await payment_of(order, frame.shop.href(f"/order/{order_token}")))


@get("/{lang:str}/wishes", opt=ANYONE)
async def wishes_show(request: Req, lang: str) -> Response[str]:
    frame = await enter(request, lang)
    cards = await goods.cards(frame.shop, await baskets.wishes(frame.owner))
    return show("wishes", cards=cards, noindex=True)


@post("/{lang:str}/wishes", opt=ANYONE, status_code=200)
async def wish_update(request: Req, lang: str) -> Response[Any]:
    frame = await with_basket(await enter(request, lang))
    form = await web.read_form(WishForm, request)
    if form.input is None:
        raise NotFound
    await baskets.wish(frame.shop, frame.owner, form.input.product, form.input.wanted == "1")
    return keep_guest(frame, web.redirect(web.came_from(request, frame.shop.href("/wishes"))))


routes = [
    cart_show,
    line_create,
    coupon_update,
    checkout_new,
    checkout_create,
    order_show,
    order_review_create,
    payment_create,
    wishes_show,
    wish_update,
]

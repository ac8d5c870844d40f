"""People of the shop: registering, own orders, reviews; what they agreed to, what they may ask."""

import io
import zipfile
from collections.abc import Awaitable, Callable
from typing import Any, Literal
from uuid import UUID

import msgspec
from litestar import Response, get, post

from dilo.kit import i18n, web
from dilo.kit.errors import Invalid
from dilo.kit.visit import visit
from dilo.people.pages import set_session_cookie
from dilo.storefront import checkout, privacy, reviews, shoppers
from dilo.storefront.privacy import DataForm
from dilo.storefront.reviews import ReviewForm
from dilo.storefront.shop import Shop
from dilo.storefront.shoppers import RegisterForm
from portal.access import COOKIE as SESSION
from portal.shop.browsing import card_of, product_page
from portal.shop.buying import order_page
from portal.shop.frame import (
    ANYONE,
    BY_LINK,
    CONSENT,
    Frame,
    Req,
    bring_basket,
    by_link,
    enter,
    only_so_often,
    show,
)
from tenants.sessions import open_session

TRIES_MAX = 10
HALF_A_YEAR = 180 * 86_400


class ConsentForm(msgspec.Struct):
    choice: Literal["necessary", "all"]


async def _asked(
    request: Req,
    lang: str,
    name: str,
    shape: type[Any],
    deed: Callable[[Shop, Any], Awaitable[Any]],
) -> Response[str]:
    """A form of a stranger, answered by a letter: the page says so, or what is wrong with it."""
    frame = await enter(request, lang)
    form = await web.read_form(shape, request)
    form.values.pop("password", None)
    await only_so_often(request, f"shop-{name}", TRIES_MAX)
    with form.refusals():
        if form.input is not None:
            await deed(frame.shop, form.input)
    if form.errors:
        return show(name, 422, form=form, done=False, noindex=True)
    return show(name, form=web.EMPTY, done=True, noindex=True)


@get("/{lang:str}/register", opt=ANYONE)
async def register_new(request: Req, lang: str) -> Response[str]:
    await enter(request, lang)
    return show("register", form=web.EMPTY, done=False, noindex=True)


@post("/{lang:str}/register", opt=ANYONE, status_code=200)
async def register_create(request: Req, lang: str) -> Response[str]:
    return await _asked(request, lang, "register", RegisterForm, shoppers.register)


@get("/{lang:str}/register/{shop_token:str}", opt=BY_LINK)
async def confirmation_new(request: Req, lang: str, shop_token: str) -> Response[str]:
    """A button, so that a mail scanner that opens links confirms nothing."""
    async with by_link(request, lang) as frame:
        action = frame.shop.href(f"/register/{shop_token}")
        return show("confirm", action=action, about="register", noindex=True)


@post("/{lang:str}/register/{shop_token:str}", opt=BY_LINK, status_code=200)
async def confirmation_create(request: Req, lang: str, shop_token: str) -> Response[Any]:
    async with by_link(request, lang) as frame:
        identity = await shoppers.confirm(frame.shop, shop_token)
        session = await open_session("portal", identity, request.headers.get("user-agent", ""))
        web.flash("success", "flash:welcome")
        response = web.redirect(frame.shop.href("/account"))
        set_session_cookie(response, SESSION, session, "/", frame.secure)
        await bring_basket(request, response, session)
        return response


@get("/{lang:str}/account", opt={"verb": "signed-in"})
async def account_show(request: Req, lang: str) -> Response[str]:
    frame = await enter(request, lang)
    return show(
        "account", orders=await checkout.orders_of(visit().actor), frame=frame, noindex=True
    )


@get("/{lang:str}/account/orders/{shop_order_id:uuid}", opt={"verb": "signed-in"})
async def account_order(request: Req, lang: str, shop_order_id: UUID) -> Response[str]:
    frame = await enter(request, lang)
    order = await checkout.order_of_person(visit().actor, shop_order_id)
    return await order_page(frame, order, "")


@post("/{lang:str}/p/{slug:str}/reviews", opt={"verb": "signed-in"}, status_code=200)
async def review_create(request: Req, lang: str, slug: str) -> Response[Any]:
    frame = await enter(request, lang)
    card = await card_of(frame, slug)
    if isinstance(card, str):
        return web.redirect(card)
    form = await web.read_form(ReviewForm, request)
    if form.input is None:
        form.errors["_"] = i18n.say("refusal:STARS_MISSING")
        visit().extras["rollback"] = True
        return await product_page(frame, card, form=form)
    await reviews.write_review(frame.shop, visit().actor, card.id, form.input)
    return web.done(frame.shop.href(f"/p/{slug}"), "flash:review_taken")


@get("/{lang:str}/privacy", opt=ANYONE)
async def privacy_show(request: Req, lang: str) -> Response[str]:
    await enter(request, lang)
    return show("privacy")


@post("/{lang:str}/consent", opt=ANYONE, status_code=200)
async def consent_create(request: Req, lang: str) -> Response[Any]:
    frame = await enter(request, lang)
    form = await web.read_form(ConsentForm, request)
    if form.input is None:
        raise Invalid(form.errors)
    await only_so_often(request, "shop-consent", TRIES_MAX)
    proof = await privacy.agree(frame.shop, form.input.choice, i18n.say("shop:cookies"))
    response = web.redirect(web.came_from(request, frame.shop.href()))
    response.set_cookie(
        CONSENT,
        f"{form.input.choice}.{proof}",
        max_age=HALF_A_YEAR,
        httponly=True,
        samesite="lax",
        secure=frame.secure,
        path="/",
    )
    return response


@get("/{lang:str}/my-data", opt=ANYONE)
async def data_new(request: Req, lang: str) -> Response[str]:
    await enter(request, lang)
    return show("my_data", form=web.EMPTY, done=False, noindex=True)


@post("/{lang:str}/my-data", opt=ANYONE, status_code=200)
async def data_create(request: Req, lang: str) -> Response[str]:
    return await _asked(request, lang, "my_data", DataForm, privacy.ask)


@get("/{lang:str}/my-data/{shop_token:str}", opt=BY_LINK)
async def data_confirm_new(request: Req, lang: str, shop_token: str) -> Response[str]:
    async with by_link(request, lang) as frame:
        action = frame.shop.href(f"/my-data/{shop_token}")
        return show("confirm", action=action, about="data", noindex=True)


@post("/{lang:str}/my-data/{shop_token:str}", opt=BY_LINK, status_code=200)
async def data_confirm(request: Req, lang: str, shop_token: str) -> Response[Any]:
    """An export is handed over at once; an erasure goes to the people who answer for it."""
    async with by_link(request, lang) as frame:
        return await _data_handed_over(frame, shop_token)


async def _data_handed_over(frame: Frame, shop_token: str) -> Response[Any]:
    asked = await privacy.confirmed(shop_token)
    if asked["kind"] == "erasure":
        return web.done(frame.shop.href(), "flash:erasure_asked")
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, rows in (await privacy.export(shop_token)).items():
            archive.writestr(
                f"{name}.json", msgspec.json.format(msgspec.json.encode(rows), indent=2)
            )
    headers = {
        "content-disposition": 'attachment; filename="my-data.zip"',
        "cache-control": "no-store",
        "x-content-type-options": "nosniff",
    }
    return Response(packed.getvalue(), media_type="application/zip", headers=headers)


routes = [
    register_new,
    register_create,
    confirmation_new,
    confirmation_create,
    account_show,
    account_order,
    review_create,
    privacy_show,
    consent_create,
    data_new,
    data_create,
    data_confirm_new,
    data_confirm,
]

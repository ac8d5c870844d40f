"""A dealer's public storefront: his name, his prices; the basket travels in a cookie of its own.

Nobody signs in here. What the dealer pays, and to whom, is on none of these pages.
"""

import base64
import contextlib
from decimal import Decimal
from typing import Any
from uuid import UUID

import msgspec
from litestar import Request, Response, get, post
from litestar.response import File

from dilo.catalogue.queries import categories
from dilo.dealers import sales, storefronts
from dilo.dealers.sales import LINES_MAX, QUANTITY_MAX, CheckOutForm
from dilo.dealers.storefronts import Storefront
from dilo.kit import i18n, web
from dilo.kit.errors import NotFound, Refusal
from dilo.kit.ids import uuid_or_none
from dilo.kit.paging import Page, Paging
from dilo.kit.visit import visit
from tenants.sessions import throttled

Req = Request[Any, Any, Any]
ANYONE = {"verb": "anyone"}
SIZE = 24
SALES_A_QUARTER_HOUR = 20
COOKIE = "dilo_basket"


class BasketForm(msgspec.Struct):
    product: UUID
    quantity: Decimal = Decimal(1)
    set: str = ""


def _basket(request: Req, shop: Storefront) -> dict[UUID, Decimal]:
    """What the cookie says, as far as it can be believed: ids and quantities, never a price."""
    with contextlib.suppress(ValueError, msgspec.MsgspecError):
        raw = base64.urlsafe_b64decode(request.cookies.get(COOKIE, "")[:4000].encode())
        kept = msgspec.json.decode(raw, type=dict[str, dict[UUID, Decimal]]).get(shop.slug, {})
        return {
            one: quantity
            for one, quantity in list(kept.items())[:LINES_MAX]
            if quantity.is_finite() and 0 < quantity <= QUANTITY_MAX
        }
    return {}


def _keep(response: Response[Any], shop: Storefront, basket: dict[UUID, Decimal]) -> None:
    packed = msgspec.json.encode({shop.slug: {str(k): str(v) for k, v in basket.items()}})
    response.set_cookie(
        COOKIE,
        base64.urlsafe_b64encode(packed).decode(),
        path=f"/d/{shop.slug}",
        httponly=True,
        samesite="lax",
        max_age=7 * 86400,
    )


@get("/d/{slug:str}", opt=ANYONE)
async def index(request: Req, slug: str) -> Response[str]:
    shop, query = await storefronts.storefront_at(slug), visit().query
    asked = Paging.of(query | {"size": SIZE})
    rows, total = await storefronts.goods(
        shop,
        search=query.get("q", ""),
        category_id=uuid_or_none(query.get("category")),
        number=asked.number,
        size=SIZE,
    )
    hidden = {row["id"] for row in await storefronts.markups_of(shop.id) if row["hidden"]}
    return web.page(
        "portal/shop_index.html",
        block="list",
        shop=shop,
        page=Page(rows, total, asked),
        categories=[c for c in await categories() if c["products"] and c["id"] not in hidden],
        count=len(_basket(request, shop)),
    )


@get("/d/{slug:str}/goods/{product_id:uuid}", opt=ANYONE)
async def good_show(request: Req, slug: str, product_id: UUID) -> Response[str]:
    shop = await storefronts.storefront_at(slug)
    found, _ = await storefronts.goods(shop, products=[product_id])
    if not found:
        raise NotFound
    return web.page(
        "portal/shop_good.html", shop=shop, good=found[0], count=len(_basket(request, shop))
    )


@get("/d/{slug:str}/logo", opt=ANYONE)
async def logo(slug: str) -> File:
    path = storefronts.logo_path(await storefronts.storefront_at(slug))
    return File(
        path,
        media_type="image/jpeg",
        content_disposition_type="inline",
        headers={"x-content-type-options": "nosniff", "cache-control": "public, max-age=3600"},
    )


@get("/d/{slug:str}/basket", opt=ANYONE)
async def basket_show(request: Req, slug: str) -> Response[str]:
    return await _show(request, await storefronts.storefront_at(slug), web.EMPTY)


async def _show(
    request: Req, shop: Storefront, form: web.Filled[Any], status: int = 200
) -> Response[str]:
    lines = await sales.basket_of(shop, list(_basket(request, shop).items()))
    return web.page(
        "portal/shop_basket.html",
        status=status,
        shop=shop,
        lines=lines,
        total=sum((amount for *_, amount in lines), Decimal("0.00")),
        form=form,
        key=form.values.get("key") or sales.new_key(),
        count=len(lines),
    )


@post("/d/{slug:str}/basket", opt=ANYONE, status_code=200)
async def basket_update(request: Req, slug: str) -> Response[Any]:
    shop = await storefronts.storefront_at(slug)
    form = await web.read_form(BasketForm, request)
    if form.input is None or not form.input.quantity.is_finite():
        raise Refusal("QUANTITY_BAD", status=422, product="")
    basket, line = _basket(request, shop), form.input
    quantity = line.quantity if line.set else basket.get(line.product, Decimal(0)) + line.quantity
    if not 0 <= quantity <= QUANTITY_MAX or quantity != round(quantity, 4):
        raise Refusal("QUANTITY_BAD", status=422, product="")
    basket.pop(line.product, None)
    if quantity:
        basket[line.product] = quantity
    if len(basket) > LINES_MAX:
        raise Refusal("TOO_MANY_LINES", status=422, most=LINES_MAX)
    response = web.redirect(f"/d/{shop.slug}/basket" if line.set else f"/d/{shop.slug}")
    _keep(response, shop, basket)
    return response


@post("/d/{slug:str}/sales", opt=ANYONE, status_code=200)
async def sale_create(request: Req, slug: str) -> Response[Any]:
    shop = await storefronts.storefront_at(slug)
    form = await web.read_form(CheckOutForm, request)
    if form.input is None:
        return await _show(request, shop, form, 422)
    address = request.client.host if request.client else ""
    await throttled(visit().tenant, [f"sale:{shop.id}:{address}"], SALES_A_QUARTER_HOUR)
    try:
        _, token = await sales.place_sale(shop, form.input, list(_basket(request, shop).items()))
    except Refusal as refusal:
        form.errors["_"] = i18n.say(f"refusal:{refusal.code}", **refusal.figures)
        return await _show(request, shop, form, 422)
    response = web.redirect(f"/d/{shop.slug}/sales/{token}")
    _keep(response, shop, {})
    return response


@get("/d/{slug:str}/sales/{sale_token:str}", opt=ANYONE)
async def sale_show(slug: str, sale_token: str) -> Response[str]:
    shop = await storefronts.storefront_at(slug)
    sale = await sales.sale_behind(shop, sale_token)
    return web.page(
        "portal/shop_sale.html",
        shop=shop,
        sale=sale,
        lines=await sales.lines_of_sale(sale.id),
        count=0,
    )


routes = [
    index,
    good_show,
    logo,
    basket_show,
    basket_update,
    sale_create,
    sale_show,
]

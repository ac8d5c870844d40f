"""A dealer's public storefront: his name, his prices; the basket travels in a cookie of its own.

Nobody signs in here. What the dealer pays, and to whom, is on none of these pages.
"""

import base64
import contextlib
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from uuid import UUID

import msgspec
from litestar import Request, Response, get, post
from litestar.response import File

from dilo.catalogue.attributes import attributes_of
from dilo.catalogue.media import media_of
from dilo.catalogue.queries import categories
from dilo.dealers import sales, storefronts
from dilo.dealers.sales import LINES_MAX, QUANTITY_MAX, CheckOutForm
from dilo.dealers.storefronts import Good, Storefront
from dilo.kit import i18n, web
from dilo.kit.errors import NotFound, Refusal
from dilo.kit.ids import uuid_or_none
from dilo.kit.paging import Page, Paging
from dilo.kit.visit import visit
from dilo.orders.queries import terms_of
from dilo.storefront.goods import Card
from dilo.storefront.shop import Shop, ShopForm, said
from portal.shop.frame import origin_of
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


@dataclass(frozen=True, slots=True)
class Window(Shop):
    """A dealer's shop in the same pages: one address of a page whatever the language."""

    def href(self, path: str = "", language: str = "") -> str:  # noqa: ARG002
        return f"{self.base}{path}"


async def _enter(request: Req, slug: str) -> Storefront:
    """Sets out what is around the page. Raises NOT_FOUND."""
    shop, here = await storefronts.storefront_at(slug), visit()
    look = ShopForm(name=shop.title, about=shop.about or "", phone=shop.phone or "")
    window = Window(
        shop.title,
        origin_of(request),
        i18n.language(),
        shop.currency,
        look,
        await terms_of(shop.party_id, here.tenant.today()),
        base=f"/d/{shop.slug}",
    )
    here.extras |= {
        "shop": window,
        "logo": shop.logo_key and window.href("/logo"),
        "canonical": window.origin + window.href(),
        "basket_count": len(_basket(request, shop)),
        "said": said,
    }
    return shop


def _card(good: Good) -> Card:
    return Card(
        good.id,
        good.code,
        good.name,
        good.unit,
        good.category_id,
        str(good.id),
        good.available,
        good.picture,
        None,
        0,
        good.price,
        to_order=True,
    )


@get("/d/{slug:str}", opt=ANYONE)
async def index(request: Req, slug: str) -> Response[str]:
    shop, query = await _enter(request, slug), visit().query
    asked = Paging.of(query | {"size": SIZE})
    chosen = uuid_or_none(query.get("category"))
    rows, total = await storefronts.goods(
        shop,
        search=query.get("q", ""),
        category_id=chosen,
        number=asked.number,
        size=SIZE,
    )
    hidden = {row["id"] for row in await storefronts.markups_of(shop.id) if row["hidden"]}
    return web.page(
        "portal/shop_index.html",
        page=Page([_card(row) for row in rows], total, asked),
        categories=[c for c in await categories() if c["products"] and c["id"] not in hidden],
        chosen=chosen,
        words=query.get("q", "").strip()[:100],
    )


@get("/d/{slug:str}/p/{product_id:uuid}", opt=ANYONE)
async def good_show(request: Req, slug: str, product_id: UUID) -> Response[str]:
    shop = await _enter(request, slug)
    found, _ = await storefronts.goods(shop, products=[product_id])
    if not found:
        raise NotFound
    return web.page(
        "portal/shop_good.html",
        card=_card(found[0]),
        good=found[0],
        pictures=[one for one in await media_of(product_id) if one["kind"] == "picture"],
        attributes=(await attributes_of([product_id])).get(product_id, []),
    )


@get("/d/{slug:str}/shop/theme.css", opt=ANYONE)
async def theme(request: Req, slug: str) -> Response[str]:
    await _enter(request, slug)
    headers = {"cache-control": "public, max-age=31536000, immutable"}
    return Response(visit().extras["shop"].styles, media_type="text/css", headers=headers)


@get("/d/{slug:str}/logo", opt=ANYONE)
async def logo(slug: str) -> File:
    path = storefronts.logo_path(await storefronts.storefront_at(slug))
    return File(
        path,
        media_type="image/jpeg",
        content_disposition_type="inline",
        headers={"x-content-type-options": "nosniff", "cache-control": "public, max-age=3600"},
    )


@get("/d/{slug:str}/cart", opt=ANYONE)
async def basket_show(request: Req, slug: str) -> Response[str]:
    return await _show(request, await _enter(request, slug), web.EMPTY)


async def _show(
    request: Req, shop: Storefront, form: web.Filled[Any], status: int = 200
) -> Response[str]:
    lines = await sales.basket_of(shop, list(_basket(request, shop).items()))
    return web.page(
        "portal/shop_basket.html",
        status=status,
        lines=[(_card(good), quantity, amount) for good, quantity, amount in lines],
        total=sum((amount for *_, amount in lines), Decimal("0.00")),
        form=form,
        key=form.values.get("key") or sales.new_key(),
    )


@post("/d/{slug:str}/cart/lines", opt=ANYONE, status_code=200)
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
    cart = f"/d/{shop.slug}/cart"
    if not line.set:
        web.flash("success", "flash:in_cart")
    response = web.redirect(cart if line.set else web.came_from(request, cart))
    _keep(response, shop, basket)
    return response


@post("/d/{slug:str}/sales", opt=ANYONE, status_code=200)
async def sale_create(request: Req, slug: str) -> Response[Any]:
    shop = await _enter(request, slug)
    form = await web.read_form(CheckOutForm, request)
    if form.input is None:
        return await _show(request, shop, form, 422)
    key = f"sale:{shop.id}:{web.came_by(request)[0]}"
    await throttled(visit().tenant, [key], SALES_A_QUARTER_HOUR)
    with form.refusals(PHONE_BAD="phone"):
        _, token = await sales.place_sale(shop, form.input, list(_basket(request, shop).items()))
        response = web.redirect(f"/d/{shop.slug}/sales/{token}")
        _keep(response, shop, {})
        return response
    return await _show(request, shop, form, 422)


@get("/d/{slug:str}/sales/{sale_token:str}", opt=ANYONE)
async def sale_show(request: Req, slug: str, sale_token: str) -> Response[str]:
    shop = await _enter(request, slug)
    sale = await sales.sale_behind(shop, sale_token)
    return web.page(
        "portal/shop_sale.html",
        sale=sale,
        lines=await sales.lines_of_sale(sale.id),
    )


routes = [
    index,
    good_show,
    theme,
    logo,
    basket_show,
    basket_update,
    sale_create,
    sale_show,
]

"""The shop in the office: its look, what it says, reviews to read, requests about data."""

from typing import Any, Literal
from uuid import UUID

from litestar import Request, Response, get, post
from markupsafe import Markup

from dilo.kit import i18n, web
from dilo.kit.errors import Invalid, Refusal
from dilo.kit.paging import Paging
from dilo.kit.visit import visit
from dilo.parties.queries import segments
from dilo.people.roles import may
from dilo.storefront import content, privacy, reviews, shop
from dilo.storefront.content import BannerForm, ItemForm, PageForm
from dilo.storefront.preview import new_preview
from dilo.storefront.privacy import SettleForm
from dilo.storefront.reviews import DecisionForm
from dilo.storefront.rules import markdown
from dilo.storefront.shop import ShopForm
from tenants.scope import current_tenant

Req = Request[Any, Any, Any]
EDIT, PRIVACY = may("shop.edit"), may("shop.privacy")
HOME = "/office/shop"


def _told(form: web.Filled[Any], refusal: Refusal) -> None:
    form.errors["_"] = i18n.say(f"refusal:{refusal.code}", **refusal.figures)


@get("/office/shop", opt=EDIT)
async def index() -> Response[str]:
    return await _index(web.EMPTY)


async def _index(form: web.Filled[Any], status: int = 200) -> Response[str]:
    chosen = await shop.choices()
    return web.page(
        "storefront/index.html",
        status=status,
        form=form,
        chosen=chosen,
        segments=await segments(),
        preview=None if chosen.is_open else f"/shop/preview/{new_preview()}",
        waiting=(await reviews.counts()).get("waiting", 0),
        today=current_tenant().today(),
        **await shop.lists_and_services(),
    )


@post("/office/shop", opt=EDIT, status_code=200)
async def update(request: Req) -> Response[Any]:
    form = await web.read_form(ShopForm, request)
    if form.input is None:
        return await _index(form, 422)
    try:
        darkened = await shop.save_shop(visit().actor, form.input)
    except Refusal as refusal:
        _told(form, refusal)
        return await _index(form, 422)
    if darkened:
        web.flash("info", "flash:colour_darkened", colours=", ".join(darkened))
    return web.done(HOME)


@post("/office/shop/marks/{mark:str}", opt=EDIT, status_code=200)
async def mark_update(request: Req, mark: Literal["logo", "favicon"]) -> Response[Any]:
    body = await _picture(request)
    key = await content.keep_picture(visit().actor, body) if body else ""
    await shop.set_mark(visit().actor, mark, key)
    return web.done(HOME)


async def _picture(request: Req) -> bytes | None:
    sent = (await request.form()).get("picture")
    return (await sent.read() or None) if sent is not None and hasattr(sent, "read") else None


@get("/office/shop/content", opt=EDIT)
async def content_index() -> Response[str]:
    return await _content(web.EMPTY)


async def _content(form: web.Filled[Any], status: int = 200) -> Response[str]:
    return web.page(
        "storefront/content.html",
        status=status,
        form=form,
        pages=await content.pages(),
        banners=await content.banners(),
        menu=await content.menu(),
        said=shop.said,
        blank=web.EMPTY,
        today=current_tenant().today(),
    )


@get("/office/shop/pages/new", opt=EDIT)
async def page_new() -> Response[str]:
    return web.page("storefront/page.html", form=web.EMPTY, page=None)


@get("/office/shop/pages/{shop_page_id:uuid}", opt=EDIT)
async def page_edit(shop_page_id: UUID) -> Response[str]:
    found = await content.page(shop_page_id)
    previews = [
        (code, Markup(markdown(text)))  # noqa: S704 - cleaned by nh3
        for code, text in found.body.items()
    ]
    return web.page("storefront/page.html", form=web.EMPTY, page=found, previews=previews)


async def _save_page(request: Req, page_id: UUID | None) -> Response[Any]:
    form = await web.read_form(PageForm, request)
    found = await content.page(page_id) if page_id else None
    try:
        if form.input is None:
            raise Invalid(form.errors)
        saved = await content.save_page(visit().actor, form.input, page_id)
    except Refusal as refusal:
        _told(form, refusal)
        return web.page("storefront/page.html", status=422, form=form, page=found)
    return web.done(f"{HOME}/pages/{saved}")


@post("/office/shop/pages", opt=EDIT, status_code=200)
async def page_create(request: Req) -> Response[Any]:
    return await _save_page(request, None)


@post("/office/shop/pages/{shop_page_id:uuid}", opt=EDIT, status_code=200)
async def page_update(request: Req, shop_page_id: UUID) -> Response[Any]:
    return await _save_page(request, shop_page_id)


@post("/office/shop/pages/{shop_page_id:uuid}/removal", opt=EDIT, status_code=200)
async def page_destroy(shop_page_id: UUID) -> Response[Any]:
    await content.drop_page(visit().actor, shop_page_id)
    return web.done(f"{HOME}/content")


async def _save_banner(request: Req, banner_id: UUID | None) -> Response[Any]:
    form = await web.read_form(BannerForm, request)
    if form.input is None:
        return await _content(form, 422)
    await content.save_banner(visit().actor, form.input, await _picture(request), banner_id)
    return web.done(f"{HOME}/content#banners")


@post("/office/shop/banners", opt=EDIT, status_code=200)
async def banner_create(request: Req) -> Response[Any]:
    return await _save_banner(request, None)


@post("/office/shop/banners/{banner_id:uuid}", opt=EDIT, status_code=200)
async def banner_update(request: Req, banner_id: UUID) -> Response[Any]:
    return await _save_banner(request, banner_id)


@post("/office/shop/banners/{banner_id:uuid}/removal", opt=EDIT, status_code=200)
async def banner_destroy(banner_id: UUID) -> Response[Any]:
    await content.drop_banner(visit().actor, banner_id)
    return web.done(f"{HOME}/content#banners")


@post("/office/shop/menu", opt=EDIT, status_code=200)
async def item_create(request: Req) -> Response[Any]:
    form = await web.read_form(ItemForm, request)
    if form.input is None:
        return await _content(form, 422)
    await content.add_item(visit().actor, form.input)
    return web.done(f"{HOME}/content#menu")


@post("/office/shop/menu/{menu_item_id:uuid}/removal", opt=EDIT, status_code=200)
async def item_destroy(menu_item_id: UUID) -> Response[Any]:
    await content.drop_item(visit().actor, menu_item_id)
    return web.done(f"{HOME}/content#menu")


@get("/office/shop/reviews", opt=EDIT)
async def review_index() -> Response[str]:
    state = visit().query.get("tab", "waiting")
    return web.page(
        "storefront/reviews.html",
        page=await reviews.queue(state, Paging.of(visit().query)),
        counts=await reviews.counts(),
        state=state,
    )


@post("/office/shop/reviews/{review_id:uuid}", opt=EDIT, status_code=200)
async def review_update(request: Req, review_id: UUID) -> Response[Any]:
    form = await web.read_form(DecisionForm, request)
    if form.input is None:
        raise Invalid(form.errors)
    await reviews.decide(visit().actor, review_id, form.input)
    return web.done(f"{HOME}/reviews")


@get("/office/shop/data-requests", opt=PRIVACY)
async def data_index() -> Response[str]:
    return web.page("storefront/data_requests.html", requests=await privacy.requests())


@post("/office/shop/data-requests/{data_request_id:uuid}", opt=PRIVACY, status_code=200)
async def data_update(request: Req, data_request_id: UUID) -> Response[Any]:
    form = await web.read_form(SettleForm, request)
    if form.input is None:
        raise Invalid(form.errors)
    await privacy.settle(visit().actor, data_request_id, form.input)
    return web.done(f"{HOME}/data-requests")


routes = [
    index,
    update,
    mark_update,
    content_index,
    page_new,
    page_edit,
    page_create,
    page_update,
    page_destroy,
    banner_create,
    banner_update,
    banner_destroy,
    item_create,
    item_destroy,
    review_index,
    review_update,
    data_index,
    data_update,
]

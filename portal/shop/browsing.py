"""Looking around: home, a category, search, one of the goods, a page, what machines read."""

import time
from typing import Any
from uuid import UUID

from litestar import MediaType, Response, get
from litestar.response import Redirect
from markupsafe import Markup

from dilo.catalogue.attributes import attributes_of
from dilo.catalogue.media import media_of
from dilo.catalogue.queries import product
from dilo.kit import web
from dilo.kit.errors import NotFound, Refusal
from dilo.kit.paging import Paging
from dilo.kit.visit import visit
from dilo.orders.actions.place import buyer_of
from dilo.pricing.queries import offers
from dilo.pricing.showcase import CHOSEN_MAX, Wish
from dilo.storefront import content, goods, reviews
from dilo.storefront.goods import SITEMAP_SIZE
from dilo.storefront.preview import may_preview
from dilo.storefront.rules import markdown
from dilo.storefront.shop import Shop, said
from portal.shop import machines
from portal.shop.frame import ANYONE, PREVIEW, Frame, Req, enter, only_so_often, show
from tenants.scope import current_tenant

SIZE = 24
SEARCHES_MAX = 300
KEPT_SECONDS = 600.0
_kept: dict[tuple[UUID, str], tuple[float, str]] = {}


@get("/{lang:str}", opt=ANYONE)
async def home(request: Req, lang: str) -> Response[str]:
    frame = await enter(request, lang)
    return show(
        "home",
        banners=await content.banners(lang, current_tenant().today()),
        featured=await goods.featured(frame.shop),
        ld=machines.organization(frame.shop),
        home=True,
    )


def _moved(to: str) -> Response[Any]:
    return Redirect(to, status_code=301)


@get("/{lang:str}/c/{slug:str}", opt=ANYONE)
async def category(request: Req, lang: str, slug: str) -> Response[Any]:
    frame = await enter(request, lang)
    subject = await goods.subject_of("category", slug)
    if subject is None:
        raise NotFound
    if subject[1] != slug:
        return _moved(frame.shop.href(f"/c/{subject[1]}"))
    tree = {row["id"]: row for row in visit().extras["categories"]}
    if subject[0] not in tree:
        raise NotFound
    found = tree[subject[0]]
    wish = Wish(
        category=found["code"],
        attributes=_asked_facets(request),
        in_stock="stock" in visit().query,
    )
    page, counts = await goods.listed(frame.shop, wish, _paging())
    trail = [tree[one] for one in found["path"] if one in tree]
    crumbs = [(row["name"], frame.shop.href(f"/c/{row['slug']}")) for row in trail]
    return show(
        "category",
        category=found,
        crumbs=crumbs,
        children=[row for row in tree.values() if row["parent_id"] == found["id"]],
        page=page,
        facets=counts.facets,
        chosen=[(name, value) for name, values in wish.attributes.items() for value in values],
        in_stock=wish.in_stock,
        ld=machines.breadcrumbs(frame.shop, crumbs),
    )


def _paging() -> Paging:
    query = visit().query
    return Paging(Paging.of(query).number, SIZE, str(query.get("sort", "")))


def _asked_facets(request: Req) -> dict[str, list[str]]:
    asked: dict[str, list[str]] = {}
    for pair in request.query_params.getall("f", [])[:CHOSEN_MAX]:
        name, colon, value = pair.partition(":")
        if colon and value[:200] not in asked.setdefault(name[:60], []):
            asked[name[:60]].append(value[:200])
    return asked


@get("/{lang:str}/search", opt=ANYONE)
async def search(request: Req, lang: str) -> Response[str]:
    frame = await enter(request, lang)
    words = str(visit().query.get("q", "")).strip()[:200]
    page = None
    if words:
        await only_so_often(request, "shop-search", SEARCHES_MAX)
        page, _ = await goods.listed(frame.shop, Wish(search=words[:100]), _paging())
    return show("search", words=words, page=page, noindex=True)


async def card_of(frame: Frame, slug: str) -> goods.Card | str:
    """The card, or where it has moved. Raises NOT_FOUND."""
    subject = await goods.subject_of("product", slug)
    found = await goods.cards(frame.shop, [subject[0]]) if subject else []
    if not found:
        raise NotFound
    return found[0] if found[0].slug == slug else frame.shop.href(f"/p/{found[0].slug}")


@get("/{lang:str}/p/{slug:str}", opt=ANYONE)
async def product_show(request: Req, lang: str, slug: str) -> Response[Any]:
    frame = await enter(request, lang)
    card = await card_of(frame, slug)
    if isinstance(card, str):
        return _moved(card)
    return await product_page(frame, card)


async def product_page(frame: Frame, card: goods.Card, **more: Any) -> Response[str]:
    shop = frame.shop
    whole = await product(card.id)
    media = await media_of(card.id)
    said_of = await reviews.reviews_of(card.id)
    tree = {row["id"]: row for row in visit().extras["categories"]}
    path = tree[card.category_id]["path"] if card.category_id in tree else []
    crumbs = [
        (tree[one]["name"], shop.href(f"/c/{tree[one]['slug']}")) for one in path if one in tree
    ]
    crumbs.append((card.name, shop.href(f"/p/{card.slug}")))
    offer = (await offers(buyer_of(shop.terms), [card.id])).get(card.id)
    return show(
        "product",
        card=card,
        product=whole,
        pictures=[one for one in media if one["kind"] == "picture"],
        documents=[one for one in media if one["kind"] == "document"],
        attributes=(await attributes_of([card.id])).get(card.id, []),
        breaks=[(one.min_quantity, one.price) for one in offer.steps] if offer else [],
        related=await goods.related(shop, card),
        reviews=said_of,
        crumbs=crumbs,
        ld=machines.product(shop, card, whole.description, whole.barcodes, said_of)
        + machines.breadcrumbs(shop, crumbs),
        **more,
    )


@get("/{lang:str}/i/{page_slug:str}", opt=ANYONE)
async def page_show(request: Req, lang: str, page_slug: str) -> Response[str]:
    await enter(request, lang)
    found = await content.page_of_slug(page_slug, drafts=False)
    body = Markup(markdown(said(found.body, lang)))  # noqa: S704 - cleaned by nh3
    return show("page", page=found, body=body, words=said(found.body, lang))


@get("/{lang:str}/{rest:path}", opt=ANYONE)
async def nothing(request: Req, lang: str, rest: str) -> Response[str]:  # noqa: ARG001
    await enter(request, lang)
    raise NotFound


def _xml(body: str, seconds: int = 600) -> Response[str]:
    headers = {"cache-control": f"public, max-age={seconds}", "x-content-type-options": "nosniff"}
    return Response(body, media_type="application/xml", headers=headers)


async def _shop(request: Req, lang: str) -> Shop:
    return (await enter(request, lang)).shop


async def _once(key: str, make: Any) -> str:
    """Kept for ten minutes; the key carries the tenant, and nobody's own prices are in it."""
    whose = (current_tenant().id, key)
    kept = _kept.get(whose)
    if kept and kept[0] > time.monotonic():
        return kept[1]
    body = await make()
    if len(_kept) > 500:
        _kept.clear()
    _kept[whose] = (time.monotonic() + KEPT_SECONDS, body)
    return body


@get("/sitemap.xml", opt=ANYONE)
async def sitemap(request: Req) -> Response[str]:
    shop = await _shop(request, current_tenant().language)

    async def make() -> str:
        return machines.sitemap_index(shop, await goods.sitemap_parts(shop))

    return _xml(await _once(f"index:{shop.origin}:{shop.viewer}", make))


@get("/sitemaps/{lang:str}/{sitemap_part:int}", opt=ANYONE)
async def sitemap_part(request: Req, lang: str, sitemap_part: int) -> Response[str]:
    """Part 0 is categories and pages; the goods follow, ``SITEMAP_SIZE`` a part."""
    shop = await _shop(request, lang)
    if not 0 <= sitemap_part <= 1_000_000 // SITEMAP_SIZE * 10:
        raise NotFound

    async def make() -> str:
        if sitemap_part == 0:
            paths = [f"/c/{row['slug']}" for row in visit().extras["categories"]]
            paths += [f"/i/{one.slug}" for one in await content.pages() if one.is_published]
            return machines.sitemap(shop, ["", *paths])
        slugs = await goods.sitemap_part(shop, sitemap_part)
        return machines.sitemap(shop, [f"/p/{slug}" for slug in slugs])

    return _xml(await _once(f"{lang}:{sitemap_part}:{shop.origin}:{shop.viewer}", make))


@get("/robots.txt", opt=ANYONE, media_type=MediaType.TEXT)
async def robots(request: Req) -> Response[str]:
    try:
        shop = await _shop(request, current_tenant().language)
    except NotFound:
        return Response("User-agent: *\nDisallow: /\n", media_type=MediaType.TEXT)
    return Response(machines.robots(shop), media_type=MediaType.TEXT)


@get("/shop/theme.css", opt=ANYONE)
async def theme(request: Req) -> Response[str]:
    shop = await _shop(request, current_tenant().language)
    headers = {"cache-control": "public, max-age=31536000, immutable"}
    return Response(shop.styles, media_type="text/css", headers=headers)


@get("/shop/preview/{preview_token:str}", opt=ANYONE)
async def preview(request: Req, preview_token: str) -> Response[Any]:
    """The shop while it is shut, for a day, in the browser the link was opened in."""
    if not may_preview(preview_token):
        raise Refusal("LINK_OVER", status=404)
    response = web.redirect(f"/{current_tenant().language}")
    response.set_cookie(
        PREVIEW,
        preview_token,
        max_age=86_400,
        httponly=True,
        samesite="lax",
        secure=request.url.scheme == "https",
        path="/",
    )
    return response


@get("/shop/pictures/{picture_key:str}", opt=ANYONE)
async def picture(picture_key: str) -> Response[bytes]:
    kind, body = await content.picture(picture_key)
    headers = {
        "cache-control": "public, max-age=31536000, immutable",
        "x-content-type-options": "nosniff",
    }
    return Response(body, media_type=kind, headers=headers)


routes = [
    home,
    category,
    search,
    product_show,
    page_show,
    nothing,
    sitemap,
    sitemap_part,
    robots,
    theme,
    preview,
    picture,
]

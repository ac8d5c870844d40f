"""A product's page, favourites, comparison, the price list as a file."""

from typing import Any
from uuid import UUID

from litestar import Request, Response, get, post

from dilo.catalogue import attributes, marks, media, queries, relatives, stock_view
from dilo.catalogue.rules import Told, told_of
from dilo.kit import i18n, web
from dilo.kit.errors import NotFound
from dilo.kit.export import table_of_many
from dilo.kit.ids import uuid_or_none
from dilo.kit.visit import visit
from dilo.pricing import price_list, showcase
from dilo.pricing import queries as pricing
from dilo.pricing.showcase import Good, Wish
from portal.catalogue import READ, buyer_here
from tenants.scope import current_tenant

Req = Request[Any, Any, Any]


@get("/goods/{product_id:uuid}", opt=READ)
async def show(product_id: UUID) -> Response[str]:
    buyer = await buyer_here()
    beside = await relatives.related_to(product_id)
    ids = [product_id, *(other for kind in beside.values() for other in kind)]
    seen = {one.id: one for one in await showcase.goods_of(buyer.party_id, ids)}
    if product_id not in seen:
        raise NotFound
    policy = await stock_view.stock_policy(buyer.party_id)
    every = await media.media_of(product_id)
    return web.page(
        "portal/good.html",
        good=seen[product_id],
        product=await queries.product(product_id),
        attributes=(await attributes.attributes_of([product_id])).get(product_id, []),
        pictures=[one for one in every if one["kind"] == "picture"],
        documents=[one for one in every if one["kind"] == "document"],
        levels=[
            (row["warehouse"], told_of(row["on_hand"] - row["reserved"], policy))
            for row in await queries.levels_of(product_id)
        ],
        told={one.id: told_of(one.available, policy) for one in seen.values()},
        beside={kind: [seen[o] for o in others if o in seen] for kind, others in beside.items()},
        offers=await pricing.offers(buyer, list(seen)),
        paid=await showcase.paid_before(buyer.party_id, product_id),
        marks=await marks.marks_of(visit().actor),
        currency=buyer.currency,
    )


@post("/goods/{product_id:uuid}/{mark:str}", opt=READ, status_code=200)
async def mark_create(request: Req, product_id: UUID, mark: str) -> Response[Any]:
    """On or off, and back to where one was."""
    if mark not in ("favourite", "compare"):
        raise NotFound
    on = await marks.toggle_mark(visit().actor, product_id, mark)
    if on and mark == "compare":
        web.flash("success", "flash:compared")
    return web.redirect(web.came_from(request, f"/goods/{product_id}"))


@get("/goods/favourites", opt=READ)
async def favourites() -> Response[Any]:
    return web.redirect("/?favourites=1")


@get("/goods/compare", opt=READ)
async def compare(ids: str = "") -> Response[str]:
    """Side by side, from what is marked or from the address (a link one may send)."""
    buyer = await buyer_here()
    marked = await marks.marks_of(visit().actor)
    asked = [found for text in ids.split(",") if (found := uuid_or_none(text))]
    goods = await showcase.goods_of(
        buyer.party_id, (asked or marked["compare"])[: marks.COMPARE_MAX]
    )
    policy = await stock_view.stock_policy(buyer.party_id)
    shown = [one.id for one in goods]
    return web.page(
        "portal/compare.html",
        goods=goods,
        lines=await _lines(goods),
        offers=await pricing.offers(buyer, shown),
        told={one.id: told_of(one.available, policy) for one in goods},
        marks=marked,
        currency=buyer.currency,
    )


async def _lines(goods: list[Good]) -> list[tuple[str, list[str], bool]]:
    """An attribute a line: its name, the value of each product, whether they differ."""
    found = await attributes.attributes_of([one.id for one in goods])
    values: dict[str, dict[UUID, list[str]]] = {}
    for product_id, every in found.items():
        for one in every:
            values.setdefault(one.name, {}).setdefault(product_id, []).append(one.value)
    lines = [
        (name, [", ".join(of.get(one.id, [])) for one in goods]) for name, of in values.items()
    ]
    return [(name, cells, len(set(cells)) > 1) for name, cells in lines]


@post("/goods/compare/emptying", opt=READ, status_code=200)
async def compare_destroy() -> Response[Any]:
    await marks.clear_marks(visit().actor, "compare")
    return web.redirect("/goods/compare")


@get("/price-list", opt=READ)
async def price_list_show(request: Req) -> Response[bytes]:
    """Everything the company sees at its own prices: ``as``, ``category``, ``stock``,
    ``favourites``."""
    query = request.query_params
    buyer = await buyer_here()
    policy = await stock_view.stock_policy(buyer.party_id)
    wish = Wish(
        category=query.get("category", "")[:60],
        in_stock=bool(query.get("stock")) and policy.view != "hidden",
        favourites=visit().actor.id if query.get("favourites") else None,
    )
    words = ("code", "own_code", "name", "category", "unit", "pack", "price", "breaks", "stock")
    rows = price_list.batches(
        buyer, wish, lambda good: _stock_word(told_of(good.available, policy))
    )
    name = f"price-{current_tenant().slug}-{current_tenant().today():%Y%m%d}"
    head = [i18n.gettext(f"price_list:{word}") for word in words]
    return await table_of_many(name, query.get("as", "xlsx"), head, rows)


def _stock_word(told: Told) -> Any:
    if told.word == "exact":
        return told.figure
    return i18n.say(f"stock:{told.word}", figure=told.figure)


routes = [show, favourites, compare, mark_create, compare_destroy, price_list_show]

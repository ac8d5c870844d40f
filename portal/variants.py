"""Ordering by a grid: goods of one series, a quantity in each cell."""

from decimal import Decimal, InvalidOperation
from typing import Any
from uuid import UUID

from litestar import Request, Response, get, post

from dilo.catalogue import stock_view, variants
from dilo.catalogue.rules import told_of
from dilo.kit import web
from dilo.kit.errors import NotFound, Refusal
from dilo.kit.visit import visit
from dilo.orders import cart_items
from dilo.orders.cart_items import Item, checked
from dilo.pricing import queries as pricing
from dilo.pricing import showcase
from portal.catalogue import READ, buyer_here

Req = Request[Any, Any, Any]
AT = "/goods/{product_id:uuid}/variants"


@get(AT, opt=READ)
async def show(product_id: UUID) -> Response[Any]:
    return await _page(product_id)


async def _page(
    product_id: UUID, given: dict[str, str] | None = None, problem: Refusal | None = None
) -> Response[Any]:
    """Own price and stock of every cell: the same questions for one cell or for hundreds."""
    buyer = await buyer_here()
    ids = await variants.series_of(product_id) or [product_id]
    goods = {one.id: one for one in await showcase.goods_of(buyer.party_id, ids)}
    if product_id not in goods:
        raise NotFound
    grid = await variants.variants_of(product_id, list(goods))
    if grid is None:
        return web.redirect(f"/goods/{product_id}")
    policy = await stock_view.stock_policy(buyer.party_id)
    return web.page(
        "portal/variants.html",
        status=problem.status if problem else 200,
        good=goods[product_id],
        goods=goods,
        grid=grid,
        offers=await pricing.offers(buyer, list(goods)),
        told={one.id: told_of(one.available, policy) for one in goods.values()},
        currency=buyer.currency,
        given=given or {},
        problem=problem,
    )


@post(AT, opt={"verb": "orders.edit"}, status_code=200)
async def lines_create(request: Req, product_id: UUID) -> Response[Any]:
    """Every cell with a quantity goes into the cart; goods of other series are not heard."""
    own = {str(one) for one in await variants.series_of(product_id)}
    posted = await request.form()
    columns = (posted.getall(name, []) for name in ("product", "quantity"))
    given = {p: str(q).strip() for p, q in zip(*columns, strict=False) if p in own and q.strip()}
    try:
        items = [Item(UUID(p), _quantity(q)) for p, q in given.items()]
        if not items:
            raise Refusal("EMPTY_ORDER", status=422)
        put = await cart_items.put_all(visit().actor, items)
    except Refusal as refusal:
        if refusal.status != 422:
            raise
        return await _page(product_id, given, refusal)
    return web.done("/cart", "flash:lines_added", count=len(put))


def _quantity(text: str) -> Decimal:
    try:
        return checked(Decimal(web.plain_decimal(text)))
    except InvalidOperation:
        raise Refusal("QUANTITY_BAD", status=422, product=text[:20]) from None


routes = [show, lines_create]

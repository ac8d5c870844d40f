"""Goods at one's own prices with what is on the shelf: a page is one pricing query."""

from decimal import Decimal
from typing import Any

from litestar import Response, get

from dilo.catalogue import queries as goods
from dilo.kit import web
from dilo.kit.paging import Paging
from dilo.kit.visit import visit
from dilo.orders.actions.place import buyer_of
from dilo.orders.queries import terms_of
from dilo.pricing import queries as pricing
from tenants.scope import current_tenant

READ = {"verb": "catalogue.read"}
SIZE = 24


@get("/", opt=READ)
async def index() -> Response[str]:
    query = visit().query
    paging = Paging(Paging.of(query).number, SIZE, query.get("sort", "name"))
    page = await goods.products(
        paging,
        search=query.get("q", ""),
        kind="goods",
        category=query.get("category", ""),
        in_stock=bool(query.get("stock")),
    )
    terms = await terms_of(visit().actor.on_behalf_of, current_tenant().today())
    buyer = buyer_of(terms)
    ids = [row.id for row in page.rows]
    priced = await pricing.priced(buyer, [(one, Decimal(1)) for one in ids]) if ids else []
    return web.page(
        "portal/catalogue.html",
        block="list",
        page=page,
        currency=terms.currency,
        prices={one.product_id: one for one in priced},
        breaks=await pricing.breaks(buyer, ids) if ids else {},
        **await _frame(),
    )


async def _frame() -> dict[str, Any]:
    return {} if visit().fragment else {"categories": await goods.categories()}


routes = [index]

"""Who sees what, and the catalogue as one company sees it, with the why of every price."""

from decimal import Decimal
from typing import Any
from uuid import UUID

import msgspec
from litestar import Request, Response, get, post

from dilo.catalogue import queries as goods
from dilo.catalogue import shelf, stock_view
from dilo.catalogue.rules import STOCK_VIEWS, told_of
from dilo.catalogue.shelf import RuleForm
from dilo.catalogue.stock_view import StockForm
from dilo.kit import web
from dilo.kit.errors import Refusal
from dilo.kit.paging import Paging
from dilo.kit.visit import visit
from dilo.orders.actions.place import buyer_of
from dilo.orders.queries import terms_of
from dilo.parties import queries as parties
from dilo.people.roles import may
from dilo.pricing import queries as pricing
from dilo.pricing import showcase
from dilo.pricing.showcase import Wish
from tenants.scope import current_tenant

Req = Request[Any, Any, Any]
EDIT = may("catalogue.edit")


class OwnView(msgspec.Struct):
    view: str = ""


@get("/office/shelf", opt=EDIT)
async def index() -> Response[str]:
    return web.page(
        "desk/shelf.html",
        rules=await shelf.rules(),
        segments=await shelf.segments(),
        categories=await goods.categories(),
        policy=await stock_view.stock_policy(None),
        views=STOCK_VIEWS,
        form=web.EMPTY,
    )


@post("/office/shelf", opt=EDIT, status_code=200)
async def rule_create(request: Req) -> Response[Any]:
    form = await web.read_form(RuleForm, request)
    if form.input is None:
        raise Refusal("RULE_INCOMPLETE", status=422)
    await shelf.set_rule(visit().actor, form.input)
    return web.done("/office/shelf")


@post("/office/shelf/stock", opt=EDIT, status_code=200)
async def stock_update(request: Req) -> Response[Any]:
    form = await web.read_form(StockForm, request)
    if form.input is None:
        raise Refusal("RULE_INCOMPLETE", status=422)
    await stock_view.set_stock_policy(visit().actor, form.input)
    return web.done("/office/shelf")


@post("/office/shelf/{shelf_rule_id:uuid}/removal", opt=EDIT, status_code=200)
async def rule_destroy(shelf_rule_id: UUID) -> Response[Any]:
    await shelf.drop_rule(visit().actor, shelf_rule_id)
    return web.done("/office/shelf")


@get("/office/parties/{party_id:uuid}/shelf", opt=may("prices.read"))
async def of_party(party_id: UUID) -> Response[str]:
    """What this company sees: its goods, its prices, what it is told of the stock."""
    query = visit().query
    party = await parties.party(party_id)
    buyer = buyer_of(await terms_of(party_id, current_tenant().today()))
    wish = Wish(search=query.get("q", "").strip()[:100], category=query.get("category", "")[:60])
    counts = await showcase.counts_for(buyer, wish)
    paging = Paging(Paging.of(query).number, 50, query.get("sort", ""))
    page = await showcase.goods_for(buyer, wish, paging, counts)
    policy = await stock_view.stock_policy(party_id)
    return web.page(
        "desk/party_shelf.html",
        block="list",
        party=party,
        page=page,
        buyer=buyer,
        offers=await pricing.offers(buyer, [row.id for row in page.rows]),
        told={row.id: told_of(row.available, policy) for row in page.rows},
        rules=await shelf.rules(party_id),
        policy=policy,
        views=STOCK_VIEWS,
        categories=await goods.categories(),
    )


@get("/office/parties/{party_id:uuid}/prices/{product_id:uuid}", opt=may("prices.read"))
async def explain(party_id: UUID, product_id: UUID, quantity: str = "1") -> Response[str]:
    """Every price that could apply to this company, the winner first, and why the others lost."""
    buyer = buyer_of(await terms_of(party_id, current_tenant().today()))
    amount = Decimal(quantity) if quantity.isascii() and quantity[:9].isdigit() else Decimal(1)
    amount = min(max(amount, Decimal(1)), Decimal(10**9))
    return web.page(
        "desk/price_explained.html",
        block="explained",
        party=await parties.party(party_id),
        product=await goods.product(product_id),
        quantity=amount,
        buyer=buyer,
        candidates=await pricing.explain(buyer, product_id, amount),
    )


@post("/office/parties/{party_id:uuid}/shelf", opt=EDIT, status_code=200)
async def own_view_update(request: Req, party_id: UUID) -> Response[Any]:
    form = await web.read_form(OwnView, request)
    view = form.input.view if form.input else ""
    await stock_view.set_own_stock_view(visit().actor, party_id, view or None)
    return web.done(f"/office/parties/{party_id}/shelf")


routes = [index, rule_create, stock_update, rule_destroy, of_party, explain, own_view_update]

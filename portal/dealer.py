"""The dealer's cockpit: plan, bonus, what to buy now, news. Every figure is the house's."""

from decimal import Decimal
from typing import Any
from uuid import UUID

import msgspec
from litestar import Request, Response, get, post
from litestar.response import File

from dilo.dealers import bonuses, children, closing, letters, news, plans, queries, storefronts
from dilo.kit import web
from dilo.kit.errors import Invalid, NotFound
from dilo.kit.export import XLSX
from dilo.kit.ids import uuid7
from dilo.kit.visit import visit
from dilo.orders import cart
from dilo.parties import queries as parties
from dilo.receivables.actions import balance_of

Req = Request[Any, Any, Any]
READ = {"verb": "dealers.read"}
AGREE = {"verb": "dealers.agree"}


def company() -> UUID:
    return visit().actor.on_behalf_of


@get("/dealer", opt=READ)
async def show() -> Response[str]:
    here, actor = company(), visit().actor
    party = await parties.party(here)
    found = await plans.plans_of(here, offered=True)
    return web.page(
        "portal/dealer.html",
        party=party,
        cockpit=await queries.cockpit_of(here),
        waiting=[plan for plan in found if plan.state == "offered"],
        owed=await bonuses.owed_to(here),
        ledger=(await bonuses.ledger_of(here))[:8],
        news=(await news.news_for(here, actor.id))[:5],
        children=await children.children_of(here),
        storefront=await storefronts.storefront_of(here),
    )


@post("/dealer/due-goods", opt={"verb": "orders.edit"}, status_code=200)
async def due_create(request: Req) -> Response[Any]:
    """All that its rhythm asks for, in its usual pieces, or one product of it; into the cart."""
    cockpit = await queries.cockpit_of(company())
    wanted = str((await request.form()).get("product", ""))
    for good in cockpit.due if cockpit else ():
        if wanted in ("", str(good.product_id)):
            await cart.put(visit().actor, good.product_id, good.usual_quantity, add=False)
    return web.done("/dealer" if wanted else "/cart", "flash:in_cart")


@get("/dealer/plans/{plan_id:uuid}", opt=READ)
async def plan_show(plan_id: UUID) -> Response[str]:
    plan = await _own(plan_id)
    balance = await balance_of(plan.party_id, plan.currency)
    left = await closing.left_of(plan) if plan.state == "closed" else Decimal(0)
    return web.page(
        "portal/dealer_plan.html",
        plan=plan,
        cockpit=(await queries.cockpits([plan]))[0],
        ledger=await bonuses.ledger_of(plan.party_id, plan),
        payouts=await closing.payouts_of(plan_id),
        left=left,
        most=min(left, balance.receivable),
        changes=await plans.changes_of(plan_id),
        key=uuid7().hex,
        form=web.EMPTY,
    )


async def _own(plan_id: UUID) -> plans.Plan:
    plan = await plans.plan(plan_id)
    if plan.party_id != company() or plan.state in ("draft", "withdrawn"):
        raise NotFound
    return plan


class AgreeForm(msgspec.Struct):
    version: int


@post("/dealer/plans/{plan_id:uuid}/agreement", opt=AGREE, status_code=200)
async def agreement_create(request: Req, plan_id: UUID) -> Response[Any]:
    await _own(plan_id)
    form = await web.read_form(AgreeForm, request)
    if form.input is None:
        raise Invalid(form.errors)
    await plans.agree_plan(visit().actor, plan_id, form.input.version)
    return web.done(f"/dealer/plans/{plan_id}", "flash:plan_agreed")


class NetForm(msgspec.Struct):
    amount: Decimal
    key: str


@post("/dealer/plans/{plan_id:uuid}/netting", opt=AGREE, status_code=200)
async def netting_create(request: Req, plan_id: UUID) -> Response[Any]:
    await _own(plan_id)
    form = await web.read_form(NetForm, request)
    if form.input is None:
        raise Invalid(form.errors)
    await closing.net_bonus(visit().actor, plan_id, form.input.amount, form.input.key)
    return web.done(f"/dealer/plans/{plan_id}", "flash:bonus_netted")


@get("/dealer/bonus", opt=READ)
async def bonus_index() -> Response[str]:
    here = company()
    return web.page(
        "portal/dealer_bonus.html",
        party=await parties.party(here),
        owed=await bonuses.owed_to(here),
        ledger=await bonuses.ledger_of(here),
        plans=[p for p in await plans.plans_of(here, offered=True) if p.state != "offered"],
    )


@get("/dealer/news", opt=READ)
async def news_index() -> Response[str]:
    found = await news.news_for(company(), visit().actor.id)
    return web.page("portal/dealer_news.html", news=found)


@get("/dealer/news/{news_id:uuid}", opt=READ)
async def news_show(news_id: UUID) -> Response[str]:
    found = await news.read_news(visit().actor, news_id)
    party = await parties.party(company())
    moves = await news.own_moves(found, party.id)
    return web.page("portal/dealer_story.html", one=found, moves=moves, party=party)


@get("/dealer/news/{news_id:uuid}/file", opt=READ)
async def news_file(news_id: UUID) -> File:
    return _download(await news.read_news(visit().actor, news_id))


def _download(found: news.News) -> File:
    """Always as a file to keep, never as a page to run."""
    return File(
        news.file_of(found),
        filename=found.file_name or "file",
        media_type="application/octet-stream",
        content_disposition_type="attachment",
        headers={"x-content-type-options": "nosniff", "cache-control": "private"},
    )


@get("/dealer/news/{news_id:uuid}/prices", opt=READ)
async def news_prices(news_id: UUID) -> Response[bytes]:
    """The dealer's own changes as a table, nothing of the list beside them."""
    moves = await news.own_moves(await news.read_news(visit().actor, news_id), company())
    if not moves:
        raise NotFound
    return Response(
        letters.moves_file(moves),
        media_type=XLSX,
        headers={"content-disposition": 'attachment; filename="prices.xlsx"'},
    )


routes = [
    show,
    due_create,
    plan_show,
    agreement_create,
    netting_create,
    bonus_index,
    news_index,
    news_show,
    news_file,
    news_prices,
]

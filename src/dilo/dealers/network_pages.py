"""The network in the office: directory, dealer's card, tiers and territories, deals, news."""

from typing import Any
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.datastructures import UploadFile

from dilo.dealers import children, network, news, queries, registrations, schemes, tiers
from dilo.dealers.bonuses import ledger_of, owed_to
from dilo.dealers.network import TerritoryForm
from dilo.dealers.news import NewsForm, PricesForm, Upload
from dilo.dealers.plans import plans_of
from dilo.dealers.registrations import DecisionForm
from dilo.dealers.schemes import SchemeForm
from dilo.dealers.storefronts import storefront_of
from dilo.dealers.tiers import GrantForm, TierForm, TierRule
from dilo.kit import i18n, web
from dilo.kit.errors import NotFound
from dilo.kit.export import table_file
from dilo.kit.ids import uuid_or_none
from dilo.kit.paging import Paging
from dilo.kit.visit import visit
from dilo.parties import queries as parties
from dilo.people.queries import colleagues
from dilo.people.roles import may
from dilo.pricing.actions import price_lists
from tenants.scope import current_tenant

Req = Request[Any, Any, Any]
READ, EDIT = may("dealers.read"), may("dealers.edit")
EXPORT_MAX = 10_000
SETUP, NEWS = "/office/dealers/setup", "/office/dealers/news"


def _filters(query: dict[str, Any]) -> dict[str, Any]:
    return {
        "search": query.get("q", ""),
        "tier_id": uuid_or_none(query.get("tier")),
        "territory_id": uuid_or_none(query.get("territory")),
        "owner_id": visit().actor.id if query.get("mine") else None,
    }


@get("/office/dealers/directory", opt=READ)
async def directory() -> Response[Any]:
    query = visit().query
    if kind := query.get("as"):
        return await _export(kind, query)
    return web.page(
        "dealers/directory.html",
        block="list",
        page=await network.dealers(Paging.of(query, "name"), **_filters(query)),
        tiers=await tiers.tiers(),
        territories=await network.territories(),
        here="directory",
    )


async def _export(kind: str, query: dict[str, Any]) -> Response[Any]:
    page = await network.dealers(
        Paging(1, EXPORT_MAX, query.get("sort", "name")), **_filters(query)
    )
    names = "code name tier territory city manager turnover balance currency"
    head = [i18n.say(f"column:{name}") for name in names.split()]
    rows = (
        (d.code, d.name, d.tier, d.territory, d.city, d.owner, d.turnover, d.balance, d.currency)
        for d in page.rows
    )
    return table_file("dealers", kind, head, rows)


@get("/office/dealers/parties/{party_id:uuid}", opt=READ)
async def card(party_id: UUID) -> Response[str]:
    return await _card(party_id, web.EMPTY)


async def _card(party_id: UUID, form: web.Filled[Any], status: int = 200) -> Response[str]:
    party = await parties.party(party_id)
    if "dealer" not in party.roles:
        raise NotFound
    return web.page(
        "dealers/card.html",
        status=status,
        party=party,
        dealer=await network.dealer(party_id),
        cockpit=await queries.cockpit_of(party_id),
        plans=await plans_of(party_id),
        grants=await tiers.grants_of(party_id),
        tiers=await tiers.tiers(),
        owed=await owed_to(party_id),
        ledger=(await ledger_of(party_id))[:20],
        children=await children.children_of(party_id),
        storefront=await storefront_of(party_id),
        deals=await registrations.registrations(Paging(1, 20), party_id=party_id),
        on=current_tenant().today(),
        form=form,
        here="directory",
    )


@post("/office/dealers/parties/{party_id:uuid}/tier", opt=EDIT, status_code=200)
async def grant_create(request: Req, party_id: UUID) -> Response[Any]:
    await parties.party(party_id)
    form = await web.read_form(GrantForm, request)
    if form.input is not None:
        with form.refusals():
            await tiers.grant_tier(visit().actor, party_id, form.input)
            return web.done(f"/office/dealers/parties/{party_id}")
    return await _card(party_id, form, 422)


@get("/office/dealers/setup", opt=READ)
async def setup() -> Response[str]:
    return await _setup(web.EMPTY)


async def _setup(form: web.Filled[Any], status: int = 200) -> Response[str]:
    return web.page(
        "dealers/setup.html",
        status=status,
        form=form,
        tiers=await tiers.tiers(),
        territories=await network.territories(),
        overlaps=await network.overlaps(),
        rule=await tiers.tier_rule(),
        schemes=await schemes.schemes(),
        segments=await parties.segments(),
        people=await colleagues(),
        here="setup",
    )


async def _saved(form: web.Filled[Any], work: Any) -> Response[Any]:
    """One more of the setup's things, or its page again with what is wrong."""
    if form.input is not None:
        with form.refusals():
            await work(visit().actor, form.input)
            return web.done(SETUP)
    return await _setup(form, 422)


@post("/office/dealers/tiers", opt=EDIT, status_code=200)
async def tier_create(request: Req) -> Response[Any]:
    return await _saved(await web.read_form(TierForm, request), tiers.save_tier)


@post("/office/dealers/tiers/rule", opt=EDIT, status_code=200)
async def tier_rule_update(request: Req) -> Response[Any]:
    return await _saved(await web.read_form(TierRule, request), tiers.change_tier_rule)


@post("/office/dealers/tiers/{tier_id:uuid}/retirement", opt=EDIT, status_code=200)
async def tier_destroy(tier_id: UUID) -> Response[Any]:
    await tiers.retire_tier(visit().actor, tier_id)
    return web.done(SETUP)


@post("/office/dealers/territories", opt=EDIT, status_code=200)
async def territory_create(request: Req) -> Response[Any]:
    return await _saved(await web.read_form(TerritoryForm, request), network.save_territory)


@post("/office/dealers/territories/{territory_id:uuid}/removal", opt=EDIT, status_code=200)
async def territory_destroy(territory_id: UUID) -> Response[Any]:
    await network.drop_territory(visit().actor, territory_id)
    return web.done(SETUP)


@post("/office/dealers/schemes", opt=EDIT, status_code=200)
async def scheme_create(request: Req) -> Response[Any]:
    return await _saved(await web.read_form(SchemeForm, request), schemes.make_scheme)


@post("/office/dealers/schemes/{scheme_id:uuid}/retirement", opt=EDIT, status_code=200)
async def scheme_destroy(scheme_id: UUID) -> Response[Any]:
    await schemes.retire_scheme(visit().actor, scheme_id)
    return web.done(SETUP)


@get("/office/dealers/registrations", opt=READ)
async def deal_index() -> Response[Any]:
    query = visit().query
    filters = {"state": query.get("state", ""), "search": query.get("q", "")}
    if kind := query.get("as"):
        found = await registrations.registrations(Paging(1, EXPORT_MAX), **filters)
        names = "number name party amount currency until state".split()
        head = [i18n.say(f"column:{name}") for name in names]
        return table_file("deals", kind, head, (_deal_cells(one) for one in found.rows))
    page = await registrations.registrations(Paging.of(query), **filters)
    return web.page("dealers/deals.html", block="list", page=page, here="deals")


def _deal_cells(one: registrations.Registration) -> tuple[Any, ...]:
    return (
        one.number,
        one.customer_name,
        one.party_name,
        one.expected_amount,
        one.currency,
        one.protected_until or one.wanted_until,
        i18n.say(f"deal_state:{one.state}"),
    )


@get("/office/dealers/registrations/{registration_id:uuid}", opt=READ)
async def deal_show(registration_id: UUID) -> Response[str]:
    return await _deal(registration_id, web.EMPTY)


async def _deal(registration_id: UUID, form: web.Filled[Any], status: int = 200) -> Response[str]:
    deal = await registrations.registration(registration_id)
    return web.page(
        "dealers/deal.html",
        status=status,
        deal=deal,
        conflicts=await registrations.conflicts_of(deal),
        history=await registrations.history_of(registration_id),
        lists=await price_lists(),
        form=form,
        here="deals",
    )


@post("/office/dealers/registrations/{registration_id:uuid}/decision", opt=EDIT, status_code=200)
async def deal_decide(request: Req, registration_id: UUID) -> Response[Any]:
    await registrations.registration(registration_id)
    form = await web.read_form(DecisionForm, request)
    if form.input is not None:
        with form.refusals():
            await registrations.decide(visit().actor, registration_id, form.input)
            return web.done(f"/office/dealers/registrations/{registration_id}")
    return await _deal(registration_id, form, 422)


@get("/office/dealers/news", opt=READ)
async def news_index() -> Response[str]:
    return await _news(web.EMPTY)


async def _news(form: web.Filled[Any], status: int = 200, **more: Any) -> Response[str]:
    return web.page(
        "dealers/news.html",
        status=status,
        form=form,
        all=await news.all_news(),
        tiers=await tiers.tiers(),
        territories=await network.territories(),
        dealers=(await network.dealers(Paging(1, 200, "name"))).rows,
        lists=await price_lists(),
        on=current_tenant().today(),
        here="news",
        **({"moves": None, "affected": [], "asked": None} | more),
    )


@post("/office/dealers/news", opt=EDIT | {"body_max": 12_000_000}, status_code=200)
async def news_create(request: Req) -> Response[Any]:
    form = await web.read_form(NewsForm, request)
    if form.input is not None:
        with form.refusals():
            await news.publish(visit().actor, form.input, await uploaded(request, "file"))
            return web.done(NEWS, "flash:news_published")
    return await _news(form, 422)


async def uploaded(request: Req, name: str) -> Upload | None:
    file = (await request.form()).get(name)
    if not isinstance(file, UploadFile) or not file.filename:
        return None
    return Upload(file.filename, await file.read())


@post("/office/dealers/price-notices", opt=EDIT, status_code=200)
async def prices_create(request: Req) -> Response[Any]:
    """First shown: what changed and for whom; published by the second button."""
    form = await web.read_form(PricesForm, request)
    if form.input is None:
        return await _news(form, 422)
    if (await request.form()).get("publish"):
        await news.publish_prices(visit().actor, form.input)
        return web.done(NEWS, "flash:news_published")
    moves, affected = await news.price_moves(form.input)
    return await _news(form, moves=moves, affected=affected, asked=form.input)


@get("/office/dealers/news/{news_id:uuid}", opt=READ)
async def news_show(news_id: UUID) -> Response[str]:
    one = next((row for row in await news.all_news() if row["id"] == news_id), None)
    if one is None:
        raise NotFound
    readers = await news.readers_of(news_id)
    return web.page("dealers/readers.html", news=one, readers=readers, here="news")


@post("/office/dealers/news/{news_id:uuid}/withdrawal", opt=EDIT, status_code=200)
async def news_withdraw(news_id: UUID) -> Response[Any]:
    await news.withdraw(visit().actor, news_id)
    return web.done(NEWS)


routes = [
    directory,
    card,
    grant_create,
    setup,
    tier_create,
    tier_rule_update,
    tier_destroy,
    territory_create,
    territory_destroy,
    scheme_create,
    scheme_destroy,
    deal_index,
    deal_show,
    deal_decide,
    news_index,
    news_create,
    prices_create,
    news_show,
    news_withdraw,
]

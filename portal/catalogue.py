"""The shelf: categories, facets, search, own prices. A page is one pricing query of few in all."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any
from uuid import UUID

from litestar import Request, Response, get

from dilo.catalogue import marks, queries, stock_view
from dilo.catalogue.rules import told_of
from dilo.kit import web
from dilo.kit.paging import Paging
from dilo.kit.templating import url_with
from dilo.kit.visit import visit
from dilo.orders.actions.place import buyer_of
from dilo.orders.queries import terms_of
from dilo.pricing import queries as pricing
from dilo.pricing import showcase
from dilo.pricing.queries import Buyer
from dilo.pricing.showcase import Category, Counts, Wish
from tenants.scope import current_tenant

Req = Request[Any, Any, Any]
READ = {"verb": "catalogue.read"}
SIZES = {"table": 50, "cards": 24}
SORTS = ("name", "code", "price", "-price", "popular", "new", "bought")
VIEW_COOKIE = "dilo_view"
BETWEEN = ": "  # name and value of a facet in the address: a=Colour: white


async def buyer_here() -> Buyer:
    return buyer_of(await terms_of(visit().actor.on_behalf_of, current_tenant().today()))


@get("/", opt=READ)
async def index(request: Req) -> Response[str]:
    query, chosen = visit().query, request.query_params.getall("a", [])[: showcase.CHOSEN_MAX]
    query["a"] = chosen
    buyer = await buyer_here()
    policy = await stock_view.stock_policy(buyer.party_id)
    wish = wish_of(query, chosen, policy.view != "hidden")
    view = view_of(request)
    paging = Paging(Paging.of(query).number, SIZES[view], query.get("sort", ""))
    counts = await showcase.counts_for(buyer, wish)
    page = await showcase.goods_for(buyer, wish, paging, counts)
    tree = await showcase.category_tree()
    here = next((one for one in tree if one.code == wish.category), None)
    answer = web.page(
        "portal/catalogue.html",
        block="list",
        page=page,
        wish=wish,
        view=view,
        sorts=SORTS,
        currency=buyer.currency,
        offers=await pricing.offers(buyer, [row.id for row in page.rows]),
        told={row.id: told_of(row.available, policy) for row in page.rows},
        stock_hidden=policy.view == "hidden",
        marks=await marks.marks_of(visit().actor),
        crumbs=[one for one in tree if here and one.id in here.path],
        branches=branches(tree, here, counts),
        facets=facets(counts, chosen),
        chips=chips(chosen),
    )
    if query.get("view") in SIZES:
        answer.set_cookie(VIEW_COOKIE, view, max_age=31_536_000, samesite="lax", httponly=True)
    return answer


def wish_of(query: Mapping[str, Any], chosen: Sequence[str], stock_told: bool) -> Wish:
    """What the address asks for; nonsense is no wish. The stock is no filter where it is hidden."""
    attributes: dict[str, list[str]] = {}
    for pair in chosen:
        name, between, value = pair.partition(BETWEEN)
        if between:
            attributes.setdefault(name, []).append(value)
    return Wish(
        search=str(query.get("q", "")).strip()[:100],
        category=str(query.get("category", ""))[:60],
        attributes=attributes,
        in_stock=bool(query.get("stock")) and stock_told,
        low=_amount(query.get("low")),
        high=_amount(query.get("high")),
        favourites=visit().actor.id if query.get("favourites") else None,
        bought=bool(query.get("bought")),
        series=str(query.get("series", ""))[:80],
    )


def _amount(text: Any) -> Decimal | None:
    try:
        amount = Decimal(web.plain_decimal(str(text or "")))
    except InvalidOperation:
        return None
    return amount if amount.is_finite() and 0 <= amount < 10**12 else None


def view_of(request: Req) -> str:
    asked = visit().query.get("view") or request.cookies.get(VIEW_COOKIE)
    return asked if asked in SIZES else "table"


@dataclass(frozen=True, slots=True)
class Branch:
    name: str
    products: int
    href: str


def branches(tree: Sequence[Category], here: Category | None, counts: Counts) -> list[Branch]:
    """The categories one step down from here that hold something, with all that is inside them."""
    total: dict[UUID, int] = {}
    for one in tree:
        for above in one.path:
            total[above] = total.get(above, 0) + counts.categories.get(one.id, 0)
    below = here.id if here else None
    return [
        Branch(one.name, total[one.id], url_with(category=one.code, page=None))
        for one in tree
        if one.parent_id == below and total.get(one.id)
    ]


@dataclass(frozen=True, slots=True)
class Choice:
    value: str
    products: int
    chosen: bool
    href: str


def facets(counts: Counts, chosen: Sequence[str]) -> list[tuple[str, list[Choice]]]:
    return [
        (
            name,
            [
                Choice(v.value, v.products, v.chosen, toggled(f"{name}{BETWEEN}{v.value}", chosen))
                for v in values
            ],
        )
        for name, values in counts.facets
    ]


def toggled(pair: str, chosen: Sequence[str]) -> str:
    left = [one for one in chosen if one != pair]
    return url_with(a=left if pair in chosen else [*chosen, pair], page=None)


def chips(chosen: Sequence[str]) -> list[tuple[str, str]]:
    """What is chosen, each with the address without it."""
    return [(pair, toggled(pair, chosen)) for pair in chosen if BETWEEN in pair]


@get("/goods/suggestions", opt=READ)
async def suggestions(q: str = "") -> Response[str]:
    """A few products as one types; a form without scripts goes to the list itself."""
    asked = q.strip()[:100]
    viewer = visit().actor.on_behalf_of
    found = await queries.products_like(asked, 8, viewer) if len(asked) > 1 else []
    return web.page("portal/suggestions.html", block="found", found=found, q=asked)


@get("/goods/codes", opt=READ)
async def codes(q: str = "") -> Response[str]:
    """Options for the field of a code: only what this company sees."""
    asked = q.strip()[:100]
    viewer = visit().actor.on_behalf_of
    found = await queries.products_like(asked, 8, viewer) if len(asked) > 1 else []
    return web.page("portal/codes.html", found=found)


routes = [index, suggestions, codes]

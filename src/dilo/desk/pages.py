"""My day, cards of a party and a product, the search that finds anything."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from uuid import UUID

from litestar import Request, Response, get, post

from dilo.catalogue import actions as catalogue
from dilo.catalogue import queries as goods
from dilo.catalogue.actions import CategoryForm, ProductForm
from dilo.catalogue.attributes import attribute_names, attributes_of
from dilo.conversations.unresolved import names_of
from dilo.desk import queries
from dilo.desk.forms import MoveForm, PriceForm
from dilo.kit import clock, i18n, web
from dilo.kit.errors import Refusal
from dilo.kit.ids import uuid7
from dilo.kit.paging import Paging
from dilo.kit.templating import month
from dilo.kit.visit import visit
from dilo.messaging import telegram_bots
from dilo.orders import queries as orders
from dilo.parties import queries as parties
from dilo.parties.chats import chats_of_party
from dilo.parties.tasks import tasks_of
from dilo.payments import queries as payments
from dilo.people.queries import colleagues
from dilo.people.roles import may
from dilo.pricing import actions as pricing
from dilo.receivables import queries as receivables
from dilo.receivables.rules import shares
from dilo.stock import actions as stock
from dilo.stock.alarms import least_of
from tenants.scope import current_tenant

Req = Request[Any, Any, Any]
TABS = ("orders", "invoices", "payments", "contacts", "terms", "timeline")
HREF = {
    "party": "/office/parties",
    "order": "/office/orders",
    "invoice": "/office/invoices",
    "payment": "/office/payments",
    "product": "/office/products",
}
ICONS = {
    "party": "users",
    "order": "shopping-cart",
    "invoice": "file-invoice",
    "payment": "cash",
    "product": "packages",
}


@dataclass(frozen=True, slots=True)
class Point:
    label: str
    bar: Decimal
    line: Decimal


def points(months: list[queries.Month]) -> list[Point]:
    return [Point(month(m.month), max(m.sold, Decimal(0)), max(m.paid, Decimal(0))) for m in months]


@get("/office", opt=may("desk.read"))
async def my_day() -> Response[str]:
    tenant = current_tenant()
    on = tenant.today()
    may_mend = visit().actor.may("bots.edit")
    aging = await receivables.aging_total(tenant.currency, on)
    return web.page(
        "desk/my_day.html",
        today=await queries.today(tenant.currency, on),
        aging=aging,
        buckets=shares(aging.amounts),
        debtors=await queries.worst_debtors(tenant.currency, on),
        year=points(await queries.year_of(None, tenant.currency, on)),
        held=await orders.orders(Paging(1, 8), state="on_hold"),
        asked=await orders.pending_overrides(clock.now()),
        tasks=await tasks_of(visit().actor, 20),
        colleagues=await colleagues(),
        now=clock.now(),
        key=uuid7().hex,
        bot_failure=await telegram_bots.failure_or_none() if may_mend else None,
    )


@get("/office/search", opt=may("desk.read"))
async def search(q: str = "") -> Response[str]:
    found = await queries.anything_like(q) if len(q.strip()) >= 2 else []
    return web.page("desk/search.html", block="found", q=q, found=found, href=HREF, signs=ICONS)


@get("/office/parties/{party_id:uuid}", opt=may("parties.read"))
async def party_card(party_id: UUID, tab: str = "orders") -> Response[str]:
    party = await parties.party(party_id)
    on = current_tenant().today()
    aging = await receivables.aging_of(party_id, party.currency, on)
    tab = tab if tab in TABS else "orders"
    return web.page(
        "desk/party.html",
        party=party,
        key=uuid7().hex,
        aging=aging,
        buckets=shares(aging.amounts),
        tab=tab,
        year=(year := await queries.year_of(party_id, party.currency, on)),
        points=points(year),
        turnover=sum((m.sold for m in year), Decimal(0)),
        **await _tab(tab, party_id),
    )


async def _tab(tab: str, party_id: UUID) -> dict[str, Any]:
    paging = Paging.of(visit().query)
    paging = Paging(paging.number, 20, "")
    if tab == "invoices":
        return {"page": await receivables.invoices(paging, party_id=party_id)}
    if tab == "payments":
        return {"page": await payments.payments(paging, party_id=party_id)}
    if tab == "contacts":
        return {
            "contacts": await parties.contacts_of(party_id),
            "channels": await parties.channels_of(party_id),
            "portal_users": await parties.portal_users_of(party_id),
            "chats": await chats_of_party(party_id),
        }
    if tab == "terms":
        return {"agreements": await parties.agreements_of(party_id)}
    if tab == "timeline":
        return {"events": await parties.timeline_of(party_id)}
    return {"page": await orders.orders(paging, party_id=party_id)}


@get("/office/products", opt=may("catalogue.read"))
async def products() -> Response[str]:
    query = visit().query
    page = await goods.products(
        Paging.of(query, "name"),
        search=query.get("q", ""),
        category=query.get("category", ""),
        kind=query.get("kind", ""),
        retired=bool(query.get("retired")),
        in_stock=bool(query.get("stock")),
        lacking=query.get("lacking", ""),
    )
    return web.page(
        "desk/products.html", block="list", page=page, categories=await goods.categories()
    )


@get("/office/products/new", opt=may("catalogue.edit"))
async def product_new() -> Response[str]:
    return await _product_form(web.EMPTY, None)


async def _product_form(form: Any, product: Any, status: int = 200) -> Response[str]:
    return web.page(
        "desk/product_edit.html",
        status=status,
        form=form,
        product=product,
        categories=await goods.categories(),
        attributes=(await attributes_of([product.id])).get(product.id, []) if product else [],
        attribute_names=await attribute_names(),
    )


@get("/office/products/{product_id:uuid}", opt=may("catalogue.read"))
async def product_card(product_id: UUID) -> Response[str]:
    return web.page(
        "desk/product.html",
        product=await goods.product(product_id),
        attributes=(await attributes_of([product_id])).get(product_id, []),
        form=web.EMPTY,
        levels=await goods.levels_of(product_id),
        moves=await goods.moves_of(product_id),
        prices=await goods.prices_of(product_id),
        lists=await pricing.price_lists(),
        warehouses=await stock.warehouses(),
        least=await least_of(product_id),
        names=await names_of(product_id),
    )


@get("/office/products/{product_id:uuid}/edit", opt=may("catalogue.edit"))
async def product_edit(product_id: UUID) -> Response[str]:
    return await _product_form(web.EMPTY, await goods.product(product_id))


async def _save(request: Req, product: Any) -> Response[Any]:
    form = await web.read_form(ProductForm, request)
    if form.input is not None:
        try:
            saved = await catalogue.save_product(
                visit().actor, form.input, product.id if product else None
            )
            return web.done(f"/office/products/{saved}")
        except Refusal as refusal:
            field = "attributes" if refusal.code == "ATTRIBUTE_BAD" else "code"
            form.errors[field] = i18n.say(f"refusal:{refusal.code}", **refusal.figures)
    return await _product_form(form, product, 422)


@post("/office/products", opt=may("catalogue.edit"), status_code=200)
async def product_create(request: Req) -> Response[Any]:
    return await _save(request, None)


@post("/office/products/{product_id:uuid}", opt=may("catalogue.edit"), status_code=200)
async def product_update(request: Req, product_id: UUID) -> Response[Any]:
    return await _save(request, await goods.product(product_id))


@post("/office/products/{product_id:uuid}/retirement", opt=may("catalogue.edit"), status_code=200)
async def retirement_create(product_id: UUID) -> Response[Any]:
    product = await goods.product(product_id)
    await catalogue.retire_product(visit().actor, product_id, product.retired_at is None)
    return web.done(f"/office/products/{product_id}")


@post("/office/products/{product_id:uuid}/prices", opt=may("prices.edit"), status_code=200)
async def price_create(request: Req, product_id: UUID) -> Response[Any]:
    await goods.product(product_id)
    form = await web.read_form(PriceForm, request)
    if form.input is None:
        raise Refusal("AMOUNT_BAD", status=422)
    new = form.input
    await pricing.set_price(visit().actor, new.list_id, product_id, new.price, new.min_quantity)
    return web.done(f"/office/products/{product_id}")


@post(
    "/office/products/{product_id:uuid}/prices/{item_id:uuid}/removal",
    opt=may("prices.edit"),
    status_code=200,
)
async def price_destroy(product_id: UUID, item_id: UUID) -> Response[Any]:
    await pricing.drop_price(visit().actor, product_id, item_id)
    return web.done(f"/office/products/{product_id}")


@post("/office/products/{product_id:uuid}/moves", opt=may("stock.edit"), status_code=200)
async def move_create(request: Req, product_id: UUID) -> Response[Any]:
    await goods.product(product_id)
    form = await web.read_form(MoveForm, request)
    if form.input is None:
        raise Refusal("QUANTITY_BAD", status=422, product="")
    await stock.adjust(
        visit().actor, form.input.warehouse_id, product_id, form.input.quantity, form.input.reason
    )
    return web.done(f"/office/products/{product_id}")


@get("/office/categories", opt=may("catalogue.edit"))
async def categories() -> Response[str]:
    return await _categories(web.EMPTY)


async def _categories(form: Any, status: int = 200) -> Response[str]:
    return web.page(
        "desk/categories.html",
        status=status,
        form=form,
        categories=await goods.categories(),
        lists=await pricing.price_lists(),
    )


@post("/office/categories", opt=may("catalogue.edit"), status_code=200)
async def category_create(request: Req) -> Response[Any]:
    form = await web.read_form(CategoryForm, request)
    if form.input is None:
        return await _categories(form, 422)
    await catalogue.save_category(visit().actor, form.input)
    return web.done("/office/categories")


@post("/office/price-lists/{list_id:uuid}/promotion", opt=may("prices.edit"), status_code=200)
async def promotion_create(list_id: UUID) -> Response[Any]:
    """Turns the mark on or off."""
    await pricing.mark_promotion(visit().actor, list_id)
    return web.done("/office/categories")


routes = [
    categories,
    category_create,
    promotion_create,
    my_day,
    search,
    party_card,
    products,
    product_new,
    product_card,
    product_edit,
    product_create,
    product_update,
    retirement_create,
    price_create,
    price_destroy,
    move_create,
]

"""Shopping lists and order templates of a buyer and his company."""

from decimal import Decimal, InvalidOperation
from typing import Any
from uuid import UUID

from litestar import Request, Response, get, post

from dilo.kit import web
from dilo.kit.errors import Invalid, Refusal
from dilo.kit.visit import visit
from dilo.orders import lists
from dilo.orders.cart_items import Item, checked
from dilo.orders.lists import ListForm

Req = Request[Any, Any, Any]
EDIT = {"verb": "orders.edit"}


async def _form(request: Req) -> ListForm:
    form = await web.read_form(ListForm, request)
    if form.input is None:
        raise Invalid(form.errors)
    return form.input


@get("/lists", opt=EDIT)
async def index() -> Response[str]:
    return web.page("portal/lists.html", lists=await lists.lists(visit().actor))


@post("/lists", opt=EDIT, status_code=200)
async def create(request: Req) -> Response[Any]:
    """Empty, from the cart (``from`` cart) or from an order (its id)."""
    asked, form = str((await request.form()).get("from", "")), await _form(request)
    if asked == "cart":
        list_id = await lists.list_from_cart(visit().actor, form)
    elif asked:
        list_id = await lists.list_from_order(visit().actor, _id(asked), form)
    else:
        list_id = await lists.new_list(visit().actor, form)
    return web.done(f"/lists/{list_id}")


def _id(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise Refusal("UNREADABLE", status=422) from None


@get("/lists/{shopping_list_id:uuid}", opt=EDIT)
async def show(shopping_list_id: UUID) -> Response[str]:
    found = await lists.shopping_list(visit().actor, shopping_list_id)
    return web.page(
        "portal/list.html",
        list=found,
        lines=await lists.list_lines(found.id),
        own=found.owner_id == visit().actor.id,
    )


@post("/lists/{shopping_list_id:uuid}", opt=EDIT, status_code=200)
async def update(request: Req, shopping_list_id: UUID) -> Response[Any]:
    await lists.rename_list(visit().actor, shopping_list_id, await _form(request))
    return web.done(f"/lists/{shopping_list_id}")


@post("/lists/{shopping_list_id:uuid}/lines", opt=EDIT, status_code=200)
async def lines_update(request: Req, shopping_list_id: UUID) -> Response[Any]:
    posted = await request.form()
    columns = (posted.getall(name, []) for name in ("product", "quantity", "comment"))
    try:
        items = [
            Item(UUID(product), checked(Decimal(web.plain_decimal(quantity or "0"))), comment[:500])
            for product, quantity, comment in zip(*columns, strict=True)
        ]
    except (ValueError, InvalidOperation):
        raise Refusal("QUANTITY_BAD", status=422, product="") from None
    gone = str(posted.get("remove", ""))
    items = [Item(x.product_id, Decimal(0)) if str(x.product_id) == gone else x for x in items]
    await lists.change_list(visit().actor, shopping_list_id, items)
    return web.done(f"/lists/{shopping_list_id}")


@post("/lists/{shopping_list_id:uuid}/removal", opt=EDIT, status_code=200)
async def destroy(shopping_list_id: UUID) -> Response[Any]:
    await lists.drop_list(visit().actor, shopping_list_id)
    return web.done("/lists")


routes = [index, create, show, update, lines_update, destroy]

"""Cart and quick order. Every decision is the house's."""

from decimal import Decimal
from typing import Any
from uuid import UUID

import msgspec
from litestar import Request, Response, get, post

from dilo.catalogue.queries import products_of_codes
from dilo.kit import i18n, web
from dilo.kit.errors import Refusal
from dilo.kit.ids import uuid7
from dilo.kit.visit import visit
from dilo.orders import cart
from dilo.orders.wording import pasted_lines

Req = Request[Any, Any, Any]
READ = {"verb": "orders.read"}
EDIT = {"verb": "orders.edit"}
SUBMIT = {"verb": "orders.submit"}


class CartLine(msgspec.Struct):
    product: UUID
    quantity: Decimal = Decimal(1)
    set: str = ""


class CheckOut(msgspec.Struct):
    key: str
    comment: str | None = None


class Pasted(msgspec.Struct):
    lines: str


@get("/cart", opt=EDIT)
async def cart_show() -> Response[str]:
    return web.page("portal/cart.html", cart=await cart.look(visit().actor), key=uuid7().hex)


@post("/cart/lines", opt=EDIT, status_code=200)
async def cart_line_create(request: Req) -> Response[Any]:
    form = await web.read_form(CartLine, request)
    if form.input is None:
        raise Refusal("QUANTITY_BAD", status=422, product="")
    line = form.input
    await cart.put(visit().actor, line.product, line.quantity, add=not line.set)
    if visit().fragment:
        return web.page("portal/_cart_count.html", cart_count=await cart.count(visit().actor))
    web.flash("success", "flash:in_cart")
    return web.redirect(
        "/cart"
        if line.set
        else request.headers.get("referer", "/").split(request.headers.get("host", "\0"), 1)[-1]
        or "/"
    )


@post("/cart/emptying", opt=EDIT, status_code=200)
async def cart_destroy() -> Response[Any]:
    await cart.empty(visit().actor)
    return web.redirect("/cart")


@get("/quick-order", opt=EDIT)
async def quick_order_new() -> Response[str]:
    return web.page("portal/quick_order.html", form=web.EMPTY, rows=[], strange=[])


@post("/quick-order", opt=EDIT, status_code=200)
async def quick_order_create(request: Req) -> Response[Any]:
    """Known lines go to the cart; what was not understood is shown again, nothing is dropped."""
    form = await web.read_form(Pasted, request)
    wanted, strange = pasted_lines(form.input.lines if form.input else "")
    known = await products_of_codes([line.code for line in wanted], visit().actor.on_behalf_of)
    unknown = [line for line in wanted if line.code.lower() not in known]
    for line in wanted:
        if line.code.lower() in known:
            await cart.put(visit().actor, known[line.code.lower()]["id"], line.quantity)
    added = len(wanted) - len(unknown)
    if not unknown and not strange and added:
        web.flash("success", "flash:lines_added", count=added)
        return web.redirect("/cart")
    left = [f"{line.code} {line.quantity}" for line in unknown] + strange
    form.values["lines"] = "\n".join(left)
    if left:
        form.errors["lines"] = i18n.say("portal:lines_left", added=added, left=len(left))
    return web.page("portal/quick_order.html", form=form)


@post("/orders", opt=SUBMIT, status_code=200)
async def create(request: Req) -> Response[Any]:
    form = await web.read_form(CheckOut, request)
    if form.input is None:
        raise Refusal("UNREADABLE", status=422)
    key = f"portal:{visit().actor.id}:{form.input.key}"
    placed = await cart.check_out(visit().actor, key, "portal", form.input.comment)
    web.flash(
        "warning" if placed.held else "success", f"flash:order_{placed.state}", number=placed.number
    )
    return web.redirect(f"/orders/{placed.id}")


routes = [
    cart_show,
    cart_line_create,
    cart_destroy,
    quick_order_new,
    quick_order_create,
    create,
]

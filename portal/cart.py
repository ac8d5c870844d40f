"""The cart and the checkout. Every decision is the house's."""

from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any
from uuid import UUID

import msgspec
from litestar import Request, Response, get, post

from dilo.catalogue import stock_view
from dilo.catalogue.rules import told_of
from dilo.kit import web
from dilo.kit.errors import Refusal
from dilo.kit.ids import uuid7, uuid_or_none
from dilo.kit.visit import visit
from dilo.orders import cart, cart_items, coupons, delivery
from dilo.orders.cart_items import Item
from dilo.orders.commands import Shortage
from dilo.orders.delivery import Delivery
from tenants.scope import current_tenant
from tenants.sessions import throttled

Req = Request[Any, Any, Any]
EDIT = {"verb": "orders.edit"}
SUBMIT = {"verb": "orders.submit"}
TO_CART = "/cart"
COUPON_TRIES = 20


class CartLine(msgspec.Struct):
    product: UUID
    quantity: Decimal = Decimal(1)
    set: str = ""


class CouponForm(msgspec.Struct):
    coupon: str = ""


class CheckOut(msgspec.Struct):
    """``deliver`` is ``pickup``, ``new`` or the id of an address."""

    key: str
    digest: str | None = None
    comment: str | None = None
    deliver: str | None = None
    new_address: str | None = None
    warehouse: UUID | None = None
    wished_on: date | None = None
    reference: str | None = None
    shortage: Shortage = "hold"


@get("/cart", opt=EDIT)
async def show() -> Response[str]:
    return await _page()


async def _page(
    form: web.Filled[Any] = web.EMPTY, problem: Refusal | None = None, status: int = 200
) -> Response[str]:
    looked = await cart.look(visit().actor)
    choices = await delivery.choices(visit().actor)
    policy = await stock_view.stock_policy(visit().actor.on_behalf_of)
    return web.page(
        "portal/cart.html",
        block="cart",
        status=status,
        cart=looked,
        choices=choices,
        told=lambda available: told_of(available, policy),
        key=uuid7().hex,
        form=form,
        problem=problem,
        cart_count=len(looked.lines),
    )


@post("/cart", opt=EDIT, status_code=200)
async def update(request: Req) -> Response[Any]:
    """All lines as they stand in the form; ``remove`` and ``replace`` are its buttons."""
    posted = await request.form()
    try:
        items = _items(posted)
    except (ValueError, InvalidOperation):
        raise Refusal("QUANTITY_BAD", status=422, product="") from None
    await cart_items.change(visit().actor, items)
    if (product_id := uuid_or_none(str(posted.get("remove", "")))) is not None:
        await cart_items.remove(visit().actor, product_id)
    old, _, new = str(posted.get("replace", "")).partition(":")
    if uuid_or_none(old) and uuid_or_none(new):
        await _replace(UUID(old), UUID(new), items)
    return await _page() if visit().fragment else web.redirect(TO_CART)


def _items(posted: Any) -> list[Item]:
    """Raises ValueError, InvalidOperation on what cannot be read."""
    columns = (posted.getall(name, []) for name in ("product", "quantity", "comment"))
    return [
        Item(
            UUID(product),
            cart_items.checked(Decimal(web.plain_decimal(quantity or "0"))),
            comment.strip(),
        )
        for product, quantity, comment in zip(*columns, strict=True)
    ]


async def _replace(old: UUID, new: UUID, items: list[Item]) -> None:
    asked = next((one for one in items if one.product_id == old), None)
    if asked is None or not asked.quantity:
        return
    put = await cart_items.put_all(
        visit().actor, [Item(new, asked.quantity, asked.comment or None)]
    )
    if put:
        await cart_items.remove(visit().actor, old)


@post("/cart/lines", opt=EDIT, status_code=200)
async def line_create(request: Req) -> Response[Any]:
    form = await web.read_form(CartLine, request)
    if form.input is None:
        raise Refusal("QUANTITY_BAD", status=422, product="")
    line = form.input
    await cart.put(visit().actor, line.product, line.quantity, add=not line.set)
    if visit().fragment:
        return web.page("portal/_cart_count.html", cart_count=await cart.count(visit().actor))
    return web.done(TO_CART if line.set else web.came_from(request, "/"), "flash:in_cart")


@post("/cart/emptying", opt=EDIT, status_code=200)
async def destroy() -> Response[Any]:
    await cart.empty(visit().actor)
    return web.redirect("/cart?emptied=1")


@post("/cart/undoing", opt=EDIT, status_code=200)
async def undo() -> Response[Any]:
    count = await cart_items.undo(visit().actor)
    web.flash("success" if count else "info", "flash:cart_back", count=count)
    return web.redirect(TO_CART)


@post("/cart/prices", opt=EDIT, status_code=200)
async def accept_prices() -> Response[Any]:
    await cart.accept_prices(visit().actor)
    return web.done(TO_CART, "flash:prices_accepted")


@post("/cart/coupon", opt=EDIT, status_code=200)
async def coupon_update(request: Req) -> Response[Any]:
    """Nothing takes the coupon off. Codes are not for guessing: a few tries, then a pause."""
    form = await web.read_form(CouponForm, request)
    code = form.input.coupon.strip() if form.input else ""
    if not code:
        await coupons.remove_coupon(visit().actor)
        return web.redirect(TO_CART)
    await throttled(current_tenant(), [f"coupon:{visit().actor.id}"], COUPON_TRIES)
    try:
        await coupons.apply_coupon(visit().actor, code)
    except Refusal as refusal:
        if refusal.status == 403:
            raise
        web.flash_refusal(refusal)
    return web.redirect(TO_CART)


@post("/orders", opt=SUBMIT, status_code=200)
async def order_create(request: Req) -> Response[Any]:
    form = await web.read_form(CheckOut, request)
    if form.input is None:
        raise Refusal("UNREADABLE", status=422)
    said = form.input
    try:
        placed = await cart.check_out(
            visit().actor,
            f"portal:{visit().actor.id}:{said.key}",
            "portal",
            said.comment,
            digest=said.digest,
            delivery=_delivery(said),
        )
    except Refusal as refusal:
        if refusal.status in (403, 404):
            raise
        return await _page(form, refusal, refusal.status)
    web.flash(
        "warning" if placed.held else "success", f"flash:order_{placed.state}", number=placed.number
    )
    return web.redirect(f"/orders/{placed.id}")


def _delivery(said: CheckOut) -> Delivery:
    picked = said.deliver == "pickup"
    return Delivery(
        method=("pickup" if picked else "delivery") if said.deliver else None,
        address=uuid_or_none(said.deliver or ""),
        new_address=said.new_address if said.deliver == "new" else None,
        warehouse=said.warehouse if picked else None,
        wished_on=said.wished_on,
        reference=said.reference,
        shortage=said.shortage,
    )


routes = [
    show,
    update,
    line_create,
    destroy,
    undo,
    accept_prices,
    coupon_update,
    order_create,
]

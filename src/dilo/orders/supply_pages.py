"""What is waited for, and what a company lets its buyers: back-orders and the ordering policy."""

from decimal import Decimal
from typing import Any
from uuid import UUID

import msgspec
from litestar import Request, Response, get, post

from dilo.kit import i18n, web
from dilo.kit.export import table_file
from dilo.kit.paging import Paging
from dilo.kit.visit import visit
from dilo.orders.back_orders import Waiting, back_orders, ship_in_parts
from dilo.orders.policy import OrderPolicy, change_order_policy, order_policy
from dilo.people.roles import may

Req = Request[Any, Any, Any]
EXPORT_MAX = 20_000


class PolicyForm(msgspec.Struct):
    promise_minutes: int = 30
    back_orders: str = ""


@get("/office/back-orders", opt=may("orders.read"))
async def index() -> Response[Any]:
    query = visit().query
    search = query.get("q", "")
    if kind := query.get("as"):
        page = await back_orders(Paging(1, EXPORT_MAX, query.get("sort", "")), search=search)
        return table_file("back-orders", kind, _head(), (_cells(one) for one in page.rows))
    page = await back_orders(Paging.of(query), search=search)
    return web.page("orders/back_orders.html", block="list", page=page)


def _head() -> list[str]:
    names = ("code", "name", "quantity", "ordered", "number", "party", "priority", "date")
    return [i18n.say(f"column:{name}") for name in names]


def _cells(one: Waiting) -> tuple[Any, ...]:
    return (
        one.code,
        one.name,
        Decimal(one.quantity),
        Decimal(one.ordered),
        one.number,
        one.party_name,
        one.priority,
        one.since.date(),
    )


@post("/office/orders/{order_id:uuid}/parts", opt=may("orders.edit"), status_code=200)
async def parts_create(order_id: UUID) -> Response[Any]:
    await ship_in_parts(visit().actor, order_id)
    return web.done(f"/office/orders/{order_id}")


@get("/office/ordering", opt=may("ordering.edit"))
async def policy_show() -> Response[str]:
    return web.page("orders/policy.html", form=web.EMPTY, policy=await order_policy())


@post("/office/ordering", opt=may("ordering.edit"), status_code=200)
async def policy_update(request: Req) -> Response[Any]:
    form = await web.read_form(PolicyForm, request)
    policy = _policy_or_none(form.input)
    if policy is None:
        form.errors["promise_minutes"] = i18n.say("invalid:VALUE")
        page = {"form": form, "policy": await order_policy()}
        return web.page("orders/policy.html", status=422, **page)
    await change_order_policy(visit().actor, policy)
    return web.done("/office/ordering")


def _policy_or_none(given: PolicyForm | None) -> OrderPolicy | None:
    if given is None:
        return None
    plain = {"promise_minutes": given.promise_minutes, "back_orders": bool(given.back_orders)}
    try:
        return msgspec.convert(plain, OrderPolicy)
    except msgspec.ValidationError:
        return None


routes = [index, parts_create, policy_show, policy_update]

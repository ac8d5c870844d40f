"""What I want to hear of, the mark of low stock: small forms of the desk."""

from decimal import Decimal
from typing import Any
from uuid import UUID

import msgspec
from litestar import Request, Response, post

from dilo.catalogue.queries import product
from dilo.kit import web
from dilo.kit.errors import Refusal
from dilo.kit.visit import visit
from dilo.people import wishes
from dilo.people.roles import may
from dilo.stock.alarms import set_alarm

Req = Request[Any, Any, Any]


class WishForm(msgspec.Struct):
    kind: str
    reach: str
    hour: int = wishes.HOUR


@post("/office/account/news", opt=may("signed-in"), status_code=200)
async def wish_update(request: Req) -> Response[Any]:
    form = await web.read_form(WishForm, request)
    if form.input is None:
        raise Refusal("UNREADABLE", status=422)
    new = form.input
    await wishes.wish(visit().actor, new.kind, new.reach, new.hour)  # type: ignore[arg-type]
    return web.done("/office/account")


class AlarmForm(msgspec.Struct):
    least: Decimal = Decimal(0)


@post("/office/products/{product_id:uuid}/alarm", opt=may("stock.edit"), status_code=200)
async def alarm_update(request: Req, product_id: UUID) -> Response[Any]:
    await product(product_id)
    form = await web.read_form(AlarmForm, request)
    if form.input is None:
        raise Refusal("QUANTITY_BAD", status=422, product="")
    await set_alarm(visit().actor, product_id, form.input.least)
    return web.done(f"/office/products/{product_id}")


routes = [wish_update, alarm_update]

"""Goods a company waits for: what, since when, in which order; and to have what there is."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from litestar import Response, get, post

from dilo.kit import i18n, web
from dilo.kit.errors import NotFound
from dilo.kit.export import table_file
from dilo.kit.paging import Paging
from dilo.kit.visit import visit
from dilo.orders import back_orders

READ = {"verb": "orders.read"}
EXPORT_MAX = 20_000
COLUMNS = ("code", "name", "awaited", "ordered", "unit", "number", "date")


@get("/orders/awaited", opt=READ)
async def index() -> Response[Any]:
    query, company = visit().query, visit().actor.on_behalf_of
    if company is None:
        raise NotFound
    search = query.get("q", "")
    if kind := query.get("as"):
        paging = Paging(1, EXPORT_MAX, query.get("sort", ""))
        page = await back_orders.back_orders(paging, party_id=company, search=search)
        return _file(kind, page.rows)
    page = await back_orders.back_orders(Paging.of(query), party_id=company, search=search)
    return web.page("portal/awaited.html", block="list", page=page)


def _file(kind: str, rows: Sequence[back_orders.Waiting]) -> Response[Any]:
    head = [i18n.say(f"column:{name}") for name in COLUMNS]
    lines = (
        (w.code, w.name, w.quantity, w.ordered, w.unit, w.number, w.since.date()) for w in rows
    )
    return table_file("awaited", kind, head, lines)


@post("/orders/{order_id:uuid}/in-parts", opt={"verb": "orders.edit"}, status_code=200)
async def in_parts(order_id: UUID) -> Response[Any]:
    """What is there need not wait for the rest."""
    await back_orders.ship_in_parts(visit().actor, order_id)
    return web.done(f"/orders/{order_id}")


routes = [index, in_parts]

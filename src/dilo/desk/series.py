"""By which attributes the goods of a series are laid out when they are ordered in a grid."""

from typing import Any

from litestar import Request, Response, get, post

from dilo.catalogue import variants
from dilo.catalogue.variants import AxesForm
from dilo.kit import web
from dilo.kit.errors import Invalid
from dilo.kit.visit import visit
from dilo.people.roles import may
from dilo.pricing import showcase

Req = Request[Any, Any, Any]


@get("/office/series", opt=may("catalogue.read"))
async def index() -> Response[str]:
    search = visit().query.get("q", "")
    return web.page("desk/series.html", block="list", series=await variants.series(search))


@get("/office/series/grid", opt=may("catalogue.read"))
async def show() -> Response[Any]:
    """As buyers see it, without anybody's prices."""
    name = visit().query.get("name", "")
    one = next((row for row in await variants.series(name) if row["series"] == name), None)
    grid = await variants.variants_of(one["product_id"]) if one else None
    if one is None or grid is None:
        return web.redirect("/office/series")
    ids = [product_id for cell in grid.cells.values() for product_id in cell]
    goods = {good.id: good for good in await showcase.goods_of(None, ids)}
    return web.page("desk/series_grid.html", one=one, grid=grid, goods=goods)


@post("/office/series", opt=may("catalogue.edit"), status_code=200)
async def update(request: Req) -> Response[Any]:
    form = await web.read_form(AxesForm, request)
    if form.input is None:
        raise Invalid(form.errors)
    await variants.set_axes(visit().actor, form.input)
    return web.done("/office/series")


routes = [index, show, update]

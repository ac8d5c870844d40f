"""Chats in figures, the texts nobody could read, and teaching what they mean."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from litestar import Request, Response, get, post

from dilo.catalogue.queries import products_like
from dilo.conversations import figures, unresolved
from dilo.kit import web
from dilo.kit.errors import NotFound
from dilo.kit.ids import uuid_or_none
from dilo.kit.paging import Paging
from dilo.kit.visit import visit
from dilo.people.roles import may
from tenants.scope import current_tenant

Req = Request[Any, Any, Any]
TEACH = may("bots.teach")
STATES = ("open", "taught", "ignored")
DAYS = ("7", "30", "90")
OFFERED = 8


@get("/office/bots", opt=TEACH)
async def index() -> Response[str]:
    days = visit().query.get("days") if visit().query.get("days") in DAYS else "30"
    since = current_tenant().today() - timedelta(days=int(days or 30))
    return web.page("conversations/bots.html", figures=await figures.figures(since), days=days)


@get("/office/bots/texts", opt=TEACH)
async def texts() -> Response[str]:
    """With ``teach``: one text and the articles it may mean, by search."""
    query = visit().query
    state = query.get("state", "open") if query.get("state") in STATES else "open"
    teaching = uuid_or_none(query.get("teach", ""))
    found = query.get("product", "")
    return web.page(
        "conversations/texts.html",
        block="list",
        page=await unresolved.unresolved(Paging.of(query), state=state, search=query.get("q", "")),
        states=STATES,
        state=state,
        teaching=await unresolved.one(teaching) if teaching else None,
        offered=await products_like(found, OFFERED) if teaching and found else [],
    )


@post("/office/bots/texts/{text_id:uuid}/teaching", opt=TEACH, status_code=200)
async def teaching_create(request: Req, text_id: UUID) -> Response[Any]:
    posted = await request.form()
    product_id = uuid_or_none(str(posted.get("product") or ""))
    if product_id is None:
        raise NotFound
    await unresolved.teach(visit().actor, text_id, product_id, str(posted.get("phrase") or ""))
    return web.done("/office/bots/texts", "flash:taught")


@post("/office/bots/texts/ignoring", opt=TEACH, status_code=200)
async def ignoring_create(request: Req) -> Response[Any]:
    ids = [uuid_or_none(str(one)) for one in (await request.form()).getall("text", [])]
    count = await unresolved.ignore_all(visit().actor, [one for one in ids if one is not None])
    return web.done("/office/bots/texts", "flash:ignored", count=count)


@post("/office/products/{product_id:uuid}/names", opt=TEACH, status_code=200)
async def name_create(request: Req, product_id: UUID) -> Response[Any]:
    phrase = str((await request.form()).get("phrase") or "")
    await unresolved.name_product(visit().actor, product_id, phrase)
    return web.redirect(f"/office/products/{product_id}")


@post("/office/products/{product_id:uuid}/names/removal", opt=TEACH, status_code=200)
async def name_destroy(request: Req, product_id: UUID) -> Response[Any]:
    name_id = uuid_or_none(str((await request.form()).get("name") or ""))
    if name_id is None:
        raise NotFound
    await unresolved.forget_name(visit().actor, product_id, name_id)
    return web.redirect(f"/office/products/{product_id}")


routes = [index, texts, teaching_create, ignoring_create, name_create, name_destroy]

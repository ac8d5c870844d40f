"""The proof as a page for staff, and as JSON for a monitor."""

import hmac
from datetime import date
from typing import Any

import msgspec
from litestar import Request, Response, get, post

from dilo.books.queries import INVARIANTS, broken
from dilo.kit import web
from dilo.kit.errors import Invalid, Refusal
from dilo.kit.ids import uuid7
from dilo.kit.visit import visit
from dilo.ledger.actions import EntryForm, accounts, close_books, closings, write_entry
from dilo.people.roles import may
from tenants.scope import current_tenant, scope, tenant_ids

LOOPBACK = {"127.0.0.1", "::1"}
health_secret = ""


@get("/office/books", opt=may("books.read"))
async def index() -> Response[str]:
    return web.page(
        "books/index.html",
        faults=await broken(20),
        invariants=list(INVARIANTS),
        closings=await closings(),
        form=web.EMPTY,
        accounts=await accounts(),
        key=uuid7().hex,
        on=current_tenant().today(),
    )


class ClosingForm(msgspec.Struct):
    through: date | None = None
    reason: str = ""


@post("/office/books/closings", opt=may("books.close"), status_code=200)
async def closing_create(request: Request[Any, Any, Any]) -> Response[Any]:
    """Without a date everything is open again."""
    form = await web.read_form(ClosingForm, request)
    if form.input is None:
        raise Invalid(form.errors)
    await close_books(visit().actor, form.input.through, form.input.reason)
    return web.done("/office/books")


@get("/health/books", opt={"tenant": "none"})
async def health_books(request: Request[Any, Any, Any]) -> Response[dict[str, Any]]:
    """Every tenant. Only for this machine, or with ``Authorization: Bearer DILO_SECRET``: 503 names
    the first broken row of each tenant by ids alone."""
    given = request.headers.get("authorization", "").removeprefix("Bearer ")
    trusted = bool(health_secret) and hmac.compare_digest(given.encode(), health_secret.encode())
    local = request.client is not None and request.client.host in LOOPBACK
    if not trusted and (not local or "x-forwarded-for" in request.headers):
        raise Refusal("FORBIDDEN", status=403)
    faults: list[dict[str, str]] = []
    for tenant_id in await tenant_ids():
        async with scope(tenant_id):
            faults += [
                {
                    "tenant": str(tenant_id),
                    "invariant": f.invariant,
                    "subject": f.subject,
                    "id": f.id,
                }
                for f in await broken(1)
            ]
    body = {"status": "broken" if faults else "clean", "broken": faults}
    return Response(body, status_code=503 if faults else 200)


@post("/office/books/entries", opt=may("books.close"), status_code=200)
async def entry_create(request: Request[Any, Any, Any]) -> Response[Any]:
    form = await web.read_form(EntryForm, request)
    if form.input is None:
        raise Invalid(form.errors)
    await write_entry(visit().actor, form.input)
    return web.done("/office/books")


routes = [index, closing_create, entry_create, health_books]

"""The web application: every door under one Litestar, refusals as pages, health."""

import logging
import secrets
from typing import Any
from urllib.parse import quote, urlsplit

import asyncpg
from litestar import Litestar, Request, Response, get
from litestar.config.csrf import CSRFConfig
from litestar.exceptions import HTTPException
from litestar.middleware import DefineMiddleware
from litestar.static_files import create_static_files_router
from litestar.types import Middleware

from bots.telegram.channel import close_sessions
from dilo.desk import pages as desk
from dilo.desk.waiting import waiting
from dilo.kit import db, memory, outbox, web
from dilo.kit.errors import Forbidden, NotFound, Refusal
from dilo.kit.templating import STATIC
from dilo.kit.visit import visit
from dilo.orders import pages as orders
from dilo.parties import pages as parties
from dilo.payments import pages as payments
from dilo.people import pages as people
from dilo.people.access import staff_at_door
from dilo.receivables import pages as receivables
from dilo.run import events, jobs
from dilo.run.database import open_database
from dilo.run.navigation import office_menu
from dilo.run.settings import process_secret, settings
from tenants.door import Door, take_csrf_token
from tenants.proxies import BehindProxies, networks_of

log = logging.getLogger("dilo.web")
YEAR = "public, max-age=31536000, immutable"
AS_IT_IS = (401, 403, 404, 413, 429)


@get("/health", opt={"tenant": "none"}, exclude_from_csrf=True)
async def health() -> dict[str, str]:
    async with db.transaction():
        await db.value("SELECT 1")
    return {"status": "ok"}


async def before_page(request: Request[Any, Any, Any]) -> None:
    """What every page of a door shows around its content."""
    if request.scope["route_handler"].opt.get("tenant") == "none":
        return
    take_csrf_token(request)
    here = visit()
    if request.scope["route_handler"].opt.get("transaction") == "steps":
        here.extras.setdefault("nav", [])
        return
    if here.path.startswith("/office") and here.actor:
        counts = {} if here.fragment else await waiting()
        here.extras["nav"] = office_menu(here.actor, here.path, counts)
    else:
        here.extras.setdefault("nav", [])
        from dilo.run.doors import furnish_page

        await furnish_page()


def refused(request: Request[Any, Any, Any], refusal: Refusal) -> Response[Any]:
    """One sentence why. A form is sent back where it came from, with nothing changed."""
    here = visit()
    here.extras["rollback"] = True
    wants_page = not here.extras.get("wants_json")
    if refusal.status == 401 and wants_page:
        office = request.url.path.startswith("/office")
        if (
            request.cookies.get(web.FRAMED_COOKIE) and not office
        ):  # inside Telegram one begins there
            return web.redirect("/tg")
        if here.extras.get("front_page"):  # a stranger at "/" where a shop is open
            return web.redirect(here.extras["front_page"])
        asked = quote(str(request.url.path)) if request.method == "GET" else ""
        return web.redirect(f"{'/office' if office else ''}/sign-in?next={asked}")
    if request.method == "POST" and wants_page and refusal.status not in AS_IT_IS:
        came_from = urlsplit(request.headers.get("referer", ""))
        if came_from.netloc == request.headers.get("host"):
            web.flash_refusal(refusal)
            return web.redirect(came_from.path + (f"?{came_from.query}" if came_from.query else ""))
    return web.refusal_page(refusal)


def declined(request: Request[Any, Any, Any], error: HTTPException) -> Response[Any]:
    """Litestar's own refusals (no route, bad parameter, CSRF) in the same clothes."""
    known: dict[int, Refusal] = {
        404: NotFound(),
        403: Forbidden("FORM_EXPIRED"),
        405: Refusal("METHOD", status=405),
    }
    if error.status_code >= 500:
        return broken(request, error)
    return refused(
        request,
        known.get(error.status_code)
        or Refusal(
            "UNREADABLE",
            status=404
            if error.status_code == 400 and request.method == "GET"
            else error.status_code,
        ),
    )


def busy(request: Request[Any, Any, Any], error: Exception) -> Response[Any]:
    log.warning("busy: %s %s: %s", request.method, request.url.path, error)
    return refused(request, Refusal("BUSY", status=503))


def broken(request: Request[Any, Any, Any], error: Exception) -> Response[Any]:
    reference = secrets.token_hex(4)
    log.error("%s %s failed (%s)", request.method, request.url.path, reference, exc_info=error)
    visit().extras["rollback"] = True
    return web.refusal_page(Refusal("BROKEN", status=500, reference=reference))


async def _open() -> None:
    await open_database()


async def _close() -> None:
    await close_sessions()
    await memory.close()
    await db.engine().close_connection_pool()  # type: ignore[attr-defined]


def make_app() -> Litestar:
    events.wire()
    outbox.use_waker(jobs.hint)
    entrances = {"/office": staff_at_door, **_other_entrances()}
    middleware: list[Middleware] = [DefineMiddleware(Door, entrances=entrances)]
    if trusted := networks_of(settings().dilo_trusted_proxies):
        middleware.insert(0, DefineMiddleware(BehindProxies, trusted=trusted))
    return Litestar(
        route_handlers=[
            health,
            _static(),
            *_routes(),
        ],
        middleware=middleware,
        before_request=before_page,
        exception_handlers={
            Refusal: refused,
            HTTPException: declined,
            asyncpg.LockNotAvailableError: busy,
            asyncpg.DeadlockDetectedError: busy,
            asyncpg.TooManyConnectionsError: busy,
            Exception: broken,
        },
        csrf_config=CSRFConfig(
            secret=process_secret(),
            cookie_name="dilo_csrf",
            header_name="x-csrftoken",
            cookie_httponly=True,
            cookie_samesite="lax",
            exclude_from_csrf_key="no_csrf",
        ),
        on_startup=[_open],
        on_shutdown=[_close],
        openapi_config=None,
        request_max_body_size=64 * 1024 * 1024,
    )


def _static() -> Any:
    return create_static_files_router(
        path="/static",
        directories=[STATIC],
        opt={"tenant": "none", "no_csrf": True},
        cache_control=None,
        after_request=_keep_a_year,
    )


async def _keep_a_year(response: Response[Any]) -> Response[Any]:
    response.headers["cache-control"] = YEAR
    return response


def _other_entrances() -> dict[str, Any]:
    from dilo.run.doors import ENTRANCES

    return ENTRANCES


def _routes() -> list[Any]:
    """Handlers in one list, not routers: one path may have its verbs in two capabilities."""
    from dilo.run.doors import ROUTES

    rooms = (people, desk, parties, orders, receivables, payments)
    return [route for room in rooms for route in room.routes] + ROUTES


def __getattr__(name: str) -> Any:
    """``dilo.run.web:app`` for the server, made when it is asked for and not at import."""
    if name == "app":
        globals()["app"] = make_app()
        return globals()["app"]
    raise AttributeError(name)

"""The front door of HTTP: host -> tenant, one transaction per request, the answer sent after
commit.

The body is read before the transaction opens and the answer is kept until it has committed, so
neither a slow client nor a lost connection holds a lock, and nobody is told of what did not happen.
A status of 400 or more rolls back. ``opt={"transaction": "own"}`` opts a route out; with ``steps``
who it is is asked as ever, then the handler opens its own, so that none is open while it calls
somebody outside.
"""

import re
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import urlsplit

from litestar import Request
from litestar.types import ASGIApp, Message, Receive, Scope, Send
from litestar.utils.scope.state import ScopeState

from dilo.kit import i18n
from dilo.kit.errors import Forbidden, Refusal
from dilo.kit.visit import Visit, begin, visit
from dilo.kit.web import FLASH_COOKIE, read_flashes
from tenants.actors import Actor
from tenants.scope import Tenant, scope, tenant_of_host

BODY_MAX = 12 * 1024 * 1024
SAFE = {"GET", "HEAD", "OPTIONS"}
HOST = re.compile(r"[a-z0-9.-]{1,253}")

Entrance = Callable[[Request[Any, Any, Any]], Awaitable[Actor | None]]


class RolledBack(Exception):
    """Leaves the scope without a commit; never seen outside this file."""


class Door:
    """``entrances`` maps a path prefix to who lets people in there; the longest prefix wins."""

    def __init__(self, app: ASGIApp, entrances: dict[str, Entrance]) -> None:
        self.app = app
        self.entrances = sorted(entrances.items(), key=lambda pair: -len(pair[0]))

    async def __call__(self, asgi: Scope, receive: Receive, send: Send) -> None:
        if asgi["type"] != "http" or asgi["route_handler"].opt.get("tenant") == "none":
            await self.app(asgi, receive, send)
            return
        request: Request[Any, Any, Any] = Request(asgi)
        tenant = await tenant_of_host(host_of(request))
        _begin_visit(request, tenant)
        _same_origin(request)
        receive = await _read_body(asgi, receive)
        if asgi["route_handler"].opt.get("transaction") == "own":
            await self.app(asgi, receive, send)
            return
        if asgi["route_handler"].opt.get("transaction") == "steps":
            async with scope(tenant):
                await self._enter(request)
            await self.app(asgi, receive, send)
            return
        kept: list[Message] = []
        try:
            async with scope(tenant):
                await self._enter(request)
                await self.app(asgi, receive, _keeping(kept))
                refused = visit().extras.get("rollback")
                if refused or not kept or kept[0].get("status", 500) >= 400:
                    raise RolledBack
        except RolledBack:
            pass
        for message in kept:
            await send(message)

    async def _enter(self, request: Request[Any, Any, Any]) -> None:
        path = request.url.path
        entrance = next(enter for prefix, enter in self.entrances if path.startswith(prefix))
        actor = await entrance(request)
        visit().actor = actor
        admit(actor, request.scope["route_handler"].opt.get("verb"))


def admit(actor: Actor | None, verb: str | None) -> None:
    """Default deny: a route without a verb admits nobody. Raises SIGN_IN_FIRST (401) or
    FORBIDDEN."""
    if verb == "anyone":
        return
    if actor is None:
        raise Refusal("SIGN_IN_FIRST", status=401)
    if verb is None:
        raise Forbidden("FORBIDDEN", verb="?")
    if verb != "signed-in":
        actor.require(verb)


def host_of(request: Request[Any, Any, Any]) -> str:
    """The Host header without its port; forwarded headers are not believed. Raises BAD_HOST."""
    name = request.headers.get("host", "").lower().rsplit(":", 1)[0].removesuffix(".")
    if not HOST.fullmatch(name):
        raise Refusal("BAD_HOST", status=400)
    return name


def _begin_visit(request: Request[Any, Any, Any], tenant: Tenant) -> None:
    language = i18n.best_language(request.headers.get("accept-language", ""), tenant.language)
    chosen = request.cookies.get("dilo_language")
    i18n.use_language(chosen if chosen in i18n.LANGUAGES else language)
    headers = request.headers
    here = begin(
        Visit(
            path=request.url.path,
            query=dict(request.query_params.items()),
            tenant=tenant,
            time_zone=tenant.time_zone,
            theme=request.cookies.get("dilo_theme", "auto"),
            fragment=headers.get("hx-request-type") == "partial",
        )
    )
    if here.theme not in ("auto", "light", "dark"):
        here.theme = "auto"
    if not here.fragment:
        here.flashes = read_flashes(request.cookies.get(FLASH_COOKIE))
    here.extras["wants_json"] = "application/json" in headers.get("accept", "") or (
        here.path.startswith("/api/")
    )


def _same_origin(request: Request[Any, Any, Any]) -> None:
    """A browser names where a form came from; another site's (or tenant's) form is refused."""
    origin = request.headers.get("origin")
    if request.method in SAFE or not origin:
        return
    if urlsplit(origin).netloc.lower() != request.headers.get("host", "").lower():
        raise Refusal("FOREIGN_ORIGIN", status=403)


async def _read_body(asgi: Scope, receive: Receive) -> Receive:
    if asgi["type"] != "http" or asgi["method"] in SAFE:
        return receive
    limit = asgi["route_handler"].opt.get("body_max", BODY_MAX)
    chunks: list[bytes] = []
    size, more = 0, True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Refusal("DISCONNECTED", status=400)
        size += len(message.get("body", b""))
        if size > limit:
            raise Refusal("TOO_LARGE", status=413, megabytes=limit // 1048576)
        chunks.append(message.get("body", b""))
        more = message.get("more_body", False)
    body = b"".join(chunks)
    given = False

    async def replay() -> Any:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return replay


def _keeping(kept: list[Message]) -> Send:
    async def keep(message: Message) -> None:
        kept.append(message)

    return keep


def take_csrf_token(request: Request[Any, Any, Any]) -> None:
    """Litestar's token for the forms of this page (double submit)."""
    token = ScopeState.from_scope(request.scope).csrf_token
    visit().csrf_token = token if isinstance(token, str) else ""

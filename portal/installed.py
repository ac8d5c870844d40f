"""The portal as an app of the phone: what it is called, its sign, and what reads it offline."""

import hashlib
from functools import cache
from typing import Any

import msgspec
from litestar import Response, get

from dilo.kit import i18n, web
from dilo.kit.errors import NotFound
from dilo.kit.templating import STATIC, asset
from dilo.kit.tiles import colour_of, tile
from tenants.scope import current_tenant

ANYONE = {"verb": "anyone"}
SIDES = (180, 192, 512)
SHELL = (
    "vendor/tabler.min.css",
    "dilo.css",
    "portal.css",
    "dealer.css",
    "mark.svg",
    "theme.js",
    "vendor/htmx.min.js",
    "vendor/hx-csp.min.js",
    "dilo.js",
    "portal.js",
)
PLAIN = {"cache-control": "no-cache", "x-content-type-options": "nosniff"}


@get("/manifest.webmanifest", opt=ANYONE)
async def manifest() -> Response[bytes]:
    tenant = current_tenant()
    said = {
        "id": "/",
        "name": tenant.name,
        "short_name": tenant.name[:12],
        "lang": i18n.language(),
        "start_url": "/",
        "scope": "/",
        "display": "standalone",
        "background_color": "#f6f7f9",
        "theme_color": colour_of(tenant.accent),
        "icons": [_icon(side) for side in SIDES],
        "shortcuts": [
            {"name": i18n.gettext(label), "url": url}
            for label, url in (("Quick order", "/quick-order"), ("Orders", "/orders"))
        ],
    }
    return Response(
        msgspec.json.encode(said), media_type="application/manifest+json", headers=PLAIN
    )


def _icon(side: int) -> dict[str, Any]:
    address = f"/app-icon/{side}.png"
    return {
        "src": address,
        "sizes": f"{side}x{side}",
        "type": "image/png",
        "purpose": "any maskable",
    }


@get("/app-icon/{icon_file:str}", opt=ANYONE)
async def icon(icon_file: str) -> Response[bytes]:
    side = next((side for side in SIDES if icon_file == f"{side}.png"), None)
    if side is None:
        raise NotFound
    tenant = current_tenant()
    headers = PLAIN | {"cache-control": "public, max-age=86400"}
    return Response(tile(tenant.name, tenant.accent, side), media_type="image/png", headers=headers)


@get("/worker.js", opt=ANYONE)
async def worker() -> Response[str]:
    """The file is given the shell's addresses and their digest."""
    return Response(_worker(), media_type="text/javascript", headers=PLAIN)


@cache
def _worker() -> str:
    text = (STATIC / "worker.js").read_text(encoding="utf-8")
    shell = [asset(path) for path in SHELL]
    version = hashlib.sha256((text + "".join(shell)).encode()).hexdigest()[:12]
    given = msgspec.json.encode({"version": version, "shell": ["/offline", *shell]}).decode()
    return f"const GIVEN = {given};\n{text}"


@get("/offline", opt=ANYONE)
async def offline() -> Response[str]:
    """Kept on the device beside the shell, so it says nothing of anybody."""
    return web.page("portal/offline.html")


routes = [manifest, icon, worker, offline]

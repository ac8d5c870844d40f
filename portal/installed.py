"""The portal as an app of the phone: its name, its sign, and what reads it and the shop offline."""

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
    "shop.css",
    "shop.js",
)
PLAIN = {"cache-control": "no-cache", "x-content-type-options": "nosniff"}


@get("/manifest.webmanifest", opt=ANYONE)
async def manifest() -> Response[bytes]:
    tenant = current_tenant()
    return manifest_file(
        tenant.name,
        id="/",
        lang=i18n.language(),
        start_url="/",
        theme_color=colour_of(tenant.accent),
        icons=icons("/app-icon"),
        shortcuts=[
            {"name": i18n.gettext(label), "url": url}
            for label, url in (("Quick order", "/quick-order"), ("Orders", "/orders"))
        ],
    )


def manifest_file(name: str, **own: Any) -> Response[bytes]:
    shared = {"scope": "/", "display": "standalone", "background_color": "#f6f7f9"}
    said = {"name": name, "short_name": name[:12]} | shared | own
    kind = "application/manifest+json"
    return Response(msgspec.json.encode(said), media_type=kind, headers=PLAIN)


def icons(folder: str) -> list[dict[str, Any]]:
    return [
        {
            "src": f"{folder}/{side}.png",
            "sizes": f"{side}x{side}",
            "type": "image/png",
            "purpose": "any maskable",
        }
        for side in SIDES
    ]


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

"""The shop as an app of the phone, under its own name and in its own colours."""

from litestar import Response, get

from dilo.kit.errors import NotFound
from dilo.kit.tiles import tile
from dilo.storefront.rules import readable
from portal.installed import PLAIN, SIDES, icons, manifest_file
from portal.shop.frame import ANYONE, Req, enter, show
from tenants.scope import current_tenant


@get("/{lang:str}/manifest.webmanifest", opt=ANYONE)
async def manifest(request: Req, lang: str) -> Response[bytes]:
    shop = (await enter(request, lang)).shop
    return manifest_file(
        shop.name,
        id="/shop",
        lang=lang,
        start_url=shop.href(),
        theme_color=readable(shop.choices.accent, "#ffffff"),
        icons=icons("/shop/icons"),
        shortcuts=[],
    )


@get("/shop/icons/{icon_file:str}", opt=ANYONE)
async def icon(request: Req, icon_file: str) -> Response[bytes]:
    shop = (await enter(request, current_tenant().language)).shop
    side = next((side for side in SIDES if icon_file == f"{side}.png"), None)
    if side is None:
        raise NotFound
    headers = PLAIN | {"cache-control": "public, max-age=86400"}
    drawn = tile(shop.name, readable(shop.choices.accent, "#ffffff"), side)
    return Response(drawn, media_type="image/png", headers=headers)


@get("/{lang:str}/offline", opt=ANYONE)
async def offline(request: Req, lang: str) -> Response[str]:
    """Asked for without cookies and kept on the device, so it says nothing of anybody."""
    await enter(request, lang)
    return show("offline", noindex=True)


routes = [manifest, icon, offline]

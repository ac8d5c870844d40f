"""What is around every page of the shop: whose it is, in which language, whose basket."""

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from litestar import Request, Response

from dilo.kit import i18n, web
from dilo.kit.errors import NotFound
from dilo.kit.visit import visit
from dilo.parties.queries import seats_of
from dilo.storefront import baskets, content, goods
from dilo.storefront.baskets import Owner
from dilo.storefront.shop import Shop, said, shop_or_none
from tenants.door import host_of
from tenants.scope import current_tenant, scope
from tenants.sessions import principal_of, throttled

Req = Request[Any, Any, Any]
ANYONE = {"verb": "anyone"}
BY_LINK = ANYONE | {"transaction": "steps"}
LINKS_MAX = 120
CONSENT, PREVIEW = "dilo_consent", "dilo_preview"
DAYS_60 = 60 * 86_400
SHELF_SECONDS = 60.0
_shelves: dict[tuple[UUID, UUID], tuple[float, list[Any]]] = {}


@dataclass(frozen=True, slots=True)
class Frame:
    """A page's surroundings; ``fresh_token`` where a guest has just been given a cookie."""

    shop: Shop
    owner: Owner
    secure: bool
    fresh_token: str = ""

    @property
    def signed_in(self) -> bool:
        return self.owner.actor is not None


def origin_of(request: Req) -> str:
    """Ours as people type it. Only the checked host name and a port made of digits are used."""
    name = host_of(request)
    port = request.headers.get("host", "").rpartition(":")[2]
    local = name.endswith("localhost") or port.isdigit()
    scheme = request.url.scheme if local else "https"
    return f"{scheme}://{name}:{port}" if port.isdigit() and port != name else f"{scheme}://{name}"


async def enter(request: Req, lang: str) -> Frame:
    """Raises NOT_FOUND where there is no shop or no such language."""
    here = visit()
    preview = request.cookies.get(PREVIEW)
    shop = await shop_or_none(lang, origin_of(request), here.actor, preview=preview)
    if shop is None:
        raise NotFound
    i18n.use_language(lang)
    owner = await baskets.owner_of(here.actor, request.cookies.get(baskets.COOKIE))
    menu = await content.menu()
    rest = here.path[len(f"/{lang}") :]
    here.extras |= {
        "shop": shop,
        "error_page": "portal.shop/error.html",
        "categories": await shelf(shop),
        "menu": {place: [i for i in menu if i["place"] == place] for place in ("top", "bottom")},
        "basket_count": await baskets.count(owner),
        "said": said,
        "alternates": [(code, shop.origin + shop.href(rest, code)) for code in i18n.LANGUAGES],
        "canonical": shop.origin + here.path,
        "consented": bool(request.cookies.get(CONSENT)),
        "signed_in": owner.actor,
        "url_with_all": lambda **changes: _address(request, changes),
    }
    return Frame(shop, owner, shop.origin.startswith("https"))


def _address(request: Req, changes: dict[str, Any]) -> str:
    """The current address with some of its query changed; repeated parameters stay."""
    kept = [(k, v) for k, v in request.query_params.multi_items() if k not in changes]
    return f"{request.url.path}?{urlencode([*kept, *changes.items()])}"


async def shelf(shop: Shop) -> list[Any]:
    """The tree of categories, kept for a minute for who has no name; the key says whose it is."""
    key = (current_tenant().id, shop.viewer)
    kept = _shelves.get(key)
    if kept and kept[0] > time.monotonic():
        return kept[1]
    found = await goods.categories(shop)
    if len(_shelves) > 2000:
        _shelves.clear()
    _shelves[key] = (time.monotonic() + SHELF_SECONDS, found)
    return found


def forget_shelves() -> None:
    _shelves.clear()


async def with_basket(frame: Frame) -> Frame:
    """Somebody puts something aside: now he needs a cookie."""
    if frame.owner.actor is not None or frame.owner.guest_id is not None:
        return frame
    owner, token = await baskets.new_guest()
    return Frame(frame.shop, owner, frame.secure, token)


def keep_guest(frame: Frame, response: Response[Any]) -> Response[Any]:
    if frame.fresh_token:
        response.set_cookie(
            baskets.COOKIE,
            frame.fresh_token,
            max_age=DAYS_60,
            httponly=True,
            samesite="lax",
            secure=frame.secure,
            path="/",
        )
    return response


async def only_so_often(request: Req, what: str, most: int, who: str = "") -> None:
    """``most`` in a while for a browser (or for ``who``), and ten times as many for its address,
    since a browser may call itself anything. Counted before it is looked at."""
    address, agent = web.came_by(request)
    await throttled(current_tenant(), [f"{what}:{address}:{who or agent[:60]}"], most)
    await throttled(current_tenant(), [f"{what}:{address}"], most * 10)


@asynccontextmanager
async def by_link(request: Req, lang: str) -> AsyncIterator[Frame]:
    """A page opened by an unguessable link. Every try is counted before it is looked at and stays
    counted: a try that finds nothing rolls back what it did."""
    here = visit()
    await throttled(here.tenant, [f"shop-link:{web.came_by(request)[0]}"], LINKS_MAX)
    async with scope(here.tenant):
        yield await enter(request, lang)


async def bring_basket(request: Req, response: Response[Any], session: str) -> None:
    """Whoever has just signed in takes along what he put aside as a guest of this browser."""
    token = request.cookies.get(baskets.COOKIE)
    if not token:
        return
    async with scope(visit().tenant):
        principal = await principal_of("portal", session)
        seats = await seats_of(principal.id, principal.chat) if principal else []
        if principal is None or not seats:
            return
        seat = next((one for one in seats if one["party_id"] == principal.party_id), seats[0])
        await baskets.merge(token, principal.id, seat["party_id"])
    response.delete_cookie(baskets.COOKIE, path="/")


def show(template: str, status: int = 200, **context: Any) -> Response[str]:
    return web.page(f"portal.shop/{template}.html", status=status, **context)

"""Who the visitor is: a session becomes an Actor bound to his company."""

from typing import Any

from litestar import Request

from dilo.kit.visit import visit
from dilo.orders import cart
from dilo.parties.queries import seats_of
from dilo.people.access import wear_preferences
from tenants.actors import Actor
from tenants.sessions import principal_of

COOKIE = "dilo_portal"
READ = frozenset({"portal.read"})
VERBS: dict[str, frozenset[str]] = {
    "admin": READ | {"orders.edit", "orders.submit", "orders.cancel"},
    "buyer": READ | {"orders.edit", "orders.submit", "orders.cancel"},
    "approver": READ | {"orders.edit", "orders.submit", "orders.cancel"},
    "accountant": READ,
    "viewer": READ,
}
MENU = (
    ("Catalogue", "/", "building-store"),
    ("Quick order", "/quick-order", "clipboard-list"),
    ("Orders", "/orders", "package"),
    ("Balance", "/debts", "scale"),
)


async def buyer_at_door(request: Request[Any, Any, Any]) -> Actor | None:
    principal = await principal_of("portal", request.cookies.get(COOKIE))
    if principal is None:
        return None
    seats = await seats_of(principal.id)
    if not seats:
        return None
    wear_preferences(principal)
    seat = seats[0]
    return Actor(
        "portal",
        principal.id,
        principal.name,
        VERBS[seat["role"]],
        on_behalf_of=seat["party_id"],
        role=seat["role"],
    )


async def furnish(actor: Actor) -> None:
    """The menu and the cart's count around every page."""
    here = visit()
    here.extras["nav"] = [
        {"label": label, "href": href, "icon": icon, "active": here.path == href}
        for label, href, icon in MENU
    ]
    here.extras["cart_count"] = await cart.count(actor)

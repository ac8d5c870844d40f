"""Who the visitor is: a session becomes an Actor bound to his company."""

from typing import Any

from litestar import Request

from dilo.buyers.roles import VERBS, WHO_MAY
from dilo.kit.visit import visit
from dilo.orders import cart
from dilo.parties.queries import seats_of
from dilo.people.access import wear_preferences
from tenants.actors import Actor
from tenants.sessions import principal_of

COOKIE = "dilo_portal"
# Which role may what: a line a verb in ``dilo.buyers.roles.WHO_MAY``; add yours there.
# label, href, icon, verb
MENU = (
    ("Catalogue", "/", "building-store", "catalogue.read"),
    ("Quick order", "/quick-order", "clipboard-list", "orders.edit"),
    ("Orders", "/orders", "package", "orders.read"),
    ("Price requests", "/quotes", "message-2", "orders.edit"),
    ("Balance", "/debts", "scale", "money.read"),
    ("Dealer", "/dealer", "target", "dealers.read"),
)
# Whose company is no dealer has no dealer's pages.
DEALERS_ONLY = frozenset(verb for verb in WHO_MAY if verb.startswith("dealers."))


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
        VERBS[seat["role"]] if "dealer" in seat["roles"] else VERBS[seat["role"]] - DEALERS_ONLY,
        on_behalf_of=seat["party_id"],
        role=seat["role"],
    )


async def furnish(actor: Actor) -> None:
    """The menu and the cart's count around every page."""
    here = visit()
    here.extras["nav"] = [
        {"label": label, "href": href, "icon": icon, "active": here.path == href}
        for label, href, icon, verb in MENU
        if actor.may(verb)
    ]
    here.extras["cart_count"] = await cart.count(actor)

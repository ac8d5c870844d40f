"""Who the visitor is: a session becomes an Actor bound to the company he chose.

Which role may what is a line a verb in ``dilo.buyers.roles.WHO_MAY``: add yours there.
"""

from typing import Any

from litestar import Request

from dilo.buyers.impersonation import may_look_as
from dilo.buyers.queries import waiting_count
from dilo.buyers.roles import COOKIE, WHO_MAY, verbs_of
from dilo.kit import i18n
from dilo.kit.visit import visit
from dilo.kit.web import FRAMED_COOKIE
from dilo.orders import cart
from dilo.parties.queries import seats_of
from dilo.people.access import wear_preferences
from dilo.storefront.shop import choices
from tenants.actors import Actor
from tenants.sessions import principal_of

__all__ = ["COOKIE", "MENU", "buyer_at_door", "furnish"]
# label, href, icon, verb
MENU = (
    ("Catalogue", "/", "building-store", "catalogue.read"),
    ("Quick order", "/quick-order", "clipboard-list", "orders.edit"),
    ("Shopping lists", "/lists", "list-check", "orders.edit"),
    ("Orders", "/orders", "package", "orders.read"),
    ("Price requests", "/quotes", "message-2", "orders.edit"),
    ("Balance", "/debts", "scale", "money.read"),
    ("Dealer", "/dealer", "target", "dealers.read"),
    ("Approvals", "/approvals", "checks", "approvals.decide"),
    ("Addresses", "/company/addresses", "map-pin", "addresses.edit"),
    ("Company", "/company", "users-group", "company.edit"),
)
# Whose company is no dealer has no dealer's pages.
DEALERS_ONLY = frozenset(verb for verb in WHO_MAY if verb.startswith("dealers."))


async def buyer_at_door(request: Request[Any, Any, Any]) -> Actor | None:
    """Seat, role and the colleague behind an impersonation are read anew at every request."""
    principal = await principal_of("portal", request.cookies.get(COOKIE))
    if principal is None:
        if request.url.path == "/" and (await choices()).is_open:
            visit().extras["front_page"] = f"/{i18n.language()}"
        return None
    for_another = principal.staff_id is not None
    if for_another and not may_look_as(principal.staff_role):
        return None
    seats = await seats_of(principal.id, principal.chat)
    chosen = [one for one in seats if one["party_id"] == principal.party_id]
    if not seats or (for_another and not chosen):
        return None
    seat = (chosen or seats)[0]
    wear_preferences(principal)
    extras = visit().extras
    extras["framed"] = request.cookies.get(FRAMED_COOKIE) == "1"
    extras["company_name"] = seat["party_name"]
    extras["seats"] = [] if for_another else seats
    extras["acting_for"] = principal.name if for_another else ""
    name = f"{principal.name} ({principal.staff_name})" if for_another else principal.name
    verbs = verbs_of(seat["role"], for_another=for_another)
    if "dealer" not in seat["roles"]:
        verbs -= DEALERS_ONLY
    return Actor(
        "portal", principal.id, name, verbs, on_behalf_of=seat["party_id"], role=seat["role"]
    )


async def furnish(actor: Actor) -> None:
    """The menu and the counts around every page."""
    here = visit()
    waiting = 0
    if actor.may("approvals.decide") and actor.on_behalf_of is not None:
        waiting = await waiting_count(actor.on_behalf_of)
    here.extras["nav"] = [
        {
            "label": label,
            "href": href,
            "icon": icon,
            "active": here.path == href,
            "count": waiting if href == "/approvals" else 0,
        }
        for label, href, icon, verb in MENU
        if actor.may(verb)
    ]
    here.extras["cart_count"] = await cart.count(actor)

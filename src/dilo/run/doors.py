"""Doors beside the office: who lets people in there, and their routes."""

from typing import Any

import dilo.books.pages
import dilo.dunning.pages
import portal.routes
from bots.telegram import webhook
from dilo.kit.visit import visit
from portal.access import buyer_at_door, furnish

ENTRANCES: dict[str, Any] = {"/": buyer_at_door}
ROUTES: list[Any] = [*portal.routes.routes, *dilo.dunning.pages.routes, *webhook.routes, *dilo.books.pages.routes]


async def furnish_page() -> None:
    """What the portal shows around every page."""
    here = visit()
    if here.actor is not None and here.actor.kind == "portal":
        await furnish(here.actor)

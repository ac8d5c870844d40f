"""Doors beside the office: who lets people in there, and their routes."""

from typing import Any

import api.calls
import api.orders
import api.payments
import api.reports
import dilo.acquiring.pages
import dilo.acquiring.webhooks
import dilo.analytics.pages
import dilo.banking.pages
import dilo.books.pages
import dilo.buyers.pages
import dilo.campaigns.pages
import dilo.claims.pages
import dilo.classes.pages
import dilo.conversations.bot_pages
import dilo.conversations.pages
import dilo.conversations.phrase_pages
import dilo.credit.pages
import dilo.dealers.network_pages
import dilo.dealers.pages
import dilo.desk.goods
import dilo.desk.matters
import dilo.desk.office
import dilo.desk.order
import dilo.desk.series
import dilo.desk.shelf
import dilo.desk.standing
import dilo.desk.tasks
import dilo.dunning.collections
import dilo.dunning.pages
import dilo.imports.pages
import dilo.messaging.pages
import dilo.orders.shipment_pages
import dilo.orders.supply_pages
import dilo.payables.pages
import dilo.promotions.pages
import dilo.quotes.offer_pages
import dilo.quotes.pages
import dilo.storefront.pages
import portal.routes
import portal.shop.routes
from api.keys import key_at_door
from bots.sms import webhook as sms_webhook
from bots.telegram import pages as bot_pages
from bots.telegram import webapp, webhook
from dilo.kit.visit import visit
from portal.access import buyer_at_door, furnish

ENTRANCES: dict[str, Any] = {"/": buyer_at_door, "/api": key_at_door}
ROUTES: list[Any] = [
    *portal.routes.routes,
    *api.calls.routes,
    *api.orders.routes,
    *api.payments.routes,
    *api.reports.routes,
    *webhook.routes,
    *webapp.routes,
    *sms_webhook.routes,
    *bot_pages.routes,
    *dilo.acquiring.pages.routes,
    *dilo.acquiring.webhooks.routes,
    *dilo.analytics.pages.routes,
    *dilo.banking.pages.routes,
    *dilo.books.pages.routes,
    *dilo.buyers.pages.routes,
    *dilo.campaigns.pages.routes,
    *dilo.classes.pages.routes,
    *dilo.conversations.bot_pages.routes,
    *dilo.conversations.pages.routes,
    *dilo.conversations.phrase_pages.routes,
    *dilo.credit.pages.routes,
    *dilo.desk.goods.routes,
    *dilo.desk.matters.routes,
    *dilo.desk.series.routes,
    *dilo.desk.tasks.routes,
    *dilo.desk.office.routes,
    *dilo.desk.shelf.routes,
    *dilo.desk.standing.routes,
    *dilo.dealers.pages.routes,
    *dilo.dealers.network_pages.routes,
    *dilo.dunning.collections.routes,
    *dilo.dunning.pages.routes,
    *dilo.imports.pages.routes,
    *dilo.messaging.pages.routes,
    *dilo.orders.supply_pages.routes,
    *dilo.payables.pages.routes,
    *dilo.promotions.pages.routes,
    *dilo.storefront.pages.routes,
    *portal.shop.routes.routes,
    *dilo.quotes.offer_pages.routes,
    *dilo.quotes.pages.routes,
    *dilo.claims.pages.routes,
    *dilo.desk.order.routes,
    *dilo.orders.shipment_pages.routes,
]


async def furnish_page() -> None:
    """What the portal shows around every page."""
    here = visit()
    if here.actor is not None and here.actor.kind == "portal":
        await furnish(here.actor)

"""Ids of dealers' own things: plans, schemes, sub-dealers, a storefront with a sale, deals, news."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

from dealing import agreed_plan, director
from town import Cast

from dilo.dealers import news, registrations, sales, storefronts
from dilo.dealers.children import ChildForm, add_child
from dilo.dealers.network import TerritoryForm, save_territory
from dilo.dealers.plans import lines_of
from dilo.dealers.tiers import TierForm, save_tier
from dilo.kit import db

WATCHED = (
    "dealer_plan",
    "dealer_plan_line",
    "dealer_tier",
    "territory",
    "bonus_scheme",
    "bonus_payout",
    "dealer_storefront",
    "dealer_sale",
    "deal_registration",
    "dealer_news",
)
# The public storefront: nobody signs in; another tenant's host knows none of ours.
OPEN = {
    "/d/{slug}",
    "/d/{slug}/cart",
    "/d/{slug}/cart/lines",
    "/d/{slug}/shop/theme.css",
    "/d/{slug}/p/{product_id}",
    "/d/{slug}/logo",
    "/d/{slug}/sales",
    "/d/{slug}/sales/{sale_token}",
}


async def ids_of(town: Cast) -> dict[str, Any]:
    day = town.tenant.today()
    plan = await agreed_plan(town, day)
    boss = director(town)
    boss = replace(boss, verbs=boss.verbs | {"dealers.register"})
    child = await add_child(boss, ChildForm("Sub", "sub@example.com", "Sub", Decimal(10)))
    shop_form = storefronts.StorefrontForm("ours", "Ours", published="on")
    await storefronts.save_storefront(boss, shop_form)
    shop = await storefronts.storefront_at("ours")
    form = sales.CheckOutForm("Ann", "+380671234567", "key-of-the-form")
    sale, token = await sales.place_sale(shop, form, [(town.products["CABLE-3"], Decimal(1))])
    deal = await registrations.register(
        boss, registrations.RegistrationForm("Customer", Decimal(10), day)
    )
    return {
        "plan_id": plan,
        "plan_line_id": (await lines_of([plan]))[0].id,
        "scheme_id": await db.value("SELECT id FROM bonus_scheme LIMIT 1"),
        "tier_id": await save_tier(town.olena, TierForm("Gold")),
        "territory_id": await save_territory(town.olena, TerritoryForm("North", "Чернігів")),
        "sub_dealer_id": child,
        "slug": "ours",
        "sale_id": sale,
        "sale_token": token,
        "registration_id": deal,
        "news_id": await news.publish(town.olena, news.NewsForm(title_en="Hello")),
    }

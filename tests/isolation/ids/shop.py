"""Ids of the shop's own rows. Its public addresses are open; on a host without a shop they are not there."""

import secrets
from typing import Any

from town import Cast

from dilo.kit import db
from dilo.storefront import content
from dilo.storefront.content import BannerForm, ItemForm, PageForm

PUBLIC = """
 c/{slug} search p/{slug} i/{page_slug} {rest} cart cart/lines cart/coupon checkout
order/{order_token} order/{order_token}/payment order/{order_token}/reviews wishes register register/{shop_token} privacy
consent my-data my-data/{shop_token}
""".split()
OPEN = {
    "/{lang}",
    *(f"/{{lang}}/{path}" for path in PUBLIC),
    "/sitemap.xml",
    "/sitemaps/{lang}/{sitemap_part}",
    "/robots.txt",
    "/shop/theme.css",
    "/shop/pictures/{picture_key}",
    "/shop/preview/{preview_token}",
}
WATCHED = ("shop_page", "shop_banner", "shop_menu_item", "review", "data_request", "shop_order")
REVIEW = """
INSERT INTO review (product_id, author, stars) VALUES (:product, 'x', 5) RETURNING id
"""
REQUEST = """
INSERT INTO data_request (kind, email, token_hash, language, expires_at, state)
VALUES ('erasure', 'x@example.com', :hash, 'uk', now() + interval '1 day', 'confirmed') RETURNING id
"""


async def ids_of(town: Cast) -> dict[str, Any]:
    return {
        "lang": "uk",
        "slug": "lampa-led-10-vt-lamp-1",
        "page_slug": "x",
        "rest": "x",
        "order_token": "x",
        "shop_token": "x",
        "preview_token": "x",
        "sitemap_part": 1,
        "picture_key": "x",
        "mark": "logo",
        "shop_order_id": secrets.token_hex(4).rjust(8, "0") + "-0000-7000-8000-000000000000",
        "shop_page_id": await content.save_page(town.olena, PageForm("x")),
        "banner_id": await content.save_banner(town.olena, BannerForm("x"), None),
        "menu_item_id": await content.add_item(town.olena, ItemForm("top", "/uk", "x")),
        "review_id": await db.value(REVIEW, product=town.products["LAMP-1"]),
        "data_request_id": await db.value(REQUEST, hash=secrets.token_bytes(8)),
    }

"""What search engines read: structured data, sitemaps, robots.txt."""

from collections.abc import Sequence
from typing import Any
from xml.sax.saxutils import escape

import msgspec
from markupsafe import Markup

from dilo.kit.i18n import LANGUAGES
from dilo.storefront.goods import Card
from dilo.storefront.shop import Shop

CONTEXT = "https://schema.org"


def _ld(data: dict[str, Any]) -> Markup:
    """JSON that cannot leave its element, whatever a name says."""
    text = msgspec.json.encode({"@context": CONTEXT} | data).decode()
    for sign, code in (
        ("<", "\\u003c"),
        (">", "\\u003e"),
        ("&", "\\u0026"),
        ("\u2028", "\\u2028"),
        ("\u2029", "\\u2029"),
    ):
        text = text.replace(sign, code)
    return Markup(text)  # noqa: S704 - every sign of markup is written as its code


def organization(shop: Shop) -> list[Markup]:
    chosen = shop.choices
    about: dict[str, Any] = {"@type": "Organization", "name": shop.name, "url": shop.origin}
    if chosen.phone:
        about["telephone"] = chosen.phone
    if chosen.email:
        about["email"] = chosen.email
    if chosen.address:
        about["address"] = chosen.address
    if chosen.logo:
        about["logo"] = f"{shop.origin}{shop.picture(chosen.logo)}"
    search = {
        "@type": "SearchAction",
        "target": f"{shop.origin}{shop.href('/search')}?q={{q}}",
        "query-input": "required name=q",
    }
    site = {
        "@type": "WebSite",
        "name": shop.name,
        "url": shop.origin + shop.href(),
        "potentialAction": search,
    }
    return [_ld(about), _ld(site)]


def breadcrumbs(shop: Shop, crumbs: Sequence[tuple[str, str]]) -> list[Markup]:
    items = [
        {"@type": "ListItem", "position": n, "name": name, "item": shop.origin + href}
        for n, (name, href) in enumerate([(shop.name, shop.href()), *crumbs], 1)
    ]
    return [_ld({"@type": "BreadcrumbList", "itemListElement": items})]


def product(
    shop: Shop, card: Card, description: str | None, barcodes: Sequence[str], reviews: Sequence[Any]
) -> list[Markup]:
    url = shop.origin + shop.href(f"/p/{card.slug}")
    about: dict[str, Any] = {
        "@type": "Product",
        "name": card.name,
        "sku": card.code,
        "url": url,
        "description": (description or card.name)[:5000],
    }
    if card.picture:
        about["image"] = shop.origin + shop.media(card.picture, 1200)
    gtin = next((b for b in barcodes if b.isdigit() and len(b) in (8, 12, 13, 14)), None)
    if gtin:
        about["gtin"] = gtin
    if card.price is not None:
        stock = "InStock" if card.in_stock else "OutOfStock"
        about["offers"] = {
            "@type": "Offer",
            "url": url,
            "price": f"{card.price:.2f}",
            "priceCurrency": shop.currency.strip(),
            "availability": f"{CONTEXT}/{stock}",
            "seller": {"@type": "Organization", "name": shop.name},
        }
    if card.reviews and card.stars is not None:
        about["aggregateRating"] = {
            "@type": "AggregateRating",
            "ratingValue": f"{card.stars:.1f}",
            "reviewCount": card.reviews,
        }
        about["review"] = [
            {
                "@type": "Review",
                "author": {"@type": "Person", "name": one["author"]},
                "datePublished": one["written_at"].date().isoformat(),
                "reviewBody": one["words"],
                "reviewRating": {"@type": "Rating", "ratingValue": one["stars"], "bestRating": 5},
            }
            for one in reviews[:5]
        ]
    return [_ld(about)]


def sitemap_index(shop: Shop, parts: int) -> str:
    places = [
        f"<sitemap><loc>{escape(shop.origin)}/sitemaps/{language}/{part}</loc></sitemap>"
        for language in LANGUAGES
        for part in range(parts + 1)
    ]
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        '<sitemapindex xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">'
        + "".join(places)
        + "</sitemapindex>"
    )


def sitemap(shop: Shop, paths: Sequence[str]) -> str:
    places = [f"<url><loc>{escape(shop.origin + shop.href(path))}</loc></url>" for path in paths]
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        '<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">'
        + "".join(places)
        + "</urlset>"
    )


def robots(shop: Shop) -> str:
    private = (
        "/cart",
        "/checkout",
        "/order/",
        "/account",
        "/wishes",
        "/search",
        "/my-data",
        "/register",
    )
    shut = [f"Disallow: /{language}{path}" for language in LANGUAGES for path in private]
    return "\n".join(
        [
            "User-agent: *",
            "Disallow: /office",
            "Disallow: /sign-in",
            "Disallow: /pay/",
            *shut,
            f"Sitemap: {shop.origin}/sitemap.xml",
            "",
        ]
    )

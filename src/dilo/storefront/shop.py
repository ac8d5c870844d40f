"""The shop itself: what the company chose, and the frozen ``Shop`` every page is made from."""

from dataclasses import dataclass, replace
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec

from dilo.catalogue.shelf import NOBODY
from dilo.kit import db
from dilo.kit.errors import NotFound, Refusal
from dilo.kit.i18n import LANGUAGES
from dilo.kit.money import ZERO
from dilo.orders.queries import Terms, terms_of
from dilo.storefront.preview import may_preview
from dilo.storefront.rules import HEX, contrast, digest, stylesheet
from tenants.actors import Actor
from tenants.scope import current_tenant
from tenants.settings import change_setting, setting

NAME = "shop"
PUBLIC = "SELECT id FROM warehouse WHERE is_default AND closed_at IS NULL"
LIST_OF_SEGMENT = """
INSERT INTO price_assignment (price_list_id, scope, scope_value)
SELECT :list_id, 'segment', :segment
WHERE NOT EXISTS (SELECT 1 FROM price_assignment WHERE price_list_id = :list_id
                  AND scope = 'segment' AND scope_value = :segment)
"""
LISTS = "SELECT id, name FROM price_list ORDER BY name LIMIT 300"
SERVICES = (
    "SELECT id, name FROM product WHERE kind = 'service' AND retired_at IS NULL ORDER BY name"
)
Short = Annotated[str, msgspec.Meta(max_length=200)]
Words = Annotated[str, msgspec.Meta(max_length=3000)]


class ShopForm(msgspec.Struct):
    """What the office chooses. ``segment``: whose prices and promotions are everyone's."""

    is_open: Literal["on", ""] = ""
    name: Short = ""
    about: Words = ""
    segment: Annotated[str, msgspec.Meta(max_length=80)] = "shop"
    list_id: UUID | None = None
    email: Short = ""
    phone: Short = ""
    address: Short = ""
    requisites: Words = ""
    card: Literal["on", ""] = ""
    invoice: Literal["on", ""] = ""
    pickup: Literal["on", ""] = ""
    delivery: Literal["on", ""] = ""
    delivery_product_id: UUID | None = None
    card_hours: Annotated[int, msgspec.Meta(ge=1, le=72)] = 2
    invoice_days: Annotated[int, msgspec.Meta(ge=1, le=60)] = 5
    accent: Short = "#0b63a5"
    neutral: Short = "#1c2733"
    font: Literal["system", "inter", "serif", "round"] = "system"
    layout: Literal["airy", "dense"] = "airy"
    corners: Literal["square", "soft", "round"] = "soft"
    logo: Short = ""
    favicon: Short = ""


@dataclass(frozen=True, slots=True)
class Shop:
    """One shop as one visitor sees it. Pages take this and read no tenant's settings.

    ``terms``: whose prices, warehouse and promotions; everyone's or the signed-in person's.
    ``origin``, ``base``: where addresses begin.
    """

    name: str
    origin: str
    language: str
    currency: str
    choices: ShopForm
    terms: Terms
    base: str = ""
    is_preview: bool = False

    def href(self, path: str = "", language: str = "") -> str:
        return f"{self.base}/{language or self.language}{path}"

    @property
    def viewer(self) -> UUID:
        return self.terms.party_id

    @property
    def styles(self) -> str:
        c = self.choices
        return stylesheet(c.accent, c.neutral, c.font, c.layout, c.corners)

    @property
    def theme_href(self) -> str:
        return f"{self.base}/shop/theme.css?v={digest(self.styles)}"

    def picture(self, key: str | None) -> str | None:
        return f"/shop/pictures/{key}" if key else None

    def media(self, key: str, pixels: int = 480) -> str:
        return f"/media/{key}/{pixels}"


async def choices() -> ShopForm:
    return await setting(NAME, ShopForm)


async def shop_or_none(
    language: str, origin: str, actor: Actor | None = None, *, preview: str | None = None
) -> Shop | None:
    """The company's own shop; None while it is shut, but for who has a link to look at it. A
    signed-in person sees his own prices."""
    if language not in LANGUAGES:
        return None
    chosen, tenant = await choices(), current_tenant()
    if not chosen.is_open and not may_preview(preview):
        return None
    mine = actor is not None and actor.kind == "portal" and actor.on_behalf_of is not None
    terms = (
        await terms_of(actor.on_behalf_of, tenant.today())  # type: ignore[union-attr, arg-type]
        if mine
        else await public_terms(chosen.segment)
    )
    return Shop(
        chosen.name or tenant.name,
        origin,
        language,
        terms.currency,
        chosen,
        terms,
        is_preview=not chosen.is_open,
    )


async def public_terms(segment: str) -> Terms:
    """What anybody may buy on: no party, no credit, the default warehouse."""
    return Terms(
        party_id=NOBODY,
        party_name="",
        currency=current_tenant().currency,
        segment=segment or None,
        city=None,
        closed=False,
        agreement_id=None,
        minimum_order=None,
        credit_days=0,
        limit_amount=ZERO,
        grace_days=0,
        tolerance_amount=ZERO,
        deposit_amount=ZERO,
        stop_shipments=False,
        warehouse_id=await db.value(PUBLIC),
        has_buying_rules=False,
    )


async def save_shop(actor: Actor, form: ShopForm) -> list[str]:
    """Returns which colours had to be changed to be read. Raises FORBIDDEN, COLOUR_BAD."""
    actor.require("shop.edit")
    for colour in (form.accent, form.neutral):
        if not HEX.fullmatch(colour):
            raise Refusal("COLOUR_BAD", status=422, colour=colour[:20])
    if form.list_id and not await db.value(
        "SELECT 1 FROM price_list WHERE id = :id", id=form.list_id
    ):
        raise NotFound
    before = await choices()
    form.logo, form.favicon = before.logo, before.favicon
    await change_setting(actor, NAME, form)
    if form.list_id and form.segment:
        await db.execute(LIST_OF_SEGMENT, list_id=form.list_id, segment=form.segment)
    return [c for c in (form.accent, form.neutral) if contrast(c, "#ffffff") < 4.5]


async def set_mark(actor: Actor, which: Literal["logo", "favicon"], key: str) -> None:
    actor.require("shop.edit")
    chosen = await choices()
    await change_setting(actor, NAME, msgspec.structs.replace(chosen, **{which: key}))


async def lists_and_services() -> dict[str, Any]:
    return {"lists": await db.rows(LISTS), "services": await db.rows(SERVICES)}


def in_language(shop: Shop, language: str) -> Shop:
    return replace(shop, language=language)


def said(words: dict[str, Any], language: str) -> str:
    """The text of a language, else of any that is there."""
    return words.get(language) or next((words[code] for code in LANGUAGES if words.get(code)), "")

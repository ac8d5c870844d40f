"""A dealer's own storefront on our catalogue: his name, his mark-up on his own prices."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Literal
from uuid import UUID

import asyncpg
import msgspec

from dilo.catalogue.shelf import VISIBLE
from dilo.dealers.rules import retail_price
from dilo.kit import db, files
from dilo.kit.errors import NotFound, Refusal
from dilo.kit.images import reencoded
from dilo.orders.actions.place import buyer_of
from dilo.orders.queries import terms_of
from dilo.parties.queries import party
from dilo.pricing.queries import priced
from tenants import audit
from tenants.actors import Actor
from tenants.scope import current_tenant

ROOM = "storefronts"
LOGO_SIDE = 400
RESERVED = ("office", "api", "admin")
COLUMNS = """
SELECT s.id, s.party_id, p.name AS party_name, s.slug, s.title, s.about, s.phone, s.logo_key,
  s.markup_percent, s.rounding, s.orders_at_once, s.published_at, s.made_by_id, p.currency,
  p.closed_at
FROM dealer_storefront s JOIN party p ON p.id = s.party_id
"""
SAVE = """
INSERT INTO dealer_storefront (party_id, slug, title, about, phone, markup_percent, rounding,
  orders_at_once, published_at, made_by_id)
VALUES (:party_id, :slug, :title, :about, :phone, :markup_percent, :rounding, :orders_at_once,
  CASE WHEN :published THEN now() END, :by)
ON CONFLICT (tenant_id, party_id) DO UPDATE SET slug = excluded.slug, title = excluded.title,
  about = excluded.about, phone = excluded.phone, markup_percent = excluded.markup_percent,
  rounding = excluded.rounding, orders_at_once = excluded.orders_at_once,
  published_at = CASE WHEN :published THEN coalesce(dealer_storefront.published_at, now()) END,
  made_by_id = excluded.made_by_id, changed_at = now()
RETURNING id
"""
MARKUP = """
INSERT INTO dealer_markup (storefront_id, category_id, markup_percent, hidden)
VALUES (:id, :category_id, :percent, :hidden)
ON CONFLICT (tenant_id, storefront_id, category_id) DO UPDATE
SET markup_percent = excluded.markup_percent, hidden = excluded.hidden
"""
MARKUPS = """
SELECT c.id, c.name, m.markup_percent, coalesce(m.hidden, false) AS hidden
FROM category c LEFT JOIN dealer_markup m ON m.category_id = c.id AND m.storefront_id = :id
ORDER BY c.name
"""
GOODS = f"""
SELECT p.id, p.code, p.name, p.unit, p.description, p.category_id, c.name AS category,
  coalesce(m.markup_percent, :markup) AS markup_percent,
  (SELECT coalesce(sum(l.on_hand - l.reserved), 0) FROM stock_level l WHERE l.product_id = p.id)
    AS available,
  (SELECT m.key FROM product_media m WHERE m.product_id = p.id AND m.kind = 'picture'
    ORDER BY m.position, m.id LIMIT 1) AS picture, count(*) OVER () AS total_rows
FROM product p LEFT JOIN category c ON c.id = p.category_id
LEFT JOIN dealer_markup m ON m.category_id = p.category_id AND m.storefront_id = :id
WHERE p.kind = 'goods' AND p.retired_at IS NULL AND NOT coalesce(m.hidden, false) AND {VISIBLE}
  AND (:search = '' OR strpos(p.search, :search) > 0)
  AND (CAST(:category_id AS uuid) IS NULL OR p.category_id = :category_id)
  AND (CAST(:products AS uuid[]) IS NULL OR p.id = ANY(:products))
ORDER BY p.name, p.id LIMIT :size OFFSET :offset
"""


class StorefrontForm(msgspec.Struct):
    slug: Annotated[str, msgspec.Meta(min_length=3, max_length=40, pattern="^[a-z0-9][a-z0-9-]+$")]
    title: Annotated[str, msgspec.Meta(min_length=1, max_length=120)]
    about: Annotated[str, msgspec.Meta(max_length=2000)] | None = None
    phone: Annotated[str, msgspec.Meta(max_length=40)] | None = None
    markup_percent: Decimal = Decimal(0)
    rounding: Literal["0.01", "0.10", "1", "5", "10"] = "0.01"
    orders_at_once: Literal["on", ""] = ""
    published: Literal["on", ""] = ""


class MarkupForm(msgspec.Struct):
    """No percent: the storefront's own holds."""

    category: UUID
    markup_percent: Decimal | None = None
    hidden: Literal["on", ""] = ""


@dataclass(frozen=True, slots=True)
class Storefront:
    id: UUID
    party_id: UUID
    party_name: str
    slug: str
    title: str
    about: str | None
    phone: str | None
    logo_key: str | None
    markup_percent: Decimal
    rounding: Decimal
    orders_at_once: bool
    published_at: datetime | None
    made_by_id: UUID | None
    currency: str
    closed_at: datetime | None


@dataclass(frozen=True, slots=True)
class Good:
    """What a customer of the storefront may know of a product: never what the dealer pays."""

    id: UUID
    code: str
    name: str
    unit: str
    description: str | None
    category_id: UUID | None
    category: str | None
    available: Decimal
    picture: str | None
    price: Decimal


def _percent(value: Decimal | None) -> None:
    if value is not None and (not value.is_finite() or not 0 <= value <= 1000):
        raise Refusal("PERCENT_BAD", status=422)


async def storefront_of(party_id: UUID) -> Storefront | None:
    return await db.one_or_none_as(
        Storefront, f"{COLUMNS} WHERE s.party_id = :party_id", party_id=party_id
    )


async def storefront_at(slug: str) -> Storefront:
    """One that is published, of a dealer who is open. Raises NOT_FOUND."""
    found = await db.one_as(Storefront, f"{COLUMNS} WHERE s.slug = :slug", slug=slug[:60])
    if found.published_at is None or found.closed_at is not None:
        raise NotFound
    return found


async def save_storefront(actor: Actor, form: StorefrontForm) -> UUID:
    """Raises FORBIDDEN, NOT_FOUND, NOT_A_DEALER, PERCENT_BAD, SLUG_TAKEN."""
    actor.require("dealers.run")
    if actor.on_behalf_of is None:
        raise NotFound
    dealer = await party(actor.on_behalf_of)
    if "dealer" not in dealer.roles:
        raise Refusal("NOT_A_DEALER", status=422, name=dealer.name)
    _percent(form.markup_percent)
    if form.slug in RESERVED:
        raise Refusal("SLUG_TAKEN", status=422, slug=form.slug)
    values = msgspec.structs.asdict(form) | {
        "rounding": Decimal(form.rounding),
        "orders_at_once": form.orders_at_once == "on",
        "published": form.published == "on",
    }
    try:
        async with db.savepoint():
            saved = await db.value(SAVE, party_id=dealer.id, by=actor.id, **values)
    except asyncpg.UniqueViolationError:
        raise Refusal("SLUG_TAKEN", status=422, slug=form.slug) from None
    await audit.note(actor, "dealers.storefront", "party", dealer.id, after={"slug": form.slug})
    return saved


async def set_markup(actor: Actor, form: MarkupForm) -> None:
    """Raises FORBIDDEN, NOT_FOUND, PERCENT_BAD."""
    actor.require("dealers.run")
    found = await _own(actor)
    _percent(form.markup_percent)
    try:
        async with db.savepoint():
            await db.execute(
                MARKUP,
                id=found.id,
                category_id=form.category,
                percent=form.markup_percent,
                hidden=form.hidden == "on",
            )
    except asyncpg.ForeignKeyViolationError:
        raise NotFound from None


async def _own(actor: Actor) -> Storefront:
    found = await storefront_of(actor.on_behalf_of) if actor.on_behalf_of else None
    if found is None:
        raise NotFound
    return found


async def markups_of(storefront_id: UUID) -> list[db.Row]:
    return await db.rows(MARKUPS, id=storefront_id)


async def set_logo(actor: Actor, body: bytes) -> None:
    """Whatever its name says, drawn anew. Raises FORBIDDEN, IMAGE_BAD, IMAGE_TOO_LARGE."""
    actor.require("dealers.run")
    found = await _own(actor)
    key = f"{secrets.token_hex(16)}.jpg"
    (files.folder(current_tenant().id, ROOM) / key).write_bytes(await reencoded(body, LOGO_SIDE))
    await db.execute(
        "UPDATE dealer_storefront SET logo_key = :k WHERE id = :id", k=key, id=found.id
    )


def logo_path(found: Storefront) -> Path:
    """Raises NOT_FOUND where there is none."""
    if not found.logo_key:
        raise NotFound
    return files.path_of(current_tenant().id, ROOM, found.logo_key)


async def goods(
    shop: Storefront,
    *,
    search: str = "",
    category_id: UUID | None = None,
    products: Sequence[UUID] | None = None,
    number: int = 1,
    size: int = 24,
) -> tuple[list[Good], int]:
    """A page of goods at retail prices, and how many there are; what has no price is left out.
    One statement for goods, one for prices."""
    rows = await db.rows(
        GOODS,
        id=shop.id,
        viewer=shop.party_id,
        markup=shop.markup_percent,
        search=search.lower().strip()[:100],
        category_id=category_id,
        products=list(products) if products is not None else None,
        size=size,
        offset=(number - 1) * size,
    )
    buyer = buyer_of(await terms_of(shop.party_id, current_tenant().today()))
    own = await priced(buyer, [(row["id"], Decimal(1)) for row in rows]) if rows else []
    prices = {one.product_id: one.price for one in own if one.price is not None}
    shown = [
        Good(
            row["id"],
            row["code"],
            row["name"],
            row["unit"],
            row["description"],
            row["category_id"],
            row["category"],
            row["available"],
            row["picture"],
            retail_price(prices[row["id"]], row["markup_percent"], shop.rounding),
        )
        for row in rows
        if row["id"] in prices
    ]
    return shown, rows[0]["total_rows"] if rows else 0

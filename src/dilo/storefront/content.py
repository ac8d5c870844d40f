"""Pages, banners, the menu, pictures: what the company says in its shop."""

import secrets
from dataclasses import dataclass
from datetime import date, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

import asyncpg
import msgspec

from dilo.kit import db
from dilo.kit.errors import NotFound, Refusal
from dilo.kit.i18n import LANGUAGES
from dilo.kit.images import reencoded
from tenants import audit
from tenants.actors import Actor

PAGES = """
SELECT id, slug, title, body, is_published, changed_by, changed_at FROM shop_page
"""
SAVE_PAGE = """
INSERT INTO shop_page (id, slug, title, body, is_published, changed_by)
VALUES (coalesce(:id, uuidv7()), slug_of(:slug), :title, :body, :published, :by)
ON CONFLICT (tenant_id, id) DO UPDATE SET slug = excluded.slug, title = excluded.title,
  body = excluded.body, is_published = excluded.is_published, changed_by = excluded.changed_by,
  changed_at = now()
RETURNING id
"""
BANNERS = """
SELECT id, title, words, href, picture_key, language, starts_on, ends_on, position
FROM shop_banner
WHERE CAST(:on AS date) IS NULL OR (language IS NULL OR language = :language)
  AND (starts_on IS NULL OR starts_on <= :on) AND (ends_on IS NULL OR ends_on >= :on)
ORDER BY position, id LIMIT 50
"""
SAVE_BANNER = """
INSERT INTO shop_banner (id, title, words, href, picture_key, language, starts_on, ends_on,
  position)
VALUES (coalesce(:id, uuidv7()), :title, :words, :href, :picture_key, :language, :starts_on,
  :ends_on, :position)
ON CONFLICT (tenant_id, id) DO UPDATE SET title = excluded.title, words = excluded.words,
  href = excluded.href, picture_key = coalesce(excluded.picture_key, shop_banner.picture_key),
  language = excluded.language, starts_on = excluded.starts_on, ends_on = excluded.ends_on,
  position = excluded.position
RETURNING id
"""
MENU = "SELECT id, place, label, href, position FROM shop_menu_item ORDER BY place, position, id"
ADD_ITEM = """
INSERT INTO shop_menu_item (place, label, href, position) VALUES (:place, :label, :href, :position)
RETURNING id
"""
PICTURE = "SELECT kind, bytes FROM shop_picture WHERE key = :key"
KEEP_PICTURE = """
INSERT INTO shop_picture (key, kind, width, height, bytes)
VALUES (:key, 'image/jpeg', 0, 0, :bytes)
"""
Short = Annotated[str, msgspec.Meta(max_length=200)]
Body = Annotated[str, msgspec.Meta(max_length=60_000)]


class PageForm(msgspec.Struct):
    title_uk: Short = ""
    title_en: Short = ""
    title_ru: Short = ""
    body_uk: Body = ""
    body_en: Body = ""
    body_ru: Body = ""
    slug: Short = ""
    published: Literal["on", ""] = ""


class BannerForm(msgspec.Struct):
    title: Short
    words: Annotated[str, msgspec.Meta(max_length=400)] | None = None
    href: Short | None = None
    language: Literal["uk", "en", "ru"] | None = None
    starts_on: date | None = None
    ends_on: date | None = None
    position: Annotated[int, msgspec.Meta(ge=0, le=1000)] = 0


class ItemForm(msgspec.Struct):
    place: Literal["top", "bottom"]
    href: Short
    label_uk: Short = ""
    label_en: Short = ""
    label_ru: Short = ""
    position: Annotated[int, msgspec.Meta(ge=0, le=1000)] = 0


@dataclass(frozen=True, slots=True)
class ShopPage:
    id: UUID
    slug: str
    title: dict[str, str]
    body: dict[str, str]
    is_published: bool
    changed_by: str
    changed_at: datetime


def _each(form: Any, field: str) -> dict[str, str]:
    return {code: text for code in LANGUAGES if (text := getattr(form, f"{field}_{code}").strip())}


def own_or_web(href: str | None) -> str | None:
    """An address people may be sent to: our own path or https. Raises LINK_BAD."""
    if not href:
        return None
    ours = href.startswith("/") and not href.startswith(("//", "/\\"))
    if not ours and not href.startswith(("https://", "mailto:", "tel:")):
        raise Refusal("LINK_BAD", status=422, link=href[:80])
    return href


async def pages() -> list[ShopPage]:
    return await db.rows_as(ShopPage, f"{PAGES} ORDER BY slug LIMIT 200")


async def page(page_id: UUID) -> ShopPage:
    return await db.one_as(ShopPage, f"{PAGES} WHERE id = :id", id=page_id)


async def page_of_slug(slug: str, *, drafts: bool) -> ShopPage:
    """Raises NOT_FOUND; a draft is found only by those who edit."""
    sql = f"{PAGES} WHERE slug = :slug AND (is_published OR :drafts)"
    return await db.one_as(ShopPage, sql, slug=slug, drafts=drafts)


async def save_page(actor: Actor, form: PageForm, page_id: UUID | None = None) -> UUID:
    """Raises FORBIDDEN, NOT_FOUND, TITLE_MISSING, SLUG_TAKEN."""
    actor.require("shop.edit")
    title = _each(form, "title")
    if not title:
        raise Refusal("TITLE_MISSING", status=422)
    if page_id:
        await page(page_id)
    try:
        async with db.savepoint():
            saved = await db.value(
                SAVE_PAGE,
                id=page_id,
                slug=form.slug or title.get("uk") or next(iter(title.values())),
                title=title,
                body=_each(form, "body"),
                published=form.published == "on",
                by=actor.name,
            )
    except asyncpg.UniqueViolationError:
        raise Refusal("SLUG_TAKEN", status=422) from None
    await audit.note(actor, "shop.page", "shop_page", saved, after={"published": form.published})
    return saved


async def drop_page(actor: Actor, page_id: UUID) -> None:
    actor.require("shop.edit")
    await _drop("DELETE FROM shop_page WHERE id = :id", page_id)
    await audit.note(actor, "shop.page_gone", "shop_page", page_id)


async def _drop(sql: str, row_id: UUID) -> None:
    if not await db.execute(sql, id=row_id):
        raise NotFound


async def banners(language: str = "", on: date | None = None) -> list[db.Row]:
    """Those of a day and a language; without a day all of them."""
    return await db.rows(BANNERS, language=language, on=on)


async def save_banner(
    actor: Actor, form: BannerForm, picture: bytes | None, banner_id: UUID | None = None
) -> UUID:
    """Raises FORBIDDEN, NOT_FOUND, LINK_BAD, DATES_BAD, IMAGE_BAD, IMAGE_TOO_LARGE."""
    actor.require("shop.edit")
    if form.starts_on and form.ends_on and form.ends_on < form.starts_on:
        raise Refusal("DATES_BAD", status=422)
    if banner_id and not await db.value("SELECT 1 FROM shop_banner WHERE id = :id", id=banner_id):
        raise NotFound
    fields = msgspec.structs.asdict(form) | {"href": own_or_web(form.href)}
    key = await keep_picture(actor, picture) if picture else None
    saved = await db.value(SAVE_BANNER, id=banner_id, picture_key=key, **fields)
    await audit.note(actor, "shop.banner", "shop_banner", saved, after={"title": form.title})
    return saved


async def drop_banner(actor: Actor, banner_id: UUID) -> None:
    actor.require("shop.edit")
    await _drop("DELETE FROM shop_banner WHERE id = :id", banner_id)
    await audit.note(actor, "shop.banner_gone", "shop_banner", banner_id)


async def menu() -> list[db.Row]:
    return await db.rows(MENU)


async def add_item(actor: Actor, form: ItemForm) -> UUID:
    """Raises FORBIDDEN, LINK_BAD, TITLE_MISSING."""
    actor.require("shop.edit")
    label = _each(form, "label")
    if not label:
        raise Refusal("TITLE_MISSING", status=422)
    made = await db.value(
        ADD_ITEM, place=form.place, label=label, href=own_or_web(form.href), position=form.position
    )
    await audit.note(actor, "shop.menu", "shop_menu_item", made, after={"href": form.href})
    return made


async def drop_item(actor: Actor, item_id: UUID) -> None:
    actor.require("shop.edit")
    await _drop("DELETE FROM shop_menu_item WHERE id = :id", item_id)
    await audit.note(actor, "shop.menu", "shop_menu_item", item_id)


async def keep_picture(actor: Actor, body: bytes) -> str:
    """Made of pixels alone, under a name of its own. Raises IMAGE_BAD, IMAGE_TOO_LARGE."""
    actor.require("shop.edit")
    key = secrets.token_hex(16)
    await db.execute(KEEP_PICTURE, key=key, bytes=await reencoded(body))
    return key


async def picture(key: str) -> tuple[str, bytes]:
    """Raises NOT_FOUND."""
    row = await db.one(PICTURE, key=key)
    return row["kind"], row["bytes"]

"""News, documents and notices of changed prices for dealers: to all, a tier, a territory, some.

A notice of prices shows each dealer the changes of his own prices only, counted when he looks.
"""

import secrets
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Literal
from uuid import UUID
from zoneinfo import ZoneInfo

import asyncpg
import msgspec

from dilo.dealers import notices
from dilo.kit import db, files, i18n
from dilo.kit.errors import NotFound, Refusal
from dilo.orders.actions.place import buyer_of
from dilo.orders.queries import terms_of
from dilo.pricing.queries import priced
from tenants import audit
from tenants.actors import Actor
from tenants.scope import current_tenant

ROOM = "dealer-news"
FILE_MAX = 10 * 1024 * 1024
KINDS = ("pdf", "xlsx", "xls", "docx", "doc", "csv", "txt", "png", "jpg", "jpeg", "zip")
FOR = """
(n.audience = 'all'
  OR n.audience = 'tier' AND dealer_tier_on(d.id, :on) = n.tier_id
  OR n.audience = 'territory' AND EXISTS (SELECT 1 FROM territory_city c
    WHERE c.territory_id = n.territory_id AND c.city_key = lower(d.city))
  OR n.audience = 'named' AND d.id = ANY(n.party_ids))
"""
COLUMNS = """
SELECT n.id, n.kind, n.audience, n.titles, n.bodies, n.file_name, n.file_key, n.price_list_id,
  n.since, n.until, n.published_by, n.published_at
"""
OF_DEALER = f"""
{COLUMNS}, EXISTS (SELECT 1 FROM dealer_news_read r WHERE r.news_id = n.id
  AND r.party_id = d.id AND r.identity_id = :identity_id) AS is_read
FROM dealer_news n JOIN party d ON d.id = :party_id
WHERE n.withdrawn_at IS NULL AND {FOR}
  AND (CAST(:news_id AS uuid) IS NULL OR n.id = :news_id)
ORDER BY n.published_at DESC LIMIT 100
"""
ALL = f"""
{COLUMNS}, t.name AS tier, r.name AS territory, n.withdrawn_at,
  (SELECT count(*) FROM party d WHERE 'dealer' = ANY(d.roles) AND d.closed_at IS NULL AND {FOR})
    AS addressed,
  (SELECT count(DISTINCT party_id) FROM dealer_news_read x WHERE x.news_id = n.id) AS readers
FROM dealer_news n LEFT JOIN dealer_tier t ON t.id = n.tier_id
LEFT JOIN territory r ON r.id = n.territory_id ORDER BY n.published_at DESC LIMIT 200
"""
INSERT = """
INSERT INTO dealer_news (kind, audience, tier_id, territory_id, party_ids, titles, bodies,
  file_key, file_name, price_list_id, since, until, published_by)
VALUES (:kind, :audience, :tier_id, :territory_id, :party_ids, :titles, :bodies, :file_key,
  :file_name, :price_list_id, :since, :until, :by) RETURNING id
"""
READ = """
INSERT INTO dealer_news_read (news_id, party_id, identity_id)
VALUES (:news_id, :party_id, :identity_id) ON CONFLICT DO NOTHING
"""
READERS = f"""
SELECT d.id, d.name, min(x.read_at) AS read_at FROM dealer_news n
JOIN party d ON 'dealer' = ANY(d.roles) AND d.closed_at IS NULL AND {FOR}
LEFT JOIN dealer_news_read x ON x.news_id = n.id AND x.party_id = d.id
WHERE n.id = :id GROUP BY d.tenant_id, d.id ORDER BY 3 NULLS FIRST, d.name LIMIT 500
"""
ADDRESSED = f"""
SELECT d.id FROM dealer_news n JOIN party d ON 'dealer' = ANY(d.roles) AND d.closed_at IS NULL
  AND {FOR} WHERE n.id = :id
"""
# The first price known in the span against the one now: what the list's items have come to.
DIFF = """
WITH first AS (
  SELECT DISTINCT ON (product_id, min_quantity) product_id, min_quantity, old_price
  FROM price_change WHERE price_list_id = :list_id
    AND changed_at >= CAST(:since AS timestamptz) AND changed_at < CAST(:until AS timestamptz)
  ORDER BY product_id, min_quantity, changed_at, id),
last AS (
  SELECT DISTINCT ON (product_id, min_quantity) product_id, min_quantity, new_price
  FROM price_change WHERE price_list_id = :list_id
    AND changed_at >= CAST(:since AS timestamptz) AND changed_at < CAST(:until AS timestamptz)
  ORDER BY product_id, min_quantity, changed_at DESC, id DESC)
SELECT f.product_id, g.code, g.name, g.unit, f.min_quantity, f.old_price, l.new_price
FROM first f JOIN last l USING (product_id, min_quantity) JOIN product g ON g.id = f.product_id
WHERE l.new_price IS DISTINCT FROM f.old_price ORDER BY g.name, f.min_quantity LIMIT 5000
"""
# Dealers whom the list is assigned to, by whatever scope.
AFFECTED = """
SELECT DISTINCT d.id, d.name FROM party d JOIN price_assignment a ON a.price_list_id = :list_id
LEFT JOIN agreement g ON g.id = a.agreement_id
WHERE 'dealer' = ANY(d.roles) AND d.closed_at IS NULL AND (a.scope = 'base'
  OR a.scope = 'party' AND a.party_id = d.id OR a.scope = 'segment' AND a.scope_value = d.segment
  OR a.scope = 'region' AND a.scope_value = d.city
  OR a.scope = 'agreement' AND g.party_id = d.id)
ORDER BY d.name
"""
LIST_CODE = "SELECT code, name FROM price_list WHERE id = :id"

Text = Annotated[str, msgspec.Meta(max_length=200)]
Body = Annotated[str, msgspec.Meta(max_length=8000)]


class NewsForm(msgspec.Struct):
    title_uk: Text | None = None
    title_en: Text | None = None
    title_ru: Text | None = None
    body_uk: Body | None = None
    body_en: Body | None = None
    body_ru: Body | None = None
    audience: Literal["all", "tier", "territory", "named"] = "all"
    tier: UUID | None = None
    territory: UUID | None = None
    parties: list[UUID] = []


class PricesForm(msgspec.Struct):
    price_list: UUID
    since: date
    until: date


@dataclass(frozen=True, slots=True)
class Upload:
    name: str
    body: bytes


@dataclass(frozen=True, slots=True)
class News:
    """``title`` and ``body`` in the reader's language, else in whichever was written."""

    id: UUID
    kind: str
    audience: str
    titles: dict[str, str]
    bodies: dict[str, str]
    file_name: str | None
    file_key: str | None
    price_list_id: UUID | None
    since: date | None
    until: date | None
    published_by: str
    published_at: datetime
    is_read: bool = False

    @property
    def title(self) -> str:
        if self.kind == "prices":
            return i18n.say("dealer:prices_changed", since=self.since, until=self.until)
        return _said(self.titles)

    @property
    def body(self) -> str:
        return _said(self.bodies)


@dataclass(frozen=True, slots=True)
class PriceMove:
    product_id: UUID
    code: str
    name: str
    unit: str
    min_quantity: Decimal
    old_price: Decimal
    new_price: Decimal | None

    @property
    def percent(self) -> Decimal | None:
        if not self.new_price or not self.old_price:
            return None
        return 100 * (self.new_price - self.old_price) / self.old_price


def _said(texts: dict[str, str]) -> str:
    return texts.get(i18n.language()) or next(iter(texts.values()), "")


async def publish(actor: Actor, form: NewsForm, upload: Upload | None = None) -> UUID:
    """At least one language; the others read it. Every addressed dealer is told once.

    Raises FORBIDDEN, NOT_FOUND, TITLE_MISSING, AUDIENCE_BAD, FILE_KIND_BAD, TOO_LARGE.
    """
    actor.require("dealers.edit")
    given = msgspec.structs.asdict(form)
    titles, bodies = (
        {code: given[f"{part}_{code}"] for code in i18n.LANGUAGES if given[f"{part}_{code}"]}
        for part in ("title", "body")
    )
    if not titles:
        raise Refusal("TITLE_MISSING", status=422)
    target = {"tier": form.tier, "territory": form.territory, "named": form.parties}
    if form.audience != "all" and not target[form.audience]:
        raise Refusal("AUDIENCE_BAD", status=422)
    key, name = _stored(upload) if upload else (None, None)
    return await _insert(
        actor,
        kind="document" if upload else "news",
        audience=form.audience,
        tier_id=form.tier if form.audience == "tier" else None,
        territory_id=form.territory if form.audience == "territory" else None,
        party_ids=form.parties if form.audience == "named" else [],
        titles=titles,
        bodies=bodies,
        file_key=key,
        file_name=name,
        price_list_id=None,
        since=None,
        until=None,
    )


def _stored(upload: Upload) -> tuple[str, str]:
    """Under a name of ours; its ending is one of the allowed, its own name only shown."""
    kind = upload.name.rsplit(".", 1)[-1].lower() if "." in upload.name else ""
    if kind not in KINDS:
        raise Refusal("FILE_KIND_BAD", status=422, kinds=", ".join(KINDS))
    if len(upload.body) > FILE_MAX:
        raise Refusal("TOO_LARGE", status=413, megabytes=FILE_MAX // 1048576)
    key = f"{secrets.token_hex(16)}.{kind}"
    (files.folder(current_tenant().id, ROOM) / key).write_bytes(upload.body)
    shown = "".join(char for char in upload.name if char.isprintable() and char not in '"\\/')
    return key, shown[-120:]


async def _insert(actor: Actor, **values: Any) -> UUID:
    try:
        async with db.savepoint():
            made = await db.value(INSERT, by=actor.name, **values)
    except asyncpg.ForeignKeyViolationError:
        raise NotFound from None
    title = _said(values["titles"]) if values["titles"] else ""
    addressed = await db.rows(ADDRESSED, id=made, on=current_tenant().today())
    await notices.tell_all(
        [row["id"] for row in addressed],
        f"news:{made}",
        "dealer:prices_told" if values["kind"] == "prices" else "dealer:news_told",
        news=made,
        title=title,
        since=values["since"],
        until=values["until"],
    )
    await audit.note(actor, "dealers.news", "dealer_news", made, after={"kind": values["kind"]})
    return made


async def price_moves(form: PricesForm) -> tuple[list[PriceMove], list[db.Row]]:
    """The list's own changes in a span of days, and the dealers it is assigned to."""
    moves = await _diff(form.price_list, form.since, form.until)
    return moves, await db.rows(AFFECTED, list_id=form.price_list)


async def _diff(list_id: UUID, since: date, until: date) -> list[PriceMove]:
    return await db.rows_as(
        PriceMove, DIFF, list_id=list_id, since=_start(since), until=_start(until, 1)
    )


def _start(day: date, later: int = 0) -> datetime:
    zone = ZoneInfo(current_tenant().time_zone)
    return datetime.combine(day + timedelta(days=later), time(), zone)


async def publish_prices(actor: Actor, form: PricesForm) -> UUID:
    """To the dealers the list is assigned to. Raises FORBIDDEN, NOT_FOUND, DATES_BAD,
    NOTHING_CHANGED."""
    actor.require("dealers.edit")
    await db.one(LIST_CODE, id=form.price_list)
    if form.until < form.since:
        raise Refusal("DATES_BAD", status=422)
    moves, affected = await price_moves(form)
    if not moves or not affected:
        raise Refusal("NOTHING_CHANGED")
    return await _insert(
        actor,
        kind="prices",
        audience="named",
        tier_id=None,
        territory_id=None,
        party_ids=[row["id"] for row in affected],
        titles={},
        bodies={},
        file_key=None,
        file_name=None,
        price_list_id=form.price_list,
        since=form.since,
        until=form.until,
    )


async def own_moves(news: News, party_id: UUID) -> list[PriceMove]:
    """Of the list's changes, those where this list gives this dealer his price now: nothing else of
    the list, and nothing of others."""
    if news.price_list_id is None or news.since is None or news.until is None:
        return []
    moves = await _diff(news.price_list_id, news.since, news.until)
    if not moves:
        return []
    code = (await db.one(LIST_CODE, id=news.price_list_id))["code"]
    buyer = buyer_of(await terms_of(party_id, current_tenant().today()))
    now = await priced(buyer, [(move.product_id, move.min_quantity) for move in moves])
    return [
        move
        for move, own in zip(moves, now, strict=True)
        if own.list_code == code or (move.new_price is None and own.price is None)
    ]


async def standing_news(news_id: UUID, party_id: UUID) -> News | None:
    """For whoever writes about it: None where it was withdrawn or is no longer for this dealer."""
    return await db.one_or_none_as(
        News,
        OF_DEALER,
        party_id=party_id,
        identity_id=None,
        news_id=news_id,
        on=current_tenant().today(),
    )


async def news_for(party_id: UUID, identity_id: UUID | None) -> list[News]:
    return await db.rows_as(
        News,
        OF_DEALER,
        party_id=party_id,
        identity_id=identity_id,
        news_id=None,
        on=current_tenant().today(),
    )


async def read_news(actor: Actor, news_id: UUID) -> News:
    """Marks it read. Raises NOT_FOUND for whoever it was not written to."""
    if actor.on_behalf_of is None or actor.id is None:
        raise NotFound
    found = await db.one_as(
        News,
        OF_DEALER,
        party_id=actor.on_behalf_of,
        identity_id=actor.id,
        news_id=news_id,
        on=current_tenant().today(),
    )
    await db.execute(READ, news_id=news_id, party_id=actor.on_behalf_of, identity_id=actor.id)
    return found


def file_of(news: News) -> Path:
    """Raises NOT_FOUND where it has none."""
    if not news.file_key:
        raise NotFound
    return files.path_of(current_tenant().id, ROOM, news.file_key)


async def all_news() -> list[db.Row]:
    return await db.rows(ALL, on=current_tenant().today())


async def readers_of(news_id: UUID) -> list[db.Row]:
    """Whom it is for, who has read it and when; the unread first."""
    return await db.rows(READERS, id=news_id, on=current_tenant().today())


async def withdraw(actor: Actor, news_id: UUID) -> None:
    """Raises FORBIDDEN, NOT_FOUND."""
    actor.require("dealers.edit")
    if not await db.execute(
        "UPDATE dealer_news SET withdrawn_at = now() WHERE id = :id AND withdrawn_at IS NULL",
        id=news_id,
    ):
        raise NotFound
    await audit.note(actor, "dealers.news_withdrawn", "dealer_news", news_id)

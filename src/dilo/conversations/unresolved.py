"""What nobody could read in an order, counted; taught once, understood ever after."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import asyncpg

from dilo.kit import clock, db
from dilo.kit.errors import NotFound, Refusal
from dilo.kit.paging import Page, Paging
from dilo.orders.spoken.words import code_key
from tenants import audit
from tenants.actors import Actor
from tenants.scope import current_tenant

TEXT_MAX = 120
NOTE = """
INSERT INTO unresolved_text AS u (text, channel, party_id, first_at, last_at)
SELECT t, :channel, :party_id, :now, :now FROM unnest(:texts::text[]) AS t ORDER BY t
ON CONFLICT (tenant_id, text) DO UPDATE SET times = u.times + 1, last_at = excluded.last_at,
  channel = excluded.channel, party_id = excluded.party_id
"""
COUNT = """
INSERT INTO reading_count AS c (day, channel, sure, asked, not_read)
VALUES (:day, :channel, :sure, :asked, :not_read)
ON CONFLICT (tenant_id, day, channel) DO UPDATE SET sure = c.sure + excluded.sure,
  asked = c.asked + excluded.asked, not_read = c.not_read + excluded.not_read
"""
FORGET = "DELETE FROM product_alias WHERE id = :id AND product_id = :product_id"
IGNORE = """
UPDATE unresolved_text SET state = 'ignored', settled_by = :by
WHERE id = ANY(:ids) AND state = 'open' RETURNING id
"""
# What a text has taught goes with it, unless it was known before.
REOPEN = """
WITH back AS (
  SELECT id, alias_id FROM unresolved_text WHERE id = ANY(:ids) AND state <> 'open' FOR UPDATE),
forgotten AS (DELETE FROM product_alias a USING back WHERE a.id = back.alias_id)
UPDATE unresolved_text u SET state = 'open', product_id = NULL, settled_by = NULL, alias_id = NULL
FROM back WHERE u.id = back.id RETURNING u.id
"""
NAMES = """
SELECT id, phrase, taught_by, taught_at FROM product_alias WHERE product_id = :id ORDER BY phrase
"""
LIST = """
SELECT t.*, count(*) OVER () AS total_rows FROM (
  SELECT u.id, u.text, u.channel, u.times, u.state, u.first_at, u.last_at, u.settled_by,
    p.name AS party_name, g.code AS product_code, g.name AS product_name
  FROM unresolved_text u LEFT JOIN party p ON p.id = u.party_id
  LEFT JOIN product g ON g.id = u.product_id
  WHERE u.state = :state AND (:channel = '' OR u.channel = :channel) AND u.times >= :least
    AND (:search = '' OR strpos(lower(concat_ws(' ', u.text, p.name)), :search) > 0)) t
"""
COUNTS = "SELECT state, count(*) AS texts FROM unresolved_text GROUP BY state"
ONE = "SELECT id, text, times FROM unresolved_text WHERE id = :id"
SORTS = {"often": "t.times DESC", "last": "t.last_at", "text": "t.text"}
SETTLE = """
UPDATE unresolved_text SET state = :state, product_id = :product_id, settled_by = :by
WHERE id = :id RETURNING text
"""
TEACH = """
INSERT INTO product_alias (product_id, phrase, key, taught_by)
VALUES (:product_id, :phrase, :key, :by)
ON CONFLICT (tenant_id, product_id, key) DO NOTHING RETURNING id
"""
REMEMBER = "UPDATE unresolved_text SET alias_id = :alias_id WHERE id = :id"


@dataclass(frozen=True, slots=True)
class Unresolved:
    id: UUID
    text: str
    channel: str
    times: int
    state: str
    first_at: datetime
    last_at: datetime
    settled_by: str | None
    party_name: str | None
    product_code: str | None
    product_name: str | None


async def note_unresolved(channel: str, party_id: UUID | None, texts: Sequence[str]) -> None:
    plain = sorted({text.strip().lower()[:TEXT_MAX] for text in texts if text.strip()})
    if plain:
        await db.execute(NOTE, channel=channel, party_id=party_id, texts=plain, now=clock.now())


async def note_read(channel: str, sure: int, asked: int, not_read: int) -> None:
    """How many lines of one message were understood, asked about, not read."""
    if sure or asked or not_read:
        await db.execute(
            COUNT,
            day=current_tenant().today(),
            channel=channel,
            sure=sure,
            asked=asked,
            not_read=not_read,
        )


async def unresolved(
    paging: Paging, *, state: str = "open", channel: str = "", least: int = 1, search: str = ""
) -> Page[Unresolved]:
    """Those said at least ``least`` times; ``search``: words of the text or of who said it last."""
    found = await db.rows(
        f"{LIST} ORDER BY {paging.order_by(SORTS, 'often')}, t.id LIMIT :size OFFSET :offset",
        state=state,
        channel=channel,
        least=least,
        search=search.lower().strip(),
        size=paging.size,
        offset=paging.offset,
    )
    return db.page_of(Unresolved, found, paging)


async def counts() -> dict[str, int]:
    return {row["state"]: row["texts"] for row in await db.rows(COUNTS)}


async def one(text_id: UUID) -> db.Row:
    """Raises NOT_FOUND."""
    return await db.one(ONE, id=text_id)


async def teach(actor: Actor, text_id: UUID, product_id: UUID, phrase: str = "") -> None:
    """From now on ``phrase`` (by default the text itself) is that article.

    Raises FORBIDDEN, NOT_FOUND, PHRASE_BAD (nothing but figures or a sign would name everything).
    """
    actor.require("bots.teach")
    text = await _settle(actor, text_id, "taught", product_id)
    alias_id = await _taught(actor, product_id, phrase or text)
    await db.execute(REMEMBER, id=text_id, alias_id=alias_id)


async def _taught(actor: Actor, product_id: UUID, phrase: str) -> UUID | None:
    """None where the article was called so already."""
    named = phrase.strip()[:TEXT_MAX]
    if sum(ch.isalpha() for ch in named) < 2:
        raise Refusal("PHRASE_BAD", status=422)
    await db.one("SELECT id FROM product WHERE id = :id", id=product_id)
    made = await db.value(
        TEACH, product_id=product_id, phrase=named, key=code_key(named), by=actor.name
    )
    await audit.note(actor, "bots.teach", "product", product_id, after={"phrase": named})
    return made


async def ignore_all(actor: Actor, ids: Sequence[UUID]) -> list[UUID]:
    """Returns those that were still open. Raises FORBIDDEN."""
    actor.require("bots.teach")
    return [row["id"] for row in await db.rows(IGNORE, ids=list(ids), by=actor.name)]


async def reopen_all(actor: Actor, ids: Sequence[UUID]) -> int:
    """Back to the list to be settled; what they taught is forgotten. Raises FORBIDDEN."""
    actor.require("bots.teach")
    return len(await db.rows(REOPEN, ids=list(ids)))


async def names_of(product_id: UUID) -> list[db.Row]:
    """What people call this article, as it was taught."""
    return await db.rows(NAMES, id=product_id)


async def name_product(actor: Actor, product_id: UUID, phrase: str) -> None:
    """Raises FORBIDDEN, NOT_FOUND, PHRASE_BAD."""
    actor.require("bots.teach")
    await _taught(actor, product_id, phrase)


async def forget_name(actor: Actor, product_id: UUID, name_id: UUID) -> None:
    """Raises FORBIDDEN, NOT_FOUND."""
    actor.require("bots.teach")
    if not await db.execute(FORGET, id=name_id, product_id=product_id):
        raise NotFound
    await audit.note(actor, "bots.forget", "product", product_id)


async def _settle(actor: Actor, text_id: UUID, state: str, product_id: UUID | None) -> str:
    try:
        async with db.savepoint():
            text = await db.value(
                SETTLE, id=text_id, state=state, product_id=product_id, by=actor.name
            )
    except asyncpg.ForeignKeyViolationError:
        raise NotFound from None
    if text is None:
        raise NotFound
    return text

"""How the chats do in a period: what each bot and channel heard, answered and sold, what was
understood, how fast people were answered."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec

from dilo.kit import db
from tenants.scope import current_tenant

DAYS, DAYS_MAX = 30, 366
# A company has one bot at a time: whatever its chats said between its first day and its last is
# that bot's. Of two that overlap the elder still counted, the younger was a candidate.
HAPPENED = """
WITH happened AS (
  SELECT t.channel, m.at, t.id AS chat, 1 AS heard, 0 AS by_bot, 0 AS by_people, 0 AS lost,
    0 AS orders, CAST(:own AS text) AS currency, CAST(0 AS numeric) AS total
  FROM thread_message m JOIN thread t ON t.id = m.thread_id
  WHERE m.kind = 'in' AND m.at >= :since AND m.at < :until
  UNION ALL
  SELECT o.channel, o.created_at, NULL, 0, (o.kind = 'reply')::int, (o.kind = 'staff_reply')::int,
    (o.state IN ('dead', 'unknown', 'expired', 'suppressed'))::int, 0, :own, 0
  FROM outbox o WHERE o.kind IN ('reply', 'staff_reply') AND o.channel <> 'event'
    AND o.created_at >= :since AND o.created_at < :until
  UNION ALL
  SELECT s.door, s.created_at, NULL, 0, 0, 0, 0, 1, s.currency, s.total
  FROM sales_order s WHERE s.door IN ('telegram', 'sms') AND s.state NOT IN ('draft', 'cancelled')
    AND s.created_at >= :since AND s.created_at < :until),
placed AS (
  SELECT h.*, CAST(h.at AT TIME ZONE :zone AS date) AS day, b.id AS bot_id, b.name AS bot
  FROM happened h LEFT JOIN LATERAL (
    SELECT b.id, coalesce('@' || b.username, b.number::text) AS name FROM telegram_bot b
    WHERE h.channel = 'telegram' AND b.state <> 'candidate' AND b.created_at <= h.at
      AND (b.state <> 'removed' OR h.at < b.updated_at)
    ORDER BY b.created_at LIMIT 1) b ON true)
"""
SUMS = """
  count(DISTINCT chat) AS chats, sum(heard) AS heard, sum(by_bot) AS by_bot,
  sum(by_people) AS by_people, sum(lost) AS lost, sum(orders) AS orders
"""
BY_BOT = f"""{HAPPENED}
SELECT channel, bot_id, max(bot) AS bot, {SUMS} FROM placed
GROUP BY channel, bot_id ORDER BY sum(heard) DESC, channel, max(bot)
"""
SOLD = f"""{HAPPENED}
SELECT channel, bot_id, currency, sum(total) AS total FROM placed WHERE orders > 0
GROUP BY channel, bot_id, currency ORDER BY currency <> :own, currency
"""
# What was said stands in the row of the company's own currency; orders in another are a row of
# their own, so that a column adds up. Lines of orders are counted by day and channel: they stand
# once, in the first row of the day.
BY_DAY = f"""{HAPPENED},
summed AS (
  SELECT day, channel, max(bot) AS bot, currency, {SUMS}, sum(total) AS total,
    row_number() OVER (PARTITION BY day, channel ORDER BY currency <> :own, max(bot)) AS place
  FROM placed GROUP BY day, channel, bot_id, currency)
SELECT coalesce(s.day, r.day) AS day, coalesce(s.channel, r.channel) AS channel, s.bot,
  coalesce(s.chats, 0) AS chats, coalesce(s.heard, 0) AS heard, coalesce(s.by_bot, 0) AS by_bot,
  coalesce(s.by_people, 0) AS by_people, coalesce(s.lost, 0) AS lost,
  coalesce(s.orders, 0) AS orders, coalesce(s.total, 0) AS total,
  coalesce(s.currency, :own) AS currency, coalesce(r.sure, 0) AS sure,
  coalesce(r.asked, 0) AS asked, coalesce(r.not_read, 0) AS not_read
FROM summed s FULL JOIN (SELECT * FROM reading_count WHERE day >= :first AND day <= :last) r
  ON r.day = s.day AND r.channel = s.channel AND s.place = 1
ORDER BY 1, 2, 3, s.place
"""
PLACED = """
FROM sales_order o WHERE o.created_at >= :since AND o.created_at < :until
  AND o.state NOT IN ('draft', 'cancelled')
"""
DOORS = f"""
SELECT o.door, count(*) AS orders, count(DISTINCT o.party_id) AS parties {PLACED}
GROUP BY o.door ORDER BY 2 DESC, 1
"""
SOLD_BY_DOOR = f"""
SELECT o.door, o.currency, sum(o.total) AS total {PLACED}
GROUP BY o.door, o.currency ORDER BY o.currency <> :own, o.currency
"""
READ = """
SELECT channel, sum(sure) AS sure, sum(asked) AS asked, sum(not_read) AS not_read
FROM reading_count WHERE day >= :first AND day <= :last GROUP BY channel ORDER BY channel
"""
# From the first message of a colleague's share to his first answer after it.
SPEED = """
WITH asked AS (
  SELECT t.channel, t.address, m.at FROM thread_message m JOIN thread t ON t.id = m.thread_id
  WHERE m.kind = 'moved' AND m.text = 'person' AND m.at >= :since AND m.at < :until),
answered AS (
  SELECT a.at, (SELECT min(o.created_at) FROM outbox o WHERE o.channel = a.channel
    AND o.channel <> 'event' AND coalesce(o.payload ->> 'address', o.address) = a.address
    AND o.kind = 'staff_reply' AND o.created_at >= a.at) AS answered_at FROM asked a)
SELECT count(*) AS handed, count(answered_at) AS answered, coalesce(extract(epoch FROM
  percentile_cont(0.5) WITHIN GROUP (ORDER BY answered_at - at)) / 60, 0)::numeric(10,1) AS median
FROM answered
"""
BLOCKED = """
SELECT channel, count(*) FILTER (WHERE dead_at IS NULL) AS live,
  count(*) FILTER (WHERE dead_at IS NOT NULL) AS dead,
  count(*) FILTER (WHERE opted_out_at IS NOT NULL) AS silent
FROM contact_channel GROUP BY channel ORDER BY channel
"""


class Span(msgspec.Struct, frozen=True):
    """Days, both included, by the company's clock."""

    since: date
    until: date

    @property
    def days(self) -> int:
        return (self.until - self.since).days + 1


def span_of(since: date | None, until: date | None, days: int = DAYS) -> Span:
    """The last ``days`` unless said otherwise; a year at most, never backwards."""
    last = until or current_tenant().today()
    first = since if since is not None and since <= last else last - timedelta(days=days - 1)
    return Span(max(first, last - timedelta(days=DAYS_MAX - 1)), last)


@dataclass(frozen=True, slots=True)
class Reading:
    channel: str
    sure: int
    asked: int
    not_read: int

    @property
    def lines(self) -> int:
        return self.sure + self.asked + self.not_read


@dataclass(frozen=True, slots=True)
class Sum:
    """Money of one currency: currencies are never added together."""

    currency: str
    total: Decimal


@dataclass(frozen=True, slots=True)
class Talk:
    """What a channel came to, of Telegram by bot; ``lost``: answers that did not arrive, or nobody
    knows whether."""

    channel: str
    bot_id: UUID | None
    bot: str | None
    chats: int
    heard: int
    by_bot: int
    by_people: int
    lost: int
    orders: int
    totals: Sequence[Sum]


@dataclass(frozen=True, slots=True)
class Door:
    """Where orders came by, from how many companies."""

    door: str
    orders: int
    parties: int
    totals: Sequence[Sum]


@dataclass(frozen=True, slots=True)
class Figures:
    """``median``: minutes from the hand-over to the first answer of a person."""

    talks: Sequence[Talk]
    doors: Sequence[Door]
    reading: Sequence[Reading]
    addresses: list[db.Row]
    handed: int
    answered: int
    median: Decimal


def _moments(span: Span) -> dict[str, datetime]:
    zone = ZoneInfo(current_tenant().time_zone)
    after = span.until + timedelta(days=1)
    return {
        "since": datetime.combine(span.since, time(), zone),
        "until": datetime.combine(after, time(), zone),
    }


def _days(span: Span) -> dict[str, date]:
    return {"first": span.since, "last": span.until}


def _sums(sold: Sequence[db.Row], *by: str) -> dict[tuple[Any, ...], list[Sum]]:
    found: dict[tuple[Any, ...], list[Sum]] = {}
    for row in sold:
        key = tuple(row[name] for name in by)
        found.setdefault(key, []).append(Sum(row["currency"], row["total"]))
    return found


async def _talks(span: Span) -> list[Talk]:
    """With their orders' money, the company's own currency first."""
    sold = _sums(await db.rows(SOLD, **_asked(span)), "channel", "bot_id")
    said = await db.rows(BY_BOT, **_asked(span))
    return [Talk(**row, totals=sold.get((row["channel"], row["bot_id"]), [])) for row in said]


async def _doors(span: Span) -> list[Door]:
    moments, own = _moments(span), current_tenant().currency
    sold = _sums(await db.rows(SOLD_BY_DOOR, own=own, **moments), "door")
    placed = await db.rows(DOORS, **moments)
    return [Door(**row, totals=sold.get((row["door"],), [])) for row in placed]


def _asked(span: Span) -> dict[str, Any]:
    tenant = current_tenant()
    return {"zone": tenant.time_zone, "own": tenant.currency, **_moments(span)}


async def figures(span: Span) -> Figures:
    return Figures(
        talks=await _talks(span),
        doors=await _doors(span),
        reading=await db.rows_as(Reading, READ, **_days(span)),
        addresses=await db.rows(BLOCKED),
        **await db.one(SPEED, **_moments(span)),
    )


async def by_day(span: Span) -> list[db.Row]:
    """One row a day, channel, bot and currency."""
    return await db.rows(BY_DAY, **_asked(span), **_days(span))

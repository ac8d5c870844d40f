"""How the chats do: orders by door, what was understood, how fast people were answered."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from dilo.kit import db

DOORS = """
SELECT o.door, count(*) AS orders, coalesce(sum(o.total), 0) AS total,
  count(DISTINCT o.party_id) AS parties
FROM sales_order o WHERE o.created_at >= CAST(:since AS date)
  AND o.state NOT IN ('draft', 'cancelled')
GROUP BY o.door ORDER BY 3 DESC
"""
READ = """
SELECT channel, sum(sure) AS sure, sum(asked) AS asked, sum(not_read) AS not_read
FROM reading_count WHERE day >= :since GROUP BY channel ORDER BY channel
"""
TALK = """
SELECT t.channel, count(DISTINCT t.id) AS chats, count(*) AS messages
FROM thread_message m JOIN thread t ON t.id = m.thread_id
WHERE m.kind = 'in' AND m.at >= CAST(:since AS date) GROUP BY t.channel ORDER BY t.channel
"""
ANSWERS = """
SELECT channel, count(*) FILTER (WHERE kind = 'reply') AS bot,
  count(*) FILTER (WHERE kind = 'staff_reply') AS staff
FROM outbox WHERE kind IN ('reply', 'staff_reply') AND created_at >= CAST(:since AS date)
GROUP BY channel ORDER BY channel
"""
# From the first message of a colleague's share to his first answer after it.
SPEED = """
WITH asked AS (
  SELECT t.channel, t.address, m.at FROM thread_message m JOIN thread t ON t.id = m.thread_id
  WHERE m.kind = 'moved' AND m.text = 'person' AND m.at >= CAST(:since AS date)),
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
class Figures:
    """``median``: minutes from the hand-over to the first answer of a person."""

    doors: list[db.Row]
    reading: list[Reading]
    talk: list[db.Row]
    answers: list[db.Row]
    addresses: list[db.Row]
    handed: int
    answered: int
    median: Decimal


async def figures(since: date) -> Figures:
    return Figures(
        doors=await db.rows(DOORS, since=since),
        reading=await db.rows_as(Reading, READ, since=since),
        talk=await db.rows(TALK, since=since),
        answers=await db.rows(ANSWERS, since=since),
        addresses=await db.rows(BLOCKED),
        **await db.one(SPEED, since=since),
    )

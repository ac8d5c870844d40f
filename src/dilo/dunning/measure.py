"""How often a party is written to by itself: so many a day, so many a week, over every kind.

Answers in a chat are not counted; what is on its way counts as said.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from dilo.kit import db

ONE_AT_A_TIME = "SELECT pg_advisory_xact_lock(hashtextextended('told:' || :party_id, 0))"
# The moment when the day's (the week's) oldest message but so many falls out of the window.
RESTS = """
WITH told AS (
  SELECT coalesce(sent_at, now()) AS at FROM outbox
  WHERE party_id = :party_id AND channel <> 'event' AND kind <> 'reply' AND payload <> :payload
    AND (sent_at > now() - interval '7 days' OR state = 'sending' AND reason = 'started'
      OR state = 'unknown' AND created_at > now() - interval '7 days')),
ranked AS (SELECT at, row_number() OVER (ORDER BY at DESC) AS place FROM told)
SELECT max(free) FROM (
  SELECT at + interval '1 day' AS free FROM ranked WHERE place = :most_a_day
  UNION ALL SELECT at + interval '7 days' FROM ranked WHERE place = :most_a_week) f
WHERE free > now()
"""


@dataclass(frozen=True, slots=True)
class Caps:
    """None: no cap."""

    most_a_day: int | None
    most_a_week: int | None


async def rests_until(party_id: UUID, caps: Caps, payload: dict[str, Any]) -> datetime | None:
    """None: may be written to now. ``payload`` is of the message asking, which is not counted."""
    if caps.most_a_day is None and caps.most_a_week is None:
        return None
    await db.value(ONE_AT_A_TIME, party_id=str(party_id))
    later = await db.value(
        RESTS,
        party_id=party_id,
        payload=payload,
        most_a_day=caps.most_a_day,
        most_a_week=caps.most_a_week,
    )
    return later + timedelta(seconds=1) if later else None

"""After STOP: one confirmation, then nothing, unless the person writes again.

Whoever writes is answered: by the machine at once, by the colleague he wrote to for as long as a
talk may take. News and offers stay silenced whatever he writes, until he says START.
"""

from dataclasses import dataclass
from datetime import datetime

from dilo.kit import db
from dilo.messaging import sms_budget

REPLY, ANSWER, MARKETING = "sms_reply", "staff_reply", ("campaign",)
STOPPED = """
SELECT stopped_at,
  coalesce(wrote_at > greatest(stopped_at, now() - interval '30 days'), false) AS talks
FROM sms_number WHERE phone = :phone AND stopped_at IS NOT NULL
"""


@dataclass(frozen=True, slots=True)
class Silence:
    """``talks``: the person has written since, not long ago."""

    stopped_at: datetime
    talks: bool


async def silence_or_none(phone: str) -> Silence | None:
    return await db.one_or_none_as(Silence, STOPPED, phone=phone)


async def is_silenced(kind: str, phone: str) -> bool:
    """News always; the rest where the company's rule says that STOP covers everything."""
    if kind == REPLY:
        return False
    found = await silence_or_none(phone)
    if found is None or kind.startswith(MARKETING):
        return found is not None
    if kind == ANSWER and found.talks:
        return False
    return (await sms_budget.policy()).stop_covers == "all"

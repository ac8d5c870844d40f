"""Numbers that write to us: their pace, their silence, what a stranger was told, parts of a long
message. Every count is one statement, so messages that come at once are counted apart.
"""

from uuid import UUID

from dilo.kit import db
from dilo.messaging.wire import Part

HEARD_MAX, SAME_MAX = 30, 3
# One window of an hour a number; the same text again and again is a machine.
HEARD = """
INSERT INTO sms_number AS n (phone, heard, last_text, same) VALUES (:phone, 1, :text, 1)
ON CONFLICT (tenant_id, phone) DO UPDATE SET
  heard = CASE WHEN n.window_began_at < now() - interval '1 hour' THEN 1 ELSE n.heard + 1 END,
  same = CASE WHEN n.last_text <> excluded.last_text
              OR n.window_began_at < now() - interval '1 hour' THEN 1 ELSE n.same + 1 END,
  window_began_at = CASE WHEN n.window_began_at < now() - interval '1 hour' THEN now()
                    ELSE n.window_began_at END,
  last_text = excluded.last_text
RETURNING heard, same, chosen_party_id
"""
# Said again after he had written, it counts from now: what he may have been answered is over.
STOP = """
UPDATE sms_number n SET stopped_at = now()
FROM (SELECT id, stopped_at, wrote_at FROM sms_number WHERE phone = :phone FOR UPDATE) was
WHERE n.id = was.id
RETURNING was.stopped_at IS NULL OR coalesce(was.wrote_at > was.stopped_at, false)
"""
WROTE = "UPDATE sms_number SET wrote_at = now() WHERE phone = :phone"
START = """
UPDATE sms_number SET stopped_at = NULL
WHERE phone = :phone AND stopped_at IS NOT NULL RETURNING id
"""
TELL_STRANGER = """
UPDATE sms_number SET stranger_told_at = now() WHERE phone = :phone
  AND (stranger_told_at IS NULL OR stranger_told_at < now() - interval '1 day') RETURNING id
"""
CHOOSE = "UPDATE sms_number SET chosen_party_id = :party_id WHERE phone = :phone"
KEEP_PART = """
INSERT INTO sms_part AS s (account_id, phone, reference, total, number, text)
VALUES (:account_id, :phone, :reference, :total, :number, :text)
ON CONFLICT (tenant_id, account_id, phone, reference, total, number) DO UPDATE
SET text = excluded.text, received_at = excluded.received_at
"""
# Whoever brings the last part takes them all: the row locks let only one.
OF_WHOLE = """
account_id = :account_id AND phone = :phone AND reference = :reference AND total = :total
"""
PARTS = f"""
SELECT id, text FROM sms_part WHERE {OF_WHOLE} AND received_at > now() - interval '1 day'
ORDER BY number FOR UPDATE
"""
DROP_PARTS = f"DELETE FROM sms_part WHERE {OF_WHOLE}"
ONE_AT_A_TIME = "SELECT pg_advisory_xact_lock(hashtextextended('sms:' || :phone, 0))"


async def one_at_a_time(phone: str) -> None:
    """Messages of one person are answered in turn."""
    await db.execute(ONE_AT_A_TIME, phone=phone)


async def heard(phone: str, text: str) -> tuple[bool, UUID | None]:
    """Whether to answer (no flood, no machine), and the company chosen before."""
    found = await db.one(HEARD, phone=phone, text=text[:200])
    answered = found["heard"] <= HEARD_MAX and found["same"] <= SAME_MAX
    return answered, found["chosen_party_id"]


async def stop(phone: str) -> bool:
    """True where it is to be confirmed: said twice in a row it is confirmed once."""
    return bool(await db.value(STOP, phone=phone))


async def wrote(phone: str) -> None:
    """Something else than a wish for silence: it may be answered whatever was wished before."""
    await db.execute(WROTE, phone=phone)


async def start(phone: str) -> bool:
    return await db.value(START, phone=phone) is not None


async def may_tell_stranger(phone: str) -> bool:
    """Once a day: whoever makes strangers write must not make us pay."""
    return await db.value(TELL_STRANGER, phone=phone) is not None


async def choose(phone: str, party_id: UUID) -> None:
    await db.execute(CHOOSE, phone=phone, party_id=party_id)


async def whole_or_none(account_id: UUID, phone: str, part: Part, text: str) -> str | None:
    """The whole message once its last part has come, in whatever order."""
    await one_at_a_time(phone)
    which = {
        "account_id": account_id,
        "phone": phone,
        "reference": part.reference,
        "total": part.total,
    }
    await db.execute(KEEP_PART, number=part.number, text=text, **which)
    found = await db.rows(PARTS, **which)
    if len(found) < part.total:
        return None
    await db.execute(DROP_PARTS, **which)
    return "".join(row["text"] for row in found)

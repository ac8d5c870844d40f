"""Whose telephone is it: people who write by SMS, and the companies they act for.

Only a number that staff have confirmed speaks for anybody: the sender of an SMS is not proven
otherwise. A person with an account has its role, a contact without one only reads.
"""

from dataclasses import dataclass
from uuid import UUID

import phonenumbers

from dilo.kit import db

SEATS = """
SELECT h.party_id, p.name AS party_name, coalesce(i.id, h.identity_id) AS identity_id, u.role,
  coalesce(i.name, c.name, p.name) AS name,
  coalesce(c.language, i.language, p.language) AS language, p.closed_at IS NOT NULL AS is_closed
FROM contact_channel h JOIN party p ON p.id = h.party_id
LEFT JOIN contact c ON c.id = h.contact_id
LEFT JOIN contact_channel m ON m.contact_id = h.contact_id AND m.channel = 'email'
LEFT JOIN identity i ON (i.id = h.identity_id OR i.email = lower(m.address))
  AND i.disabled_at IS NULL
LEFT JOIN portal_user u ON u.identity_id = i.id AND u.party_id = h.party_id
  AND u.disabled_at IS NULL
WHERE h.channel = 'sms' AND h.address = :phone AND h.verified_at IS NOT NULL
ORDER BY p.closed_at IS NOT NULL, p.name, h.party_id, u.role NULLS LAST LIMIT 50
"""
SILENCE = """
UPDATE contact_channel SET opted_out_at = now()
WHERE channel = 'sms' AND address = :phone AND opted_out_at IS NULL
"""
SPEAK = """
UPDATE contact_channel SET opted_out_at = NULL, dead_at = NULL, dead_reason = NULL
WHERE channel = 'sms' AND address = :phone
"""


@dataclass(frozen=True, slots=True)
class Caller:
    """No ``role``: a contact without an account."""

    party_id: UUID
    party_name: str
    identity_id: UUID | None
    role: str | None
    name: str
    language: str | None
    is_closed: bool


def e164_or_none(text: str) -> str | None:
    """Of what an operator says of a sender: a number with or without its plus. Names and short
    numbers are nobody to answer to."""
    try:
        parsed = phonenumbers.parse("+" + text.strip().lstrip("+"))
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_valid_number(parsed):
        return None
    return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)


async def callers(phone: str) -> list[Caller]:
    """One for each company the person acts for; one that is closed only where there is no other,
    to be told so like at every door."""
    found: dict[UUID, Caller] = {}
    for caller in await db.rows_as(Caller, SEATS, phone=phone):
        found.setdefault(caller.party_id, caller)
    open_ones = [caller for caller in found.values() if not caller.is_closed]
    return open_ones or list(found.values())


async def silence(phone: str) -> None:
    """Nobody writes to this number any more, whoever's it is."""
    await db.execute(SILENCE, phone=phone)


async def speak(phone: str) -> None:
    await db.execute(SPEAK, phone=phone)

"""Confirming a draft where there are no buttons: a short code sent back from the same address."""

import hmac
import secrets
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from dilo.kit import clock, db

LIVES = timedelta(hours=24)
TRIES_MAX = 5
CODE_DIGITS = 4
ASK = """
INSERT INTO order_confirmation (channel, address, order_id, version, code, expires_at)
VALUES (:channel, :address, :order_id, :version, :code, :expires_at)
ON CONFLICT (tenant_id, channel, address) DO UPDATE SET order_id = excluded.order_id,
  version = excluded.version, code = excluded.code, tries = 0, expires_at = excluded.expires_at
"""
TRY = """
UPDATE order_confirmation SET tries = tries + 1
WHERE channel = :channel AND address = :address AND expires_at > :now AND tries < :tries_max
RETURNING order_id, version, code
"""
FORGET = "DELETE FROM order_confirmation WHERE channel = :channel AND address = :address"


@dataclass(frozen=True, slots=True)
class Asked:
    """The draft as it was shown: a later version of it is not what was confirmed."""

    order_id: UUID
    version: int


async def ask_for_code(channel: str, address: str, order_id: UUID, version: int) -> str:
    """The code to send back. A newer draft takes the place of the older one."""
    code = f"{secrets.randbelow(10**CODE_DIGITS):0{CODE_DIGITS}d}"
    await db.execute(
        ASK,
        channel=channel,
        address=address,
        order_id=order_id,
        version=version,
        code=code,
        expires_at=clock.now() + LIVES,
    )
    return code


async def tried(channel: str, address: str, code: str) -> Asked | None:
    """The draft whose code this is; None for a wrong one, an old one, and after too many.

    The count of tries must outlive the refusal: the caller says no without undoing it.
    """
    found = await db.one_or_none(
        TRY, channel=channel, address=address, now=clock.now(), tries_max=TRIES_MAX
    )
    if found is None or not hmac.compare_digest(found["code"], code):
        return None
    return Asked(found["order_id"], found["version"])


async def forget(channel: str, address: str) -> None:
    await db.execute(FORGET, channel=channel, address=address)

"""Questions with numbered answers, where there are no buttons: the last one of an address."""

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from dilo.kit import clock, db

LIVES = timedelta(hours=24)
ASK = """
INSERT INTO numbered_question (channel, address, about, options, rest, expires_at)
VALUES (:channel, :address, :about, :options, :rest, :expires_at)
ON CONFLICT (tenant_id, channel, address) DO UPDATE SET about = excluded.about,
  options = excluded.options, rest = excluded.rest, expires_at = excluded.expires_at
"""
OPEN = """
SELECT about, options, rest FROM numbered_question
WHERE channel = :channel AND address = :address AND expires_at > :now
"""
FORGET = "DELETE FROM numbered_question WHERE channel = :channel AND address = :address"


@dataclass(frozen=True, slots=True)
class Question:
    """``options`` in the order they were shown; ``rest``: what goes on when one is chosen."""

    about: str
    options: list[str]
    rest: dict[str, Any] = field(default_factory=dict)


async def ask(channel: str, address: str, question: Question) -> None:
    await db.execute(
        ASK,
        channel=channel,
        address=address,
        about=question.about,
        options=question.options,
        rest=question.rest,
        expires_at=clock.now() + LIVES,
    )


async def open_or_none(channel: str, address: str) -> Question | None:
    return await db.one_or_none_as(
        Question, OPEN, channel=channel, address=address, now=clock.now()
    )


async def forget(channel: str, address: str) -> None:
    await db.execute(FORGET, channel=channel, address=address)

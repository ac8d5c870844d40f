"""Templates of messages: by name, language and channel, their words from an allow-list of names."""

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec

from dilo.kit import db
from dilo.kit.errors import NotFound, Refusal
from dilo.kit.letters import checked, rendered
from tenants import audit
from tenants.actors import Actor
from tenants.scope import current_tenant

# What a letter may name; ``link`` and ``unsubscribe`` are addresses a campaign makes for each.
NAMES = ("party", "code", "city", "manager", "tenant", "sender", "balance", "currency", "today")
CAMPAIGN_NAMES = (*NAMES, "link", "unsubscribe")
ALL = """
SELECT id, name, language, channel, body, changed_by, changed_at FROM phrase
WHERE (:channel = '' OR channel IN ('', :channel)) ORDER BY name, language, channel
"""
ONE = "SELECT name, language, channel, body FROM phrase WHERE id = :id"
SAVE = """
INSERT INTO phrase (name, language, channel, body, changed_by)
VALUES (:name, :language, :channel, :body, :by)
ON CONFLICT (tenant_id, name, language, channel) DO UPDATE
SET body = excluded.body, changed_by = excluded.changed_by, changed_at = now() RETURNING id
"""
FIGURES = """
SELECT p.id, p.name AS party, p.code, coalesce(p.city, '') AS city, coalesce(o.name, '') AS manager,
  coalesce(b.receivable - b.credit, 0) AS balance, p.currency
FROM party p LEFT JOIN identity o ON o.id = p.owner_id
LEFT JOIN party_balance b ON b.party_id = p.id AND b.currency = p.currency
WHERE p.id = ANY(CAST(:ids AS uuid[]))
"""


class PhraseForm(msgspec.Struct):
    name: Annotated[str, msgspec.Meta(min_length=1, max_length=80)]
    body: str
    language: Literal["uk", "en", "ru"] = "uk"
    channel: Literal["", "telegram", "sms", "email"] = ""
    preview: str = ""


@dataclass(frozen=True, slots=True)
class Phrase:
    id: UUID
    name: str
    language: str
    channel: str
    body: str
    changed_by: str
    changed_at: datetime


async def phrases(channel: str = "") -> Sequence[Phrase]:
    """``channel``: what may be said there."""
    return await db.rows_as(Phrase, ALL, channel=channel)


async def phrase(phrase_id: UUID) -> db.Row:
    return await db.one(ONE, id=phrase_id)


async def figures_of(party_id: UUID | None, sender: str) -> dict[str, Any]:
    """What the letter's names stand for. A stranger has blanks."""
    found = await figures_of_all([party_id] if party_id else [], sender)
    return next(iter(found.values()), _blank(sender))


async def figures_of_all(ids: Sequence[UUID], sender: str) -> dict[UUID, dict[str, Any]]:
    rows, blank = await db.rows(FIGURES, ids=list(ids)), _blank(sender)
    return {row["id"]: blank | dict(row) for row in rows}


def _blank(sender: str) -> dict[str, Any]:
    tenant = current_tenant()
    known = {"tenant": tenant.name, "sender": sender, "today": tenant.today()}
    return dict.fromkeys(NAMES, "") | {"balance": 0, "currency": tenant.currency} | known


async def written(phrase_id: UUID, party_id: UUID | None, sender: str) -> str:
    """The template in words for this company. Raises NOT_FOUND, TEXT_BAD."""
    found = await phrase(phrase_id)
    return rendered(found["body"], await figures_of(party_id, sender))


async def all_written(
    channel: str, party_id: UUID | None, sender: str, language: str | None
) -> list[tuple[Phrase, str]]:
    """What may be said there, each in words for this company, those in its language first. One
    that this company's figures do not suit is left out."""
    figures = await figures_of(party_id, sender)
    found: list[tuple[Phrase, str]] = []
    for one in sorted(await phrases(channel), key=lambda one: one.language != language):
        with contextlib.suppress(Refusal):
            found.append((one, rendered(one.body, figures)))
    return found


async def save(actor: Actor, form: PhraseForm) -> UUID:
    """Raises FORBIDDEN, TEXT_TOO_LONG, TEXT_BAD (also for a name that is not on the list)."""
    actor.require("templates.edit")
    phrase_id = await db.value(
        SAVE,
        name=form.name.strip(),
        language=form.language,
        channel=form.channel,
        body=checked(form.body, NAMES),
        by=actor.name,
    )
    await audit.note(actor, "templates.save", "phrase", phrase_id, after={"name": form.name})
    return phrase_id


async def drop(actor: Actor, phrase_id: UUID) -> None:
    """Raises FORBIDDEN, NOT_FOUND."""
    actor.require("templates.edit")
    if not await db.execute("DELETE FROM phrase WHERE id = :id", id=phrase_id):
        raise NotFound
    await audit.note(actor, "templates.drop", "phrase", phrase_id)

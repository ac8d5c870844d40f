"""Own words for debt warnings, by language, channel and tone: letters of ``kit.letters``."""

from uuid import UUID

from dilo.kit import db, i18n
from dilo.kit.errors import NotFound
from dilo.kit.letters import checked, rendered
from tenants import audit
from tenants.actors import Actor

SAVE = """
INSERT INTO dunning_text (language, channel, tone, body, changed_by)
VALUES (:language, :channel, :tone, :body, :by)
ON CONFLICT (tenant_id, language, channel, tone) DO UPDATE
SET body = excluded.body, changed_by = excluded.changed_by, changed_at = now()
"""
ALL = "SELECT id, language, channel, tone, body, changed_by, changed_at FROM dunning_text"
ONE = f"{ALL} WHERE language = :language AND channel = :channel AND tone = :tone"


async def text_or_none(language: str, channel: str, tone: str) -> str | None:
    found = await db.one_or_none(ONE, language=language, channel=channel, tone=tone)
    return found["body"] if found else None


async def texts() -> list[db.Row]:
    return await db.rows(f"{ALL} ORDER BY language, channel, tone")


async def save_text(actor: Actor, language: str, channel: str, tone: str, body: str) -> None:
    """Raises FORBIDDEN, NOT_FOUND, TEXT_TOO_LONG, TEXT_BAD."""
    actor.require("dunning.edit")
    if language not in i18n.LANGUAGES or channel not in ("telegram", "sms", "email"):
        raise NotFound
    if tone not in ("friendly", "due", "firm", "final"):
        raise NotFound
    await db.execute(
        SAVE, language=language, channel=channel, tone=tone, body=checked(body), by=actor.name
    )
    await audit.note(actor, "dunning.text", "dunning_text", None, after={"tone": tone})


async def drop_text(actor: Actor, text_id: UUID) -> None:
    """Our own words again. Raises FORBIDDEN, NOT_FOUND."""
    actor.require("dunning.edit")
    if not await db.execute("DELETE FROM dunning_text WHERE id = :id", id=text_id):
        raise NotFound
    await audit.note(actor, "dunning.text_drop", "dunning_text", text_id)


__all__ = ["checked", "drop_text", "rendered", "save_text", "text_or_none", "texts"]

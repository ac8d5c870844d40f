"""Choices of a company that need no table of their own: a name and a value, who changed it."""

from typing import Any, TypeVar

import msgspec

from dilo.kit import db
from tenants import audit
from tenants.actors import Actor

GET = "SELECT value FROM setting WHERE name = :name"
SET = """
INSERT INTO setting (name, value, changed_by) VALUES (:name, :value, :by)
ON CONFLICT (tenant_id, name) DO UPDATE
SET value = excluded.value, changed_by = excluded.changed_by, changed_at = now()
"""
Shape = TypeVar("Shape")


async def setting(name: str, shape: type[Shape]) -> Shape:
    """The company's choice, else what ``shape`` (a Struct with defaults) says."""
    found = await db.value(GET, name=name)
    return msgspec.convert(found or {}, shape, strict=False)


async def change_setting(actor: Actor, name: str, value: Any) -> None:
    """Whoever calls has checked the verb."""
    plain = msgspec.to_builtins(value)
    await db.execute(SET, name=name, value=plain, by=actor.name)
    await audit.note(actor, "settings.change", "setting", None, after={"name": name})

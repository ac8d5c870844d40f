"""Divisions of a company: a tree of shops, sites, departments."""

from uuid import UUID

import asyncpg
import msgspec

from dilo.buyers.limits import may_edit
from dilo.kit import clock, db
from dilo.kit.errors import NotFound, Refusal
from tenants import audit
from tenants.actors import Actor

LOCK_COMPANY = "SELECT id FROM party WHERE id = :id FOR NO KEY UPDATE"
ADD = """
INSERT INTO division (party_id, parent_id, name) VALUES (:party_id, :parent_id, :name) RETURNING id
"""
CHANGE = """
UPDATE division SET name = :name, parent_id = :parent_id
WHERE id = :id AND party_id = :party_id AND retired_at IS NULL RETURNING id
"""
IS_UNDER = """
WITH RECURSIVE up AS (
  SELECT id, parent_id FROM division WHERE id = :parent_id
  UNION SELECT d.id, d.parent_id FROM division d JOIN up ON d.id = up.parent_id)
SELECT 1 FROM up WHERE id = :id
"""
IN_USE = """
SELECT 1 FROM portal_user WHERE division_id = :id AND disabled_at IS NULL
UNION ALL SELECT 1 FROM division WHERE parent_id = :id AND retired_at IS NULL
UNION ALL SELECT 1 FROM delivery_address WHERE division_id = :id AND retired_at IS NULL LIMIT 1
"""
RETIRE = """
WITH freed AS (DELETE FROM spending_limit WHERE division_id = :id)
UPDATE division SET retired_at = :now WHERE id = :id AND party_id = :party_id
  AND retired_at IS NULL RETURNING name
"""


class DivisionForm(msgspec.Struct):
    name: str
    parent_id: UUID | None = None


async def save_division(
    actor: Actor, party_id: UUID, form: DivisionForm, division_id: UUID | None = None
) -> UUID:
    """Raises FORBIDDEN, NOT_FOUND, NAME_TAKEN, TEXT_LONG, DIVISION_UNDER_ITSELF."""
    may_edit(actor, party_id)
    await db.one(LOCK_COMPANY, id=party_id)
    name = form.name.strip()
    if not 0 < len(name) <= 100:
        raise Refusal("TEXT_LONG", status=422, most=100)
    more = {"id": division_id} if division_id else {}
    if (
        division_id
        and form.parent_id
        and await db.value(IS_UNDER, parent_id=form.parent_id, **more)
    ):
        raise Refusal("DIVISION_UNDER_ITSELF", status=422)
    try:
        async with db.savepoint():
            saved = await db.value(
                CHANGE if division_id else ADD,
                party_id=party_id,
                parent_id=form.parent_id,
                name=name,
                **more,
            )
    except asyncpg.ForeignKeyViolationError:
        raise NotFound from None
    except asyncpg.UniqueViolationError:
        raise Refusal("NAME_TAKEN", status=422, name=name) from None
    if saved is None:
        raise NotFound
    await audit.note(actor, "buyers.division", "party", party_id, after={"name": name})
    return saved


async def retire_division(actor: Actor, party_id: UUID, division_id: UUID) -> None:
    """With nobody and nothing in it; its limits go with it. Raises NOT_FOUND, DIVISION_IN_USE."""
    may_edit(actor, party_id)
    await db.one(LOCK_COMPANY, id=party_id)
    if await db.value(IN_USE, id=division_id):
        raise Refusal("DIVISION_IN_USE")
    gone = await db.one(RETIRE, id=division_id, party_id=party_id, now=clock.now())
    before = {"name": gone["name"]}
    await audit.note(actor, "buyers.division_retired", "party", party_id, before=before)

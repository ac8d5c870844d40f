"""Colleagues of this tenant."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from dilo.kit import db

COLLEAGUES = """
SELECT i.id, i.email, i.name, m.role, m.commission_percent, i.disabled_at,
  (SELECT max(s.created_at) FROM session s WHERE s.tenant_id = i.tenant_id AND s.identity_id = i.id
   AND s.door = 'office') AS seen_at
FROM membership m JOIN identity i ON i.tenant_id = m.tenant_id AND i.id = m.identity_id
WHERE CAST(:id AS uuid) IS NULL OR i.id = :id
ORDER BY i.disabled_at NULLS FIRST, i.name
"""


@dataclass(frozen=True, slots=True)
class Colleague:
    id: UUID
    email: str
    name: str
    role: str
    commission_percent: Decimal
    disabled_at: datetime | None
    seen_at: datetime | None


async def colleagues() -> list[Colleague]:
    return await db.rows_as(Colleague, COLLEAGUES, id=None)


async def colleague(identity_id: UUID) -> Colleague:
    return await db.one_as(Colleague, COLLEAGUES, id=identity_id)

"""Who the dealers are: territories by city, the directory."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated
from uuid import UUID

import asyncpg
import msgspec

from dilo.kit import db
from dilo.kit.errors import NotFound, Refusal
from dilo.kit.paging import Page, Paging
from tenants import audit
from tenants.actors import Actor
from tenants.scope import current_tenant

Name = Annotated[str, msgspec.Meta(min_length=1, max_length=80)]
CITIES_MAX = 500
TERRITORIES = """
SELECT t.id, t.name, t.manager_id, i.name AS manager,
  coalesce(array_agg(c.city ORDER BY c.city) FILTER (WHERE c.city IS NOT NULL), '{}') AS cities
FROM territory t LEFT JOIN territory_city c ON c.territory_id = t.id
LEFT JOIN identity i ON i.id = t.manager_id
GROUP BY t.tenant_id, t.id, i.name ORDER BY t.name
"""
OVERLAPS = """
SELECT min(c.city) AS city, array_agg(t.name ORDER BY t.name) AS territories
FROM territory_city c JOIN territory t ON t.id = c.territory_id
GROUP BY c.city_key HAVING count(*) > 1 ORDER BY 1
"""
SAVE_TERRITORY = """
INSERT INTO territory (name, manager_id) VALUES (:name, :manager_id)
ON CONFLICT (tenant_id, name) DO UPDATE SET manager_id = excluded.manager_id RETURNING id
"""
CITIES = """
WITH gone AS (DELETE FROM territory_city WHERE territory_id = :id AND city <> ALL(:cities))
INSERT INTO territory_city (territory_id, city) SELECT :id, unnest(CAST(:cities AS text[]))
ON CONFLICT DO NOTHING
"""
DEALERS = """
SELECT t.*, count(*) OVER () AS total_rows FROM (
  SELECT p.id, p.code, p.name, p.city, p.segment, p.currency, p.owner_id, o.name AS owner,
    x.name AS tier, x.id AS tier_id, p.parent_id, f.name AS parent_name,
    (SELECT string_agg(r.name, ', ' ORDER BY r.name) FROM territory_city c
     JOIN territory r ON r.id = c.territory_id WHERE c.city_key = lower(p.city)) AS territory,
    coalesce(b.receivable, 0) - coalesce(b.credit, 0) AS balance,
    coalesce((SELECT sum(CASE v.kind WHEN 'invoice' THEN v.total ELSE -v.total END) FROM invoice v
      WHERE v.party_id = p.id AND v.currency = p.currency
        AND v.issued_on > CAST(:on AS date) - 365), 0) AS turnover
  FROM party p LEFT JOIN party_balance b ON b.party_id = p.id AND b.currency = p.currency
  LEFT JOIN identity o ON o.id = p.owner_id LEFT JOIN party f ON f.id = p.parent_id
  LEFT JOIN dealer_tier x ON x.id = dealer_tier_on(p.id, :on)
  WHERE 'dealer' = ANY(p.roles) AND p.closed_at IS NULL
    AND (CAST(:party_id AS uuid) IS NULL OR p.id = :party_id)
    AND (:search = '' OR strpos(p.search, :search) > 0)
    AND (CAST(:tier_id AS uuid) IS NULL OR x.id = :tier_id)
    AND (CAST(:owner_id AS uuid) IS NULL OR p.owner_id = :owner_id)
    AND (CAST(:territory_id AS uuid) IS NULL OR EXISTS (SELECT 1 FROM territory_city c
      WHERE c.territory_id = :territory_id AND c.city_key = lower(p.city)))) t
"""
SORTS = {
    "name": "t.name",
    "code": "t.code",
    "city": "t.city",
    "tier": "t.tier",
    "territory": "t.territory",
    "balance": "t.balance",
    "turnover": "t.turnover",
    "owner": "t.owner",
}


class TerritoryForm(msgspec.Struct):
    """``cities``: one a line or separated by commas."""

    name: Name
    cities: Annotated[str, msgspec.Meta(max_length=20000)] = ""
    manager: UUID | None = None


@dataclass(frozen=True, slots=True)
class Dealer:
    """``turnover``: invoiced less credited in a year."""

    id: UUID
    code: str
    name: str
    city: str | None
    segment: str | None
    currency: str
    owner_id: UUID | None
    owner: str | None
    tier: str | None
    tier_id: UUID | None
    parent_id: UUID | None
    parent_name: str | None
    territory: str | None
    balance: Decimal
    turnover: Decimal


async def territories() -> list[db.Row]:
    return await db.rows(TERRITORIES)


async def overlaps() -> list[db.Row]:
    """Cities that belong to more than one territory."""
    return await db.rows(OVERLAPS)


async def save_territory(actor: Actor, form: TerritoryForm) -> UUID:
    """By its name; the cities given are all it has. Raises FORBIDDEN, NOT_FOUND, TOO_MANY_LINES."""
    actor.require("dealers.edit")
    given = (part.strip()[:80] for part in form.cities.replace("\n", ",").split(","))
    cities = list({city.lower(): city for city in given if city}.values())
    if len(cities) > CITIES_MAX:
        raise Refusal("TOO_MANY_LINES", status=422, most=CITIES_MAX)
    try:
        async with db.savepoint():
            saved = await db.value(SAVE_TERRITORY, name=form.name, manager_id=form.manager)
    except asyncpg.ForeignKeyViolationError:
        raise NotFound from None
    await db.execute(CITIES, id=saved, cities=cities)
    await audit.note(actor, "dealers.territory", "territory", saved, after={"name": form.name})
    return saved


async def drop_territory(actor: Actor, territory_id: UUID) -> None:
    """Raises FORBIDDEN, NOT_FOUND, IN_USE (news were addressed to it)."""
    actor.require("dealers.edit")
    try:
        async with db.savepoint():
            gone = await db.execute("DELETE FROM territory WHERE id = :id", id=territory_id)
    except asyncpg.ForeignKeyViolationError:
        raise Refusal("IN_USE") from None
    if not gone:
        raise NotFound
    await audit.note(actor, "dealers.territory_gone", "territory", territory_id)


async def dealers(
    paging: Paging,
    *,
    search: str = "",
    tier_id: UUID | None = None,
    territory_id: UUID | None = None,
    owner_id: UUID | None = None,
    party_id: UUID | None = None,
) -> Page[Dealer]:
    found = await db.rows(
        f"{DEALERS} ORDER BY {paging.order_by(SORTS, 'name')}, t.id LIMIT :size OFFSET :offset",
        search=search.lower().strip(),
        tier_id=tier_id,
        territory_id=territory_id,
        owner_id=owner_id,
        party_id=party_id,
        on=current_tenant().today(),
        size=paging.size,
        offset=paging.offset,
    )
    return db.page_of(Dealer, found, paging)


async def dealer(party_id: UUID) -> Dealer:
    """Raises NOT_FOUND for a party that is no dealer, or closed."""
    found = await dealers(Paging(1, 1), party_id=party_id)
    if not found.rows:
        raise NotFound
    return found.rows[0]

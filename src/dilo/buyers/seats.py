"""Reads of a company's people and rules, for its own administrator and for the office."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from dilo.kit import db
from dilo.kit.paging import Page, Paging

STATES = ("active", "disabled", "never")
SEATS = """
SELECT u.id, u.identity_id, u.party_id, p.name AS party_name, p.code AS party_code, i.name, i.email,
  u.role, u.division_id, d.name AS division, u.created_at,
  coalesce(u.disabled_at, i.disabled_at) AS disabled_at,
  (SELECT max(coalesce(s.seen_at, s.created_at)) FROM session s
   WHERE s.tenant_id = i.tenant_id AND s.identity_id = i.id AND s.door = 'portal'
     AND s.staff_id IS NULL) AS seen_at,
  EXISTS (SELECT 1 FROM contact_channel h WHERE h.party_id = u.party_id AND h.identity_id = i.id
          AND h.channel = 'telegram' AND h.dead_at IS NULL) AS in_telegram
FROM portal_user u JOIN identity i ON i.id = u.identity_id JOIN party p ON p.id = u.party_id
LEFT JOIN division d ON d.id = u.division_id
"""
OF_COMPANY = f"""
{SEATS} WHERE u.party_id = :party_id
ORDER BY coalesce(u.disabled_at, i.disabled_at) NULLS FIRST, i.name, u.id LIMIT 1000
"""
LIST = f"""
SELECT t.*, count(*) OVER () AS total_rows FROM ({SEATS}
  WHERE (:search = '' OR strpos(lower(i.name), :search) > 0 OR strpos(i.email, :search) > 0
         OR strpos(p.search, :search) > 0)
    AND (:role = '' OR u.role = :role)
    AND (CAST(:party_id AS uuid) IS NULL OR u.party_id = :party_id)) t
WHERE :state = '' OR :state = 'active' AND t.disabled_at IS NULL
  OR :state = 'disabled' AND t.disabled_at IS NOT NULL
  OR :state = 'never' AND t.seen_at IS NULL AND t.disabled_at IS NULL
"""
SORTS = {
    "name": "t.name",
    "party": "t.party_name",
    "role": "t.role",
    "seen": "coalesce(t.seen_at, 'epoch')",
}
COMPANIES = """
SELECT p.id, p.name FROM party p WHERE EXISTS (SELECT 1 FROM portal_user u WHERE u.party_id = p.id)
ORDER BY p.name LIMIT 500
"""
INVITATIONS = """
SELECT v.id, v.party_id, p.name AS party_name, v.email, v.name, v.role, d.name AS division,
  v.invited_by, v.created_at, v.expires_at, v.expires_at <= :now AS expired, v.sent_times
FROM invitation v JOIN party p ON p.id = v.party_id LEFT JOIN division d ON d.id = v.division_id
WHERE (CAST(:party_id AS uuid) IS NULL OR v.party_id = :party_id)
  AND v.accepted_at IS NULL AND v.revoked_at IS NULL ORDER BY v.created_at DESC LIMIT 200
"""
DIVISIONS = """
WITH RECURSIVE tree AS (
  SELECT id, parent_id, name, ARRAY[name] AS path FROM division
  WHERE party_id = :party_id AND parent_id IS NULL AND retired_at IS NULL
  UNION ALL
  SELECT d.id, d.parent_id, d.name, t.path || d.name FROM division d JOIN tree t
    ON d.parent_id = t.id WHERE d.retired_at IS NULL)
SELECT t.id, t.parent_id, t.name, array_to_string(t.path, ' / ') AS path,
  cardinality(t.path) AS depth,
  (SELECT count(*) FROM portal_user u WHERE u.division_id = t.id AND u.disabled_at IS NULL)
    AS people
FROM tree t ORDER BY t.path
"""
LIMITS = """
SELECT l.id, l.period, l.amount, i.name AS person, d.name AS division, l.changed_by, l.changed_at
FROM spending_limit l LEFT JOIN portal_user u ON u.id = l.seat_id
LEFT JOIN identity i ON i.id = u.identity_id LEFT JOIN division d ON d.id = l.division_id
WHERE l.party_id = :party_id
ORDER BY l.seat_id IS NOT NULL, l.division_id IS NOT NULL, i.name, d.name,
  array_position(ARRAY['order','day','week','month','quarter','year'], l.period) LIMIT 500
"""
STEPS = """
SELECT s.id, s.from_amount, s.role, s.seat_id, i.name AS person FROM approval_step s
LEFT JOIN portal_user u ON u.id = s.seat_id LEFT JOIN identity i ON i.id = u.identity_id
WHERE s.party_id = :party_id ORDER BY s.from_amount
"""
STAND_IN = "SELECT admins_stand_in FROM buyer_policy WHERE party_id = :party_id"


@dataclass(frozen=True, slots=True)
class Seat:
    """A person in a company's portal. ``seen_at``: his last click, not a colleague's for him."""

    id: UUID
    identity_id: UUID
    party_id: UUID
    party_name: str
    party_code: str
    name: str
    email: str
    role: str
    division_id: UUID | None
    division: str | None
    created_at: datetime
    disabled_at: datetime | None
    seen_at: datetime | None
    in_telegram: bool


@dataclass(frozen=True, slots=True)
class Division:
    id: UUID
    parent_id: UUID | None
    name: str
    path: str
    depth: int
    people: int


@dataclass(frozen=True, slots=True)
class StepRow:
    id: UUID
    from_amount: Decimal
    role: str
    seat_id: UUID | None
    person: str | None


async def seats_of_company(party_id: UUID) -> list[Seat]:
    return await db.rows_as(Seat, OF_COMPANY, party_id=party_id)


async def seat(seat_id: UUID) -> Seat:
    return await db.one_as(Seat, f"{SEATS} WHERE u.id = :id", id=seat_id)


async def seats(
    paging: Paging,
    *,
    search: str = "",
    role: str = "",
    state: str = "",
    party_id: UUID | None = None,
) -> Page[Seat]:
    found = await db.rows(
        f"{LIST} ORDER BY {paging.order_by(SORTS, 'name')}, t.id LIMIT :size OFFSET :offset",
        search=search.lower().strip(),
        role=role,
        state=state,
        party_id=party_id,
        size=paging.size,
        offset=paging.offset,
    )
    return db.page_of(Seat, found, paging)


async def companies() -> list[db.Row]:
    """Those whose people may come into the portal."""
    return await db.rows(COMPANIES)


async def invitations(party_id: UUID | None, now: datetime) -> list[db.Row]:
    """Those nobody has accepted yet, the expired ones too."""
    return await db.rows(INVITATIONS, party_id=party_id, now=now)


async def company_of_invitation(invitation_id: UUID) -> UUID:
    """Raises NOT_FOUND."""
    row = await db.one("SELECT party_id FROM invitation WHERE id = :id", id=invitation_id)
    return row["party_id"]


async def divisions_of(party_id: UUID) -> list[Division]:
    """The tree in the order it is read."""
    return await db.rows_as(Division, DIVISIONS, party_id=party_id)


async def limits_of(party_id: UUID) -> list[db.Row]:
    return await db.rows(LIMITS, party_id=party_id)


async def steps_of(party_id: UUID) -> list[StepRow]:
    return await db.rows_as(StepRow, STEPS, party_id=party_id)


async def admins_stand_in(party_id: UUID) -> bool:
    return await db.value(STAND_IN, party_id=party_id) is not False

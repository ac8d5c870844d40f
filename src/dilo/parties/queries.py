"""Parties: the list, the head of the card, people and channels."""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from uuid import UUID

from dilo.kit import db
from dilo.kit.paging import Page, Paging
from tenants.scope import current_tenant

ROLES = ("customer", "dealer", "supplier", "competitor", "carrier", "outsourcer", "agent")
LIST = """
SELECT t.*, count(*) OVER () AS total_rows FROM (
  SELECT p.id, p.code, p.name, p.roles, p.city, p.segment, p.currency, p.closed_at, o.name AS owner,
    coalesce(b.receivable, 0) - coalesce(b.credit, 0) AS balance,
    c.limit_amount, c.depth_days, c.id IS NOT NULL AS has_policy,
    coalesce(b.receivable + b.shipped + b.confirmed - b.credit, 0) AS exposure
  FROM party p
  LEFT JOIN party_balance b ON b.party_id = p.id AND b.currency = p.currency
  LEFT JOIN credit_policy c ON c.party_id = p.id
  LEFT JOIN identity o ON o.id = p.owner_id
  WHERE (:search = '' OR strpos(p.search, :search) > 0 OR p.id IN (
      SELECT party_id FROM contact_channel
      WHERE :digits <> '' AND channel = 'sms' AND digits LIKE :digits || '%'))
    AND (:role = '' OR :role = ANY(p.roles))
    AND (:segment = '' OR p.segment = :segment)
    AND (CAST(:owner_id AS uuid) IS NULL OR p.owner_id = :owner_id)
    AND (:closed OR p.closed_at IS NULL)
    AND (NOT :in_debt OR b.receivable > 0)) t
"""
SORTS = {
    "name": "t.name",
    "code": "t.code",
    "balance": "t.balance",
    "limit": "t.limit_amount",
    "city": "t.city",
}
HEAD = """
SELECT p.id, p.code, p.name, p.kind, p.roles, p.tax_id, p.country, p.city, p.address, p.segment,
  p.segment_by_hand, p.class_code, p.priority, p.branch, p.language, p.currency, p.note,
  p.closed_at, p.created_at, p.owner_id, o.name AS owner,
  c.id IS NOT NULL AS has_policy, c.limit_amount, extra_limit(p.id, :on) AS extra_limit,
  secured_amount(p.id, :on) AS secured_amount,
  coalesce(c.covers_children, false) AS covers_children, p.parent_id, f.name AS parent_name,
  f.code AS parent_code, coalesce(c.depth_days, 0) AS depth_days,
  coalesce(c.grace_days, 0) AS grace_days, coalesce(c.tolerance_amount, 0) AS tolerance_amount,
  coalesce(c.deposit_amount, 0) AS deposit_amount,
  coalesce(c.stop_shipments, false) AS stop_shipments,
  coalesce(b.receivable, 0) AS receivable, coalesce(b.credit, 0) AS credit,
  coalesce(b.confirmed, 0) AS confirmed, coalesce(b.shipped, 0) AS shipped
FROM party p
LEFT JOIN credit_policy c ON c.party_id = p.id
LEFT JOIN party_balance b ON b.party_id = p.id AND b.currency = p.currency
LEFT JOIN identity o ON o.id = p.owner_id LEFT JOIN party f ON f.id = p.parent_id
WHERE p.id = :id
"""
CONTACTS = """
SELECT c.id, c.name, c.position, c.is_primary, coalesce(array_agg(h.channel || ':' || h.address
  ORDER BY h.channel) FILTER (WHERE h.id IS NOT NULL AND h.dead_at IS NULL), '{}') AS channels
FROM contact c LEFT JOIN contact_channel h ON h.contact_id = c.id
WHERE c.party_id = :id GROUP BY c.tenant_id, c.id ORDER BY c.is_primary DESC, c.name
"""
CHANNELS = """
SELECT h.id, h.channel, h.address, h.opted_out_at, h.dead_at, h.dead_reason, c.name AS contact,
  h.contact_id, h.verified_at, h.verified_by, h.is_group, h.marketing_at, h.marketing_source,
  h.marketing_off_at, h.marketing_off_source, h.marketing_by
FROM contact_channel h LEFT JOIN contact c ON c.id = h.contact_id
WHERE h.party_id = :id ORDER BY h.channel, h.created_at
"""
AGREEMENTS = """
SELECT id, number, valid_from, valid_to, currency, credit_days, minimum_order, note
FROM agreement WHERE party_id = :id ORDER BY valid_from DESC
"""
PORTAL_USERS = """
SELECT u.id, i.id AS identity_id, i.name, i.email, u.role, i.disabled_at,
  EXISTS (SELECT 1 FROM contact_channel h WHERE h.identity_id = i.id AND h.channel = 'telegram'
          AND h.dead_at IS NULL) AS in_telegram
FROM portal_user u JOIN identity i ON i.id = u.identity_id WHERE u.party_id = :id ORDER BY i.name
"""
SEATS = """
SELECT u.party_id, u.role, p.name AS party_name, p.roles
FROM portal_user u JOIN party p ON p.id = u.party_id
WHERE u.identity_id = :id AND u.disabled_at IS NULL
  AND (CAST(:chat AS text) IS NULL OR EXISTS (SELECT 1 FROM contact_channel h
    WHERE h.channel = 'telegram' AND h.address = :chat AND h.party_id = u.party_id
      AND h.identity_id = u.identity_id))
ORDER BY u.created_at
"""
NAMES = """
SELECT id, code, name FROM party WHERE closed_at IS NULL AND (:search = '' OR strpos(search,
  :search) > 0)
ORDER BY strpos(search, :search), name LIMIT :most
"""
OF_PHONE = """
SELECT DISTINCT p.id, p.code, p.name FROM contact_channel h JOIN party p ON p.id = h.party_id
WHERE h.channel = 'sms' AND h.address LIKE '%' || :digits ORDER BY p.name LIMIT 10
"""
SEGMENTS = "SELECT DISTINCT segment FROM party WHERE segment IS NOT NULL ORDER BY segment LIMIT 50"
TIMELINE = """
SELECT at, actor_name, verb, after, subject_kind FROM audit_event
WHERE subject_id = :id
   OR subject_id IN (SELECT id FROM sales_order WHERE party_id = :id
                     ORDER BY created_at DESC LIMIT 50)
   OR subject_id IN (SELECT id FROM payment WHERE party_id = :id ORDER BY received_on DESC LIMIT 50)
ORDER BY at DESC LIMIT 60
"""


@dataclass(frozen=True, slots=True)
class PartyRow:
    id: UUID
    code: str
    name: str
    roles: list[str]
    city: str | None
    segment: str | None
    currency: str
    closed_at: datetime | None
    owner: str | None
    balance: Decimal
    limit_amount: Decimal | None
    depth_days: int | None
    has_policy: bool
    exposure: Decimal

    @property
    def used_share(self) -> int | None:
        """Whole percent of the limit in use; None where there is no limit."""
        if not self.limit_amount:
            return None
        return max(0, int(100 * self.exposure / self.limit_amount))


@dataclass(frozen=True, slots=True)
class Party:
    id: UUID
    code: str
    name: str
    kind: str
    roles: list[str]
    tax_id: str | None
    country: str | None
    city: str | None
    address: str | None
    segment: str | None
    segment_by_hand: bool
    class_code: str | None
    priority: int
    branch: str | None
    language: str | None
    currency: str
    note: str | None
    closed_at: datetime | None
    created_at: datetime
    owner_id: UUID | None
    owner: str | None
    has_policy: bool
    limit_amount: Decimal | None
    extra_limit: Decimal
    secured_amount: Decimal
    covers_children: bool
    parent_id: UUID | None
    parent_name: str | None
    parent_code: str | None
    depth_days: int
    grace_days: int
    tolerance_amount: Decimal
    deposit_amount: Decimal
    stop_shipments: bool
    receivable: Decimal
    credit: Decimal
    confirmed: Decimal
    shipped: Decimal

    @property
    def balance(self) -> Decimal:
        """What they owe us, less what we owe them; positive is their debt."""
        return self.receivable - self.credit

    @property
    def exposure(self) -> Decimal:
        return self.receivable + self.shipped + self.confirmed - self.credit - self.secured

    @property
    def secured(self) -> Decimal:
        """Deposits, guarantees, insurance: what stands behind the debt today."""
        return self.deposit_amount + self.secured_amount

    @property
    def cap(self) -> Decimal | None:
        """The limit with what is temporary today; 0 where no credit was given, None: no cap."""
        if not self.has_policy:
            return self.extra_limit
        return None if self.limit_amount is None else self.limit_amount + self.extra_limit

    @property
    def available(self) -> Decimal | None:
        """Headroom under the cap; None where there is none."""
        return None if self.cap is None else self.cap - self.exposure

    @property
    def used_share(self) -> int | None:
        return int(100 * self.exposure / self.cap) if self.cap else None


async def parties(
    paging: Paging,
    *,
    search: str = "",
    role: str = "",
    segment: str = "",
    owner_id: UUID | None = None,
    closed: bool = False,
    in_debt: bool = False,
) -> Page[PartyRow]:
    search = search.lower().strip()
    typed = "".join(char for char in search if char.isdigit())
    found = await db.rows(
        f"{LIST} ORDER BY {paging.order_by(SORTS, 'name')}, t.id LIMIT :size OFFSET :offset",
        search=search,
        digits=typed[::-1] if len(typed) >= 5 else "",
        role=role,
        segment=segment,
        owner_id=owner_id,
        closed=closed,
        in_debt=in_debt,
        size=paging.size,
        offset=paging.offset,
    )
    return db.page_of(PartyRow, found, paging)


async def party(party_id: UUID) -> Party:
    return await db.one_as(Party, HEAD, id=party_id, on=current_tenant().today())


async def party_names(search: str, most: int = 20) -> list[db.Row]:
    return await db.rows(NAMES, search=search.lower().strip(), most=most)


async def parties_of_phone(text: str) -> list[db.Row]:
    """By the last digits of a telephone, at least seven of them."""
    digits = "".join(ch for ch in text if ch.isdigit())[-9:]
    return await db.rows(OF_PHONE, digits=digits) if len(digits) >= 7 else []


async def party_of_code(code: str) -> UUID | None:
    return await db.value("SELECT id FROM party WHERE code = :code", code=code.strip())


async def contacts_of(party_id: UUID) -> list[db.Row]:
    return await db.rows(CONTACTS, id=party_id)


async def channels_of(party_id: UUID) -> list[db.Row]:
    return await db.rows(CHANNELS, id=party_id)


async def agreements_of(party_id: UUID) -> list[db.Row]:
    return await db.rows(AGREEMENTS, id=party_id)


async def portal_users_of(party_id: UUID) -> list[db.Row]:
    return await db.rows(PORTAL_USERS, id=party_id)


async def segments() -> list[str]:
    return [row["segment"] for row in await db.rows(SEGMENTS)]


async def timeline_of(party_id: UUID) -> list[db.Row]:
    return await db.rows(TIMELINE, id=party_id)


async def valid_agreement(party_id: UUID, on: date) -> db.Row | None:
    for row in await agreements_of(party_id):
        if row["valid_from"] <= on and (row["valid_to"] is None or row["valid_to"] >= on):
            return row
    return None


async def seats_of(identity_id: UUID, chat: str | None = None) -> list[db.Row]:
    """Companies a person acts for in the portal; ``chat``: only those connected to that chat."""
    return await db.rows(SEATS, id=identity_id, chat=chat)

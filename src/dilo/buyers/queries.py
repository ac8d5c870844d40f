"""Reads of a company's own house: addresses, divisions, people."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from dilo.kit import db
from dilo.kit.paging import Page, Paging

ADDRESS = """
SELECT a.id, a.party_id, a.division_id, d.name AS division, a.label, a.recipient, a.phone,
  a.country, a.city, a.street, a.postcode, a.note, a.is_default, a.retired_at
FROM delivery_address a LEFT JOIN division d ON d.id = a.division_id
"""
ADDRESSES = f"""
{ADDRESS} WHERE a.party_id = :party_id AND a.retired_at IS NULL
ORDER BY a.is_default DESC, a.label, a.id LIMIT 500
"""


@dataclass(frozen=True, slots=True)
class Address:
    """Where goods go. ``retired_at``: no longer offered, still named by old orders."""

    id: UUID
    party_id: UUID
    division_id: UUID | None
    division: str | None
    label: str
    recipient: str | None
    phone: str | None
    country: str | None
    city: str
    street: str
    postcode: str | None
    note: str | None
    is_default: bool
    retired_at: datetime | None

    @property
    def line(self) -> str:
        """One line for a label or a list."""
        return ", ".join(part for part in (self.postcode, self.city, self.street) if part)


async def addresses_of(party_id: UUID) -> list[Address]:
    """Those in use, the default one first."""
    return await db.rows_as(Address, ADDRESSES, party_id=party_id)


async def address(address_id: UUID) -> Address:
    """Also a retired one. The caller checks whose it is. Raises NOT_FOUND."""
    return await db.one_as(Address, f"{ADDRESS} WHERE a.id = :id", id=address_id)


# Who may answer a step now; ``named``: the step is meant for him, not only left to him.
ELIGIBLE = """
SELECT u.identity_id, i.name, i.email, i.language, h.address AS chat_id,
  (u.id = t.seat_id OR t.seat_id IS NULL AND u.role = t.role) IS TRUE AS named
FROM approval_turn t JOIN approval_request r ON r.id = t.request_id
JOIN portal_user u ON u.party_id = r.party_id AND u.disabled_at IS NULL
  AND u.identity_id <> r.requested_by AND u.role IN ('admin', 'approver')
JOIN identity i ON i.id = u.identity_id AND i.disabled_at IS NULL
LEFT JOIN contact_channel h ON h.party_id = r.party_id AND h.identity_id = u.identity_id
  AND h.channel = 'telegram' AND h.dead_at IS NULL AND h.opted_out_at IS NULL
WHERE t.id = :turn_id AND (u.id = t.seat_id OR t.seat_id IS NULL AND u.role = t.role
  OR u.role = 'admin' AND coalesce((SELECT admins_stand_in FROM buyer_policy p
                                    WHERE p.party_id = r.party_id), true))
ORDER BY i.name
"""
REQUESTER = """
SELECT i.id AS identity_id, i.email, i.language, h.address AS chat_id
FROM approval_request r JOIN identity i ON i.id = r.requested_by AND i.disabled_at IS NULL
JOIN portal_user u ON u.party_id = r.party_id AND u.identity_id = i.id AND u.disabled_at IS NULL
LEFT JOIN contact_channel h ON h.party_id = r.party_id AND h.identity_id = i.id
  AND h.channel = 'telegram' AND h.dead_at IS NULL AND h.opted_out_at IS NULL
WHERE r.id = :id LIMIT 1
"""
REQUEST = """
SELECT r.id, r.party_id, p.name AS party_name, r.order_id, o.number, o.currency,
  o.state AS order_state, r.requested_by, i.name AS requested_name, r.amount, r.reasons, r.state,
  r.created_at, r.decided_at
FROM approval_request r JOIN sales_order o ON o.id = r.order_id JOIN party p ON p.id = r.party_id
JOIN identity i ON i.id = r.requested_by
"""
REQUESTS = f"""
SELECT t.*, count(*) OVER () AS total_rows FROM ({REQUEST}
  WHERE (CAST(:party_id AS uuid) IS NULL OR r.party_id = :party_id)
    AND (:state = '' OR r.state = :state)
    AND (:search = '' OR strpos(lower(o.number), :search) > 0 OR strpos(p.search, :search) > 0
         OR strpos(lower(i.name), :search) > 0)) t
ORDER BY t.state <> 'waiting', t.created_at DESC, t.id LIMIT :size OFFSET :offset
"""
TURNS = """
SELECT t.id, t.position, t.role, t.seat_id, i.name AS seat_name, t.state, t.decided_name,
  t.comment, t.decided_at
FROM approval_turn t LEFT JOIN portal_user u ON u.id = t.seat_id
LEFT JOIN identity i ON i.id = u.identity_id
WHERE t.request_id = :id ORDER BY t.position
"""
CURRENT_TURN = """
SELECT id, request_id, position FROM approval_turn
WHERE request_id = :id AND state = 'waiting' ORDER BY position LIMIT 1
"""
OF_ORDER = f"{REQUEST} WHERE r.order_id = :order_id ORDER BY r.created_at DESC LIMIT 1"
WAITING_COUNT = """
SELECT count(*) FROM approval_request WHERE party_id = :party_id AND state = 'waiting'
"""
LINES_OF = """
SELECT p.code, p.name, l.quantity, l.unit, l.amount FROM sales_order_line l
JOIN product p ON p.id = l.product_id WHERE l.order_id = :id ORDER BY l.line_no LIMIT :most
"""


@dataclass(frozen=True, slots=True)
class Request:
    """``reasons``: codes of the verdicts that asked for it."""

    id: UUID
    party_id: UUID
    party_name: str
    order_id: UUID
    number: str
    currency: str
    order_state: str
    requested_by: UUID
    requested_name: str
    amount: Decimal
    reasons: list[str]
    state: str
    created_at: datetime
    decided_at: datetime | None


async def requests(
    paging: Paging, *, party_id: UUID | None = None, state: str = "", search: str = ""
) -> Page[Request]:
    """What waits first."""
    found = await db.rows(
        REQUESTS,
        party_id=party_id,
        state=state,
        search=search.lower().strip(),
        size=paging.size,
        offset=paging.offset,
    )
    return db.page_of(Request, found, paging)


async def request_or_none(request_id: UUID) -> Request | None:
    return await db.one_or_none_as(Request, f"{REQUEST} WHERE r.id = :id", id=request_id)


async def request_of_order(order_id: UUID) -> Request | None:
    """The last one, whatever came of it."""
    return await db.one_or_none_as(Request, OF_ORDER, order_id=order_id)


async def request_of_turn(turn_id: UUID) -> UUID:
    row = await db.one("SELECT request_id FROM approval_turn WHERE id = :id", id=turn_id)
    return row["request_id"]


async def turns_of(request_id: UUID) -> list[db.Row]:
    return await db.rows(TURNS, id=request_id)


async def current_turn(request_id: UUID) -> db.Row | None:
    return await db.one_or_none(CURRENT_TURN, id=request_id)


async def may_answer(request_id: UUID, identity_id: UUID | None) -> bool:
    turn = await current_turn(request_id)
    people = await db.rows(ELIGIBLE, turn_id=turn["id"]) if turn else []
    return any(one["identity_id"] == identity_id for one in people)


async def waiting_count(party_id: UUID) -> int:
    return await db.value(WAITING_COUNT, party_id=party_id)


async def order_lines_of(order_id: UUID, most: int) -> list[db.Row]:
    return await db.rows(LINES_OF, id=order_id, most=most)

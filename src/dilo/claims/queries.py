"""Reads of claims: what may still be claimed, the queue, one claim with all that belongs to it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from uuid import UUID

import msgspec

from dilo.claims.rules import HOLDS, OURS
from dilo.kit import clock, db
from dilo.kit.errors import NotFound
from dilo.kit.paging import Page, Paging
from dilo.parties.talks import Attachment, Remark, attachments, remarks
from tenants.actors import Actor
from tenants.settings import setting

HEAD = """
SELECT c.id, c.number, c.party_id, p.name AS party_name, c.order_id, o.number AS order_number,
  c.state, c.reason, c.wanted, c.text, c.door, c.asked_by, c.asked_by_id, c.owner_id,
  i.name AS owner_name, c.answer, c.outcome, c.return_id, n.id AS note_id, n.number AS note_number,
  c.replacement_order_id, x.number AS replacement_number, c.created_at, c.waiting_since, c.closed_at
FROM claim c JOIN party p ON p.id = c.party_id JOIN sales_order o ON o.id = c.order_id
LEFT JOIN identity i ON i.id = c.owner_id LEFT JOIN sales_return r ON r.id = c.return_id
LEFT JOIN invoice n ON n.id = r.credit_note_id
LEFT JOIN sales_order x ON x.id = c.replacement_order_id
"""
LIST = f"""
SELECT t.*, count(*) OVER () AS total_rows FROM (
  {HEAD}
  WHERE (CAST(:party_id AS uuid) IS NULL OR c.party_id = :party_id)
    AND (CAST(:order_id AS uuid) IS NULL OR c.order_id = :order_id)
    AND (:state = '' OR c.state = :state
      OR :state = 'open' AND c.state NOT IN ('closed', 'refused', 'cancelled')
      OR :state = 'waiting' AND c.state = ANY(:ours))
    AND (:reason = '' OR c.reason = :reason)
    AND (CAST(:owner_id AS uuid) IS NULL OR c.owner_id = :owner_id)
    AND (CAST(:late_before AS timestamptz) IS NULL
      OR c.state = ANY(:ours) AND c.waiting_since < :late_before)
    AND (:search = '' OR strpos(lower(c.number), :search) > 0 OR strpos(p.search, :search) > 0
      OR strpos(lower(o.number), :search) > 0)) t
"""
SORTS = {
    "number": "t.number",
    "party": "t.party_name",
    "age": "t.waiting_since",
    "created": "t.created_at",
}
LINES = """
SELECT l.id, l.order_line_id, s.product_id, g.code, g.name, g.unit, s.price, l.quantity,
  l.received_quantity, l.accepted_quantity, l.verdict, l.spoiled
FROM claim_line l JOIN sales_order_line s ON s.id = l.order_line_id
JOIN product g ON g.id = s.product_id WHERE l.claim_id = :id ORDER BY s.line_no
"""
# Shipped, less what came back, less what other open claims speak for.
CLAIMABLE = """
SELECT s.id, s.line_no, g.code, g.name, g.unit, s.shipped_quantity, s.returned_quantity,
  s.shipped_quantity - s.returned_quantity - coalesce((
    SELECT sum(l.quantity) FROM claim_line l JOIN claim c ON c.id = l.claim_id
    WHERE l.order_line_id = s.id AND c.state = ANY(:holds)), 0) AS left_quantity
FROM sales_order_line s JOIN product g ON g.id = s.product_id
WHERE s.order_id = :order_id AND g.kind <> 'service' ORDER BY s.line_no
"""


class ClaimPolicy(msgspec.Struct):
    answer_hours: int = 24


# What was sent lately and may be complained of.
TO_CLAIM = """
SELECT o.id, o.number, o.created_at, o.total, o.currency FROM sales_order o
WHERE o.party_id = :party_id AND o.state IN ('partially_shipped', 'shipped', 'closed')
ORDER BY o.created_at DESC, o.id LIMIT 20
"""


@dataclass(frozen=True, slots=True)
class Claim:
    id: UUID
    number: str
    party_id: UUID
    party_name: str
    order_id: UUID
    order_number: str
    state: str
    reason: str
    wanted: str
    text: str
    door: str
    asked_by: str
    asked_by_id: UUID | None
    owner_id: UUID | None
    owner_name: str | None
    answer: str | None
    outcome: str | None
    return_id: UUID | None
    note_id: UUID | None
    note_number: str | None
    replacement_order_id: UUID | None
    replacement_number: str | None
    created_at: datetime
    waiting_since: datetime
    closed_at: datetime | None

    @property
    def is_ours(self) -> bool:
        """Whether it waits for us."""
        return self.state in OURS

    def is_late(self, hours: int) -> bool:
        return self.is_ours and clock.now() - self.waiting_since > timedelta(hours=hours)


@dataclass(frozen=True, slots=True)
class ClaimLine:
    id: UUID
    order_line_id: UUID
    product_id: UUID
    code: str
    name: str
    unit: str
    price: Decimal
    quantity: Decimal
    received_quantity: Decimal | None
    accepted_quantity: Decimal | None
    verdict: str | None
    spoiled: bool


@dataclass(frozen=True, slots=True)
class Claimable:
    """``left_quantity``: how much of a shipped line may still be claimed."""

    id: UUID
    line_no: int
    code: str
    name: str
    unit: str
    shipped_quantity: Decimal
    returned_quantity: Decimal
    left_quantity: Decimal


@dataclass(frozen=True, slots=True)
class Case:
    """A claim with all that its page shows."""

    head: Claim
    lines: list[ClaimLine]
    talk: list[Remark]
    files: list[Attachment]


async def policy() -> ClaimPolicy:
    return await setting("claims", ClaimPolicy)


async def claim(claim_id: UUID, actor: Actor | None = None) -> Claim:
    """Raises NOT_FOUND, also where it is another company's than the actor's."""
    found = await db.one_as(Claim, f"{HEAD} WHERE c.id = :id", id=claim_id)
    if actor is not None and actor.on_behalf_of not in (None, found.party_id):
        raise NotFound
    return found


async def orders_to_claim(party_id: UUID) -> list[db.Row]:
    return await db.rows(TO_CLAIM, party_id=party_id)


async def claim_lines(claim_id: UUID) -> list[ClaimLine]:
    return await db.rows_as(ClaimLine, LINES, id=claim_id)


async def case(claim_id: UUID, actor: Actor) -> Case:
    head, internal = await claim(claim_id, actor), actor.on_behalf_of is None
    return Case(
        head,
        await claim_lines(claim_id),
        await remarks(claim_id, internal=internal),
        await attachments([claim_id], internal=internal),
    )


async def claimable(order_id: UUID) -> list[Claimable]:
    return await db.rows_as(Claimable, CLAIMABLE, order_id=order_id, holds=list(HOLDS))


async def claims(
    paging: Paging,
    *,
    party_id: UUID | None = None,
    order_id: UUID | None = None,
    state: str = "",
    reason: str = "",
    owner_id: UUID | None = None,
    late_before: datetime | None = None,
    search: str = "",
) -> Page[Claim]:
    order = paging.order_by(SORTS, "created") if paging.sort else "t.waiting_since DESC"
    found = await db.rows(
        f"{LIST} ORDER BY {order}, t.id DESC LIMIT :size OFFSET :offset",
        party_id=party_id,
        order_id=order_id,
        state=state,
        ours=list(OURS),
        reason=reason,
        owner_id=owner_id,
        late_before=late_before,
        search=search.lower().strip(),
        size=paging.size,
        offset=paging.offset,
    )
    return db.page_of(Claim, found, paging)


async def claims_of_order(order_id: UUID) -> Sequence[Claim]:
    return (await claims(Paging(1, 100), order_id=order_id)).rows

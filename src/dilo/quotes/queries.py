"""Reads of enquiries and the versions of their quotations."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import msgspec

from dilo.kit import clock, db
from dilo.kit.errors import NotFound
from dilo.kit.paging import Page, Paging
from dilo.parties.talks import Attachment, Remark, attachments, remarks
from dilo.quotes.rules import OPEN, Offered
from tenants.actors import Actor
from tenants.settings import setting

HEAD = """
SELECT r.id, r.number, r.party_id, p.code AS party_code, p.name AS party_name, r.state, r.door,
  r.currency, r.comment, r.wanted_on, r.asked_by, r.asked_by_id, r.owner_id, o.name AS owner_name,
  r.why, r.created_at, r.submitted_at, r.waiting_since, r.closed_at
FROM rfq r JOIN party p ON p.id = r.party_id LEFT JOIN identity o ON o.id = r.owner_id
"""
LIST = """
SELECT t.*, count(*) OVER () AS total_rows FROM (
  SELECT r.id, r.number, r.party_id, p.name AS party_name, r.state, r.door, r.currency, r.asked_by,
    r.created_at, r.waiting_since, o.name AS owner_name, v.version, v.total, v.valid_until,
    v.state AS quote_state,
    (SELECT count(*) FROM rfq_line l WHERE l.rfq_id = r.id) AS line_count
  FROM rfq r JOIN party p ON p.id = r.party_id LEFT JOIN identity o ON o.id = r.owner_id
  LEFT JOIN LATERAL (SELECT q.version, q.total, q.valid_until, q.state FROM quote q
    WHERE q.rfq_id = r.id AND (:internal OR q.state NOT IN ('draft', 'approval'))
    ORDER BY q.version DESC LIMIT 1) v ON true
  WHERE (CAST(:party_id AS uuid) IS NULL OR r.party_id = :party_id)
    AND (NOT :internal OR r.state <> 'draft' OR r.door = 'office')
    AND (:state = '' OR r.state = :state OR :state = 'open' AND r.state = ANY(:open)
      OR :state = 'waiting' AND r.waiting_since IS NOT NULL
      OR :state = 'approval' AND v.state = 'approval')
    AND (CAST(:owner_id AS uuid) IS NULL OR r.owner_id = :owner_id)
    AND (NOT :unowned OR r.owner_id IS NULL)
    AND (CAST(:late_before AS timestamptz) IS NULL OR r.waiting_since < :late_before)
    AND (CAST(:least AS numeric) IS NULL OR v.total >= :least)
    AND (:search = '' OR strpos(lower(r.number), :search) > 0 OR strpos(p.search, :search) > 0
      OR EXISTS (SELECT 1 FROM rfq_line l LEFT JOIN product g ON g.id = l.product_id
        WHERE l.rfq_id = r.id AND strpos(coalesce(g.search, lower(l.text)), :search) > 0))) t
ORDER BY {order}, t.id DESC LIMIT :size OFFSET :offset
"""
SORTS = {
    "age": "t.waiting_since",
    "number": "t.number",
    "party": "t.party_name",
    "total": "t.total",
    "created": "t.created_at",
}
ASKED = """
SELECT l.id, l.line_no, l.product_id, g.code, g.name, l.text, l.quantity, g.unit, l.wanted_price,
  l.wanted_on, l.comment
FROM rfq_line l LEFT JOIN product g ON g.id = l.product_id WHERE l.rfq_id = :id ORDER BY l.line_no
"""
VERSIONS = """
SELECT q.id, q.rfq_id, q.version, q.state, q.valid_until, q.delivery_terms, q.payment_terms,
  q.comment, q.allow_partial, q.total, q.list_total, q.prepared_by, q.prepared_by_id, q.approved_by,
  q.approved_by_id, q.approved_floor, q.answer, q.answered_by, q.order_id, o.number AS order_number,
  q.created_at, q.sent_at, q.answered_at
FROM quote q LEFT JOIN sales_order o ON o.id = q.order_id
WHERE q.rfq_id = :id AND (:internal OR q.sent_at IS NOT NULL) ORDER BY q.version
"""
LINES = """
SELECT l.id, l.quote_id, l.line_no, l.rfq_line_id, l.product_id, g.code, g.name, g.unit,
  l.quantity, l.price, l.list_price, l.floor, l.cost, l.amount, l.comment, l.counter_quantity,
  l.counter_price, a.product_id AS asked_product_id, a.text AS asked_text, x.code AS asked_code
FROM quote_line l JOIN product g ON g.id = l.product_id
LEFT JOIN rfq_line a ON a.id = l.rfq_line_id LEFT JOIN product x ON x.id = a.product_id
WHERE l.quote_id = ANY(:ids) ORDER BY l.line_no
"""
RFQ_OF = "SELECT rfq_id FROM quote WHERE id = :id"
QUOTE_OF_ORDER = """
SELECT q.rfq_id, r.number, q.version FROM quote q JOIN rfq r ON r.id = q.rfq_id
WHERE q.order_id = :id
"""
STAFF = """
SELECT i.id, i.name FROM identity i JOIN membership m ON m.identity_id = i.id
WHERE i.disabled_at IS NULL AND m.role IN ('owner', 'manager', 'sales') ORDER BY i.name
"""
COUNTS = "SELECT count(*) FROM rfq WHERE waiting_since IS NOT NULL"


class QuotePolicy(msgspec.Struct):
    """The company's choices: the discount one person may give, how soon an answer is owed."""

    approval_percent: Decimal = Decimal(10)
    answer_hours: int = 8
    valid_days: int = 14


@dataclass(frozen=True, slots=True)
class Rfq:
    id: UUID
    number: str
    party_id: UUID
    party_code: str
    party_name: str
    state: str
    door: str
    currency: str
    comment: str | None
    wanted_on: date | None
    asked_by: str
    asked_by_id: UUID | None
    owner_id: UUID | None
    owner_name: str | None
    why: str | None
    created_at: datetime
    submitted_at: datetime | None
    waiting_since: datetime | None
    closed_at: datetime | None


@dataclass(frozen=True, slots=True)
class RfqRow:
    id: UUID
    number: str
    party_id: UUID
    party_name: str
    state: str
    door: str
    currency: str
    asked_by: str
    created_at: datetime
    waiting_since: datetime | None
    owner_name: str | None
    version: int | None
    total: Decimal | None
    valid_until: date | None
    quote_state: str | None
    line_count: int

    def is_late(self, hours: int) -> bool:
        return self.waiting_since is not None and clock.now() - self.waiting_since > timedelta(
            hours=hours
        )


@dataclass(frozen=True, slots=True)
class AskedLine:
    id: UUID
    line_no: int
    product_id: UUID | None
    code: str | None
    name: str | None
    text: str | None
    quantity: Decimal
    unit: str | None
    wanted_price: Decimal | None
    wanted_on: date | None
    comment: str | None


@dataclass(frozen=True, slots=True)
class QuoteLine(Offered):
    id: UUID
    quote_id: UUID
    line_no: int
    rfq_line_id: UUID | None
    unit: str
    comment: str | None
    counter_quantity: Decimal | None
    counter_price: Decimal | None
    asked_product_id: UUID | None
    asked_text: str | None
    asked_code: str | None

    @property
    def is_substitute(self) -> bool:
        return self.asked_product_id not in (None, self.product_id)


@dataclass(frozen=True, slots=True)
class Quote:
    id: UUID
    rfq_id: UUID
    version: int
    state: str
    valid_until: date
    delivery_terms: str | None
    payment_terms: str | None
    comment: str | None
    allow_partial: bool
    total: Decimal
    list_total: Decimal
    prepared_by: str
    prepared_by_id: UUID | None
    approved_by: str | None
    approved_by_id: UUID | None
    approved_floor: bool
    answer: str | None
    answered_by: str | None
    order_id: UUID | None
    order_number: str | None
    created_at: datetime
    sent_at: datetime | None
    answered_at: datetime | None
    lines: list[QuoteLine] = field(default_factory=list)

    @property
    def discount(self) -> Decimal | None:
        if not self.list_total:
            return None
        return round(100 * (self.list_total - self.total) / self.list_total, 2)


@dataclass(frozen=True, slots=True)
class Negotiation:
    """An enquiry with all that its page shows; ``versions`` oldest first."""

    head: Rfq
    asked: list[AskedLine]
    versions: list[Quote]
    talk: list[Remark]
    files: list[Attachment]

    @property
    def last(self) -> Quote | None:
        return self.versions[-1] if self.versions else None

    @property
    def standing(self) -> Quote | None:
        """The version the client may accept."""
        return next((one for one in self.versions if one.state == "sent"), None)


async def policy() -> QuotePolicy:
    return await setting("quotes", QuotePolicy)


async def rfq(rfq_id: UUID, actor: Actor | None = None) -> Rfq:
    """Raises NOT_FOUND, also where it is another company's than the actor's."""
    found = await db.one_as(Rfq, f"{HEAD} WHERE r.id = :id", id=rfq_id)
    return _visible(found, actor)


async def locked_rfq(rfq_id: UUID, actor: Actor) -> Rfq:
    """Every verb of a negotiation begins here, so two of them never pass each other."""
    found = await db.one_as(Rfq, f"{HEAD} WHERE r.id = :id FOR UPDATE OF r", id=rfq_id)
    return _visible(found, actor)


def _visible(found: Rfq, actor: Actor | None) -> Rfq:
    if actor is not None and actor.on_behalf_of not in (None, found.party_id):
        raise NotFound
    return found


async def asked_lines(rfq_id: UUID) -> list[AskedLine]:
    return await db.rows_as(AskedLine, ASKED, id=rfq_id)


async def versions(rfq_id: UUID, *, internal: bool) -> list[Quote]:
    """With their lines, in two statements; a client sees only what was once sent to him."""
    heads = await db.rows(VERSIONS, id=rfq_id, internal=internal)
    found: dict[UUID, list[QuoteLine]] = {row["id"]: [] for row in heads}
    for row in await db.rows(LINES, ids=list(found)):
        found[row["quote_id"]].append(QuoteLine(**row))
    return [Quote(**row, lines=found[row["id"]]) for row in heads]


async def negotiation(rfq_id: UUID, actor: Actor) -> Negotiation:
    """Raises NOT_FOUND."""
    head, internal = await rfq(rfq_id, actor), actor.on_behalf_of is None
    return Negotiation(
        head,
        await asked_lines(rfq_id),
        await versions(rfq_id, internal=internal),
        await remarks(rfq_id, internal=internal),
        await attachments([rfq_id], internal=internal),
    )


async def rfq_of_quote(quote_id: UUID) -> UUID:
    return (await db.one(RFQ_OF, id=quote_id))["rfq_id"]


async def quote_of_order(order_id: UUID) -> db.Row | None:
    return await db.one_or_none(QUOTE_OF_ORDER, id=order_id)


async def rfqs(
    paging: Paging,
    *,
    internal: bool,
    party_id: UUID | None = None,
    state: str = "",
    owner_id: UUID | None = None,
    unowned: bool = False,
    late_before: datetime | None = None,
    least: Decimal | None = None,
    search: str = "",
) -> Page[RfqRow]:
    """Who has waited longest comes first unless asked otherwise."""
    chosen: dict[str, Any] = {
        "party_id": party_id,
        "state": state,
        "open": list(OPEN),
        "owner_id": owner_id,
        "unowned": unowned,
        "late_before": late_before,
        "least": least,
        "search": search.lower().strip(),
        "internal": internal,
    }
    fallback = "t.waiting_since NULLS LAST, t.created_at DESC" if internal else "t.created_at DESC"
    order = paging.order_by(SORTS, "created") if paging.sort else fallback
    found = await db.rows(
        LIST.format(order=order), size=paging.size, offset=paging.offset, **chosen
    )
    return db.page_of(RfqRow, found, paging)


async def waiting_count() -> int:
    return await db.value(COUNTS)


async def sellers() -> Sequence[db.Row]:
    return await db.rows(STAFF)

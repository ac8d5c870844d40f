"""The road of a shipment: who carries it, under which number, what happened on the way.

dispatched > in_transit > delivered | failed > returned. Events are dated and never changed; the
shipment's own state is that of the last one.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Annotated
from urllib.parse import quote
from uuid import UUID

import asyncpg
import msgspec

from dilo.kit import clock, db, outbox
from dilo.kit.errors import NotFound, Refusal
from dilo.orders.actions import invoice_shipment, take_back
from dilo.orders.commands import LineAsked, TakeBack
from dilo.parties.talks import Attachment, attach, attachments
from tenants import audit
from tenants.actors import SYSTEM, Actor

FLOW: dict[str, tuple[str, ...]] = {
    "dispatched": ("in_transit", "delivered", "failed"),
    "in_transit": ("in_transit", "delivered", "failed"),
    "failed": ("in_transit", "delivered", "returned"),
}
ONE = """
SELECT s.id, s.number, s.order_id, o.number AS order_number, s.party_id, p.name AS party_name,
  s.state, s.currency, s.total, s.dispatched_at, s.dispatched_on, s.carrier_id, c.name AS carrier,
  c.url_pattern, s.tracking_number, s.expected_on, s.delivered_at, s.received_by,
  v.id AS invoice_id, v.number AS invoice_number, r.score, r.comment AS rating_comment,
  r.rated_by, r.rated_at
FROM shipment s JOIN sales_order o ON o.id = s.order_id JOIN party p ON p.id = s.party_id
LEFT JOIN carrier c ON c.id = s.carrier_id
LEFT JOIN invoice v ON v.shipment_id = s.id AND v.kind = 'invoice'
LEFT JOIN rating r ON r.shipment_id = s.id
"""
LINES = """
SELECT l.shipment_id, l.order_line_id, g.code, g.name, g.unit, l.quantity, l.amount
FROM shipment_line l JOIN product g ON g.id = l.product_id
JOIN sales_order_line o ON o.id = l.order_line_id
WHERE l.shipment_id = ANY(:ids) ORDER BY o.line_no
"""
EVENTS = """
SELECT shipment_id, state, happened_at, place, note, recorded_by FROM shipment_event
WHERE shipment_id = ANY(:ids) ORDER BY happened_at, id
"""
CARRIERS = """
SELECT id, name, url_pattern, closed_at FROM carrier
WHERE :closed OR closed_at IS NULL ORDER BY closed_at IS NOT NULL, name
"""
ADD_CARRIER = """
INSERT INTO carrier (name, url_pattern) VALUES (:name, :url_pattern) RETURNING id
"""
CHANGE_CARRIER = """
UPDATE carrier SET name = :name, url_pattern = :url_pattern,
  closed_at = CASE WHEN :closed THEN coalesce(closed_at, :now) END
WHERE id = :id
"""
CARRY = """
UPDATE shipment SET carrier_id = :carrier_id, tracking_number = :tracking_number,
  expected_on = :expected_on WHERE id = :id
"""
HAPPENED = """
WITH said AS (
  INSERT INTO shipment_event (shipment_id, state, happened_at, place, note, recorded_by)
  VALUES (:id, :state, :at, :place, :note, :by))
UPDATE shipment SET state = :state, received_by = coalesce(:received_by, received_by),
  delivered_at = CASE WHEN :state = 'delivered' THEN CAST(:at AS timestamptz) END
WHERE id = :id
"""
PATTERN_MARK = "{number}"


class CarrierForm(msgspec.Struct):
    name: Annotated[str, msgspec.Meta(min_length=1, max_length=100)]
    url_pattern: Annotated[str, msgspec.Meta(max_length=300)] | None = None
    closed: str = ""


class CarriageForm(msgspec.Struct):
    carrier_id: UUID | None = None
    tracking_number: Annotated[str, msgspec.Meta(max_length=60)] | None = None
    expected_on: date | None = None


class EventForm(msgspec.Struct):
    """``happened_at`` is the wall clock of the company; absent: now."""

    state: str
    happened_at: datetime | None = None
    place: Annotated[str, msgspec.Meta(max_length=200)] | None = None
    note: Annotated[str, msgspec.Meta(max_length=500)] | None = None
    received_by: Annotated[str, msgspec.Meta(max_length=120)] | None = None


@dataclass(frozen=True, slots=True)
class Shipment:
    """With its lines, events and proofs where a page asked for them."""

    id: UUID
    number: str
    order_id: UUID
    order_number: str
    party_id: UUID
    party_name: str
    state: str
    currency: str
    total: Decimal
    dispatched_at: datetime | None
    dispatched_on: date | None
    carrier_id: UUID | None
    carrier: str | None
    url_pattern: str | None
    tracking_number: str | None
    expected_on: date | None
    delivered_at: datetime | None
    received_by: str | None
    invoice_id: UUID | None
    invoice_number: str | None
    score: int | None
    rating_comment: str | None
    rated_by: str | None
    rated_at: datetime | None
    lines: Sequence[db.Row] = ()
    events: Sequence[db.Row] = ()
    proofs: Sequence[Attachment] = ()

    @property
    def tracking_url(self) -> str | None:
        if not self.url_pattern or not self.tracking_number:
            return None
        return self.url_pattern.replace(PATTERN_MARK, quote(self.tracking_number, safe=""))

    @property
    def next_states(self) -> tuple[str, ...]:
        return FLOW.get(self.state, ())


async def shipments_of(order_id: UUID) -> list[Shipment]:
    """All of an order's, in four statements however many there are."""
    return await _whole(
        await db.rows(f"{ONE} WHERE s.order_id = :id ORDER BY s.created_at", id=order_id)
    )


async def shipment(shipment_id: UUID, actor: Actor | None = None) -> Shipment:
    """Raises NOT_FOUND, also where it is another company's than the actor's."""
    [found] = await _whole([await db.one(f"{ONE} WHERE s.id = :id", id=shipment_id)])
    if actor is not None and actor.on_behalf_of not in (None, found.party_id):
        raise NotFound
    return found


async def _whole(heads: Sequence[db.Row]) -> list[Shipment]:
    ids = [head["id"] for head in heads]
    if not ids:
        return []
    lines, events = await db.rows(LINES, ids=ids), await db.rows(EVENTS, ids=ids)
    proofs = await attachments(ids)
    return [
        Shipment(
            **head,
            lines=[row for row in lines if row["shipment_id"] == head["id"]],
            events=[row for row in events if row["shipment_id"] == head["id"]],
            proofs=[one for one in proofs if one.matter_id == head["id"]],
        )
        for head in heads
    ]


async def carriers(*, closed: bool = False) -> list[db.Row]:
    return await db.rows(CARRIERS, closed=closed)


async def save_carrier(actor: Actor, carrier_id: UUID | None, form: CarrierForm) -> None:
    """The pattern is an https address with {number} where the tracking number goes.

    Raises FORBIDDEN, NOT_FOUND, PATTERN_BAD, CARRIER_EXISTS.
    """
    actor.require("carriers.edit")
    pattern = (form.url_pattern or "").strip() or None
    if pattern and (
        not pattern.startswith("https://")
        or PATTERN_MARK not in pattern
        or len(pattern.split()) > 1
    ):
        raise Refusal("PATTERN_BAD", status=422)
    try:
        async with db.savepoint():
            if carrier_id is None:
                await db.value(ADD_CARRIER, name=form.name.strip(), url_pattern=pattern)
            elif not await db.execute(
                CHANGE_CARRIER,
                id=carrier_id,
                name=form.name.strip(),
                url_pattern=pattern,
                closed=bool(form.closed),
                now=clock.now(),
            ):
                raise NotFound
    except asyncpg.UniqueViolationError:
        raise Refusal("CARRIER_EXISTS", status=422, name=form.name) from None
    await audit.note(actor, "carriers.save", "carrier", carrier_id, after={"name": form.name})


async def set_carriage(actor: Actor, shipment_id: UUID, form: CarriageForm) -> None:
    """Who carries it, under which number, by when. Raises FORBIDDEN, NOT_FOUND, WRONG_STATE."""
    actor.require("shipments.edit")
    found = await _locked(shipment_id)
    if found.state in ("cancelled", "returned"):
        raise Refusal("WRONG_STATE", number=found.number, state=found.state)
    if form.carrier_id is not None and form.carrier_id not in {c["id"] for c in await carriers()}:
        raise NotFound
    tracking_number = (form.tracking_number or "").strip() or None
    await db.execute(
        CARRY,
        id=shipment_id,
        carrier_id=form.carrier_id,
        tracking_number=tracking_number,
        expected_on=form.expected_on,
    )
    after = {"shipment": found.number, "tracking": tracking_number}
    await audit.note(actor, "shipments.carriage", "sales_order", found.order_id, after=after)


async def happened(
    actor: Actor,
    shipment_id: UUID,
    form: EventForm,
    proofs: Sequence[tuple[str, bytes]] = (),
) -> None:
    """What happened on the road. Delivered is told to the client; goods returned by the carrier are
    on the shelf again with a credit note, in this transaction.

    Raises FORBIDDEN, NOT_FOUND, WRONG_STATE, DATE_BAD and what talks say of files.
    """
    actor.require("shipments.edit")
    found = await _locked(shipment_id)
    if form.state not in found.next_states:
        raise Refusal("WRONG_STATE", number=found.number, state=found.state)
    at = form.happened_at or clock.now()
    earliest = found.dispatched_at - timedelta(days=1) if found.dispatched_at else at
    if not earliest <= at <= clock.now() + timedelta(minutes=5):
        raise Refusal("DATE_BAD", status=422)
    await attach(actor, "shipment", shipment_id, found.party_id, proofs)
    await db.execute(
        HAPPENED,
        id=shipment_id,
        state=form.state,
        at=at,
        place=form.place,
        note=form.note,
        by=actor.name,
        received_by=form.received_by,
    )
    after = {"shipment": found.number, "state": form.state}
    await audit.note(actor, f"shipments.{form.state}", "sales_order", found.order_id, after=after)
    if form.state == "delivered":
        await outbox.tell("shipment_delivered", shipment_id=str(shipment_id))
    elif form.state == "returned":
        await _came_back(found)


async def _locked(shipment_id: UUID) -> Shipment:
    await db.one("SELECT 1 FROM shipment WHERE id = :id FOR UPDATE", id=shipment_id)
    return await shipment(shipment_id)


async def _came_back(found: Shipment) -> None:
    """What was never invoiced is invoiced first, so that the books hold both halves."""
    await invoice_shipment(SYSTEM, found.id)
    await take_back(
        SYSTEM,
        TakeBack(
            order_id=found.order_id,
            key=f"came-back:{found.id}",
            lines=[LineAsked(row["order_line_id"], row["quantity"]) for row in found.lines],
            reason=found.number,
        ),
    )

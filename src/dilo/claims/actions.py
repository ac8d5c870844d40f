"""The life of a claim: requested by the client, decided, received, inspected, made good, closed.

Money and stock move once, at the inspection, by ``orders.actions.take_back`` in its transaction: a
credit note for what was accepted. A replacement is a new order at the prices of the old one.
"""

from collections.abc import Sequence
from decimal import Decimal
from typing import Annotated, Literal
from uuid import UUID

import msgspec

from dilo.claims.queries import Claim, ClaimLine, claim, claim_lines, claimable
from dilo.claims.rules import OUTCOMES, REASONS, WISHES, may_become
from dilo.kit import clock, db
from dilo.kit.errors import NotFound, Refusal
from dilo.kit.ids import uuid7
from dilo.messaging.telling import tell_party, tell_staff
from dilo.orders import actions as orders
from dilo.orders.commands import LineAsked, LineInput, PlaceOrder, Promised, TakeBack
from dilo.orders.queries import locked_head, order_head
from dilo.orders.tracking import shipments_of
from dilo.parties.talks import attach, remark
from dilo.receivables.actions import lock_balance
from tenants import audit
from tenants.actors import SYSTEM, Actor
from tenants.numbering import next_number

KIND, CAME = "claim", "claim_came"
Door = Literal["office", "portal", "telegram", "sms", "api"]
BY_KEY = "SELECT id FROM claim WHERE key = :key AND party_id = :party_id"
NEW = """
INSERT INTO claim (id, number, party_id, order_id, reason, wanted, text, door, asked_by,
  asked_by_id, owner_id, key, waiting_since)
SELECT :id, :number, p.id, :order_id, :reason, :wanted, :text, :door, :by, :by_id, p.owner_id, :key,
  :now
FROM party p WHERE p.id = :party_id
"""
NEW_LINES = """
INSERT INTO claim_line (claim_id, order_line_id, quantity)
SELECT :id, * FROM unnest(:lines::uuid[], :quantities::numeric[])
"""
MOVE = """
UPDATE claim SET state = :state, answer = coalesce(:answer, answer), waiting_since = :now,
  owner_id = coalesce(owner_id, :owner_id),
  closed_at = CASE WHEN :state IN ('closed', 'refused', 'cancelled')
    THEN CAST(:now AS timestamptz) END
WHERE id = :id
"""
RECEIVED = """
UPDATE claim_line l SET received_quantity = r.quantity
FROM unnest(:lines::uuid[], :quantities::numeric[]) AS r(id, quantity)
WHERE l.id = r.id AND l.claim_id = :id
"""
INSPECTED = """
UPDATE claim_line l SET accepted_quantity = r.quantity, verdict = r.verdict, spoiled = r.spoiled
FROM unnest(:lines::uuid[], :quantities::numeric[], :verdicts::text[], :spoiled::boolean[])
  AS r(id, quantity, verdict, spoiled)
WHERE l.id = r.id AND l.claim_id = :id
"""
OUTCOME = """
UPDATE claim SET outcome = :outcome, return_id = coalesce(:return_id, return_id),
  replacement_order_id = coalesce(:order_id, replacement_order_id)
WHERE id = :id
"""
OWNER = "UPDATE claim SET owner_id = :owner_id WHERE id = :id"
IS_STAFF = "SELECT 1 FROM membership WHERE identity_id = :id"


class ClaimRequest(msgspec.Struct, frozen=True, kw_only=True):
    """``lines``: order lines with quantities. ``key`` is the door's idempotency key."""

    order_id: UUID
    lines: list[LineAsked]
    reason: str
    wanted: str
    door: Door
    key: str
    text: Annotated[str, msgspec.Meta(max_length=4000)] = ""
    files: Sequence[tuple[str, bytes]] = ()


class Inspected(msgspec.Struct, frozen=True):
    """What was found of a claim's line: how much of it is ours to make good, in a word why.
    ``spoiled``: it goes on no shelf."""

    line_id: UUID
    quantity: Decimal
    verdict: str = ""
    spoiled: bool = False


async def request_claim(actor: Actor, asked: ClaimRequest) -> UUID:
    """From any door, against what was shipped. The same key gives the same claim again.

    Raises FORBIDDEN, NOT_FOUND, CLAIM_REASON_BAD, NOTHING_TO_RETURN, QUANTITY_TOO_MUCH and what
    talks say of files.
    """
    seen = await order_head(asked.order_id)
    _own(actor, seen.party_id)
    if asked.reason not in REASONS or asked.wanted not in WISHES:
        raise Refusal("CLAIM_REASON_BAD", status=422)
    await locked_head(asked.order_id)  # two claims for the same goods wait for each other here
    earlier = await db.value(BY_KEY, key=asked.key, party_id=seen.party_id)
    if earlier:
        return earlier
    lines = await _claimed(asked)
    claim_id = uuid7()
    await db.execute(
        NEW,
        id=claim_id,
        number=await next_number("claim", "CL"),
        party_id=seen.party_id,
        order_id=asked.order_id,
        reason=asked.reason,
        wanted=asked.wanted,
        text=asked.text.strip(),
        door=asked.door,
        by=actor.name,
        by_id=actor.id,
        key=asked.key,
        now=clock.now(),
    )
    await db.execute(
        NEW_LINES,
        id=claim_id,
        lines=[line.line_id for line in lines],
        quantities=[line.quantity for line in lines],
    )
    await attach(actor, "claim", claim_id, seen.party_id, asked.files)
    await audit.note(actor, "claims.requested", "claim", claim_id, after={"order": seen.number})
    if actor.on_behalf_of is not None:
        owner_id = (await claim(claim_id)).owner_id
        fact = {"claim_id": str(claim_id)}
        await tell_staff(CAME, f"claim:{claim_id}:came", fact, owner_id)
    return claim_id


async def _claimed(asked: ClaimRequest) -> list[LineAsked]:
    left = {line.id: line for line in await claimable(asked.order_id)}
    wanted = [one for one in asked.lines if one.quantity]
    if not wanted:
        raise Refusal("NOTHING_TO_RETURN", status=422)
    for one in wanted:
        line = left.pop(one.line_id, None)
        if line is None:
            raise NotFound
        good = one.quantity.is_finite() and one.quantity == round(one.quantity, 4)
        if not good or not 0 < one.quantity <= line.left_quantity:
            raise Refusal("QUANTITY_TOO_MUCH", code=line.code, left_quantity=line.left_quantity)
    return wanted


def _own(actor: Actor, party_id: UUID) -> None:
    """Staff by their verb; a client for his own company, as one who may order."""
    if actor.on_behalf_of is None:
        actor.require("claims.edit")
    elif actor.on_behalf_of != party_id:
        raise NotFound
    else:
        actor.require("orders.edit")


async def _locked(actor: Actor, claim_id: UUID) -> Claim:
    """The party's balance, the order, the claim: always in this order."""
    seen = await claim(claim_id, actor)
    head = await order_head(seen.order_id)
    await lock_balance(head.party_id, head.currency)
    await locked_head(seen.order_id)
    await db.one("SELECT 1 FROM claim WHERE id = :id FOR UPDATE", id=claim_id)
    return await claim(claim_id, actor)


async def _move(actor: Actor, found: Claim, state: str, answer: str | None = None) -> None:
    """The only way a claim changes its state; the client is told. Raises WRONG_STATE."""
    if not may_become(found.state, state):
        raise Refusal("WRONG_STATE", number=found.number, state=found.state)
    owner = actor.id if actor.kind == "staff" else None
    await db.execute(MOVE, id=found.id, state=state, answer=answer, now=clock.now(), owner_id=owner)
    await audit.note(actor, f"claims.{state}", "claim", found.id, before={"state": found.state})
    if actor.on_behalf_of is None:
        told = {"claim_id": str(found.id), "state": state}
        fact = f"claim:{found.id}:{state}"
        await tell_party(KIND, fact, told, found.party_id, found.asked_by_id)


async def assign(actor: Actor, claim_id: UUID, owner_id: UUID | None) -> None:
    """Raises FORBIDDEN, NOT_FOUND."""
    actor.require("claims.edit")
    await claim(claim_id)
    if owner_id is not None:
        await db.one(IS_STAFF, id=owner_id)
    await db.execute(OWNER, id=claim_id, owner_id=owner_id)
    await audit.note(actor, "claims.assign", "claim", claim_id)


async def approve(actor: Actor, claim_id: UUID, answer: str, *, goods_back: bool) -> None:
    """``goods_back``: they must come to us first; else it is decided by the photographs.

    Raises FORBIDDEN, NOT_FOUND, WRONG_STATE.
    """
    actor.require("claims.edit")
    found = await _locked(actor, claim_id)
    await _move(
        actor, found, "awaiting_goods" if goods_back else "approved", answer.strip() or None
    )


async def refuse(actor: Actor, claim_id: UUID, why: str) -> None:
    """Raises FORBIDDEN, NOT_FOUND, WRONG_STATE, REASON_MISSING."""
    actor.require("claims.edit")
    if not why.strip():
        raise Refusal("REASON_MISSING", status=422)
    await _move(actor, await _locked(actor, claim_id), "refused", why.strip())


async def call_off(actor: Actor, claim_id: UUID) -> None:
    """The client takes it back. Raises FORBIDDEN, NOT_FOUND, WRONG_STATE."""
    found = await _locked(actor, claim_id)
    _own(actor, found.party_id)
    await _move(actor, found, "cancelled")


async def receive(actor: Actor, claim_id: UUID, came: Sequence[LineAsked]) -> None:
    """What has come to us, counted by line; it is on no shelf yet.

    Raises FORBIDDEN, NOT_FOUND, WRONG_STATE, QUANTITY_TOO_MUCH.
    """
    actor.require("claims.edit")
    found = await _locked(actor, claim_id)
    by_id = {line.id: line for line in await claim_lines(claim_id)}
    for one in came:
        _within(by_id, one.line_id, one.quantity)
    await db.execute(
        RECEIVED,
        id=claim_id,
        lines=[one.line_id for one in came],
        quantities=[one.quantity for one in came],
    )
    await _move(actor, found, "received")


def _within(by_id: dict[UUID, ClaimLine], line_id: UUID, quantity: Decimal) -> None:
    line = by_id.get(line_id)
    if line is None:
        raise NotFound
    most = line.quantity if line.received_quantity is None else line.received_quantity
    if not quantity.is_finite() or not 0 <= quantity <= most or quantity != round(quantity, 4):
        raise Refusal("QUANTITY_TOO_MUCH", code=line.code, left_quantity=most)


async def inspect(actor: Actor, claim_id: UUID, outcome: str, lines: Sequence[Inspected]) -> None:
    """The verdict by line and what follows, in one transaction: refund and replace credit what was
    accepted and shelve what is not spoiled; replace orders it again at the old prices.

    Raises FORBIDDEN, NOT_FOUND, WRONG_STATE, QUANTITY_TOO_MUCH, NOTHING_TO_RETURN and what
    take_back and place_order raise.
    """
    actor.require("claims.edit")
    if outcome not in OUTCOMES:
        raise NotFound
    found = await _locked(actor, claim_id)
    by_id = {line.id: line for line in await claim_lines(claim_id)}
    for one in lines:
        _within(by_id, one.line_id, one.quantity)
    if not may_become(found.state, outcome):
        raise Refusal("WRONG_STATE", number=found.number, state=found.state)
    await db.execute(
        INSPECTED,
        id=claim_id,
        lines=[one.line_id for one in lines],
        quantities=[one.quantity for one in lines],
        verdicts=[one.verdict.strip()[:200] or None for one in lines],
        spoiled=[one.spoiled for one in lines],
    )
    return_id, order_id = None, None
    if outcome in ("refund", "replace"):
        accepted = [(by_id[one.line_id], one.quantity) for one in lines if one.quantity]
        spoiled = frozenset(by_id[one.line_id].order_line_id for one in lines if one.spoiled)
        return_id = await _credited(actor, found, accepted, spoiled)
        order_id = await _again(found, accepted) if outcome == "replace" else None
    await db.execute(OUTCOME, id=claim_id, outcome=outcome, return_id=return_id, order_id=order_id)
    await _move(actor, found, outcome)


async def _credited(
    actor: Actor,
    found: Claim,
    accepted: Sequence[tuple[ClaimLine, Decimal]],
    spoiled: frozenset[UUID],
) -> UUID:
    """Shipped but never invoiced is invoiced first: a credit note answers an invoice."""
    actor.require("returns.accept")
    for shipment in await shipments_of(found.order_id):
        if shipment.invoice_id is None and shipment.dispatched_on is not None:
            await orders.invoice_shipment(SYSTEM, shipment.id)
    return await orders.take_back(
        actor,
        TakeBack(
            order_id=found.order_id,
            key=f"claim:{found.id}",
            lines=[LineAsked(line.order_line_id, quantity) for line, quantity in accepted],
            reason=found.number,
            spoiled=spoiled,
        ),
    )


async def _again(found: Claim, accepted: Sequence[tuple[ClaimLine, Decimal]]) -> UUID:
    """A sum that the credit note has just given back, through the same gates as any order."""
    placed = await orders.place_order(
        SYSTEM,
        PlaceOrder(
            party_id=found.party_id,
            lines=[LineInput(str(line.product_id), quantity) for line, quantity in accepted],
            key=f"claim:{found.id}",
            by="id",
            door="office",
            comment=found.number,
        ),
        Promised(found.number, tuple(line.price for line, _ in accepted)),
    )
    return placed.id


async def close(actor: Actor, claim_id: UUID, answer: str = "") -> None:
    """All is made good. Raises FORBIDDEN, NOT_FOUND, WRONG_STATE."""
    actor.require("claims.edit")
    await _move(actor, await _locked(actor, claim_id), "closed", answer.strip() or None)


async def say(
    actor: Actor,
    claim_id: UUID,
    text: str,
    files: Sequence[tuple[str, bytes]] = (),
    *,
    internal: bool = False,
) -> None:
    """Raises FORBIDDEN, NOT_FOUND, TEXT_MISSING and what talks say of files."""
    found = await claim(claim_id, actor)
    _own(actor, found.party_id)
    if text.strip() or not files:
        await remark(actor, "claim", claim_id, found.party_id, text, internal=internal)
    await attach(actor, "claim", claim_id, found.party_id, files, internal=internal)

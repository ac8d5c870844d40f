"""The client's side of an enquiry: ask, complete, call off. Doors send no price of ours."""

from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import Annotated, Literal
from uuid import UUID

import msgspec

from dilo.catalogue.queries import products_of_codes
from dilo.kit import clock, db
from dilo.kit.errors import NotFound, Refusal
from dilo.kit.ids import uuid7
from dilo.messaging.telling import tell_staff
from dilo.orders.commands import LINES_MAX, QUANTITY_MAX
from dilo.parties.queries import party
from dilo.parties.talks import remark
from dilo.quotes.queries import Rfq, locked_rfq, rfq
from dilo.quotes.rules import may_become
from tenants import audit
from tenants.actors import Actor
from tenants.numbering import next_number
from tenants.scope import current_tenant

CAME = "rfq_came"
Door = Literal["office", "portal", "telegram", "sms", "api"]
PRICE_MAX = Decimal(100_000_000)
WORDS_MAX = 500
AHEAD_DAYS_MAX = 730
BY_KEY = "SELECT id FROM rfq WHERE key = :key AND party_id = :party_id"
NEW = """
INSERT INTO rfq (id, number, party_id, state, door, currency, comment, wanted_on, asked_by,
  asked_by_id, owner_id, key)
SELECT :id, :number, p.id, 'draft', :door, p.currency, :comment, :wanted_on, :by, :by_id,
  CASE WHEN :door = 'office' THEN CAST(:by_id AS uuid) ELSE p.owner_id END, :key
FROM party p WHERE p.id = :party_id
"""
CHANGE = "UPDATE rfq SET comment = :comment, wanted_on = :wanted_on WHERE id = :id"
ANSWERED = "SELECT 1 FROM quote WHERE rfq_id = :id LIMIT 1"
CLEAR = "DELETE FROM rfq_line WHERE rfq_id = :id"
LINES = """
INSERT INTO rfq_line (rfq_id, line_no, product_id, text, quantity, wanted_price, wanted_on, comment)
SELECT :id, * FROM unnest(:line_nos::int[], :products::uuid[], :texts::text[],
  :quantities::numeric[], :prices::numeric[], :days::date[], :comments::text[])
"""
MOVE = """
UPDATE rfq SET state = :state, why = coalesce(:why, why),
  submitted_at = CASE WHEN :state = 'submitted' THEN coalesce(submitted_at, :now)
    ELSE submitted_at END,
  waiting_since = CASE WHEN :state IN ('submitted', 'in_review') THEN coalesce(waiting_since, :now)
    END,
  closed_at = CASE WHEN :state IN ('closed', 'declined', 'cancelled')
    THEN CAST(:now AS timestamptz) END
WHERE id = :id
"""


class AskedFor(msgspec.Struct, frozen=True):
    """``product``: a code or a barcode; what is not one of ours stays as words."""

    product: str
    quantity: Decimal
    wanted_price: Decimal | None = None
    wanted_on: date | None = None
    comment: str | None = None


class Enquiry(msgspec.Struct, frozen=True, kw_only=True):
    """``key`` is the door's idempotency key. Without ``submit`` it stays a draft."""

    party_id: UUID
    lines: list[AskedFor]
    key: str
    door: Door
    comment: Annotated[str, msgspec.Meta(max_length=4000)] | None = None
    wanted_on: date | None = None
    submit: bool = True


async def ask(actor: Actor, enquiry: Enquiry) -> UUID:
    """A request for a price. The same key gives the same enquiry again.

    Raises FORBIDDEN, NOT_FOUND, EMPTY_RFQ, TOO_MANY_LINES, QUANTITY_BAD, AMOUNT_BAD, DATE_BAD.
    """
    own(actor, enquiry.party_id, "quotes.edit")
    earlier = await db.value(BY_KEY, key=enquiry.key, party_id=enquiry.party_id)
    if earlier:
        return earlier
    await party(enquiry.party_id)
    rfq_id = uuid7()
    await db.execute(
        NEW,
        id=rfq_id,
        number=await next_number("rfq", "RFQ"),
        party_id=enquiry.party_id,
        door=enquiry.door,
        comment=enquiry.comment,
        wanted_on=_day(enquiry.wanted_on),
        by=actor.name,
        by_id=actor.id,
        key=enquiry.key,
    )
    await _write_lines(rfq_id, enquiry.lines)
    await audit.note(actor, "quotes.ask", "rfq", rfq_id, after={"lines": len(enquiry.lines)})
    if enquiry.submit:
        await submit(actor, rfq_id)
    return rfq_id


async def change(actor: Actor, rfq_id: UUID, enquiry: Enquiry) -> None:
    """Replaces the lines of a draft, or of one sent back for more information.

    Raises what ask raises, WRONG_STATE, LINES_ANSWERED where an offer stands on them already.
    """
    head = await locked_rfq(rfq_id, actor)
    own(actor, head.party_id, "quotes.edit")
    if head.state not in ("draft", "needs_info"):
        raise Refusal("WRONG_STATE", number=head.number, state=head.state)
    if await db.value(ANSWERED, id=rfq_id):
        raise Refusal("LINES_ANSWERED", number=head.number)
    await db.execute(CLEAR, id=rfq_id)
    await _write_lines(rfq_id, enquiry.lines)
    await db.execute(CHANGE, id=rfq_id, comment=enquiry.comment, wanted_on=_day(enquiry.wanted_on))
    await audit.note(actor, "quotes.change", "rfq", rfq_id)
    if enquiry.submit:
        await submit(actor, rfq_id)


async def submit(actor: Actor, rfq_id: UUID) -> None:
    """Raises FORBIDDEN, NOT_FOUND, WRONG_STATE."""
    head = await locked_rfq(rfq_id, actor)
    own(actor, head.party_id, "quotes.edit")
    await move(actor, head, "submitted")
    if actor.on_behalf_of is not None:
        fact = f"rfq:{rfq_id}:{clock.now().isoformat()}"
        await tell_staff(CAME, fact, {"rfq_id": str(rfq_id)}, head.owner_id)


async def answer_question(actor: Actor, rfq_id: UUID, text: str) -> None:
    """A word in the talk; where we had asked for more, the clock of our answer starts again."""
    head = await rfq(rfq_id, actor)
    own(actor, head.party_id, "quotes.edit")
    await remark(actor, "rfq", rfq_id, head.party_id, text)
    if head.state == "needs_info" and actor.on_behalf_of is not None:
        await submit(actor, rfq_id)


async def call_off(actor: Actor, rfq_id: UUID, why: str = "") -> None:
    """The client needs it no more. Raises FORBIDDEN, NOT_FOUND, WRONG_STATE."""
    head = await locked_rfq(rfq_id, actor)
    own(actor, head.party_id, "quotes.edit")
    await move(actor, head, "cancelled", why.strip() or None)


def own(actor: Actor, party_id: UUID, staff_verb: str) -> None:
    """Staff by their verb; a client for his own company, as one who may order."""
    if actor.on_behalf_of is None:
        actor.require(staff_verb)
        return
    if actor.on_behalf_of != party_id:
        raise NotFound
    actor.require("orders.edit")


async def move(actor: Actor, head: Rfq, state: str, why: str | None = None) -> None:
    """The only way an enquiry changes its state. Raises WRONG_STATE."""
    if not may_become(head.state, state):
        raise Refusal("WRONG_STATE", number=head.number, state=head.state)
    await db.execute(MOVE, id=head.id, state=state, why=why, now=clock.now())
    await audit.note(
        actor, f"quotes.{state}", "rfq", head.id, before={"state": head.state}, after={"why": why}
    )


async def _write_lines(rfq_id: UUID, lines: Sequence[AskedFor]) -> None:
    if not lines:
        raise Refusal("EMPTY_RFQ", status=422)
    if len(lines) > LINES_MAX:
        raise Refusal("TOO_MANY_LINES", status=422, most=LINES_MAX)
    for line in lines:
        checked(line)
    known = await products_of_codes([line.product for line in lines])
    found = [known.get(line.product.lower().strip()) for line in lines]
    await db.execute(
        LINES,
        id=rfq_id,
        line_nos=list(range(1, len(lines) + 1)),
        products=[row["id"] if row else None for row in found],
        texts=[
            None if row else line.product.strip()[:WORDS_MAX]
            for row, line in zip(found, lines, strict=True)
        ],
        quantities=[line.quantity for line in lines],
        prices=[line.wanted_price for line in lines],
        days=[line.wanted_on for line in lines],
        comments=[(line.comment or "")[:WORDS_MAX] or None for line in lines],
    )


def checked(line: AskedFor) -> None:
    """Raises EMPTY_RFQ, QUANTITY_BAD, AMOUNT_BAD, DATE_BAD."""
    if not line.product.strip():
        raise Refusal("EMPTY_RFQ", status=422)
    good_quantity(line.quantity, line.product)
    if line.wanted_price is not None:
        good_price(line.wanted_price)
    _day(line.wanted_on)


def good_quantity(quantity: Decimal, product: str) -> Decimal:
    good = quantity.is_finite() and 0 < quantity <= QUANTITY_MAX
    if not good or quantity != round(quantity, 4):
        raise Refusal("QUANTITY_BAD", status=422, product=product[:60])
    return quantity


def good_price(price: Decimal) -> Decimal:
    good = price.is_finite() and 0 <= price <= PRICE_MAX
    if not good or price != round(price, 4):
        raise Refusal("AMOUNT_BAD", status=422)
    return price


def _day(on: date | None) -> date | None:
    today = current_tenant().today()
    if on is not None and not today <= on <= today + timedelta(days=AHEAD_DAYS_MAX):
        raise Refusal("DATE_BAD", status=422)
    return on

"""Our side: whose enquiry it is; a version prepared, agreed on by two, sent, withdrawn."""

from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import Annotated
from uuid import UUID

import msgspec

from dilo.kit import clock, db
from dilo.kit.errors import NotFound, Refusal
from dilo.kit.ids import uuid7
from dilo.kit.money import AMOUNT_MAX, ZERO, line_amount
from dilo.messaging.telling import tell_party
from dilo.orders.actions.place import buyer_of
from dilo.orders.commands import LINES_MAX
from dilo.orders.queries import terms_of
from dilo.parties.talks import remark
from dilo.pricing.queries import Priced, priced
from dilo.quotes.asking import AskedFor, Enquiry, ask, good_price, good_quantity, move
from dilo.quotes.queries import (
    Quote,
    QuoteLine,
    Rfq,
    asked_lines,
    locked_rfq,
    policy,
    rfq_of_quote,
    versions,
)
from dilo.quotes.rules import HUNDRED, Offered, discounted, reasons_to_ask
from tenants import audit
from tenants.actors import Actor
from tenants.scope import current_tenant

KIND = "quote"
VALID_DAYS_MAX = 365
OWNER = "UPDATE rfq SET owner_id = :owner_id WHERE id = :id"
IS_STAFF = "SELECT 1 FROM membership WHERE identity_id = :id"
COSTS = "SELECT id, cost FROM product WHERE id = ANY(:ids)"
END_ALL = """
UPDATE quote SET state = 'withdrawn' WHERE rfq_id = :id AND state IN ('draft', 'approval', 'sent')
"""
NEW = """
INSERT INTO quote (id, rfq_id, version, valid_until, delivery_terms, payment_terms, comment,
  allow_partial, total, list_total, prepared_by, prepared_by_id)
SELECT :id, :rfq_id, coalesce(max(version), 0) + 1, :valid_until, :delivery_terms, :payment_terms,
  :comment, :allow_partial, :total, :list_total, :by, :by_id FROM quote WHERE rfq_id = :rfq_id
"""
CHANGE = """
WITH gone AS (DELETE FROM quote_line WHERE quote_id = :id)
UPDATE quote SET state = 'draft', valid_until = :valid_until, delivery_terms = :delivery_terms,
  payment_terms = :payment_terms, comment = :comment, allow_partial = :allow_partial,
  total = :total, list_total = :list_total, prepared_by = :by, prepared_by_id = :by_id,
  approved_by = NULL, approved_by_id = NULL, approved_floor = false
WHERE id = :id
"""
LINES = """
INSERT INTO quote_line (quote_id, line_no, rfq_line_id, product_id, quantity, price, list_price,
  floor, cost, amount, comment)
SELECT :id, x.n, x.asked, x.product, x.quantity, x.price, x.list_price, x.floor, x.cost, x.amount,
  x.comment
FROM unnest(:line_nos::int[], :asked::uuid[], :products::uuid[], :quantities::numeric[],
  :prices::numeric[], :list_prices::numeric[], :floors::numeric[], :costs::numeric[],
  :amounts::numeric[], :comments::text[])
  AS x(n, asked, product, quantity, price, list_price, floor, cost, amount, comment)
"""
ASK_SECOND = "UPDATE quote SET state = 'approval' WHERE id = :id"
AGREE = """
UPDATE quote SET approved_by = :by, approved_by_id = :by_id, approved_floor = :floor WHERE id = :id
"""
BACK = "UPDATE quote SET state = 'draft' WHERE id = :id"
REPLACED = "UPDATE quote SET state = 'withdrawn' WHERE rfq_id = :rfq_id AND state = 'sent'"
SEND = "UPDATE quote SET state = 'sent', sent_at = :now WHERE id = :id"
WITHDRAW = """
UPDATE quote SET state = 'withdrawn', answer = :why, answered_by = :by, answered_at = :now
WHERE id = :id
"""


class OfferLine(msgspec.Struct, frozen=True):
    """``price`` wins over ``discount`` (percent), that over the discount to all, that over the
    list."""

    product: str
    quantity: Decimal
    price: Decimal | None = None
    discount: Decimal | None = None
    comment: str | None = None
    rfq_line_id: UUID | None = None


class Offer(msgspec.Struct, frozen=True, kw_only=True):
    lines: list[OfferLine]
    valid_until: date
    discount: Decimal | None = None
    delivery_terms: Annotated[str, msgspec.Meta(max_length=500)] | None = None
    payment_terms: Annotated[str, msgspec.Meta(max_length=500)] | None = None
    comment: Annotated[str, msgspec.Meta(max_length=4000)] | None = None
    allow_partial: bool = False


async def assign(actor: Actor, rfq_id: UUID, owner_id: UUID | None) -> None:
    """To a colleague, or taken by oneself. Raises FORBIDDEN, NOT_FOUND, WRONG_STATE."""
    actor.require("quotes.edit")
    head = await locked_rfq(rfq_id, actor)
    if owner_id is not None:
        await db.one(IS_STAFF, id=owner_id)
    await db.execute(OWNER, id=rfq_id, owner_id=owner_id)
    await audit.note(actor, "quotes.assign", "rfq", rfq_id, after={"owner": str(owner_id)})
    if head.state == "submitted" and owner_id == actor.id:
        await move(actor, head, "in_review")


async def need_info(actor: Actor, rfq_id: UUID, question: str) -> None:
    """Asks the client; our clock stops. Raises FORBIDDEN, NOT_FOUND, WRONG_STATE, TEXT_MISSING."""
    actor.require("quotes.edit")
    head = await locked_rfq(rfq_id, actor)
    said = await remark(actor, "rfq", rfq_id, head.party_id, question)
    await move(actor, head, "needs_info")
    await tell(head, "needs_info", str(said))


async def decline(actor: Actor, rfq_id: UUID, why: str) -> None:
    """We do not offer. Raises FORBIDDEN, NOT_FOUND, WRONG_STATE, REASON_MISSING."""
    actor.require("quotes.edit")
    if not why.strip():
        raise Refusal("REASON_MISSING", status=422)
    head = await locked_rfq(rfq_id, actor)
    await move(actor, head, "declined", why.strip())
    await db.execute(END_ALL, id=rfq_id)
    await tell(head, "declined", str(rfq_id))


async def prepare(actor: Actor, rfq_id: UUID, offer: Offer) -> UUID:
    """The version being written: a new one, or the one not sent yet, written anew.

    Raises FORBIDDEN, NOT_FOUND, WRONG_STATE, EMPTY_ORDER, TOO_MANY_LINES, QUANTITY_BAD, AMOUNT_BAD,
    DISCOUNT_BAD, DATE_BAD, UNKNOWN_PRODUCTS, NO_PRICE.
    """
    actor.require("quotes.edit")
    head = await locked_rfq(rfq_id, actor)
    if head.state not in ("submitted", "in_review", "needs_info", "quoted"):
        raise Refusal("WRONG_STATE", number=head.number, state=head.state)
    today = current_tenant().today()
    if not today <= offer.valid_until <= today + timedelta(days=VALID_DAYS_MAX):
        raise Refusal("DATE_BAD", status=422)
    ours = {line.id for line in await asked_lines(rfq_id)}
    if not {one.rfq_line_id for one in offer.lines} <= ours | {None}:
        raise NotFound
    lines = await _offered(head, offer)
    written = {
        "valid_until": offer.valid_until,
        "delivery_terms": offer.delivery_terms,
        "payment_terms": offer.payment_terms,
        "comment": offer.comment,
        "allow_partial": offer.allow_partial,
        "total": sum((line.amount for line in lines), ZERO),
        "list_total": sum((_at_list(line) for line in lines), ZERO),
        "by": actor.name,
        "by_id": actor.id,
    }
    draft = next((v for v in await versions(rfq_id, internal=True) if not _gone(v)), None)
    quote_id = draft.id if draft else uuid7()
    if draft:
        await db.execute(CHANGE, id=quote_id, **written)
    else:
        await db.execute(NEW, id=quote_id, rfq_id=rfq_id, **written)
    await _write_lines(quote_id, offer, lines)
    if head.state != "quoted" and head.state != "in_review":
        await move(actor, head, "in_review")
    await audit.note(actor, "quotes.prepare", "rfq", rfq_id, after={"total": str(written["total"])})
    return quote_id


def _gone(quote: Quote) -> bool:
    return quote.state not in ("draft", "approval")


def _at_list(line: Offered) -> Decimal:
    """A line no list knows is taken at its own price: it is no discount."""
    if line.list_price is None:
        return line.amount
    return line_amount(line.quantity, line.list_price)


async def _offered(head: Rfq, offer: Offer) -> list[Offered]:
    """Each line beside the client's own list price, the floor and the cost, in two queries."""
    if not offer.lines:
        raise Refusal("EMPTY_ORDER", status=422)
    if len(offer.lines) > LINES_MAX:
        raise Refusal("TOO_MANY_LINES", status=422, most=LINES_MAX)
    terms = await terms_of(head.party_id, current_tenant().today())
    asked = [(one.product.strip(), good_quantity(one.quantity, one.product)) for one in offer.lines]
    found = await priced(buyer_of(terms), asked)
    unknown = [one.ref for one in found if one.product_id is None]
    if unknown:
        raise Refusal("UNKNOWN_PRODUCTS", status=422, codes=", ".join(unknown[:20]))
    costs = {
        row["id"]: row["cost"]
        for row in await db.rows(COSTS, ids=[one.product_id for one in found])
    }
    lines = []
    for one, said in zip(found, offer.lines, strict=True):
        price = _price(one, said, offer.discount)
        amount = line_amount(said.quantity, price)
        assert one.product_id is not None
        cost = costs.get(one.product_id)
        lines.append(
            Offered(
                one.product_id,
                one.code or "",
                one.name or "",
                said.quantity,
                price,
                amount,
                one.price,
                one.floor,
                cost,
            )
        )
    if sum((line.amount for line in lines), ZERO) > AMOUNT_MAX:
        raise Refusal("AMOUNT_BAD", status=422)
    return lines


def _price(found: Priced, said: OfferLine, to_all: Decimal | None) -> Decimal:
    if said.price is not None:
        return good_price(said.price)
    if found.price is None:
        raise Refusal("NO_PRICE", status=422, codes=found.code)
    percent = said.discount if said.discount is not None else to_all
    if percent is None:
        return found.price
    if not percent.is_finite() or not 0 <= percent <= HUNDRED:
        raise Refusal("DISCOUNT_BAD", status=422)
    return discounted(found.price, percent)


async def _write_lines(quote_id: UUID, offer: Offer, lines: Sequence[Offered]) -> None:
    await db.execute(
        LINES,
        id=quote_id,
        line_nos=list(range(1, len(lines) + 1)),
        asked=[said.rfq_line_id for said in offer.lines],
        products=[line.product_id for line in lines],
        quantities=[line.quantity for line in lines],
        prices=[line.price for line in lines],
        list_prices=[line.list_price for line in lines],
        floors=[line.floor for line in lines],
        costs=[line.cost for line in lines],
        amounts=[line.amount for line in lines],
        comments=[(said.comment or "")[:500] or None for said in offer.lines],
    )


async def _locked(actor: Actor, quote_id: UUID, *states: str) -> tuple[Rfq, Quote]:
    """Raises NOT_FOUND, QUOTE_NOT_OPEN."""
    head = await locked_rfq(await rfq_of_quote(quote_id), actor)
    quote = next(v for v in await versions(head.id, internal=True) if v.id == quote_id)
    if quote.state not in states:
        raise Refusal("QUOTE_NOT_OPEN", number=head.number, version=quote.version)
    return head, quote


async def send(actor: Actor, quote_id: UUID) -> str:
    """To the client, or first to a second person. Returns the state: sent or approval.

    Raises FORBIDDEN, NOT_FOUND, QUOTE_NOT_OPEN, QUOTE_EXPIRED.
    """
    actor.require("quotes.edit")
    head, quote = await _locked(actor, quote_id, "draft")
    reasons = reasons_to_ask(quote.lines, (await policy()).approval_percent)
    if reasons:
        await db.execute(ASK_SECOND, id=quote_id)
        await audit.note(actor, "quotes.approval", "rfq", head.id, after={"why": reasons})
        return "approval"
    await _send(actor, head, quote)
    return "sent"


async def _send(actor: Actor, head: Rfq, quote: Quote) -> None:
    if quote.valid_until < current_tenant().today():
        raise Refusal("QUOTE_EXPIRED", on=quote.valid_until)
    await db.execute(REPLACED, rfq_id=head.id)
    await db.execute(SEND, id=quote.id, now=clock.now())
    if head.state == "quoted":
        await audit.note(actor, "quotes.quoted", "rfq", head.id, after={"version": quote.version})
    else:
        await move(actor, head, "quoted")
    await tell(head, "quoted", str(quote.id))


async def agree(actor: Actor, quote_id: UUID) -> None:
    """The second person's yes; it goes to the client at once, and his order passes the floor.

    Raises FORBIDDEN, NOT_FOUND, QUOTE_NOT_OPEN, OWN_OVERRIDE, QUOTE_EXPIRED.
    """
    actor.require("quotes.approve")
    head, quote = await _locked(actor, quote_id, "approval")
    if quote.prepared_by_id == actor.id:
        raise Refusal("OWN_OVERRIDE", status=403)
    low = any(line.below_floor for line in quote.lines)
    await db.execute(AGREE, id=quote_id, by=actor.name, by_id=actor.id, floor=low)
    await audit.note(actor, "quotes.agree", "rfq", head.id, after={"version": quote.version})
    await _send(actor, head, quote)


async def send_back(actor: Actor, quote_id: UUID, why: str) -> None:
    """The second person's no: a draft again, with the reason among ourselves."""
    actor.require("quotes.approve")
    head, quote = await _locked(actor, quote_id, "approval")
    await remark(actor, "rfq", head.id, head.party_id, why, internal=True)
    await db.execute(BACK, id=quote_id)
    await audit.note(actor, "quotes.send_back", "rfq", head.id, after={"version": quote.version})


async def withdraw(actor: Actor, quote_id: UUID, why: str) -> None:
    """It can be accepted no more. Raises FORBIDDEN, NOT_FOUND, QUOTE_NOT_OPEN, REASON_MISSING."""
    actor.require("quotes.edit")
    if not why.strip():
        raise Refusal("REASON_MISSING", status=422)
    head, quote = await _locked(actor, quote_id, "sent", "draft", "approval")
    await db.execute(WITHDRAW, id=quote_id, why=why.strip(), by=actor.name, now=clock.now())
    await audit.note(actor, "quotes.withdraw", "rfq", head.id, after={"version": quote.version})
    if quote.state == "sent":
        await move(actor, head, "in_review")
        await tell(head, "withdrawn", str(quote_id))


async def copy(actor: Actor, quote_id: UUID, party_id: UUID, key: str) -> UUID:
    """The same lines for the same or another client: a new enquiry of ours with a version not sent.

    Its prices stand beside that client's own list; nobody's approval comes along, and the gates
    judge whoever accepts it (a blocked client's copy opens no door). Returns the enquiry.
    """
    actor.require("quotes.edit")
    source_id = await rfq_of_quote(quote_id)
    source = next(v for v in await versions(source_id, internal=True) if v.id == quote_id)
    asked = [AskedFor(line.code, line.quantity, comment=line.comment) for line in source.lines]
    made = await ask(actor, Enquiry(party_id=party_id, lines=asked, key=key, door="office"))
    until = current_tenant().today() + timedelta(days=(await policy()).valid_days)
    await prepare(actor, made, again(source, source.lines, until))
    return made


def again(source: Quote, lines: Sequence[QuoteLine], valid_until: date) -> Offer:
    """What a version says, to be said once more; what the client countered takes its place."""
    return Offer(
        lines=[
            OfferLine(
                line.code,
                line.counter_quantity or line.quantity,
                line.counter_price if line.counter_price is not None else line.price,
                comment=line.comment,
            )
            for line in lines
        ],
        valid_until=valid_until,
        delivery_terms=source.delivery_terms,
        payment_terms=source.payment_terms,
        comment=source.comment,
        allow_partial=source.allow_partial,
    )


async def tell(head: Rfq, what: str, fact: str) -> None:
    """News for the client, each once."""
    payload = {"rfq_id": str(head.id), "what": what}
    await tell_party(KIND, f"quote:{what}:{fact}", payload, head.party_id, head.asked_by_id)

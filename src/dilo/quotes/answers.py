"""The client's answer to a version: yes (an order at its prices), a counter-offer, no; or silence.

Every verb takes the enquiry's lock first, so acceptance, withdrawal and expiry have one winner.
"""

from collections.abc import Collection
from decimal import Decimal
from uuid import UUID

import msgspec

from dilo.kit import clock, db
from dilo.kit.errors import NotFound, Refusal
from dilo.kit.ids import uuid7
from dilo.orders import actions as orders
from dilo.orders.commands import LineInput, Placed, PlaceOrder, Promised
from dilo.orders.queries import last_verdicts, order_head
from dilo.parties.talks import remark
from dilo.quotes.asking import AskedFor, Door, Enquiry, ask, good_price, move, own
from dilo.quotes.offers import tell
from dilo.quotes.queries import (
    Quote,
    QuoteLine,
    Rfq,
    asked_lines,
    locked_rfq,
    rfq,
    rfq_of_quote,
    versions,
)
from tenants import audit
from tenants.actors import SYSTEM, Actor
from tenants.scope import current_tenant

ACCEPT = """
UPDATE quote SET state = 'accepted', order_id = :order_id, answered_by = :by, answered_at = :now
WHERE id = :id
"""
ANSWER = """
UPDATE quote SET state = :state, answer = :answer, answered_by = :by, answered_at = :now
WHERE id = :id
"""
COUNTER = """
UPDATE quote_line l SET counter_quantity = c.quantity, counter_price = c.price
FROM unnest(:ids::uuid[], :quantities::numeric[], :prices::numeric[]) AS c(id, quantity, price)
WHERE l.id = c.id AND l.quote_id = :quote_id
"""
DUE = "SELECT id FROM quote WHERE state = 'sent' AND valid_until < :today ORDER BY rfq_id"


class CounterLine(msgspec.Struct, frozen=True):
    """What the client would take instead; an unnamed figure stays as offered, 0 drops the line."""

    line_id: UUID
    quantity: Decimal | None = None
    price: Decimal | None = None


async def accept(actor: Actor, quote_id: UUID, door: Door, picked: Collection[UUID] = ()) -> Placed:
    """The version becomes an order at its own prices, once. ``picked``: some lines only, where the
    version allows it. The gates are asked: it may be held like any order.

    Raises FORBIDDEN, NOT_FOUND, QUOTE_NOT_OPEN, QUOTE_EXPIRED, QUOTE_WHOLE, EMPTY_ORDER and what
    place_order raises.
    """
    actor.require("orders.submit")
    head = await locked_rfq(await rfq_of_quote(quote_id), actor)
    quote = await _version(head, quote_id)
    if quote.state == "accepted":
        return await _accepted_before(quote)
    _standing(head, quote)
    lines = _picked(quote, picked)
    placed = await _ordered(actor, head, quote, lines, door)
    await db.execute(ACCEPT, id=quote_id, order_id=placed.id, by=actor.name, now=clock.now())
    await move(actor, head, "closed")
    await audit.note(
        actor,
        "quotes.accept",
        "rfq",
        head.id,
        after={"version": quote.version, "order": placed.number, "total": str(placed.total)},
    )
    return placed


async def _version(head: Rfq, quote_id: UUID) -> Quote:
    """Raises NOT_FOUND; what was never sent does not exist for a client."""
    found = [v for v in await versions(head.id, internal=False) if v.id == quote_id]
    if not found:
        raise NotFound
    return found[0]


def _unanswered(head: Rfq, quote: Quote) -> None:
    if quote.state != "sent":
        raise Refusal("QUOTE_NOT_OPEN", number=head.number, version=quote.version)


def _standing(head: Rfq, quote: Quote) -> None:
    _unanswered(head, quote)
    if quote.valid_until < current_tenant().today():
        raise Refusal("QUOTE_EXPIRED", on=quote.valid_until)


def _picked(quote: Quote, picked: Collection[UUID]) -> list[QuoteLine]:
    wanted = set(picked)
    if not wanted or wanted == {line.id for line in quote.lines}:
        return quote.lines
    if not wanted <= {line.id for line in quote.lines}:
        raise NotFound
    if not quote.allow_partial:
        raise Refusal("QUOTE_WHOLE", status=422)
    return [line for line in quote.lines if line.id in wanted]


async def _accepted_before(quote: Quote) -> Placed:
    assert quote.order_id is not None
    order = await order_head(quote.order_id)
    verdicts = await last_verdicts(order.id)
    return Placed(
        order.id, order.number, order.state, order.total, order.currency, verdicts, repeated=True
    )


async def _ordered(
    actor: Actor, head: Rfq, quote: Quote, lines: list[QuoteLine], door: Door
) -> Placed:
    """Written as a draft at the promised prices, then put to the gates like any other."""
    name = f"{head.number}/{quote.version}"
    command = PlaceOrder(
        party_id=head.party_id,
        lines=[LineInput(str(line.product_id), line.quantity, line.comment) for line in lines],
        key=f"quote:{quote.id}",
        door=door,
        by="id",
        submit=False,
        ship_on=head.wanted_on,
        comment=name,
    )
    promised = Promised(name, tuple(line.price for line in lines))
    draft = await orders.place_order(actor, command, promised)
    if draft.currency != head.currency:
        raise Refusal("CURRENCY_CHANGED", currency=head.currency)
    if quote.approved_floor and quote.prepared_by_id and quote.approved_by_id:
        await orders.carry_approval(
            draft.id,
            ["PRICE_FLOOR"],
            draft.total,
            name,
            asked_by=quote.prepared_by_id,
            agreed_by=quote.approved_by_id,
        )
    return await orders.submit_order(actor, draft.id)


async def counter(
    actor: Actor, quote_id: UUID, wished: list[CounterLine], comment: str | None
) -> None:
    """Other prices or quantities are asked for: this version is closed, a next one is owed.

    Raises FORBIDDEN, NOT_FOUND, QUOTE_NOT_OPEN, QUANTITY_BAD, AMOUNT_BAD, NOTHING_COUNTERED.
    """
    head = await locked_rfq(await rfq_of_quote(quote_id), actor)
    own(actor, head.party_id, "quotes.edit")
    quote = await _version(head, quote_id)
    _unanswered(head, quote)
    by_id = {line.id: line for line in quote.lines}
    changed = [one for one in wished if _differs(by_id.get(one.line_id), one)]
    said = (comment or "").strip()
    if not changed and not said:
        raise Refusal("NOTHING_COUNTERED", status=422)
    await db.execute(
        COUNTER,
        quote_id=quote_id,
        ids=[one.line_id for one in changed],
        quantities=[one.quantity for one in changed],
        prices=[one.price for one in changed],
    )
    await _answer(actor, quote_id, "countered", said or None)
    if said:
        await remark(actor, "rfq", head.id, head.party_id, said)
    await move(actor, head, "in_review")


def _differs(line: QuoteLine | None, wished: CounterLine) -> bool:
    if line is None:
        raise NotFound
    quantity, price = wished.quantity, wished.price
    if quantity is not None and (
        not quantity.is_finite()
        or not 0 <= quantity <= 10_000_000
        or quantity != round(quantity, 4)
    ):
        raise Refusal("QUANTITY_BAD", status=422, product=line.code)
    if price is not None:
        good_price(price)
    return quantity not in (None, line.quantity) or price not in (None, line.price)


async def reject(actor: Actor, quote_id: UUID, why: str) -> None:
    """Raises FORBIDDEN, NOT_FOUND, QUOTE_NOT_OPEN."""
    head = await locked_rfq(await rfq_of_quote(quote_id), actor)
    own(actor, head.party_id, "quotes.edit")
    quote = await _version(head, quote_id)
    _unanswered(head, quote)
    await _answer(actor, quote_id, "rejected", why.strip()[:500] or None)
    await move(actor, head, "closed", why.strip()[:500] or None)


async def _answer(actor: Actor, quote_id: UUID, state: str, answer: str | None) -> None:
    await db.execute(
        ANSWER, id=quote_id, state=state, answer=answer, by=actor.name, now=clock.now()
    )


async def expire() -> int:
    """Versions whose last day is over. Returns how many; a lock lost to an answer loses nothing."""
    today, ended = current_tenant().today(), 0
    for row in await db.rows(DUE, today=today):
        head = await locked_rfq(await rfq_of_quote(row["id"]), SYSTEM)
        quote = await _version(head, row["id"])
        if quote.state == "sent" and quote.valid_until < today:
            await _answer(SYSTEM, quote.id, "expired", None)
            await move(SYSTEM, head, "closed", "expired")
            await tell(head, "expired", str(quote.id))
            ended += 1
    return ended


async def ask_again(actor: Actor, rfq_id: UUID, door: Door) -> UUID:
    """The same lines once more, as a new enquiry. Raises FORBIDDEN, NOT_FOUND."""
    head = await rfq(rfq_id, actor)
    own(actor, head.party_id, "quotes.edit")
    lines = [
        AskedFor(
            line.code or line.text or "", line.quantity, line.wanted_price, comment=line.comment
        )
        for line in await asked_lines(rfq_id)
    ]
    return await ask(
        actor,
        Enquiry(
            party_id=head.party_id,
            lines=lines,
            key=f"again:{uuid7()}",
            door=door,
            comment=head.comment,
            submit=False,
        ),
    )

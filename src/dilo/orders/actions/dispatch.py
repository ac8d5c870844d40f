"""Goods leave: the gates are asked again at the dock, then stock, order and exposure change at
once."""

from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal
from uuid import UUID

from dilo.kit import clock, db, outbox
from dilo.kit.errors import NotFound, Refusal
from dilo.kit.ids import uuid7
from dilo.kit.money import ZERO
from dilo.orders.actions.decision import judge, keep_evaluation
from dilo.orders.commands import Dispatch, Dispatched, LineAsked
from dilo.orders.facts import DISPATCH
from dilo.orders.queries import (
    OrderHead,
    OrderLine,
    locked_head,
    order_head,
    order_lines,
    terms_of,
)
from dilo.orders.rules import line_share, passes
from dilo.receivables.actions import Document, DocumentLine, lock_balance, post_documents
from dilo.receivables.allocations import allocate_advances
from dilo.stock.actions import Wanted, ship
from tenants import audit
from tenants.actors import Actor
from tenants.numbering import next_number
from tenants.scope import current_tenant

BY_KEY = """
SELECT s.id, s.number, s.state, v.id AS invoice_id FROM shipment s
LEFT JOIN invoice v ON v.shipment_id = s.id WHERE s.key = :key
"""
SHIPMENT = """
INSERT INTO shipment (id, number, order_id, party_id, warehouse_id, state, currency, total, key,
  dispatched_at, dispatched_on)
VALUES (:id, :number, :order_id, :party_id, :warehouse_id, :state, :currency, :total, :key,
  :at, :on)
"""
SHIPMENT_LINES = """
INSERT INTO shipment_line (shipment_id, order_line_id, product_id, quantity, amount)
SELECT :id, * FROM unnest(:lines::uuid[], :products::uuid[], :quantities::numeric[],
  :amounts::numeric[])
"""
GONE = """
WITH gone AS (
  SELECT * FROM unnest(:lines::uuid[], :quantities::numeric[]) AS g(line_id, quantity)),
lined AS (
  UPDATE sales_order_line l SET shipped_quantity = l.shipped_quantity + g.quantity
  FROM gone g WHERE l.id = g.line_id AND l.order_id = :order_id),
headed AS (
  UPDATE sales_order SET shipped_amount = shipped_amount + :amount, state = :state,
    version = version + 1 WHERE id = :order_id)
UPDATE party_balance SET confirmed = confirmed - :amount, shipped = shipped + :amount
WHERE party_id = :party_id AND currency = :currency
"""
LEAVE = """
UPDATE shipment SET state = 'dispatched', dispatched_at = :at, dispatched_on = :on WHERE id = :id
"""
ONE = """
SELECT s.id, s.number, s.order_id, s.party_id, s.state, s.currency, s.total, s.dispatched_on
FROM shipment s WHERE s.id = :id FOR UPDATE
"""
LINES_OF = """
SELECT l.order_line_id, l.product_id, l.quantity, l.amount, o.price
FROM shipment_line l JOIN sales_order_line o ON o.id = l.order_line_id
WHERE l.shipment_id = :id ORDER BY o.line_no
"""
INVOICED = """
WITH lined AS (
  UPDATE sales_order_line l SET invoiced_quantity = l.invoiced_quantity + s.quantity
  FROM shipment_line s WHERE s.shipment_id = :id AND l.id = s.order_line_id),
headed AS (
  UPDATE sales_order SET invoiced_amount = invoiced_amount + :total WHERE id = :order_id)
UPDATE party_balance SET shipped = shipped - :total
WHERE party_id = :party_id AND currency = :currency
"""
ALREADY = "SELECT id FROM invoice WHERE shipment_id = :id AND kind = 'invoice'"

# So that the carrier and his number, written down right after, go with the word to the client.
TOLD_AFTER = timedelta(minutes=5)
Part = tuple[OrderLine, Decimal, Decimal]  # line, quantity, amount


async def dispatch_order(actor: Actor, command: Dispatch) -> Dispatched:
    """Ships all or part of a confirmed order. Held with verdicts where a gate says no.

    Raises FORBIDDEN, NOT_FOUND, WRONG_STATE, NOTHING_TO_SHIP, QUANTITY_TOO_MUCH, WAITS_FOR_REST.
    """
    actor.require("shipments.dispatch")
    seen = await order_head(command.order_id)
    balance = await lock_balance(seen.party_id, seen.currency)
    head = await locked_head(command.order_id)
    earlier = await db.one_or_none(BY_KEY, key=command.key)
    if earlier:
        return Dispatched(**earlier)
    if head.state not in ("confirmed", "partially_shipped"):
        raise Refusal("WRONG_STATE", number=head.number, state=head.state)
    lines = await order_lines(head.id)
    if head.shortage == "together" and any(line.waiting for line in lines):
        raise Refusal("WAITS_FOR_REST", number=head.number)
    parts = _parts(lines, command.lines)
    terms = await terms_of(head.party_id, current_tenant().today(), head.warehouse_id)
    verdicts = await judge(
        terms, balance, (), head.total - head.shipped_amount, stage=DISPATCH, order_id=head.id
    )
    passed = passes(verdicts)
    shipment_id, number = await _write(head, parts, command.key, passed)
    await keep_evaluation(head.id, DISPATCH, verdicts, passed, shipment_id)
    if passed:
        await _leave(head, parts, shipment_id)
    await audit.note(
        actor,
        "shipments.dispatch",
        "sales_order",
        head.id,
        after={"shipment": number, "passed": passed},
    )
    state = "dispatched" if passed else "held"
    invoice_id = await invoice_shipment(actor, shipment_id) if passed and command.invoice else None
    return Dispatched(shipment_id, number, state, [] if passed else verdicts, invoice_id)


def _parts(lines: Sequence[OrderLine], asked: Sequence[LineAsked]) -> list[Part]:
    by_id = {line.id: line for line in lines}
    wanted = [(one.line_id, one.quantity) for one in asked if one.quantity] or [
        (line.id, line.to_ship) for line in lines if line.to_ship > 0
    ]
    parts: list[Part] = []
    for line_id, quantity in wanted:
        line = by_id.pop(line_id, None)
        if line is None:
            raise NotFound
        if not quantity.is_finite() or not 0 < quantity <= line.to_ship:
            raise Refusal("QUANTITY_TOO_MUCH", code=line.code, left_quantity=line.to_ship)
        before = line.shipped_quantity
        amount = line_share(line.amount, line.quantity, before, before + quantity)
        parts.append((line, quantity, amount))
    if not parts:
        raise Refusal("NOTHING_TO_SHIP")
    return parts


async def _write(head: OrderHead, parts: list[Part], key: str, passed: bool) -> tuple[UUID, str]:
    shipment_id, number = uuid7(), await next_number("shipment", "SH")
    await db.execute(
        SHIPMENT,
        id=shipment_id,
        number=number,
        order_id=head.id,
        party_id=head.party_id,
        warehouse_id=head.warehouse_id,
        state="dispatched" if passed else "held",
        currency=head.currency,
        total=sum((amount for _, _, amount in parts), ZERO),
        key=key,
        at=clock.now() if passed else None,
        on=current_tenant().today() if passed else None,
    )
    await db.execute(
        SHIPMENT_LINES,
        id=shipment_id,
        lines=[line.id for line, _, _ in parts],
        products=[line.product_id for line, _, _ in parts],
        quantities=[quantity for _, quantity, _ in parts],
        amounts=[amount for _, _, amount in parts],
    )
    return shipment_id, number


async def _leave(head: OrderHead, parts: list[Part], shipment_id: UUID) -> None:
    await ship(
        head.warehouse_id,
        shipment_id,
        [
            Wanted(line.id, line.product_id, quantity)
            for line, quantity, _ in parts
            if line.kind != "service"
        ],
    )
    amount = sum((amount for _, _, amount in parts), ZERO)
    whole = await _is_last(head.id, parts)
    await db.execute(
        GONE,
        order_id=head.id,
        party_id=head.party_id,
        currency=head.currency,
        amount=amount,
        state="shipped" if whole else "partially_shipped",
        lines=[line.id for line, _, _ in parts],
        quantities=[quantity for _, quantity, _ in parts],
    )
    fact, told = f"shipment_left:{shipment_id}", {"shipment_id": str(shipment_id)}
    await outbox.tell_once("shipment_left", fact, told, clock.now() + TOLD_AFTER)


async def _is_last(order_id: UUID, parts: list[Part]) -> bool:
    going = {line.id: quantity for line, quantity, _ in parts}
    return all(line.left == going.get(line.id, ZERO) for line in await order_lines(order_id))


async def release_shipment(actor: Actor, shipment_id: UUID, reason: str = "") -> Dispatched:
    """A held shipment tries the gates again; ``reason``: why by hand, for the audit.

    Raises FORBIDDEN, NOT_FOUND, WRONG_STATE, QUANTITY_TOO_MUCH.
    """
    actor.require("shipments.dispatch")
    shipment = await db.one(ONE.replace("FOR UPDATE", ""), id=shipment_id)
    balance = await lock_balance(shipment["party_id"], shipment["currency"])
    head = await locked_head(shipment["order_id"])
    shipment = await db.one(ONE, id=shipment_id)
    if shipment["state"] != "held" or head.state not in ("confirmed", "partially_shipped"):
        raise Refusal("WRONG_STATE", number=shipment["number"], state=shipment["state"])
    terms = await terms_of(head.party_id, current_tenant().today(), head.warehouse_id)
    verdicts = await judge(
        terms, balance, (), head.total - head.shipped_amount, stage=DISPATCH, order_id=head.id
    )
    passed = passes(verdicts)
    await keep_evaluation(head.id, DISPATCH, verdicts, passed, shipment_id)
    if not passed:
        return Dispatched(shipment_id, shipment["number"], "held", verdicts)
    asked = [
        LineAsked(row["order_line_id"], row["quantity"])
        for row in await db.rows(LINES_OF, id=shipment_id)
    ]
    await _leave(head, _parts(await order_lines(head.id), asked), shipment_id)
    await db.execute(LEAVE, id=shipment_id, at=clock.now(), on=current_tenant().today())
    after = {"shipment": shipment["number"]} | ({"reason": reason} if reason else {})
    await audit.note(actor, "shipments.release", "sales_order", head.id, after=after)
    return Dispatched(shipment_id, shipment["number"], "dispatched", verdicts)


async def invoice_shipment(actor: Actor, shipment_id: UUID) -> UUID:
    """Goods already shipped can always be invoiced: no gate here. The same shipment, the same
    invoice.

    Due = shipment date + credit days (agreement's, else the policy's depth).
    """
    shipment = await db.one(ONE.replace("FOR UPDATE", ""), id=shipment_id)
    await lock_balance(shipment["party_id"], shipment["currency"])
    shipment = await db.one(ONE, id=shipment_id)
    already = await db.value(ALREADY, id=shipment_id)
    if already:
        return already
    if shipment["dispatched_on"] is None:
        raise Refusal("WRONG_STATE", number=shipment["number"], state=shipment["state"])
    document = await _invoice_of(shipment)
    await post_documents([document])
    await db.execute(
        INVOICED,
        id=shipment_id,
        order_id=shipment["order_id"],
        total=shipment["total"],
        party_id=shipment["party_id"],
        currency=shipment["currency"],
    )
    await allocate_advances(shipment["order_id"], document.id, current_tenant().today())
    await audit.note(
        actor,
        "invoices.post",
        "invoice",
        document.id,
        after={"number": document.number, "total": str(document.total)},
    )
    return document.id


async def _invoice_of(shipment: db.Row) -> Document:
    on = shipment["dispatched_on"]
    terms = await terms_of(shipment["party_id"], on)
    lines = [DocumentLine(**row) for row in await db.rows(LINES_OF, id=shipment["id"])]
    return Document(
        "invoice",
        await next_number("invoice", "INV"),
        shipment["party_id"],
        on,
        on + timedelta(days=terms.credit_days),
        shipment["currency"],
        lines,
        order_id=shipment["order_id"],
        shipment_id=shipment["id"],
    )

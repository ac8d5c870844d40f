"""A return: goods back on the shelf, a credit note against the invoice, its open amount reduced."""

from collections.abc import Sequence
from decimal import Decimal
from uuid import UUID

from dilo.kit import db
from dilo.kit.errors import NotFound, Refusal
from dilo.kit.ids import uuid7
from dilo.kit.money import ZERO
from dilo.orders.commands import LineAsked, TakeBack
from dilo.orders.queries import OrderHead, OrderLine, locked_head, order_head, order_lines
from dilo.orders.rules import line_share
from dilo.receivables.actions import (
    Document,
    DocumentLine,
    Share,
    allocate,
    lock_balance,
    post_documents,
)
from dilo.receivables.queries import item_of_document
from dilo.stock.actions import receive
from tenants import audit
from tenants.actors import Actor
from tenants.numbering import next_number
from tenants.scope import current_tenant

BY_KEY = "SELECT id FROM sales_return WHERE key = :key"
RETURN = """
INSERT INTO sales_return (id, number, order_id, party_id, warehouse_id, credit_note_id, reason,
  total, key, returned_on)
VALUES (:id, :number, :order_id, :party_id, :warehouse_id, :credit_note_id, :reason, :total, :key,
  :on)
"""
RETURN_LINES = """
WITH lined AS (
  INSERT INTO sales_return_line (return_id, order_line_id, product_id, quantity, amount, restocked)
  SELECT :id, * FROM unnest(:lines::uuid[], :products::uuid[], :quantities::numeric[],
    :amounts::numeric[], :restocked::boolean[]) RETURNING order_line_id, quantity)
UPDATE sales_order_line l SET returned_quantity = l.returned_quantity + r.quantity
FROM lined r WHERE l.id = r.order_line_id
"""
INVOICES_OF = """
SELECT v.id FROM invoice v JOIN open_item i ON i.document_id = v.id
WHERE v.order_id = :id AND v.kind = 'invoice' ORDER BY i.open_amount = 0, v.issued_on DESC
"""

Part = tuple[OrderLine, Decimal, Decimal]


async def take_back(actor: Actor, command: TakeBack) -> UUID:
    """Accepts a return of invoiced goods. Returns its id, the same for the same key.

    Raises FORBIDDEN, NOT_FOUND, REASON_MISSING, NOTHING_TO_RETURN, QUANTITY_TOO_MUCH.
    """
    actor.require("returns.accept")
    if not command.reason.strip():
        raise Refusal("REASON_MISSING", status=422)
    seen = await order_head(command.order_id)
    await lock_balance(seen.party_id, seen.currency)
    head = await locked_head(command.order_id)
    earlier = await db.value(BY_KEY, key=command.key)
    if earlier:
        return earlier
    parts = _parts(await order_lines(head.id), command.lines)
    await receive(
        head.warehouse_id,
        [
            (line.product_id, quantity)
            for line, quantity, _ in parts
            if line.kind != "service" and line.id not in command.spoiled
        ],
        "return",
        head.id,
    )
    note = await _credit_note(head, parts)
    return_id = await _write(head, parts, command, note)
    await audit.note(
        actor,
        "returns.accept",
        "sales_order",
        head.id,
        after={"total": str(note.total), "credit_note": note.number},
    )
    return return_id


def _parts(lines: Sequence[OrderLine], asked: Sequence[LineAsked]) -> list[Part]:
    by_id = {line.id: line for line in lines}
    parts: list[Part] = []
    for one in asked:
        if not one.quantity:
            continue
        line = by_id.pop(one.line_id, None)
        if line is None:
            raise NotFound
        if not one.quantity.is_finite() or not 0 < one.quantity <= line.returnable:
            raise Refusal("QUANTITY_TOO_MUCH", code=line.code, left_quantity=line.returnable)
        before = line.returned_quantity
        amount = line_share(line.amount, line.quantity, before, before + one.quantity)
        parts.append((line, one.quantity, amount))
    if not parts:
        raise Refusal("NOTHING_TO_RETURN", status=422)
    return parts


async def _credit_note(head: OrderHead, parts: list[Part]) -> Document:
    today = current_tenant().today()
    invoices = [row["id"] for row in await db.rows(INVOICES_OF, id=head.id)]
    note = Document(
        "credit_note",
        await next_number("credit_note", "CN"),
        head.party_id,
        today,
        today,
        head.currency,
        [
            DocumentLine(line.product_id, quantity, line.price, amount, order_line_id=line.id)
            for line, quantity, amount in parts
        ],
        order_id=head.id,
        credits_invoice_id=invoices[0] if invoices else None,
    )
    await post_documents([note])
    if note.total:
        await _spend(note, invoices)
    return note


async def _spend(note: Document, invoices: Sequence[UUID]) -> None:
    """First on the order's own invoices; what they cannot take stays open as credit."""
    credit = await item_of_document(note.id)
    left, shares = note.total, []
    for invoice_id in invoices:
        debit = await item_of_document(invoice_id)
        amount = min(left, debit.open_amount)
        if amount > 0:
            shares.append(Share(debit.id, credit.id, amount))
            left -= amount
    await allocate(shares, note.issued_on)


async def _write(head: OrderHead, parts: list[Part], command: TakeBack, note: Document) -> UUID:
    return_id = uuid7()
    await db.execute(
        RETURN,
        id=return_id,
        number=await next_number("return", "RT"),
        order_id=head.id,
        party_id=head.party_id,
        warehouse_id=head.warehouse_id,
        credit_note_id=note.id,
        reason=command.reason.strip(),
        total=sum((amount for _, _, amount in parts), ZERO),
        key=command.key,
        on=note.issued_on,
    )
    await db.execute(
        RETURN_LINES,
        id=return_id,
        lines=[line.id for line, _, _ in parts],
        products=[line.product_id for line, _, _ in parts],
        quantities=[quantity for _, quantity, _ in parts],
        amounts=[amount for _, _, amount in parts],
        restocked=[line.id not in command.spoiled for line, _, _ in parts],
    )
    return return_id

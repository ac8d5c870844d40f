"""The lines of an order written anew without losing what was promised for them."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from uuid import UUID

from dilo.kit import db
from dilo.kit.errors import Refusal
from dilo.orders.actions.lines import NewLine, accrue, given_of, line_columns, price_lines, total_of
from dilo.orders.commands import LineInput, Promised
from dilo.orders.facts import Verdict
from dilo.orders.queries import OrderHead, OrderLine, locked_head, order_lines, terms_of
from dilo.promotions.accruals import give_back, spend
from dilo.promotions.queries import coupon_of_order
from dilo.stock.actions import Kept, Wanted, lock_levels, split
from tenants.scope import current_tenant

CART = "cart"
REPLACE_LINES = """
WITH gone AS (DELETE FROM sales_order_line WHERE order_id = :id),
headed AS (
  UPDATE sales_order SET total = :total, comment = :comment, ship_on = :ship_on,
    version = version + 1
  WHERE id = :id)
SELECT 1
"""
ADD_LINES = """
INSERT INTO sales_order_line (id, order_id, line_no, product_id, quantity, unit, price,
  price_source, amount, comment)
SELECT l.id, :id, l.line_no, l.product_id, l.quantity, l.unit, l.price, l.source::jsonb, l.amount,
  l.comment
FROM unnest(:line_ids::uuid[], :line_nos::int[], :products::uuid[], :quantities::numeric[],
  :units::text[], :prices::numeric[], :sources::text[], :amounts::numeric[], :comments::text[])
  AS l(id, line_no, product_id, quantity, unit, price, source, amount, comment)
"""


async def rewrite(
    head: OrderHead,
    asked: Sequence[LineInput],
    by: str,
    word: Promised | None,
    comment: str | None,
    ship_on: date | None,
) -> list[NewLine]:
    """What promotions gave the old lines goes back before the new ones take theirs."""
    terms = await terms_of(head.party_id, current_tenant().today(), head.warehouse_id)
    coupon = await coupon_of_order(head.id)
    await give_back(head.id)
    fresh = await price_lines(terms, asked, by, word, coupon)
    await spend(head.party_id, given_of(fresh))
    await db.execute(
        REPLACE_LINES, id=head.id, total=total_of(fresh), comment=comment, ship_on=ship_on
    )
    await db.execute(ADD_LINES, id=head.id, **line_columns(fresh))
    await accrue(head.id, head.party_id, fresh)
    return fresh


def frozen_by(lines: Sequence[OrderLine]) -> str | None:
    """The document (a quotation, a claim) that gave word on the prices of these lines."""
    words = (line.price_source.get("promise") for line in lines)
    return next((word for word in words if word and word != CART), None)


def word_kept(lines: Sequence[OrderLine]) -> Promised:
    """The prices of an order as they stand; promotions are counted on them anew."""
    document = frozen_by(lines)
    if document:
        return Promised(document, tuple(line.price for line in lines))
    return Promised(CART, tuple(_list_price(line) for line in lines), final=False)


def _list_price(line: OrderLine) -> Decimal:
    before = line.price_source.get("list_amount")
    return round(Decimal(before) / line.quantity, 4) if before else line.price


async def word_for(order_id: UUID, asked: Sequence[LineInput], by: str) -> Promised | None:
    """Agreed prices are for agreed goods: they stay with lines that stay as they are.

    Raises PRICES_FROZEN where goods or quantities of a quotation's order would change.
    """
    lines = await order_lines(order_id)
    document = frozen_by(lines)
    if document is None:
        return None
    ref = {"id": lambda line: str(line.product_id), "code": lambda line: line.code}[by]
    agreed = [(ref(line), line.quantity) for line in lines]
    if agreed != [(one.product.strip(), one.quantity) for one in asked]:
        raise Refusal("PRICES_FROZEN", document=document)
    return word_kept(lines)


async def left_out(head: OrderHead, held: Kept) -> tuple[OrderHead, list[Verdict]]:
    """What the shelf has not leaves the order, as its buyer chose, and is told line by line. An
    order nothing of which is there stays whole, and waits."""
    lines = await order_lines(head.id)
    goods = [line for line in lines if line.kind != "service"]
    levels = await lock_levels(head.warehouse_id, [line.product_id for line in goods], held)
    now, later = split([Wanted(x.id, x.product_id, x.quantity) for x in goods], levels)
    services = [line for line in lines if line.kind == "service"]
    there = {one.source_id: one.quantity for one in now} | {x.id: x.quantity for x in services}
    kept = [line for line in lines if line.id in there]
    if not later or not kept:
        return head, []
    asked = [LineInput(str(x.product_id), there[x.id], x.comment) for x in kept]
    await rewrite(head, asked, "id", word_kept(kept), head.comment, head.ship_on)
    short = {one.source_id for one in later}
    told = [_told(line, there.get(line.id, Decimal(0))) for line in lines if line.id in short]
    return await locked_head(head.id), told


def _told(line: OrderLine, there: Decimal) -> Verdict:
    figures = {
        "code": line.code,
        "wanted_quantity": line.quantity,
        "available_quantity": there,
        "line_no": line.line_no,
    }
    return Verdict("STOCK", "STOCK_LEFT_OUT", True, figures, warning=True)

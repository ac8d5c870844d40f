"""The mark of a product below which somebody is told, once, until the shelf is full again."""

from decimal import Decimal
from uuid import UUID

from dilo.kit import db
from dilo.kit.errors import Refusal
from tenants import audit
from tenants.actors import Actor

SET = """
INSERT INTO stock_alarm (product_id, least_quantity) VALUES (:product_id, :least)
ON CONFLICT (tenant_id, product_id) DO UPDATE SET least_quantity = excluded.least_quantity
"""
CHECK = "SELECT notice_low_stock(ARRAY[CAST(:product_id AS uuid)])"


async def least_of(product_id: UUID) -> Decimal | None:
    return await db.value(
        "SELECT least_quantity FROM stock_alarm WHERE product_id = :id", id=product_id
    )


async def set_alarm(actor: Actor, product_id: UUID, least: Decimal) -> None:
    """0: no alarm. Raises FORBIDDEN, QUANTITY_BAD."""
    actor.require("stock.edit")
    if not least.is_finite() or not 0 <= least < 10**12 or least != round(least, 4):
        raise Refusal("QUANTITY_BAD", status=422, product="")
    if least == 0:
        await db.execute("DELETE FROM stock_alarm WHERE product_id = :id", id=product_id)
    else:
        await db.execute(SET, product_id=product_id, least=least)
        await db.execute(CHECK, product_id=product_id)
    await audit.note(actor, "stock.alarm", "product", product_id, after={"least": str(least)})

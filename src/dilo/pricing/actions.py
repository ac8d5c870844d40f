"""Price lists: make, assign, set a price with its quantity break."""

from decimal import Decimal
from typing import Literal
from uuid import UUID

import asyncpg

from dilo.kit import db
from dilo.kit.errors import NotFound, Refusal
from tenants import audit
from tenants.actors import Actor

NEW_LIST = """
INSERT INTO price_list (code, name, currency) VALUES (:code, :name, :currency) RETURNING id
"""
ASSIGN = """
INSERT INTO price_assignment (price_list_id, scope, party_id, agreement_id, scope_value)
VALUES (:list_id, :scope, :party_id, :agreement_id, :scope_value) ON CONFLICT DO NOTHING
"""
SET = """
INSERT INTO price_item (price_list_id, product_id, min_quantity, price)
VALUES (:list_id, :product_id, :min_quantity, :price)
ON CONFLICT (tenant_id, product_id, price_list_id, min_quantity) DO UPDATE SET price =
  excluded.price
"""
DROP = "DELETE FROM price_item WHERE id = :id AND product_id = :product_id"
PROMOTION = "UPDATE price_list SET is_promotion = NOT is_promotion WHERE id = :id"
LISTS = "SELECT id, code, name, currency, is_promotion FROM price_list ORDER BY name"

Scope = Literal["agreement", "party", "segment", "region", "base"]


async def price_lists() -> list[db.Row]:
    return await db.rows(LISTS)


async def new_list(actor: Actor, code: str, name: str, currency: str) -> UUID:
    """Raises FORBIDDEN, CODE_TAKEN."""
    actor.require("prices.edit")
    try:
        async with db.savepoint():
            return await db.value(NEW_LIST, code=code, name=name, currency=currency)
    except asyncpg.UniqueViolationError:
        raise Refusal("CODE_TAKEN", status=422, code=code) from None


async def mark_promotion(actor: Actor, list_id: UUID) -> None:
    """On or off: what its prices give away counts as promotion from now on.

    Raises FORBIDDEN, NOT_FOUND.
    """
    actor.require("prices.edit")
    if not await db.execute(PROMOTION, id=list_id):
        raise NotFound
    await audit.note(actor, "prices.promotion", "price_list", list_id)


async def assign_list(
    actor: Actor,
    list_id: UUID,
    scope: Scope,
    *,
    party_id: UUID | None = None,
    agreement_id: UUID | None = None,
    scope_value: str | None = None,
) -> None:
    actor.require("prices.edit")
    await db.execute(
        ASSIGN,
        list_id=list_id,
        scope=scope,
        party_id=party_id,
        agreement_id=agreement_id,
        scope_value=scope_value,
    )
    await audit.note(actor, "prices.assign", "price_list", list_id, after={"scope": scope})


async def set_price(
    actor: Actor,
    list_id: UUID,
    product_id: UUID,
    price: Decimal,
    min_quantity: Decimal = Decimal(1),
) -> None:
    """Raises FORBIDDEN, NOT_FOUND, AMOUNT_BAD."""
    actor.require("prices.edit")
    good = price.is_finite() and 0 <= price < 10**12 and price == round(price, 4)
    if not good or not min_quantity.is_finite() or min_quantity <= 0:
        raise Refusal("AMOUNT_BAD", status=422)
    try:
        async with db.savepoint():
            await db.execute(
                SET, list_id=list_id, product_id=product_id, price=price, min_quantity=min_quantity
            )
    except asyncpg.ForeignKeyViolationError:
        raise NotFound from None
    await audit.note(actor, "prices.set", "product", product_id, after={"price": str(price)})


async def drop_price(actor: Actor, product_id: UUID, item_id: UUID) -> None:
    actor.require("prices.edit")
    if not await db.execute(DROP, id=item_id, product_id=product_id):
        raise NotFound
    await audit.note(actor, "prices.drop", "product", product_id)

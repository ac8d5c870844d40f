"""The coupon of a person's cart at a company: kept beside its lines, whatever door they came by."""

from dilo.kit import db
from dilo.orders.cart_items import who
from dilo.promotions.accruals import coupon_terms
from tenants.actors import Actor
from tenants.scope import current_tenant

OF = "SELECT code FROM cart_coupon WHERE identity_id = :identity_id AND party_id = :party_id"
KEEP = """
INSERT INTO cart_coupon (identity_id, party_id, code) VALUES (:identity_id, :party_id, :code)
ON CONFLICT (tenant_id, identity_id, party_id) DO UPDATE SET code = excluded.code
"""
DROP = "DELETE FROM cart_coupon WHERE identity_id = :identity_id AND party_id = :party_id"


async def coupon_of(actor: Actor) -> str | None:
    return await db.value(OF, **who(actor))


async def apply_coupon(actor: Actor, code: str) -> None:
    """One a cart: another takes the place of the first. Raises FORBIDDEN, COUPON_UNKNOWN,
    COUPON_USED."""
    actor.require("orders.edit")
    terms = await coupon_terms(code, current_tenant().today())
    await db.execute(KEEP, code=terms.code, **who(actor))


async def remove_coupon(actor: Actor) -> None:
    actor.require("orders.edit")
    await db.execute(DROP, **who(actor))

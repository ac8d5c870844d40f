"""What a company is told of the stock: its own policy, else everybody's."""

from typing import Annotated
from uuid import UUID

import msgspec

from dilo.catalogue.rules import STOCK_VIEWS, StockPolicy, StockView
from dilo.kit import db
from dilo.kit.errors import NotFound
from tenants import audit
from tenants.actors import Actor
from tenants.settings import change_setting

NAME = "stock_view"
POLICY = """
SELECT (SELECT value FROM setting WHERE name = 'stock_view') AS value,
  (SELECT stock_view FROM party WHERE id = :viewer) AS own
"""
SET_OWN = "UPDATE party SET stock_view = :view WHERE id = :id"


class StockForm(msgspec.Struct):
    view: StockView = "exact"
    few: Annotated[int, msgspec.Meta(ge=1, le=1_000_000)] = 10
    many: Annotated[int, msgspec.Meta(ge=1, le=1_000_000)] = 100


async def stock_policy(viewer: UUID | None) -> StockPolicy:
    found = await db.one(POLICY, viewer=viewer)
    policy = msgspec.convert(found["value"] or {}, StockPolicy, strict=False)
    return msgspec.structs.replace(policy, view=found["own"]) if found["own"] else policy


async def set_stock_policy(actor: Actor, form: StockForm) -> None:
    """Raises FORBIDDEN."""
    actor.require("catalogue.edit")
    await change_setting(actor, NAME, StockPolicy(form.view, form.few, max(form.few, form.many)))


async def set_own_stock_view(actor: Actor, party_id: UUID, view: str | None) -> None:
    """None: as everybody. Raises FORBIDDEN, NOT_FOUND."""
    actor.require("catalogue.edit")
    view = view if view in STOCK_VIEWS else None
    if not await db.execute(SET_OWN, id=party_id, view=view):
        raise NotFound
    await audit.note(actor, "catalogue.stock_view", "party", party_id, after={"view": view or "-"})

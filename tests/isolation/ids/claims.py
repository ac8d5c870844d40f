"""A claim on what was shipped, a carrier."""

from decimal import Decimal
from typing import Any

from town import Cast, order_of

from dilo.claims.actions import ClaimRequest, request_claim
from dilo.kit import db
from dilo.orders import actions, tracking
from dilo.orders.commands import Dispatch, LineAsked
from dilo.orders.queries import order_lines
from dilo.orders.tracking import CarrierForm

WATCHED = ("claim", "claim_line", "carrier", "shipment_event", "rating")


async def ids_of(town: Cast) -> dict[str, Any]:
    placed = await actions.place_order(town.max, order_of(town, "D-1", ("SOCKET", 3)))
    await actions.dispatch_order(town.ivan, Dispatch(order_id=placed.id, key="claims"))
    [line] = await order_lines(placed.id)
    asked = ClaimRequest(
        order_id=placed.id,
        lines=[LineAsked(line.id, Decimal(1))],
        reason="damaged",
        wanted="refund",
        door="portal",
        key="iso",
    )
    await tracking.save_carrier(town.olena, None, CarrierForm("Own"))
    return {
        "claim_id": await request_claim(town.petro, asked),
        "carrier_id": await db.value("SELECT id FROM carrier LIMIT 1"),
    }

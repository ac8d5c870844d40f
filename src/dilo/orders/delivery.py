"""How goods reach the buyer: to an address of his company, to a new one, or picked up."""

from dataclasses import dataclass
from datetime import date
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec

from dilo.buyers.queries import Address, address, addresses_of
from dilo.kit import db
from dilo.kit.errors import NotFound, Refusal
from dilo.orders.commands import TEXTS_MAX, Shortage
from dilo.stock.actions import warehouses
from tenants.actors import Actor
from tenants.scope import current_tenant

OPEN = "SELECT 1 FROM warehouse WHERE id = :id AND closed_at IS NULL"
Text = Annotated[str, msgspec.Meta(max_length=500)]


class Delivery(msgspec.Struct, frozen=True, kw_only=True):
    """What a buyer says at checkout. ``address`` is one of his company's; ``new_address`` typed."""

    method: Literal["delivery", "pickup"] | None = None
    address: UUID | None = None
    new_address: Text | None = None
    warehouse: UUID | None = None
    wished_on: date | None = None
    reference: Annotated[str, msgspec.Meta(max_length=60)] | None = None
    shortage: Shortage = "hold"


@dataclass(frozen=True, slots=True)
class Choices:
    """What there is to choose from."""

    addresses: list[Address]
    warehouses: list[db.Row]


async def choices(actor: Actor) -> Choices:
    if actor.on_behalf_of is None:
        raise NotFound
    return Choices(await addresses_of(actor.on_behalf_of), await warehouses())


async def delivery_fields(actor: Actor, asked: Delivery | None) -> dict[str, Any]:
    """The fields of PlaceOrder, the address as it is printed: a later change of it does not move
    goods that are under way.

    Raises NOT_FOUND, NO_WAREHOUSE, DATE_PAST, TEXT_TOO_LONG.
    """
    if asked is None:
        return {}
    if asked.wished_on is not None and asked.wished_on < current_tenant().today():
        raise Refusal("DATE_PAST", status=422, on=asked.wished_on)
    fields: dict[str, Any] = {
        "delivery_method": asked.method,
        "ship_on": asked.wished_on,
        "reference": asked.reference,
        "shortage": asked.shortage,
    }
    if asked.method == "pickup":
        return fields | {"warehouse_id": await _pick_up_at(asked.warehouse)}
    if asked.method == "delivery":
        fields["delivery_to"] = await _address(actor, asked)
    return fields


async def _pick_up_at(warehouse_id: UUID | None) -> UUID | None:
    if warehouse_id is not None and not await db.value(OPEN, id=warehouse_id):
        raise Refusal("NO_WAREHOUSE", status=422)
    return warehouse_id


async def _address(actor: Actor, asked: Delivery) -> str | None:
    if asked.new_address:
        return asked.new_address
    if asked.address is None:
        return None
    found = await address(asked.address)
    if found.party_id != actor.on_behalf_of or found.retired_at is not None:
        raise NotFound
    return printed(found)


def printed(found: Address) -> str:
    """As on a label: who, where, how to reach him."""
    parts = (found.recipient, found.line, found.country, found.phone, found.note)
    return ", ".join(part for part in parts if part)[: TEXTS_MAX["delivery_to"]]

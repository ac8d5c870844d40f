"""Ids of a company's own things, for the routes of buyers."""

from typing import Any

from town import Cast

from dilo.buyers.addresses import AddressForm, save_address

WATCHED = (
    "portal_user",
    "delivery_address",
    "division",
    "spending_limit",
    "approval_step",
    "approval_request",
    "approval_turn",
    "buyer_policy",
    "invitation",
    "session",
)


async def ids_of(town: Cast) -> dict[str, Any]:
    form = AddressForm("Склад", "Київ", "вул. Лугова, 9", is_default="on")
    return {"address_id": await save_address(town.olena, town.parties["D-1"], form)}

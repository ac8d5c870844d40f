"""Ids of a company's own things, for the routes of buyers."""

from typing import Any

from town import Cast

from dilo.buyers.addresses import AddressForm, save_address
from dilo.buyers.approvals import open_request
from dilo.buyers.divisions import DivisionForm, save_division
from dilo.buyers.limits import LimitForm, StepForm, save_limit, save_step
from dilo.buyers.people import InvitationForm, invite
from dilo.kit import db
from dilo.kit.money import ZERO

OPEN = {
    "/sign-in/link",
    "/sign-in/telegram",
    "/sign-in/telegram/session",
    "/password-reset",
}
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
)
# Nobody is let in by these, and nobody's tenant is asked: an unknown code is not found.
ELSEWHERE = {
    "/sign-in/link/{link_code}",
    "/password-reset/{reset_code}",
    "/invitations/{invitation_code}",
}


async def ids_of(town: Cast) -> dict[str, Any]:
    company, owner = town.parties["D-1"], town.olena
    form = AddressForm("Склад", "Київ", "вул. Лугова, 9", is_default="on")
    order_id = await db.value("SELECT id FROM sales_order LIMIT 1")
    await open_request(company, order_id, town.petro.id, ZERO, ["APPROVAL_NEEDED"])  # type: ignore[arg-type]
    return {
        "address_id": await save_address(owner, company, form),
        "division_id": await save_division(owner, company, DivisionForm("Північ")),
        "spending_id": await save_limit(owner, company, LimitForm(ZERO, "month")),
        "step_id": await save_step(owner, company, StepForm(ZERO)),
        "invitation_id": await invite(
            owner, company, InvitationForm("new@example.com", "New", "buyer")
        ),
        "seat_id": await db.value("SELECT id FROM portal_user LIMIT 1"),
        "approval_id": await db.value("SELECT id FROM approval_request LIMIT 1"),
    }

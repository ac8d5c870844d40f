"""Delivery addresses of a company: added, changed, retired; one default per division."""

from uuid import UUID

import asyncpg
import msgspec

from dilo.buyers.queries import Address, address
from dilo.kit import clock, db
from dilo.kit.errors import NotFound, Refusal
from tenants import audit
from tenants.actors import Actor

ADD = """
INSERT INTO delivery_address (party_id, division_id, label, recipient, phone, country, city, street,
  postcode, note, is_default)
VALUES (:party_id, :division_id, :label, :recipient, :phone, :country, :city, :street, :postcode,
  :note, :is_default)
RETURNING id
"""
CHANGE = """
UPDATE delivery_address SET division_id = :division_id, label = :label, recipient = :recipient,
  phone = :phone, country = :country, city = :city, street = :street, postcode = :postcode,
  note = :note, is_default = :is_default
WHERE id = :id AND party_id = :party_id AND retired_at IS NULL RETURNING id
"""
UNCROWN = """
UPDATE delivery_address SET is_default = false
WHERE party_id = :party_id AND division_id IS NOT DISTINCT FROM :division_id AND is_default
"""
RETIRE = """
UPDATE delivery_address SET retired_at = :now, is_default = false
WHERE id = :id AND retired_at IS NULL
"""
TEXT_MAX = 200


class AddressForm(msgspec.Struct):
    label: str
    city: str
    street: str
    recipient: str | None = None
    phone: str | None = None
    country: str | None = None
    postcode: str | None = None
    note: str | None = None
    division_id: UUID | None = None
    is_default: str | None = None


async def save_address(
    actor: Actor, party_id: UUID, form: AddressForm, address_id: UUID | None = None
) -> UUID:
    """Raises FORBIDDEN, NOT_FOUND (another company's address or division too), TEXT_LONG."""
    actor.require("addresses.edit" if actor.on_behalf_of else "parties.edit")
    if address_id is not None:
        await own_address(party_id, address_id)
    values = msgspec.structs.asdict(form) | {"is_default": form.is_default == "on"}
    if any(isinstance(value, str) and len(value) > TEXT_MAX for value in values.values()):
        raise Refusal("TEXT_LONG", status=422, most=TEXT_MAX)
    try:
        async with db.savepoint():
            if values["is_default"]:
                await db.execute(UNCROWN, party_id=party_id, division_id=form.division_id)
            more = {"id": address_id} if address_id else {}
            sql = CHANGE if address_id else ADD
            saved = await db.value(sql, party_id=party_id, **values, **more)
    except asyncpg.ForeignKeyViolationError:
        raise NotFound from None
    if saved is None:
        raise NotFound
    after = {"label": form.label, "city": form.city}
    await audit.note(actor, "buyers.address", "party", party_id, after=after)
    return saved


async def own_address(party_id: UUID, address_id: UUID) -> Address:
    """Raises NOT_FOUND for another company's, as for an unknown one."""
    found = await address(address_id)
    if found.party_id != party_id:
        raise NotFound
    return found


async def retire_address(actor: Actor, party_id: UUID, address_id: UUID) -> None:
    """Old orders keep it; new ones are not offered it. Raises FORBIDDEN, NOT_FOUND."""
    actor.require("addresses.edit" if actor.on_behalf_of else "parties.edit")
    found = await own_address(party_id, address_id)
    await db.execute(RETIRE, id=address_id, now=clock.now())
    was = {"label": found.label}
    await audit.note(actor, "buyers.address_retired", "party", party_id, before=was)

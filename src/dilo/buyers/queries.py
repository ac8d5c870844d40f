"""Reads of a company's own house: addresses, divisions, people."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from dilo.kit import db

ADDRESS = """
SELECT a.id, a.party_id, a.division_id, d.name AS division, a.label, a.recipient, a.phone,
  a.country, a.city, a.street, a.postcode, a.note, a.is_default, a.retired_at
FROM delivery_address a LEFT JOIN division d ON d.id = a.division_id
"""
ADDRESSES = f"""
{ADDRESS} WHERE a.party_id = :party_id AND a.retired_at IS NULL
ORDER BY a.is_default DESC, a.label, a.id LIMIT 500
"""


@dataclass(frozen=True, slots=True)
class Address:
    """Where goods go. ``retired_at``: no longer offered, still named by old orders."""

    id: UUID
    party_id: UUID
    division_id: UUID | None
    division: str | None
    label: str
    recipient: str | None
    phone: str | None
    country: str | None
    city: str
    street: str
    postcode: str | None
    note: str | None
    is_default: bool
    retired_at: datetime | None

    @property
    def line(self) -> str:
        """One line for a label or a list."""
        return ", ".join(part for part in (self.postcode, self.city, self.street) if part)


async def addresses_of(party_id: UUID) -> list[Address]:
    """Those in use, the default one first."""
    return await db.rows_as(Address, ADDRESSES, party_id=party_id)


async def address(address_id: UUID) -> Address:
    """Also a retired one. The caller checks whose it is. Raises NOT_FOUND."""
    return await db.one_as(Address, f"{ADDRESS} WHERE a.id = :id", id=address_id)

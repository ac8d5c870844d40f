"""Input shapes of parties."""

from datetime import date
from decimal import Decimal
from typing import Annotated, Literal
from uuid import UUID

import msgspec

Name = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
Amount = Annotated[Decimal, msgspec.Meta()]


class PartyForm(msgspec.Struct):
    code: Annotated[str, msgspec.Meta(min_length=1, max_length=60)]
    name: Name
    roles: list[str] = msgspec.field(default_factory=lambda: ["customer"])
    kind: Literal["organisation", "person"] = "organisation"
    tax_id: str | None = None
    country: str | None = None
    city: str | None = None
    address: str | None = None
    segment: str | None = None
    branch: str | None = None
    language: Literal["uk", "en", "ru"] | None = None
    owner_id: UUID | None = None
    note: str | None = None


class CreditForm(msgspec.Struct):
    """An empty limit means no cap; to give no credit write 0."""

    limit_amount: Decimal | None = None
    depth_days: Annotated[int, msgspec.Meta(ge=0, le=3650)] = 0
    grace_days: Annotated[int, msgspec.Meta(ge=0, le=365)] = 0
    tolerance_amount: Decimal = Decimal(0)
    deposit_amount: Decimal = Decimal(0)
    stop_shipments: Literal["on", ""] = ""


class ContactForm(msgspec.Struct):
    name: Name
    position: str | None = None
    phone: str | None = None
    email: str | None = None


class AgreementForm(msgspec.Struct):
    number: Name
    valid_from: date
    valid_to: date | None = None
    credit_days: Annotated[int, msgspec.Meta(ge=0, le=3650)] | None = None
    minimum_order: Decimal | None = None
    note: str | None = None

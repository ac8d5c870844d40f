"""Small forms of the product's card."""

from decimal import Decimal
from typing import Literal
from uuid import UUID

import msgspec


class PriceForm(msgspec.Struct):
    list_id: UUID
    price: Decimal
    min_quantity: Decimal = Decimal(1)


class MoveForm(msgspec.Struct):
    """``quantity`` may be negative for an adjustment."""

    warehouse_id: UUID
    quantity: Decimal
    reason: Literal["receipt", "adjustment"] = "receipt"

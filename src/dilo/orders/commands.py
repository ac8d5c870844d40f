"""What doors ask of orders and what they are told: plain typed shapes."""

from datetime import date
from decimal import Decimal
from typing import Literal
from uuid import UUID

import msgspec

from dilo.orders.facts import Verdict

Door = Literal["office", "portal", "shop", "telegram", "sms", "api"]
Shortage = Literal["hold", "parts", "together", "leave_out"]
WAITING = ("parts", "together")
LINES_MAX = 1000
COMMENT_MAX = 500
TEXTS_MAX = {"comment": 2000, "reference": 60, "delivery_to": 500}
QUANTITY_MAX = Decimal(10_000_000)


class LineInput(msgspec.Struct, frozen=True):
    """``product`` is the code, or the id as text. Doors never send a price."""

    product: str
    quantity: Decimal
    comment: str | None = None


class PlaceOrder(msgspec.Struct, frozen=True, kw_only=True):
    """``key`` is the door's idempotency key. Without ``submit`` the order stays a draft.

    ``keep_stock``: a held order keeps its goods while its buyer pays (the shop). ``shortage`` is
    the buyer's choice for goods not on the shelf; ``delivery_to`` the address as it is printed;
    ``reference`` his own number of the order.
    """

    party_id: UUID
    lines: list[LineInput]
    key: str
    door: Door
    comment: str | None = None
    ship_on: date | None = None
    warehouse_id: UUID | None = None
    submit: bool = True
    by: Literal["code", "id"] = "code"
    coupon: str | None = None
    keep_stock: bool = False
    reference: str | None = None
    delivery_method: Literal["delivery", "pickup"] | None = None
    delivery_to: str | None = None
    shortage: Shortage = "hold"


class Promised(msgspec.Struct, frozen=True):
    """Prices given word on, one a line in its order, None where today's holds; ``by`` names what
    gave it. ``final``: agreed by a document, no promotion is taken off; the cart's are not."""

    by: str
    prices: tuple[Decimal | None, ...]
    final: bool = True


class LineAsked(msgspec.Struct, frozen=True):
    """Part of an order line: to ship or to take back."""

    line_id: UUID
    quantity: Decimal


class Dispatch(msgspec.Struct, frozen=True, kw_only=True):
    """No lines: everything that is still to ship."""

    order_id: UUID
    key: str
    lines: list[LineAsked] = []
    invoice: bool = False


class TakeBack(msgspec.Struct, frozen=True, kw_only=True):
    """``spoiled``: order lines whose goods are credited and go on no shelf."""

    order_id: UUID
    key: str
    lines: list[LineAsked]
    reason: str
    spoiled: frozenset[UUID] = frozenset()


class Placed(msgspec.Struct, frozen=True):
    """The order and what became of it: ``state`` draft, confirmed or on_hold (with verdicts)."""

    id: UUID
    number: str
    state: str
    total: Decimal
    currency: str
    verdicts: list[Verdict] = []
    repeated: bool = False

    @property
    def held(self) -> bool:
        return self.state == "on_hold"


class Dispatched(msgspec.Struct, frozen=True):
    """``state`` dispatched, or held with the verdicts that stopped it."""

    id: UUID
    number: str
    state: str
    verdicts: list[Verdict] = []
    invoice_id: UUID | None = None

"""Orders by API: the same prices, stock and credit as every other door."""

from datetime import date
from decimal import Decimal
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from litestar import Request, Response, get, post

from dilo.kit.errors import Invalid, NotFound, Refusal
from dilo.kit.templating import say_sums
from dilo.kit.visit import visit
from dilo.orders import actions, queries
from dilo.orders.commands import LineInput, Placed, PlaceOrder, Shortage
from dilo.orders.facts import Verdict
from dilo.parties.queries import party_of_code
from dilo.stock.actions import warehouse_of_code

Req = Request[Any, Any, Any]
KEY_MAX = 200
HIDDEN = {"cache-control": "no-store"}


class OrderLine(msgspec.Struct, forbid_unknown_fields=True):
    product: Annotated[str, msgspec.Meta(min_length=1, max_length=60)]
    quantity: Decimal
    comment: Annotated[str, msgspec.Meta(max_length=500)] | None = None


class NewOrder(msgspec.Struct, forbid_unknown_fields=True):
    """``party`` and ``warehouse`` (where the goods are picked up) are codes. Prices are never taken
    from outside. ``shortage``: what to do with goods that are not on the shelf."""

    party: Annotated[str, msgspec.Meta(min_length=1, max_length=60)]
    lines: Annotated[list[OrderLine], msgspec.Meta(min_length=1, max_length=1000)]
    comment: Annotated[str, msgspec.Meta(max_length=2000)] | None = None
    reference: Annotated[str, msgspec.Meta(max_length=60)] | None = None
    ship_on: date | None = None
    delivery_method: Literal["delivery", "pickup"] | None = None
    delivery_to: Annotated[str, msgspec.Meta(max_length=500)] | None = None
    warehouse: Annotated[str, msgspec.Meta(max_length=60)] | None = None
    shortage: Shortage = "hold"


@post("/api/orders", opt={"verb": "orders.submit", "no_csrf": True}, status_code=201)
async def create(request: Req) -> Response[Any]:
    """``Idempotency-Key`` is required: the same key and body give the same order again (200).

    201 confirmed, 202 on hold with verdicts and remedies; 409 the key was used for another body.
    """
    key = request.headers.get("idempotency-key", "")
    if not 0 < len(key) <= KEY_MAX:
        raise Refusal("IDEMPOTENCY_KEY_MISSING", status=400)
    try:
        order = msgspec.json.decode(await request.body(), type=NewOrder)
    except msgspec.ValidationError as error:
        raise Invalid({"body": str(error)[:200]}) from None
    except msgspec.DecodeError:
        raise Refusal("UNREADABLE", status=400) from None
    party_id = await party_of_code(order.party)
    if party_id is None:
        raise NotFound("UNKNOWN_PARTY", code=order.party)
    lines = [LineInput(line.product, line.quantity, line.comment) for line in order.lines]
    placed = await actions.place_order(
        visit().actor,
        PlaceOrder(
            party_id=party_id,
            lines=lines,
            key=f"api:{visit().actor.id}:{key}",
            door="api",
            comment=order.comment,
            reference=order.reference,
            ship_on=order.ship_on,
            delivery_method=order.delivery_method,
            delivery_to=order.delivery_to,
            warehouse_id=await warehouse_of_code(order.warehouse) if order.warehouse else None,
            shortage=order.shortage,
        ),
    )
    return Response(_body(placed), status_code=_status(placed), headers=HIDDEN)


def _status(placed: Placed) -> int:
    if placed.repeated:
        return 200
    return 202 if placed.held else 201


def _body(placed: Placed) -> dict[str, Any]:
    return {
        "id": str(placed.id),
        "number": placed.number,
        "state": placed.state,
        "total": f"{placed.total:.2f}",
        "currency": placed.currency,
        "verdicts": [
            _told(v, placed.currency) for v in placed.verdicts if not v.passed or v.warning
        ],
    }


def _told(verdict: Verdict, currency: str) -> dict[str, Any]:
    return {
        "gate": verdict.gate,
        "code": verdict.code,
        "message": say_sums(f"verdict:{verdict.code}", currency, verdict.figures),
        "figures": {name: str(value) for name, value in verdict.figures.items()},
        "remedies": [
            {
                "code": r.code,
                "message": say_sums(f"remedy:{r.code}", currency, r.figures),
                "figures": {name: str(value) for name, value in r.figures.items()},
            }
            for r in verdict.remedies
        ],
    }


@get("/api/orders/{order_id:uuid}", opt={"verb": "orders.read"})
async def show(order_id: UUID) -> Response[Any]:
    head = await queries.order_head(order_id)
    placed = Placed(
        head.id,
        head.number,
        head.state,
        head.total,
        head.currency,
        await queries.last_verdicts(order_id, inside=True),
    )
    return Response(_body(placed), headers=HIDDEN)


routes = [create, show]

"""Money asked for by API: a link for the payer, or an intent whose card the program takes."""

from decimal import Decimal
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from litestar import Request, Response, get, post

from api.orders import HIDDEN, KEY_MAX
from dilo.acquiring import actions, checkout, queries
from dilo.acquiring.actions import AskPayment
from dilo.acquiring.queries import PayRequest
from dilo.kit.errors import Invalid, NotFound, Refusal
from dilo.kit.visit import visit
from dilo.parties.queries import party_of_code
from tenants.scope import scope

Req = Request[Any, Any, Any]


class InvoicePart(msgspec.Struct, forbid_unknown_fields=True):
    """Without ``amount``: all that is open of it."""

    id: UUID
    amount: Decimal | None = None


class NewPayRequest(msgspec.Struct, forbid_unknown_fields=True):
    """``party`` is a code. Sums are the books' own; only an ``advance`` names its ``amount``.
    ``way`` intent: the program takes the card itself and needs the client secret."""

    party: Annotated[str, msgspec.Meta(min_length=1, max_length=60)]
    purpose: Literal["invoices", "order", "unblock", "advance"]
    invoices: Annotated[list[InvoicePart], msgspec.Meta(max_length=200)] = []
    order: UUID | None = None
    shipment: UUID | None = None
    amount: Decimal | None = None
    way: Literal["link", "intent"] = "link"


@post(
    "/api/v1/pay-requests",
    opt={"verb": "payments.record", "no_csrf": True, "transaction": "steps"},
    status_code=201,
)
async def create(request: Req) -> Response[Any]:
    """``Idempotency-Key`` is required: the same key and body give the same request again (200),
    paid or not; 409 the key was used for another body."""
    key, body = request.headers.get("idempotency-key", ""), await request.body()
    tenant = visit().tenant
    if not 0 < len(key) <= KEY_MAX:
        raise Refusal("IDEMPOTENCY_KEY_MISSING", status=400)
    try:
        asked = msgspec.json.decode(body, type=NewPayRequest)
    except msgspec.ValidationError as error:
        raise Invalid({"body": str(error)[:200]}) from None
    except msgspec.DecodeError:
        raise Refusal("UNREADABLE", status=400) from None
    async with scope(tenant):
        wish = await _wish(asked, f"api:{visit().actor.id}:{key}")
        found, repeated = await actions.request_once(visit().actor, wish, body)
        url = (await actions.link_of(found)).url
    secret = ""
    if asked.way == "intent" and found.payable:
        _, secret = await checkout.start_intent(tenant, found.token)
    answer = _told(found) | {"url": url} | ({"client_secret": secret} if secret else {})
    return Response(answer, status_code=200 if repeated else 201, headers=HIDDEN)


async def _wish(asked: NewPayRequest, key: str) -> AskPayment:
    party_id = await party_of_code(asked.party)
    if party_id is None:
        raise NotFound("UNKNOWN_PARTY", code=asked.party)
    return AskPayment(
        party_id=party_id,
        purpose=asked.purpose,
        invoices=[(one.id, one.amount) for one in asked.invoices],
        order_id=asked.order,
        shipment_id=asked.shipment,
        amount=asked.amount,
        door="api",
        key=key,
    )


def _told(found: PayRequest) -> dict[str, Any]:
    return {
        "id": str(found.id),
        "state": found.stands,
        "amount": f"{found.amount:.2f}",
        "currency": found.currency.strip(),
        "expires_at": found.expires_at.isoformat(),
        "payment": str(found.payment_id) if found.payment_id else None,
        "outcome": found.outcome,
    }


@get("/api/v1/pay-requests/{pay_request_id:uuid}", opt={"verb": "payments.record"})
async def show(pay_request_id: UUID) -> Response[Any]:
    found = await queries.request(pay_request_id)
    url = (await actions.link_of(found)).url
    return Response(_told(found) | {"url": url}, headers=HIDDEN)


routes = [create, show]

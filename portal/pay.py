"""Paying by a link: who is paid, what for, how much. Nobody signs in, nothing more is shown.

Coming back from the provider proves nothing: the page says what the books say, and asks again.
"""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal
from uuid import UUID

import msgspec
from litestar import Request, Response, get, post
from litestar.response import Redirect

from dilo.acquiring import actions, checkout, looking, queries
from dilo.acquiring.actions import AskPayment
from dilo.acquiring.gateway import platform
from dilo.acquiring.queries import PayRequest
from dilo.kit import web
from dilo.kit.errors import Invalid, NotFound
from dilo.kit.ids import uuid_or_none
from dilo.kit.visit import visit
from dilo.orders.actions import unblocking
from dilo.orders.queries import Order
from dilo.receivables.requisites import requisites
from tenants.actors import SYSTEM
from tenants.scope import scope

Req = Request[Any, Any, Any]
PAY = {"verb": "money.pay"}
OPEN = {"verb": "anyone", "transaction": "steps"}


class PayForm(msgspec.Struct):
    """``part``: of the only invoice chosen. Sums are the books' own."""

    purpose: Literal["invoices", "order", "unblock"]
    invoice: list[str] = []
    part: Decimal | None = None
    order: UUID | None = None
    shipment: UUID | None = None


@post("/pay-requests", opt=PAY, status_code=200)
async def create(request: Req) -> Response[Any]:
    form = await web.read_form(PayForm, request)
    if form.input is None:
        raise Invalid(form.errors)
    given, actor = form.input, visit().actor
    chosen = [found for one in given.invoice if (found := uuid_or_none(one))]
    part = given.part if len(chosen) == 1 else None
    back = f"/orders/{given.order}" if given.order else "/debts"
    link = await actions.request_payment(
        actor,
        AskPayment(
            party_id=actor.on_behalf_of,
            purpose=given.purpose,
            invoices=[(one, part) for one in chosen],
            order_id=given.order,
            shipment_id=given.shipment,
            back=back,
        ),
    )
    return web.redirect(link.path)


@get("/pay/{token:str}", opt=OPEN)
async def show(token: str) -> Response[str]:
    return await _page(token, "portal/pay.html", None)


@get("/pay/{token:str}/state", opt=OPEN)
async def state_show(token: str) -> Response[str]:
    """What a page that waits asks for."""
    return await _page(token, "portal/pay.html", "state")


async def _page(token: str, template: str, block: str | None) -> Response[str]:
    tenant = visit().tenant
    async with scope(tenant):
        found = await queries.request_of_token(_plain(token))
    if found.state == "open":
        await looking.look_at_request(tenant, found.id)
    async with scope(tenant):
        found = await queries.request(found.id)
        stopped = await _still_stopped(found)
        page = web.page(
            template,
            block=block,
            found=found,
            stopped=stopped,
            takes_cards=await actions.takes_cards(),
            requisites=await requisites(),
            back=_back(found),
            waiting=found.payable and bool(visit().query.get("back") or block),
        )
    policy = page.headers["content-security-policy"]
    allowed = f"form-action 'self' {platform.checkout}"
    page.headers["content-security-policy"] = policy.replace("form-action 'self'", allowed)
    return page


def _plain(token: str) -> str:
    if not 20 <= len(token) <= 64:
        raise NotFound
    return token


async def _still_stopped(found: PayRequest) -> list[Any]:
    """Why what was paid for does not go even now; only for its own people."""
    actor = visit().actor
    own = actor is not None and actor.on_behalf_of == found.party_id
    if not own or found.state != "paid" or not found.outcome.get("held"):
        return []
    if found.order_id is None:
        return []
    at_dock = found.shipment_id is not None
    told = await unblocking(SYSTEM, found.party_id, found.order_id, at_dock=at_dock)
    return [verdict for verdict in told.verdicts if not verdict.passed]


def _back(found: PayRequest) -> str:
    """Where the payer goes on: only his own people have such a page."""
    actor = visit().actor
    if actor is not None and actor.on_behalf_of == found.party_id:
        return found.back or "/debts"
    return found.back if found.back.startswith(("/uk/", "/en/", "/ru/")) else ""


@post("/pay/{token:str}/checkout", opt=OPEN, status_code=200)
async def checkout_create(token: str) -> Response[Any]:
    address = await checkout.start(visit().tenant, _plain(token))
    return Redirect(address, status_code=303)


@dataclass(frozen=True, slots=True)
class Offer:
    """Pay exactly this and the order (or its shipment at the dock) goes."""

    amount: Decimal
    currency: str
    order_id: UUID
    shipment_id: UUID | None = None


async def release_offer(order: Order) -> Offer | None:
    """None where nothing is held, money alone does not help, or cards are not taken."""
    actor, head = visit().actor, order.head
    held = next((row["id"] for row in order.shipments if row["state"] == "held"), None)
    if head.state != "on_hold" and held is None:
        return None
    if not actor.may("money.pay") or not await actions.takes_cards():
        return None
    found = await unblocking(actor, head.party_id, head.id, at_dock=head.state != "on_hold")
    if found.pay_amount is None:
        return None
    shipment = held if head.state != "on_hold" else None
    return Offer(found.pay_amount, found.currency, head.id, shipment)


routes = [create, show, state_show, checkout_create]

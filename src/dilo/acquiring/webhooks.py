"""Where the provider speaks to us. The signature is over the raw body; an event only says "go
look": what is posted is what the provider answers when asked. 200 only after the commit."""

import logging
from typing import Any
from uuid import UUID

import msgspec
import stripe
from litestar import Request, Response, post

from dilo.acquiring import accounts
from dilo.acquiring.gateway import Account, Gateway, Intent, platform
from dilo.acquiring.settling import bring, set_aside
from dilo.kit import db, inbox
from dilo.kit.errors import NotFound, Refusal
from tenants.scope import scope

log = logging.getLogger("dilo.stripe")
Req = Request[Any, Any, Any]
TOLERANCE_SECONDS = 300
EVENT_MAX = 512 * 1024
SOURCE = "stripe"
HEARD = "SELECT 1 FROM inbox WHERE source = :source AND external_id = :id"
OF_ACCOUNT = "SELECT tenant_of_stripe_account(:account)"
EXPIRED = """
UPDATE pay_attempt SET state = :state, problem = :problem, looked_at = now()
WHERE external_id = :external_id AND state IN ('asked','open')
"""
OPEN = {"tenant": "none", "no_csrf": True}


class Event(msgspec.Struct):
    """What is read of an event. ``object`` is a hint where to look, never a fact."""

    id: str
    type: str
    livemode: bool
    object: dict[str, Any]
    account: str = ""


@post(
    "/webhooks/stripe/{tenant_id:uuid}",
    status_code=200,
    opt=OPEN,
    request_max_body_size=EVENT_MAX,
)
async def receive(request: Req, tenant_id: UUID) -> Response[None]:
    """An account connected by its own keys, with its own signing secret."""
    try:
        async with scope(tenant_id):
            account = await accounts.current_or_none()
    except NotFound:
        account = None
    secrets = account.webhook_secrets if account and account.way == "keys" else ()
    event = verified(await request.body(), request.headers.get("stripe-signature"), secrets)
    assert account is not None
    await hear(tenant_id, account, event)
    return Response(None, status_code=200)


@post("/webhooks/stripe", status_code=200, opt=OPEN, request_max_body_size=EVENT_MAX)
async def receive_connect(request: Req) -> Response[None]:
    """The platform's one address: the event says whose account, our rows say whose company."""
    body, header = await request.body(), request.headers.get("stripe-signature")
    event = verified(body, header, (platform.connect_secret,))
    async with db.transaction():
        tenant_id = await db.value(OF_ACCOUNT, account=event.account)
    if tenant_id is None:
        raise NotFound
    async with scope(tenant_id):
        account = await accounts.current_or_none()
    if account is None or account.account_id != event.account:
        raise NotFound
    await hear(tenant_id, account, event)
    return Response(None, status_code=200)


def verified(body: bytes, header: str | None, secrets: tuple[str, ...]) -> Event:
    """Raises SIGNATURE_BAD (400), the same for an unknown company, a forged or an old one."""
    for secret in secrets:
        try:
            stripe.WebhookSignature.verify_header(body, header, secret, TOLERANCE_SECONDS)
            return _read(body)
        except (stripe.SignatureVerificationError, UnicodeDecodeError):
            continue
    raise Refusal("SIGNATURE_BAD", status=400)


def _read(body: bytes) -> Event:
    try:
        plain = msgspec.json.decode(body)
        return Event(
            str(plain["id"])[:100],
            str(plain["type"]),
            bool(plain["livemode"]),
            dict(plain["data"]["object"]),
            str(plain.get("account") or ""),
        )
    except (msgspec.MsgspecError, KeyError, TypeError, ValueError):
        raise Refusal("SIGNATURE_BAD", status=400) from None


async def hear(tenant_id: UUID, account: Account, event: Event) -> None:
    """Once by the event's id; what it is about is looked up with no transaction open."""
    async with scope(tenant_id):
        if await db.value(HEARD, source=SOURCE, id=event.id):
            return
    strange = _strange(account, event)
    intent = None if strange else await look(account, event)
    async with scope(tenant_id):
        about = str(event.object.get("id", ""))[:100]
        if not await inbox.take(SOURCE, event.id, {"type": event.type, "object": about}):
            return
        await accounts.heard(account)
        if strange:
            await _keep_aside(account, event, strange)
        elif intent is not None:
            await bring(account, intent)
        await _attempt_ended(event)


def _strange(account: Account, event: Event) -> str | None:
    """Rightly signed, and yet not about this account or this world."""
    if event.account and event.account != account.account_id:
        return "ACCOUNT"
    return "MODE" if event.livemode != account.livemode else None


async def look(account: Account, event: Event) -> Intent | None:
    """The payment intent the event is about, as the provider tells it now. None: nothing to post.

    Raises STRIPE_AWAY (503): the event is sent to us again.
    """
    found, gateway = event.object, Gateway(account)
    family = event.type.split(".")[0]
    disputed = event.type.startswith("charge.dispute.")
    intent_id = found.get("payment_intent")
    if family == "payment_intent":
        intent_id = found.get("id")
    elif family == "checkout" and not intent_id:
        session = await gateway.session(str(found.get("id", "")))
        intent_id = session.intent_id
    elif family not in ("checkout", "charge", "refund"):
        return None
    if not intent_id and found.get("charge"):
        intent_id = await gateway.intent_of_charge(str(found["charge"]))
    intent_id = intent_id.get("id") if isinstance(intent_id, dict) else intent_id
    return await gateway.intent(str(intent_id), disputed=disputed) if intent_id else None


async def _attempt_ended(event: Event) -> None:
    """A session nobody will pay any more makes room for the next try."""
    if event.type in ("checkout.session.expired", "checkout.session.async_payment_failed"):
        state = "expired" if event.type.endswith("expired") else "failed"
        about = str(event.object.get("id", ""))
        await db.execute(EXPIRED, external_id=about, state=state, problem=event.type)


async def _keep_aside(account: Account, event: Event, reason: str) -> None:
    """Shown to people, by what the event claims: it cannot be looked up."""
    found = event.object
    about = found.get("metadata") or {}
    units = found.get("amount_received") or found.get("amount_total") or found.get("amount") or 0
    intent = Intent(
        str(found.get("payment_intent") or found.get("id") or event.id)[:100],
        "claimed",
        units if isinstance(units, int) else 0,
        str(found.get("currency") or "xxx").upper()[:3],
        event.livemode,
        str(about.get("dilo_tenant", "")),
        str(about.get("dilo_request", "")),
    )
    await set_aside(event.account or account.account_id, intent, None, reason)
    log.warning("stripe event %s set aside: %s", event.id, reason)


routes = [receive, receive_connect]

"""Sending a payer to the provider: what is said is written down before it is said.

Each step opens its own transaction; between them the provider is called with none open. An answer
that was lost is asked for again with the same key and the same body.
"""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from dilo.acquiring import accounts, queries
from dilo.acquiring.gateway import Account, Gateway, Session
from dilo.acquiring.queries import Attempt, PayRequest
from dilo.acquiring.rules import minor_units
from dilo.kit import clock, db, i18n
from dilo.kit.errors import Refusal
from dilo.kit.ids import uuid7
from tenants.links import address_of
from tenants.scope import Tenant, current_tenant, scope
from tenants.sessions import throttled

PREPARE = """
INSERT INTO pay_attempt (id, pay_request_id, account_id, kind, body)
VALUES (:id, :request_id, :account_id, :kind, :body)
ON CONFLICT (tenant_id, pay_request_id, kind) WHERE state IN ('asked','open') DO NOTHING
RETURNING id
"""
ANSWERED = """
UPDATE pay_attempt SET state = 'open', external_id = :external_id, intent_id = :intent_id,
  address = :address WHERE id = :id AND state = 'asked'
"""
FAILED = """
UPDATE pay_attempt SET state = 'failed', problem = :problem
WHERE id = :id AND state IN ('asked','open')
"""
SESSION_MOST, SESSION_LEAST = timedelta(hours=23), timedelta(minutes=31)
# The provider forgets a key after a day: an older one is never asked again.
KEY_LIVES = timedelta(hours=23)
TRIES_MOST = 20


@dataclass(frozen=True, slots=True)
class Prepared:
    account: Account
    attempt: Attempt


async def start(tenant: Tenant, token: str) -> str:
    """The address at the provider where this request is paid; the same while it is good.

    Raises NOT_FOUND, NOT_PAYABLE, CARDS_NOT_TAKEN, TOO_MANY_ATTEMPTS and what the gateway says.
    """
    async with scope(tenant):
        found = await queries.request_of_token(token)
    await throttled(tenant, [f"pay:{found.id}"], TRIES_MOST)
    async with scope(tenant):
        prepared = await prepare(found, "checkout", await checkout_body(found))
    attempt = prepared.attempt
    if attempt.address:
        return attempt.address
    made = await call(tenant, prepared)
    return made.url


async def start_intent(tenant: Tenant, token: str) -> tuple[str, str]:
    """A payment intent for programs that take the card themselves: its id, its client secret."""
    async with scope(tenant):
        found = await queries.request_of_token(token)
        prepared = await prepare(found, "intent", intent_body(found))
    attempt = prepared.attempt
    try:
        made = await Gateway(prepared.account).start_intent(str(attempt.id), attempt.body)
    except Refusal as refusal:
        await _failed(tenant, attempt.id, refusal)
        raise
    async with scope(tenant):
        await _answered(attempt.id, made[0], made[0], None)
    return made


async def prepare(found: PayRequest, kind: str, body: dict[str, Any]) -> Prepared:
    """The attempt in hand, or a new one. Raises NOT_PAYABLE, CARDS_NOT_TAKEN."""
    if not found.payable:
        raise Refusal("NOT_PAYABLE")
    account = await accounts.current()
    live = next((a for a in await queries.live_attempts(found.id) if a.kind == kind), None)
    if live is not None and _stale(live, account):
        await db.execute(FAILED, id=live.id, problem="STALE")
        live = None
    if live is not None:
        return Prepared(account, live)
    made = await db.value(
        PREPARE,
        id=uuid7(),
        request_id=found.id,
        account_id=account.account_id,
        kind=kind,
        body=body,
    )
    if made is None:
        live = next(a for a in await queries.live_attempts(found.id) if a.kind == kind)
        return Prepared(account, live)
    return Prepared(account, await queries.attempt(made))


def _stale(attempt: Attempt, account: Account) -> bool:
    """Of another account, or unanswered for longer than its key is remembered."""
    if attempt.account_id != account.account_id:
        return True
    return attempt.external_id is None and clock.now() - attempt.asked_at > KEY_LIVES


async def call(tenant: Tenant, prepared: Prepared) -> Session:
    attempt = prepared.attempt
    try:
        made = await Gateway(prepared.account).start_checkout(str(attempt.id), attempt.body)
    except Refusal as refusal:
        await _failed(tenant, attempt.id, refusal)
        raise
    async with scope(tenant):
        await _answered(attempt.id, made.id, made.intent_id or None, made.url)
    return made


async def _answered(
    attempt_id: UUID, external_id: str, intent_id: str | None, address: str | None
) -> None:
    await db.execute(
        ANSWERED, id=attempt_id, external_id=external_id, intent_id=intent_id, address=address
    )


async def _failed(tenant: Tenant, attempt_id: UUID, refusal: Refusal) -> None:
    """Only a clear no ends an attempt; silence leaves it to be asked again."""
    if refusal.code == "STRIPE_AWAY":
        return
    async with scope(tenant):
        await db.execute(FAILED, id=attempt_id, problem=refusal.code)


def subject_of(found: PayRequest) -> str:
    """What the payer reads at the provider."""
    key = "pay:subject" if found.subject else "pay:subject_bare"
    return i18n.say(key, company=current_tenant().name, subject=found.subject)[:250]


def metadata_of(found: PayRequest) -> dict[str, str]:
    return {"dilo_tenant": str(current_tenant().id), "dilo_request": str(found.id)}


def intent_body(found: PayRequest) -> dict[str, Any]:
    return {
        "amount": minor_units(found.amount, found.currency),
        "currency": found.currency.strip().lower(),
        "metadata": metadata_of(found),
    }


async def checkout_body(found: PayRequest) -> dict[str, Any]:
    subject, about = subject_of(found), metadata_of(found)
    until = min(found.expires_at, clock.now() + SESSION_MOST)
    until = max(until, clock.now() + SESSION_LEAST)
    here = await address_of(f"/pay/{found.token}")
    return {
        "mode": "payment",
        "line_items": [
            {
                "quantity": 1,
                "price_data": {
                    "currency": found.currency.strip().lower(),
                    "unit_amount": minor_units(found.amount, found.currency),
                    "product_data": {"name": subject},
                },
            }
        ],
        "payment_intent_data": {"description": subject, "metadata": about},
        "metadata": about,
        "client_reference_id": str(found.id),
        "adaptive_pricing": {"enabled": False},
        "success_url": f"{here}?back=1",
        "cancel_url": here,
        "expires_at": int(until.timestamp()),
    }

"""Speaking to Stripe: one account's client, its answers as our own shapes, its errors as refusals.

Nothing here touches the database, and nobody calls it with a transaction open. The address is the
operator's setting, never a company's; a key never enters a message.
"""

import logging
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import msgspec
import stripe

from dilo.kit.errors import Refusal

TIMEOUT_SECONDS = 20.0
SECRET = re.compile(r"\b(?:sk|rk|pk|whsec)_\w+")
DEFAULT_API = "https://api.stripe.com"
CHECKOUT = "https://checkout.stripe.com"


@dataclass(slots=True)
class Platform:
    """What the operator configured: the API's address; the key and secret of Connect, if any."""

    api: str = DEFAULT_API
    connect_key: str = ""
    connect_secret: str = ""

    @property
    def checkout(self) -> str:
        """Where a payer is sent to: what a page may lead to."""
        return CHECKOUT if self.api == DEFAULT_API else self.api


platform = Platform()
# At INFO the library repeats what the provider answers, and that may repeat a key.
logging.getLogger("stripe").setLevel(logging.WARNING)
_http: stripe.HTTPXClient | None = None


def use_platform(api: str, connect_key: str = "", connect_secret: str = "") -> None:
    platform.api = api.rstrip("/")
    platform.connect_key, platform.connect_secret = connect_key, connect_secret


@dataclass(frozen=True, slots=True)
class Account:
    """A company's account with its keys open. ``id`` is our row."""

    id: UUID
    way: str
    account_id: str
    livemode: bool
    key: str = field(repr=False)
    webhook_secrets: tuple[str, ...] = field(default=(), repr=False)


class Refunded(msgspec.Struct, frozen=True):
    id: str
    units: int
    status: str
    ours: str
    reason: str


class Disputed(msgspec.Struct, frozen=True):
    """``withdrawn``/``returned``: units moved for the dispute itself; ``fee``: what it cost."""

    id: str
    units: int
    status: str
    reason: str
    answer_by: datetime | None
    withdrawn: int
    returned: int
    fee: int
    fee_currency: str


class Intent(msgspec.Struct, frozen=True):
    """A payment intent with all that hangs on it. Amounts in the provider's units."""

    id: str
    status: str
    units: int
    currency: str
    livemode: bool
    tenant_id: str
    request_id: str
    charge_id: str = ""
    payer: str = ""
    fee: int | None = None
    fee_currency: str = ""
    problem: str = ""
    refunds: list[Refunded] = []
    disputes: list[Disputed] = []


class Session(msgspec.Struct, frozen=True):
    id: str
    status: str
    payment_status: str
    url: str
    intent_id: str


class Who(msgspec.Struct, frozen=True):
    """Whose account it is, asked of the provider itself."""

    account_id: str
    name: str
    livemode: bool
    charges_enabled: bool
    tenant_id: str


class Gateway:
    def __init__(self, account: Account) -> None:
        global _http
        if _http is None:
            _http = stripe.HTTPXClient(timeout=TIMEOUT_SECONDS)
        self.client = stripe.StripeClient(
            account.key,
            stripe_account=account.account_id if account.way == "connect" else None,
            base_addresses={"api": platform.api},
            max_network_retries=0,
            http_client=_http,
        )

    async def who(self) -> Who:
        account = _plain(await _asked(self.client.v1.accounts.retrieve_current_async()))
        balance = _plain(await _asked(self.client.v1.balance.retrieve_async()))
        profile = account.get("business_profile") or {}
        return Who(
            account["id"],
            str(profile.get("name") or account.get("email") or account["id"])[:120],
            bool(balance.get("livemode")),
            bool(account.get("charges_enabled", True)),
            str((account.get("metadata") or {}).get("dilo_tenant", "")),
        )

    async def start_checkout(self, key: str, body: dict[str, Any]) -> Session:
        """The same key and body give the same session again."""
        sessions = self.client.v1.checkout.sessions
        made = await _asked(sessions.create_async(body, {"idempotency_key": key}))  # type: ignore[arg-type]
        return _session(_plain(made))

    async def session(self, session_id: str) -> Session:
        found = await _asked(self.client.v1.checkout.sessions.retrieve_async(session_id))
        return _session(_plain(found))

    async def close_checkout(self, session_id: str) -> None:
        """Nobody pays on that page any more. Refused where somebody has."""
        await _asked(self.client.v1.checkout.sessions.expire_async(session_id))

    async def cancel_intent(self, intent_id: str) -> None:
        await _asked(self.client.v1.payment_intents.cancel_async(intent_id))

    async def start_intent(self, key: str, body: dict[str, Any]) -> tuple[str, str]:
        """Returns the intent's id and the secret by which its payer confirms it."""
        made = await _asked(
            self.client.v1.payment_intents.create_async(body, {"idempotency_key": key})  # type: ignore[arg-type]
        )
        plain = _plain(made)
        return plain["id"], plain["client_secret"]

    async def intent(self, intent_id: str, *, disputed: bool = False) -> Intent:
        found = await _asked(
            self.client.v1.payment_intents.retrieve_async(
                intent_id, {"expand": ["latest_charge.balance_transaction"]}
            )
        )
        plain = _plain(found)
        charge = plain.get("latest_charge") or {}
        charge = charge if isinstance(charge, dict) else {"id": charge}
        refunds, disputes = [], []
        if charge.get("amount_refunded") or charge.get("refunded"):
            refunds = await self._refunds(intent_id)
        if charge.get("disputed") or disputed:
            disputes = await self._disputes(intent_id)
        return _intent(plain, charge, refunds, disputes)

    async def intents_of(self, request_id: str) -> list[str]:
        """For an attempt whose answer was lost longer ago than keys are remembered."""
        query = f"metadata['dilo_request']:'{request_id}'"
        found = _plain(await _asked(self.client.v1.payment_intents.search_async({"query": query})))
        return [row["id"] for row in found["data"]]

    async def _refunds(self, intent_id: str) -> list[Refunded]:
        found = await _asked(
            self.client.v1.refunds.list_async({"payment_intent": intent_id, "limit": 100})
        )
        return [_refunded(row) for row in _plain(found)["data"]]

    async def _disputes(self, intent_id: str) -> list[Disputed]:
        found = await _asked(
            self.client.v1.disputes.list_async({"payment_intent": intent_id, "limit": 10})
        )
        return [_disputed(row) for row in _plain(found)["data"]]

    async def refund(self, key: str, body: dict[str, Any]) -> Refunded:
        made = await _asked(self.client.v1.refunds.create_async(body, {"idempotency_key": key}))  # type: ignore[arg-type]
        return _refunded(_plain(made))

    async def intent_of_charge(self, charge_id: str) -> str:
        found = _plain(await _asked(self.client.v1.charges.retrieve_async(charge_id)))
        return str(found.get("payment_intent") or "")


async def _asked(call: Any) -> Any:
    """Raises STRIPE_KEY_BAD, STRIPE_REPEATED, STRIPE_SAYS (422: it will not help to repeat),
    STRIPE_AWAY (503: nobody knows what became of it; the same key may ask again)."""
    try:
        return await call
    except (stripe.AuthenticationError, stripe.PermissionError):
        raise Refusal("STRIPE_KEY_BAD", status=422) from None
    except stripe.IdempotencyError:
        raise Refusal("STRIPE_REPEATED") from None
    except (stripe.CardError, stripe.InvalidRequestError) as error:
        text = SECRET.sub("…", str(error.user_message or ""))[:200]
        raise Refusal("STRIPE_SAYS", status=422, text=text) from None
    except stripe.StripeError:
        raise Refusal("STRIPE_AWAY", status=503) from None


def _plain(found: Any) -> dict[str, Any]:
    return msgspec.json.decode(str(found))


def _id(found: Any) -> str:
    return str((found.get("id") if isinstance(found, dict) else found) or "")


def _session(found: dict[str, Any]) -> Session:
    return Session(
        found["id"],
        str(found.get("status") or ""),
        str(found.get("payment_status") or ""),
        str(found.get("url") or ""),
        _id(found.get("payment_intent")),
    )


def _refunded(found: dict[str, Any]) -> Refunded:
    return Refunded(
        found["id"],
        found["amount"],
        str(found.get("status") or ""),
        str((found.get("metadata") or {}).get("dilo_refund", "")),
        str(found.get("reason") or ""),
    )


def _disputed(found: dict[str, Any]) -> Disputed:
    moves = found.get("balance_transactions") or []
    due = (found.get("evidence_details") or {}).get("due_by")
    return Disputed(
        found["id"],
        found["amount"],
        str(found.get("status") or ""),
        str(found.get("reason") or ""),
        datetime.fromtimestamp(due, UTC) if due else None,
        sum(-move["amount"] for move in moves if move["amount"] < 0),
        sum(move["amount"] for move in moves if move["amount"] > 0),
        sum(move.get("fee") or 0 for move in moves),
        str(moves[0]["currency"]).upper() if moves else "",
    )


def _intent(
    found: dict[str, Any],
    charge: dict[str, Any],
    refunds: list[Refunded],
    disputes: list[Disputed],
) -> Intent:
    about = found.get("metadata") or {}
    moved = charge.get("balance_transaction")
    moved = moved if isinstance(moved, dict) else {}
    billing = charge.get("billing_details") or {}
    return Intent(
        found["id"],
        found["status"],
        found.get("amount_received") or found["amount"],
        str(found["currency"]).upper(),
        bool(found.get("livemode")),
        str(about.get("dilo_tenant", "")),
        str(about.get("dilo_request", "")),
        _id(charge),
        str(billing.get("email") or billing.get("name") or "")[:200],
        moved.get("fee"),
        str(moved.get("currency") or "").upper(),
        str((found.get("last_payment_error") or {}).get("code") or ""),
        refunds,
        disputes,
    )

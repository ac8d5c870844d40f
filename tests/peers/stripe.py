"""Stripe on loopback, strict: Checkout, Connect, idempotency, refunds, disputes, signed webhooks.

Parameters that stripe-python's own types do not know are refused, and so is an answer of ours with
a field its resource has not. The same idempotency key gives the first answer again; with another
body it is an error. People are played by ``pay``, ``dispute`` and the like: what happens then is
told by webhooks a test sends when, as often and in the order it likes (``events``, ``signed``).
"""

import asyncio
import json
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import stripe
from aiohttp import web
from stripe.params import PaymentIntentCreateParams, RefundCreateParams
from stripe.params.checkout import (
    SessionCreateParams,
    SessionCreateParamsLineItem,
    SessionCreateParamsLineItemPriceData,
    SessionCreateParamsPaymentIntentData,
)

NOT_FIELDS = set(stripe.params.PaymentIntentCreateParams.__annotations__) & {
    "api_key",
    "stripe_version",
    "stripe_account",
    "stripe_context",
    "max_network_retries",
    "idempotency_key",
    "content_type",
    "headers",
}
FEE_PERCENT, FEE_FIXED = 3, 500


def allowed(shape: Any) -> set[str]:
    return set(shape.__annotations__) - NOT_FIELDS


@dataclass
class Wallet:
    """One account of one key: its own objects, seen by nobody else."""

    id: str
    livemode: bool = False
    metadata: dict[str, str] = field(default_factory=dict)
    objects: dict[str, dict[str, Any]] = field(default_factory=dict)


class Refused(Exception):
    def __init__(self, status: int, kind: str, message: str, **more: Any) -> None:
        super().__init__(message)
        self.status = status
        self.body = {"error": {"type": kind, "message": message} | more}


@dataclass
class StripePeer:
    """``script``: what the next calls run into, in order: "500", "drop" (done, answer lost),
    "hang" (done, answered late)."""

    url: str = ""
    wallets: dict[str, Wallet] = field(default_factory=dict)
    keys: dict[str, str] = field(default_factory=dict)
    platform_keys: set[str] = field(default_factory=set)
    calls: list[tuple[str, str, dict[str, Any]]] = field(default_factory=list)
    answers: dict[str, tuple[str, int, dict[str, Any]]] = field(default_factory=dict)
    script: list[str] = field(default_factory=list)
    events: list[dict[str, Any]] = field(default_factory=list)
    runner: web.AppRunner | None = None
    made: int = 0
    on_paid: Callable[[], Awaitable[None]] | None = None

    # -- what tests set up and what people do

    def wallet(self, key: str, account: str, *, live: bool = False) -> Wallet:
        self.keys[key] = account
        return self.wallets.setdefault(account, Wallet(account, live))

    def connected(self, account: str, tenant: str) -> Wallet:
        self.wallets[account] = Wallet(account, metadata={"dilo_tenant": tenant})
        return self.wallets[account]

    def pay(self, account: str, session_id: str, **changed: Any) -> str:
        """The payer's card is taken: a payment intent and its charge. ``changed`` is what differs
        from what was asked (amount, currency, metadata)."""
        wallet = self.wallets[account]
        session = wallet.objects[session_id]
        data = session["_intent_data"]
        intent = self._paid_intent(
            wallet,
            changed.get("amount", session["amount_total"]),
            changed.get("currency", session["currency"]),
            changed.get("metadata", data.get("metadata", {})),
        )
        session |= {"status": "complete", "payment_status": "paid", "payment_intent": intent["id"]}
        self._tell(wallet, "payment_intent.succeeded", intent)
        self._tell(wallet, "checkout.session.completed", session)
        return intent["id"]

    def take_money(
        self, account: str, amount: int, currency: str = "uah", metadata: Any = None
    ) -> str:
        """Money that came by no session of ours."""
        intent = self._paid_intent(self.wallets[account], amount, currency, metadata or {})
        self._tell(self.wallets[account], "payment_intent.succeeded", intent)
        return intent["id"]

    def confirm(self, account: str, intent_id: str) -> None:
        wallet = self.wallets[account]
        intent = wallet.objects[intent_id]
        intent |= {"status": "succeeded", "amount_received": intent["amount"]}
        intent["latest_charge"] = self._charge(wallet, intent)["id"]
        self._tell(wallet, "payment_intent.succeeded", intent)

    def expire(self, account: str, session_id: str) -> None:
        session = self.wallets[account].objects[session_id]
        session |= {"status": "expired", "url": None}
        self._tell(self.wallets[account], "checkout.session.expired", session)

    def refund_by_hand(self, account: str, intent_id: str, amount: int) -> str:
        """Somebody pressed the button in the provider's own cabinet."""
        made = self._refund(
            self.wallets[account], {"payment_intent": intent_id, "amount": str(amount)}
        )
        return made["id"]

    def refund_fails(self, account: str, refund_id: str) -> None:
        refund = self.wallets[account].objects[refund_id]
        refund["status"] = "failed"
        self._tell(self.wallets[account], "refund.failed", refund)

    def dispute(self, account: str, intent_id: str, amount: int, fee: int = 1500) -> str:
        wallet = self.wallets[account]
        charge = wallet.objects[wallet.objects[intent_id]["latest_charge"]]
        charge["disputed"] = True
        dispute = self._new(
            wallet,
            "dp",
            stripe.Dispute,
            amount=amount,
            currency=charge["currency"],
            charge=charge["id"],
            payment_intent=intent_id,
            reason="fraudulent",
            status="needs_response",
            metadata={},
            evidence_details={"due_by": int(time.time()) + 7 * 86400},
            balance_transactions=[self._move(wallet, charge["currency"], -amount, fee)],
        )
        self._tell(wallet, "charge.dispute.created", dispute)
        self._tell(wallet, "charge.dispute.funds_withdrawn", dispute)
        return dispute["id"]

    def close_dispute(self, account: str, dispute_id: str, *, won: bool) -> None:
        wallet = self.wallets[account]
        dispute = wallet.objects[dispute_id]
        dispute["status"] = "won" if won else "lost"
        if won:
            moves = dispute["balance_transactions"]
            moves.append(self._move(wallet, dispute["currency"], dispute["amount"], 0))
            self._tell(wallet, "charge.dispute.funds_reinstated", dispute)
        self._tell(wallet, "charge.dispute.closed", dispute)

    def event(self, kind: str, which: int = -1) -> dict[str, Any]:
        return [one for one in self.events if one["type"] == kind][which]

    @staticmethod
    def signed(event: dict[str, Any], secret: str, at: int | None = None) -> tuple[bytes, str]:
        body = json.dumps(event)
        header = stripe.WebhookSignature.generate_signature_header(body, secret, at)
        return body.encode(), header

    # -- what the server does

    async def start(self) -> "StripePeer":
        app = web.Application()
        app.router.add_route("*", "/v1/{tail:.*}", self._called)
        app.router.add_route("*", "/c/pay/{number}", self._checkout_page)
        self.runner = web.AppRunner(app, shutdown_timeout=0.1)
        await self.runner.setup()
        site = web.TCPSite(self.runner, "127.0.0.1", 0)
        await site.start()
        port = site._server.sockets[0].getsockname()[1]  # type: ignore[union-attr]
        self.url = f"http://127.0.0.1:{port}"
        return self

    async def stop(self) -> None:
        if self.runner is not None:
            await self.runner.cleanup()

    async def _checkout_page(self, request: web.Request) -> web.StreamResponse:
        """The provider's own page: a button that pays, then the way back to who sent the payer."""
        wallet, session = next(
            (wallet, found)
            for wallet in self.wallets.values()
            for found in list(wallet.objects.values())
            if str(found.get("url") or "").endswith(request.path)
        )
        if request.method == "POST":
            self.pay(wallet.id, session["id"])
            if self.on_paid is not None:
                await self.on_paid()
            raise web.HTTPSeeOther(session["success_url"])
        amount = f"{session['amount_total'] / 100:.2f} {session['currency']}"
        page = f"<!doctype html><link rel=icon href=data:,><title>Checkout</title><h1>{amount}</h1>"
        button = "<form method=post><button id=pay>Pay</button></form>"
        return web.Response(text=page + button, content_type="text/html")

    async def _called(self, request: web.Request) -> web.StreamResponse:
        text = await request.text()
        given = nested(await request.post()) if request.method == "POST" else nested(request.query)
        path = request.match_info["tail"]
        self.calls.append((request.method, path, given))
        step = self.script.pop(0) if self.script else ""
        if step == "500":
            return web.json_response({"error": {"type": "api_error", "message": "x"}}, status=500)
        key = request.headers.get("idempotency-key", "")
        scoped = f"{request.headers.get('authorization')}|{key}"
        try:
            if request.method == "POST" and not key:
                raise Refused(400, "invalid_request_error", "we always send a key")
            if key and scoped in self.answers:
                body, status, answer = self.answers[scoped]
                if body != text:
                    raise Refused(
                        400, "idempotency_error", "Keys can only be used with the same parameters"
                    )
            else:
                wallet = self._who(request)
                answer, status = self._route(wallet, request.method, path, given), 200
                if key:
                    self.answers[scoped] = (text, status, answer)
        except Refused as refused:
            return web.json_response(refused.body, status=refused.status)
        if step == "hang":
            await asyncio.sleep(0.3)
        if step == "drop":
            assert request.transport is not None
            request.transport.abort()
        return web.json_response(public(answer), status=status)

    def _who(self, request: web.Request) -> Wallet:
        key = request.headers.get("authorization", "").removeprefix("Bearer ")
        account = request.headers.get("stripe-account")
        if key in self.platform_keys:
            if account not in self.wallets:
                raise Refused(403, "invalid_request_error", f"no access to {account}")
            return self.wallets[account]
        if key not in self.keys or account:
            raise Refused(401, "invalid_request_error", f"Invalid API Key provided: {key}")
        return self.wallets[self.keys[key]]

    def _route(self, wallet: Wallet, method: str, path: str, given: dict[str, Any]) -> Any:
        match (method, path.split("/")):
            case ("GET", ["account"]):
                return {
                    "id": wallet.id,
                    "object": "account",
                    "charges_enabled": True,
                    "business_profile": {"name": f"Shop of {wallet.id}"},
                    "metadata": wallet.metadata,
                }
            case ("GET", ["balance"]):
                return {"object": "balance", "livemode": wallet.livemode, "available": []}
            case ("POST", ["checkout", "sessions"]):
                return self._session(wallet, given)
            case ("POST", ["checkout", "sessions", found_id, "expire"]):
                found = self._one(wallet, found_id, {})
                if found["status"] != "open":
                    raise Refused(400, "invalid_request_error", "Only open sessions expire")
                self.expire(wallet.id, found_id)
                return found
            case ("POST", ["payment_intents", found_id, "cancel"]):
                found = self._one(wallet, found_id, {})
                if found["status"] in ("succeeded", "canceled"):
                    raise Refused(400, "invalid_request_error", "It is over already")
                found["status"] = "canceled"
                return found
            case ("POST", ["payment_intents"]):
                return self._intent(wallet, given)
            case ("GET", ["payment_intents", "search"]):
                found = [
                    o
                    for o in wallet.objects.values()
                    if o["object"] == "payment_intent"
                    and o["metadata"].get("dilo_request", "?") in given["query"]
                ]
                return {"object": "search_result", "data": found, "has_more": False, "url": "/"}
            case ("POST", ["refunds"]):
                known(given, allowed(RefundCreateParams))
                return self._refund(wallet, given)
            case ("GET", ["refunds" | "disputes" as which]):
                kind = which[:-1]
                found = [
                    o
                    for o in wallet.objects.values()
                    if o["object"] == kind and o["payment_intent"] == given["payment_intent"]
                ]
                return {"object": "list", "data": found, "has_more": False, "url": f"/v1/{which}"}
            case ("GET", ["checkout", "sessions", found_id] | [_, found_id]):
                return self._one(wallet, found_id, given)
        raise Refused(404, "invalid_request_error", f"Unrecognized request URL {path}")

    def _one(self, wallet: Wallet, object_id: str, given: dict[str, Any]) -> dict[str, Any]:
        found = wallet.objects.get(object_id)
        if found is None:
            raise Refused(404, "invalid_request_error", f"No such object: {object_id}")
        if "latest_charge.balance_transaction" in dict(given.get("expand", {})).values():
            charge = wallet.objects.get(found.get("latest_charge") or "")
            if charge:
                moved = wallet.objects[charge["balance_transaction"]]
                return found | {"latest_charge": charge | {"balance_transaction": moved}}
        return found

    def _session(self, wallet: Wallet, given: dict[str, Any]) -> dict[str, Any]:
        known(given, allowed(SessionCreateParams))
        lines = list(given["line_items"].values())
        for line in lines:
            known(line, set(SessionCreateParamsLineItem.__annotations__))
            known(line["price_data"], set(SessionCreateParamsLineItemPriceData.__annotations__))
        data = given.get("payment_intent_data", {})
        known(data, set(SessionCreateParamsPaymentIntentData.__annotations__))
        if given["mode"] != "payment" or not given["success_url"].startswith("http"):
            raise Refused(400, "invalid_request_error", "mode or success_url")
        now = time.time()
        if not now + 1790 <= int(given["expires_at"]) <= now + 86400:
            raise Refused(400, "invalid_request_error", "expires_at must be 30 min to 24 h away")
        total = sum(int(x["price_data"]["unit_amount"]) * int(x["quantity"]) for x in lines)
        made = self._new(
            wallet,
            "cs_test",
            stripe.checkout.Session,
            amount_total=total,
            currency=lines[0]["price_data"]["currency"],
            mode="payment",
            status="open",
            payment_status="unpaid",
            payment_intent=None,
            metadata=given.get("metadata", {}),
            client_reference_id=given.get("client_reference_id"),
            success_url=given["success_url"],
            cancel_url=given.get("cancel_url"),
            expires_at=int(given["expires_at"]),
            url=f"{self.url}/c/pay/{self.made}",
        )
        made["_intent_data"] = data
        return made

    def _intent(self, wallet: Wallet, given: dict[str, Any]) -> dict[str, Any]:
        known(given, allowed(PaymentIntentCreateParams))
        made = self._new(
            wallet,
            "pi",
            stripe.PaymentIntent,
            amount=int(given["amount"]),
            amount_received=0,
            currency=given["currency"],
            status="requires_payment_method",
            metadata=given.get("metadata", {}),
            latest_charge=None,
        )
        made["client_secret"] = f"{made['id']}_secret_x"
        return made

    def _paid_intent(
        self, wallet: Wallet, amount: int, currency: str, metadata: Any
    ) -> dict[str, Any]:
        intent = self._new(
            wallet,
            "pi",
            stripe.PaymentIntent,
            amount=amount,
            amount_received=amount,
            currency=currency,
            status="succeeded",
            metadata=dict(metadata),
            latest_charge=None,
        )
        intent["latest_charge"] = self._charge(wallet, intent)["id"]
        return intent

    def _charge(self, wallet: Wallet, intent: dict[str, Any]) -> dict[str, Any]:
        amount = intent["amount"]
        fee = amount * FEE_PERCENT // 100 + FEE_FIXED
        return self._new(
            wallet,
            "ch",
            stripe.Charge,
            amount=amount,
            amount_refunded=0,
            currency=intent["currency"],
            payment_intent=intent["id"],
            paid=True,
            refunded=False,
            disputed=False,
            billing_details={"email": "payer@example.com"},
            balance_transaction=self._move(wallet, intent["currency"], amount, fee)["id"],
            metadata=intent["metadata"],
        )

    def _move(self, wallet: Wallet, currency: str, amount: int, fee: int) -> dict[str, Any]:
        return self._new(
            wallet,
            "txn",
            stripe.BalanceTransaction,
            amount=amount,
            fee=fee,
            net=amount - fee,
            currency=currency,
        )

    def _refund(self, wallet: Wallet, given: dict[str, Any]) -> dict[str, Any]:
        intent = wallet.objects.get(given["payment_intent"])
        if intent is None or not intent["latest_charge"]:
            raise Refused(404, "invalid_request_error", "No such payment_intent")
        charge = wallet.objects[intent["latest_charge"]]
        left = charge["amount"] - charge["amount_refunded"]
        amount = int(given.get("amount", left))
        if not 0 < amount <= left:
            raise Refused(
                400,
                "invalid_request_error",
                f"Refund amount ({amount}) is greater than unrefunded amount ({left})",
                code="charge_already_refunded",
            )
        charge["amount_refunded"] += amount
        charge["refunded"] = charge["amount_refunded"] == charge["amount"]
        refund = self._new(
            wallet,
            "re",
            stripe.Refund,
            amount=amount,
            currency=charge["currency"],
            charge=charge["id"],
            payment_intent=intent["id"],
            status="succeeded",
            reason=given.get("reason"),
            metadata=given.get("metadata", {}),
        )
        self._tell(wallet, "charge.refunded", charge)
        self._tell(wallet, "refund.created", refund)
        return refund

    def _new(self, wallet: Wallet, prefix: str, shape: Any, **fields: Any) -> dict[str, Any]:
        self.made += 1
        made = {
            "id": f"{prefix}_{self.made:08d}{wallet.id[-6:]}",
            "object": shape.OBJECT_NAME,
            "created": int(time.time()),
        } | fields
        if "livemode" in shape.__annotations__:
            made["livemode"] = wallet.livemode
        strange = set(made) - set(shape.__annotations__) - {"object", "fee"}
        assert not strange, f"Stripe's {shape.__name__} has no {strange}"
        wallet.objects[made["id"]] = made
        return made

    def _tell(self, wallet: Wallet, kind: str, about: dict[str, Any]) -> None:
        self.made += 1
        event = {
            "id": f"evt_{self.made:08d}{wallet.id[-6:]}",
            "object": "event",
            "type": kind,
            "created": int(time.time()),
            "livemode": wallet.livemode,
            "api_version": stripe.api_version,
            "pending_webhooks": 1,
            "request": None,
            "data": {"object": json.loads(json.dumps(public(about)))},
        }
        if wallet.metadata.get("dilo_tenant"):
            event["account"] = wallet.id
        self.events.append(event)


def public(found: Any) -> Any:
    """Without what only the peer remembers."""
    if isinstance(found, dict):
        return {k: public(v) for k, v in found.items() if not str(k).startswith("_")}
    return [public(one) for one in found] if isinstance(found, list) else found


def known(given: dict[str, Any], names: set[str]) -> None:
    for name in given:
        if name not in names:
            raise Refused(
                400, "invalid_request_error", f"Received unknown parameter: {name}", param=name
            )


def nested(flat: Any) -> dict[str, Any]:
    """``a[b][0]=c`` as Stripe reads it."""
    made: dict[str, Any] = {}
    for name, value in flat.items():
        parts = name.replace("]", "").split("[")
        place = made
        for part in parts[:-1]:
            place = place.setdefault(part, {})
        place[parts[-1]] = value
    return made

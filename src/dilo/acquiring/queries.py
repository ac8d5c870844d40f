"""Reads of card payments: requests, attempts, money taken, refunds, disputes, quarantine."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from dilo.kit import clock, db
from dilo.kit.paging import Page, Paging

REQUEST = """
SELECT r.id, r.token, r.party_id, p.name AS party_name, r.purpose, r.subject, r.amount, r.currency,
  r.wishes, r.order_id, r.shipment_id, r.back, r.state, r.payment_id, r.outcome, r.asked_by,
  r.asked_at, r.expires_at, r.paid_at
FROM pay_request r JOIN party p ON p.id = r.party_id
"""
ATTEMPT = """
SELECT id, pay_request_id, account_id, kind, body, state, external_id, intent_id, address, problem,
  asked_at, looked_at
FROM pay_attempt
"""
CARD_PAYMENT = """
SELECT c.id, c.intent_id, c.charge_id, c.party_id, p.name AS party_name, c.payment_id, y.number,
  c.amount, c.currency, c.fee_amount, c.taken_at, c.pay_request_id,
  (SELECT coalesce(sum(f.amount), 0) FROM card_refund f
    WHERE f.tenant_id = c.tenant_id AND f.card_payment_id = c.id AND f.state IN ('asked','posted'))
    AS refunded_amount,
  (SELECT coalesce(sum(d.amount), 0) FROM card_dispute d
    WHERE d.tenant_id = c.tenant_id AND d.card_payment_id = c.id AND d.withdrawn_id IS NOT NULL
      AND d.returned_id IS NULL) AS disputed_amount
FROM card_payment c JOIN party p ON p.id = c.party_id JOIN payment y ON y.id = c.payment_id
"""
CARD_PAYMENTS = f"""
SELECT t.*, count(*) OVER () AS total_rows FROM ({CARD_PAYMENT}
  WHERE (:search = '' OR strpos(p.search, :search) > 0 OR strpos(lower(y.number), :search) > 0
    OR strpos(lower(c.intent_id), :search) > 0)) t
WHERE :only = '' OR :only = 'refunded' AND t.refunded_amount > 0
  OR :only = 'disputed' AND EXISTS (SELECT 1 FROM card_dispute d WHERE d.card_payment_id = t.id)
"""
SORTS = {
    "taken": "t.taken_at",
    "party": "t.party_name",
    "amount": "t.amount",
    "number": "t.number",
}
REFUNDS = """
SELECT id, amount, reason, state, external_id, payment_id, problem, asked_by, asked_at
FROM card_refund WHERE card_payment_id = :id ORDER BY asked_at DESC
"""
DISPUTES = """
SELECT id, external_id, amount, fee_amount, reason, state, answer_by, withdrawn_id, returned_id,
  opened_at, closed_at
FROM card_dispute WHERE card_payment_id = :id ORDER BY opened_at DESC
"""
QUARANTINE = """
SELECT q.id, q.intent_id, q.reason, q.amount, q.currency, q.asked_amount, q.asked_currency,
  q.payer, q.state, q.payment_id, q.note, q.decided_by, q.decided_at, q.found_at,
  q.pay_request_id, r.party_id, p.name AS party_name, p.code AS party_code, q.account_id
FROM card_quarantine q LEFT JOIN pay_request r ON r.id = q.pay_request_id
LEFT JOIN party p ON p.id = r.party_id
"""
QUARANTINED = f"""
{QUARANTINE} WHERE :state = '' OR q.state = :state ORDER BY q.state <> 'waiting', q.found_at DESC
LIMIT 200
"""
REQUESTS = f"""
SELECT t.*, count(*) OVER () AS total_rows FROM ({REQUEST}
  WHERE (:search = '' OR strpos(p.search, :search) > 0 OR strpos(lower(r.subject), :search) > 0)
  AND (:state = '' OR :state = CASE WHEN r.state = 'open' AND r.expires_at <= :now THEN 'expired'
    ELSE r.state END)) t
"""
REQUEST_SORTS = {"asked": "t.asked_at", "party": "t.party_name", "amount": "t.amount"}
WAITING = "SELECT count(*) FROM card_quarantine WHERE state = 'waiting'"


@dataclass(frozen=True, slots=True)
class PayRequest:
    id: UUID
    token: str
    party_id: UUID
    party_name: str
    purpose: str
    subject: str
    amount: Decimal
    currency: str
    wishes: list[list[str]]
    order_id: UUID | None
    shipment_id: UUID | None
    back: str
    state: str
    payment_id: UUID | None
    outcome: dict[str, Any]
    asked_by: str
    asked_at: datetime
    expires_at: datetime
    paid_at: datetime | None

    @property
    def expired(self) -> bool:
        return self.state == "open" and self.expires_at <= clock.now()

    @property
    def stands(self) -> str:
        return "expired" if self.expired else self.state

    @property
    def payable(self) -> bool:
        return self.state == "open" and not self.expired


@dataclass(frozen=True, slots=True)
class Attempt:
    id: UUID
    pay_request_id: UUID
    account_id: str
    kind: str
    body: dict[str, Any]
    state: str
    external_id: str | None
    intent_id: str | None
    address: str | None
    problem: str | None
    asked_at: datetime
    looked_at: datetime | None


@dataclass(frozen=True, slots=True)
class CardPayment:
    id: UUID
    intent_id: str
    charge_id: str | None
    party_id: UUID
    party_name: str
    payment_id: UUID
    number: str
    amount: Decimal
    currency: str
    fee_amount: Decimal | None
    taken_at: datetime
    pay_request_id: UUID | None
    refunded_amount: Decimal
    disputed_amount: Decimal

    @property
    def left_amount(self) -> Decimal:
        """What may still be given back."""
        return self.amount - self.refunded_amount - self.disputed_amount


async def request(request_id: UUID) -> PayRequest:
    return await db.one_as(PayRequest, f"{REQUEST} WHERE r.id = :id", id=request_id)


async def request_or_none(request_id: UUID) -> PayRequest | None:
    return await db.one_or_none_as(PayRequest, f"{REQUEST} WHERE r.id = :id", id=request_id)


async def request_of_token(token: str) -> PayRequest:
    """Raises NOT_FOUND, also for another company's."""
    return await db.one_as(PayRequest, f"{REQUEST} WHERE r.token = :token", token=token)


async def requests_of(party_id: UUID, most: int = 20) -> list[PayRequest]:
    return await db.rows_as(
        PayRequest,
        f"{REQUEST} WHERE r.party_id = :party_id ORDER BY r.asked_at DESC LIMIT :most",
        party_id=party_id,
        most=most,
    )


async def requests(paging: Paging, *, search: str = "", state: str = "") -> Page[PayRequest]:
    order = paging.order_by(REQUEST_SORTS, "asked") if paging.sort else "t.asked_at DESC"
    found = await db.rows(
        f"{REQUESTS} ORDER BY {order}, t.id DESC LIMIT :size OFFSET :offset",
        search=search.lower().strip(),
        state=state,
        now=clock.now(),
        size=paging.size,
        offset=paging.offset,
    )
    return db.page_of(PayRequest, found, paging)


async def attempt(attempt_id: UUID) -> Attempt:
    return await db.one_as(Attempt, f"{ATTEMPT} WHERE id = :id", id=attempt_id)


async def live_attempts(request_id: UUID) -> list[Attempt]:
    return await db.rows_as(
        Attempt,
        f"{ATTEMPT} WHERE pay_request_id = :id AND state IN ('asked','open') ORDER BY asked_at",
        id=request_id,
    )


async def attempts_to_look_at(before: datetime, most: int = 50) -> list[Attempt]:
    """Live ones nobody has looked at since."""
    return await db.rows_as(
        Attempt,
        f"{ATTEMPT} WHERE state IN ('asked','open') AND coalesce(looked_at, asked_at) < :before"
        " ORDER BY asked_at LIMIT :most",
        before=before,
        most=most,
    )


async def card_payment(card_id: UUID) -> CardPayment:
    return await db.one_as(CardPayment, f"{CARD_PAYMENT} WHERE c.id = :id", id=card_id)


async def card_payment_of_intent(intent_id: str) -> CardPayment | None:
    return await db.one_or_none_as(
        CardPayment, f"{CARD_PAYMENT} WHERE c.intent_id = :id", id=intent_id
    )


async def card_payments(paging: Paging, *, search: str = "", only: str = "") -> Page[CardPayment]:
    order = paging.order_by(SORTS, "taken") if paging.sort else "t.taken_at DESC"
    found = await db.rows(
        f"{CARD_PAYMENTS} ORDER BY {order}, t.id DESC LIMIT :size OFFSET :offset",
        search=search.lower().strip(),
        only=only,
        size=paging.size,
        offset=paging.offset,
    )
    return db.page_of(CardPayment, found, paging)


async def refunds_of(card_id: UUID) -> list[db.Row]:
    return await db.rows(REFUNDS, id=card_id)


async def disputes_of(card_id: UUID) -> list[db.Row]:
    return await db.rows(DISPUTES, id=card_id)


async def quarantined(state: str = "") -> list[db.Row]:
    return await db.rows(QUARANTINED, state=state)


async def quarantine(quarantine_id: UUID) -> db.Row:
    return await db.one(f"{QUARANTINE} WHERE q.id = :id", id=quarantine_id)


async def waiting_count() -> int:
    return await db.value(WAITING)

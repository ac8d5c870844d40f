"""Placing an order from any door: priced here, judged here, written whole or not at all."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any
from uuid import UUID

import msgspec

from dilo.kit import clock, db
from dilo.kit.errors import Refusal
from dilo.kit.ids import uuid7, uuid_or_none
from dilo.kit.money import AMOUNT_MAX, ZERO, line_amount
from dilo.orders.actions.decision import ask_own_company, judge, kept, line_facts, own_party
from dilo.orders.commands import LINES_MAX, QUANTITY_MAX, LineInput, Placed, PlaceOrder, Promised
from dilo.orders.facts import CONFIRMATION, DISPATCH, Verdict
from dilo.orders.queries import Terms, last_verdicts, terms_of
from dilo.orders.rules import passes
from dilo.pricing.queries import Buyer, Priced, priced
from dilo.promotions import accruals
from dilo.promotions.rules import Given, Reduced
from dilo.receivables.actions import Balance, lock_balance
from dilo.stock.actions import Wanted, lock_levels, reserve
from tenants.actors import Actor
from tenants.scope import current_tenant

BY_KEY = """
SELECT id, number, state, total, currency, request_hash FROM sales_order WHERE key = :key
"""
# One statement, one round trip: the number is taken last, so its row is locked only to commit.
INSERT = """
WITH numbered AS (
  INSERT INTO number_series AS s (series, last_number) VALUES ('order', 1)
  ON CONFLICT (tenant_id, series) DO UPDATE SET last_number = s.last_number + 1
  RETURNING last_number),
placed AS (
  INSERT INTO sales_order (id, number, party_id, agreement_id, warehouse_id, state, door, currency,
    total, ship_on, comment, placed_by, placed_by_id, key, request_hash, submitted_at, confirmed_at)
  SELECT :id, 'SO-' || lpad(last_number::text, 6, '0'), :party_id, :agreement_id, :warehouse_id,
    :state, :door, :currency, :total, :ship_on, :comment, :placed_by, :placed_by_id, :key,
    :request_hash, CASE WHEN :state <> 'draft' THEN CAST(:now AS timestamptz) END,
    CASE WHEN :state = 'confirmed' THEN CAST(:now AS timestamptz) END
  FROM numbered RETURNING id, number),
lined AS (
  INSERT INTO sales_order_line (id, order_id, line_no, product_id, quantity, unit, price,
    price_source, amount, comment)
  SELECT l.id, :id, l.line_no, l.product_id, l.quantity, l.unit, l.price, l.source::jsonb,
    l.amount, l.comment
  FROM unnest(:line_ids::uuid[], :line_nos::int[], :products::uuid[], :quantities::numeric[],
    :units::text[], :prices::numeric[], :sources::text[], :amounts::numeric[], :comments::text[])
    AS l(id, line_no, product_id, quantity, unit, price, source, amount, comment)),
judged AS (
  INSERT INTO evaluation (order_id, stage, passed, verdicts)
  SELECT :id, 'confirmation', :state = 'confirmed', :verdicts WHERE :state <> 'draft'),
exposed AS (
  UPDATE party_balance SET confirmed = confirmed + :total
  WHERE party_id = :party_id AND currency = :currency AND :state = 'confirmed'),
noted AS (
  INSERT INTO audit_event (actor_kind, actor_id, actor_name, verb, subject_kind, subject_id, after)
  VALUES (:actor_kind, :placed_by_id, :placed_by, 'orders.place', 'sales_order', :id,
    jsonb_build_object('state', :state::text, 'total', :total::text, 'door', :door::text)))
SELECT number FROM placed
"""


@dataclass(frozen=True, slots=True)
class NewLine:
    """A line about to be written: what was asked, at whose price, less what promotions gave."""

    id: UUID
    line_no: int
    found: Priced
    quantity: Decimal
    price: Decimal
    amount: Decimal
    comment: str | None
    promised_by: str | None = None
    given: tuple[Given, ...] = ()

    @property
    def list_amount(self) -> Decimal:
        """Before promotions."""
        return self.amount + sum((one.amount for one in self.given), ZERO)

    @property
    def product_id(self) -> UUID:
        assert self.found.product_id is not None
        return self.found.product_id


async def place_order(
    actor: Actor, command: PlaceOrder, promised: Promised | None = None
) -> Placed:
    """One transaction: price, judge, reserve, write. The same key gives the same order again.

    ``promised``: prices the house has given its word on (a quote), whatever the lists say now; the
    gates are asked all the same.

    Returns Placed: confirmed, on_hold with verdicts, or draft. Raises FORBIDDEN, NOT_FOUND,
    EMPTY_ORDER, TOO_MANY_LINES, QUANTITY_BAD, UNKNOWN_PRODUCTS, NO_PRICE, NO_WAREHOUSE,
    KEY_REUSED, and what promotions say: PROMOTION_SPENT, COUPON_UNKNOWN, COUPON_USED and the like.
    """
    actor.require("orders.submit" if command.submit else "orders.edit")
    own_party(actor, command.party_id)
    asked = [command, promised] if promised else command
    request = hashlib.sha256(msgspec.json.encode(asked)).digest()
    repeated = await _placed_before(command.key, request)
    if repeated:
        return repeated
    terms = await terms_of(command.party_id, current_tenant().today(), command.warehouse_id)
    lines = await price_lines(terms, command.lines, command.by, promised, command.coupon)
    if not command.submit:
        return await _write(actor, command, terms, lines, request, "draft", [])
    balance = await lock_balance(terms.party_id, terms.currency)
    repeated = await _placed_before(command.key, request)
    if repeated:
        return repeated
    verdicts = await _judged(terms, lines, balance, buyer_id(actor))
    state = "confirmed" if passes(verdicts) else "on_hold"
    placed = await _write(actor, command, terms, lines, request, state, verdicts)
    if state == "confirmed" or (command.keep_stock and not short_of_stock(verdicts)):
        await reserve(warehouse_of(terms), wanted_of(lines))
    await ask_own_company(placed.id, terms.party_id, buyer_id(actor), placed.total, verdicts)
    return placed


def buyer_id(actor: Actor) -> UUID | None:
    """Whose orders his own company may have rules for: an outsider's."""
    return actor.id if actor.on_behalf_of is not None else None


async def preview_order(actor: Actor, command: PlaceOrder) -> tuple[list[NewLine], list[Verdict]]:
    """What would happen: the same prices and gates, nothing written, nothing kept."""
    own_party(actor, command.party_id)
    terms = await terms_of(command.party_id, current_tenant().today(), command.warehouse_id)
    lines = await price_lines(terms, command.lines, command.by, None, command.coupon)
    balance = await lock_balance(terms.party_id, terms.currency)
    return lines, await _judged(terms, lines, balance, buyer_id(actor))


async def credit_standing(actor: Actor, party_id: UUID) -> list[Verdict]:
    """What credit says before anything is ordered: why blocked, and what unblocks."""
    own_party(actor, party_id)
    terms = await terms_of(party_id, current_tenant().today())
    balance = await lock_balance(party_id, terms.currency)
    return await judge(terms, balance, (), ZERO, stage=DISPATCH, order_id=None)


def short_of_stock(verdicts: Sequence[Verdict]) -> bool:
    return any(v.gate == "STOCK" and not v.passed for v in verdicts)


def warehouse_of(terms: Terms) -> UUID:
    if terms.warehouse_id is None:
        raise Refusal("NO_WAREHOUSE")
    return terms.warehouse_id


def buyer_of(terms: Terms) -> Buyer:
    return Buyer(terms.party_id, terms.currency, terms.segment, terms.city, terms.agreement_id)


async def price_lines(
    terms: Terms,
    asked: Sequence[LineInput],
    by: str,
    promised: Promised | None = None,
    coupon: str | None = None,
) -> list[NewLine]:
    """Everyone's own price in one query, less promotions. Raises what place_order says of lines.

    A promised price is the last word: no promotion is taken off it.
    """
    if not asked:
        raise Refusal("EMPTY_ORDER", status=422)
    if len(asked) > LINES_MAX:
        raise Refusal("TOO_MANY_LINES", status=422, most=LINES_MAX)
    for line in asked:
        amount = line.quantity
        if not amount.is_finite() or not 0 < amount <= QUANTITY_MAX or amount != round(amount, 4):
            raise Refusal("QUANTITY_BAD", status=422, product=line.product)
        if by == "id" and uuid_or_none(line.product) is None:
            raise Refusal("UNKNOWN_PRODUCTS", status=422, codes=line.product)
    refs: list[tuple[UUID | str, Decimal]] = [
        (UUID(line.product) if by == "id" else line.product.strip(), line.quantity)
        for line in asked
    ]
    found = await priced(buyer_of(terms), refs)
    unknown = [one.ref for one in found if one.product_id is None]
    if unknown:
        raise Refusal("UNKNOWN_PRODUCTS", status=422, codes=", ".join(unknown[:20]))
    unpriced = [one.code or one.ref for one in found if one.price is None and not promised]
    if unpriced:
        raise Refusal("NO_PRICE", status=422, codes=", ".join(unpriced[:20]))
    lines = [
        _new_line(n, one, line, promised)
        for n, (one, line) in enumerate(zip(found, asked, strict=True), start=1)
    ]
    if total_of(lines) > AMOUNT_MAX:
        raise Refusal("QUANTITY_BAD", status=422, product=lines[0].found.code)
    return lines if promised else await _reduced(terms, lines, coupon)


async def _reduced(terms: Terms, lines: list[NewLine], coupon: str | None) -> list[NewLine]:
    """Promotions and the coupon: the same for every door, because every door comes here."""
    found = await accruals.reduce(
        [Reduced(line.quantity, line.amount, line.found.kind != "service") for line in lines],
        [line.product_id for line in lines],
        terms.segment,
        current_tenant().today(),
        coupon,
    )
    return [
        replace(line, price=less.price, amount=less.amount, given=less.given)
        if less.given
        else line
        for line, less in zip(lines, found, strict=True)
    ]


def _new_line(line_no: int, found: Priced, asked: LineInput, promised: Promised | None) -> NewLine:
    price = promised.prices[line_no - 1] if promised else found.price or ZERO
    amount = line_amount(asked.quantity, price)
    by = promised.by if promised else None
    return NewLine(uuid7(), line_no, found, asked.quantity, price, amount, asked.comment, by)


def total_of(lines: Sequence[NewLine]) -> Decimal:
    return sum((line.amount for line in lines), ZERO)


def wanted_of(lines: Sequence[NewLine]) -> list[Wanted]:
    return [
        Wanted(line.id, line.product_id, line.quantity)
        for line in lines
        if line.found.kind != "service"
    ]


async def _judged(
    terms: Terms, lines: Sequence[NewLine], balance: Balance, buyer: UUID | None
) -> list[Verdict]:
    levels = await lock_levels(warehouse_of(terms), [line.product_id for line in lines])
    facts = [
        line_facts(
            line.line_no,
            line.found.code or "",
            line.found.kind or "goods",
            line.quantity,
            line.price,
            line.amount,
            line.found.floor,
            levels.get(line.product_id),
        )
        for line in lines
    ]
    return await judge(
        terms,
        balance,
        facts,
        total_of(lines),
        stage=CONFIRMATION,
        order_id=None,
        buyer_id=buyer,
    )


async def _placed_before(key: str, request: bytes) -> Placed | None:
    row = await db.one_or_none(BY_KEY, key=key)
    if row is None:
        return None
    if row["request_hash"] != request:
        raise Refusal("KEY_REUSED")
    return Placed(
        row["id"],
        row["number"],
        row["state"],
        row["total"],
        row["currency"],
        await last_verdicts(row["id"]),
        repeated=True,
    )


def source_of(line: NewLine) -> dict[str, Any]:
    """What gave the price and what promotions took off; beside a promise, the list."""
    found = line.found
    promise = {"promise": line.promised_by, "list_price": str(found.price or "")}
    source: dict[str, Any] = (promise if line.promised_by else {}) | {
        "list": found.list_code,
        "scope": found.scope,
        "from": str(found.min_quantity) if found.min_quantity is not None else None,
    }
    if line.given:
        source["list_amount"] = str(line.list_amount)
        source["given"] = str(line.list_amount - line.amount)
        source["promotions"] = [{"name": g.name, "amount": str(g.amount)} for g in line.given]
    return source


async def accrue(order_id: UUID, party_id: UUID, lines: Sequence[NewLine]) -> None:
    await accruals.accrue(
        order_id, party_id, [(line.line_no, line.product_id, line.given) for line in lines]
    )


def given_of(lines: Sequence[NewLine]) -> list[Given]:
    return [one for line in lines for one in line.given]


def line_columns(lines: Sequence[NewLine]) -> dict[str, object]:
    return {
        "line_ids": [line.id for line in lines],
        "line_nos": [line.line_no for line in lines],
        "products": [line.product_id for line in lines],
        "quantities": [line.quantity for line in lines],
        "units": [line.found.unit for line in lines],
        "prices": [line.price for line in lines],
        "sources": [msgspec.json.encode(source_of(line)).decode() for line in lines],
        "amounts": [line.amount for line in lines],
        "comments": [line.comment for line in lines],
    }


async def _write(
    actor: Actor,
    command: PlaceOrder,
    terms: Terms,
    lines: Sequence[NewLine],
    request: bytes,
    state: str,
    verdicts: Sequence[Verdict],
) -> Placed:
    order_id, total = uuid7(), total_of(lines)
    await accruals.spend(terms.party_id, given_of(lines))
    number = await db.value(
        INSERT,
        id=order_id,
        party_id=terms.party_id,
        agreement_id=terms.agreement_id,
        warehouse_id=warehouse_of(terms),
        state=state,
        door=command.door,
        currency=terms.currency,
        total=total,
        ship_on=command.ship_on,
        comment=command.comment,
        placed_by=actor.name,
        placed_by_id=actor.id,
        actor_kind=actor.kind,
        key=command.key,
        request_hash=request,
        now=clock.now(),
        verdicts=kept(verdicts),
        **line_columns(lines),
    )
    await accrue(order_id, terms.party_id, lines)
    return Placed(order_id, number, state, total, terms.currency, list(verdicts))

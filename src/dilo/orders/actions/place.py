"""Placing an order from any door: priced here, judged here, written whole or not at all."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

import msgspec

from dilo.catalogue.shelf import only_seen
from dilo.kit import clock, db
from dilo.kit.errors import Refusal
from dilo.kit.ids import uuid7
from dilo.kit.money import ZERO
from dilo.orders.actions.decision import ask_own_company, judge, kept, own_party
from dilo.orders.actions.lines import NewLine as NewLine
from dilo.orders.actions.lines import (
    accrue,
    given_of,
    line_columns,
    line_facts_of,
    price_lines,
    total_of,
    wanted_of,
)
from dilo.orders.actions.lines import buyer_of as buyer_of
from dilo.orders.commands import (
    COMMENT_MAX,
    TEXTS_MAX,
    WAITING,
    LineInput,
    Placed,
    PlaceOrder,
    Promised,
)
from dilo.orders.facts import CONFIRMATION, DISPATCH, Verdict
from dilo.orders.outward import outward
from dilo.orders.policy import order_policy
from dilo.orders.queries import Terms, last_verdicts, terms_of
from dilo.orders.rules import passes
from dilo.promotions import accruals
from dilo.receivables.actions import Balance, lock_balance
from dilo.stock.actions import Level, lock_levels, reserve_or_wait, split
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
    total, ship_on, comment, placed_by, placed_by_id, key, request_hash, submitted_at, confirmed_at,
    reference, delivery_method, delivery_to, shortage)
  SELECT :id, 'SO-' || lpad(last_number::text, 6, '0'), :party_id, :agreement_id, :warehouse_id,
    :state, :door, :currency, :total, :ship_on, :comment, :placed_by, :placed_by_id, :key,
    :request_hash, CASE WHEN :state <> 'draft' THEN CAST(:now AS timestamptz) END,
    CASE WHEN :state = 'confirmed' THEN CAST(:now AS timestamptz) END,
    :reference, :delivery_method, :delivery_to, :shortage
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
    jsonb_build_object('state', :state::text, 'total', :total::text, 'door', :door::text))),
told AS (
  INSERT INTO outbox (channel, kind, dedupe_key, payload, priority)
  SELECT 'event', 'order_placed', 'order_placed:' || :id,
    jsonb_build_object('order_id', CAST(:id AS uuid)), 4
  WHERE :state <> 'draft' AND EXISTS (SELECT 1 FROM staff_chat WHERE chat_id IS NOT NULL))
SELECT number FROM placed
"""


async def place_order(
    actor: Actor, command: PlaceOrder, promised: Promised | None = None
) -> Placed:
    """One transaction: price, judge, reserve, write. The same key gives the same order again.

    ``promised``: prices the house has given its word on (a quote), whatever the lists say now; the
    gates are asked all the same.

    Returns Placed: confirmed, on_hold with verdicts, or draft. Raises FORBIDDEN, NOT_FOUND,
    EMPTY_ORDER, TOO_MANY_LINES, QUANTITY_BAD, UNKNOWN_PRODUCTS, NO_PRICE, NO_WAREHOUSE,
    KEY_REUSED, BACK_ORDERS_OFF, NOTHING_ON_SHELF, TEXT_TOO_LONG, and what promotions say:
    PROMOTION_SPENT, COUPON_UNKNOWN, COUPON_USED and the like.
    """
    actor.require("orders.submit" if command.submit else "orders.edit")
    own_party(actor, command.party_id)
    _check_texts(command)
    if not (promised and promised.final):
        await only_seen(actor, [line.product for line in command.lines], command.by)
    asked = [command, promised] if promised else command
    request = hashlib.sha256(msgspec.json.encode(asked)).digest()
    repeated = await _placed_before(actor, command.key, request)
    if repeated:
        return repeated
    terms = await terms_of(command.party_id, current_tenant().today(), command.warehouse_id)
    lines = await price_lines(terms, command.lines, command.by, promised, command.coupon)
    if not command.submit:
        return await _write(actor, command, terms, lines, request, "draft", [])
    balance = await lock_balance(terms.party_id, terms.currency)
    repeated = await _placed_before(actor, command.key, request)
    if repeated:
        return repeated
    judged = await judged_lines(terms, command, lines, balance, promised, buyer_id(actor))
    verdicts = judged.verdicts
    state = "confirmed" if passes(verdicts) else "on_hold"
    placed = await _write(actor, command, terms, judged.lines, request, state, verdicts)
    keep = command.keep_stock and command.shortage not in WAITING and not short_of_stock(verdicts)
    if state == "confirmed" or keep:
        await reserve_or_wait(warehouse_of(terms), wanted_of(judged.lines), judged.levels)
    await ask_own_company(placed.id, terms.party_id, buyer_id(actor), placed.total, verdicts)
    return msgspec.structs.replace(placed, verdicts=told_to(actor, terms, verdicts))


def told_to(actor: Actor, terms: Terms, verdicts: Sequence[Verdict]) -> list[Verdict]:
    """As they are said to this one: an outsider learns no more than he may."""
    inside = actor.on_behalf_of is None
    return list(verdicts) if inside else outward(verdicts, terms.stock_view, terms.is_member)


def buyer_id(actor: Actor) -> UUID | None:
    """Whose orders his own company may have rules for: an outsider's."""
    return actor.id if actor.on_behalf_of is not None else None


def _check_texts(command: PlaceOrder) -> None:
    for field, most in TEXTS_MAX.items():
        if len(getattr(command, field) or "") > most:
            raise Refusal("TEXT_TOO_LONG", status=422, field=field, most=most)
    if any(len(line.comment or "") > COMMENT_MAX for line in command.lines):
        raise Refusal("TEXT_TOO_LONG", status=422, field="comment", most=COMMENT_MAX)


async def preview_order(
    actor: Actor, command: PlaceOrder, promised: Promised | None = None
) -> tuple[list[NewLine], list[Verdict]]:
    """What would happen: the same prices and gates, nothing written, nothing kept."""
    own_party(actor, command.party_id)
    await only_seen(actor, [line.product for line in command.lines], command.by)
    terms = await terms_of(command.party_id, current_tenant().today(), command.warehouse_id)
    lines = await price_lines(terms, command.lines, command.by, promised, command.coupon)
    balance = await lock_balance(terms.party_id, terms.currency)
    judged = await judged_lines(terms, command, lines, balance, promised, buyer_id(actor))
    return judged.lines, told_to(actor, terms, judged.verdicts)


async def credit_standing(actor: Actor, party_id: UUID) -> list[Verdict]:
    """What credit says before anything is ordered: why blocked, and what unblocks."""
    own_party(actor, party_id)
    terms = await terms_of(party_id, current_tenant().today())
    balance = await lock_balance(party_id, terms.currency)
    verdicts = await judge(terms, balance, (), ZERO, stage=DISPATCH, order_id=None)
    return told_to(actor, terms, verdicts)


def short_of_stock(verdicts: Sequence[Verdict]) -> bool:
    return any(v.gate == "STOCK" and not v.passed for v in verdicts)


def warehouse_of(terms: Terms) -> UUID:
    if terms.warehouse_id is None:
        raise Refusal("NO_WAREHOUSE")
    return terms.warehouse_id


@dataclass(frozen=True, slots=True)
class Judged:
    """What the gates said of the lines as they will be written: without what was left out."""

    lines: list[NewLine]
    verdicts: list[Verdict]
    levels: dict[UUID, Level]


async def judged_lines(
    terms: Terms,
    command: PlaceOrder,
    lines: list[NewLine],
    balance: Balance,
    promised: Promised | None,
    buyer: UUID | None,
) -> Judged:
    """The gates asked about lines that are priced. The party's balance must be locked."""
    if command.shortage in WAITING and not (await order_policy()).back_orders:
        raise Refusal("BACK_ORDERS_OFF")
    levels = await lock_levels(warehouse_of(terms), [line.product_id for line in lines])
    told: list[Verdict] = []
    if command.shortage == "leave_out":
        lines, told = await _left_out(terms, command, lines, levels, promised)
    facts = [line_facts_of(line, levels) for line in lines]
    verdicts = await judge(
        terms,
        balance,
        facts,
        total_of(lines),
        stage=CONFIRMATION,
        order_id=None,
        buyer_id=buyer,
        shortage=command.shortage,
    )
    return Judged(lines, verdicts + told, levels)


async def _left_out(
    terms: Terms,
    command: PlaceOrder,
    lines: list[NewLine],
    levels: dict[UUID, Level],
    promised: Promised | None,
) -> tuple[list[NewLine], list[Verdict]]:
    """What the shelf has not is left out of the order, as the buyer chose, and said line by line.

    A smaller quantity is priced anew where nobody gave word on its price.
    """
    now, _ = split(wanted_of(lines), levels)
    given = {one.source_id: one.quantity for one in now}
    kept_lines = [
        (n, line, line.quantity if line.found.kind == "service" else given.get(line.id, ZERO))
        for n, line in enumerate(lines)
    ]
    told = [
        _told_left_out(line, quantity)
        for _, line, quantity in kept_lines
        if quantity < line.quantity
    ]
    if not told:
        return lines, []
    asked = [
        (n, LineInput(str(line.product_id), quantity, line.comment))
        for n, line, quantity in kept_lines
        if quantity > 0
    ]
    if not asked:
        raise Refusal("NOTHING_ON_SHELF")
    word = promised and msgspec.structs.replace(
        promised, prices=tuple(promised.prices[n] for n, _ in asked)
    )
    left = [one for _, one in asked]
    return await price_lines(terms, left, "id", word, command.coupon), told


def _told_left_out(line: NewLine, quantity: Decimal) -> Verdict:
    figures = {
        "code": line.found.code,
        "wanted_quantity": line.quantity,
        "available_quantity": quantity,
        "line_no": line.line_no,
    }
    return Verdict("STOCK", "STOCK_LEFT_OUT", True, figures, warning=True)


async def _placed_before(actor: Actor, key: str, request: bytes) -> Placed | None:
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
        await last_verdicts(row["id"], inside=actor.on_behalf_of is None),
        repeated=True,
    )


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
        reference=command.reference,
        delivery_method=command.delivery_method,
        delivery_to=command.delivery_to,
        shortage=command.shortage,
        **line_columns(lines),
    )
    await accrue(order_id, terms.party_id, lines)
    return Placed(order_id, number, state, total, terms.currency, list(verdicts))

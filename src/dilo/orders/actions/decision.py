"""Gathering the facts under lock, asking the rules, keeping what they said."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

import msgspec

from dilo.buyers.approvals import open_request
from dilo.buyers.spending import spending_of
from dilo.credit.queries import Check, checks_of, group_exposure, group_of
from dilo.kit import clock, db
from dilo.kit.errors import NotFound
from dilo.kit.money import ZERO
from dilo.orders.approval import GATE
from dilo.orders.facts import (
    DISPATCH,
    BuyingFacts,
    CheckFacts,
    Facts,
    GroupFacts,
    LineFacts,
    OverdueFacts,
    OverrideFacts,
    SpendingFacts,
    StepFacts,
    Verdict,
)
from dilo.orders.queries import STANDING_OVERRIDES, Terms
from dilo.orders.rules import evaluate
from dilo.receivables.actions import Balance, lock_balance
from dilo.receivables.queries import Blocking, aging_of, blocking_items
from dilo.stock.actions import Level
from tenants.actors import Actor
from tenants.scope import current_tenant

EVALUATED = """
INSERT INTO evaluation (order_id, stage, passed, verdicts, shipment_id)
VALUES (:order_id, :stage, :passed, :verdicts, :shipment_id)
"""
USED = """
UPDATE credit_override SET state = 'used', used_at = :now
WHERE order_id = :order_id AND state = 'approved' AND id = ANY(:ids)
"""


def own_party(actor: Actor, party_id: UUID) -> UUID:
    """An outsider acts for his own company only; another's id is told what an unknown one is."""
    if actor.on_behalf_of is not None and actor.on_behalf_of != party_id:
        raise NotFound
    return party_id


def line_facts(
    line_no: int,
    code: str,
    kind: str,
    quantity: Decimal,
    price: Decimal,
    amount: Decimal,
    floor: Decimal | None,
    level: Level | None,
) -> LineFacts:
    available = None if kind == "service" else (level.available if level else Decimal(0))
    return LineFacts(line_no, code, quantity, price, amount, floor, available)


async def judge(
    terms: Terms,
    balance: Balance,
    lines: Sequence[LineFacts],
    total: Decimal,
    *,
    stage: str,
    order_id: UUID | None,
    buyer_id: UUID | None = None,
    shortage: str = "hold",
) -> list[Verdict]:
    """The verdicts on an order of ``total``. The balance row (and stock levels) must be locked.

    ``buyer_id``: who placed it, where his own company may have rules for him.
    """
    return evaluate(
        await facts_of(
            terms,
            balance,
            lines,
            total,
            stage=stage,
            order_id=order_id,
            buyer_id=buyer_id,
            shortage=shortage,
        )
    )


async def facts_of(
    terms: Terms,
    balance: Balance,
    lines: Sequence[LineFacts],
    total: Decimal,
    *,
    stage: str,
    order_id: UUID | None,
    buyer_id: UUID | None = None,
    shortage: str = "hold",
) -> Facts:
    """All that a decision is made of, under the same locks."""
    today = current_tenant().today()
    rules = await checks_of(terms.party_id)
    late = await blocking_items(
        terms.party_id, terms.currency, today, terms.grace_days, terms.tolerance_amount
    )
    found = _gathered(terms, balance, stage, today, late)
    return msgspec.structs.replace(
        found,
        order_total=total,
        order_amount=ZERO if stage == DISPATCH else total,
        lines=lines,
        shortage=shortage,
        overdue_total=await _overdue_total(terms, today) if "overdue" in rules else ZERO,
        overrides=await _standing_overrides(order_id),
        checks=_checks(rules, stage),
        group=await _group(terms, today),
        buying=await _buying(terms, buyer_id, order_id, today) if buyer_id else None,
    )


def _gathered(
    terms: Terms, balance: Balance, stage: str, today: date, late: Sequence[Blocking]
) -> Facts:
    """What is known of the party, before the order itself."""
    return Facts(
        stage=stage,
        today=today,
        order_total=ZERO,
        order_amount=ZERO,
        limit_amount=terms.limit_amount,
        grace_days=terms.grace_days,
        tolerance_amount=terms.tolerance_amount,
        deposit_amount=terms.deposit_amount,
        minimum_order=terms.minimum_order,
        stop_shipments=terms.stop_shipments,
        closed=terms.closed,
        receivable=balance.receivable,
        credit=balance.credit,
        confirmed=balance.confirmed,
        shipped=balance.shipped,
        overdue=[
            OverdueFacts(i.number, str(i.document_id), i.due_on, i.open_amount, i.days_late)
            for i in late
        ],
        overdue_amount=late[0].all_amount if late else ZERO,
        overdue_count=late[0].all_count if late else 0,
    )


def _checks(rules: dict[str, Check], stage: str) -> dict[str, CheckFacts]:
    return {
        name: CheckFacts(
            check.at_dispatch if stage == DISPATCH else check.at_order, check.cap_amount
        )
        for name, check in rules.items()
    }


async def _overdue_total(terms: Terms, today: date) -> Decimal:
    return (await aging_of(terms.party_id, terms.currency, today)).overdue


async def _group(terms: Terms, today: date) -> GroupFacts | None:
    """The holding's exposure, under the lock of its root: two children cannot share one headroom.

    A child's row is locked before the root's, everywhere, so nobody waits in a circle.
    """
    found = await group_of(terms.party_id, today)
    if found is None:
        return None
    if found.root_id != terms.party_id:
        await lock_balance(found.root_id, terms.currency)
    total = await group_exposure(found.root_id, terms.currency)
    return GroupFacts(found.name, found.limit_amount, total - found.deposit_amount)


async def _buying(
    terms: Terms, buyer_id: UUID, order_id: UUID | None, today: date
) -> BuyingFacts | None:
    if not terms.has_buying_rules:
        return None
    found = await spending_of(terms.party_id, buyer_id, terms.currency, order_id, today)
    if found is None:
        return None
    return BuyingFacts(
        [
            SpendingFacts(one.limit_amount, one.spent_amount, one.since_on, one.division or "")
            for one in found.limits
        ],
        [StepFacts(s.from_amount, s.answerable) for s in found.chain if s.from_amount is not None],
        found.otherwise.answerable,
        found.approved_amount,
    )


async def _standing_overrides(order_id: UUID | None) -> list[OverrideFacts]:
    if order_id is None:
        return []
    found = await db.rows(STANDING_OVERRIDES, id=order_id, now=clock.now())
    return [OverrideFacts(str(o["id"]), tuple(o["gates"]), o["amount"]) for o in found]


async def ask_own_company(
    order_id: UUID,
    party_id: UUID,
    buyer_id: UUID | None,
    total: Decimal,
    verdicts: Sequence[Verdict],
) -> None:
    """Where the buyer's own rules stopped it, his approvers are asked."""
    codes = sorted({v.code for v in verdicts if v.gate == GATE and not v.passed})
    if codes and buyer_id is not None:
        await open_request(party_id, order_id, buyer_id, total, codes)


def kept(verdicts: Sequence[Verdict]) -> list[Any]:
    """Verdicts as JSON, amounts as text."""
    return msgspec.to_builtins(list(verdicts))


async def keep_evaluation(
    order_id: UUID,
    stage: str,
    verdicts: Sequence[Verdict],
    passed: bool,
    shipment_id: UUID | None = None,
) -> None:
    await db.execute(
        EVALUATED,
        order_id=order_id,
        stage=stage,
        passed=passed,
        verdicts=kept(verdicts),
        shipment_id=shipment_id,
    )
    used = [UUID(v.override_id) for v in verdicts if v.override_id]
    if passed and used:
        await db.execute(USED, order_id=order_id, ids=used, now=clock.now())

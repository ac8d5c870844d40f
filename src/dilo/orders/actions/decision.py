"""Gathering the facts under lock, asking the rules, keeping what they said."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any
from uuid import UUID

import msgspec

from dilo.kit import clock, db
from dilo.kit.errors import NotFound
from dilo.kit.money import ZERO
from dilo.orders.queries import STANDING_OVERRIDES, Terms
from dilo.orders.rules import (
    DISPATCH,
    Facts,
    LineFacts,
    OverdueFacts,
    OverrideFacts,
    Verdict,
    evaluate,
)
from dilo.receivables.actions import Balance
from dilo.receivables.queries import blocking_items
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
) -> list[Verdict]:
    """The verdicts on an order of ``total``. The balance row (and stock levels) must be locked."""
    today = current_tenant().today()
    late = await blocking_items(
        terms.party_id, terms.currency, today, terms.grace_days, terms.tolerance_amount
    )
    overrides = await _standing_overrides(order_id)
    return evaluate(
        Facts(
            stage=stage,
            today=today,
            order_total=total,
            order_amount=ZERO if stage == DISPATCH else total,
            lines=lines,
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
            overrides=overrides,
        )
    )


async def _standing_overrides(order_id: UUID | None) -> list[OverrideFacts]:
    if order_id is None:
        return []
    found = await db.rows(STANDING_OVERRIDES, id=order_id, now=clock.now())
    return [OverrideFacts(str(o["id"]), tuple(o["gates"]), o["amount"]) for o in found]


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

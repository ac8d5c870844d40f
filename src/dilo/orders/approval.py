"""The buyer's own company: its spending limits and whose yes an order needs. Pure."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from dilo.orders.facts import BuyingFacts, Facts, Remedy, SpendingFacts, StepFacts, Verdict

GATE = "BUYER_APPROVAL"


def approval_gate(facts: Facts) -> list[Verdict]:
    """Equal to the limit passes; a yes covers the order up to the total that was shown."""
    buying, total = facts.buying, facts.order_total
    if buying is None:
        return []
    approved = buying.approved_amount
    if approved is not None and total <= approved:
        return [Verdict(GATE, "BUYER_APPROVED", True, {"approved_amount": approved})]
    over = [limit for limit in buying.limits if limit.spent_amount + total > limit.limit_amount]
    steps = steps_above(buying, total)
    if not over and not steps:
        return [Verdict(GATE, f"{GATE}_OK", True)]
    ask = [Remedy("ASK_APPROVER")] if can_be_asked(buying, steps) else []
    return [
        *(_over(limit, total, ask) for limit in over),
        *(_needs(step, total, ask) for step in steps),
    ]


def steps_above(buying: BuyingFacts, total: Decimal) -> list[StepFacts]:
    return [step for step in buying.steps if total > step.from_amount]


def can_be_asked(buying: BuyingFacts, steps: Sequence[StepFacts]) -> bool:
    """Over a limit without a step of its own: the first step of the chain, else any approver."""
    asked = steps or buying.steps[:1]
    return all(step.answerable for step in asked) if asked else buying.answerable


def _over(limit: SpendingFacts, total: Decimal, ask: list[Remedy]) -> Verdict:
    room = limit.limit_amount - limit.spent_amount
    figures: dict[str, Any] = {
        "rule": f"{limit.since_on}:{limit.division}",
        "limit_amount": limit.limit_amount,
        "spent_amount": limit.spent_amount,
        "order_amount": total,
        "over_amount": total - room,
    }
    code = "ORDER_LIMIT_EXCEEDED"
    if limit.since_on is not None:
        figures["since_on"] = limit.since_on
        code = "SPENDING_LIMIT_EXCEEDED"
    if limit.division:
        figures["division"] = limit.division
        code = f"DIVISION_{code}"
    less = [Remedy("ORDER_AT_MOST", {"room_amount": room})] if room > 0 else []
    return Verdict(GATE, code, False, figures, remedies=[*ask, *less])


def _needs(step: StepFacts, total: Decimal, ask: list[Remedy]) -> Verdict:
    figures = {
        "rule": f"from:{step.from_amount}",
        "from_amount": step.from_amount,
        "order_amount": total,
    }
    room = {"room_amount": step.from_amount}
    less = [Remedy("ORDER_AT_MOST", room)] if step.from_amount > 0 else []
    return Verdict(GATE, "APPROVAL_NEEDED", False, figures, remedies=[*ask, *less])

"""The decision: ``evaluate(facts) -> [Verdict]``. Pure; every door's orders go through it.

Credit limit caps exposure = open receivables + shipped not invoiced + confirmed not shipped
+ this order - unallocated payments and credit notes - deposits. Equal to the limit passes.
Credit depth: blocked when today > due + grace for any open item above the tolerance.
"""

from collections.abc import Callable, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

import msgspec

from dilo.kit.money import ZERO, round_money
from dilo.orders.approval import approval_gate
from dilo.orders.facts import (
    CONFIRMATION,
    DISPATCH,
    STRICT,
    Facts,
    LineFacts,
    Remedy,
    Verdict,
    exposure,
)
from dilo.orders.remedies import applied, paid


def evaluate(facts: Facts) -> list[Verdict]:
    """A verdict from every gate of the stage, passed or not, in the order people look at them."""
    verdicts = _judged(facts)
    return [
        v if v.passed else msgspec.structs.replace(v, remedies=_proved(v, facts, verdicts))
        for v in verdicts
    ]


def _judged(facts: Facts) -> list[Verdict]:
    gates = DISPATCH_GATES if facts.stage == DISPATCH else CONFIRMATION_GATES
    return [
        _overridden(_softened(verdict, facts), facts) for gate in gates for verdict in gate(facts)
    ]


def _softened(verdict: Verdict, facts: Facts) -> Verdict:
    """What the company's policy makes of a breach: a block, a word, nothing."""
    component = COMPONENT_OF.get(verdict.gate) or verdict.figures.get("component", "")
    action = facts.checks.get(component, STRICT).action
    if verdict.passed or component == "" or action == "block":
        return verdict
    return msgspec.structs.replace(verdict, passed=True, warning=action == "warn", remedies=[])


def _proved(verdict: Verdict, facts: Facts, before: Sequence[Verdict]) -> list[Remedy]:
    """Only remedies that, applied to a copy, make this gate pass and stop no other."""
    failing = {_name(v) for v in before if not v.passed}
    kept: list[Remedy] = []
    for remedy in verdict.remedies:
        after = {_name(v) for v in _judged(applied(remedy, verdict, facts)) if not v.passed}
        if _name(verdict) not in after and after <= failing:
            kept.append(remedy)
    return kept


def _name(verdict: Verdict) -> tuple[str, Any]:
    figures = verdict.figures
    named = ("line_no", "code", "component", "rule")
    return (verdict.gate, next((figures[name] for name in named if figures.get(name)), None))


def passes(verdicts: Sequence[Verdict]) -> bool:
    return all(verdict.passed for verdict in verdicts)


def release_amount(facts: Facts) -> Decimal | None:
    """The least payment after which every gate passes; None where money alone does not help."""
    asked = [
        remedy.figures["pay_amount"]
        for verdict in evaluate(facts)
        if not verdict.passed
        for remedy in verdict.remedies
        if remedy.code in ("PAY_EXACTLY", "PAY_OVERDUE")
    ]
    amount = max(asked, default=ZERO)
    return amount if amount > 0 and passes(_judged(paid(facts, amount))) else None


def _pass(gate: str, **figures: Any) -> list[Verdict]:
    return [Verdict(gate, f"{gate}_OK", True, figures)]


def party_gate(facts: Facts) -> list[Verdict]:
    if facts.closed:
        return [Verdict("PARTY", "PARTY_CLOSED", False)]
    if facts.stop_shipments:
        return [Verdict("PARTY", "SHIPMENTS_STOPPED", False, remedies=[Remedy("ASK_MANAGER")])]
    return _pass("PARTY")


def minimum_gate(facts: Facts) -> list[Verdict]:
    least = facts.minimum_order
    if least is None or facts.order_total >= least:
        return _pass("MINIMUM_ORDER")
    missing = least - facts.order_total
    figures = {"minimum_amount": least, "order_amount": facts.order_total}
    return [
        Verdict(
            "MINIMUM_ORDER",
            "ORDER_TOO_SMALL",
            False,
            figures,
            remedies=[Remedy("ADD_GOODS", {"missing_amount": missing})],
        )
    ]


def floor_gate(facts: Facts) -> list[Verdict]:
    low = [line for line in facts.lines if line.floor is not None and line.price < line.floor]
    if not low:
        return _pass("PRICE_FLOOR")
    return [
        Verdict(
            "PRICE_FLOOR",
            "PRICE_BELOW_FLOOR",
            False,
            {"code": line.code, "price": line.price, "floor": line.floor},
            remedies=[Remedy("RAISE_PRICE", {"code": line.code, "floor": line.floor})],
        )
        for line in low
    ]


def stock_gate(facts: Facts) -> list[Verdict]:
    short: list[Verdict] = []
    left: dict[str, Decimal] = {}
    for line in facts.lines:
        if line.available is None:
            continue
        available = left.get(line.code, line.available)
        left[line.code] = max(ZERO, available - line.quantity)
        if line.quantity > available:
            short.append(_short(line, available, facts.shortage))
    return short or _pass("STOCK")


def _short(line: LineFacts, available: Decimal, shortage: str) -> Verdict:
    """Goods the buyer agreed to wait for pass with a word: the rest comes later."""
    remedy = (
        Remedy("REDUCE_LINE", {"code": line.code, "available_quantity": available})
        if available > 0
        else Remedy("DROP_LINE", {"code": line.code})
    )
    figures = {
        "code": line.code,
        "wanted_quantity": line.quantity,
        "available_quantity": available,
        "line_no": line.line_no,
    }
    if shortage in ("parts", "together"):
        return Verdict("STOCK", "STOCK_LATER", True, figures, warning=True)
    return Verdict("STOCK", "STOCK_SHORT", False, figures, remedies=[remedy])


def limit_gate(facts: Facts) -> list[Verdict]:
    total = exposure(facts)
    parts = {
        "receivable_amount": facts.receivable,
        "shipped_amount": facts.shipped,
        "confirmed_amount": facts.confirmed,
        "order_amount": facts.order_amount,
        "credit_amount": facts.credit,
        "deposit_amount": facts.deposit_amount,
        "exposure_amount": total,
    }
    if facts.limit_amount is None:
        return _pass("CREDIT_LIMIT", **parts)
    parts["limit_amount"] = facts.limit_amount
    if total <= facts.limit_amount:
        return _pass("CREDIT_LIMIT", **parts)
    over = total - facts.limit_amount
    parts["over_amount"] = over
    return [
        Verdict(
            "CREDIT_LIMIT",
            "CREDIT_LIMIT_EXCEEDED",
            False,
            parts,
            remedies=_limit_remedies(facts, over),
        )
    ]


def _limit_remedies(facts: Facts, over: Decimal) -> list[Remedy]:
    remedies = [Remedy("PAY_EXACTLY", {"pay_amount": over})]
    room = facts.order_amount - over
    if facts.stage == CONFIRMATION and room > 0:
        remedies.append(Remedy("ORDER_AT_MOST", {"room_amount": room}))
        dropped = lines_to_drop(facts.lines, over)
        if 0 < len(dropped) < len(facts.lines):
            remedies.append(Remedy("DROP_LINES", {"codes": ", ".join(dropped)}))
    return [*remedies, Remedy("ASK_OVERRIDE", {"over_amount": over})]


def lines_to_drop(lines: Sequence[LineFacts], over: Decimal) -> list[str]:
    """The fewest lines whose going frees ``over``: the dearest first."""
    dropped: list[str] = []
    for line in sorted(lines, key=lambda one: -one.amount):
        if over <= 0:
            break
        dropped.append(line.code)
        over -= line.amount
    return dropped


def depth_gate(facts: Facts) -> list[Verdict]:
    if not facts.overdue:
        return _pass("CREDIT_DEPTH")
    oldest = facts.overdue[0]
    figures = {
        "number": oldest.number,
        "due_on": oldest.due_on,
        "days_late": oldest.days_late,
        "open_amount": oldest.open_amount,
        "overdue_amount": facts.overdue_amount,
        "overdue_count": facts.overdue_count,
        "grace_days": facts.grace_days,
    }
    evidence = [msgspec.to_builtins(item, builtin_types=(Decimal, date)) for item in facts.overdue]
    remedies = [Remedy("PAY_OVERDUE", {"pay_amount": facts.overdue_amount})]
    if facts.order_total > 0:  # nothing ordered, nothing to except
        remedies.append(Remedy("ASK_OVERRIDE", {"over_amount": facts.order_total}))
    return [Verdict("CREDIT_DEPTH", "CREDIT_DEPTH_EXCEEDED", False, figures, evidence, remedies)]


def group_gate(facts: Facts) -> list[Verdict]:
    """A holding's members share the parent's limit, so no child's order escapes it."""
    group = facts.group
    if group is None:
        return []
    total = group.exposure + facts.order_amount
    figures = {
        "name": group.name,
        "group_amount": group.exposure,
        "order_amount": facts.order_amount,
        "exposure_amount": total,
        "limit_amount": group.limit_amount,
    }
    if total <= group.limit_amount:
        return _pass("GROUP_LIMIT", **figures)
    over = total - group.limit_amount
    figures["over_amount"] = over
    return [
        Verdict(
            "GROUP_LIMIT",
            "GROUP_LIMIT_EXCEEDED",
            False,
            figures,
            remedies=_limit_remedies(facts, over),
        )
    ]


def component_gate(facts: Facts) -> list[Verdict]:
    """Caps on single components of the exposure, for who wants them beside the limit."""
    found = {
        "receivable": facts.receivable,
        "overdue": facts.overdue_total,
        "shipped": facts.shipped,
        "confirmed": facts.confirmed + facts.order_amount,
    }
    verdicts: list[Verdict] = []
    for component, amount in found.items():
        check = facts.checks.get(component)
        if check is None or check.cap_amount is None or amount <= check.cap_amount:
            continue
        over = amount - check.cap_amount
        figures = {
            "component": component,
            "component_amount": amount,
            "cap_amount": check.cap_amount,
            "over_amount": over,
        }
        remedies = [Remedy("ASK_OVERRIDE", {"over_amount": over})]
        if component in ("receivable", "overdue"):
            remedies.insert(0, Remedy("PAY_EXACTLY", {"pay_amount": over}))
        elif component == "confirmed" and facts.order_amount > over:
            room = facts.order_amount - over
            remedies.insert(0, Remedy("ORDER_AT_MOST", {"room_amount": room}))
        verdicts.append(
            Verdict("CREDIT_COMPONENT", "COMPONENT_EXCEEDED", False, figures, remedies=remedies)
        )
    return verdicts


Gate = Callable[[Facts], list[Verdict]]
CONFIRMATION_GATES: tuple[Gate, ...] = (
    party_gate,
    minimum_gate,
    floor_gate,
    stock_gate,
    limit_gate,
    group_gate,
    depth_gate,
    component_gate,
    approval_gate,
)
DISPATCH_GATES: tuple[Gate, ...] = (party_gate, limit_gate, group_gate, depth_gate, component_gate)
COMPONENT_OF = {"CREDIT_LIMIT": "exposure", "CREDIT_DEPTH": "depth", "GROUP_LIMIT": "group"}
OVERRIDABLE = {
    "CREDIT_LIMIT": "over_amount",
    "GROUP_LIMIT": "over_amount",
    "CREDIT_COMPONENT": "over_amount",
    "CREDIT_DEPTH": None,
    "PRICE_FLOOR": None,
}


def _overridden(verdict: Verdict, facts: Facts) -> Verdict:
    """An override covers its gates up to its amount: the excess for the limit, else the order."""
    if verdict.passed or verdict.gate not in OVERRIDABLE:
        return verdict
    figure = OVERRIDABLE[verdict.gate]
    needed = verdict.figures[figure] if figure else facts.order_total
    for override in facts.overrides:
        if verdict.gate in override.gates and override.amount >= needed:
            return msgspec.structs.replace(verdict, passed=True, override_id=override.id)
    return verdict


def line_share(amount: Decimal, quantity: Decimal, before: Decimal, after: Decimal) -> Decimal:
    """Money of the part between two cumulative quantities; the parts always add up to the line."""
    return round_money(amount * after / quantity) - round_money(amount * before / quantity)

"""What would be if a remedy were taken: a copy of the facts, changed as the remedy says. Pure."""

from collections.abc import Sequence
from decimal import Decimal

import msgspec

from dilo.kit.money import ZERO, round_money
from dilo.orders.facts import Facts, LineFacts, OverdueFacts, OverrideFacts, Remedy, Verdict


def applied(remedy: Remedy, verdict: Verdict, facts: Facts) -> Facts:
    """The facts as they would be if the remedy were taken."""
    change = msgspec.structs.replace
    figures = remedy.figures
    match remedy.code:
        case "PAY_EXACTLY" | "PAY_OVERDUE":
            return paid(facts, figures["pay_amount"])
        case "ORDER_AT_MOST":
            room = figures["room_amount"]
            return change(facts, order_total=room, order_amount=room)
        case "DROP_LINES":
            return _without(facts, set(figures["codes"].split(", ")))
        case "DROP_LINE":
            return _without(facts, {figures["code"]})
        case "REDUCE_LINE":
            return _reduced(facts, verdict.figures["line_no"], figures["available_quantity"])
        case "ADD_GOODS":
            more = figures["missing_amount"]
            amount = facts.order_amount + more if facts.order_amount else ZERO
            return change(facts, order_total=facts.order_total + more, order_amount=amount)
        case "RAISE_PRICE":
            lines = [
                change(line, price=figures["floor"]) if line.code == figures["code"] else line
                for line in facts.lines
            ]
            return change(facts, lines=lines)
        case "ASK_OVERRIDE":
            asked = OverrideFacts("", (verdict.gate,), figures["over_amount"])
            return change(facts, overrides=[*facts.overrides, asked])
        case "ASK_APPROVER" if facts.buying is not None:
            yes = change(facts.buying, approved_amount=facts.order_total)
            return change(facts, buying=yes)
        case "ASK_MANAGER":
            return change(facts, stop_shipments=False)
        case _:
            return facts


def paid(facts: Facts, amount: Decimal) -> Facts:
    """Money in, spent on the oldest debts first; what is left over is an advance."""
    left, overdue = amount, list[OverdueFacts]()
    for item in facts.overdue:
        part = min(left, item.open_amount)
        left -= part
        rest = item.open_amount - part
        if rest > facts.tolerance_amount:
            overdue.append(msgspec.structs.replace(item, open_amount=rest))
    hidden = max(ZERO, facts.overdue_amount - sum((i.open_amount for i in facts.overdue), ZERO))
    hidden_rest = max(ZERO, hidden - left)
    if not overdue and hidden_rest > 0 and facts.overdue:
        overdue.append(msgspec.structs.replace(facts.overdue[-1], open_amount=hidden_rest))
    spent = min(amount, facts.receivable)
    group = facts.group
    if group is not None:
        group = msgspec.structs.replace(group, exposure=group.exposure - amount)
    return msgspec.structs.replace(
        facts,
        receivable=facts.receivable - spent,
        credit=facts.credit + amount - spent,
        overdue=overdue,
        overdue_total=max(ZERO, facts.overdue_total - amount),
        overdue_amount=sum((i.open_amount for i in overdue), ZERO),
        overdue_count=len(overdue),
        group=group,
    )


def _without(facts: Facts, codes: set[str]) -> Facts:
    lines = [line for line in facts.lines if line.code not in codes]
    return _with_lines(facts, lines)


def _reduced(facts: Facts, line_no: int, quantity: Decimal) -> Facts:
    lines = [
        msgspec.structs.replace(
            line, quantity=quantity, amount=round_money(line.amount * quantity / line.quantity)
        )
        if line.line_no == line_no
        else line
        for line in facts.lines
    ]
    return _with_lines(facts, lines)


def _with_lines(facts: Facts, lines: Sequence[LineFacts]) -> Facts:
    gone = sum((x.amount for x in facts.lines), ZERO) - sum((x.amount for x in lines), ZERO)
    amount = facts.order_amount - gone if facts.order_amount else ZERO
    return msgspec.structs.replace(
        facts, lines=lines, order_total=facts.order_total - gone, order_amount=amount
    )

"""Answers as SMS: plain, figures first, three messages at most."""

from dataclasses import dataclass
from decimal import Decimal

from bots.answers import (
    Answer,
    BalanceTold,
    DraftTold,
    OrdersTold,
    OrderTold,
    PlacedTold,
    Told,
)
from dilo.kit.i18n import say, shown
from dilo.kit.templating import money, say_sums
from dilo.messaging.segments import counted, parts_of
from dilo.orders.spoken.matching import Asked
from dilo.orders.spoken.shapes import Item

SEGMENTS_MOST = 3
LINES_SHOWN, ROWS_SHOWN, NAME_SHOWN = 5, 4, 24
TOLD = {"declined", "code_wrong", "plan", "help"}
PLAIN_SIGNS = str.maketrans(
    {"\N{NO-BREAK SPACE}": " ", "\N{NARROW NO-BREAK SPACE}": " ", "\N{MINUS SIGN}": "-"}
)


@dataclass(frozen=True, slots=True)
class Reply:
    """``secret``: what evidence must not keep."""

    text: str
    secret: str = ""


def short(text: str) -> str:
    """Spaces of typography cost as much as letters and make a Latin text a dear one."""
    plain = text.translate(PLAIN_SIGNS).strip()
    parts = parts_of(plain)
    if len(parts) <= SEGMENTS_MOST:
        return plain
    kept = "".join(parts[:SEGMENTS_MOST])
    while counted(kept + "...").segments > SEGMENTS_MOST:
        kept = kept[:-1]
    return kept + "..."


def _sum(amount: Decimal, currency: str) -> str:
    return f"{money(amount)} {currency.strip()}"


def of(told: Answer) -> Reply:
    match told:
        case BalanceTold():
            return Reply(_balance(told))
        case OrdersTold():
            return Reply(_orders(told))
        case OrderTold():
            return Reply(_order(told))
        case DraftTold():
            return draft(told, [])
        case PlacedTold():
            return Reply(_placed(told))
        case Told():
            key = told.key if told.key in TOLD else "help"
            return Reply(say(f"sms:{key}", **told.figures))


def _balance(told: BalanceTold) -> str:
    currency = told.party.currency
    if not told.debts:
        return say("sms:owes_nothing", name=told.party.name)
    owed = sum((debt.open_amount for debt in told.debts), Decimal(0))
    said = [say("sms:owes", total=_sum(owed, currency))]
    if told.overdue > 0:
        said.append(say("sms:overdue", total=_sum(told.overdue, currency)))
    debts = sorted(told.debts, key=lambda debt: debt.due_on)
    said += [
        say("sms:due", on=debt.due_on, amount=money(debt.open_amount), number=debt.number)
        for debt in debts[:ROWS_SHOWN]
    ]
    if len(debts) > ROWS_SHOWN:
        said.append(say("sms:more", count=len(debts) - ROWS_SHOWN))
    if any(not verdict.passed for verdict in told.verdicts):
        said.append(say("sms:stopped"))
    elif (stop := told.outlook.stop) is not None:
        said.append(say("sms:stops_on", on=stop.day))
    return "\n".join(said)


def _orders(told: OrdersTold) -> str:
    if not told.rows:
        return say("sms:no_orders")
    return "\n".join(
        f"{row.number} {_sum(row.total, row.currency)} {say('state:' + row.state)}"
        for row in told.rows[:ROWS_SHOWN]
    )


def _order(told: OrderTold) -> str:
    head = told.order.head
    said = f"{head.number}: {say('state:' + head.state)}, {_sum(head.total, head.currency)}"
    return said + (" " + say("sms:ships_on", on=head.ship_on) if head.ship_on else "")


def _placed(told: PlacedTold) -> str:
    placed = told.placed
    total = _sum(placed.total, placed.currency)
    said = say("sms:placed", number=placed.number, total=total, state=say(f"state:{placed.state}"))
    for verdict in placed.verdicts:
        if not verdict.passed:
            said += "\n" + say_sums(
                f"verdict:{verdict.code}", placed.currency, verdict.figures, _sum
            )
            said += "".join(
                "\n" + say_sums(f"remedy:{one.code}", placed.currency, one.figures, _sum)
                for one in verdict.remedies[:1]
            )
            break
    return said


def draft(told: DraftTold, vague: list[str]) -> Reply:
    """The code stands first: it must not be cut off."""
    left_out = _left_out([*vague, *told.unknown])
    if told.order is None:
        return Reply(left_out or say("sms:help"))
    head = told.order.head
    said = say(
        "sms:draft", code=told.code, number=head.number, total=_sum(head.total, head.currency)
    )
    lines = "; ".join(
        f"{one.code} x {shown(one.quantity)}" for one in told.order.lines[:LINES_SHOWN]
    )
    if len(told.order.lines) > LINES_SHOWN:
        lines += "; " + say("sms:more", count=len(told.order.lines) - LINES_SHOWN)
    return Reply("\n".join(part for part in (said, lines, left_out) if part), told.code)


def _left_out(texts: list[str]) -> str:
    if not texts:
        return ""
    return say("sms:unknown", texts=", ".join(text[:NAME_SHOWN] for text in texts[:ROWS_SHOWN]))


def asked(one: Asked, told: DraftTold, vague: list[str]) -> Reply:
    options = "\n".join(
        f"{n} {item.code} {item.name[:NAME_SHOWN]}" for n, item in enumerate(one.options[:9], 1)
    )
    said = [say("sms:which", text=one.text[:40]), options, _left_out([*vague, *told.unknown])]
    return Reply("\n".join(part for part in said if part))


def asked_of(text: str, quantity: str, items: list[list[str]]) -> Asked:
    options = tuple(Item(item_id, code, name) for item_id, code, name in items)
    return Asked(text, options, "which", Decimal(quantity))


def companies(names: list[str]) -> str:
    listed = "\n".join(f"{n} {name[:NAME_SHOWN]}" for n, name in enumerate(names, 1))
    return say("sms:which_company") + "\n" + listed

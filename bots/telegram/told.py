"""How orders are told in the chat: a draft, an order placed, the lines of either."""

from collections.abc import Sequence
from decimal import Decimal

from markupsafe import Markup

from bots.answers import DraftTold
from bots.telegram.markup import bold, lines, sections
from bots.telegram.paying import pay_button
from bots.telegram.replies import Buttons, menu_of, reasons, sum_of
from bots.telegram.screens import back
from bots.telegram.talk import Talk
from dilo.conversations import threads
from dilo.kit.i18n import say
from dilo.orders.commands import Placed
from dilo.orders.queries import Order

LINES_SHOWN, NOTES_SHOWN = 25, 8
Line = tuple[str, str, Decimal, Decimal]  # code, name, quantity, amount


def listed(rows: Sequence[Line], total: Decimal, currency: str) -> Markup:
    """The goods by name, their code, quantity and sum under it."""
    said = [
        lines(
            say("bot:line_name", name=name),
            say("bot:line", code=code, quantity=quantity, amount=sum_of(amount, currency)),
        )
        for code, name, quantity, amount in rows[:LINES_SHOWN]
    ]
    if len(rows) > LINES_SHOWN:
        said.append(lines(say("bot:more", count=len(rows) - LINES_SHOWN)))
    return sections(lines(*said), bold(say("bot:total", total=sum_of(total, currency))))


def order_lines(order: Order) -> Markup:
    rows = [(n.code, n.name, n.quantity, n.amount) for n in order.lines]
    return listed(rows, order.head.total, order.head.currency)


def draft_text(told: DraftTold) -> Markup:
    """What was understood, what was not, what has changed since the order that is repeated."""
    head, parts = "", list[str]()
    if told.order is not None:
        head = lines(bold(say("bot:draft", number=told.order.head.number)), order_lines(told.order))
    currency = told.order.head.currency if told.order else ""
    for one in told.changed[:NOTES_SHOWN]:
        was, now = sum_of(one.was, currency), sum_of(one.now, currency)
        parts.append(say("bot:price_changed", code=one.code, was=was, price=now))
    for state, code in told.missing[:NOTES_SHOWN]:
        parts.append(say(f"bot:missing_{state}", code=code))
    if told.unknown:
        parts.append(say("bot:unknown_lines", codes=", ".join(told.unknown[:10])))
    return sections(head, lines(*parts))


def draft_buttons(order: Order) -> Buttons:
    target = f"{order.head.id}:{order.head.version}"
    return [
        [
            (say("bot:button_confirm"), f"confirm:{target}"),
            (say("bot:button_cancel"), f"drop:{target}"),
        ]
    ]


async def placed_screen(talk: Talk, placed: Placed) -> tuple[str, Buttons]:
    """What became of an order; where it is stopped, why, and the button that pays it free."""
    if not placed.repeated and talk.kind == "private":
        await threads.note_made(
            "telegram", str(talk.chat), "order", placed.id, placed.number, talk.buyer.name
        )
    text = say(
        f"bot:order_{placed.state}",
        number=placed.number,
        total=sum_of(placed.total, placed.currency),
        state=say(f"state:{placed.state}"),
    )
    if talk.kind == "group":
        return _in_group(talk, placed, text), []
    rows: Buttons = [[(say("bot:button_order_details"), f"o:{placed.id}")]]
    if placed.held:
        text = f"{text}\n{reasons(placed.verdicts, placed.currency, talk)}"
        rows.insert(0, await pay_button(talk, "unblock", order_id=placed.id))
    return text, [row for row in [*rows, *menu_of(talk)] if row]


def _in_group(talk: Talk, placed: Placed, text: str) -> str:
    why = reasons(placed.verdicts, placed.currency, talk) if placed.held else ""
    return "\n".join(part for part in (f"{talk.buyer.name}: {text}", why) if part)


def to_menu() -> list[tuple[str, str]]:
    return back("menu", say("bot:button_menu"))

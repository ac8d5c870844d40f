"""What the bot says: text with buttons, put into the outbox in the transaction that decided it."""

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any
from uuid import UUID

from dilo.kit import outbox
from dilo.kit.i18n import language, say
from dilo.kit.templating import money
from dilo.messaging.channels import Composed, Ready
from dilo.orders.facts import Verdict

Buttons = list[list[tuple[str, str]]]


@dataclass(frozen=True, slots=True)
class Reply:
    """``edit``: the message to change in place. ``callback_id``: the tap to answer."""

    text: str
    buttons: Buttons = field(default_factory=list)
    edit: int | None = None
    callback_id: str | None = None


async def put(replies: list[Reply], chat_id: int, update_key: str) -> None:
    for n, reply in enumerate(replies):
        payload: dict[str, Any] = {
            "address": str(chat_id),
            "text": reply.text,
            "buttons": reply.buttons,
            "edit": reply.edit,
            "callback_id": reply.callback_id,
            "language": language(),
        }
        await outbox.put("telegram", "reply", f"reply:{update_key}:{n}", payload, priority=1)


def menu() -> Buttons:
    return [
        [(say("bot:button_balance"), "balance"), (say("bot:button_orders"), "orders")],
        [(say("bot:button_goods"), "goods"), (say("bot:button_cart"), "cart")],
    ]


def reasons(verdicts: list[Verdict]) -> str:
    """Why it is stopped and what unblocks it, in words."""
    told: list[str] = []
    for verdict in verdicts:
        if verdict.passed:
            continue
        told.append(
            f"⛔ {say('gate:' + verdict.gate)}: "
            + say(f"verdict:{verdict.code}", **verdict.figures)
        )
        told += [
            "   • " + say(f"remedy:{remedy.code}", **remedy.figures) for remedy in verdict.remedies
        ]
    return "\n".join(told)


def sum_of(amount: Decimal, currency: str) -> str:
    return money(amount, currency)


async def compose(payload: dict[str, Any], _channel: str, _party_id: UUID | None) -> Composed:
    """A reply is sent as it was said; its buttons and the message it edits travel along."""
    return Ready(str(payload["text"]), extra=payload)

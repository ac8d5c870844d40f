"""An act of reconciliation in a chat: the sum, and buttons to agree or go line by line."""

from typing import Any
from uuid import UUID

from dilo.dunning.reconciliation import act
from dilo.kit import i18n
from dilo.kit.templating import money
from dilo.messaging.channels import Composed, Dropped, Ready


async def compose(
    payload: dict[str, Any],
    channel: str,  # noqa: ARG001
    party_id: UUID | None,  # noqa: ARG001
) -> Composed:
    """Nothing where it is answered by then."""
    found = await act(UUID(payload["act_id"]))
    if found.state != "sent":
        return Dropped("DECIDED")
    text = i18n.say(
        "act:told",
        since=found.since,
        until=found.until,
        closing=money(found.closing, found.currency),
    )
    buttons = [
        [(i18n.say("act:agree"), f"rec:{found.id}"), (i18n.say("act:by_line"), f"rcl:{found.id}")]
    ]
    return Ready(text, extra={"buttons": buttons})

"""Asking a second person in Telegram: what is asked, why it is stopped, two buttons."""

from typing import Any
from uuid import UUID

from dilo.kit import clock, db, i18n, outbox
from dilo.kit.templating import money
from dilo.messaging.channels import Composed, Dropped, Ready
from dilo.people.wishes import readers_of, wanting
from tenants.actors import Actor

KIND = "override_request"
ASKED = """
SELECT v.id, v.state, v.expires_at, v.gates, v.amount, v.reason, r.name AS requested_name,
  o.number, o.total, o.currency, p.name AS party_name
FROM credit_override v JOIN sales_order o ON o.id = v.order_id JOIN party p ON p.id = o.party_id
JOIN identity r ON r.id = v.requested_by WHERE v.id = :id
"""


async def ask_approvers(actor: Actor, override_id: UUID) -> int:
    """Whoever may approve and is not who asks. Returns how many are asked."""
    wishing = wanting(await readers_of("override_asked"), "override_asked", None)
    readers = [r for r in wishing if r.id != actor.id]
    for reader in readers:
        await outbox.put(
            "telegram",
            KIND,
            f"override:{override_id}:{reader.id}",
            {
                "override_id": str(override_id),
                "address": reader.chat_id,
                "language": reader.language,
            },
            priority=2,
        )
    return len(readers)


async def compose(
    payload: dict[str, Any],
    channel: str,  # noqa: ARG001
    party_id: UUID | None,  # noqa: ARG001
) -> Composed:
    """Not sent where it is decided or out of date by then."""
    asked = await db.one_or_none(ASKED, id=UUID(payload["override_id"]))
    if asked is None or asked["state"] != "requested" or asked["expires_at"] <= clock.now():
        return Dropped("DECIDED")
    text = i18n.say(
        "override:asked",
        name=asked["requested_name"],
        number=asked["number"],
        party=asked["party_name"],
        total=money(asked["total"], asked["currency"]),
        amount=money(asked["amount"], asked["currency"]),
        gates=", ".join(i18n.say(f"gate:{gate}") for gate in asked["gates"]),
        reason=asked["reason"],
    )
    yes, no = (f"ovr:{asked['id']}:{answer}" for answer in (1, 0))
    buttons = [[(i18n.say("override:yes"), yes), (i18n.say("override:no"), no)]]
    return Ready(text, extra={"buttons": buttons})

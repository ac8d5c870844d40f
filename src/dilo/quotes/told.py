"""What the client is written when his enquiry moves: composed when it leaves, so always true."""

from typing import Any
from uuid import UUID

from dilo.kit import i18n
from dilo.kit.templating import money
from dilo.messaging.channels import Composed, Dropped, Ready
from dilo.quotes.queries import negotiation
from tenants.actors import SYSTEM
from tenants.links import address_of

STATES = {
    "quoted": ("quoted",),
    "needs_info": ("needs_info",),
    "declined": ("declined",),
    "expired": ("closed",),
    "withdrawn": ("in_review",),
}


async def compose(
    payload: dict[str, Any],
    channel: str,  # noqa: ARG001
    party_id: UUID | None,  # noqa: ARG001
) -> Composed:
    """Nothing where the matter has moved on by then."""
    found = await negotiation(UUID(payload["rfq_id"]), SYSTEM)
    what = payload["what"]
    if found.head.state not in STATES[what]:
        return Dropped("MOVED_ON")
    version = found.standing
    text = i18n.say(
        f"quote_told:{what}",
        number=found.head.number,
        version=version.version if version else "",
        total=money(version.total, found.head.currency) if version else "",
        until=version.valid_until if version else "",
        why=found.head.why or "",
        question=next((r.text for r in reversed(found.talk) if not r.from_client), ""),
        link=await address_of(f"/quotes/{found.head.id}"),
    )
    return Ready(text, i18n.say("quote_told:subject", number=found.head.number))


async def compose_came(
    payload: dict[str, Any],
    channel: str,  # noqa: ARG001
    party_id: UUID | None,  # noqa: ARG001
) -> Composed:
    """For the colleague in charge; nothing where somebody has answered by then."""
    found = await negotiation(UUID(payload["rfq_id"]), SYSTEM)
    if found.head.state != "submitted":
        return Dropped("MOVED_ON")
    text = i18n.say(
        "rfq_came:text",
        number=found.head.number,
        party=found.head.party_name,
        lines=len(found.asked),
        link=await address_of(f"/office/quotes/{found.head.id}"),
    )
    return Ready(text)

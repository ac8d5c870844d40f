"""What the client is written at each step of his claim."""

from typing import Any
from uuid import UUID

from dilo.claims.queries import claim
from dilo.kit import i18n
from dilo.messaging.channels import Composed, Dropped, Ready
from tenants.links import address_of


async def compose(
    payload: dict[str, Any],
    channel: str,  # noqa: ARG001
    party_id: UUID | None,  # noqa: ARG001
) -> Composed:
    """A step that was passed by then is not told any more."""
    found = await claim(UUID(payload["claim_id"]))
    if found.state != payload["state"]:
        return Dropped("MOVED_ON")
    text = i18n.say(
        f"claim_told:{found.state}",
        number=found.number,
        order=found.order_number,
        answer=found.answer or "",
        note=found.note_number or "",
        replacement=found.replacement_number or "",
        link=await address_of(f"/claims/{found.id}"),
    )
    return Ready(text, i18n.say("claim_told:subject", number=found.number))


async def compose_came(
    payload: dict[str, Any],
    channel: str,  # noqa: ARG001
    party_id: UUID | None,  # noqa: ARG001
) -> Composed:
    """For the colleague in charge; nothing where somebody has answered by then."""
    found = await claim(UUID(payload["claim_id"]))
    if found.state != "requested":
        return Dropped("MOVED_ON")
    text = i18n.say(
        "claim_came:text",
        number=found.number,
        party=found.party_name,
        order=found.order_number,
        reason=i18n.say(f"claim_reason:{found.reason}"),
        link=await address_of(f"/office/claims/{found.id}"),
    )
    return Ready(text)

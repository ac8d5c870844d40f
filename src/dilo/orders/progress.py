"""The client is told how his order goes on: let off hold, sent on its way. No sums are said, so
that anybody who reads the chat or the mailbox may; delivery is told by ``ratings``."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from dilo.kit import clock, i18n
from dilo.messaging.channels import Composed, Dropped, Ready
from dilo.messaging.telling import tell_party
from dilo.orders.queries import asker_or_none, order_head
from dilo.orders.tracking import shipment
from tenants.links import address_of

RELEASED, LEFT = "order_released", "shipment_left"
NEWS_FOR = timedelta(days=2)  # older is history that was written down afterwards


async def on_released(payload: dict[str, Any]) -> None:
    head = await order_head(UUID(payload["order_id"]))
    fact = f"released:{head.id}:{head.version}"
    await tell_party(RELEASED, fact, payload, head.party_id, await asker_or_none(head.id))


async def on_left(payload: dict[str, Any]) -> None:
    found = await shipment(UUID(payload["shipment_id"]))
    if found.dispatched_at is None or found.dispatched_at < clock.now() - NEWS_FOR:
        return
    asker = await asker_or_none(found.order_id)
    await tell_party(LEFT, f"left:{found.id}", payload, found.party_id, asker)


async def compose_released(
    payload: dict[str, Any],
    channel: str,  # noqa: ARG001
    party_id: UUID | None,  # noqa: ARG001
) -> Composed:
    """Nothing where it was changed, cancelled or shipped by then."""
    head = await order_head(UUID(payload["order_id"]))
    if head.state != "confirmed":
        return Dropped("MOVED_ON")
    link = await address_of(f"/orders/{head.id}")
    text = i18n.say("progress:released", order=head.number, link=link)
    return Ready(text, i18n.say("progress:released_subject", order=head.number))


async def compose_left(
    payload: dict[str, Any],
    channel: str,  # noqa: ARG001
    party_id: UUID | None,  # noqa: ARG001
) -> Composed:
    """With the carrier and his number, where they are known as the word leaves."""
    found = await shipment(UUID(payload["shipment_id"]))
    if found.state not in ("dispatched", "in_transit"):
        return Dropped("MOVED_ON")
    carried = " ".join(word for word in (found.carrier, found.tracking_number) if word)
    text = i18n.say(
        "progress:carried" if carried else "progress:left",
        order=found.order_number,
        number=found.number,
        carried=carried,
        link=await address_of(f"/orders/{found.order_id}"),
    )
    return Ready(text, i18n.say("progress:left_subject", order=found.order_number))

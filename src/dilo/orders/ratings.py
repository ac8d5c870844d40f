"""How a client found a delivery: one to five and a word, once a shipment; averages by manager."""

from datetime import date
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec

from dilo.kit import db, i18n
from dilo.kit.errors import Refusal
from dilo.messaging.channels import Composed, Dropped, Ready
from dilo.messaging.telling import tell_party
from dilo.orders.queries import asker_or_none
from dilo.orders.tracking import shipment
from tenants import audit
from tenants.actors import Actor
from tenants.links import address_of

KIND = "delivered"
RATE = """
INSERT INTO rating (shipment_id, party_id, score, comment, door, rated_by)
VALUES (:shipment_id, :party_id, :score, :comment, :door, :by)
ON CONFLICT (tenant_id, shipment_id) DO NOTHING RETURNING id
"""
COMMENT = """
UPDATE rating SET comment = :comment
WHERE shipment_id = :shipment_id AND party_id = :party_id AND comment IS NULL RETURNING id
"""
LIST = """
SELECT r.shipment_id, s.number, s.order_id, o.number AS order_number, p.id AS party_id,
  p.name AS party_name, r.score, r.comment, r.rated_by, r.rated_at, i.name AS manager
FROM rating r JOIN shipment s ON s.id = r.shipment_id JOIN sales_order o ON o.id = s.order_id
JOIN party p ON p.id = r.party_id LEFT JOIN identity i ON i.id = p.owner_id
WHERE (CAST(:score AS int) IS NULL OR r.score = :score)
  AND (CAST(:since AS date) IS NULL OR r.rated_at >= :since)
  AND (:manager = '' OR i.name = :manager)
ORDER BY r.rated_at DESC LIMIT 500
"""
BY_MANAGER = """
SELECT i.id, coalesce(i.name, '') AS manager, count(*) AS answers,
  round(avg(r.score), 2) AS average, count(*) FILTER (WHERE r.score <= 2) AS bad
FROM rating r JOIN party p ON p.id = r.party_id LEFT JOIN identity i ON i.id = p.owner_id
WHERE CAST(:since AS date) IS NULL OR r.rated_at >= :since
GROUP BY i.id, i.name ORDER BY average DESC, answers DESC
"""
Door = Literal["office", "portal", "telegram", "sms", "api"]


class RatingForm(msgspec.Struct):
    score: Annotated[int, msgspec.Meta(ge=1, le=5)]
    comment: Annotated[str, msgspec.Meta(max_length=1000)] | None = None


async def rate(actor: Actor, shipment_id: UUID, form: RatingForm, door: Door) -> None:
    """Raises NOT_FOUND (another company's, too), NOT_DELIVERED, SCORE_BAD, ALREADY_RATED."""
    found = await shipment(shipment_id, actor)
    actor.require("orders.edit")
    if not 1 <= form.score <= 5:
        raise Refusal("SCORE_BAD", status=422)
    if found.state != "delivered":
        raise Refusal("NOT_DELIVERED", number=found.number)
    made = await db.value(
        RATE,
        shipment_id=shipment_id,
        party_id=found.party_id,
        score=form.score,
        comment=form.comment,
        door=door,
        by=actor.name,
    )
    if made is None:
        raise Refusal("ALREADY_RATED", number=found.number)
    after = {"shipment": found.number, "score": form.score}
    await audit.note(actor, "shipments.rate", "sales_order", found.order_id, after=after)


async def comment(actor: Actor, shipment_id: UUID, text: str) -> None:
    """A word to the mark that was given without one. Raises FORBIDDEN, NOT_FOUND, ALREADY_RATED."""
    found = await shipment(shipment_id, actor)
    actor.require("orders.edit")
    made = await db.value(
        COMMENT, shipment_id=shipment_id, party_id=found.party_id, comment=text[:1000]
    )
    if made is None:
        raise Refusal("ALREADY_RATED", number=found.number)
    after = {"shipment": found.number, "comment": text[:200]}
    await audit.note(actor, "shipments.rate", "sales_order", found.order_id, after=after)


def score_buttons(shipment_id: UUID) -> list[list[tuple[str, str]]]:
    """One to five for a chat."""
    return [[(f"{n} ⭐", f"rate:{shipment_id}:{n}") for n in range(1, 6)]]


async def on_delivered(payload: dict[str, Any]) -> None:
    """The client is told, and asked how it was."""
    found = await shipment(UUID(payload["shipment_id"]))
    asker = await asker_or_none(found.order_id)
    told = {"shipment_id": str(found.id)}
    await tell_party(KIND, f"delivered:{found.id}", told, found.party_id, asker)


async def compose(
    payload: dict[str, Any],
    channel: str,
    party_id: UUID | None,  # noqa: ARG001
) -> Composed:
    found = await shipment(UUID(payload["shipment_id"]))
    if found.state != "delivered":
        return Dropped("MOVED_ON")
    rated, in_chat, taken_by = found.score is not None, channel == "telegram", found.received_by
    key = "rating:delivered" if rated else "rating:asked_here" if in_chat else "rating:asked"
    text = i18n.say(
        key,
        number=found.number,
        order=found.order_number,
        received=i18n.say("rating:received", name=taken_by) if taken_by else "",
        link=await address_of(f"/shipments/{found.id}/rating"),
    )
    extra = {"buttons": score_buttons(found.id)} if in_chat and not rated else {}
    return Ready(text, i18n.say("rating:subject", order=found.order_number), extra)


async def ratings(
    *, score: int | None = None, since: date | None = None, manager: str = ""
) -> list[db.Row]:
    return await db.rows(LIST, score=score, since=since, manager=manager)


async def averages(since: date | None = None) -> list[db.Row]:
    return await db.rows(BY_MANAGER, since=since)

"""What is written to a company's own people: asking approvers, answering the buyer.

In Telegram where the person is linked there, else by e-mail; never to the company's other chats.
"""

from typing import Any
from uuid import UUID

from dilo.buyers import queries
from dilo.kit import db, i18n, outbox
from dilo.kit.templating import money
from dilo.messaging.channels import Composed, Dropped, Ready
from tenants.links import address_of

ASK, ANSWER = "approval_request", "approval_decision"
LINES_SHOWN = 6


async def tell_approvers(request_id: UUID) -> None:
    """Whoever the current step names; administrators only where they stand in for nobody else."""
    turn = await queries.current_turn(request_id)
    if turn is None:
        return
    people = await db.rows(queries.ELIGIBLE, turn_id=turn["id"])
    named = [one for one in people if one["named"]]
    for one in named or people:
        fact = {"request_id": str(request_id), "turn_id": str(turn["id"])}
        await _put(ASK, f"approval:{turn['id']}:{one['identity_id']}", one, fact)


async def tell_buyer(request_id: UUID) -> None:
    buyer = await db.one_or_none(queries.REQUESTER, id=request_id)
    if buyer is not None:
        fact = {"request_id": str(request_id)}
        await _put(ANSWER, f"approval-decided:{request_id}", buyer, fact)


async def _put(kind: str, key: str, person: db.Row, fact: dict[str, Any]) -> None:
    channel, address = (
        ("telegram", person["chat_id"]) if person["chat_id"] else ("email", person["email"])
    )
    payload = {**fact, "address": address, "language": person["language"]}
    await outbox.put(channel, kind, key, payload, priority=2)


async def compose_ask(payload: dict[str, Any], channel: str, party_id: UUID | None) -> Composed:  # noqa: ARG001
    """Not sent where somebody has answered by then."""
    request = await queries.request_or_none(UUID(payload["request_id"]))
    turn = await queries.current_turn(UUID(payload["request_id"]))
    if (
        request is None
        or request.state != "waiting"
        or str(turn and turn["id"]) != (payload["turn_id"])
    ):
        return Dropped("DECIDED")
    lines = await queries.order_lines_of(request.order_id, LINES_SHOWN)
    text = i18n.say(
        "approval:asked",
        name=request.requested_name,
        number=request.number,
        total=money(request.amount, request.currency),
        why="; ".join(i18n.say(f"approval_reason:{code}") for code in request.reasons),
        lines="\n".join(
            f"• {one['code']} {one['name']} × {i18n.shown(one['quantity'])}" for one in lines
        ),
    )
    if channel == "telegram":
        yes, no = (f"appr:{payload['turn_id']}:{answer}" for answer in (1, 0))
        buttons = [[(i18n.say("approval:yes"), yes), (i18n.say("approval:no"), no)]]
        return Ready(text, extra={"buttons": buttons})
    link = await address_of(f"/approvals/{request.id}")
    subject = i18n.say("approval:subject", number=request.number)
    return Ready(f"{text}\n\n{link}", subject=subject)


async def compose_answer(payload: dict[str, Any], channel: str, party_id: UUID | None) -> Composed:  # noqa: ARG001
    request = await queries.request_or_none(UUID(payload["request_id"]))
    if request is None or request.state not in ("approved", "refused"):
        return Dropped("WITHDRAWN")
    turns = await queries.turns_of(request.id)
    last = [turn for turn in turns if turn["state"] == request.state][-1]
    text = i18n.say(
        f"approval:told_{request.state}",
        number=request.number,
        name=last["decided_name"] or "",
        comment=last["comment"] or "—",
        state=i18n.say(f"state:{request.order_state}"),
    )
    if channel == "telegram":
        return Ready(text)
    link = await address_of(f"/orders/{request.order_id}")
    return Ready(f"{text}\n\n{link}", subject=i18n.say("approval:subject", number=request.number))

"""What is written to a company's own people: asking approvers, answering the buyer.

In Telegram where the person is linked there, else by e-mail; never to the company's other chats.
"""

from typing import Any
from uuid import UUID

from dilo.buyers import queries
from dilo.buyers.codes import code_hash, new_code
from dilo.kit import clock, db, i18n, outbox
from dilo.kit.templating import money
from dilo.messaging.channels import Composed, Dropped, Ready
from tenants.links import address_of
from tenants.scope import current_tenant

ASK, ANSWER = "approval_request", "approval_decision"
INVITATION, TICKET = "portal_invitation", "sign_in_ticket"
LINES_SHOWN = 6
CODE_INVITATION = """
UPDATE invitation v SET code_hash = :code_hash FROM party p
WHERE v.id = :id AND v.sent_times = :times AND v.accepted_at IS NULL AND v.revoked_at IS NULL
  AND v.expires_at > :now AND p.id = v.party_id
RETURNING v.name, v.invited_by, v.expires_at, p.name AS party_name
"""
CODE_TICKET = """
UPDATE sign_in_ticket SET code_hash = :code_hash
WHERE id = :id AND identity_id IS NOT NULL AND used_at IS NULL AND expires_at > :now RETURNING kind
"""


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


async def put_invitation(invitation_id: UUID, times: int, email: str) -> None:
    fact = {"invitation_id": str(invitation_id), "times": times, "address": email}
    fact["language"] = i18n.language()
    await outbox.put("email", INVITATION, f"invitation:{invitation_id}:{times}", fact, priority=1)


async def compose_invitation(
    payload: dict[str, Any],
    channel: str,  # noqa: ARG001
    party_id: UUID | None,  # noqa: ARG001
) -> Composed:
    """The code is made here, as the letter leaves: until then there is none to steal."""
    code = new_code()
    found = await db.one_or_none(
        CODE_INVITATION,
        id=UUID(payload["invitation_id"]),
        times=payload["times"],
        code_hash=code_hash(code),
        now=clock.now(),
    )
    if found is None:
        return Dropped("WITHDRAWN")
    figures = {"tenant": current_tenant().name, "company": found["party_name"]}
    link = await address_of(f"/invitations/{code}")
    text = i18n.say(
        "invitation:text",
        name=found["name"],
        by=found["invited_by"],
        link=link,
        until=found["expires_at"].date(),
        **figures,
    )
    subject = i18n.say("invitation:subject", **figures)
    return Ready(text, subject=subject, extra={"secret": code})


async def compose_ticket(
    payload: dict[str, Any],
    channel: str,  # noqa: ARG001
    party_id: UUID | None,  # noqa: ARG001
) -> Composed:
    code = new_code()
    kind = await db.value(
        CODE_TICKET, id=UUID(payload["ticket_id"]), code_hash=code_hash(code), now=clock.now()
    )
    if kind is None:
        return Dropped("UNKNOWN")
    path = {"link": "/sign-in/link/", "reset": "/password-reset/"}[kind]
    link = await address_of(f"{path}{code}", payload["host"])
    company = current_tenant().name
    return Ready(
        i18n.say(f"ticket:{kind}_text", tenant=company, link=link),
        subject=i18n.say(f"ticket:{kind}_subject", tenant=company),
        extra={"secret": code},
    )

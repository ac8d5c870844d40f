"""A colleague looks at the portal as a customer sees it: short, in sight, written down.

He may not pay, approve, manage people or change the account; every note names him.
"""

from datetime import timedelta
from uuid import UUID

from dilo.buyers.seats import seat
from dilo.kit import db
from dilo.kit.errors import Refusal
from dilo.people.roles import VERBS
from tenants import audit
from tenants.actors import Actor
from tenants.sessions import open_session, sign_out, token_hash

VERB = "portal.impersonate"
MINUTES = 30
WHOSE = """
SELECT s.party_id, s.staff_id, h.name AS staff_name, i.email FROM session s
JOIN identity h ON h.id = s.staff_id JOIN identity i ON i.id = s.identity_id
WHERE s.token_hash = :token_hash
"""


def may_look_as(staff_role: str | None) -> bool:
    """By the role the colleague holds now; the dismissed have none."""
    return staff_role is not None and VERB in VERBS[staff_role]


async def begin(actor: Actor, seat_id: UUID, address: str, user_agent: str) -> str:
    """Returns the token of a session apart. Raises FORBIDDEN, NOT_FOUND, USER_DISABLED."""
    actor.require(VERB)
    one = await seat(seat_id)
    if one.disabled_at is not None:
        raise Refusal("USER_DISABLED", email=one.email)
    token = await open_session(
        "portal",
        one.identity_id,
        user_agent,
        address=address,
        party_id=one.party_id,
        staff_id=actor.id,
        lasts=timedelta(minutes=MINUTES),
    )
    after = {"email": one.email, "minutes": MINUTES}
    await audit.note(actor, "portal.impersonation_began", "party", one.party_id, after=after)
    return token


async def end(token: str) -> UUID | None:
    """Returns the company that was looked at; None where the session was nobody's visit."""
    found = await db.one_or_none(WHOSE, token_hash=token_hash(token))
    await sign_out(token)
    if found is None:
        return None
    colleague = Actor("staff", found["staff_id"], found["staff_name"])
    after = {"email": found["email"]}
    await audit.note(
        colleague, "portal.impersonation_ended", "party", found["party_id"], after=after
    )
    return found["party_id"]

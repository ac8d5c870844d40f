"""The people of a company: invited by letter, given a role and a division, switched off at once."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID

import asyncpg
import msgspec

from dilo.buyers.codes import code_hash, new_code
from dilo.buyers.letters import put_invitation
from dilo.buyers.limits import may_edit
from dilo.kit import clock, db
from dilo.kit.errors import Forbidden, NotFound, Refusal
from dilo.messaging import channels
from tenants import audit
from tenants.actors import Actor
from tenants.links import address_of
from tenants.provision import add_identity
from tenants.scope import Tenant, scope
from tenants.sessions import hash_password, open_session

INVITATION_DAYS = 7
SENT_MOST = 10
PASSWORD_LEAST = 8
# Everything about roles of one company goes through this row, one at a time.
LOCK_COMPANY = "SELECT id FROM party WHERE id = :id FOR NO KEY UPDATE"
STILL_ADMIN = """
SELECT 1 FROM portal_user u JOIN identity i ON i.id = u.identity_id AND i.disabled_at IS NULL
WHERE u.party_id = :party_id AND u.identity_id = :id AND u.role = 'admin' AND u.disabled_at IS NULL
"""
SEAT = """
SELECT u.id, u.identity_id, u.role, u.division_id, u.disabled_at, i.email, i.name
FROM portal_user u JOIN identity i ON i.id = u.identity_id
WHERE u.id = :id AND u.party_id = :party_id
"""
OTHER_ADMINS = """
SELECT 1 FROM portal_user u JOIN identity i ON i.id = u.identity_id AND i.disabled_at IS NULL
WHERE u.party_id = :party_id AND u.id <> :id AND u.role = 'admin' AND u.disabled_at IS NULL LIMIT 1
"""
CHANGE = "UPDATE portal_user SET role = :role, division_id = :division_id WHERE id = :id"
DISABLE = """
UPDATE portal_user SET disabled_at = CASE WHEN :disabled THEN CAST(:now AS timestamptz) END
WHERE id = :id
"""
END_SESSIONS = "DELETE FROM session WHERE identity_id = :identity_id AND door = 'portal'"
SITS_HERE = """
SELECT 1 FROM portal_user u JOIN identity i ON i.id = u.identity_id
WHERE u.party_id = :party_id AND i.email = :email
"""
INVITE = """
INSERT INTO invitation (party_id, email, name, role, division_id, invited_by, expires_at)
VALUES (:party_id, :email, :name, :role, :division_id, :by, :until)
ON CONFLICT (tenant_id, party_id, email) WHERE accepted_at IS NULL AND revoked_at IS NULL
DO UPDATE SET name = excluded.name, role = excluded.role, division_id = excluded.division_id
RETURNING id
"""
# The code of an earlier letter no longer opens anything.
SEND = """
UPDATE invitation SET sent_times = sent_times + 1, expires_at = :until, code_hash = NULL
WHERE id = :id AND party_id = :party_id AND accepted_at IS NULL AND revoked_at IS NULL
RETURNING email, sent_times
"""
SET_CODE = "UPDATE invitation SET code_hash = :code_hash WHERE id = :id"
REVOKE = """
UPDATE invitation SET revoked_at = :now, code_hash = NULL
WHERE id = :id AND party_id = :party_id AND accepted_at IS NULL AND revoked_at IS NULL
RETURNING email
"""
OF_CODE = """
SELECT v.id, v.party_id, p.name AS party_name, v.email, v.name, v.role, v.division_id, v.invited_by,
  i.id AS identity_id, i.disabled_at
FROM invitation v JOIN party p ON p.id = v.party_id LEFT JOIN identity i ON i.email = v.email
WHERE v.code_hash = :code_hash AND v.accepted_at IS NULL AND v.revoked_at IS NULL
  AND v.expires_at > :now
"""
ACCEPT = """
UPDATE invitation SET accepted_at = :now, code_hash = NULL WHERE id = :id AND code_hash = :code_hash
  AND accepted_at IS NULL AND revoked_at IS NULL AND expires_at > :now RETURNING id
"""
SIT = """
INSERT INTO portal_user (identity_id, party_id, role, division_id)
VALUES (:identity_id, :party_id, :role, :division_id)
ON CONFLICT (tenant_id, identity_id, party_id) DO NOTHING
"""
SET_PASSWORD = "UPDATE identity SET password_hash = :hash WHERE id = :id"
Role = Literal["admin", "buyer", "approver", "accountant", "viewer"]


class InvitationForm(msgspec.Struct):
    email: str
    name: str
    role: Role
    division_id: UUID | None = None


class SeatForm(msgspec.Struct):
    role: Role
    division_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Invited:
    """``identity_id``: he has an account already and only joins the company."""

    id: UUID
    party_id: UUID
    party_name: str
    email: str
    name: str
    role: str
    division_id: UUID | None
    invited_by: str
    identity_id: UUID | None
    disabled_at: datetime | None


async def _locked(actor: Actor, party_id: UUID) -> None:
    """One change of roles at a time; an administrator removed meanwhile changes nothing more."""
    may_edit(actor, party_id)
    await db.one(LOCK_COMPANY, id=party_id)
    if actor.on_behalf_of is not None and not await db.value(
        STILL_ADMIN, party_id=party_id, id=actor.id
    ):
        raise Forbidden("FORBIDDEN", verb="company.edit")


async def invite(actor: Actor, party_id: UUID, form: InvitationForm) -> UUID:
    """A letter with a link that works once. Raises FORBIDDEN, NOT_FOUND, EMAIL_BAD, SITS_HERE."""
    await _locked(actor, party_id)
    return await invite_to(actor, party_id, form)


async def invite_to(actor: Actor, party_id: UUID, form: InvitationForm) -> UUID:
    """For who has found already that the actor may. Raises NOT_FOUND, EMAIL_BAD, SITS_HERE."""
    email = form.email.strip().lower()
    if "@" not in email or len(email) > 254 or len(form.name) > 200 or " " in email:
        raise Refusal("EMAIL_BAD", status=422, email=form.email[:100])
    if await db.value(SITS_HERE, party_id=party_id, email=email):
        raise Refusal("SITS_HERE", status=422, email=email)
    try:
        async with db.savepoint():
            made = await db.value(
                INVITE,
                party_id=party_id,
                email=email,
                name=form.name.strip() or email,
                role=form.role,
                division_id=form.division_id,
                by=actor.name,
                until=clock.now() + timedelta(days=INVITATION_DAYS),
            )
    except asyncpg.ForeignKeyViolationError:
        raise NotFound from None
    await _send(party_id, made)
    after = {"email": email, "role": form.role}
    await audit.note(actor, "buyers.invite", "party", party_id, after=after)
    return made


async def _send(party_id: UUID, invitation_id: UUID) -> None:
    until = clock.now() + timedelta(days=INVITATION_DAYS)
    sent = await db.one(SEND, id=invitation_id, party_id=party_id, until=until)
    if sent["sent_times"] > SENT_MOST:
        raise Refusal("TOO_MANY_LETTERS", status=429, most=SENT_MOST)
    await put_invitation(invitation_id, sent["sent_times"], sent["email"])


async def invite_again(actor: Actor, party_id: UUID, invitation_id: UUID) -> None:
    """A new letter; the link of the one before is dead. Raises FORBIDDEN, NOT_FOUND."""
    await _locked(actor, party_id)
    await send_again(actor, party_id, invitation_id)


async def send_again(actor: Actor, party_id: UUID, invitation_id: UUID) -> None:
    """For who has found already that the actor may. Raises NOT_FOUND, TOO_MANY_LETTERS."""
    await _send(party_id, invitation_id)
    await audit.note(actor, "buyers.invite_again", "party", party_id)


def letters_go() -> bool:
    return channels.channel("email") is not None


async def link_instead_of_letter(actor: Actor, party_id: UUID, invitation_id: UUID) -> str:
    """Where no letters leave this installation: the link itself, shown once and handed over by
    other means. Links made before are dead. Raises FORBIDDEN, NOT_FOUND, LETTERS_GO."""
    await _locked(actor, party_id)
    return await link_of(actor, party_id, invitation_id)


async def link_of(actor: Actor, party_id: UUID, invitation_id: UUID) -> str:
    """For who has found already that the actor may. Raises NOT_FOUND, LETTERS_GO."""
    code = new_code()
    until = clock.now() + timedelta(days=INVITATION_DAYS)
    sent = await db.one(SEND, id=invitation_id, party_id=party_id, until=until)
    if letters_go():  # said only to who owns the invitation; a refusal undoes what was begun
        raise Refusal("LETTERS_GO")
    await db.execute(SET_CODE, id=invitation_id, code_hash=code_hash(code))
    after = {"email": sent["email"]}
    await audit.note(actor, "buyers.invitation_link", "party", party_id, after=after)
    return await address_of(f"/invitations/{code}")


async def revoke(actor: Actor, party_id: UUID, invitation_id: UUID) -> None:
    await _locked(actor, party_id)
    gone = await db.one(REVOKE, id=invitation_id, party_id=party_id, now=clock.now())
    before = {"email": gone["email"]}
    await audit.note(actor, "buyers.invite_revoked", "party", party_id, before=before)


async def invited_by_code(code: str) -> Invited:
    """Raises LINK_GONE (404) for an unknown, used, revoked or expired one alike."""
    found = await db.one_or_none_as(Invited, OF_CODE, code_hash=code_hash(code), now=clock.now())
    if found is None or found.disabled_at is not None:
        raise NotFound("LINK_GONE")
    return found


async def accept(tenant: Tenant, code: str, password: str, user_agent: str) -> str | None:
    """Seats the invited. A newcomer sets his password and is signed in: returns his token; who has
    an account joins with it and signs in as ever (None). Raises LINK_GONE, PASSWORD_SHORT."""
    async with scope(tenant):
        found = await invited_by_code(code)
    if found.identity_id is None and not PASSWORD_LEAST <= len(password) <= 1024:
        raise Refusal("PASSWORD_SHORT", status=422)
    hashed = await hash_password(password) if found.identity_id is None else None
    async with scope(tenant):
        taken = await db.value(ACCEPT, id=found.id, code_hash=code_hash(code), now=clock.now())
        if taken is None:
            raise NotFound("LINK_GONE")
        identity_id = found.identity_id or await add_identity(found.email, found.name, None)
        await db.execute(
            SIT,
            identity_id=identity_id,
            party_id=found.party_id,
            role=found.role,
            division_id=found.division_id,
        )
        person = Actor("portal", identity_id, found.name, on_behalf_of=found.party_id)
        after = {"email": found.email, "role": found.role}
        await audit.note(person, "buyers.joined", "party", found.party_id, after=after)
        if hashed is None:
            return None
        await db.execute(SET_PASSWORD, id=identity_id, hash=hashed)
        return await open_session("portal", identity_id, user_agent, party_id=found.party_id)


async def change_seat(actor: Actor, party_id: UUID, seat_id: UUID, form: SeatForm) -> None:
    """Acts on the person's next click. Raises FORBIDDEN, NOT_FOUND, LAST_ADMIN."""
    await _locked(actor, party_id)
    seat = await db.one(SEAT, id=seat_id, party_id=party_id)
    if seat["role"] == "admin" and form.role != "admin" and seat["disabled_at"] is None:
        await _not_the_last(party_id, seat_id)
    try:
        async with db.savepoint():
            await db.execute(CHANGE, id=seat_id, role=form.role, division_id=form.division_id)
    except asyncpg.ForeignKeyViolationError:
        raise NotFound from None
    await audit.note(
        actor,
        "buyers.role",
        "party",
        party_id,
        before={"email": seat["email"], "role": seat["role"]},
        after={"email": seat["email"], "role": form.role},
    )


async def set_disabled(actor: Actor, party_id: UUID, seat_id: UUID, disabled: bool) -> None:
    """His sessions end at once. Raises FORBIDDEN, NOT_FOUND, LAST_ADMIN."""
    await _locked(actor, party_id)
    seat = await db.one(SEAT, id=seat_id, party_id=party_id)
    if disabled and seat["role"] == "admin":
        await _not_the_last(party_id, seat_id)
    await db.execute(DISABLE, id=seat_id, disabled=disabled, now=clock.now())
    await db.execute(END_SESSIONS, identity_id=seat["identity_id"])
    verb = "buyers.disabled" if disabled else "buyers.enabled"
    await audit.note(actor, verb, "party", party_id, after={"email": seat["email"]})


async def _not_the_last(party_id: UUID, seat_id: UUID) -> None:
    if not await db.value(OTHER_ADMINS, party_id=party_id, id=seat_id):
        raise Refusal("LAST_ADMIN")

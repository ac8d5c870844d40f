"""Staff of the tenant: invite, change role, disable; own preferences."""

from decimal import Decimal
from uuid import UUID

from dilo.kit import db
from dilo.kit.errors import NotFound, Refusal
from tenants import audit
from tenants.actors import Actor
from tenants.provision import add_member
from tenants.scope import Tenant, scope
from tenants.sessions import confirm_password, hash_password, sign_out_elsewhere

PREFER = """
UPDATE identity SET language = coalesce(:language, language), theme = coalesce(:theme, theme)
WHERE id = :id
"""
ROLE = "UPDATE membership SET role = :role WHERE identity_id = :id"
COMMISSION = "UPDATE membership SET commission_percent = :percent WHERE identity_id = :id"
DISABLE = "UPDATE identity SET disabled_at = CASE WHEN :disabled THEN now() END WHERE id = :id"
END_SESSIONS = "DELETE FROM session WHERE identity_id = :id"
PASSWORD = "UPDATE identity SET password_hash = :hash WHERE id = :id"
OTHER_OWNERS = """
SELECT count(*) FROM membership m JOIN identity i ON i.tenant_id = m.tenant_id AND i.id =
  m.identity_id
WHERE m.role = 'owner' AND i.disabled_at IS NULL AND m.identity_id <> :id
"""


async def prefer(actor: Actor, language: str | None, theme: str | None) -> None:
    await db.execute(PREFER, id=actor.id, language=language, theme=theme)


async def invite(actor: Actor, email: str, name: str, role: str, password: str) -> UUID:
    """Raises FORBIDDEN, EMAIL_TAKEN, PASSWORD_SHORT."""
    actor.require("people.edit")
    if len(password) < 8:
        raise Refusal("PASSWORD_SHORT", status=422)
    if await db.value("SELECT 1 FROM identity WHERE email = :email", email=email.lower()):
        raise Refusal("EMAIL_TAKEN", email=email)
    member = await add_member(email, name, role, password)
    await audit.note(actor, "people.invite", "identity", member, after={"role": role})
    return member


async def change_role(actor: Actor, identity_id: UUID, role: str) -> None:
    """Raises FORBIDDEN, LAST_OWNER."""
    actor.require("people.edit")
    if role != "owner" and not await db.value(OTHER_OWNERS, id=identity_id):
        raise Refusal("LAST_OWNER")
    await db.execute(ROLE, id=identity_id, role=role)
    await audit.note(actor, "people.role", "identity", identity_id, after={"role": role})


async def set_commission(actor: Actor, identity_id: UUID, percent: Decimal) -> None:
    """Percent of revenue of one's parties, for the report of profitability.

    Raises FORBIDDEN, NOT_FOUND, PERCENT_BAD.
    """
    actor.require("people.edit")
    if not percent.is_finite() or not 0 <= percent <= 100:
        raise Refusal("PERCENT_BAD", status=422)
    if not await db.execute(COMMISSION, id=identity_id, percent=round(percent, 2)):
        raise NotFound
    await audit.note(
        actor, "people.commission", "identity", identity_id, after={"percent": str(percent)}
    )


async def disable(actor: Actor, identity_id: UUID, disabled: bool) -> None:
    """Ends the person's sessions at once. Raises FORBIDDEN, LAST_OWNER."""
    actor.require("people.edit")
    if disabled and not await db.value(OTHER_OWNERS, id=identity_id):
        raise Refusal("LAST_OWNER")
    await db.execute(DISABLE, id=identity_id, disabled=disabled)
    await db.execute(END_SESSIONS, id=identity_id)
    await audit.note(actor, "people.disable", "identity", identity_id, after={"disabled": disabled})


async def change_password(
    tenant: Tenant, actor: Actor, former: str, password: str, token: str
) -> None:
    """Sessions other than ``token``'s end.

    Raises PASSWORD_SHORT, PASSWORD_WRONG, TOO_MANY_ATTEMPTS.
    """
    if not 8 <= len(password) <= 1024:
        raise Refusal("PASSWORD_SHORT", status=422)
    assert actor.id is not None
    await confirm_password(tenant, actor.id, former)
    hashed = await hash_password(password)
    async with scope(tenant):
        await db.execute(PASSWORD, id=actor.id, hash=hashed)
        await sign_out_elsewhere(actor.id, token)
        await audit.note(actor, "people.password", "identity", actor.id)

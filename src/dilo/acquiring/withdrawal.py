"""Taking a request back: the link is dead here and the page it opened is closed at the provider."""

from uuid import UUID

from dilo.acquiring import accounts, queries
from dilo.acquiring.actions import cancel_request
from dilo.acquiring.gateway import Account, Gateway
from dilo.acquiring.looking import LOOKED, look_at_request
from dilo.acquiring.queries import Attempt
from dilo.kit import db
from dilo.kit.errors import Refusal
from tenants.actors import Actor
from tenants.scope import Tenant, scope


async def withdraw(tenant: Tenant, actor: Actor, request_id: UUID) -> None:
    """First asks whether it was paid a moment ago. Where the provider is silent, money that still
    comes is set aside. Raises FORBIDDEN, NOT_FOUND, NOT_PAYABLE."""
    await look_at_request(tenant, request_id)
    async with scope(tenant):
        await queries.request(request_id)
        await cancel_request(actor, request_id)
    await close_pages(tenant, request_id)


async def close_pages(tenant: Tenant, request_id: UUID) -> None:
    """Whoever still has the provider's page of a settled request open cannot pay it again."""
    async with scope(tenant):
        live = [one for one in await queries.live_attempts(request_id) if one.external_id]
        account = await accounts.current_or_none()
    for attempt in live:
        if account is not None and attempt.account_id == account.account_id:
            await _close(tenant, account, attempt)


async def _close(tenant: Tenant, account: Account, attempt: Attempt) -> None:
    gateway, about = Gateway(account), attempt.external_id or ""
    try:
        if attempt.kind == "checkout":
            await gateway.close_checkout(about)
        else:
            await gateway.cancel_intent(about)
    except Refusal:
        return  # paid meanwhile, or nobody answers: the worker looks at it again
    async with scope(tenant):
        await db.execute(LOOKED, id=attempt.id, state="expired", problem="CANCELLED")

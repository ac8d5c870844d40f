"""Asking instead of waiting: what a lost webhook, a lost answer or a closed tab would have told."""

from datetime import timedelta
from uuid import UUID

from dilo.acquiring import accounts, checkout, queries
from dilo.acquiring.gateway import Account, Gateway, Intent
from dilo.acquiring.queries import Attempt
from dilo.acquiring.settling import bring
from dilo.kit import clock, db
from dilo.kit.errors import Refusal
from tenants.scope import Tenant, scope

LOOKED = """
UPDATE pay_attempt SET looked_at = now(), state = coalesce(:state, state), problem = :problem
WHERE id = :id AND state IN ('asked','open')
"""
BETWEEN = timedelta(seconds=3)
QUIET = timedelta(minutes=5)


async def look_at_request(tenant: Tenant, request_id: UUID) -> None:
    """For the page that waits: not oftener than every few seconds; silence is no news."""
    async with scope(tenant):
        live = [
            one
            for one in await queries.live_attempts(request_id)
            if one.external_id and (one.looked_at or one.asked_at) < clock.now() - BETWEEN
        ]
        account = await accounts.current_or_none() if live else None
    if account is None:
        return
    for attempt in live:
        try:
            await look_at(tenant, account, attempt)
        except Refusal:
            continue


async def look_at_old(tenant_id: UUID) -> int:
    """For the worker: attempts that nobody has told us about for a while. How many were asked."""
    async with scope(tenant_id) as tenant:
        waiting = await queries.attempts_to_look_at(clock.now() - QUIET)
        account = await accounts.current_or_none() if waiting else None
    if account is None:
        return 0
    for attempt in waiting:
        try:
            await look_at(tenant, account, attempt)
        except Refusal as refusal:
            async with scope(tenant_id):
                await db.execute(LOOKED, id=attempt.id, state=None, problem=refusal.code)
    return len(waiting)


async def look_at(tenant: Tenant, account: Account, attempt: Attempt) -> None:
    if attempt.account_id != account.account_id:
        async with scope(tenant):
            await db.execute(LOOKED, id=attempt.id, state="expired", problem="ACCOUNT")
        return
    intents, state = await _found(tenant, account, attempt)
    async with scope(tenant):
        for intent in intents:
            await bring(account, intent)
        await db.execute(LOOKED, id=attempt.id, state=state, problem=None)


async def _found(
    tenant: Tenant, account: Account, attempt: Attempt
) -> tuple[list[Intent], str | None]:
    """The intents of an attempt, and how it ended. An unanswered one is asked again with its key
    while the key is remembered; after that by what the provider has under our mark."""
    gateway = Gateway(account)
    if attempt.external_id is None:
        if clock.now() - attempt.asked_at < checkout.KEY_LIVES:
            if attempt.kind == "checkout":
                await checkout.call(tenant, checkout.Prepared(account, attempt))
            return [], None
        known = await gateway.intents_of(str(attempt.pay_request_id))
        return [await gateway.intent(one) for one in known], "expired"
    if attempt.kind == "intent":
        intent = await gateway.intent(attempt.external_id)
        return [intent], "failed" if intent.status == "canceled" else None
    session = await gateway.session(attempt.external_id)
    intents = [await gateway.intent(session.intent_id)] if session.intent_id else []
    return intents, "expired" if session.status == "expired" else None

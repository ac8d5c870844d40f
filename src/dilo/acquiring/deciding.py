"""What people say of money that was set aside: whose it is, give it back, leave it."""

from uuid import UUID

from dilo.acquiring import accounts, queries
from dilo.acquiring.actions import CANCEL
from dilo.acquiring.gateway import Gateway
from dilo.acquiring.settling import Taking, take
from dilo.acquiring.withdrawal import close_pages
from dilo.kit import db
from dilo.kit.errors import Refusal
from dilo.orders.actions import lock_for_release
from dilo.parties.queries import party, party_of_code
from tenants import audit
from tenants.actors import Actor
from tenants.scope import Tenant, scope

LOCK = "SELECT state FROM card_quarantine WHERE id = :id FOR UPDATE"
DECIDE = """
UPDATE card_quarantine SET state = :state, payment_id = :payment_id, note = :note,
  decided_by = :by, decided_at = now() WHERE id = :id
"""


async def accept(tenant: Tenant, actor: Actor, quarantine_id: UUID, code: str, note: str) -> None:
    """Posts what the provider holds, asked anew, as a payment of the party with this ``code``;
    the request it came for is settled, so its page at the provider is closed.

    Raises FORBIDDEN, NOT_FOUND, UNKNOWN_PARTY, WRONG_STATE, NOT_ARRIVED and what the gateway says.
    """
    async with scope(tenant):
        actor.require("payments.record")
        row = await queries.quarantine(quarantine_id)
        party_id = await party_of_code(code or row["party_code"] or "")
        if party_id is None:
            raise Refusal("UNKNOWN_PARTY", status=422, code=code)
        account = await accounts.current()
    intent = await Gateway(account).intent(row["intent_id"])
    if intent.status != "succeeded":
        raise Refusal("NOT_ARRIVED", status=422)
    async with scope(tenant):
        await lock_for_release(party_id, (await party(party_id)).currency)
        await _still_waiting(quarantine_id, ("waiting",))
        taken = await take(Taking(party_id, intent, account.account_id))
        await _decided(actor, quarantine_id, "accepted", note, taken.payment_id)
        if row["pay_request_id"]:
            await db.execute(CANCEL, id=row["pay_request_id"])
    if row["pay_request_id"]:
        await close_pages(tenant, row["pay_request_id"])


async def refund(tenant: Tenant, actor: Actor, quarantine_id: UUID, note: str) -> None:
    """Gives all of it back. Nothing was posted, so nothing is countered."""
    async with scope(tenant):
        actor.require("payments.refund")
        row = await queries.quarantine(quarantine_id)
        await _still_waiting(quarantine_id, ("waiting", "refunding"))
        await _decided(actor, quarantine_id, "refunding", note, None)
        account = await accounts.current()
    body = {"payment_intent": row["intent_id"], "metadata": {"dilo_refund": str(quarantine_id)}}
    try:
        await Gateway(account).refund(f"quarantine:{quarantine_id}", body)
    except Refusal as refusal:
        if refusal.code != "STRIPE_AWAY":
            async with scope(tenant):
                await _decided(actor, quarantine_id, "waiting", note, None)
        raise
    async with scope(tenant):
        await _decided(actor, quarantine_id, "refunded", note, None)


async def dismiss(tenant: Tenant, actor: Actor, quarantine_id: UUID, note: str) -> None:
    """It is none of our business here; says why. Raises REASON_MISSING."""
    async with scope(tenant):
        actor.require("payments.record")
        await _still_waiting(quarantine_id, ("waiting",))
        if not note.strip():
            raise Refusal("REASON_MISSING", status=422)
        await _decided(actor, quarantine_id, "dismissed", note, None)


async def _still_waiting(quarantine_id: UUID, states: tuple[str, ...]) -> None:
    state = (await db.one(LOCK, id=quarantine_id))["state"]
    if state not in states:
        raise Refusal("WRONG_STATE", number="", state=state)


async def _decided(
    actor: Actor, quarantine_id: UUID, state: str, note: str, payment_id: UUID | None
) -> None:
    await db.execute(
        DECIDE,
        id=quarantine_id,
        state=state,
        payment_id=payment_id,
        note=note.strip()[:500] or None,
        by=actor.name,
    )
    await audit.note(actor, f"acquiring.{state}", "card_quarantine", quarantine_id)

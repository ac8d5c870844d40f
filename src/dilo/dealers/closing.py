"""Closing a plan fixes its bonus; then it is paid: left as credit, or netted with consent."""

from datetime import date, timedelta
from decimal import Decimal
from uuid import UUID

from dilo.dealers import notices
from dilo.dealers.bonuses import accrue, accrued_of, earned_of
from dilo.dealers.plans import Plan, PlanLine, lines_of, locked_plan, note, plan
from dilo.dealers.progress import Fact, facts_of
from dilo.dealers.rules import Earned
from dilo.dealers.schemes import steps_of
from dilo.kit import db, i18n, outbox
from dilo.kit.errors import NotFound, Refusal
from dilo.kit.money import ZERO
from dilo.ledger.actions import BONUS_PAYABLE
from dilo.receivables.actions import Document, DocumentLine, lock_balance, post_documents
from dilo.receivables.allocations import allocate_oldest_first
from dilo.receivables.queries import item_of_document
from tenants import audit
from tenants.actors import Actor
from tenants.numbering import next_number
from tenants.scope import current_tenant

CLOSE = """
UPDATE dealer_plan SET state = 'closed', closed_by = :by, closed_at = now(),
  bonus_amount = coalesce((SELECT sum(amount) FROM bonus_accrual WHERE plan_id = :id), 0)
WHERE id = :id RETURNING bonus_amount
"""
PAID = "SELECT coalesce(sum(amount), 0) FROM bonus_payout WHERE plan_id = :id"
PAYOUTS = """
SELECT y.kind, y.amount, y.currency, y.agreed_by, y.made_by, y.made_on, y.document_id, v.number
FROM bonus_payout y JOIN invoice v ON v.id = y.document_id
WHERE y.plan_id = :id ORDER BY y.id
"""
BY_KEY = "SELECT document_id FROM bonus_payout WHERE key = :key"
SERVICE = """
INSERT INTO product (code, name, kind) VALUES ('BONUS', :name, 'service')
ON CONFLICT (tenant_id, code) DO UPDATE SET code = excluded.code RETURNING id
"""
PAYOUT = """
INSERT INTO bonus_payout (plan_id, party_id, currency, kind, amount, document_id, agreed_by,
  made_by, made_on, key)
VALUES (:plan_id, :party_id, :currency, :kind, :amount, :document_id, :agreed_by, :by, :on, :key)
"""
Preview = list[tuple[PlanLine, Fact, Earned, Decimal]]


async def preview(found: Plan) -> Preview:
    """What each line would be fixed at if the plan were closed now, and what stands accrued."""
    lines = await lines_of([found.id])
    facts = await facts_of([found.id], max(found.until, current_tenant().today()))
    steps = await steps_of([line.scheme_id for line in lines if line.scheme_id])
    before = await accrued_of([found.id])
    shown: Preview = []
    for line in lines:
        fact, ladder = facts[line.id], steps.get(line.scheme_id, []) if line.scheme_id else []
        shown.append((line, fact, earned_of(line, fact, ladder), before.get(line.id, ZERO)))
    return shown


async def close_plan(actor: Actor, plan_id: UUID) -> Decimal:
    """The last difference is accrued today; the sum is fixed and owed. Again: the same sum.

    Returns the bonus. Raises FORBIDDEN, NOT_FOUND, WRONG_PLAN_STATE, PERIOD_NOT_OVER.
    """
    actor.require("dealers.close")
    found, today = await locked_plan(plan_id), current_tenant().today()
    if found.state == "closed":
        return found.bonus_amount or ZERO
    if found.state != "running" and not (found.state == "offered" and found.agreed_version):
        raise Refusal("WRONG_PLAN_STATE", state=found.state)
    if found.until >= today:
        raise Refusal("PERIOD_NOT_OVER", until=found.until)
    await accrue(today - timedelta(days=1), plan_id)
    await accrue(today, plan_id)
    bonus = await db.value(CLOSE, id=plan_id, by=actor.name)
    await note([plan_id], "closed", actor)
    await notices.tell(
        found.party_id,
        f"closed:{plan_id}",
        "dealer:plan_closed",
        since=found.since,
        until=found.until,
        bonus=bonus,
    )
    await audit.note(actor, "dealers.close", "party", found.party_id, after={"bonus": str(bonus)})
    return bonus


async def left_of(found: Plan) -> Decimal:
    """Of a closed plan: what is still to be paid."""
    return (found.bonus_amount or ZERO) - await db.value(PAID, id=found.id)


async def payouts_of(plan_id: UUID) -> list[db.Row]:
    return await db.rows(PAYOUTS, id=plan_id)


async def pay_bonus(actor: Actor, plan_id: UUID, amount: Decimal, key: str) -> UUID:
    """A credit note that stays open as the dealer's credit. Returns it, the same for the same key.

    Raises FORBIDDEN, NOT_FOUND, WRONG_PLAN_STATE, AMOUNT_BAD, BONUS_TOO_MUCH.
    """
    actor.require("bonuses.pay")
    return await _pay(actor, plan_id, amount, key, "credit_note")


async def net_bonus(actor: Actor, plan_id: UUID, amount: Decimal, key: str) -> UUID:
    """The dealer himself agrees that a part of his bonus settles his oldest debts.

    Raises FORBIDDEN, NOT_FOUND, WRONG_PLAN_STATE, AMOUNT_BAD, BONUS_TOO_MUCH, NETTING_TOO_MUCH.
    """
    if actor.on_behalf_of is None or (await plan(plan_id)).party_id != actor.on_behalf_of:
        raise NotFound
    actor.require("dealers.agree")
    return await _pay(actor, plan_id, amount, key, "netting")


async def _pay(actor: Actor, plan_id: UUID, amount: Decimal, key: str, kind: str) -> UUID:
    seen = await plan(plan_id)
    balance = await lock_balance(seen.party_id, seen.currency)
    found = await locked_plan(plan_id)
    key = f"{plan_id}:{key}"
    if earlier := await db.value(BY_KEY, key=key):
        return earlier
    if found.state != "closed":
        raise Refusal("WRONG_PLAN_STATE", state=found.state)
    if not amount.is_finite() or amount <= 0 or amount != round(amount, 2):
        raise Refusal("AMOUNT_BAD", status=422)
    if amount > (left := await left_of(found)):
        raise Refusal("BONUS_TOO_MUCH", status=422, left_amount=left)
    if kind == "netting" and amount > balance.receivable:
        raise Refusal("NETTING_TOO_MUCH", status=422, most_amount=balance.receivable)
    document_id = await _credit_note(found, amount, kind == "netting")
    await db.execute(
        PAYOUT,
        plan_id=plan_id,
        party_id=found.party_id,
        currency=found.currency,
        kind=kind,
        amount=amount,
        document_id=document_id,
        agreed_by=actor.name if kind == "netting" else None,
        by=actor.name,
        on=current_tenant().today(),
        key=key,
    )
    await outbox.tell("bonus_paid", party_id=str(found.party_id))
    await audit.note(
        actor, f"bonuses.{kind}", "party", found.party_id, after={"amount": str(amount)}
    )
    return document_id


async def _credit_note(found: Plan, amount: Decimal, spend: bool) -> UUID:
    """The liability becomes the party's credit: bonuses payable against trade receivables."""
    on: date = current_tenant().today()
    product = await db.value(SERVICE, name=i18n.say("dealer:bonus_product"))
    since, until = i18n.shown(found.since), i18n.shown(found.until)
    line = DocumentLine(
        product,
        Decimal(1),
        amount,
        amount,
        i18n.say("dealer:bonus_line", since=since, until=until),
    )
    document = Document(
        "credit_note",
        await next_number("credit_note", "CN"),
        found.party_id,
        on,
        on,
        found.currency,
        [line],
        account=BONUS_PAYABLE,
    )
    await post_documents([document])
    if spend:
        await allocate_oldest_first(await item_of_document(document.id), on)
    return document.id

"""A draft is edited freely, then submitted; a held order may be submitted again or reopened."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from uuid import UUID

from dilo.buyers.approvals import withdraw_requests
from dilo.catalogue.shelf import only_seen
from dilo.kit import clock, db, outbox
from dilo.kit.errors import Refusal
from dilo.orders.actions.decision import (
    ask_own_company,
    judge,
    keep_evaluation,
    line_facts,
    own_party,
)
from dilo.orders.actions.lines import total_of
from dilo.orders.actions.place import buyer_id, told_to
from dilo.orders.actions.rewrite import left_out, rewrite, word_for
from dilo.orders.commands import LineInput, Placed
from dilo.orders.facts import CONFIRMATION, LineFacts, Verdict
from dilo.orders.queries import (
    OrderHead,
    OrderLine,
    Terms,
    locked_head,
    order_head,
    order_lines,
    terms_of,
)
from dilo.orders.rules import passes
from dilo.receivables.actions import Balance, lock_balance
from dilo.stock.actions import Kept, Level, Wanted, lock_levels, release, reserve_or_wait
from tenants import audit
from tenants.actors import Actor
from tenants.scope import current_tenant

SETTLE = """
WITH settled AS (
  UPDATE sales_order SET state = :state, version = version + 1,
    submitted_at = coalesce(submitted_at, :now),
    placed_by = coalesce(:placed_by, placed_by), placed_by_id = coalesce(:buyer_id, placed_by_id),
    confirmed_at = CASE WHEN :state = 'confirmed' THEN CAST(:now AS timestamptz) END
  WHERE id = :id RETURNING party_id, currency, total)
UPDATE party_balance b SET confirmed = b.confirmed + s.total FROM settled s
WHERE b.party_id = s.party_id AND b.currency = s.currency AND :state = 'confirmed'
"""
KEPT = """
SELECT product_id, sum(quantity) AS quantity FROM reservation
WHERE source_id = ANY(:sources) GROUP BY product_id
"""
REOPEN = "UPDATE sales_order SET state = 'draft', version = version + 1 WHERE id = :id"


# Only where a colleague has a chat to hear of it in.
TELL_PLACED = """
INSERT INTO outbox (channel, kind, dedupe_key, payload, priority)
SELECT 'event', 'order_placed', :fact, jsonb_build_object('order_id', CAST(:id AS uuid)), 4
WHERE EXISTS (SELECT 1 FROM staff_chat WHERE chat_id IS NOT NULL)
ON CONFLICT (tenant_id, channel, dedupe_key) DO NOTHING
"""


async def submit_order(actor: Actor, order_id: UUID, version: int | None = None) -> Placed:
    """A draft or a held order goes to the gates. Submitting a confirmed one again changes nothing.

    Raises FORBIDDEN, NOT_FOUND, WRONG_STATE, CHANGED_MEANWHILE.
    """
    actor.require("orders.submit")
    seen = await order_head(order_id)
    own_party(actor, seen.party_id)
    balance = await lock_balance(seen.party_id, seen.currency)
    head = await locked_head(order_id)
    if head.state == "confirmed":
        return _told(head, [], repeated=True)
    _may_be_submitted(head, version)
    # Whoever sends a draft off places the order: his own company's limits are those for him.
    sender = buyer_id(actor) if head.state == "draft" else None
    buyer = sender or head.placed_by_id
    kept = await _kept_stock(head)
    told: list[Verdict] = []
    if head.shortage == "leave_out":
        head, told = await left_out(head, kept)
    terms = await terms_of(head.party_id, current_tenant().today(), head.warehouse_id)
    verdicts, lines, levels = await _judged(terms, head, balance, buyer, kept)
    verdicts += told
    state = "confirmed" if passes(verdicts) else "on_hold"
    await _settle(actor, head, state, sender)
    await keep_evaluation(order_id, CONFIRMATION, verdicts, state == "confirmed")
    if state == "confirmed" or kept:
        await reserve_or_wait(head.warehouse_id, _wanted(lines), levels)
    if state == "confirmed":
        await withdraw_requests(order_id, approved_too=False)
    await ask_own_company(order_id, head.party_id, buyer, head.total, verdicts)
    return _told(replace(head, state=state), told_to(actor, terms, verdicts))


def _may_be_submitted(head: OrderHead, version: int | None) -> None:
    if version is not None and head.version != version:
        raise Refusal("CHANGED_MEANWHILE", number=head.number)
    if head.state not in ("draft", "on_hold"):
        raise Refusal("WRONG_STATE", number=head.number, state=head.state)


async def _settle(actor: Actor, head: OrderHead, state: str, sender: UUID | None) -> None:
    await db.execute(
        SETTLE,
        id=head.id,
        state=state,
        now=clock.now(),
        placed_by=actor.name if sender else None,
        buyer_id=sender,
    )
    if head.state == "draft":
        await db.execute(TELL_PLACED, id=head.id, fact=f"order_placed:{head.id}:{head.version}")
    elif state == "confirmed" and actor.id != head.placed_by_id:
        await outbox.tell("order_released", order_id=str(head.id))
    await audit.note(
        actor,
        "orders.submit",
        "sales_order",
        head.id,
        before={"state": head.state},
        after={"state": state},
    )


async def _kept_stock(head: OrderHead) -> Kept:
    """A held order that keeps its goods gives them up for the asking, under the lock of the
    levels, so that they are counted as free for itself and for nobody else."""
    if head.state != "on_hold":
        return {}
    lines = await order_lines(head.id)
    await lock_levels(head.warehouse_id, [line.product_id for line in lines])
    sources = [line.id for line in lines]
    kept = {row["product_id"]: row["quantity"] for row in await db.rows(KEPT, sources=sources)}
    await release(sources)
    return kept


def _told(head: OrderHead, verdicts: list[Verdict], *, repeated: bool = False) -> Placed:
    return Placed(head.id, head.number, head.state, head.total, head.currency, verdicts, repeated)


def _wanted(lines: Sequence[OrderLine]) -> list[Wanted]:
    return [
        Wanted(line.id, line.product_id, line.quantity) for line in lines if line.kind != "service"
    ]


async def _judged(
    terms: Terms, head: OrderHead, balance: Balance, buyer: UUID | None, kept: Kept
) -> tuple[list[Verdict], list[OrderLine], dict[UUID, Level]]:
    facts, lines, levels = await shelf_of(head, kept)
    verdicts = await judge(
        terms,
        balance,
        facts,
        head.total,
        stage=CONFIRMATION,
        order_id=head.id,
        buyer_id=buyer,
        shortage=head.shortage,
    )
    return verdicts, lines, levels


async def shelf_of(
    head: OrderHead, kept: Kept | None = None
) -> tuple[list[LineFacts], list[OrderLine], dict[UUID, Level]]:
    """The lines of an order with what their shelf holds, its levels locked."""
    lines = await order_lines(head.id)
    levels = await lock_levels(head.warehouse_id, [line.product_id for line in lines], kept)
    facts = [
        line_facts(
            line.line_no,
            line.code,
            line.kind,
            line.quantity,
            line.price,
            line.amount,
            line.floor,
            levels.get(line.product_id),
        )
        for line in lines
    ]
    return facts, lines, levels


async def edit_draft(
    actor: Actor,
    order_id: UUID,
    version: int,
    lines: Sequence[LineInput],
    *,
    comment: str | None,
    ship_on: date | None,
    by: str = "code",
) -> None:
    """Replaces the lines of a draft at today's prices. ``version`` is what the editor saw.

    Raises FORBIDDEN, NOT_FOUND, WRONG_STATE, CHANGED_MEANWHILE, PRICES_FROZEN and what place_order
    says of lines.
    """
    actor.require("orders.edit")
    head = await locked_head(order_id)
    own_party(actor, head.party_id)
    if head.state != "draft":
        raise Refusal("WRONG_STATE", number=head.number, state=head.state)
    if head.version != version:
        raise Refusal("CHANGED_MEANWHILE", number=head.number)
    await only_seen(actor, [line.product for line in lines], by)
    word = await word_for(order_id, lines, by)
    fresh = await rewrite(head, lines, by, word, comment, ship_on)
    await audit.note(
        actor,
        "orders.edit",
        "sales_order",
        order_id,
        before={"total": str(head.total)},
        after={"total": str(total_of(fresh))},
    )


async def reopen_order(actor: Actor, order_id: UUID) -> None:
    """A held order goes back to draft to be changed."""
    actor.require("orders.edit")
    head = await locked_head(order_id)
    own_party(actor, head.party_id)
    if head.state != "on_hold":
        raise Refusal("WRONG_STATE", number=head.number, state=head.state)
    await _kept_stock(head)
    await db.execute(REOPEN, id=order_id)
    await withdraw_requests(order_id, approved_too=True)
    await audit.note(actor, "orders.reopen", "sales_order", order_id)

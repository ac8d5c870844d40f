"""The act of reconciliation (акт звірки): a statement sent, answered line by line, agreed by both.

A disputed invoice becomes a dispute, so that its dunning pauses and the rest goes on. When every
line is agreed, the act is: its closing balance stands under a digest nobody can change.
"""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from uuid import UUID

from dilo.dunning.pauses import DisputeForm, Door, dispute, may_answer
from dilo.kit import clock, db, outbox
from dilo.kit.errors import Refusal
from tenants import audit
from tenants.actors import Actor

STATEMENT = """
SELECT id, party_id, since, until, known_number, currency, opening, closing
FROM issued_statement WHERE id = :id
"""
SEND = """
INSERT INTO reconciliation (party_id, statement_id, sent_by) VALUES (:party_id, :statement_id, :by)
RETURNING id
"""
LINES = """
INSERT INTO reconciliation_line (reconciliation_id, entry_number, kind, memo, effective_on, debit,
  credit, open_item_id)
SELECT :id, e.number, e.kind, coalesce(e.memo, ''), l.effective_on, sum(l.debit), sum(l.credit),
  (SELECT i.id FROM open_item i WHERE i.entry_id = e.id AND i.side = 'debit' LIMIT 1)
FROM journal_line l JOIN journal_entry e ON e.id = l.entry_id
WHERE l.party_id = :party_id AND l.account = '1100' AND l.currency = :currency
  AND l.effective_on BETWEEN :since AND :until AND e.number <= :known
GROUP BY e.id, e.number, e.kind, e.memo, l.effective_on
"""
ACT = """
SELECT r.id, r.party_id, p.name AS party_name, r.state, r.sent_by, r.sent_at, r.answered_by,
  r.answered_at, r.statement_id, s.since, s.until, s.opening, s.closing, s.currency, s.digest
FROM reconciliation r JOIN party p ON p.id = r.party_id
JOIN issued_statement s ON s.id = r.statement_id
"""
ACT_LINES = """
SELECT id, entry_number, kind, memo, effective_on, debit, credit, open_item_id, state, comment
FROM reconciliation_line WHERE reconciliation_id = :id ORDER BY effective_on, entry_number
"""
ONE_LINE = """
SELECT l.id, l.reconciliation_id, l.open_item_id, l.state, r.party_id, r.state AS act_state
FROM reconciliation_line l JOIN reconciliation r ON r.id = l.reconciliation_id
WHERE l.id = :id FOR UPDATE OF r
"""
ANSWER = "UPDATE reconciliation_line SET state = :state, comment = :comment WHERE id = :id"
AGREE_REST = """
UPDATE reconciliation_line SET state = 'agreed'
WHERE reconciliation_id = :id AND state = 'waiting'
"""
SETTLE = """
UPDATE reconciliation r SET answered_by = :by, answered_at = :now,
  state = CASE WHEN x.disputed > 0 THEN 'disputed' WHEN x.waiting > 0 THEN r.state
    ELSE 'agreed' END
FROM (SELECT count(*) FILTER (WHERE state = 'disputed') AS disputed,
    count(*) FILTER (WHERE state = 'waiting') AS waiting
  FROM reconciliation_line WHERE reconciliation_id = :id) x
WHERE r.id = :id RETURNING r.state
"""
# Not of who may not see the company's money, nor of who has lost his seat.
CHATS = """
SELECT DISTINCT h.address, coalesce(e.language, p.language) AS language FROM contact_channel h
JOIN identity e ON e.id = h.identity_id AND e.disabled_at IS NULL JOIN party p ON p.id = h.party_id
JOIN portal_user u ON u.identity_id = e.id AND u.party_id = h.party_id
WHERE h.party_id = :party_id AND h.channel = 'telegram' AND h.dead_at IS NULL
  AND h.opted_out_at IS NULL AND NOT h.is_group AND u.disabled_at IS NULL AND u.role <> 'viewer'
"""


@dataclass(frozen=True, slots=True)
class Act:
    id: UUID
    party_id: UUID
    party_name: str
    state: str
    sent_by: str
    sent_at: datetime
    answered_by: str | None
    answered_at: datetime | None
    statement_id: UUID
    since: date
    until: date
    opening: Decimal
    closing: Decimal
    currency: str
    digest: bytes


async def send(actor: Actor, statement_id: UUID) -> UUID:
    """Puts an issued statement before the party: in the portal, and in its chats.

    Raises FORBIDDEN, NOT_FOUND.
    """
    actor.require("dunning.promise")
    statement = await db.one(STATEMENT, id=statement_id)
    act_id = await db.value(
        SEND, party_id=statement["party_id"], statement_id=statement_id, by=actor.name
    )
    await db.execute(
        LINES,
        id=act_id,
        party_id=statement["party_id"],
        currency=statement["currency"],
        since=statement["since"],
        until=statement["until"],
        known=statement["known_number"],
    )
    for chat in await db.rows(CHATS, party_id=statement["party_id"]):
        await outbox.put(
            "telegram",
            "reconciliation",
            f"reconciliation:{act_id}:{chat['address']}",
            {"act_id": str(act_id), "address": chat["address"], "language": chat["language"]},
            party_id=statement["party_id"],
        )
    await audit.note(actor, "reconciliation.send", "party", statement["party_id"])
    return act_id


async def act(act_id: UUID) -> Act:
    return await db.one_as(Act, f"{ACT} WHERE r.id = :id", id=act_id)


async def acts_of(party_id: UUID) -> list[Act]:
    return await db.rows_as(
        Act,
        f"{ACT} WHERE r.party_id = :party_id ORDER BY r.sent_at DESC LIMIT 50",
        party_id=party_id,
    )


async def lines_of(act_id: UUID) -> list[db.Row]:
    return await db.rows(ACT_LINES, id=act_id)


async def act_of_line(line_id: UUID) -> UUID:
    return (await db.one(ONE_LINE.replace("FOR UPDATE OF r", ""), id=line_id))["reconciliation_id"]


async def waiting_line(act_id: UUID) -> db.Row | None:
    """The next one to answer."""
    lines = await lines_of(act_id)
    return next((line for line in lines if line["state"] == "waiting"), None)


async def answer_line(
    actor: Actor, line_id: UUID, agreed: bool, comment: str | None, door: Door
) -> str:
    """Agrees or disputes one line; a disputed debt becomes a dispute. Returns the act's state.

    Raises FORBIDDEN, NOT_FOUND (also for another company's), ACT_CLOSED, REASON_MISSING.
    """
    found = await db.one(ONE_LINE, id=line_id)
    may_answer(actor, found["party_id"])
    if found["act_state"] in ("agreed", "withdrawn"):
        raise Refusal("ACT_CLOSED")
    if not agreed and not (comment or "").strip():
        raise Refusal("REASON_MISSING", status=422)
    state = "agreed" if agreed else "disputed"
    await db.execute(ANSWER, id=line_id, state=state, comment=(comment or "").strip() or None)
    if not agreed and found["open_item_id"] is not None:
        await _dispute(actor, found["open_item_id"], comment or "", door)
    return await _settle(actor, found["reconciliation_id"])


async def _dispute(actor: Actor, item_id: UUID, reason: str, door: Door) -> None:
    """What is paid already, or disputed already, needs no second dispute."""
    try:
        async with db.savepoint():
            await dispute(actor, item_id, DisputeForm(reason), door)
    except Refusal as refusal:
        if refusal.code not in ("NOTHING_OWED", "ALREADY_DISPUTED"):
            raise


async def agree(actor: Actor, act_id: UUID) -> str:
    """Every line not yet answered is agreed. Raises FORBIDDEN, NOT_FOUND, ACT_CLOSED."""
    found = await act(act_id)
    may_answer(actor, found.party_id)
    if found.state in ("agreed", "withdrawn"):
        raise Refusal("ACT_CLOSED")
    await db.execute(AGREE_REST, id=act_id)
    return await _settle(actor, act_id)


async def _settle(actor: Actor, act_id: UUID) -> str:
    state = await db.value(SETTLE, id=act_id, by=actor.name, now=clock.now())
    if state in ("agreed", "disputed"):
        found = await act(act_id)
        await audit.note(actor, f"reconciliation.{state}", "party", found.party_id)
    return state

"""Importing statements, posting what is sure, people deciding the rest."""

import hashlib
from dataclasses import dataclass
from uuid import UUID

import msgspec

from dilo.banking import formats
from dilo.banking.formats import BankFile
from dilo.banking.queries import Line, evidence_for, line
from dilo.banking.rules import decide
from dilo.kit import clock, db
from dilo.kit.errors import Refusal
from dilo.payments.actions import RecordPayment, record_payment
from tenants import audit
from tenants.actors import Actor
from tenants.scope import current_tenant
from tenants.settings import change_setting, setting

ONCE = "SELECT pg_advisory_xact_lock(hashtextextended(:name, 0))"
KNOWN = "SELECT 1 FROM bank_statement WHERE file_sha256 = :sha"
STATEMENT = """
INSERT INTO bank_statement (account, format, file_name, file_sha256, opening, closing, imported_by)
VALUES (:account, :format, :file_name, :sha, :opening, :closing, :by) RETURNING id
"""
LINES = """
INSERT INTO bank_line (statement_id, account, key, booked_on, amount, currency, counterparty,
  counterparty_account, counterparty_tax_id, text, state)
SELECT :statement_id, :account, n.*, CASE WHEN n.amount > 0 THEN 'review' ELSE 'ignored' END
FROM unnest(:keys::text[], :days::date[], :amounts::numeric[], :currencies::text[],
  :names::text[], :accounts::text[], :tax_ids::text[], :texts::text[])
  AS n(key, booked_on, amount, currency, name, account, tax_id, text)
ON CONFLICT (tenant_id, account, key) DO NOTHING RETURNING id, text, amount
"""
COUNTED = "UPDATE bank_statement SET lines = :lines WHERE id = :id"
SUGGEST = """
UPDATE bank_line l SET party_id = n.party_id, score = n.score, why = n.why,
  numbers = string_to_array(n.numbers, ' ')
FROM unnest(:ids::uuid[], :parties::uuid[], :scores::smallint[], :whys::text[], :numbers::text[])
  AS n(id, party_id, score, why, numbers) WHERE l.id = n.id
"""
POSTED = """
UPDATE bank_line SET state = 'posted', payment_id = :payment_id, party_id = :party_id,
  decided_by = :by, decided_at = :now WHERE id = :id AND state = 'review'
"""
IGNORED = """
UPDATE bank_line SET state = :state, decided_by = :by, decided_at = :now
WHERE id = :id AND state = :before
"""
LEARN = """
INSERT INTO bank_account (account, party_id) VALUES (:account, :party_id)
ON CONFLICT (tenant_id, account) DO UPDATE
SET party_id = excluded.party_id, learnt_at = now()
"""


class Columns(msgspec.Struct):
    """The CSV's headers where they are not the usual ones."""

    date: str = ""
    amount: str = ""
    credit: str = ""
    debit: str = ""
    currency: str = ""
    counterparty: str = ""
    account: str = ""
    tax_id: str = ""
    text: str = ""
    reference: str = ""


@dataclass(frozen=True, slots=True)
class Outcome:
    """``known``: lines that had come in an earlier file."""

    statement_id: UUID
    lines: int
    known: int
    posted: int
    review: int
    faults: list[tuple[int, str]]


async def import_statement(actor: Actor, file_name: str, body: bytes) -> Outcome:
    """The same file is refused, a line that overlaps with an earlier file is taken once.

    Raises FORBIDDEN, FILE_EMPTY, FILE_UNREADABLE, FILE_TOO_LARGE, FILE_KNOWN, BANK_COLUMNS.
    """
    actor.require("banking.run")
    columns = msgspec.structs.asdict(await setting("bank_columns", Columns))
    found = formats.read(body, current_tenant().currency, columns)
    await db.value(ONCE, name=f"bank:{current_tenant().id}")
    sha = hashlib.sha256(body).digest()
    if await db.value(KNOWN, sha=sha):
        raise Refusal("FILE_KNOWN", file=file_name)
    statement_id = await db.value(
        STATEMENT,
        account=found.account,
        format=found.format,
        file_name=file_name[:200],
        sha=sha,
        opening=found.opening,
        closing=found.closing,
        by=actor.name,
    )
    fresh = await _insert(statement_id, found)
    await db.execute(COUNTED, id=statement_id, lines=len(fresh))
    posted = await _match(actor, [(row["id"], row["text"]) for row in fresh if row["amount"] > 0])
    await audit.note(
        actor, "banking.import", "bank_statement", statement_id, after={"file": file_name}
    )
    came = sum(row["amount"] > 0 for row in fresh)
    known = len(found.lines) - len(fresh)
    return Outcome(statement_id, len(fresh), known, posted, came - posted, found.faults)


async def _insert(statement_id: UUID, found: BankFile) -> list[db.Row]:
    return await db.rows(
        LINES,
        statement_id=statement_id,
        account=found.account,
        keys=[one.key for one in found.lines],
        days=[one.booked_on for one in found.lines],
        amounts=[one.amount for one in found.lines],
        currencies=[one.currency for one in found.lines],
        names=[one.counterparty for one in found.lines],
        accounts=[one.counterparty_account for one in found.lines],
        tax_ids=[one.counterparty_tax_id for one in found.lines],
        texts=[one.text for one in found.lines],
    )


async def _match(actor: Actor, lines: list[tuple[UUID, str]]) -> int:
    """Writes who each line seems to be from, posts what is sure. Returns how many were posted."""
    if not lines:
        return 0
    evidence = await evidence_for(lines)
    matches = {line_id: decide(evidence.get(line_id, [])) for line_id, _ in lines}
    told = {line_id: match for line_id, match in matches.items() if match.party_id}
    await db.execute(
        SUGGEST,
        ids=list(told),
        parties=[match.party_id for match in told.values()],
        scores=[match.score for match in told.values()],
        whys=[match.why for match in told.values()],
        numbers=[" ".join(match.numbers) for match in told.values()],
    )
    posted = 0
    for line_id, match in told.items():
        if match.sure and match.party_id:
            posted += await _post_sure(actor, line_id, match.party_id)
    return posted


async def _post_sure(actor: Actor, line_id: UUID, party_id: UUID) -> bool:
    """What cannot be posted by itself (a closed month, no rate) waits for a person."""
    try:
        async with db.savepoint():
            await _post(actor, await line(line_id), party_id)
    except Refusal:
        return False
    return True


async def _post(actor: Actor, one: Line, party_id: UUID) -> UUID:
    payment_id = await record_payment(
        actor,
        RecordPayment(
            party_id=party_id,
            amount=one.amount,
            method="bank",
            received_on=min(one.booked_on, current_tenant().today()),
            reference=one.text[:200],
            key=f"bank:{one.id}",
            allocate="policy",
            currency=one.currency or None,
        ),
    )
    if not await db.execute(
        POSTED, id=one.id, payment_id=payment_id, party_id=party_id, by=actor.name, now=clock.now()
    ):
        raise Refusal("LINE_DECIDED")
    return payment_id


async def confirm_line(actor: Actor, line_id: UUID, party_id: UUID) -> UUID:
    """A person says whose money it is; the account is remembered. Returns the payment.

    Raises FORBIDDEN, NOT_FOUND, LINE_DECIDED, PERIOD_CLOSED, RATE_MISSING.
    """
    actor.require("banking.run")
    one = await line(line_id)
    if one.state != "review":
        raise Refusal("LINE_DECIDED")
    payment_id = await _post(actor, one, party_id)
    if one.counterparty_account:
        await db.execute(LEARN, account=one.counterparty_account, party_id=party_id)
    await audit.note(actor, "banking.confirm", "party", party_id, after={"amount": str(one.amount)})
    return payment_id


async def ignore_line(actor: Actor, line_id: UUID, ignored: bool) -> None:
    """Not a customer's money (a transfer of our own), or after all it is.

    Raises FORBIDDEN, NOT_FOUND, LINE_DECIDED.
    """
    actor.require("banking.run")
    one = await line(line_id)
    if not ignored and one.amount < 0:
        raise Refusal("LINE_DECIDED")
    state, before = ("ignored", "review") if ignored else ("review", "ignored")
    if not await db.execute(
        IGNORED, id=line_id, state=state, before=before, by=actor.name, now=clock.now()
    ):
        raise Refusal("LINE_DECIDED")


async def save_columns(actor: Actor, columns: Columns) -> None:
    actor.require("banking.run")
    await change_setting(actor, "bank_columns", columns)

"""Statements that prove themselves: rows as the journal knew them, a digest over every byte.

The digest covers tenant, party, period, each entry's number, date and amounts, and the seal of the
last entry known: whoever has the paper can ask our public page whether the books still say so.
"""

import hashlib
import hmac
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from uuid import UUID

import msgspec

from dilo.analytics.files import File
from dilo.kit import db, i18n, pdf
from dilo.kit.errors import NotFound, Refusal
from dilo.kit.templating import day, money
from dilo.parties.queries import party
from tenants import audit
from tenants.actors import Actor
from tenants.scope import current_tenant

HEAD = "SELECT number, hash FROM journal_seal ORDER BY number DESC LIMIT 1"
SEAL = "SELECT hash FROM journal_seal WHERE number = :number"
MOVES = """
SELECT e.number, e.kind, coalesce(e.memo, '') AS memo, l.effective_on, sum(l.debit) AS debit,
  sum(l.credit) AS credit
FROM journal_line l JOIN journal_entry e ON e.id = l.entry_id
WHERE l.party_id = :party_id AND l.account = '1100' AND l.currency = :currency
  AND l.effective_on <= :until AND e.number <= :known
GROUP BY e.number, e.kind, e.memo, l.effective_on ORDER BY l.effective_on, e.number
"""
ISSUE = """
INSERT INTO issued_statement (party_id, currency, since, until, known_number, opening, closing,
  digest, issued_by)
VALUES (:party_id, :currency, :since, :until, :known, :opening, :closing, :digest, :by)
ON CONFLICT (tenant_id, digest) DO NOTHING RETURNING id
"""
ISSUED = """
SELECT s.id, s.party_id, p.name AS party_name, p.code AS party_code, s.currency, s.since, s.until,
  s.known_number, s.opening, s.closing, s.digest, s.issued_by, s.issued_at
FROM issued_statement s JOIN party p ON p.id = s.party_id
"""


class StatementForm(msgspec.Struct):
    since: date
    until: date


@dataclass(frozen=True, slots=True)
class Row:
    number: int
    kind: str
    memo: str
    on: date
    debit: Decimal
    credit: Decimal
    balance: Decimal


@dataclass(frozen=True, slots=True)
class Statement:
    id: UUID
    party_id: UUID
    party_name: str
    party_code: str
    currency: str
    since: date
    until: date
    known_number: int
    opening: Decimal
    closing: Decimal
    digest: bytes
    issued_by: str
    issued_at: datetime
    rows: list[Row]

    @property
    def hex(self) -> str:
        return self.digest.hex()


@dataclass(frozen=True, slots=True)
class Check:
    """``true``: the books give the same digest now. No name of a party is shown to the public."""

    true: bool
    since: date
    until: date
    closing: Decimal
    currency: str
    issued_at: datetime


async def issue(actor: Actor, party_id: UUID, form: StatementForm) -> UUID:
    """The same figures are the same statement; an outsider gets his own company's only.

    Raises FORBIDDEN, NOT_FOUND, DATES_BAD.
    """
    actor.require("receivables.read" if actor.on_behalf_of is None else "money.read")
    if actor.on_behalf_of not in (None, party_id):
        raise NotFound
    owner = await party(party_id)
    if form.since > form.until:
        raise Refusal("DATES_BAD", status=422)
    head = await db.one_or_none(HEAD)
    known = head["number"] if head else 0
    opening, rows = await _rows(party_id, owner.currency, form.since, form.until, known)
    closing = rows[-1].balance if rows else opening
    digest = await _digest(party_id, owner.currency, form.since, form.until, known, opening, rows)
    made = await db.value(
        ISSUE,
        party_id=party_id,
        currency=owner.currency,
        since=form.since,
        until=form.until,
        known=known,
        opening=opening,
        closing=closing,
        digest=digest,
        by=actor.name,
    )
    if made is None:
        return (await db.one(f"{ISSUED} WHERE s.digest = :digest", digest=digest))["id"]
    await audit.note(actor, "statements.issue", "party", party_id, after={"digest": digest.hex()})
    return made


async def _rows(
    party_id: UUID, currency: str, since: date, until: date, known: int
) -> tuple[Decimal, list[Row]]:
    opening, rows = Decimal("0.00"), list[Row]()
    balance = opening
    moves = await db.rows(MOVES, party_id=party_id, currency=currency, until=until, known=known)
    for move in moves:
        balance += move["debit"] - move["credit"]
        if move["effective_on"] < since:
            opening = balance
            continue
        rows.append(
            Row(
                move["number"],
                move["kind"],
                move["memo"],
                move["effective_on"],
                move["debit"],
                move["credit"],
                balance,
            )
        )
    return opening, rows


async def _digest(
    party_id: UUID,
    currency: str,
    since: date,
    until: date,
    known: int,
    opening: Decimal,
    rows: list[Row],
) -> bytes:
    seal = await db.value(SEAL, number=known) or b""
    head = f"{current_tenant().id}|{party_id}|{currency}|{since}|{until}|{known}|{seal.hex()}"
    lines = [f"{r.number}|{r.on}|{r.memo}|{r.debit:.2f}|{r.credit:.2f}" for r in rows]
    return hashlib.sha256("\n".join([head, f"{opening:.2f}", *lines]).encode()).digest()


async def issued(statement_id: UUID) -> Statement:
    """With its rows as they were known when it was issued. Raises NOT_FOUND."""
    return await _with_rows(await db.one(f"{ISSUED} WHERE s.id = :id", id=statement_id))


async def _with_rows(found: db.Row) -> Statement:
    _, rows = await _rows(
        found["party_id"], found["currency"], found["since"], found["until"], found["known_number"]
    )
    return Statement(**found, rows=rows)


async def issued_to(party_id: UUID) -> list[db.Row]:
    return await db.rows(
        f"{ISSUED} WHERE s.party_id = :party_id ORDER BY s.issued_at DESC LIMIT 50",
        party_id=party_id,
    )


async def check(digest: str) -> Check | None:
    """Recomputes the statement of that digest from the journal. None: we issued no such paper."""
    try:
        asked = bytes.fromhex(digest)
    except ValueError:
        raise NotFound from None
    found = await db.one_or_none(f"{ISSUED} WHERE s.digest = :digest", digest=asked)
    if found is None:
        return None
    opening, rows = await _rows(
        found["party_id"], found["currency"], found["since"], found["until"], found["known_number"]
    )
    again = await _digest(
        found["party_id"],
        found["currency"],
        found["since"],
        found["until"],
        found["known_number"],
        opening,
        rows,
    )
    return Check(
        hmac.compare_digest(again, asked),
        found["since"],
        found["until"],
        found["closing"],
        found["currency"],
        found["issued_at"],
    )


async def as_pdf(statement: Statement) -> File:
    tenant = current_tenant()
    body = await pdf.table(
        title=i18n.say("statement:title", party=statement.party_name),
        subtitle=f"{tenant.name} · {statement.currency} · "
        + i18n.say("report:between", since=statement.since, until=statement.until),
        head=[
            i18n.say(f"column:{name}")
            for name in ("effective_on", "kind", "number", "debit", "credit", "balance")
        ],
        rows=[
            [day(statement.since), i18n.say("entry:opening"), "", "", "", money(statement.opening)],
            *(
                [
                    day(row.on),
                    i18n.say(f"entry:{row.kind}"),
                    row.memo,
                    money(row.debit),
                    money(row.credit),
                    money(row.balance),
                ]
                for row in statement.rows
            ),
        ],
        totals=["", "", i18n.say("statement:closing"), "", "", money(statement.closing)],
        numeric=[False, False, False, True, True, True],
        note=i18n.say("statement:digest", digest=statement.hex),
        language=i18n.language(),
    )
    code = "".join(c if c.isascii() and c.isalnum() else "_" for c in statement.party_code)
    return File(f"statement-{code}-{statement.until}.pdf", "application/pdf", body)

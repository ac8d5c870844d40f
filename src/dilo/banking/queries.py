"""Statements, their lines, and the evidence for whose money a line is."""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from uuid import UUID

from dilo.banking.rules import Evidence
from dilo.kit import db
from dilo.kit.paging import Page, Paging
from dilo.receivables.allocations import words_of

# One statement for all lines: each kind of evidence is a set of (line, party).
EVIDENCE = """
WITH line AS (
  SELECT l.id, l.amount, l.currency, l.counterparty_account, l.counterparty_tax_id,
    lower(l.counterparty) AS name FROM bank_line l
  WHERE l.id = ANY(CAST(:ids AS uuid[]))),
word AS (
  SELECT * FROM unnest(CAST(:lines AS uuid[]), CAST(:words AS text[])) AS w(line_id, word)),
open AS (
  SELECT i.party_id, i.number, i.open_amount, i.currency FROM open_item i
  WHERE i.side = 'debit' AND i.open_amount > 0)
SELECT w.line_id, o.party_id, 'number' AS why, array_agg(o.number ORDER BY o.number) AS numbers
FROM word w JOIN open o ON lower(o.number) = w.word GROUP BY w.line_id, o.party_id
UNION ALL SELECT w.line_id, s.party_id, 'order', array_agg(s.number)
FROM word w JOIN sales_order s ON lower(s.number) = w.word GROUP BY w.line_id, s.party_id
UNION ALL SELECT l.id, p.id, 'tax_id', '{}' FROM line l JOIN party p
  ON p.tax_id = l.counterparty_tax_id WHERE l.counterparty_tax_id <> ''
UNION ALL SELECT DISTINCT w.line_id, p.id, 'tax_id', '{}'::text[] FROM word w JOIN party p
  ON p.tax_id = w.word WHERE length(w.word) >= 8
UNION ALL SELECT l.id, a.party_id, 'account', '{}' FROM line l JOIN bank_account a
  ON a.account = l.counterparty_account
UNION ALL SELECT l.id, p.id, 'name', '{}' FROM line l JOIN party p ON lower(p.name) = l.name
UNION ALL SELECT l.id, n.id, 'like', '{}' FROM line l CROSS JOIN LATERAL (
  SELECT p.id FROM party p WHERE l.name <> '' AND similarity(lower(p.name), l.name) > 0.55
    AND lower(p.name) <> l.name ORDER BY similarity(lower(p.name), l.name) DESC LIMIT 2) n
UNION ALL SELECT l.id, o.party_id, 'amount', array_agg(o.number) FROM line l
  JOIN open o ON o.open_amount = l.amount AND o.currency = l.currency
  GROUP BY l.id, o.party_id HAVING count(*) = 1
"""
LINE = """
SELECT l.id, l.statement_id, l.account, l.booked_on, l.amount, l.currency, l.counterparty,
  l.counterparty_account, l.counterparty_tax_id, l.text, l.state, l.party_id,
  p.name AS party_name, l.why, l.score, l.numbers, l.payment_id, y.number AS payment_number,
  l.decided_by
FROM bank_line l LEFT JOIN party p ON p.id = l.party_id LEFT JOIN payment y ON y.id = l.payment_id
"""
LINES = f"""
SELECT t.*, count(*) OVER () AS total_rows FROM ({LINE}
  WHERE (:state = '' OR l.state = :state)
    AND (CAST(:statement_id AS uuid) IS NULL OR l.statement_id = :statement_id)
    AND (:search = '' OR strpos(lower(l.text || ' ' || l.counterparty), :search) > 0)
    AND (:direction = '' OR (l.amount > 0) = (:direction = 'in'))) t
ORDER BY t.booked_on DESC, t.id LIMIT :size OFFSET :offset
"""
STATEMENTS = """
SELECT s.id, s.account, s.format, s.file_name, s.opening, s.closing, s.lines, s.imported_by,
  s.imported_at, count(l.id) FILTER (WHERE l.state = 'posted') AS posted,
  count(l.id) FILTER (WHERE l.state = 'review') AS review
FROM bank_statement s LEFT JOIN bank_line l ON l.statement_id = s.id
GROUP BY s.tenant_id, s.id ORDER BY s.imported_at DESC LIMIT 20
"""
COUNTS = "SELECT state, count(*) AS lines FROM bank_line GROUP BY state"


@dataclass(frozen=True, slots=True)
class Line:
    id: UUID
    statement_id: UUID
    account: str
    booked_on: date
    amount: Decimal
    currency: str
    counterparty: str
    counterparty_account: str
    counterparty_tax_id: str
    text: str
    state: str
    party_id: UUID | None
    party_name: str | None
    why: str
    score: int
    numbers: list[str]
    payment_id: UUID | None
    payment_number: str | None
    decided_by: str | None


@dataclass(frozen=True, slots=True)
class Imported:
    id: UUID
    account: str
    format: str
    file_name: str
    opening: Decimal | None
    closing: Decimal | None
    lines: int
    imported_by: str
    imported_at: datetime
    posted: int
    review: int


async def evidence_for(lines: list[tuple[UUID, str]]) -> dict[UUID, list[Evidence]]:
    """``lines``: (id, purpose). What speaks for which party, one round trip for all."""
    pairs = [(line_id, word) for line_id, text in lines for word in words_of(text)]
    found = await db.rows(
        EVIDENCE,
        ids=[line_id for line_id, _ in lines],
        lines=[line_id for line_id, _ in pairs],
        words=[word for _, word in pairs],
    )
    evidence: dict[UUID, list[Evidence]] = {}
    for row in found:
        one = Evidence(row["party_id"], row["why"], tuple(row["numbers"] or ()))
        evidence.setdefault(row["line_id"], []).append(one)
    return evidence


async def line(line_id: UUID) -> Line:
    return await db.one_as(Line, f"{LINE} WHERE l.id = :id", id=line_id)


async def lines(
    paging: Paging,
    *,
    state: str = "",
    statement_id: UUID | None = None,
    search: str = "",
    direction: str = "",
) -> Page[Line]:
    found = await db.rows(
        LINES,
        state=state,
        statement_id=statement_id,
        search=search.lower().strip(),
        direction=direction,
        size=paging.size,
        offset=paging.offset,
    )
    return db.page_of(Line, found, paging)


async def statements() -> list[Imported]:
    return await db.rows_as(Imported, STATEMENTS)


async def counts() -> dict[str, int]:
    return {row["state"]: row["lines"] for row in await db.rows(COUNTS)}

"""Books as owners read them: trial balance, balance sheet, cash flow, a party's statement."""

from dilo.analytics.asked import Asked
from dilo.analytics.report import Column, Query, Report, money
from dilo.kit import db

CUTS_MAX = 12
CUTS = """
SELECT DISTINCT coalesce(l.{cut}, '') AS cut FROM journal_line l
WHERE l.currency = :currency AND l.effective_on <= :on ORDER BY 1 LIMIT 12
"""
LINE_OK = """l.currency = :currency AND (:branch = '' OR l.branch = :branch)
  AND (:business_line = '' OR l.business_line = :business_line)"""
KNOWN = "AND e.posted_at <= :known_at"


def _known(asked: Asked) -> tuple[str, str]:
    """The join and the condition that leave out what was posted later."""
    if asked.known_on is None:
        return "", ""
    return "JOIN journal_entry e ON e.id = l.entry_id", KNOWN


async def trial_balance(asked: Asked) -> Query:
    join, known = _known(asked)
    sql = f"""
SELECT a.code, a.name, a.kind,
  coalesce(sum(l.debit - l.credit) FILTER (WHERE l.effective_on < :since), 0) AS opening,
  coalesce(sum(l.debit) FILTER (WHERE l.effective_on >= :since), 0) AS debit,
  coalesce(sum(l.credit) FILTER (WHERE l.effective_on >= :since), 0) AS credit,
  sum(l.debit - l.credit) AS closing
FROM journal_line l JOIN ledger_account a ON a.code = l.account {join}
WHERE l.effective_on <= :until AND {LINE_OK} {known}
GROUP BY a.code, a.name, a.kind"""
    columns = [
        Column("code"),
        Column("name", "message"),
        money("opening"),
        Column("debit", "money", "sum(debit)"),
        Column("credit", "money", "sum(credit)"),
        money("closing"),
    ]
    return Query(sql, columns, "code")


async def _cut_columns(asked: Asked, amount: str) -> tuple[list[Column], str, dict[str, str]]:
    """A column for every branch or business line met, and the sums behind them."""
    if asked.by not in ("branch", "business_line"):
        return [], "", {}
    found = await db.rows(CUTS.format(cut=asked.by), currency=asked.currency, on=asked.on)
    values = {f"cut_{n}": row["cut"] for n, row in enumerate(found, start=1)}
    columns = [Column(name, "money", "", value or "—") for name, value in values.items()]
    sums = "".join(
        f", coalesce(sum({amount}) FILTER (WHERE coalesce(l.{asked.by}, '') = :{name}), 0)"
        f" AS {name}"
        for name in values
    )
    return columns, sums, values


SECTIONS = """CASE a.kind WHEN 'asset' THEN 1 WHEN 'liability' THEN 3 ELSE 4 END"""
VALUE = "CASE a.kind WHEN 'asset' THEN l.debit - l.credit ELSE l.credit - l.debit END"


async def balance_sheet(asked: Asked) -> Query:
    """Assets, liabilities, equity with the result earned so far. Every cut balances, because every
    entry does within its branch and business line."""
    join, known = _known(asked)
    columns, sums, values = await _cut_columns(asked, VALUE)
    named = "".join(f", {name}" for name in values)
    added = "".join(f", sum({name})" for name in values)
    sql = f"""
WITH lines AS (
  SELECT {SECTIONS} AS section,
    CASE WHEN a.kind IN ('income', 'expense') THEN '' ELSE a.code END AS code,
    CASE WHEN a.kind IN ('income', 'expense') THEN 'result' ELSE a.name END AS name,
    sum({VALUE}) AS amount{sums}
  FROM journal_line l JOIN ledger_account a ON a.code = l.account {join}
  WHERE l.effective_on <= :on AND {LINE_OK} {known} GROUP BY 1, 2, 3)
SELECT section, code, name, amount{named}, false AS is_sum FROM lines
UNION ALL SELECT 2, '', 'assets', coalesce(sum(amount), 0){added}, true FROM lines WHERE section = 1
UNION ALL SELECT 5, '', 'liabilities_and_equity', coalesce(sum(amount), 0){added}, true
  FROM lines WHERE section > 1"""
    head = [Column("code"), Column("name", "message"), *columns, Column("amount", "money")]
    return Query(sql, head, "section, is_sum, code", values)


async def cash_flow(asked: Asked) -> Query:
    """Direct method: what came to and left cash and bank, by the kind of entry."""
    known = KNOWN if asked.known_on else ""
    columns, sums, values = await _cut_columns(asked, "l.debit - l.credit")
    named = "".join(f", {name}" for name in values)
    added = "".join(f", coalesce(sum({name}), 0)" for name in values)
    sql = f"""
WITH flows AS (
  SELECT CASE WHEN l.effective_on < :since THEN 'cash_before' ELSE e.kind END AS name,
    sum(l.debit - l.credit) AS amount{sums}
  FROM journal_line l JOIN journal_entry e ON e.id = l.entry_id
  WHERE l.account IN ('1000', '1010', '1020') AND l.effective_on <= :until AND {LINE_OK} {known}
  GROUP BY 1)
SELECT CASE WHEN name = 'cash_before' THEN 1 WHEN amount > 0 THEN 2 ELSE 3 END AS section, name,
  amount{named}, false AS is_sum FROM flows
UNION ALL SELECT 4, 'cash_after', coalesce(sum(amount), 0){added}, true FROM flows"""
    head = [Column("name", "message"), *columns, Column("amount", "money")]
    return Query(sql, head, "section, amount DESC", values)


STATEMENT = """
SELECT e.number AS entry_number, e.kind, e.memo, e.source_id, l.effective_on,
  sum(l.debit) AS debit, sum(l.credit) AS credit
FROM journal_line l JOIN journal_entry e ON e.id = l.entry_id
WHERE l.party_id = (SELECT id FROM party WHERE code = :party) AND l.account = '1100'
  AND l.currency = :currency AND l.effective_on <= :until {known}
GROUP BY e.number, e.kind, e.memo, e.source_id, l.effective_on
"""


LAST_BALANCE = "(array_agg(balance ORDER BY effective_on DESC, entry_number DESC))[1]"


async def statement(asked: Asked) -> Query:
    """One party: what was before, every document and payment, the balance after each."""
    source = STATEMENT.format(known=KNOWN if asked.known_on else "")
    sql = f"""
WITH moves AS ({source}),
before AS (SELECT coalesce(sum(debit - credit), 0) AS amount FROM moves WHERE effective_on < :since)
SELECT :since AS effective_on, 0::bigint AS entry_number, 'opening' AS kind, '' AS number,
  NULL::uuid AS source_id, NULL::numeric AS debit, NULL::numeric AS credit, amount AS balance
FROM before
UNION ALL
SELECT m.effective_on, m.entry_number, m.kind, coalesce(m.memo, ''), m.source_id, m.debit, m.credit,
  b.amount + sum(m.debit - m.credit) OVER (ORDER BY m.effective_on, m.entry_number)
FROM moves m, before b WHERE m.effective_on >= :since"""
    columns = [
        Column("effective_on", "date"),
        Column("kind", "message"),
        Column("number"),
        Column("debit", "money", "sum(debit)"),
        Column("credit", "money", "sum(credit)"),
        Column(
            "balance",
            "money",
            LAST_BALANCE,
        ),
    ]
    return Query(sql, columns, "effective_on, entry_number")


def to_source(row: db.Row, asked: Asked) -> str | None:  # noqa: ARG001
    if row["kind"] in ("invoice", "credit_note"):
        return f"/office/invoices/{row['source_id']}"
    return f"/office/payments/{row['source_id']}" if row["kind"].startswith("payment") else None


DIMENSIONS = ("branch", "business_line", "currency")
REPORTS = (
    Report(
        "statement",
        "debt",
        "list-details",
        ("party", "since", "until", "known", "currency"),
        statement,
        drill=to_source,
    ),
    Report(
        "trial-balance", "books", "scale", ("since", "until", "known", *DIMENSIONS), trial_balance
    ),
    Report(
        "balance-sheet",
        "books",
        "building-store",
        ("on", "known", *DIMENSIONS),
        balance_sheet,
        ("whole", "branch", "business_line"),
    ),
    Report(
        "cash-flow",
        "books",
        "coins",
        ("since", "until", "known", *DIMENSIONS),
        cash_flow,
        ("whole", "branch", "business_line"),
    ),
)

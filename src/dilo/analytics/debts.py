"""Debt at a date: by party and period, by document; how late people pay; days sales outstanding.

What an item had open on a day is what it has open now plus what was allocated after that day, so
the cost follows the open items and what has happened since, not all that was ever closed.
"""

from urllib.parse import urlencode

import msgspec

from dilo.analytics.asked import Asked
from dilo.analytics.report import Column, Query, Report, money
from dilo.kit import db
from tenants.scope import current_tenant

PARTY_OK = """(:party = '' OR p.code = :party) AND (:segment = '' OR p.segment = :segment)
  AND (CAST(:owner_id AS uuid) IS NULL OR p.owner_id = :owner_id)
  AND (:branch = '' OR p.branch = :branch) AND (:search = '' OR strpos(p.search, :search) > 0)"""
DIMENSIONS = {
    "party": ("p.code", "p.name"),
    "owner": ("coalesce(o.id::text, '')", "coalesce(o.name, '—')"),
    "segment": ("coalesce(p.segment, '')", "coalesce(p.segment, '—')"),
    "branch": ("coalesce(p.branch, '')", "coalesce(p.branch, '—')"),
}
LATER = """
later AS MATERIALIZED (
  SELECT item_id, sum(amount) AS amount FROM (
    SELECT debit_item_id AS item_id, amount FROM allocation WHERE {after}
    UNION ALL SELECT credit_item_id, amount FROM allocation WHERE {after}) s GROUP BY item_id),
touched AS (
  SELECT i.id, i.open_amount FROM open_item i WHERE i.open_amount > 0
  UNION ALL SELECT i.id, i.open_amount FROM later l JOIN open_item i ON i.id = l.item_id
  WHERE i.open_amount = 0),
items AS (
  SELECT i.id, i.party_id, i.side, i.kind, i.number, i.document_id, i.issued_on, i.due_on, i.amount,
    t.open_amount + coalesce(l.amount, 0) AS open_amount
  FROM touched t JOIN open_item i ON i.id = t.id LEFT JOIN later l ON l.item_id = t.id
  WHERE i.currency = :currency AND i.issued_on <= :on {known}
    AND t.open_amount + coalesce(l.amount, 0) > 0)
"""
NOW = """
items AS (
  SELECT i.id, i.party_id, i.side, i.kind, i.number, i.document_id, i.issued_on, i.due_on, i.amount,
    i.open_amount
  FROM open_item i
  WHERE i.open_amount > 0 AND i.currency = :currency AND i.issued_on <= :on)
"""
BILLS = """
owed AS (
  SELECT b.party_id, sum(b.total - coalesce(y.paid, 0)) AS payable
  FROM bill b LEFT JOIN LATERAL (
    SELECT sum(y.amount) AS paid FROM bill_payment y
    WHERE y.bill_id = b.id AND y.paid_on <= :on {known_payment}) y ON true
  WHERE b.currency = :currency AND b.issued_on <= :on {known_bill}
  GROUP BY b.party_id)
"""


def items_at(asked: Asked, today: bool = False) -> str:
    """CTE ``items``: every item open on the day. ``today``: nothing later can have happened."""
    if today and asked.known_on is None:
        return NOW
    if asked.known_on is None:
        return LATER.format(after="allocated_on > :on", known="")
    return LATER.format(
        after="allocated_on > :on OR created_at > :known_at", known="AND i.created_at <= :known_at"
    )


def _is_today(asked: Asked) -> bool:
    return asked.on >= current_tenant().today()


async def balances(asked: Asked) -> Query:
    """Receivables and payables: what each owes, has paid ahead, is owed."""
    known = asked.known_on is not None
    bills = BILLS.format(
        known_payment="AND y.created_at <= :known_at" if known else "",
        known_bill="AND b.created_at <= :known_at" if known else "",
    )
    key, name = DIMENSIONS.get(asked.by, DIMENSIONS["party"])
    sql = f"""
WITH {items_at(asked, _is_today(asked))}, {bills},
due AS (SELECT party_id, sum(open_amount) FILTER (WHERE side = 'debit') AS receivable,
    sum(open_amount) FILTER (WHERE side = 'credit') AS advance FROM items GROUP BY party_id)
SELECT {key} AS code, {name} AS name, coalesce(sum(d.receivable), 0) AS receivable,
  coalesce(sum(d.advance), 0) AS advance, coalesce(sum(w.payable), 0) AS payable,
  coalesce(sum(d.receivable), 0) - coalesce(sum(d.advance), 0) - coalesce(sum(w.payable), 0) AS net
FROM party p LEFT JOIN due d ON d.party_id = p.id LEFT JOIN owed w ON w.party_id = p.id
LEFT JOIN identity o ON o.id = p.owner_id
WHERE (d.party_id IS NOT NULL OR w.party_id IS NOT NULL) AND {PARTY_OK}
GROUP BY 1, 2 HAVING sum(d.receivable) <> 0 OR sum(d.advance) <> 0 OR sum(w.payable) <> 0"""
    columns = [Column("code"), Column("name")] if asked.by in ("", "party") else [Column("name")]
    columns += [money("receivable"), money("advance"), money("payable"), money("net")]
    return Query(sql, columns, "receivable DESC, code")


def bucket_columns(buckets: tuple[int, ...]) -> list[tuple[Column, str]]:
    """A column and its condition for each period: not due, 1-30, ..., more than the last."""
    found = [(money("not_due"), "due_on >= :on")]
    least = 1
    for number, most in enumerate(buckets, start=1):
        column = money(f"late_{number}", f"{least}–{most}")
        found.append((column, f":on - due_on BETWEEN {least} AND {most}"))
        least = most + 1
    last = money(f"late_{len(buckets) + 1}", f"{least - 1}+")
    return [*found, (last, f":on - due_on >= {least}")]


async def aged(asked: Asked) -> Query:
    """Debt by days past due. Advances and credit notes stand in a column of their own."""
    key, name = DIMENSIONS.get(asked.by, DIMENSIONS["party"])
    cut = bucket_columns(asked.buckets)
    sums = ", ".join(
        f"sum(open_amount) FILTER (WHERE side = 'debit' AND {when}) AS {column.key}"
        for column, when in cut
    )
    again = ", ".join(f"coalesce(sum(a.{c.key}), 0) AS {c.key}" for c, _ in cut)
    sql = f"""
WITH {items_at(asked, _is_today(asked))},
aged AS (SELECT party_id, {sums}, sum(open_amount) FILTER (WHERE side = 'debit') AS debt,
    sum(open_amount) FILTER (WHERE side = 'credit') AS advance,
    max(:on - due_on) FILTER (WHERE side = 'debit') AS oldest
  FROM items GROUP BY party_id)
SELECT {key} AS code, {name} AS name, {again}, coalesce(sum(a.debt), 0) AS debt,
  coalesce(sum(a.advance), 0) AS advance,
  coalesce(sum(a.debt), 0) - coalesce(sum(a.advance), 0) AS net,
  greatest(max(a.oldest), 0) AS oldest
FROM aged a JOIN party p ON p.id = a.party_id LEFT JOIN identity o ON o.id = p.owner_id
WHERE {PARTY_OK} GROUP BY 1, 2"""
    columns = [Column("code"), Column("name")] if asked.by in ("", "party") else [Column("name")]
    columns += [column for column, _ in cut]
    columns += [money("debt"), money("advance"), money("net")]
    columns.append(Column("oldest", "days", "max(oldest)"))
    return Query(sql, columns, "debt DESC, code")


async def by_manager(asked: Asked) -> Query:
    return await aged(_with_by(asked, "owner"))


def _with_by(asked: Asked, by: str) -> Asked:
    return msgspec.structs.replace(asked, by=by)


async def documents(asked: Asked) -> Query:
    """Every document open on the day; credits are negative."""
    sql = f"""
WITH {items_at(asked, _is_today(asked))}
SELECT i.number, p.code, p.name, o.name AS manager, i.issued_on, i.due_on,
  CASE WHEN i.side = 'debit' THEN greatest(:on - i.due_on, 0) END AS days_late,
  CASE i.side WHEN 'debit' THEN i.amount ELSE -i.amount END AS amount,
  CASE i.side WHEN 'debit' THEN i.open_amount ELSE -i.open_amount END AS open_amount,
  i.kind, i.document_id
FROM items i JOIN party p ON p.id = i.party_id LEFT JOIN identity o ON o.id = p.owner_id
WHERE {PARTY_OK}"""
    columns = [
        Column("number"),
        Column("code"),
        Column("name"),
        Column("manager"),
        Column("issued_on", "date"),
        Column("due_on", "date"),
        Column("days_late", "days", "max(days_late)"),
        money("amount"),
        money("open_amount"),
    ]
    return Query(sql, columns, "due_on, number")


PAID = """
paid AS (
  SELECT i.id, i.party_id, i.number, i.document_id, i.issued_on, i.due_on, i.amount,
    sum(a.amount) AS paid, max(c.issued_on) AS paid_on,
    sum(a.amount) FILTER (WHERE c.issued_on <= i.due_on) AS in_time,
    sum(a.amount * greatest(c.issued_on - i.due_on, 0)) AS late_days,
    sum(a.amount * (c.issued_on - i.issued_on)) AS waited_days
  FROM open_item i JOIN allocation a ON a.debit_item_id = i.id
  JOIN open_item c ON c.id = a.credit_item_id AND c.kind = 'payment'
  WHERE i.kind = 'invoice' AND i.currency = :currency AND i.issued_on BETWEEN :since AND :until
    AND a.allocated_on <= :on {known}
  GROUP BY i.id, i.party_id, i.number, i.document_id, i.issued_on, i.due_on, i.amount
  HAVING sum(a.amount) > 0)
"""
LATENESS = """sum(y.paid) AS paid, count(*) AS invoices,
  round(sum(y.late_days) / sum(y.paid), 1) AS weighted_delay,
  round(sum(y.waited_days) / sum(y.paid), 1) AS days_to_pay,
  coalesce(sum(y.in_time), 0) / sum(y.paid) AS in_time_share,
  sum(y.late_days) AS late_days, sum(y.waited_days) AS waited_days,
  coalesce(sum(y.in_time), 0) AS in_time"""


async def delays(asked: Asked) -> Query:
    """Days late, each weighted by its part of the money."""
    known = "AND a.created_at <= :known_at" if asked.known_on else ""
    dimensions = DIMENSIONS | {
        "document": ("y.number", "p.name"),
        "month": ("to_char(y.due_on, 'YYYY-MM')", "to_char(y.due_on, 'YYYY-MM')"),
    }
    key, name = dimensions.get(asked.by, DIMENSIONS["party"])
    extra = ", y.document_id, y.due_on, y.paid_on" if asked.by == "document" else ""
    sql = f"""
WITH {PAID.format(known=known)}
SELECT {key} AS code, {name} AS name, {LATENESS}{extra}
FROM paid y JOIN party p ON p.id = y.party_id LEFT JOIN identity o ON o.id = p.owner_id
WHERE {PARTY_OK} GROUP BY 1, 2{extra}"""
    named = [Column("code"), Column("name")] if asked.by in ("", "party") else [Column("name")]
    if asked.by == "document":
        named = [
            Column("code"),
            Column("name"),
            Column("due_on", "date"),
            Column("paid_on", "date"),
        ]
    columns = [
        *named,
        Column("invoices", "quantity", "sum(invoices)"),
        money("paid"),
        Column("weighted_delay", "days", "round(sum(late_days) / nullif(sum(paid), 0), 1)"),
        Column("days_to_pay", "days", "round(sum(waited_days) / nullif(sum(paid), 0), 1)"),
        Column("in_time_share", "percent", "sum(in_time) / nullif(sum(paid), 0)"),
    ]
    return Query(sql, columns, "code" if asked.by == "month" else "weighted_delay DESC, code")


async def dso(asked: Asked) -> Query:  # noqa: ARG001 - the same for every question
    """Days sales outstanding at the end of each month."""
    sql = f"""
WITH parties AS (SELECT p.id FROM party p WHERE {PARTY_OK}),
months AS (
  SELECT m::date AS month,
    least((m + interval '1 month' - interval '1 day')::date, :on) AS month_end,
    (m - interval '2 months')::date AS sales_since
  FROM generate_series(date_trunc('month', CAST(:since AS date)),
    date_trunc('month', CAST(:until AS date)), interval '1 month') AS m),
moved AS (
  SELECT day, sum(amount) AS amount FROM (
    SELECT i.issued_on AS day, i.amount FROM open_item i JOIN parties p ON p.id = i.party_id
      WHERE i.side = 'debit' AND i.currency = :currency
    UNION ALL
    SELECT a.allocated_on, -a.amount FROM allocation a
      JOIN open_item i ON i.id = a.debit_item_id JOIN parties p ON p.id = i.party_id
      WHERE i.currency = :currency) s GROUP BY day),
sold AS (
  SELECT v.issued_on AS day,
    sum(CASE v.kind WHEN 'invoice' THEN v.total ELSE -v.total END) AS amount
  FROM invoice v JOIN parties p ON p.id = v.party_id WHERE v.currency = :currency
  GROUP BY v.issued_on)
SELECT to_char(m.month, 'YYYY-MM') AS name, d.debt, s.sold,
  m.month_end - m.sales_since + 1 AS days_counted,
  round(d.debt / nullif(s.sold, 0) * (m.month_end - m.sales_since + 1), 1) AS dso
FROM months m
CROSS JOIN LATERAL (SELECT coalesce(sum(amount), 0) AS debt FROM moved WHERE day <= m.month_end) d
CROSS JOIN LATERAL (SELECT coalesce(sum(amount), 0) AS sold FROM sold
  WHERE day BETWEEN m.sales_since AND m.month_end) s"""
    columns = [
        Column("name"),
        Column("debt", "money"),
        Column("sold", "money"),
        Column("days_counted", "days"),
        Column("dso", "days"),
    ]
    return Query(sql, columns, "name")


def to_documents(row: db.Row, asked: Asked) -> str | None:
    """A party's row leads to its open documents of that day, any other to its parties."""
    keep = {"on": asked.on.isoformat(), "currency": asked.currency}
    if asked.known_on:
        keep["known"] = asked.known_on.isoformat()
    if asked.by in ("", "party"):
        return "/office/reports/open-documents?" + urlencode(keep | {"party": row["code"]})
    field = {"owner": "owner", "segment": "segment", "branch": "branch"}[asked.by]
    if not row["code"]:
        return None
    return "/office/reports/aged-debt?" + urlencode(keep | {field: row["code"], "by": "party"})


def manager_to_parties(row: db.Row, asked: Asked) -> str | None:
    return to_documents(row, _with_by(asked, "owner"))


def to_document(row: db.Row, asked: Asked) -> str | None:  # noqa: ARG001
    if row["kind"] in ("invoice", "credit_note"):
        return f"/office/invoices/{row['document_id']}"
    return f"/office/payments/{row['document_id']}" if row["kind"] == "payment" else None


def to_delays(row: db.Row, asked: Asked) -> str | None:
    if asked.by == "document":
        return f"/office/invoices/{row['document_id']}"
    if asked.by not in ("", "party"):
        return None
    keep = {"since": asked.since.isoformat(), "until": asked.until.isoformat(), "by": "document"}
    return "/office/reports/payment-delays?" + urlencode(keep | {"party": row["code"]})


WHO = ("party", "segment", "owner", "branch", "currency")
REPORTS = (
    Report(
        "balances",
        "debt",
        "scale",
        ("on", "known", *WHO),
        balances,
        ("party", "owner", "segment", "branch"),
        ("name", "receivable"),
        to_documents,
    ),
    Report(
        "aged-debt",
        "debt",
        "report-money",
        ("on", "known", "buckets", *WHO),
        aged,
        ("party", "owner", "segment", "branch"),
        ("name", "debt"),
        to_documents,
    ),
    Report(
        "debt-by-manager",
        "debt",
        "users",
        ("on", "known", "buckets", *WHO),
        by_manager,
        (),
        ("name", "debt"),
        manager_to_parties,
    ),
    Report(
        "open-documents",
        "debt",
        "file-invoice",
        ("on", "known", *WHO),
        documents,
        drill=to_document,
    ),
    Report(
        "payment-delays",
        "debt",
        "clock",
        ("since", "until", "on", "known", *WHO),
        delays,
        ("party", "owner", "segment", "branch", "month", "document"),
        ("name", "weighted_delay"),
        to_delays,
    ),
    Report("dso", "debt", "trending-up", ("since", "until", *WHO), dso, chart=("name", "dso")),
)

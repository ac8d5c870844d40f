"""What became of what people let through: losses by approver (Z16)."""

from dilo.analytics.asked import Asked
from dilo.analytics.report import Column, Query, Report, money
from dilo.kit import db

DIMENSIONS = {
    "approver": ("v.decided_by::text", "d.name"),
    "branch": ("coalesce(v.branch, '')", "coalesce(v.branch, '—')"),
}
# Money still owed late or written off on invoices of the orders an override let through. An order
# let through twice is answered for once: by who said yes last.
LET_THROUGH = """
SELECT v.id, v.order_id, s.number, s.party_id, p.name AS party_name, p.branch, s.currency,
  v.decided_by, v.decided_at, v.amount, v.reason, v.state,
  CASE WHEN row_number() OVER (PARTITION BY v.order_id ORDER BY v.decided_at DESC, v.id DESC) = 1
    THEN v.order_id END AS answered_id
FROM credit_override v JOIN sales_order s ON s.id = v.order_id JOIN party p ON p.id = s.party_id
WHERE v.state IN ('approved', 'used') AND (:currency = '' OR s.currency = :currency)
  AND (:branch = '' OR p.branch = :branch)
  AND v.decided_at >= CAST(:since AS date)::timestamp AT TIME ZONE :zone
  AND v.decided_at < (CAST(:until AS date) + 1)::timestamp AT TIME ZONE :zone
"""
BECAME = """
SELECT sum(i.amount) AS invoiced, sum(i.open_amount) FILTER (WHERE i.due_on < :on) AS overdue,
  sum(w.amount) AS written_off
FROM invoice n JOIN open_item i ON i.document_id = n.id
LEFT JOIN LATERAL (SELECT sum(o.amount) AS amount FROM write_off o
  WHERE o.open_item_id = i.id AND o.state = 'posted') w ON true
WHERE n.order_id = v.answered_id AND n.kind = 'invoice'
"""
OUTCOMES = """
SELECT {key} AS code, {name} AS name, v.currency, count(*) AS approved, sum(v.amount) AS amount,
  coalesce(sum(x.invoiced), 0) AS invoiced, coalesce(sum(x.overdue), 0) AS overdue,
  coalesce(sum(x.written_off), 0) AS written_off,
  coalesce(sum(x.overdue), 0) + coalesce(sum(x.written_off), 0) AS at_loss
FROM ({let_through}) v JOIN identity d ON d.id = v.decided_by
LEFT JOIN LATERAL ({became}) x ON true
GROUP BY 1, 2, 3
"""
EACH = f"""
SELECT v.order_id, v.number, v.party_name, v.currency, v.amount, v.reason, v.decided_at,
  coalesce(x.overdue, 0) AS overdue, coalesce(x.written_off, 0) AS written_off
FROM ({LET_THROUGH}) v LEFT JOIN LATERAL ({BECAME}) x ON true
WHERE v.decided_by::text = :code ORDER BY v.decided_at DESC, v.id LIMIT :most
"""


async def outcomes(asked: Asked) -> Query:
    key, name = DIMENSIONS.get(asked.by, DIMENSIONS["approver"])
    columns = [
        Column("name"),
        Column("approved", "quantity", "sum(approved)"),
        money("amount"),
        money("invoiced"),
        money("overdue"),
        money("written_off"),
        money("at_loss"),
    ]
    sql = OUTCOMES.format(key=key, name=name, let_through=LET_THROUGH, became=BECAME)
    return Query(sql, columns, "at_loss DESC, amount DESC, name", {"zone": asked.zone})


async def let_through_by(code: str, asked: Asked, most: int) -> list[db.Row]:
    """One approver's, the latest first, each with what became of it."""
    values = asked.values | {"zone": asked.zone, "code": code, "most": most}
    return await db.rows(EACH, **{name: values[name] for name in db.names(EACH)})


BY_APPROVER = Report(
    "override-outcomes",
    "debt",
    "lock-open",
    ("since", "until", "on", "branch", "currency"),
    outcomes,
    by=tuple(DIMENSIONS),
    chart=("name", "at_loss"),
)
REPORTS = (BY_APPROVER,)

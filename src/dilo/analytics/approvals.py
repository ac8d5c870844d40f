"""What became of what people let through: losses by approver (Z16)."""

from dilo.analytics.asked import Asked
from dilo.analytics.report import Column, Query, Report, money

# Money still owed late or written off on invoices of the orders an override let through.
OUTCOMES = """
SELECT v.decided_by::text AS code, d.name, count(*) AS approved, sum(v.amount) AS amount,
  coalesce(sum(x.invoiced), 0) AS invoiced, coalesce(sum(x.overdue), 0) AS overdue,
  coalesce(sum(x.written_off), 0) AS written_off,
  coalesce(sum(x.overdue), 0) + coalesce(sum(x.written_off), 0) AS at_loss
FROM credit_override v JOIN identity d ON d.id = v.decided_by
LEFT JOIN LATERAL (
  SELECT sum(i.amount) AS invoiced, sum(i.open_amount) FILTER (WHERE i.due_on < :on) AS overdue,
    sum(w.amount) AS written_off
  FROM invoice n JOIN open_item i ON i.document_id = n.id
  LEFT JOIN LATERAL (SELECT sum(o.amount) AS amount FROM write_off o
    WHERE o.open_item_id = i.id AND o.state = 'posted') w ON true
  WHERE n.order_id = v.order_id AND n.kind = 'invoice') x ON true
WHERE v.state IN ('approved', 'used')
  AND v.decided_at >= :since AND v.decided_at < CAST(:until AS date) + 1
GROUP BY v.decided_by, d.name
"""


async def outcomes(asked: Asked) -> Query:  # noqa: ARG001 - the same for every question
    columns = [
        Column("name"),
        Column("approved", "quantity", "sum(approved)"),
        money("amount"),
        money("invoiced"),
        money("overdue"),
        money("written_off"),
        money("at_loss"),
    ]
    return Query(OUTCOMES, columns, "at_loss DESC, name")


REPORTS = (
    Report(
        "override-outcomes",
        "debt",
        "lock-open",
        ("since", "until", "on"),
        outcomes,
        chart=("name", "at_loss"),
    ),
)

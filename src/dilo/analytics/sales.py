"""Profitability of sales: revenue, cost, discounts, promotions and commission by whatever one
asks."""

from urllib.parse import urlencode

from dilo.analytics.asked import Asked
from dilo.analytics.debts import PARTY_OK, WHO
from dilo.analytics.report import Column, Query, Report, money
from dilo.kit import db

DIMENSIONS = {
    "party": ("p.code", "p.name"),
    "product": ("g.code", "g.name"),
    "category": ("coalesce(c.code, '')", "coalesce(c.name, '—')"),
    "owner": ("coalesce(o.id::text, '')", "coalesce(o.name, '—')"),
    "branch": ("coalesce(v.branch, '')", "coalesce(v.branch, '—')"),
    "business_line": ("coalesce(l.business_line, '')", "coalesce(l.business_line, '—')"),
    "segment": ("coalesce(p.segment, '')", "coalesce(p.segment, '—')"),
    "month": ("to_char(v.issued_on, 'YYYY-MM')", "to_char(v.issued_on, 'YYYY-MM')"),
    "document": ("v.number", "p.name"),
}
SIGN = "CASE v.kind WHEN 'invoice' THEN 1 ELSE -1 END"
# Discount is what the base list would have brought above the price; a promotion's part of it stands
# apart. Before promotions the revenue is what it would have been without them.
SOLD = """
SELECT {key} AS code, {name} AS name, sum({sign} * l.quantity) AS quantity,
  sum({sign} * ({revenue})) AS revenue,
  sum({sign} * (coalesce(l.list_amount, l.amount) - l.amount - l.promotion_amount)) AS discount,
  sum({sign} * l.promotion_amount) AS promotion,
  coalesce(sum({sign} * l.cost_amount), 0) AS cost,
  coalesce(sum({sign} * l.amount) FILTER (WHERE l.cost_amount IS NULL), 0) AS without_cost,
  sum({sign} * ({revenue} - coalesce(l.cost_amount, 0))) AS margin,
  coalesce(round(sum({sign} * l.amount * m.commission_percent / 100), 2), 0) AS commission{extra}
FROM invoice v JOIN invoice_line l ON l.invoice_id = v.id
JOIN party p ON p.id = v.party_id JOIN product g ON g.id = l.product_id
LEFT JOIN category c ON c.id = g.category_id
LEFT JOIN identity o ON o.id = p.owner_id LEFT JOIN membership m ON m.identity_id = p.owner_id
WHERE v.currency = :currency AND v.issued_on BETWEEN :since AND :until
  AND (:product = '' OR g.code = :product)
  AND (:business_line = '' OR l.business_line = :business_line) AND {party_ok}
GROUP BY 1, 2{extra}
"""


async def profitability(asked: Asked) -> Query:
    by = asked.by if asked.by in DIMENSIONS else "party"
    key, name = DIMENSIONS[by]
    sold = SOLD.format(
        key=key,
        name=name,
        sign=SIGN,
        revenue="l.amount" if asked.promotion else "l.amount + l.promotion_amount",
        extra=", v.id AS document_id" if by == "document" else "",
        party_ok=PARTY_OK.replace("p.branch = :branch", "v.branch = :branch"),
    ).replace("GROUP BY 1, 2, v.id AS document_id", "GROUP BY 1, 2, v.id")
    profit = "margin - commission" if asked.commission else "margin"
    sql = f"""
SELECT s.*, {profit} AS profit, {profit.replace("margin", "s.margin")} AS kept,
  s.margin / nullif(s.revenue, 0) AS margin_share
FROM ({sold}) s"""
    coded = by in ("party", "product", "document")
    columns = [
        *([Column("code")] if coded else []),
        Column("name"),
        Column("quantity", "quantity", "sum(quantity)"),
        money("revenue"),
        money("discount"),
        money("promotion"),
        money("cost"),
        money("margin"),
        Column("margin_share", "percent", "sum(margin) / nullif(sum(revenue), 0)"),
        *([money("commission"), money("profit")] if asked.commission else []),
        money("without_cost"),
    ]
    return Query(sql, columns, "code" if by == "month" else "revenue DESC, code")


def drill(row: db.Row, asked: Asked) -> str | None:
    """A row leads to its documents, a document to itself."""
    if asked.by == "document":
        return f"/office/invoices/{row['document_id']}"
    field = asked.by or "party"
    if field not in ("party", "product", "owner", "branch", "business_line", "segment"):
        return None
    keep = {
        "since": asked.since.isoformat(),
        "until": asked.until.isoformat(),
        "currency": asked.currency,
        "party": asked.party,
        "product": asked.product,
        "branch": asked.branch,
        "business_line": asked.business_line,
        "segment": asked.segment,
        "by": "document",
        field: row["code"],
    }
    kept = {name: value for name, value in keep.items() if value}
    return "/office/reports/profitability?" + urlencode(kept) if row["code"] else None


REPORTS = (
    Report(
        "profitability",
        "sales",
        "chart-bar",
        ("since", "until", *WHO, "business_line", "product", "promotion", "commission"),
        profitability,
        (
            "party",
            "product",
            "owner",
            "branch",
            "category",
            "business_line",
            "segment",
            "month",
            "document",
        ),
        ("name", "margin"),
        drill,
    ),
)

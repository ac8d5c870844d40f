"""Every invariant of the books as one SQL that returns the rows which break it.

Columns: ``subject`` (what kind of row), ``id``, ``found``, ``expected``. No row: it holds.
"""

from dataclasses import dataclass

from dilo.kit import db

ENTRIES_BALANCE = """
SELECT 'journal_entry' AS subject, entry_id::text AS id, sum(debit)::text AS found,
  sum(credit)::text AS expected
FROM journal_line GROUP BY entry_id HAVING sum(debit) <> sum(credit)
"""
ENTRIES_HAVE_LINES = """
SELECT 'journal_entry' AS subject, e.id::text, '0' AS found, '2 or more lines' AS expected
FROM journal_entry e
WHERE NOT EXISTS (SELECT 1 FROM journal_line l WHERE l.entry_id = e.id)
"""
LINES_FOLLOW_ENTRY = """
SELECT 'journal_line' AS subject, l.id::text, l.currency || ' ' || l.effective_on AS found,
  e.currency || ' ' || e.effective_on AS expected
FROM journal_line l JOIN journal_entry e ON e.id = l.entry_id
WHERE l.currency <> e.currency OR l.effective_on <> e.effective_on
"""
JOURNAL_GAPLESS = """
SELECT 'journal_entry' AS subject, max(number)::text AS id, count(*)::text AS found,
  max(number)::text AS expected
FROM journal_entry HAVING count(*) <> max(number)
"""
# Each seal is the hash of the one before it and of the entry as it stands now: a changed byte
# names its own entry, a seal that was taken out names the next one.
SEALS = """
SELECT 'journal_entry' AS subject, e.id::text, coalesce(encode(s.hash, 'hex'), 'no seal') AS found,
  encode(sha256(coalesce(s.before, ''::bytea) || convert_to(t.content, 'UTF8')), 'hex') AS expected
FROM journal_entry e
JOIN (SELECT l.entry_id, string_agg(line_text(l), E'\n' ORDER BY l.id) AS lines
      FROM journal_line l GROUP BY l.entry_id) x ON x.entry_id = e.id
CROSS JOIN LATERAL (SELECT entry_text(e) || E'\n' || x.lines AS content) t
LEFT JOIN (SELECT entry_id, hash, lag(hash) OVER (ORDER BY number) AS before FROM journal_seal) s
  ON s.entry_id = e.id
WHERE s.hash IS DISTINCT FROM
  sha256(coalesce(s.before, ''::bytea) || convert_to(t.content, 'UTF8'))
ORDER BY e.number
"""
OPEN_AMOUNTS = """
SELECT 'open_item' AS subject, i.id::text, i.open_amount::text AS found,
  (i.amount - coalesce(a.amount, 0))::text AS expected
FROM open_item i
LEFT JOIN (SELECT item_id, sum(amount) AS amount FROM (
    SELECT debit_item_id AS item_id, amount FROM allocation
    UNION ALL SELECT credit_item_id, amount FROM allocation) both_sides GROUP BY item_id) a
  ON a.item_id = i.id
WHERE i.open_amount <> i.amount - coalesce(a.amount, 0)
"""
BALANCES_OF_ITEMS = """
SELECT 'party_balance' AS subject, coalesce(b.party_id, s.party_id)::text AS id,
  coalesce(b.receivable, 0) || ' / ' || coalesce(b.credit, 0) AS found,
  coalesce(s.receivable, 0) || ' / ' || coalesce(s.credit, 0) AS expected
FROM party_balance b
FULL JOIN (
  SELECT party_id, currency, coalesce(sum(open_amount) FILTER (WHERE side = 'debit'), 0) AS
    receivable,
    coalesce(sum(open_amount) FILTER (WHERE side = 'credit'), 0) AS credit
  FROM open_item GROUP BY party_id, currency) s
  ON s.party_id = b.party_id AND s.currency = b.currency
WHERE coalesce(b.receivable, 0) <> coalesce(s.receivable, 0)
   OR coalesce(b.credit, 0) <> coalesce(s.credit, 0)
"""
BALANCES_OF_ORDERS = """
SELECT 'party_balance' AS subject, coalesce(b.party_id, s.party_id)::text AS id,
  coalesce(b.confirmed, 0) || ' / ' || coalesce(b.shipped, 0) AS found,
  coalesce(s.confirmed, 0) || ' / ' || coalesce(s.shipped, 0) AS expected
FROM party_balance b
FULL JOIN (
  SELECT party_id, currency,
    coalesce(sum(total - shipped_amount)
      FILTER (WHERE state IN ('confirmed', 'partially_shipped')), 0) AS confirmed,
    sum(shipped_amount - invoiced_amount) AS shipped
  FROM sales_order GROUP BY party_id, currency) s
  ON s.party_id = b.party_id AND s.currency = b.currency
WHERE coalesce(b.confirmed, 0) <> coalesce(s.confirmed, 0)
   OR coalesce(b.shipped, 0) <> coalesce(s.shipped, 0)
"""
LEDGER_AGREES = """
SELECT 'party' AS subject, coalesce(l.party_id, i.party_id)::text AS id,
  coalesce(l.amount, 0)::text AS found, coalesce(i.amount, 0)::text AS expected
FROM (SELECT party_id, currency, sum(debit - credit) AS amount FROM journal_line
      WHERE account = '1100' GROUP BY party_id, currency) l
FULL JOIN (
  SELECT party_id, currency, sum(CASE side WHEN 'debit' THEN amount ELSE -amount END) AS amount
  FROM open_item GROUP BY party_id, currency) i
  ON i.party_id = l.party_id AND i.currency = l.currency
WHERE coalesce(l.amount, 0) <> coalesce(i.amount, 0)
"""
PAYABLES_AGREE = """
SELECT 'party' AS subject, coalesce(l.party_id, b.party_id)::text AS id,
  coalesce(l.amount, 0)::text AS found, coalesce(b.amount, 0)::text AS expected
FROM (SELECT party_id, currency, sum(credit - debit) AS amount FROM journal_line
      WHERE account = '2000' GROUP BY party_id, currency) l
FULL JOIN (
  SELECT party_id, currency, sum(amount) AS amount FROM (
    SELECT party_id, currency, total AS amount FROM bill
    UNION ALL SELECT b.party_id, b.currency, -y.amount
      FROM bill_payment y JOIN bill b ON b.id = y.bill_id) s GROUP BY party_id, currency) b
  ON b.party_id = l.party_id AND b.currency = l.currency
WHERE coalesce(l.amount, 0) <> coalesce(b.amount, 0)
"""
BANK_LINES = """
SELECT 'bank_line' AS subject, l.id::text, l.amount::text AS found, p.amount::text AS expected
FROM bank_line l JOIN payment p ON p.id = l.payment_id
WHERE l.state = 'posted' AND l.amount <> coalesce(p.original_amount, p.amount)
"""
STOCK_ON_HAND = """
SELECT 'stock_level' AS subject, coalesce(s.product_id, m.product_id)::text AS id,
  coalesce(s.on_hand, 0)::text AS found, coalesce(m.quantity, 0)::text AS expected
FROM stock_level s
FULL JOIN (SELECT product_id, warehouse_id, sum(quantity) AS quantity FROM stock_move
           GROUP BY product_id, warehouse_id) m
  ON m.product_id = s.product_id AND m.warehouse_id = s.warehouse_id
WHERE coalesce(s.on_hand, 0) <> coalesce(m.quantity, 0)
"""
STOCK_RESERVED = """
SELECT 'stock_level' AS subject, coalesce(s.product_id, r.product_id)::text AS id,
  coalesce(s.reserved, 0)::text AS found, coalesce(r.quantity, 0)::text AS expected
FROM stock_level s
FULL JOIN (SELECT product_id, warehouse_id, sum(quantity) AS quantity FROM reservation
           GROUP BY product_id, warehouse_id) r
  ON r.product_id = s.product_id AND r.warehouse_id = s.warehouse_id
WHERE coalesce(s.reserved, 0) <> coalesce(r.quantity, 0)
"""
RESERVED_FOR_ORDERS = """
SELECT 'sales_order_line' AS subject, coalesce(w.id, r.source_id)::text AS id,
  coalesce(r.quantity, 0)::text AS found, coalesce(w.quantity, 0)::text AS expected
FROM (SELECT l.id, l.quantity - l.shipped_quantity AS quantity FROM sales_order_line l
      JOIN sales_order o ON o.id = l.order_id AND o.state IN ('confirmed', 'partially_shipped')
      JOIN product p ON p.id = l.product_id AND p.kind = 'goods'
      WHERE l.quantity > l.shipped_quantity) w
FULL JOIN (SELECT source_id, sum(quantity) AS quantity FROM (
    SELECT source_id, quantity FROM reservation
    UNION ALL SELECT source_id, quantity FROM back_order) held GROUP BY source_id) r
  ON r.source_id = w.id
WHERE coalesce(r.quantity, 0) <> coalesce(w.quantity, 0)
  AND (w.id IS NOT NULL OR NOT EXISTS (
    SELECT 1 FROM sales_order_line l JOIN sales_order o ON o.id = l.order_id
    WHERE l.id = r.source_id AND o.state = 'on_hold' AND l.quantity = r.quantity))
"""
PROMOTIONS_SPENT = """
SELECT 'promotion' AS subject, f.id::text, f.spent_amount::text AS found,
  coalesce(a.amount, 0)::text AS expected
FROM promotion f LEFT JOIN (
  SELECT promotion_id, sum(amount) AS amount FROM promotion_accrual GROUP BY promotion_id) a
  ON a.promotion_id = f.id
WHERE f.spent_amount <> coalesce(a.amount, 0)
"""
DISCOUNTS_ACCRUED = """
SELECT 'sales_order_line' AS subject, l.id::text, coalesce(a.amount, 0)::text AS found,
  l.price_source ->> 'given' AS expected
FROM sales_order_line l JOIN sales_order o ON o.id = l.order_id
  AND o.state NOT IN ('closed', 'cancelled')
LEFT JOIN (SELECT order_id, line_no, sum(amount) AS amount FROM promotion_accrual
           GROUP BY order_id, line_no) a ON a.order_id = l.order_id AND a.line_no = l.line_no
WHERE coalesce((l.price_source ->> 'given')::numeric, 0) <> coalesce(a.amount, 0)
"""
COUPONS_COUNTED = """
SELECT 'coupon' AS subject, c.id::text, c.uses::text AS found, coalesce(u.uses, 0)::text AS expected
FROM coupon c LEFT JOIN (SELECT coupon_id, count(*) AS uses FROM coupon_use
                         WHERE given_back_at IS NULL GROUP BY coupon_id) u ON u.coupon_id = c.id
WHERE c.uses <> coalesce(u.uses, 0)
"""
# Who waits, waits for goods of his own line, at his order's warehouse, by his own choice.
WAITING = """
SELECT 'back_order' AS subject, b.id::text,
  b.product_id || ' at ' || b.warehouse_id || ', ' || o.shortage AS found,
  l.product_id || ' at ' || o.warehouse_id || ', parts or together' AS expected
FROM back_order b JOIN sales_order_line l ON l.id = b.source_id
JOIN sales_order o ON o.id = l.order_id
WHERE b.product_id <> l.product_id OR b.warehouse_id <> o.warehouse_id
  OR o.shortage NOT IN ('parts', 'together')
"""
ORDER_TOTALS = """
SELECT 'sales_order' AS subject, o.id::text, o.total::text AS found,
  coalesce(sum(l.amount), 0)::text AS expected
FROM sales_order o LEFT JOIN sales_order_line l ON l.order_id = o.id
GROUP BY o.tenant_id, o.id HAVING o.total <> coalesce(sum(l.amount), 0)
"""
ORDER_SHIPPED = """
SELECT 'sales_order_line' AS subject, l.id::text, l.shipped_quantity::text AS found,
  coalesce(s.quantity, 0)::text AS expected
FROM sales_order_line l
LEFT JOIN (SELECT x.order_line_id, sum(x.quantity) AS quantity FROM shipment_line x
           JOIN shipment h ON h.id = x.shipment_id AND h.dispatched_on IS NOT NULL
           GROUP BY x.order_line_id) s ON s.order_line_id = l.id
WHERE l.shipped_quantity <> coalesce(s.quantity, 0)
"""
ORDERS_JUDGED = """
SELECT 'sales_order' AS subject, o.id::text, o.state AS found, 'a passed evaluation' AS expected
FROM sales_order o
WHERE o.state IN ('confirmed', 'partially_shipped', 'shipped')
  AND NOT EXISTS (SELECT 1 FROM evaluation e WHERE e.order_id = o.id AND e.passed)
"""
INVOICE_TOTALS = """
SELECT 'invoice' AS subject, v.id::text, v.total::text AS found,
  coalesce(sum(l.amount), 0)::text AS expected
FROM invoice v LEFT JOIN invoice_line l ON l.invoice_id = v.id
GROUP BY v.tenant_id, v.id HAVING v.total <> coalesce(sum(l.amount), 0)
"""
INVOICE_ITEMS = """
SELECT 'invoice' AS subject, v.id::text, coalesce(i.amount, 0)::text AS found,
  v.total::text AS expected
FROM invoice v LEFT JOIN open_item i ON i.document_id = v.id
WHERE coalesce(i.amount, 0) <> v.total
"""
INVOICES_GAPLESS = """
SELECT 'invoice' AS subject, max(v.number) AS id, count(*)::text AS found,
  max(substr(v.number, 5)::bigint)::text AS expected
FROM invoice v WHERE v.number ~ '^INV-[0-9]+$' AND v.import_id IS NULL
HAVING count(*) <> max(substr(v.number, 5)::bigint)
"""
BONUS_LIABILITY = """
SELECT 'party' AS subject, coalesce(l.party_id, b.party_id)::text AS id,
  coalesce(l.amount, 0)::text AS found, coalesce(b.amount, 0)::text AS expected
FROM (SELECT party_id, currency, sum(credit - debit) AS amount FROM journal_line
      WHERE account = '2200' GROUP BY party_id, currency) l
FULL JOIN (
  SELECT party_id, currency, sum(amount) AS amount FROM (
    SELECT party_id, currency, amount FROM bonus_accrual
    UNION ALL SELECT party_id, currency, -amount FROM bonus_payout) s
  GROUP BY party_id, currency) b ON b.party_id = l.party_id AND b.currency = l.currency
WHERE coalesce(l.amount, 0) <> coalesce(b.amount, 0)
"""
CARDS_AGREE = """
SELECT 'card_payment' AS subject, c.id::text, c.amount::text AS found,
  coalesce(y.original_amount, y.amount)::text AS expected
FROM card_payment c JOIN payment y ON y.id = c.payment_id
WHERE c.amount <> coalesce(y.original_amount, y.amount) OR y.party_id <> c.party_id
UNION ALL
SELECT 'card_refund', f.id::text, f.amount::text, coalesce(y.amount, 0)::text
FROM card_refund f LEFT JOIN payment y ON y.id = f.payment_id AND y.direction = 'out'
WHERE f.state IN ('posted', 'taken_back') AND f.amount IS DISTINCT FROM y.amount
UNION ALL
SELECT 'pay_request', r.id::text, r.amount::text, c.amount::text
FROM pay_request r JOIN card_payment c ON c.pay_request_id = r.id WHERE r.amount <> c.amount
"""
MESSAGES_HELD = """
SELECT 'outbox' AS subject, id::text, lease_until::text AS found, 'sent or tried again' AS expected
FROM outbox WHERE state = 'sending' AND lease_until < now() - interval '1 hour'
"""

INVARIANTS: dict[str, str] = {
    "entries-balance": ENTRIES_BALANCE,
    "entries-have-lines": ENTRIES_HAVE_LINES,
    "lines-follow-entry": LINES_FOLLOW_ENTRY,
    "journal-gapless": JOURNAL_GAPLESS,
    "seals": SEALS,
    "open-amounts": OPEN_AMOUNTS,
    "balances-of-items": BALANCES_OF_ITEMS,
    "balances-of-orders": BALANCES_OF_ORDERS,
    "ledger-agrees": LEDGER_AGREES,
    "payables-agree": PAYABLES_AGREE,
    "bank-lines": BANK_LINES,
    "stock-on-hand": STOCK_ON_HAND,
    "stock-reserved": STOCK_RESERVED,
    "reserved-for-orders": RESERVED_FOR_ORDERS,
    "promotions-spent": PROMOTIONS_SPENT,
    "discounts-accrued": DISCOUNTS_ACCRUED,
    "coupons-counted": COUPONS_COUNTED,
    "back-orders": WAITING,
    "order-totals": ORDER_TOTALS,
    "order-shipped": ORDER_SHIPPED,
    "orders-judged": ORDERS_JUDGED,
    "invoice-totals": INVOICE_TOTALS,
    "invoice-items": INVOICE_ITEMS,
    "invoices-gapless": INVOICES_GAPLESS,
    "bonus-liability": BONUS_LIABILITY,
    "cards-agree": CARDS_AGREE,
    "messages-held": MESSAGES_HELD,
}


@dataclass(frozen=True, slots=True)
class Broken:
    invariant: str
    subject: str
    id: str
    found: str
    expected: str


async def broken(most: int = 3) -> list[Broken]:
    """What does not add up in the tenant of this scope: up to ``most`` rows of each invariant."""
    faults: list[Broken] = []
    for name, sql in INVARIANTS.items():
        found = await db.rows(f"SELECT * FROM ({sql}) faults LIMIT :most", most=most)
        faults += [Broken(name, **row) for row in found]
    return faults

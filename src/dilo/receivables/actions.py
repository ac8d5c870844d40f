"""Posting invoices and credit notes, opening items, allocating. Figures follow by database
triggers."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from uuid import UUID

from dilo.kit import db
from dilo.kit.ids import uuid7
from dilo.kit.money import ZERO, round_money
from dilo.ledger.actions import (
    COST,
    INVENTORY,
    RECEIVABLE,
    RETURNS,
    SALES,
    Entry,
    Line,
    post_entries,
)

LOCK_BALANCE = """
SELECT receivable, credit, confirmed, shipped FROM party_balance
WHERE party_id = :party_id AND currency = :currency FOR UPDATE
"""
START_BALANCE = """
INSERT INTO party_balance (party_id, currency) VALUES (:party_id, :currency) ON CONFLICT DO NOTHING
"""
INVOICES = """
INSERT INTO invoice (id, number, kind, party_id, order_id, shipment_id, credits_invoice_id,
  issued_on, due_on, currency, total, entry_id, import_id, branch, original_currency,
  original_total)
SELECT * FROM unnest(:ids::uuid[], :numbers::text[], :kinds::text[], :parties::uuid[],
  :orders::uuid[], :shipments::uuid[], :credits::uuid[], :issued::date[], :due::date[],
  :currencies::text[], :totals::numeric[], :entries::uuid[], :imports::uuid[], :branches::text[],
  :original_currencies::text[], :original_totals::numeric[])
"""
# Goods sold by an order also remember what the base list asked, and what a promotion gave away.
INVOICE_LINES = """
INSERT INTO invoice_line (invoice_id, line_no, product_id, order_line_id, description, quantity,
  price, amount, business_line, cost_amount, list_amount, promotion_amount)
SELECT n.*, round(n.quantity * p.cost, 2), round(n.quantity * base.price, 2),
  CASE WHEN base.promoted THEN greatest(round(n.quantity * base.price, 2) - n.amount, 0)
    ELSE coalesce(round(base.given * n.quantity / base.ordered, 2), 0) END
FROM unnest(:invoices::uuid[], :line_nos::int[], :products::uuid[], :order_lines::uuid[],
  :descriptions::text[], :quantities::numeric[], :prices::numeric[], :amounts::numeric[],
  :business_lines::text[]) AS n(invoice_id, line_no, product_id, order_line_id, description,
  quantity, price, amount, business_line)
JOIN product p ON p.id = n.product_id
LEFT JOIN LATERAL (
  SELECT i.price, coalesce(w.is_promotion, false) AS promoted, o.quantity AS ordered,
    (o.price_source ->> 'given')::numeric AS given
  FROM invoice v JOIN sales_order_line o ON o.id = n.order_line_id
  JOIN price_list b ON b.currency = v.currency
  JOIN price_assignment a ON a.price_list_id = b.id AND a.scope = 'base'
  JOIN price_item i ON i.price_list_id = b.id AND i.product_id = n.product_id
  LEFT JOIN price_list w ON w.code = o.price_source ->> 'list'
  WHERE v.id = n.invoice_id AND n.order_line_id IS NOT NULL
  ORDER BY i.min_quantity LIMIT 1) base ON true
"""
OPEN_ITEMS = """
INSERT INTO open_item (id, party_id, kind, side, document_id, number, issued_on, due_on, currency,
  amount, open_amount, entry_id, original_currency, original_amount)
SELECT i, p, k, s, d, n, o, u, c, a, a, e, oc, oa FROM unnest(:ids::uuid[], :parties::uuid[],
  :kinds::text[], :sides::text[], :documents::uuid[], :numbers::text[], :issued::date[],
  :due::date[], :currencies::text[], :amounts::numeric[], :entries::uuid[],
  :original_currencies::text[], :original_amounts::numeric[])
  AS t(i, p, k, s, d, n, o, u, c, a, e, oc, oa)
"""
ALLOCATE = """
INSERT INTO allocation (debit_item_id, credit_item_id, amount, allocated_on, reverses_id)
SELECT * FROM unnest(:debits::uuid[], :credits::uuid[], :amounts::numeric[], :days::date[],
  :reversed::uuid[])
"""
PRODUCT_CUTS = """
SELECT p.id, c.business_line, p.cost FROM product p LEFT JOIN category c ON c.id = p.category_id
WHERE (c.business_line IS NOT NULL OR p.cost IS NOT NULL) AND p.id = ANY(:products)
"""
BRANCHES = "SELECT id, branch FROM party WHERE branch IS NOT NULL AND id = ANY(:parties)"
OF_ITEM = """
SELECT a.id, a.debit_item_id, a.credit_item_id, a.amount FROM allocation a
WHERE (a.debit_item_id = :item_id OR a.credit_item_id = :item_id) AND a.amount > 0
  AND NOT EXISTS (SELECT 1 FROM allocation r
                  WHERE r.tenant_id = a.tenant_id AND r.reverses_id = a.id)
"""


@dataclass(frozen=True, slots=True)
class Balance:
    """Running figures of one party in one currency, locked until the transaction ends."""

    receivable: Decimal = ZERO
    credit: Decimal = ZERO
    confirmed: Decimal = ZERO
    shipped: Decimal = ZERO


@dataclass(frozen=True, slots=True)
class DocumentLine:
    product_id: UUID
    quantity: Decimal
    price: Decimal
    amount: Decimal
    description: str | None = None
    order_line_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Document:
    """An invoice or a credit note about to be posted. ``total`` is the sum of its lines.

    ``original_*``: what the document says where its currency is not the balance's; the lines are in
    the balance's currency at the rate of the day. ``account``: what a credit note is charged to
    where it takes back no sale.
    """

    kind: str
    number: str
    party_id: UUID
    issued_on: date
    due_on: date
    currency: str
    lines: Sequence[DocumentLine]
    order_id: UUID | None = None
    shipment_id: UUID | None = None
    credits_invoice_id: UUID | None = None
    import_id: UUID | None = None
    original_currency: str | None = None
    original_total: Decimal | None = None
    account: str = RETURNS
    id: UUID = field(default_factory=uuid7)

    @property
    def total(self) -> Decimal:
        return sum((line.amount for line in self.lines), ZERO)


@dataclass(frozen=True, slots=True)
class NewItem:
    party_id: UUID
    kind: str
    side: str
    document_id: UUID
    number: str
    issued_on: date
    due_on: date
    currency: str
    amount: Decimal
    entry_id: UUID | None
    original_currency: str | None = None
    original_amount: Decimal | None = None
    id: UUID = field(default_factory=uuid7)


async def balance_of(party_id: UUID, currency: str) -> Balance:
    """Without the lock: for whoever only looks."""
    found = await db.one_or_none_as(
        Balance, LOCK_BALANCE.replace("FOR UPDATE", ""), party_id=party_id, currency=currency
    )
    return found or Balance(*[ZERO] * 4)


async def lock_balance(party_id: UUID, currency: str) -> Balance:
    """The one lock of a party: whoever changes its debt or its headroom takes it first."""
    found = await db.one_or_none_as(Balance, LOCK_BALANCE, party_id=party_id, currency=currency)
    if found is None:
        await db.execute(START_BALANCE, party_id=party_id, currency=currency)
        found = await db.one_as(Balance, LOCK_BALANCE, party_id=party_id, currency=currency)
    return found


async def post_documents(documents: Sequence[Document]) -> list[UUID]:
    """Posts journal entries, invoices, lines and open items: eight statements whatever the count.

    A document of total 0.00 has no entry and no open item. Returns the documents' ids.
    """
    cuts = await _cuts_of(documents)
    entries = {document.id: _entry_of(document, cuts) for document in documents if document.total}
    await post_entries(list(entries.values()))
    await _insert_invoices(documents, entries, cuts)
    await _insert_lines(documents, cuts)
    await post_items(
        [
            NewItem(
                document.party_id,
                document.kind,
                "debit" if document.kind == "invoice" else "credit",
                document.id,
                document.number,
                document.issued_on,
                document.due_on,
                document.currency,
                document.total,
                entries[document.id].id,
                document.original_currency,
                document.original_total,
            )
            for document in documents
            if document.total
        ]
    )
    return [document.id for document in documents]


@dataclass(frozen=True, slots=True)
class Cuts:
    """What figures are cut by: the party's branch, the business line of a product's category.
    And what a unit of a product costs, where it is known."""

    branches: dict[UUID, str]
    business_lines: dict[UUID, str]
    costs: dict[UUID, Decimal]


async def _cuts_of(documents: Sequence[Document]) -> Cuts:
    products = list({line.product_id for document in documents for line in document.lines})
    parties = list({document.party_id for document in documents})
    lines = await db.rows(PRODUCT_CUTS, products=products)
    branches = await db.rows(BRANCHES, parties=parties)
    return Cuts(
        {r["id"]: r["branch"] for r in branches},
        {r["id"]: r["business_line"] for r in lines if r["business_line"]},
        {r["id"]: r["cost"] for r in lines if r["cost"] is not None},
    )


def _entry_of(document: Document, cuts: Cuts) -> Entry:
    """Pairs of lines for each business line, so that every cut of the books balances: the sale, and
    the cost of what left the shelf (a credit note puts it back)."""
    sold = document.kind == "invoice"
    debit, credit = (RECEIVABLE, SALES) if sold else (document.account, RECEIVABLE)
    party_id, branch = document.party_id, cuts.branches.get(document.party_id)
    spent, shelf = (COST, INVENTORY) if sold else (INVENTORY, COST)
    amounts: dict[tuple[str, str, str | None], Decimal] = {}
    for line in document.lines:
        name = cuts.business_lines.get(line.product_id)
        cost = round_money(line.quantity * cuts.costs.get(line.product_id, ZERO))
        for sides, amount in (((debit, credit), line.amount), ((spent, shelf), cost)):
            key = (*sides, name)
            amounts[key] = amounts.get(key, ZERO) + amount
    pairs = [
        pair
        for (left, right, name), amount in amounts.items()
        for pair in _pair(left, right, amount, Line(left, ZERO, ZERO, party_id, branch, name))
    ]
    return Entry(
        document.kind,
        document.issued_on,
        document.currency,
        tuple(pairs),
        source_id=document.id,
        memo=document.number,
    )


def _pair(debit: str, credit: str, amount: Decimal, like: Line) -> list[Line]:
    """A negative part (a discount line) stands on the other sides."""
    if amount < 0:
        debit, credit, amount = credit, debit, -amount
    if not amount:
        return []
    return [
        replace(like, account=debit, debit=amount),
        replace(like, account=credit, credit=amount),
    ]


async def _insert_invoices(
    documents: Sequence[Document], entries: dict[UUID, Entry], cuts: Cuts
) -> None:
    await db.execute(
        INVOICES,
        ids=[document.id for document in documents],
        numbers=[document.number for document in documents],
        kinds=[document.kind for document in documents],
        parties=[document.party_id for document in documents],
        orders=[document.order_id for document in documents],
        shipments=[document.shipment_id for document in documents],
        credits=[document.credits_invoice_id for document in documents],
        issued=[document.issued_on for document in documents],
        due=[document.due_on for document in documents],
        currencies=[document.currency for document in documents],
        totals=[document.total for document in documents],
        entries=[entries[d.id].id if d.id in entries else None for d in documents],
        imports=[document.import_id for document in documents],
        branches=[cuts.branches.get(document.party_id) for document in documents],
        original_currencies=[document.original_currency for document in documents],
        original_totals=[document.original_total for document in documents],
    )


async def _insert_lines(documents: Sequence[Document], cuts: Cuts) -> None:
    lines = [(d.id, n, line) for d in documents for n, line in enumerate(d.lines, start=1)]
    await db.execute(
        INVOICE_LINES,
        invoices=[invoice_id for invoice_id, _, _ in lines],
        line_nos=[line_no for _, line_no, _ in lines],
        products=[line.product_id for _, _, line in lines],
        order_lines=[line.order_line_id for _, _, line in lines],
        descriptions=[line.description for _, _, line in lines],
        quantities=[line.quantity for _, _, line in lines],
        prices=[line.price for _, _, line in lines],
        amounts=[line.amount for _, _, line in lines],
        business_lines=[cuts.business_lines.get(line.product_id) for _, _, line in lines],
    )


async def post_items(items: Sequence[NewItem]) -> None:
    if not items:
        return
    await db.execute(
        OPEN_ITEMS,
        ids=[item.id for item in items],
        parties=[item.party_id for item in items],
        kinds=[item.kind for item in items],
        sides=[item.side for item in items],
        documents=[item.document_id for item in items],
        numbers=[item.number for item in items],
        issued=[item.issued_on for item in items],
        due=[item.due_on for item in items],
        currencies=[item.currency for item in items],
        amounts=[item.amount for item in items],
        entries=[item.entry_id for item in items],
        original_currencies=[item.original_currency for item in items],
        original_amounts=[item.original_amount for item in items],
    )


@dataclass(frozen=True, slots=True)
class Share:
    """Part of a credit spent on a debit. A reversal is negative and names what it reverses."""

    debit_item_id: UUID
    credit_item_id: UUID
    amount: Decimal
    reverses_id: UUID | None = None


async def allocate(shares: Sequence[Share], on: date) -> None:
    """One statement. The database refuses another party's item and more than is open."""
    if not shares:
        return
    await db.execute(
        ALLOCATE,
        debits=[share.debit_item_id for share in shares],
        credits=[share.credit_item_id for share in shares],
        amounts=[share.amount for share in shares],
        days=[on] * len(shares),
        reversed=[share.reverses_id for share in shares],
    )


async def undo_allocations_of(item_id: UUID, on: date) -> None:
    """Counter-rows for every allocation of the item that still stands."""
    standing = await db.rows(OF_ITEM, item_id=item_id)
    await allocate(
        [
            Share(row["debit_item_id"], row["credit_item_id"], -row["amount"], row["id"])
            for row in standing
        ],
        on,
    )

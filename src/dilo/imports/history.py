"""Sales history: lines of past invoices become posted documents.

One document per invoice number; numbers beginning with C are credit notes. Amount of a line is
quantity x price rounded half-even to 2 places. Lines without a customer go to one walk-in party per
country. Price <= 0 and quantity 0 are reported and skipped; a line that goes against its document
becomes a second document, ``N-R``, so that no amount is lost. Codes that are no goods (no five
digits
in front) are services; codes that differ only in case are one product. Due 30 days after the
invoice
where the party has no depth of its own.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from uuid import UUID

from dilo.catalogue.bulk import ensure_products, ids_of_codes
from dilo.imports.rows import Counts, Row
from dilo.kit import db
from dilo.kit.money import line_amount
from dilo.parties.bulk import ensure_parties, terms_of_codes
from dilo.receivables.actions import Document, DocumentLine, post_documents
from tenants.scope import current_tenant

GOODS = re.compile(r"^(\d{5}|DCGS)")
DAYS = 30
KNOWN = "SELECT number FROM invoice WHERE number = ANY(:numbers)"


@dataclass(frozen=True, slots=True)
class PastLine:
    code: str
    name: str
    quantity: Decimal
    price: Decimal


@dataclass(slots=True)
class Past:
    """A document of the past as its lines gather."""

    number: str
    customer: str
    country: str
    on: date
    credit: bool
    lines: list[PastLine] = field(default_factory=list)
    rows: int = 0


def gather(rows: Iterable[Row]) -> list[Past]:
    """Documents in the order of their first line, wherever their lines stand in the file."""
    found: dict[str, Past] = {}
    for row in rows:
        number, code = row.need("invoice"), row.need("code")
        quantity, price = row.number("quantity"), row.number("price")
        if not number or not code or quantity is None or price is None:
            if quantity is None and not row.text("quantity"):
                row.fault("quantity", "REQUIRED")
            if price is None and not row.text("price"):
                row.fault("price", "REQUIRED")
            continue
        if price <= 0:
            row.fault("price", "PRICE_NOT_POSITIVE")
            continue
        if quantity == 0:
            row.fault("quantity", "QUANTITY_ZERO")
            continue
        _add(
            found,
            row,
            number,
            PastLine(code.upper(), row.text("description") or code, quantity, price),
        )
    return list(found.values())


def _add(found: dict[str, Past], row: Row, number: str, line: PastLine) -> None:
    credit = number[:1] in "Cc"
    against = (line.quantity < 0) != credit
    key = f"{number}-R" if against else number
    past = found.get(key)
    if past is None:
        on = row.day("date")
        if on is None:
            return
        customer, country = row.text("customer", 60), row.text("country", 60) or "?"
        past = found[key] = Past(key, customer, country, on, credit != against)
    past.rows += 1
    past.lines.append(PastLine(line.code, line.name, abs(line.quantity), line.price))


def party_code(past: Past) -> tuple[str, str, str]:
    """(code, name, country) of who bought."""
    if past.customer:
        return past.customer, past.customer, past.country
    place = re.sub(r"[^A-Z0-9]+", "-", past.country.upper()).strip("-") or "UNKNOWN"
    return f"WALKIN-{place}", f"Walk-in, {past.country}", past.country


async def post_batch(batch: Sequence[Past], counts: Counts, import_id: UUID | None) -> None:
    """Posts what is not posted yet: running the same file again adds nothing."""
    known = {row["number"] for row in await db.rows(KNOWN, numbers=[p.number for p in batch])}
    fresh = [past for past in batch if past.number not in known]
    counts.unchanged += len(batch) - len(fresh)
    if not fresh:
        return
    currency = current_tenant().currency
    parties = {code: (code, name, country) for code, name, country in map(party_code, fresh)}
    await ensure_parties(list(parties.values()), currency)
    products: dict[str, tuple[str, str, str]] = {}
    for past in fresh:
        for line in past.lines:
            kind = "goods" if GOODS.match(line.code) else "service"
            products.setdefault(line.code, (line.code, line.name, kind))
    await ensure_products(list(products.values()))
    ids = await ids_of_codes(list(products))
    terms = await terms_of_codes(list(parties), DAYS)
    documents = [_document(past, terms[party_code(past)[0]], ids, import_id) for past in fresh]
    await post_documents(documents)
    counts.inserted += len(documents)


def _document(past: Past, owner: db.Row, ids: dict[str, UUID], import_id: UUID | None) -> Document:
    lines = [
        DocumentLine(
            ids[line.code],
            line.quantity,
            line.price,
            line_amount(line.quantity, line.price),
            line.name,
        )
        for line in past.lines
    ]
    due_on = past.on + timedelta(days=0 if past.credit else owner["days"])
    kind = "credit_note" if past.credit else "invoice"
    currency = current_tenant().currency
    return Document(
        kind, past.number, owner["id"], past.on, due_on, currency, lines, import_id=import_id
    )

"""A document an accountant writes by hand: an opening debt, a service, in any currency."""

from datetime import date
from decimal import Decimal
from typing import Annotated, Literal
from uuid import UUID

import msgspec

from dilo.kit import db
from dilo.kit.errors import Refusal
from dilo.kit.money import AMOUNT_MAX, round_money
from dilo.receivables.actions import Document, DocumentLine, lock_balance, post_documents
from dilo.receivables.exchange import rate_of
from tenants import audit
from tenants.actors import Actor
from tenants.numbering import next_number
from tenants.scope import current_tenant

PARTY = "SELECT currency FROM party WHERE id = :id"
SERVICES = """
SELECT id, code, name FROM product WHERE kind = 'service' AND retired_at IS NULL ORDER BY name
LIMIT 200
"""
IS_SERVICE = "SELECT 1 FROM product WHERE id = :id AND kind = 'service'"
POSTED = "SELECT id FROM invoice WHERE id = :id"
SERIES = {"invoice": ("invoice", "INV"), "credit_note": ("credit_note", "CN")}


class InvoiceForm(msgspec.Struct):
    """``key`` is the document's id, made with the form: sent twice, posted once."""

    party: UUID
    product: UUID
    amount: Decimal
    issued_on: date
    due_on: date
    key: UUID
    kind: Literal["invoice", "credit_note"] = "invoice"
    currency: str | None = None
    description: Annotated[str, msgspec.Meta(max_length=300)] | None = None


async def services() -> list[db.Row]:
    return await db.rows(SERVICES)


async def write_invoice(actor: Actor, form: InvoiceForm) -> UUID:
    """Posts one line of a service. A foreign amount is carried at the rate of its day.

    Raises FORBIDDEN, NOT_FOUND, AMOUNT_BAD, FUTURE_DATE, DATES_BAD, RATE_MISSING, PERIOD_CLOSED.
    """
    actor.require("invoices.post")
    amount = form.amount
    if not amount.is_finite() or not 0 < amount <= AMOUNT_MAX or amount != round(amount, 2):
        raise Refusal("AMOUNT_BAD", status=422)
    if form.issued_on > current_tenant().today():
        raise Refusal("FUTURE_DATE", status=422)
    if form.due_on < form.issued_on:
        raise Refusal("DATES_BAD", status=422)
    await db.one(IS_SERVICE, id=form.product)
    balance = (await db.one(PARTY, id=form.party))["currency"]
    currency = (form.currency or balance).strip().upper()[:3]
    worth = round_money(amount * await rate_of(currency, balance, form.issued_on))
    await lock_balance(form.party, balance)
    if await db.value(POSTED, id=form.key):
        return form.key
    document = Document(
        form.kind,
        await next_number(
            *(("invoice", "INV") if form.kind == "invoice" else ("credit_note", "CN"))
        ),
        form.party,
        form.issued_on,
        form.due_on,
        balance,
        [DocumentLine(form.product, Decimal(1), worth, worth, form.description)],
        original_currency=currency if currency != balance else None,
        original_total=amount if currency != balance else None,
        id=form.key,
    )
    await post_documents([document])
    await audit.note(
        actor, "invoices.post", "invoice", document.id, after={"number": document.number}
    )
    return document.id

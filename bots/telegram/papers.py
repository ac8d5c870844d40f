"""Papers sent in a chat: made as the message leaves, for the party the button was shown about."""

from datetime import date
from typing import Any
from uuid import UUID

from bots.telegram.replies import Attachment, attach_with
from dilo.analytics import statements
from dilo.analytics.statements import StatementForm
from dilo.receivables import papers, queries
from tenants.actors import SYSTEM
from tenants.scope import current_tenant

MONTHS = 3


def statement_of(party_id: UUID, asked_by: str) -> Attachment:
    return Attachment("statement", {"party_id": str(party_id), "by": asked_by})


def invoice_of(invoice_id: UUID) -> Attachment:
    return Attachment("invoice", {"invoice_id": str(invoice_id)})


async def _statement(about: dict[str, Any]) -> dict[str, Any]:
    today = current_tenant().today()
    form = StatementForm(_months_before(today, MONTHS), today)
    issued = await statements.issue(SYSTEM, UUID(about["party_id"]), form)
    made = await statements.as_pdf(await statements.issued(issued))
    return {"name": made.name, "body": made.body}


def _months_before(day: date, months: int) -> date:
    number = day.year * 12 + day.month - 1 - months
    return date(number // 12, number % 12 + 1, 1)


async def _invoice(about: dict[str, Any]) -> dict[str, Any]:
    invoice = await queries.invoice(UUID(about["invoice_id"]))
    plain = "".join(c for c in invoice.number if c.isascii() and (c.isalnum() or c in "-_."))
    return {"name": f"{plain}.pdf", "body": await papers.invoice_pdf(invoice)}


attach_with("statement", _statement)
attach_with("invoice", _invoice)
